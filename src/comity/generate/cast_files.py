"""Scenarios with a payoff as files of a library's folder, with people to play them: the folder's own, or where it has none those of the
shipped library, who are copied into it. What is there already, word for word, is left as it is.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from comity.generate.acceptance import Unacceptable, place
from comity.generate.library_files import character_file, relationship_entry, scenario_file
from comity.library import load_library, starter
from comity.library.casting import Casting
from comity.world.collection import Collection
from comity.world.scenarios import Scenario

__all__ = ["write_cast"]

_CHARACTERS, _SCENARIOS = "characters", "scenarios"


def write_cast(into: Path, scenarios: Sequence[Scenario], *, casts: int, seed: int) -> list[str]:
    """Write the scenarios with so many casts each into a folder, and name the tasks that they come to.

    Raises `Unacceptable`, before anything is written, where something else is in the place of a file, and `LibraryError` for a folder
    that does not load.
    """
    own = (into / _CHARACTERS).is_dir()
    shelf = load_library(into) if own else starter()
    files = {} if own or not casts else _people(shelf)
    tasks: list[str] = []
    for scenario in scenarios:
        files[f"{_SCENARIOS}/{scenario.id}.toml"], named = _with_casts(scenario, shelf, casts, seed)
        tasks += named
    _write(into, files)
    return tasks


def _people(shelf: Collection) -> dict[str, str]:
    """The files of everyone in a library, and of how they stand to each other."""
    files = {f"{_CHARACTERS}/{who.id}.toml": character_file(who) for who in shelf.characters}
    return files | {"relationships.toml": "".join(map(relationship_entry, shelf.relationships)).lstrip("\n")}


def _with_casts(scenario: Scenario, shelf: Collection, casts: int, seed: int) -> tuple[str, list[str]]:
    """A scenario's file, and the ids of its tasks."""
    drawn = Casting.of(scenario, shelf).draw(casts, seed, repetition=False) if casts else ()
    by_id = {task.id.removeprefix(f"{scenario.id}."): task.cast for task in drawn}
    return scenario_file(scenario, by_id), [task.id for task in drawn]


def _write(into: Path, files: Mapping[str, str]) -> None:
    """Write what is not there. Raises `Unacceptable`, before anything is written, where something else is."""
    for name, text in files.items():
        if (into / name).is_file() and (into / name).read_bytes() != text.encode():
            raise Unacceptable(f"{into / name} is there already and says something else; take another folder or seed")
    new = {name: text for name, text in files.items() if not (into / name).is_file()}
    people = [name for name in new if name.partition("/")[0] != _SCENARIOS]
    if people and not (into / _CHARACTERS).exists():
        _settle(into, {name: new.pop(name) for name in people})
    place(into, new)


def _settle(into: Path, people: Mapping[str, str]) -> None:
    """Write people and their ties so that all characters are there or none: some of them would be taken for the folder's own."""
    draft = f".{_CHARACTERS}.new"
    begun = into / draft
    shutil.rmtree(begun, ignore_errors=True)  # of a start that was killed
    try:
        place(into, {name.replace(_CHARACTERS, draft, 1): text for name, text in people.items()})
        begun.rename(into / _CHARACTERS)
    finally:
        shutil.rmtree(begun, ignore_errors=True)
