"""Task sets of the shipped library: all of it, the hard part, ten tasks for a first look, and a split into two for development and test.

What is listed stands in `data/sets.toml`; `hard` is computed from the data by a rule. No model has been measured on any of them yet,
so that "hard" says what the tasks ask for and not how anybody did.
"""

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files

from comity.library.loader import starter
from comity.library.problems import did_you_mean
from comity.world.choices import Dilemma, Gift, PublicGoods, Secret
from comity.world.deals import Deal
from comity.world.positions import Position
from comity.world.relationships import RelationshipKind
from comity.world.scenarios import Scenario, TurnOrder
from comity.world.tasks import Task

__all__ = ["HARD", "SETS", "UnknownSet", "hardness", "tasks_of"]

HARD = 3
"""A scenario is hard that has at least so many of the five properties of `hardness`."""

_NARROW = 0.25
"""A zone of agreement is narrow that holds less than this share of all deals."""

_SHORT = 5
"""Turns of each seat that are few."""


class UnknownSet(ValueError):
    """There is no task set of this name; the message says which there are."""


def tasks_of(name: str) -> tuple[Task, ...]:
    """The tasks of a set, in the order of the library. Raises `UnknownSet`."""
    if name not in SETS:
        raise UnknownSet(f"there is no task set {name!r}{did_you_mean(name, SETS)}; there are: {', '.join(SETS)}")
    return _tasks(name)


SETS: Mapping[str, str] = {
    "all": "every scenario with its five casts",
    "hard": f"the scenarios that have at least {HARD} of five hard properties, with all their casts; no model was measured for it",
    "lite": "ten tasks of ten families for a first look: two with outcomes, one of three seats, nobody twice",
    "dev": "half of the scenarios: to develop and to train on; it bargains over prices and contracts",
    "test": "the other half: no scenario of dev, and of outcomes no family and no kind of dev's; it bargains by division",
}
"""The task sets by name, with what each is."""


@cache
def _tasks(name: str) -> tuple[Task, ...]:
    every = starter().tasks
    if name == "all":
        return every
    if name == "hard":
        hard = {scenario.id for scenario in starter().scenarios if len(hardness(scenario)) >= HARD}
        return tuple(task for task in every if task.scenario.id in hard)
    listed = _listed()[name]
    ids, scenarios = listed.get("tasks", ()), listed.get("scenarios", ())
    return tuple(task for task in every if task.id in ids or task.scenario.id in scenarios)


@cache
def _listed() -> Mapping[str, Mapping[str, list[str]]]:
    return tomllib.loads(files("comity.library").joinpath("data", "sets.toml").read_text("utf-8"))


def hardness(scenario: Scenario) -> tuple[str, ...]:
    """Which of the five properties a scenario has that ask more of those who play it, each in a few words."""
    return tuple(said for said, has in _PROPERTIES.items() if has(scenario))


def _opposed(scenario: Scenario) -> bool:
    """Rules by which one can gain by another's loss, or under which few of all deals leave nobody worse off."""
    payoff = scenario.payoff
    if isinstance(payoff, Dilemma | PublicGoods | Secret | Gift):
        return True
    if not isinstance(payoff, Deal):
        return False
    none, *deals = payoff.reachable(Position(tuple(seat.id for seat in scenario.seats)))
    agreeable = sum(deal != none and all(deal[seat] >= had for seat, had in none.items()) for deal in deals)
    return agreeable < _NARROW * len(deals)


def _few_turns(scenario: Scenario) -> bool:
    at_once = scenario.turn_order is TurnOrder.SIMULTANEOUS
    return scenario.turn_limit <= _SHORT * (1 if at_once else len(scenario.seats))


_PROPERTIES: Mapping[str, Callable[[Scenario], bool]] = {
    "three seats or more": lambda scenario: len(scenario.seats) > 2,
    "interests opposed by the rules, or a narrow zone of agreement": _opposed,
    "at most five turns of each seat": _few_turns,
    "an order of turns other than round-robin": lambda scenario: scenario.turn_order is not TurnOrder.ROUND_ROBIN,
    "open to strangers": lambda scenario: (
        RelationshipKind.STRANGER in (scenario.relationships or tuple(RelationshipKind))
    ),
}
