"""Constraints on age and occupation in every form the data has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.interop.constraints import (
    ANY_AGE,
    is_open,
    read_ages,
    read_occupations,
    write_ages,
    write_occupations,
)


@pytest.mark.parametrize(
    "raw", ["nan", "none", "", "any", None, float("nan"), "[[], []]", "[[],[]]", "[['any'], ['nan']]"]
)
def test_open_constraints_constrain_nothing_and_are_not_worth_a_word(raw: str | float | None) -> None:
    assert is_open(raw)
    assert read_ages(raw, 2) == ([ANY_AGE, ANY_AGE], [])
    assert read_occupations(raw, 2) == ([(), ()], [])


@pytest.mark.parametrize(
    ("raw", "ages"),
    [
        ("[(18, 70), (21, 70)]", [(18, 70), (21, 70)]),
        ("[[30, 50], [18, 18]]", [(30, 50), (18, 18)]),
        ("(25, 40)", [(25, 40), (25, 40)]),
        ("[(18,70) (20,30)]", [(18, 70), (20, 30)]),
    ],
)
def test_ages(raw: str, ages: list[tuple[int, int]]) -> None:
    assert read_ages(raw, 2) == (ages, [])


def test_ages_begin_at_18() -> None:
    ages, report = read_ages("[(16, 30), (13, 17)]", 2)
    assert ages == [(18, 30), ANY_AGE]
    assert [message.split(";")[0] for message in report] == [
        "ages 16 to 30 now begin at 18: characters are adults",
        "nobody of 13 to 17 can be cast: characters are adults",
    ]


@pytest.mark.parametrize(
    "raw", ["[(18, 70)", "[(18, 70)]", "[(70, 18), (18, 70)]", "adults", "__import__('os')", "[(18.5, 20), (1, 2)]"]
)
def test_ages_that_cannot_be_understood_are_left_open_and_reported(raw: str) -> None:
    ages, report = read_ages(raw, 2)
    assert ages == [ANY_AGE, ANY_AGE]
    assert len(report) == 1


@pytest.mark.parametrize(
    ("raw", "occupations"),
    [
        ("[actor, actor]", [("actor",), ("actor",)]),
        ("[['student'], ['student']]", [("student",), ("student",)]),
        ("['finance', 'business']", [("finance",), ("business",)]),
        (
            "[['software_developer', 'chef'], ['fashion student']]",
            [("software developer", "chef"), ("fashion student",)],
        ),
        ("[[], ['park_ranger']]", [(), ("park ranger",)]),
        ("[['writer', 'artist'], ['nan']]", [("writer", "artist"), ()]),
    ],
)
def test_occupations(raw: str, occupations: list[tuple[str, ...]]) -> None:
    assert read_occupations(raw, 2) == (occupations, [])


def test_one_list_for_both_seats_is_one_occupation_each_and_is_reported() -> None:
    occupations, report = read_occupations("[['organizer', 'speaker']]", 2)
    assert occupations == [("organizer",), ("speaker",)]
    assert len(report) == 1


@pytest.mark.parametrize(
    "raw", ["student", "[['a'], ['b'], ['c']]", "[[['a']], ['b']]", "[['driver's ed'], ['b']]", "]["]
)
def test_occupations_that_cannot_be_understood_are_left_open_and_reported(raw: str) -> None:
    occupations, report = read_occupations(raw, 2)
    assert occupations == [(), ()]
    assert len(report) == 1


@given(st.text(alphabet="[](),'\" any18x\n"))
def test_no_text_breaks_the_readers(raw: str) -> None:
    ages, _ = read_ages(raw, 2)
    occupations, _ = read_occupations(raw, 2)
    assert len(ages) == len(occupations) == 2
    assert all(18 <= low <= high for low, high in ages)


_AGES = st.tuples(st.integers(18, 60), st.integers(60, 120))
_JOBS = st.lists(st.sampled_from(["student", "ship's cook", "chef", "any trade"]), max_size=3, unique=True).map(tuple)


@given(st.lists(_AGES, min_size=2, max_size=2))
def test_ages_are_written_and_read_back(ages: list[tuple[int, int]]) -> None:
    assert read_ages(write_ages(ages), 2) == (ages, [])


@given(st.lists(_JOBS, min_size=2, max_size=2))
def test_occupations_are_written_and_read_back(occupations: list[tuple[str, ...]]) -> None:
    assert read_occupations(write_occupations(occupations), 2) == (occupations, [])


def test_what_is_open_is_written_as_nan() -> None:
    assert (write_ages([ANY_AGE, ANY_AGE]), write_occupations([(), ()])) == ("nan", "nan")
    assert write_ages([(18, 70), (21, 70)]) == "[(18, 70), (21, 70)]"
    assert write_occupations([("student",), ()]) == "[['student'], []]"
