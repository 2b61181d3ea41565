"""Reads a library, shipped or a user's own, from a folder of TOML files into a `Collection`.

A library with faults is refused whole, with every fault of every file; nothing is skipped and nothing is guessed.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import chain
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from comity.library.problems import WHOLE_FILE, LibraryError, Problem, did_you_mean, problems_of
from comity.world.characters import BigFive, Character
from comity.world.choices import Dilemma, Gift, MutualFriend, PublicGoods, Secret
from comity.world.collection import Collection, cast_task
from comity.world.deals import Contract, Division, Price
from comity.world.record import Name, Record, Slug
from comity.world.relationships import Relationship
from comity.world.scenarios import Scenario, Seat
from comity.world.tasks import Task

__all__ = ["load_library", "starter"]

_CHARACTERS, _RELATIONSHIPS, _SCENARIOS = "characters", "relationships.toml", "scenarios"
_HEADING = "library.toml"
_GAMES: Mapping[str, type[BaseModel]] = {
    shape.model_fields["kind"].default: shape
    for shape in (Division, Price, Contract, Dilemma, PublicGoods, MutualFriend, Secret, Gift)
}

_T = TypeVar("_T", bound=BaseModel)


class _Heading(Record):
    """The whole of `library.toml`: the library's name, and what holds for every row that does not say otherwise."""

    name: Name | None = None
    licence: str = ""
    source: str = ""


class _Cast(Record):
    """One `[[casts]]` table of a scenario's file: which character sits in which seat."""

    id: Slug
    seats: dict[str, str]
    note: str = ""
    """What these people change, for readers of the file; it goes no further."""


class _RelationshipsFile(Record):
    """The whole of `relationships.toml`. Its rows are read one by one, so that a bad one hides no other."""

    relationship: tuple[dict[str, object], ...] = ()


class _ScenarioFile(Scenario):
    """The whole of a scenario's file. The casts are read one by one, so that a bad one hides no other."""

    casts: tuple[dict[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class _Script:
    """One scenario's file, as far as it could be read."""

    path: str
    scenario: Scenario | None
    casts: tuple[_Cast, ...]


def load_library(path: Path | None = None) -> Collection:
    """The library in a folder; `None` reads the one that is shipped.

    The folder holds `characters/<id>.toml`, `relationships.toml` and `scenarios/<id>.toml`, any of which may be
    missing. Each cast of a scenario becomes the task `<scenario id>.<cast id>`, in the order of the file. The `source`
    and `licence` of `library.toml`, where there is one, are those of every row without its own.
    Raises `LibraryError` with all that is wrong.
    """
    folder: Traversable = files("comity.library") / "data" if path is None else path
    _check_folder(folder)
    known = [_id(file) for file in _toml_files(folder / _CHARACTERS)]
    common, bad_heading = _common(folder / _HEADING)
    characters, bad_characters = _characters(folder / _CHARACTERS, common)
    relationships, bad_relationships = _relationships(folder / _RELATIONSHIPS, known, common)
    scripts, bad_scenarios = _scripts(folder / _SCENARIOS, known, common)
    tasks, bad_tasks = _tasks(scripts, characters, relationships)
    if problems := [*bad_heading, *bad_characters, *bad_relationships, *bad_scenarios, *bad_tasks]:
        raise LibraryError(problems)
    return Collection(
        characters=tuple(characters.values()),
        relationships=tuple(relationships or ()),
        scenarios=tuple(script.scenario for script in scripts if script.scenario),
        tasks=tuple(tasks),
    )


@cache
def starter() -> Collection:
    """The shipped library, read once."""
    return load_library()


def _check_folder(folder: Traversable) -> None:
    if not folder.is_dir():
        raise LibraryError([Problem(str(folder), WHOLE_FILE, "there is no such folder")])
    if not {_CHARACTERS, _RELATIONSHIPS, _SCENARIOS} & {entry.name for entry in folder.iterdir()}:
        expected = f"a library has {_CHARACTERS}/, {_RELATIONSHIPS} or {_SCENARIOS}/; this folder has none of them"
        raise LibraryError([Problem(str(folder), WHOLE_FILE, expected)])


def _toml_files(folder: Traversable) -> list[Traversable]:
    if not folder.is_dir():
        return []
    return sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)


def _id(file: Traversable) -> str:
    return file.name.removesuffix(".toml")


def _read(file: Traversable) -> tuple[dict[str, object] | None, list[Problem]]:
    try:
        text = file.read_bytes().decode("utf-8-sig")
        return tomllib.loads(text), []
    except UnicodeDecodeError as error:
        return None, [Problem(str(file), f"byte {error.start + 1}", "is not UTF-8; save the file as UTF-8")]
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).rpartition(" (at ")
        line = place.removesuffix(")").replace("end of document", f"line {len(text.splitlines())}")
        return None, [Problem(str(file), line, f"is not TOML: {reason}")]


def _build(
    shape: type[_T], table: Mapping[str, object], path: str, at: str = "", **inner: type[BaseModel]
) -> tuple[_T | None, list[Problem]]:
    """A record from a table. TOML has the types of JSON, and strict JSON takes lists and enum values but no "41" for 41."""
    try:
        return shape.model_validate_json(to_json(table), strict=True), []
    except ValidationError as error:
        return None, problems_of(error, path, table, {"": shape, **inner}, at)


def _common(file: Traversable) -> tuple[dict[str, object], list[Problem]]:
    """The fields that every row without its own takes from `library.toml`."""
    if not file.is_file():
        return {}, []
    table, problems = _read(file)
    heading, bad = _build(_Heading, table or {}, str(file))
    return (heading.model_dump(exclude={"name"}, exclude_defaults=True) if heading else {}), problems + bad


def _named(
    file: Traversable, table: Mapping[str, object], common: Mapping[str, object]
) -> tuple[dict[str, object], list[Problem]]:
    """The table with the id that the file's name gives it, and with what all rows have in common."""
    bad = [Problem(str(file), "id", "the file's name is the id; remove this line")] if "id" in table else []
    return {**common, **table, "id": _id(file)}, bad


def _characters(folder: Traversable, common: Mapping[str, object]) -> tuple[dict[str, Character], list[Problem]]:
    found: dict[str, Character] = {}
    problems: list[Problem] = []
    for file in _toml_files(folder):
        table, unreadable = _read(file)
        problems += unreadable
        if table is None:
            continue
        table, misnamed = _named(file, table, common)
        character, bad = _build(Character, table, str(file), big_five=BigFive)
        problems += misnamed + bad
        if character is not None:
            found[character.id] = character
    return found, problems


def _relationships(
    file: Traversable, known: Sequence[str], common: Mapping[str, object]
) -> tuple[list[Relationship] | None, list[Problem]]:
    """The relationships, or `None` when some could not be read, so that nothing is concluded from their absence."""
    if not file.is_file():
        return [], []
    table, unreadable = _read(file)
    if table is None:
        return None, unreadable
    rows, problems = _build(_RelationshipsFile, table, str(file))
    if rows is None:
        return None, problems
    found: list[Relationship] = []
    for number, row in enumerate(rows.relationship, 1):
        relationship, bad = _build(Relationship, {**common, **row}, str(file), f"relationship.{_label(row, number)}")
        problems += bad
        if relationship is not None:
            problems += _clashes(relationship, found, known, str(file))
            found.append(relationship)
    return (found if len(found) == len(rows.relationship) else None), problems


def _label(row: Mapping[str, object], number: int) -> str:
    own = row.get("id")
    return own if isinstance(own, str) else f"#{number}"


def _clashes(new: Relationship, earlier: Sequence[Relationship], known: Sequence[str], path: str) -> list[Problem]:
    at = f"relationship.{new.id}"
    problems = [Problem(path, f"{at}.between", _unknown(who, known)) for who in new.between if who not in known]
    if any(old.id == new.id for old in earlier):
        problems.append(Problem(path, f"{at}.id", "is used twice"))
    twin = next((old for old in earlier if set(old.between) == set(new.between)), None)
    if twin is not None:
        pair = " and ".join(repr(who) for who in new.between)
        problems.append(Problem(path, f"{at}.between", f"{pair} already have the relationship {twin.id!r}; keep one"))
    return problems


def _unknown(character: str, known: Sequence[str]) -> str:
    return f"unknown character {character!r}{did_you_mean(character, known)}"


def _scripts(
    folder: Traversable, known: Sequence[str], common: Mapping[str, object]
) -> tuple[list[_Script], list[Problem]]:
    scripts: list[_Script] = []
    problems: list[Problem] = []
    for file in _toml_files(folder):
        table, unreadable = _read(file)
        problems += unreadable
        if table is not None:
            script, bad = _script(file, table, common)
            scripts.append(script)
            problems += bad + _miscast(script, known)
    return scripts, problems


def _script(
    file: Traversable, table: Mapping[str, object], common: Mapping[str, object]
) -> tuple[_Script, list[Problem]]:
    path = str(file)
    own, problems = _named(file, table, common)
    whole, bad = _build(_ScenarioFile, own, path, "", seats=Seat, **_GAMES)
    problems += bad
    scenario = Scenario.model_validate(whole.model_dump(exclude={"casts"})) if whole is not None else None
    casts: list[_Cast] = []
    for number, row in enumerate(_rows(own.get("casts")), 1):
        cast, bad = _build(_Cast, row, path, f"casts.{_label(row, number)}")
        problems += bad
        if cast is not None:
            casts.append(cast)
    return _Script(path, scenario, tuple(casts)), problems


def _rows(value: object) -> list[dict[str, object]]:
    """The tables of a list of tables; whatever else stands there is refused with its file."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _miscast(script: _Script, known: Sequence[str]) -> list[Problem]:
    """Casts that name characters or seats which are not there, or anything twice."""
    ids = [cast.id for cast in script.casts]
    problems = [Problem(script.path, f"casts.{twice}.id", "is used twice") for twice in _repeated(ids)]
    for cast in script.casts:
        at = f"casts.{cast.id}.seats"
        people = list(cast.seats.values())
        problems += [
            Problem(script.path, f"{at}.{seat}", _unknown(who, known))
            for seat, who in cast.seats.items()
            if who not in known
        ]
        problems += [Problem(script.path, at, f"{who!r} sits in two seats") for who in _repeated(people)]
        if script.scenario is not None:
            seats = [seat.id for seat in script.scenario.seats]
            problems += [
                Problem(script.path, f"{at}.{seat}", f"unknown seat{did_you_mean(seat, seats)}")
                for seat in cast.seats
                if seat not in seats
            ]
            problems += [Problem(script.path, f"{at}.{s}", "nobody sits here") for s in seats if s not in cast.seats]
    return problems


def _repeated(words: Sequence[str]) -> list[str]:
    return sorted({word for word in words if words.count(word) > 1})


def _tasks(
    scripts: Sequence[_Script], characters: Mapping[str, Character], relationships: Sequence[Relationship] | None
) -> tuple[list[Task], list[Problem]]:
    """The tasks of all casts that are whole; what keeps the others from being so is reported where it is found."""
    results = [
        _task(script.path, script.scenario, cast, characters, relationships)
        for script in scripts
        if script.scenario is not None
        for cast in script.casts
        if _complete(cast, script.scenario, characters)
    ]
    return [task for task, _ in results if task], list(chain.from_iterable(bad for _, bad in results))


def _complete(cast: _Cast, scenario: Scenario, characters: Mapping[str, Character]) -> bool:
    return set(cast.seats) == {seat.id for seat in scenario.seats} and set(cast.seats.values()) <= set(characters)


def _task(
    path: str,
    scenario: Scenario,
    cast: _Cast,
    characters: Mapping[str, Character],
    relationships: Sequence[Relationship] | None,
) -> tuple[Task | None, list[Problem]]:
    seated = {seat.id: characters[cast.seats[seat.id]] for seat in scenario.seats}
    at = f"casts.{cast.id}"
    try:
        task = cast_task(f"{scenario.id}.{cast.id}", scenario, seated, relationships or ())
    except ValidationError as error:
        return None, problems_of(error, path, {}, {"": Task}, at)
    broken = task.violations() if relationships is not None else []
    return task, [Problem(path, at, reason) for reason in broken]
