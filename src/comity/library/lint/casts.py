"""Whether a scenario can be cast and played: constraints that somebody satisfies, casts that differ, turns enough, words at all."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations

from comity.library.casting import Casting
from comity.library.lint.findings import Found, Shelf, place
from comity.world.actions import ActionType
from comity.world.choices import Choices
from comity.world.relationships import RelationshipKind
from comity.world.scenarios import Scenario, TurnOrder
from comity.world.tasks import Task

__all__ = [
    "broken_cast",
    "casts_alike",
    "few_casts",
    "few_turns",
    "never_cast",
    "no_private_messages",
    "often_cast",
    "repeated_cast",
    "uncastable",
    "wordless",
]

_CASTS = 5
"""Casts of a scenario, as in SOTOPIA."""


def uncastable(shelf: Shelf) -> Iterator[Found]:
    """Constraints that no cast of the characters at hand satisfies."""
    for scenario in shelf.scenarios if shelf.people else ():
        if not Casting(scenario, shelf.people, shelf.relationships).possible:
            yield Found(
                place(scenario),
                "relationships" if scenario.relationships else "seats",
                f"none of the {len(shelf.people)} characters can be cast: {_why(scenario, shelf)}",
            )


def broken_cast(shelf: Shelf) -> Iterator[Found]:
    """A task whose cast breaks its scenario's constraints, or in which one character sits twice."""
    for task in shelf.collection.tasks:
        yield from (Found(place(task), "cast", reason) for reason in task.violations())
        counts = Counter(who.id for who in task.cast.values())
        yield from (
            Found(place(task), "cast", f"{who!r} sits in {count} seats") for who, count in counts.items() if count > 1
        )


def repeated_cast(shelf: Shelf) -> Iterator[Found]:
    """Two tasks of a scenario with the same people in the same seats."""
    for tasks in shelf.casts.values():
        for one, other in combinations(tasks, 2):
            if _seated(one) == _seated(other):
                yield Found(place(other), "cast", f"has the same people in the same seats as {one.id!r}")


def few_casts(shelf: Shelf) -> Iterator[Found]:
    """A scenario with fewer than five casts, so that a result rests on few people."""
    for scenario in shelf.scenarios:
        if len(shelf.casts[scenario.id]) < _CASTS:
            yield Found(
                place(scenario),
                "casts",
                f"has {len(shelf.casts[scenario.id])} casts; five are usual. `comity library sample {scenario.id}` draws some",
            )


def casts_alike(shelf: Shelf) -> Iterator[Found]:
    """Three or more casts, all of people who stand to each other alike, where the scenario allows several relationships."""
    for scenario in shelf.scenarios:
        tasks = shelf.casts[scenario.id]
        kinds = {tuple(task.edge(a.id, b.id).kind for a, b in combinations(scenario.seats, 2)) for task in tasks}
        if len(tasks) >= 3 and len(scenario.relationships or RelationshipKind) > 1 and len(kinds) == 1:
            allowed = ", ".join(scenario.relationships or tuple(RelationshipKind))
            yield Found(
                place(scenario), "casts", f"all casts are {kinds.pop()[0].value}; the scenario allows {allowed}"
            )


def often_cast(shelf: Shelf) -> Iterator[Found]:
    """A character in more than a tenth of all tasks, where there are fifty or more."""
    for who, count in _uses(shelf).items():
        if len(shelf.collection.tasks) >= 50 and count > len(shelf.collection.tasks) / 10:
            yield Found(
                f"characters/{who}", "", f"plays in {count} of {len(shelf.collection.tasks)} tasks; spread them"
            )


def never_cast(shelf: Shelf) -> Iterator[Found]:
    """A character whom no task casts, where there are tasks."""
    uses = _uses(shelf)
    for who in shelf.characters if shelf.collection.tasks else ():
        if who.id not in uses:
            yield Found(place(who), "", "is in no cast")


def few_turns(shelf: Shelf) -> Iterator[Found]:
    """Fewer turns than the scenario needs: an action of every seat for each round of its payoff, and two of every seat at least."""
    for scenario in shelf.scenarios:
        needed = _turns_needed(scenario)
        if scenario.turn_limit < needed:
            rounds = f" and {_rounds(scenario)} rounds" if _rounds(scenario) > 1 else ""
            yield Found(
                place(scenario),
                "turn_limit",
                f"{scenario.turn_limit} turns; with {len(scenario.seats)} seats{rounds} in {scenario.turn_order} order it takes {needed}",
            )


def wordless(shelf: Shelf) -> Iterator[Found]:
    """A scenario with a payoff or private messages in which nobody may speak."""
    for scenario in shelf.scenarios:
        if ActionType.SPEAK not in scenario.actions and (scenario.payoff or scenario.private_messages):
            yield Found(
                place(scenario), "actions", "'speak' is not allowed; offers and messages want words to come with them"
            )


def no_private_messages(shelf: Shelf) -> Iterator[Found]:
    """Three seats or more that cannot speak in private, or two that could, to no effect."""
    for scenario in shelf.scenarios:
        if len(scenario.seats) > 2 and not scenario.private_messages:
            yield Found(
                place(scenario), "private_messages", "nobody can speak to one alone; allow it where the place does"
            )
        if len(scenario.seats) == 2 and scenario.private_messages:
            yield Found(
                place(scenario), "private_messages", "there are two seats, so that nothing is private; leave it out"
            )


def _uses(shelf: Shelf) -> Mapping[str, int]:
    return Counter(who.id for task in shelf.collection.tasks for who in task.cast.values())


def _seated(task: Task) -> dict[str, str]:
    return {seat: who.id for seat, who in task.cast.items()}


def _why(scenario: Scenario, shelf: Shelf) -> str:
    """The first constraint that lets nobody through."""
    for seat in scenario.seats:
        alone = scenario.model_copy(update={"seats": (seat,), "relationships": ()})
        if not Casting(alone, shelf.people).possible:
            ages = f"of {seat.ages[0]} to {seat.ages[1]}"
            jobs = f" who is {' or '.join(seat.occupations)}" if seat.occupations else ""
            return f"nobody {ages}{jobs} is there for seat {seat.id!r}"
    if not Casting(scenario.model_copy(update={"relationships": ()}), shelf.people).possible:
        return "too few fit the seats' ages and occupations"
    kinds = ", ".join(scenario.relationships)
    return f"no {len(scenario.seats)} who fit the seats stand to each other as {kinds}"


def _rounds(scenario: Scenario) -> int:
    return scenario.payoff.rounds if isinstance(scenario.payoff, Choices) else 1


def _turns_needed(scenario: Scenario) -> int:
    """Two rounds of talk and one action of every seat for each round of the payoff: an offer is answered in a later turn."""
    rounds = max(2, _rounds(scenario))
    return rounds if scenario.turn_order is TurnOrder.SIMULTANEOUS else rounds * len(scenario.seats)
