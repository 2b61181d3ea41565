"""`comity import deal-or-no-deal`, `casino` and `persuasion-for-good`: people's talks into the store, as episodes with outcomes."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated, TextIO

import typer

from comity.cli.choose import open_store, store_url
from comity.cli.counting import counted
from comity.cli.exchange import report
from comity.interop.casino import read_casino
from comity.interop.corpora import HumanEpisode
from comity.interop.deal_or_no_deal import read_deal_or_no_deal
from comity.interop.persuasion_for_good import read_persuasion_for_good
from comity.interop.remarks import Report
from comity.store import Store
from comity.store.errors import Conflict, Damaged
from comity.world.episodes import Episode

__all__ = ["add_to"]

_Place = Annotated[Path, typer.Argument(help="The corpus' folder, or one of its files.")]
_Notes = Annotated[
    Path | None,
    typer.Option(help="A file for what the corpus says besides: of each other, of tactics; one JSON object a line."),
]
_Where = Annotated[
    str | None, typer.Option("--store", help="Where episodes are kept; else COMITY_STORE, else ./comity.db.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
_Reader = Callable[[Path, Report], Iterator[HumanEpisode]]

_TOGETHER = 100
"""So many talks are looked up in the store at once."""


def add_to(group: typer.Typer) -> None:
    """Add the commands to those of `comity import`."""
    group.command("deal-or-no-deal")(deal_or_no_deal)
    group.command("casino")(casino)
    group.command("persuasion-for-good")(persuasion_for_good)


def deal_or_no_deal(path: _Place, store: _Where = None, as_json: _Json = False) -> None:
    """Import talks about books, hats and balls (CC-BY-NC-4.0; MIT from CoCoA)."""
    _import(read_deal_or_no_deal, path, None, store, as_json)


def casino(path: _Place, annotations: _Notes = None, store: _Where = None, as_json: _Json = False) -> None:
    """Import CaSiNo's talks about food, water and firewood (CC-BY-4.0)."""
    _import(read_casino, path, annotations, store, as_json)


def persuasion_for_good(
    path: Annotated[Path, typer.Argument(help="The folder that holds full_dialog.csv and full_info.csv.")],
    annotations: _Notes = None,
    store: _Where = None,
    as_json: _Json = False,
) -> None:
    """Import Persuasion for Good's talks about a gift (Apache-2.0)."""
    _import(read_persuasion_for_good, path, annotations, store, as_json)


@dataclass
class _Kept:
    """What was done so far."""

    report: Report = field(default_factory=Report)
    new: int = 0
    there: int = 0
    annotations: int = 0


def _import(read: _Reader, path: Path, annotations: Path | None, store: str | None, as_json: bool) -> None:
    kept = _Kept()
    with open_store(store) as opened, _opened(annotations) as file:
        _keep(opened, counted(read(path, kept.report), "episodes"), kept, file)
    counts = {"episodes": kept.new}
    counts |= {"episodes already there": kept.there} if kept.there else {}
    counts |= {"annotations": kept.annotations} if annotations else {}
    report(
        f"Imported into {store_url(store)}",
        counts,
        kept.report.remarks,
        kept.report.problems,
        as_json=as_json,
        hint="See them: comity list episodes" if kept.new else "",
    )


def _opened(path: Path | None) -> AbstractContextManager[TextIO | None]:
    """The file to write to. Raises `BadParameter`."""
    try:
        return path.open("w", encoding="utf-8", newline="") if path else nullcontext()
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be written ({error.strerror}); choose another file") from None


def _keep(store: Store, talks: Iterable[HumanEpisode], kept: _Kept, file: TextIO | None) -> None:
    """Store what is not there yet. What is there and is the same is left alone; what is there and differs is a problem."""
    waiting = iter(talks)
    while some := list(islice(waiting, _TOGETHER)):
        known = {each.episode for each in store.standing_of([told.episode.id for told in some])}
        for told in some:
            if why := _refused(store, told.episode, known, kept):
                kept.report.problem(told.where, why)
            else:
                kept.annotations += _write(told, file)


def _refused(store: Store, episode: Episode, known: set[str], kept: _Kept) -> str:
    """Why an episode is not stored; empty where it is, now or before."""
    try:
        if episode.id not in known:
            store.begin(episode)
            known.add(episode.id)
            kept.new += 1
        elif _timeless(store.episode(episode.id)) == _timeless(episode):
            kept.there += 1
        else:
            return f"episode {episode.id} is in the store already and is another; remove one, or give it another id"
    except (Conflict, Damaged) as error:
        return str(error)
    return ""


def _write(told: HumanEpisode, file: TextIO | None) -> int:
    if file is not None:
        file.writelines(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in told.annotations)
    return len(told.annotations)


def _timeless(episode: Episode) -> dict[str, object]:
    """An episode without the times, which are those of the import where the corpus does not tell them."""
    return episode.model_dump(exclude={"started_at", "finished_at"})
