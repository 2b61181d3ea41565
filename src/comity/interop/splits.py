"""The lists by which SOTOPIA's family divides its scenarios and combinations, such as training rounds and the hard set."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from comity.interop.remarks import ImportFailed, Problem, Report
from comity.interop.rows import content_of, listed, read_json
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
    there = [folder / name for name in _LISTS if (folder / name).is_file()]
    indexed = (folder / _INDICES).is_file() and (folder / _COMBOS).is_file()
    if not (there or indexed):
        raise ImportFailed(f"{folder} has none of the lists we know; expected are {_EXPECTED}")
    found = [split for path in there for split in _lists(report, path)]
    found += _indexed(report, folder) if indexed else []
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
                where = f"{path.name}, {name}"
                if not re.fullmatch(r"[\w.-]{1,100}", name, re.ASCII) or name.startswith("."):
                    report.problem(
                        f"{path.name}, {name!r}",
                        "a list is called by up to 100 letters, digits, _, - and .; call it so",
                    )
                elif not isinstance(ids, list):
                    report.problem(where, "not a list of ids; correct it, or remove it")
                else:
                    yield Split(name, path.name, scenarios=tuple(dict.fromkeys(_ids(report, where, ids))))
        case None:
            pass
        case _:
            report.problem(path.name, "not an object of lists of ids by name")


def _ids(report: Report, where: str, ids: Sequence[JsonValue]) -> Iterator[str]:
    for index, each in enumerate(ids):
        if isinstance(each, str):
            yield each
        else:
            report.problem(f"{where}[{index}]", "not an id, which is text; correct it, or remove it")


def _indexed(report: Report, folder: Path) -> Iterator[Split]:
    combos = [row for _, row in _members(report, folder / _COMBOS)]
    known: list[str] = []
    for where, index in _members(report, folder / _INDICES):
        if (name := _at(combos, index)) is not None:
            known.append(name)
        elif index is not None:
            report.problem(where, f"is no place of a combination in {_COMBOS}; correct it, or remove it")
    yield Split("hard", _INDICES, tasks=tuple(known))


def _at(combos: Sequence[object], index: object) -> str | None:
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(combos):
        return None
    row = combos[index]
    name = row.get("pk") if isinstance(row, Mapping) else None
    return name if isinstance(name, str) else None


def _members(report: Report, path: Path) -> Iterator[tuple[str, JsonValue]]:
    """Each member of the file's list in its place; `None` for one that is not JSON, which is reported."""
    content = content_of(report, path)
    for where, text in listed(report, path.name, content) if content is not None else ():
        yield where, read_json(report, where, text)


def _json(report: Report, path: Path) -> JsonValue:
    content = content_of(report, path)
    return read_json(report, path.name, content) if content is not None else None
