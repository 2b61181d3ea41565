"""A scenario has two or more seats with ids of their own, and at least one possible action."""

import pytest
from pydantic import ValidationError

from comity.world.scenarios import Scenario, Seat


def scenario(*seats: str, **fields: object) -> Scenario:
    made = [Seat(id=seat, goal="g") for seat in seats]
    return Scenario.model_validate({"id": "s", "title": "T", "setting": "A room.", "seats": made} | fields)


@pytest.mark.parametrize("seats", [(), ("a",)])
def test_fewer_than_two_seats_are_refused(seats: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match="at least two seats"):
        scenario(*seats)


def test_many_seats_are_welcome() -> None:
    assert len(scenario(*"abcdefgh").seats) == 8


def test_seats_are_told_apart_by_id() -> None:
    with pytest.raises(ValidationError, match="seat ids must differ"):
        scenario("a", "b", "a")


def test_a_scenario_lasts_20_turns_in_round_robin_unless_it_says_otherwise() -> None:
    assert scenario("a", "b").turn_limit == 20
    assert scenario("a", "b").turn_order == "round-robin"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"turn_order": "roundrobin"}, "turn_order"),
        ({"turn_limit": 0}, "turn_limit"),
        ({"actions": []}, "at least one action type"),
        ({"actions": ["shout"]}, "actions.0"),
        ({"setting": ""}, "setting"),
    ],
)
def test_a_wrong_field_is_refused_and_named(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        scenario("a", "b", **wrong)


@pytest.mark.parametrize("ages", [(17, 30), (40, 30), (0, 0)])
def test_ages_are_an_ordered_range_of_adults(ages: tuple[int, int]) -> None:
    with pytest.raises(ValidationError, match="ages"):
        Seat(id="a", goal="g", ages=ages)


def test_a_seat_is_found_by_id_and_a_missing_one_is_an_error() -> None:
    assert scenario("a", "b").seat("b").id == "b"
    with pytest.raises(KeyError):
        scenario("a", "b").seat("c")
