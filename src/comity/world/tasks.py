"""A task: a scenario and who sits in each of its seats, with the relationships that govern what they know of each other."""

import unicodedata
from collections.abc import Mapping
from functools import cached_property
from itertools import count
from typing import Self

from pydantic import model_validator

from comity.world.characters import Character
from comity.world.record import JOINERS, Record, Slug
from comity.world.relationships import RelationshipKind
from comity.world.scenarios import Scenario

__all__ = ["Edge", "Task"]


class Edge(Record):
    """How the characters of two seats stand to each other in this task."""

    between: tuple[Slug, Slug]
    kind: RelationshipKind
    background: str = ""


class Task(Record):
    """A scenario with its cast, whole in itself: everything an episode depends on but seed, mode and policies."""

    id: Slug
    scenario: Scenario
    cast: Mapping[Slug, Character]
    edges: tuple[Edge, ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        seats = [seat.id for seat in self.scenario.seats]
        if set(self.cast) != set(seats):
            raise ValueError(f"the cast must fill the seats {', '.join(seats)}, not {', '.join(self.cast)}")
        pairs = [frozenset(edge.between) for edge in self.edges]
        if any(len(pair) != 2 or not pair <= set(seats) for pair in pairs):
            raise ValueError(f"an edge joins two of the seats {', '.join(seats)}")
        if len(set(pairs)) < len(pairs):
            raise ValueError("two edges between the same seats")
        return self

    def edge(self, a: str, b: str) -> Edge:
        """The edge between two seats; a missing one is `stranger`."""
        for edge in self.edges:
            if {a, b} == set(edge.between):
                return edge
        return Edge(between=(a, b), kind=RelationshipKind.STRANGER)

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Display name by seat, in seat order. Characters of one name are told apart by a number."""
        wanted = {seat.id: self.cast[seat.id].name for seat in self.scenario.seats}
        keys = [_same(name) for name in wanted.values()]
        taken = set(keys)
        names: dict[str, str] = {}
        for (seat, name), key in zip(wanted.items(), keys, strict=True):
            if keys.count(key) > 1:
                name = next(new for n in count(1) if _same(new := f"{name} ({n})") not in taken)
                taken.add(_same(name))
            names[seat] = name
        return names

    @property
    def licences(self) -> tuple[str, ...]:
        """The licences of everything in the task that says one, in alphabetical order."""
        said = [self.scenario.licence, *(character.licence for character in self.cast.values())]
        return tuple(sorted({licence for licence in said if licence}))

    def violations(self) -> list[str]:
        """Where the cast breaks the scenario's constraints on age, occupation and relationship; empty when it does not."""
        found: list[str] = []
        for seat in self.scenario.seats:
            who = self.cast[seat.id]
            if who.age is not None and not seat.ages[0] <= who.age <= seat.ages[1]:
                found.append(f"{who.name} is {who.age}; seat {seat.id!r} wants {seat.ages[0]} to {seat.ages[1]}")
            if seat.occupations and _same(who.occupation) not in map(_same, seat.occupations):
                found.append(f"{who.name} is {who.occupation!r}; seat {seat.id!r} wants {', '.join(seat.occupations)}")
        allowed = self.scenario.relationships
        ids = [seat.id for seat in self.scenario.seats]
        for i, a in enumerate(ids):
            for b in ids[i + 1 :]:
                kind = self.edge(a, b).kind
                if allowed and kind not in allowed:
                    found.append(f"{a!r} and {b!r} are {kind.value}; the scenario wants {', '.join(allowed)}")
        return found


def _same(name: str) -> str:
    seen = "".join(char for char in name if char not in JOINERS)
    return unicodedata.normalize("NFKC", seen).casefold().strip()
