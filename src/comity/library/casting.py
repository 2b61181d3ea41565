"""Every cast that keeps a scenario's constraints, counted and numbered without being listed, and drawn from uniformly.

A draw depends on the seed, the scenario's id and the characters and relationships at hand, never on the order they come in.
Who is drawn is all there is here; what a task may look like is `comity.world.tasks`.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import sha256

from comity.world.characters import Character
from comity.world.collection import Collection, cast_task
from comity.world.record import JOINERS, derive_seed
from comity.world.relationships import Relationship, RelationshipKind
from comity.world.scenarios import Scenario, Seat
from comity.world.tasks import Task

__all__ = ["Casting", "TooFewCasts"]

_LONGEST_ID = 128


class TooFewCasts(ValueError):
    """More casts are asked for than there are."""

    def __init__(self, scenario: str, wanted: int, there: int) -> None:
        self.wanted, self.there = wanted, there
        what = f"{there:,} different casts" if there else "no cast"
        super().__init__(
            f"scenario {scenario!r} has {what} that keep its relationships, ages and occupations, and {wanted:,} are "
            "wanted; ask for fewer, allow repetition, or widen the constraints"
        )


class Casting:
    """The casts of one scenario, numbered from 0 to `total - 1`; nobody sits in two seats.

    Two characters stand to each other as their own relationship says; a pair without one are strangers. Who is of no known
    age fits any. Counting takes at most one step for each set of people who can fill all seats but one: 0.4 s for five seats and forty characters where
    everything is allowed, less where constraints bite. Memory grows with the steps.
    """

    def __init__(
        self, scenario: Scenario, characters: Iterable[Character], relationships: Iterable[Relationship] = ()
    ) -> None:
        self.scenario = scenario
        self._people = sorted(characters, key=lambda who: who.id)
        self._relationships = tuple(relationships)
        self._beside = _beside(scenario, [who.id for who in self._people], self._relationships)
        open_to = {seat.id: _mask(_fits(who, seat) for who in self._people) for seat in scenario.seats}
        self._order = sorted(open_to, key=lambda seat: open_to[seat].bit_count())
        self._domains = tuple(open_to[seat] for seat in self._order)
        self._counted: dict[tuple[int, ...], int] = {}

    @cached_property
    def total(self) -> int:
        """How many casts there are."""
        return self._count(self._domains)

    @property
    def possible(self) -> bool:
        """Whether there is any, which is quicker to know."""
        return self._fillable(self._domains)

    @classmethod
    def of(cls, scenario: Scenario, collection: Collection) -> "Casting":
        """The casts of a scenario from a collection's characters, by their relationships."""
        return cls(scenario, collection.characters, collection.relationships)

    def __getitem__(self, number: int) -> Mapping[str, Character]:
        """The cast of this number, by seat. Raises `IndexError` where there is none."""
        if not 0 <= number < self.total:
            raise IndexError(f"casts are numbered from 0 to {self.total - 1}, and there is no {number}")
        cast: dict[str, Character] = {}
        domains = self._domains
        for seat in self._order:
            for index in _bits(domains[0]):
                rest = tuple(domain & self._beside[index] for domain in domains[1:])
                below = self._count(rest)
                if number < below:
                    break
                number -= below
            cast[seat], domains = self._people[index], rest
        return {seat.id: cast[seat.id] for seat in self.scenario.seats}

    def __contains__(self, cast: Mapping[str, Character]) -> bool:
        """Whether this is one of them."""
        ids = {who.id: index for index, who in enumerate(self._people)}
        if set(cast) != set(self._order) or any(who.id not in ids for who in cast.values()):
            return False
        seated = [ids[cast[seat].id] for seat in self._order]
        fits = all(domain >> index & 1 for domain, index in zip(self._domains, seated, strict=True))
        return fits and all(self._beside[a] >> b & 1 for i, a in enumerate(seated) for b in seated[i + 1 :])

    def draw(self, count: int, seed: int, *, repetition: bool = True) -> tuple[Task, ...]:
        """So many casts as tasks, each drawn uniformly from all, or from those not drawn yet.

        The first of a longer draw are those of a shorter one. Raises `TooFewCasts` where there are not enough.
        """
        if count > 0 and (self.total == 0 or (not repetition and count > self.total)):
            raise TooFewCasts(self.scenario.id, count, self.total)
        parts = ("cast", seed, self.scenario.id)
        if repetition:
            numbers = [_below(self.total, *parts, turn) for turn in range(count)]
        else:
            numbers = _shuffled(self.total, count, parts)
        return tuple(map(self.task, numbers))

    def task(self, number: int) -> Task:
        """The task of the cast of this number. Its id names scenario and people, or a hash of them where that is too long."""
        cast = self[number]
        return cast_task(_task_id(self.scenario.id, cast), self.scenario, cast, self._relationships)

    def _fillable(self, domains: tuple[int, ...]) -> bool:
        if not domains:
            return True
        rests = (tuple(domain & self._beside[index] for domain in domains[1:]) for index in _bits(domains[0]))
        return any(all(rest) and self._fillable(rest) for rest in rests)

    def _count(self, domains: tuple[int, ...]) -> int:
        """In how many ways seats that are open to these people can be filled with different people who may meet."""
        if len(domains) == 1:
            return domains[0].bit_count()
        if not domains:
            return 1
        key = tuple(sorted(domains))  # whoever may meet may meet in any seat, so that the order of the seats is nothing
        if key not in self._counted:
            first, *rest = domains
            beside = (self._beside[index] for index in _bits(first))
            self._counted[key] = sum(self._count(tuple(domain & mask for domain in rest)) for mask in beside)
        return self._counted[key]


def _task_id(scenario: str, cast: Mapping[str, Character]) -> str:
    people = [who.id for who in cast.values()]
    named = f"{scenario}.{'-'.join(people)}"
    if len(named) <= _LONGEST_ID and not any("-" in who for who in people):
        return named
    return f"{scenario[: _LONGEST_ID - 17]}.{sha256(' '.join([scenario, *people]).encode()).hexdigest()[:16]}"


def _beside(scenario: Scenario, ids: Sequence[str], relationships: Iterable[Relationship]) -> list[int]:
    """For each character, the others that it may meet here, as a mask."""
    kinds = {frozenset(each.between): each.kind for each in relationships}
    allowed = scenario.relationships or tuple(RelationshipKind)
    stranger = RelationshipKind.STRANGER
    return [
        _mask(one != other and kinds.get(frozenset((one, other)), stranger) in allowed for other in ids) for one in ids
    ]


def _fits(who: Character, seat: Seat) -> bool:
    occupied = not seat.occupations or _key(who.occupation) in map(_key, seat.occupations)
    return occupied and (who.age is None or seat.ages[0] <= who.age <= seat.ages[1])


def _key(text: str) -> str:
    """As `Task.violations` compares occupations."""
    seen = "".join(char for char in text if char not in JOINERS)
    return unicodedata.normalize("NFKC", seen).casefold().strip()


def _mask(flags: Iterable[bool]) -> int:
    return sum(1 << index for index, flag in enumerate(flags) if flag)


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _below(limit: int, *parts: int | str) -> int:
    """An integer in [0, limit), each as likely as any other: bits of hashes, thrown again where they come to more."""
    bits = limit.bit_length()
    throw = 0
    while True:
        words = (derive_seed(*parts, throw, word) for word in range(-(-bits // 31)))
        drawn = sum(value << 31 * word for word, value in enumerate(words)) & ((1 << bits) - 1)
        if drawn < limit:
            return drawn
        throw += 1


def _shuffled(total: int, count: int, parts: Sequence[int | str]) -> list[int]:
    """The first numbers of a shuffle of all (Fisher and Yates), of which only what moved is kept."""
    moved: dict[int, int] = {}
    drawn: list[int] = []
    for place in range(count):
        other = place + _below(total - place, *parts, place)
        drawn.append(moved.get(other, other))
        moved[other] = moved.get(place, place)
    return drawn
