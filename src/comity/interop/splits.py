"""The lists by which SOTOPIA's family divides its scenarios and combinations, such as training rounds and the hard set."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from comity.interop.remarks import ImportFailed, Problem, Report
from comity.world.collection import Collection
from comity.world.tasks import Task

__all__ = ["Resolved", "Split", "read_splits", "resolve_split", "task_set"]

_LISTS = ("used_env.json", "env_ids.json")
_COMBOS, _INDICES = "ampo_env_agent_combos_450.json", "ampo_hard_indices.json"
_EXPECTED = f"{', '.join(_LISTS)}, or {_COMBOS} with {_INDICES}"


@dataclass(frozen=True, slots=True)
class Split:
    """A named list, of scenarios or of tasks."""

    name: str
    file: str
    scenarios: tuple[str, ...] = ()
    """The ids of whole scenarios."""
    tasks: tuple[str, ...] = ()
    """The ids of single combinations."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What of a split is there."""

    split: Split
    scenarios: tuple[str, ...]
    """The scenarios that are there, in the order of the list."""
    tasks: tuple[str, ...]
    """The tasks that are there: those of these scenarios, or those that are listed."""


def read_splits(folder: Path) -> tuple[tuple[Split, ...], tuple[Problem, ...]]:
    """Every list in a folder, and what could not be read. Raises `ImportFailed` where the folder has none of the files."""
    report = Report()
    found = [split for name in _LISTS if (folder / name).is_file() for split in _lists(report, folder / name)]
    if (folder / _INDICES).is_file() and (folder / _COMBOS).is_file():
        found += _indexed(report, folder)
    if not (found or report.problems):
        raise ImportFailed(f"{folder} has none of the lists we know; expected are {_EXPECTED}")
    return tuple(found), tuple(report.problems)


def resolve_split(split: Split, collection: Collection) -> Resolved:
    """What of a split a collection has."""
    there = {scenario.id for scenario in collection.scenarios}
    listed = set(split.tasks)
    wanted = set(split.scenarios)
    tasks = [task for task in collection.tasks if task.id in listed or task.scenario.id in wanted]
    scenarios = split.scenarios or tuple(dict.fromkeys(task.scenario.id for task in tasks))
    return Resolved(split, tuple(s for s in scenarios if s in there), tuple(map(_id, tasks)))


def task_set(resolved: Resolved) -> str:
    """The table of a plan that plays what is there of a split."""
    split = resolved.split
    named = f"{len(resolved.scenarios)} scenarios" if split.scenarios else f"{len(resolved.tasks)} tasks"
    listed = len(split.scenarios or split.tasks)
    field, ids = ("scenarios", resolved.scenarios) if split.scenarios else ("tasks", resolved.tasks)
    lines = [
        f"# {split.name} of {split.file}: {named} of the {listed} listed; {len(resolved.tasks)} tasks in all",
        "[tasks]",
        'source = "store"',
        f"{field} = [",
        *(f'  "{name}",' for name in ids),
        "]",
        f"count = {len(resolved.tasks)}",
    ]
    return "\n".join(lines) + "\n"


def _id(task: Task) -> str:
    return task.id


def _lists(report: Report, path: Path) -> Iterator[Split]:
    match _json(report, path):
        case dict(lists):
            for name, ids in lists.items():
                if isinstance(ids, list) and all(isinstance(each, str) for each in ids):
                    yield Split(name, path.name, scenarios=tuple(dict.fromkeys(ids)))
                else:
                    report.problem(f"{path.name}, {name}", "not a list of ids; correct it, or remove it")
        case None:
            pass
        case _:
            report.problem(path.name, "not an object of lists of ids by name")


def _indexed(report: Report, folder: Path) -> Iterator[Split]:
    indices, combos = _json(report, folder / _INDICES), _json(report, folder / _COMBOS)
    if not (isinstance(indices, list) and isinstance(combos, list)):
        report.problem(_INDICES, f"not a list of places in the list of {_COMBOS}")
        return
    ids = [_at(combos, index) for index in indices]
    known = tuple(name for name in ids if name is not None)
    for index in (index for index, name in zip(indices, ids, strict=True) if name is None):
        report.problem(_INDICES, f"{index!r} is no place of a combination in {_COMBOS}")
    yield Split("hard", _INDICES, tasks=known)


def _at(combos: Sequence[object], index: object) -> str | None:
    row = combos[index] if isinstance(index, int) and 0 <= index < len(combos) else None
    name = row.get("pk") if isinstance(row, Mapping) else None
    return name if isinstance(name, str) else None


def _json(report: Report, path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        report.problem(path.name, "is not JSON that can be read")
        return None
