"""What a lint says, and what it looks at: findings, the rules that make them, and the shelf of records that all rules share."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Literal, NamedTuple, Protocol

from comity.library.lint.words import content, is_row, joined
from comity.world.characters import Character
from comity.world.choices import MutualFriend
from comity.world.collection import Collection
from comity.world.relationships import Relationship
from comity.world.scenarios import Scenario, Seat
from comity.world.tasks import Task

__all__ = [
    "Embedder",
    "Finding",
    "Found",
    "Level",
    "Rule",
    "Shelf",
    "every_text",
    "place",
    "private_text",
    "prose",
    "public_text",
    "told_texts",
]

Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or may be, with one record."""

    rule: str
    level: Level
    record: str
    """Where the record stands: `characters/<id>`, `relationships/<id>`, `scenarios/<id>` or `tasks/<id>`; `library` for the whole."""
    field: str
    """Dotted, such as `seats.buyer.goal`; empty where it is the whole record."""
    message: str
    """What is wrong and what to do about it."""

    def __str__(self) -> str:
        at = f"{self.record}: {self.field}" if self.field else self.record
        return f"{at}: {self.message} [{self.rule}]"


class Embedder(Protocol):
    """Turns texts into vectors of length 1, so that the product of two says how close they are in meaning, up to 1."""

    def __call__(self, texts: Sequence[str]) -> Sequence[Sequence[float]]: ...


class Found(NamedTuple):
    """What a rule found: a finding without the rule's own name and level."""

    record: str
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of finding. Its name and what it finds are those of its function."""

    level: Level
    check: Callable[["Shelf"], Iterable[Found]]

    @property
    def name(self) -> str:
        """As in findings."""
        return self.check.__name__

    @property
    def finds(self) -> str:
        """What it finds, in a sentence."""
        return " ".join((self.check.__doc__ or "").split("\n\n")[0].split())


@dataclass(frozen=True)
class Shelf:
    """The records that are looked at, and those that they are held against."""

    collection: Collection
    against: Collection = field(default_factory=Collection)
    embed: Embedder | None = None

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """Those that are looked at."""
        return self.collection.scenarios

    @property
    def characters(self) -> tuple[Character, ...]:
        """Those that are looked at."""
        return self.collection.characters

    @cached_property
    def people(self) -> tuple[Character, ...]:
        """Everyone there is to cast."""
        return tuple({who.id: who for who in chain(self.against.characters, self.collection.characters)}.values())

    @cached_property
    def relationships(self) -> tuple[Relationship, ...]:
        """How they stand to each other."""
        return (*self.against.relationships, *self.collection.relationships)

    @cached_property
    def casts(self) -> Mapping[str, Sequence[Task]]:
        """The tasks that are looked at, by their scenario."""
        found: dict[str, list[Task]] = {scenario.id: [] for scenario in self.scenarios}
        for task in self.collection.tasks:
            found.setdefault(task.scenario.id, []).append(task)
        return found

    @cached_property
    def every_scenario(self) -> tuple[Scenario, ...]:
        """Those that are looked at, and the others they are held against."""
        new = {scenario.id for scenario in self.scenarios}
        return (*self.scenarios, *(scenario for scenario in self.against.scenarios if scenario.id not in new))

    @cached_property
    def uses(self) -> Mapping[str, int]:
        """In how many scenarios each stem stands."""
        counts: dict[str, int] = {}
        for scenario in self.every_scenario:
            for word in set(content(_whole(scenario))):
                counts[word] = counts.get(word, 0) + 1
        return counts

    def is_rare(self, word: str) -> bool:
        """Whether a stem stands in three scenarios at most, or in one of 25."""
        return self.uses.get(word, 0) <= max(3, len(self.every_scenario) / 25)


def place(record: Character | Relationship | Scenario | Task) -> str:
    """Where a record stands, as findings say it."""
    folders = {Character: "characters", Relationship: "relationships", Scenario: "scenarios", Task: "tasks"}
    return f"{folders[type(record)]}/{record.id}"


def public_text(scenario: Scenario) -> str:
    """What everyone is told."""
    return joined((scenario.title, scenario.setting, *(seat.role for seat in scenario.seats)))


def private_text(seat: Seat) -> str:
    """What one seat alone is told."""
    return joined(text for _, text in _private(seat))


def prose(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Every text of a scenario that a seat is told, with its field."""
    yield "title", scenario.title
    yield "setting", scenario.setting
    for seat in scenario.seats:
        yield f"seats.{seat.id}.role", seat.role
        yield from ((f"seats.{seat.id}.{name}", text) for name, text in _private(seat))


def told_texts(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """The same without tables, and whom the seats look for, where they look for somebody."""
    for name, text in prose(scenario):
        yield name, joined(line for line in text.splitlines() if not is_row(line))
    if isinstance(scenario.payoff, MutualFriend):
        yield from ((f"payoff.contacts.{seat}", "\n".join(of)) for seat, of in scenario.payoff.contacts.items())


def every_text(shelf: Shelf) -> Iterator[tuple[str, str, str]]:
    """Every text of the records that are looked at: where the record stands, the field, the text."""
    for who in shelf.characters:
        told = {"name": who.name, "occupation": who.occupation, "public_info": who.public_info}
        told |= {"personality": who.personality, "secret": who.secret}
        yield from ((place(who), name, text) for name, text in told.items())
    for each in shelf.collection.relationships:
        yield place(each), "background", each.background
    for scenario in shelf.scenarios:
        yield from ((place(scenario), name, text) for name, text in told_texts(scenario))


def _private(seat: Seat) -> tuple[tuple[str, str], ...]:
    return (
        ("goal", seat.goal),
        ("extra_info", seat.extra_info),
        ("clarification_hint", seat.clarification_hint),
        ("strategy_hint", seat.strategy_hint),
    )


def _whole(scenario: Scenario) -> str:
    return joined(text for _, text in prose(scenario))
