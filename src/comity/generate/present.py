"""Everything that there is when a candidate is looked at: the shipped library, the folder's own, and what other candidates hold."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from comity.generate.candidates import Candidate, Made
from comity.library import load_library, starter
from comity.world.characters import Character
from comity.world.collection import Collection
from comity.world.relationships import Relationship
from comity.world.scenarios import Scenario

__all__ = ["PARTS", "folder_library", "people", "present"]

PARTS = ("characters", "relationships.toml", "scenarios")
"""What a folder that is a library has, some of it at least."""

_T = TypeVar("_T", Character, Scenario)


def folder_library(folder: Path) -> Collection:
    """The library in a folder, empty where there is none yet. Raises `LibraryError`."""
    return load_library(folder) if any((folder / part).exists() for part in PARTS) else Collection()


def people(own: Collection) -> Collection:
    """Who can be cast: the folder's own characters and those of the shipped library, with how they stand to each other."""
    pairs = {frozenset(each.between) for each in own.relationships}
    others = [each for each in starter().relationships if frozenset(each.between) not in pairs]
    return Collection(
        characters=_by_id(own.characters, starter().characters), relationships=(*own.relationships, *others)
    )


def present(own: Collection, candidates: Iterable[Candidate], but: str = "") -> Collection:
    """What a new record is held against, without the candidate `but`.

    Candidates that the rules rejected do not count. Those that a person rejected do: they are not wanted in other words either.
    They come in the order of their ids, so that it does not matter in which they were answered.
    """
    others = sorted((each for each in candidates if each.id != but), key=lambda each: each.id)
    held = [each.draft.record for each in others if each.draft and _counts(each)]
    cast = people(own)
    edges = {frozenset(each.between): each for each in reversed((*cast.relationships, *_of(Relationship, held)))}
    return Collection(
        characters=_by_id(cast.characters, _of(Character, held)),
        relationships=tuple(edges.values()),
        scenarios=_by_id(own.scenarios, starter().scenarios, _of(Scenario, held)),
    )


def _counts(candidate: Candidate) -> bool:
    return candidate.state in ("passed", "accepted") or (
        candidate.state == "rejected" and candidate.decided is not None
    )


_R = TypeVar("_R", Character, Relationship, Scenario)


def _of(kind: type[_R], records: Sequence[Made]) -> tuple[_R, ...]:
    return tuple(record for record in records if isinstance(record, kind))


def _by_id(*records: tuple[_T, ...]) -> tuple[_T, ...]:
    """The records of all, the first of each id."""
    found: dict[str, _T] = {}
    for some in records:
        for record in some:
            found.setdefault(record.id, record)
    return tuple(found.values())
