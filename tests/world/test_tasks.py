"""A task fills every seat, joins seats by edges, tells characters of one name apart and says where its cast breaks the constraints."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from worlds import SEATS, character, display_names, task

from comity.world.relationships import RelationshipKind
from comity.world.scenarios import Scenario, Seat
from comity.world.tasks import Edge, Task


def test_every_seat_is_filled_and_no_other() -> None:
    scenario = task("Ana", "Ben").scenario
    for seats in ("a", "abc", "ac"):
        with pytest.raises(ValidationError, match="must fill the seats a, b"):
            Task(id="t", scenario=scenario, cast={seat: character() for seat in seats})


@pytest.mark.parametrize("between", [("a", "a"), ("a", "z")])
def test_an_edge_joins_two_of_the_seats(between: tuple[str, str]) -> None:
    with pytest.raises(ValidationError, match="an edge joins two of the seats a, b"):
        Task(
            id="t",
            scenario=task().scenario,
            cast=task().cast,
            edges=(Edge(between=between, kind=RelationshipKind.FRIEND),),
        )


def test_two_seats_are_joined_once() -> None:
    with pytest.raises(ValidationError, match="two edges"):
        task(edges={"ab": RelationshipKind.FRIEND, "ba": RelationshipKind.FAMILY})


def test_an_edge_is_the_same_from_both_sides_and_a_missing_one_is_stranger() -> None:
    made = task("Ana", "Ben", "Cai", edges={"ca": RelationshipKind.FRIEND})
    assert made.edge("a", "c").kind is made.edge("c", "a").kind is RelationshipKind.FRIEND
    assert made.edge("a", "b").kind is RelationshipKind.STRANGER


@pytest.mark.parametrize(
    ("cast", "shown"),
    [
        (("Ana", "Ben"), ["Ana", "Ben"]),
        (("Ana", "Ana"), ["Ana (1)", "Ana (2)"]),
        (("Ana", "Ana", "Ana (1)"), ["Ana (2)", "Ana (3)", "Ana (1)"]),
        (("Ana (1)", "Ana", "Ana", "Ana (3)"), ["Ana (1)", "Ana (2)", "Ana (4)", "Ana (3)"]),
        (("Ana", "ANA", "Ben"), ["Ana (1)", "ANA (2)", "Ben"]),
        (("Ana", "\uff21\uff4e\uff41"), ["Ana (1)", "\uff21\uff4e\uff41 (2)"]),
    ],
)
def test_characters_of_one_name_are_told_apart_by_a_number(cast: tuple[str, ...], shown: list[str]) -> None:
    assert list(task(*cast).names.values()) == shown


@given(st.lists(display_names, min_size=2, max_size=8))
def test_no_two_display_names_look_the_same_whoever_is_cast(cast: list[str]) -> None:
    names = task(*cast).names
    assert list(names) == list(SEATS[: len(cast)])
    assert len({unicodedata.normalize("NFKC", name).casefold() for name in names.values()}) == len(cast)


def constrained(**fields: object) -> Scenario:
    seats = (Seat(id="a", goal="g", ages=(20, 25), occupations=("Baker", "nurse")), Seat(id="b", goal="g"))
    scenario = {"id": "s", "title": "T", "setting": "A room.", "seats": seats, "relationships": ["friend", "family"]}
    return Scenario.model_validate(scenario | fields)


def test_a_cast_that_fits_violates_nothing() -> None:
    edge = Edge(between=("b", "a"), kind=RelationshipKind.FAMILY)
    cast = {"a": character("Ana", age=25, occupation="BAKER "), "b": character("Ben", age=90)}
    assert Task(id="t", scenario=constrained(), cast=cast, edges=(edge,)).violations() == []


def test_each_broken_constraint_is_named_with_what_was_wanted() -> None:
    cast = {"a": character("Ana", age=26, occupation="pilot"), "b": character("Ben")}
    age, occupation, relationship = Task(id="t", scenario=constrained(), cast=cast).violations()
    assert age == "Ana is 26; seat 'a' wants 20 to 25"
    assert occupation == "Ana is 'pilot'; seat 'a' wants Baker, nurse"
    assert relationship == "'a' and 'b' are stranger; the scenario wants friend, family"


def test_a_scenario_without_constraints_takes_anyone() -> None:
    assert task("Ana", "Ben", "Cai").violations() == []
