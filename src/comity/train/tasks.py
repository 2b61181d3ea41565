"""Stage 1, tasks: what is learned from, tuned on and tested on, made or found, and held apart by the guard.

Fresh games are written as a library's folder, so that a reader can look at them and `comity run` can play them. A game of a later split
that repeats one of an earlier is passed over for the next that is drawn. Scenarios that a model writes are made beforehand, with
`comity generate scenarios`, and reviewed; the plan names their folder as a source.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from comity.generate.cast_files import write_cast
from comity.library import load_library
from comity.library.fresh import fresh_within, fresh_worlds
from comity.run.plan import PlanError, TaskSet
from comity.run.tasks import tasks_of
from comity.store import Store
from comity.train.guard import game_of, guard
from comity.train.plan import Split, TrainPlan
from comity.train.work import Json, Work
from comity.world.record import content_hash
from comity.world.scenarios import Scenario
from comity.world.tasks import Task

__all__ = ["Chosen", "choose_tasks"]

_GAMES = "games"
"""The library's folder in the stage's own."""
_DRAWS, _MORE = 2, 16
"""So many times as many games are drawn as are wanted, and some more, to find those that repeat no other."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The tasks of a split, and how a run's plan names them."""

    tasks: tuple[Task, ...]
    named: TaskSet

    @property
    def hashes(self) -> dict[str, str]:
        """By task, the hash of its content."""
        return {task.id: content_hash(task) for task in self.tasks}


def choose_tasks(plan: TrainPlan, work: Work, store: Store, base: Path) -> dict[str, Chosen]:
    """The tasks of every split, by its name. Raises `PlanError`, and `Overlap` where two splits share what they must not.

    Args:
        work: where fresh games are written.
        base: the folder from which the plan's relative sources are seen.
    """
    splits = {name: split for name in ("train", "dev", "test") if (split := getattr(plan.tasks, name)) is not None}
    known: set[str] = set()
    found: dict[str, Chosen] = {}
    for name, split in splits.items():
        found[name] = _fresh(name, split, work, known) if split.fresh else _there(split, store, base)
        known |= {game for task in found[name].tasks if (game := game_of(task.scenario))}
    guard(plan, {name: chosen.tasks for name, chosen in found.items()})
    return found


def _there(split: Split, store: Store, base: Path) -> Chosen:
    named = TaskSet.model_validate(split.model_dump(include=set(TaskSet.model_fields)))
    source = named.source if named.source in ("library", "store") else str((base / named.source).resolve())
    named = named.model_copy(update={"source": source})
    return Chosen(tasks_of(named, store, base), named)


def _fresh(name: str, split: Split, work: Work, known: set[str]) -> Chosen:
    def make(folder: Path) -> Json:
        drawn = [each for kind, wanted in split.fresh.items() for each in _new(name, kind, wanted, split, known)]
        ids = write_cast(folder / _GAMES, drawn, casts=split.casts, seed=split.seed)
        return {"tasks": cast("JsonValue", list(ids))}

    inputs: dict[str, JsonValue] = {"split": split.model_dump(mode="json"), "others": cast("JsonValue", sorted(known))}
    done = work.stage("tasks", name, inputs, make)
    source = done.folder / _GAMES
    tasks = load_library(source).tasks
    if sorted(task.id for task in tasks) != sorted(cast("list[str]", done.result["tasks"])):
        raise PlanError(
            f"{source} does not hold the tasks that were made there; remove {done.folder} to make them anew"
        )
    return Chosen(tasks, TaskSet(source=str(source.resolve())))


def _new(name: str, kind: str, wanted: int, split: Split, known: set[str]) -> Sequence[Scenario]:
    """So many games that repeat none that is known, nor one another."""
    within = split.worlds.get(kind) or tuple(fresh_worlds(kind))
    try:
        drawn = fresh_within(kind, within, _DRAWS * wanted + _MORE, split.seed)
    except ValueError as error:
        raise PlanError(f"tasks.{name}.worlds: {error}") from None
    unlike = {game: scenario for scenario in reversed(drawn) if (game := game_of(scenario)) not in known}
    if len(unlike) < wanted:
        raise PlanError(
            f"tasks.{name}.fresh: among {len(drawn):,} games of kind {kind!r} there are {len(unlike):,} that repeat no other; "
            f"ask for so many, not {wanted:,}"
        )
    return list(reversed(unlike.values()))[:wanted]
