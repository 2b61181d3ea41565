"""Task sets keep what they promise: sizes, splits that share nothing they must not, and a rule for what is hard."""

from collections import Counter
from itertools import chain

import pytest

from comity.library import starter
from comity.library.sets import HARD, SETS, UnknownSet, hardness, tasks_of
from comity.world.choices import PublicGoods
from comity.world.deals import Contract, Price
from comity.world.scenarios import Scenario, Seat, TurnOrder
from comity.world.tasks import Task


def scenarios(tasks: tuple[Task, ...]) -> dict[str, Scenario]:
    return {task.scenario.id: task.scenario for task in tasks}


def kind(scenario: Scenario) -> str:
    return scenario.payoff.kind if scenario.payoff else ""


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_of_the_library_in_its_order_and_nothing_twice(name: str) -> None:
    order = [task.id for task in starter().tasks]
    places = [order.index(task.id) for task in tasks_of(name)]
    assert places == sorted(set(places))
    assert places


def test_a_name_that_is_no_set_is_refused_with_the_one_it_resembles() -> None:
    with pytest.raises(UnknownSet, match="no task set 'lit'; did you mean 'lite'"):
        tasks_of("lit")


def test_all_is_every_scenario_with_five_casts() -> None:
    assert tasks_of("all") == starter().tasks
    assert set(Counter(task.scenario.id for task in tasks_of("all")).values()) == {5}
    assert set(scenarios(tasks_of("all"))) == {scenario.id for scenario in starter().scenarios}


def test_lite_is_ten_tasks_of_ten_families_and_nobody_plays_twice() -> None:
    lite = tasks_of("lite")
    assert len(lite) == 10
    assert len({task.scenario.family for task in lite}) == 10
    assert (
        len({kind(task.scenario) for task in lite} - {""})
        == sum(task.scenario.payoff is not None for task in lite)
        == 2
    )
    assert [len(task.scenario.seats) for task in lite if len(task.scenario.seats) > 2] == [3]
    assert max(Counter(who.id for task in lite for who in task.cast.values()).values()) == 1


def test_the_split_shares_no_scenario_and_leaves_none_out() -> None:
    dev, test = scenarios(tasks_of("dev")), scenarios(tasks_of("test"))
    assert not dev.keys() & test.keys()
    assert {*dev, *test} == {scenario.id for scenario in starter().scenarios}
    for name in ("dev", "test"):
        assert set(Counter(task.scenario.id for task in tasks_of(name)).values()) == {5}


def test_the_split_shares_no_family_and_no_kind_of_payoff_where_there_are_outcomes() -> None:
    dev, test = (
        [scenario for scenario in scenarios(tasks_of(name)).values() if scenario.payoff] for name in ("dev", "test")
    )
    assert not {kind(scenario) for scenario in dev} & {kind(scenario) for scenario in test}
    assert not {scenario.family for scenario in dev} & {scenario.family for scenario in test}
    assert {kind(scenario) for scenario in (*dev, *test)} == {kind(s) for s in starter().scenarios} - {""}


def test_both_sides_of_the_split_bargain() -> None:
    for name in ("dev", "test"):
        bargains = [s for s in scenarios(tasks_of(name)).values() if kind(s) in ("division", "price", "contract")]
        assert len(bargains) >= 6, name


def test_the_split_is_about_half_and_half_in_what_matters() -> None:
    dev, test = (list(scenarios(tasks_of(name)).values()) for name in ("dev", "test"))
    assert abs(len(dev) - len(test)) <= 2
    assert abs(sum(s.payoff is not None for s in dev) - sum(s.payoff is not None for s in test)) <= 2
    assert abs(sum(len(s.seats) > 2 for s in dev) - sum(len(s.seats) > 2 for s in test)) <= 4
    of_many = [sum(s.payoff is not None and len(s.seats) > 2 for s in half) for half in (dev, test)]
    assert of_many[0] == of_many[1]
    plain = [Counter(s.family for s in half if not s.payoff) for half in (dev, test)]
    assert all(abs(plain[0][family] - plain[1][family]) <= 1 for family in {*plain[0], *plain[1]})


def test_hard_is_exactly_what_the_rule_says_and_about_seventy_tasks() -> None:
    hard = scenarios(tasks_of("hard"))
    assert hard.keys() == {s.id for s in starter().scenarios if len(hardness(s)) >= HARD}
    assert 60 <= len(tasks_of("hard")) <= 80
    assert any(s.payoff is None for s in hard.values())
    assert len({s.family for s in hard.values()}) >= 5


def make(seats: int = 2, **fields: object) -> Scenario:
    names = "abcde"[:seats]
    table = {"id": "s", "title": "S", "setting": "A room.", "seats": [Seat(id=name, goal="Stay.") for name in names]}
    return Scenario.model_validate(table | {"relationships": ("friend",), "turn_limit": 12 * seats} | fields)


def price(buyer: int, seller: int) -> Price:
    return Price(buyer="a", seller="b", range=(0, 100), step=10, reserves={"a": buyer, "b": seller})


NARROW = "interests opposed by the rules, or a narrow zone of agreement"


@pytest.mark.parametrize(
    ("scenario", "properties"),
    [
        (make(), []),
        (make(3), ["three seats or more"]),
        (make(turn_limit=10), ["at most five turns of each seat"]),
        (make(turn_limit=11), []),
        (
            make(turn_limit=5, turn_order=TurnOrder.SIMULTANEOUS),
            ["at most five turns of each seat", "an order of turns other than round-robin"],
        ),
        (make(turn_limit=6, turn_order=TurnOrder.SIMULTANEOUS), ["an order of turns other than round-robin"]),
        (make(relationships=()), ["open to strangers"]),
        (make(relationships=("stranger", "family")), ["open to strangers"]),
        (make(payoff=price(90, 10)), []),
        (make(payoff=price(50, 40)), [NARROW]),
        (make(payoff=price(40, 50)), [NARROW]),
        (make(payoff=PublicGoods(endowment=5, factor=1.5)), [NARROW]),
        (
            make(payoff=Contract(issues={"day": ("mon", "tue")}, points={"a": {"day": (1, 0)}, "b": {"day": (0, 1)}})),
            [],
        ),
    ],
)
def test_what_makes_a_scenario_hard_is_in_its_record(scenario: Scenario, properties: list[str]) -> None:
    assert list(hardness(scenario)) == properties


def test_every_set_says_what_it_is() -> None:
    assert list(SETS) == ["all", "hard", "lite", "dev", "test"]
    assert "no model was measured" in SETS["hard"]
    assert len(set(chain(SETS.values()))) == len(SETS)
