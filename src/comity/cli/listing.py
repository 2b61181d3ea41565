"""`comity list`: what there is to see and to play: episodes, runs and tasks."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Column, Table
from rich.text import Text

from comity.agents.briefing import printable
from comity.cli.choose import open_store, store_url
from comity.cli.output import console, print_json, told
from comity.library import load_library, starter
from comity.library.sets import tasks_of
from comity.store import EpisodeSummary, RunSummary, Store, TaskSummary

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("list")(listing)


def listing(
    what: Annotated[str, typer.Argument(help="episodes, runs or tasks.")] = "episodes",
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest episodes first.")] = 50,
    run: Annotated[str | None, typer.Option(help="Only the episodes of this run.")] = None,
    library: Annotated[Path | None, typer.Option(help="A folder of your own characters and scenarios.")] = None,
    of_set: Annotated[
        str | None, typer.Option("--set", help="Only this task set of the library; see `comity library sets`.")
    ] = None,
    store: Annotated[
        str | None, typer.Option(help="Where episodes are kept; else COMITY_STORE, else ./comity.db.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """List the episodes or runs in the store, or the tasks of the library and the store."""
    with open_store(store) as opened:
        if what == "episodes":
            _episodes(opened, limit, run, store_url(store), as_json=as_json)
        elif what == "runs":
            _runs(opened, store_url(store), as_json=as_json)
        elif what == "tasks":
            _tasks(_listed_tasks(opened, library, of_set), limit, as_json=as_json)
        else:
            raise typer.BadParameter(f"there are episodes, runs and tasks, not {what!r}")


def _episodes(store: Store, limit: int, run: str | None, url: str, *, as_json: bool) -> None:
    if run is not None:
        store.run(run)  # a name that is not there is said, with those that are
    found = store.episodes(limit=limit, run=run)
    if as_json:
        print_json([_plain(summary) for summary in found])
    elif not found:
        told(f"No episodes in {url} yet. Play one: comity simulate")
    else:
        _table(("episode", "scenario", "who", "played by", "turns", "state", "cards"), [_row(e) for e in found])


def _row(e: EpisodeSummary) -> tuple[str, ...]:
    who, models = " and ".join(e.names.values()), dict.fromkeys(map(_short, e.models.values()))
    return (e.id[:8], e.title or e.task, who, ",\n".join(models), str(e.turns), _state(e), str(e.scorecards))


def _short(model: str | None) -> str:
    """A model's name without the address of its server; a person and a script have none."""
    if model is None:
        return "no model"
    address, _, fragment = model.partition("#")
    return fragment.partition("&")[0] or address


def _state(episode: EpisodeSummary) -> str:
    if episode.damage:
        return f"damaged: {episode.damage}"
    ended = episode.outcome or episode.end
    return ended.replace("_", " ") if ended else episode.status


def _runs(store: Store, url: str, *, as_json: bool) -> None:
    found = store.runs()
    if as_json:
        print_json([asdict(each) | {"created_at": each.created_at and each.created_at.isoformat()} for each in found])
    elif not found:
        told(f"No runs in {url} yet. Begin one: comity run PLAN.toml")
    else:
        columns = ("run", "episodes", "finished", "failed", "stopped", "cards", "calls", "tokens", "cost")
        _table(columns, [_run_row(each) for each in found])


def _run_row(run: RunSummary) -> tuple[str, ...]:
    counts = (run.episodes, run.finished, run.failed, run.interrupted, run.scorecards, run.calls, run.tokens)
    cost = f"${run.cost:,.2f}" + (f" and {run.unpriced:,} calls of unknown price" if run.unpriced else "")
    return (run.id, *(f"{count:,}" for count in counts), cost)


def _listed_tasks(store: Store, library: Path | None, of_set: str | None) -> list[TaskSummary]:
    if of_set is not None and library is not None:
        raise typer.BadParameter("--set names a task set of the shipped library; leave --library out")
    own = tasks_of(of_set) if of_set else (load_library(library) if library else starter()).tasks
    found = [TaskSummary(task.id, task.scenario.id, task.scenario.title, task.names) for task in own]
    return found if of_set else found + list(store.tasks())


def _tasks(found: Sequence[TaskSummary], limit: int, *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(summary) for summary in found])
        return
    _table(("task", "scenario", "who"), [(t.id, t.title, " and ".join(t.names.values())) for t in found[:limit]])
    if len(found) > limit:
        told(f"{len(found) - limit} more; see them with --limit {len(found)}", style="dim")


def _plain(summary: EpisodeSummary) -> dict[str, object]:
    started = summary.started_at.isoformat() if summary.started_at else None
    why = summary.interrupted.model_dump() if summary.interrupted else None
    return asdict(summary) | {"started_at": started, "interrupted": why}


def _table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    # an id is of use only whole, a number too; a model's name without its end is another's
    made = [Column(name, overflow="fold", no_wrap=name in ("episode", "task", "turns", "cards")) for name in columns]
    table = Table(*made, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console.print(table)
