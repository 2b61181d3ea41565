"""`comity train`: everything a training plan says, or one stage of it; the same command goes on where it was stopped."""

import shlex
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from comity.cli.choose import open_store
from comity.cli.output import console, print_json, program, told
from comity.cli.watching import watching
from comity.store import Store
from comity.train.work import TrainError

if TYPE_CHECKING:
    from comity.train.fit import Progress
    from comity.train.told import Told

__all__ = ["add_to"]

_NEEDED = ("numpy", "scipy", "torch", "transformers", "peft", "trl", "llguidance")
_A_LINE_EVERY = 15.0
"""Seconds between two lines of a fit."""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("train")(train)


def train(
    plan: Annotated[Path, typer.Argument(help="A training plan's TOML file.")],
    into: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where everything goes that is made; the plan's name unless given."),
    ] = None,
    stages: Annotated[
        str | None,
        typer.Option(
            help="Only these of tasks, collect, filter, examples, fit, evaluate, separated by commas; what else they need must be done."
        ),
    ] = None,
    split: Annotated[
        Literal["dev", "test"],
        typer.Option(help="What policies are evaluated on: dev to tune, test once nothing changes any more."),
    ] = "test",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and stop.")] = False,
    store: Annotated[
        str | None, typer.Option(help="Where episodes are kept; else COMITY_STORE, else ./comity.db.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON and nothing else.")] = False,
) -> None:
    """Learn by interaction, after SOTOPIA-π: collect episodes from an expert and from the policy itself, keep the good ones, fit, evaluate."""
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise TrainError(f"{', '.join(missing)} cannot be found; training needs the extra: pip install 'comity[train]'")
    from comity.train.errors import MENDABLE

    wishes = _Wishes(plan, into, _stages(stages), split, as_json)
    try:
        with open_store(store) as opened:
            _plan_told(wishes, opened) if dry_run else _trained(wishes, opened)
    except MENDABLE as error:
        raise TrainError(str(error)) from error


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What the user typed."""

    plan: Path
    into: Path | None
    stages: tuple[str, ...]
    split: Literal["dev", "test"]
    as_json: bool


def _stages(said: str | None) -> tuple[str, ...]:
    from comity.train.work import STAGES

    wanted = tuple(each.strip() for each in said.split(",")) if said else STAGES
    if unknown := [each for each in wanted if each not in STAGES]:
        raise typer.BadParameter(
            f"there is no stage {unknown[0]!r}; there are: {', '.join(STAGES)}", param_hint="--stages"
        )
    return wanted


def _plan_told(wishes: _Wishes, store: Store) -> None:
    from comity.train.plan import load_train_plan
    from comity.train.playing import Playground
    from comity.train.preflight import preflight
    from comity.train.tasks import choose_tasks
    from comity.train.told import told_plan
    from comity.train.work import Work

    read = load_train_plan(wishes.plan)
    preflight(Playground(read, store, wishes.plan.parent), wishes.split)
    with TemporaryDirectory() as nowhere:
        chosen = choose_tasks(read, Work(Path(nowhere), note=lambda line: None), store, wishes.plan.parent)
    if wishes.as_json:
        counts = {name: len(of.tasks) for name, of in chosen.items()}
        print_json({"plan": read.model_dump(mode="json"), "tasks": counts})
        return
    for line in told_plan(read, chosen):
        told(line)


def _trained(wishes: _Wishes, store: Store) -> None:
    from comity.train.cards import write_cards
    from comity.train.loop import train
    from comity.train.plan import load_train_plan
    from comity.train.record import write_record
    from comity.train.told import told_results
    from comity.train.work import Work

    if not wishes.as_json:
        _plan_told(wishes, store)
    read, quiet = load_train_plan(wishes.plan), wishes.as_json
    folder = wishes.into or Path(read.name)
    work = Work(folder, stages=wishes.stages, note=(lambda line: None) if quiet else told)
    fitting = _Fitting(quiet=quiet).hear
    base, watch = wishes.plan.parent, None if quiet else watching
    with work.held():
        trained = train(read, work, store, base, split=wishes.split, watch=watch, fitting=fitting)
        record, path = write_record(trained, folder)
        if path is not None and wishes.split == "test":
            write_cards(trained, record)
    if quiet:
        print_json(record)
        return
    for table in told_results(record):
        if not any(table.title.endswith(f"minus {name}") for name in read.test.reference):  # those are in the record
            console.print(_drawn(table))
    where = f"The record is {path}." if path else "There is no record yet: not everything is done."
    told(f"{where} Go on or do it again, which does nothing twice: {shlex.join([program(), *sys.argv[1:]])}")


class _Fitting:
    """Shows how a fit stands: a line now and then, with the time that is left."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet, self._last = quiet, 0.0

    def hear(self, progress: "Progress") -> None:
        if not self._quiet and (progress.step == progress.steps or time.monotonic() - self._last > _A_LINE_EVERY):
            self._last = time.monotonic()
            told(f"  {_line(progress)}")


def _line(progress: "Progress") -> str:
    if progress.loss is None:
        return progress.remark
    loss, left = progress.loss, progress.steps - progress.step
    dev = f", on dev {loss.dev_loss:.3f}" if loss.dev_loss is not None else ""
    return (
        f"step {progress.step:,} of {progress.steps:,}: loss {loss.loss:.3f}{dev}; {loss.tokens / max(loss.seconds, 0.001):,.0f} tokens/s, "
        f"about {left * loss.seconds / max(1, progress.step):,.0f} s left"
    )


def _drawn(table: "Told") -> Table:
    drawn = Table(title=table.title, title_justify="left")
    for at, column in enumerate(table.columns):
        drawn.add_column(column, overflow="fold", no_wrap=at == 0)
    for row in table.rows:
        drawn.add_row(*row)
    return drawn
