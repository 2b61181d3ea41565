"""`comity export jsonl`, `parquet` and `chat`: stored episodes for analysis and training, one at a time."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from comity.cli.choose import open_store
from comity.cli.counting import counted
from comity.cli.exchange import report
from comity.interop.chat_examples import write_chat_examples
from comity.interop.jsonl import write_jsonl
from comity.interop.kept import ExportFailed, Kept, Written
from comity.interop.parquet import tables_of, write_parquet
from comity.interop.remarks import Report
from comity.store import Store
from comity.store.errors import Damaged
from comity.world.episodes import Unplayable

__all__ = ["add_to"]

_Out = Annotated[Path, typer.Option(help="The file to write; one that is there is replaced.")]
_Ids = Annotated[
    list[str] | None, typer.Argument(help="Episodes by id, its beginning, or `last`; else all that there are.")
]
_Run = Annotated[str | None, typer.Option(help="Only the episodes of this run.")]
_Where = Annotated[
    str | None, typer.Option("--store", help="Where episodes are kept; else COMITY_STORE, else ./comity.db.")
]
_HeldOut = Annotated[
    bool,
    typer.Option(
        "--held-out", help="Also what was played by and against held-out partners; for analysis, not training."
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
_Write = Callable[[Iterable[Kept], Store, Report], Written]


def add_to(group: typer.Typer) -> None:
    """Add the commands to those of `comity export`."""
    group.command("jsonl")(jsonl)
    group.command("parquet")(parquet)
    group.command("chat")(chat)


def jsonl(out: _Out, episodes: _Ids = None, run: _Run = None, store: _Where = None, as_json: _Json = False) -> None:
    """Export whole episodes with outcomes and scorecards, one a line."""
    _export(lambda kept, opened, found: write_jsonl(kept, out), f"{out}", episodes, run, store, as_json)


def parquet(out: _Out, episodes: _Ids = None, run: _Run = None, store: _Where = None, as_json: _Json = False) -> None:
    """Export flat tables of seats, events and scores."""

    def write(kept: Iterable[Kept], opened: Store, found: Report) -> Written:
        rubrics = opened.rubrics()
        return write_parquet(kept, out, [*dict.fromkeys(d.id for rubric in rubrics for d in rubric.dimensions)])

    _export(write, ", ".join(map(str, tables_of(out).values())), episodes, run, store, as_json)


def chat(
    out: _Out,
    episodes: _Ids = None,
    run: _Run = None,
    store: _Where = None,
    held_out: _HeldOut = False,
    as_json: _Json = False,
) -> None:
    """Export a training example for each action of each seat, one a line: the prompt as its seat saw it, and the reply."""

    def write(kept: Iterable[Kept], opened: Store, found: Report) -> Written:
        return write_chat_examples(kept, out, found, held_out=held_out)

    _export(write, f"{out}", episodes, run, store, as_json)


def _export(
    write: _Write, where: str, ids: list[str] | None, run: str | None, store: str | None, as_json: bool
) -> None:
    if ids and run is not None:
        raise typer.BadParameter("name episodes or a run, not both")
    found = Report()
    with open_store(store) as opened:
        wanted = [opened.episode(each).id for each in ids] if ids else opened.episode_ids(run=run)
        if not wanted:
            raise ExportFailed("there is nothing to export: no episode has begun there yet")
        kept = _kept(opened, counted(wanted, "episodes", total=len(wanted)), found)
        written = write(kept, opened, found)
    counts: dict[str, object] = {**written.rows}
    if as_json:
        counts["licences"] = dict(written.licences)
    report(f"Exported to {where}", counts, found.remarks, found.problems, as_json=as_json, hint=_licences(written))


def _kept(store: Store, ids: Iterable[str], found: Report) -> Iterator[Kept]:
    for id_ in ids:
        try:
            yield Kept(store.episode(id_), store.outcome(id_), store.scorecards(id_))
        except (Damaged, Unplayable) as error:
            found.problem(f"episode {id_}", str(error))


def _licences(written: Written) -> str:
    """What is under which licence; a warning where that is not one and the same, or not known."""
    told = [f"{count:,} under {licence or 'no licence that is known'}" for licence, count in written.licences.items()]
    mixed = "; keep them apart, or keep to all of them" if len(told) > 1 else ""
    return f"Licences of the episodes: {', '.join(told)}{mixed}." if told else ""
