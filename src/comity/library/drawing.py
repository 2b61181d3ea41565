"""What fresh games are drawn with: chance by hash, the worlds of `templates/`, and the filling of their sentences."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TypeVar, cast

from comity.world.record import derive_seed

__all__ = ["FRESH_VERSION", "Draw", "World", "Worlds", "filled", "listed", "scenario", "seat", "worlds"]

FRESH_VERSION = 2
"""Of the templates and of how they are drawn; it rises when the same seed and index would come out differently."""

_SLOT = re.compile(r"\{(\w+)\}")

T = TypeVar("T")
World = Mapping[str, object]
"""One `[[world]]` of a template."""


@dataclass(frozen=True, slots=True)
class Worlds:
    """A template's file."""

    family: str
    worlds: tuple[World, ...]
    pools: Mapping[str, tuple[str, ...]]
    """Lists of words that all its worlds share."""


@cache
def worlds(kind: str) -> Worlds:
    """The worlds of a kind of payoff. Read once."""
    data = tomllib.loads((files("comity.library") / "templates" / f"{kind}.toml").read_text("utf-8"))
    pools = {name: tuple(words) for name, words in data.items() if name not in ("family", "world")}
    return Worlds(data["family"], tuple(data["world"]), pools)


@dataclass(frozen=True, slots=True)
class Draw:
    """Chance that depends on kind, seed and index, and on what is drawn."""

    kind: str
    seed: int
    index: int

    def below(self, limit: int, *what: str | int) -> int:
        """A whole number from 0 up to the limit."""
        return derive_seed("fresh", FRESH_VERSION, self.kind, self.seed, self.index, *what) % limit

    def between(self, low: int, high: int, *what: str | int) -> int:
        """A whole number from the lowest to the highest."""
        return low + self.below(high - low + 1, *what)

    def one(self, things: Sequence[T], *what: str | int) -> T:
        """One of them."""
        return things[self.below(len(things), *what)]

    def some(self, things: Sequence[T], count: int, *what: str | int) -> list[T]:
        """So many of them, each once, in a drawn order."""
        keys = sorted(range(len(things)), key=lambda at: self.below(2**31, *what, "order", at))
        return [things[at] for at in keys[:count]]

    @property
    def world(self) -> World:
        """One of the kind's worlds."""
        return self.one(worlds(self.kind).worlds, "world")

    def words(self) -> dict[str, str]:
        """A word for each slot of the world that has a list of them."""
        world = self.world
        return {slot: self.one(cast("list[str]", world[slot]), slot) for slot in _SLOTS if slot in world}


_SLOTS = ("place", "hour", "thing", "cause", "unit")


def filled(text: object, words: Mapping[str, str]) -> str:
    """A template's text with its slots filled; one with a capital letter begins a sentence."""

    def fill(found: re.Match[str]) -> str:
        word = words[found[1].lower()]
        return word[:1].upper() + word[1:] if found[1][0].isupper() else word

    return _SLOT.sub(fill, str(text))


def listed(table: Mapping[str, object], name: str) -> Sequence[str]:
    """A list of texts in a template."""
    return cast("Sequence[str]", table[name])


def seat(draw: Draw, table: Mapping[str, object], words: Mapping[str, str], at: int | None = None) -> dict[str, object]:
    """A seat with one of its goals and one of its reasons. Seats that share them are numbered by `at` and take them in turn."""
    id_ = str(table["id"])
    who, more = (id_, 0) if at is None else ("shared", at)
    goals, reasons = listed(table, "goals"), listed(table, "reasons")
    return {
        "id": id_,
        "role": filled(table["role"], words),
        "goal": filled(goals[(draw.below(len(goals), who, "goal") + more) % len(goals)], words),
        "extra_info": filled(reasons[(draw.below(len(reasons), who, "reason") + more) % len(reasons)], words),
    }


def scenario(
    draw: Draw,
    words: Mapping[str, str],
    seats: Sequence[Mapping[str, object]],
    payoff: Mapping[str, object],
    turns: int,
) -> dict[str, object]:
    """A scenario's fields, but for those that all of a kind have in common."""
    return {
        "title": f"{filled(draw.world['title'], words)} ({draw.seed}/{draw.index})",
        "setting": filled(draw.world["setting"], words),
        "relationships": draw.world.get("relationships", ()),
        "private_messages": len(seats) > 2,
        "seats": seats,
        "payoff": payoff,
        "turn_limit": turns,
    }
