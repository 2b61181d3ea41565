"""From a plan's task set to tasks, whole: of the shipped library, of a folder, or of what was imported into the store."""

from collections.abc import Sequence
from pathlib import Path

from comity.library import load_library, sets, starter
from comity.library.problems import did_you_mean
from comity.run.plan import PlanError, TaskSet
from comity.store import Store
from comity.world.tasks import Task

__all__ = ["tasks_of"]


def tasks_of(wanted: TaskSet, store: Store, base: Path) -> tuple[Task, ...]:
    """The tasks, in the order of their source. Raises `PlanError` for a name that is not there and for a wrong count.

    `base` is the folder from which a relative source is seen.
    """
    every = _of_set(wanted) if wanted.set else _source(wanted.source, store, base)
    of_origin = [task for task in every if _is_of(task, wanted)]
    if not of_origin:
        raise PlanError(_none(wanted))
    _all_there("scenarios", wanted.scenarios, {name for task in of_origin for name in _names(task)})
    _all_there("tasks", wanted.tasks, {task.id for task in of_origin})
    _all_there("families", wanted.families, {task.scenario.family for task in of_origin})
    found = tuple(task for task in of_origin if _is_wanted(task, wanted))
    if wanted.count is not None and len(found) != wanted.count:
        raise PlanError(
            f"tasks.count: {len(found)} tasks were found and {wanted.count} are wanted; "
            "is the right data imported, and all of it? See `comity list tasks`"
        )
    return found


def _of_set(wanted: TaskSet) -> Sequence[Task]:
    if wanted.source != "library":
        raise PlanError(f"tasks.set: {wanted.set!r} is a set of the library, and the source is {wanted.source!r}")
    try:
        return sets.tasks_of(wanted.set or "all")
    except sets.UnknownSet as error:
        raise PlanError(f"tasks.set: {error}") from None


def _source(source: str, store: Store, base: Path) -> Sequence[Task]:
    match source:
        case "library":
            return starter().tasks
        case "store":
            return store.collection().tasks
    return load_library(base / source).tasks


def _none(wanted: TaskSet) -> str:
    if wanted.source == "store" and wanted.origin:
        return f"tasks: the store holds no task of {wanted.origin!r}; bring it in with `comity import sotopia FOLDER`"
    what = "no task with a payoff" if wanted.outcomes else "no task"
    return f"tasks: {wanted.source!r} holds {what}" + (f" of origin {wanted.origin!r}" if wanted.origin else "")


def _is_of(task: Task, wanted: TaskSet) -> bool:
    played = task.scenario.payoff is not None or not wanted.outcomes
    return played and task.scenario.source.startswith(wanted.origin)


def _is_wanted(task: Task, wanted: TaskSet) -> bool:
    if not (wanted.scenarios or wanted.tasks or wanted.families):
        return True
    by_name = not {_key(name) for name in wanted.scenarios}.isdisjoint(_names(task))
    return by_name or task.id in wanted.tasks or task.scenario.family in wanted.families


def _names(task: Task) -> tuple[str, str]:
    return _key(task.scenario.id), _key(task.scenario.title)


def _key(name: str) -> str:
    return name.casefold().replace(" ", "_")


def _all_there(field: str, wanted: Sequence[str], known: set[str]) -> None:
    for name in wanted:
        if name not in known and _key(name) not in known:
            raise PlanError(f"tasks.{field}: there is no {name!r}{did_you_mean(name, known)}")
