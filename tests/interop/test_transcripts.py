"""Message matrix and transcript: both hold every turn, and what is not their form is refused with its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.interop.transcripts import (
    Unreadable,
    read_matrix,
    read_transcript,
    turns_of,
    write_matrix,
    write_transcript,
)
from comity.world.actions import Action, ActionType
from comity.world.environment import Limits
from interop.episodes import LEAVE, NONE, does, episode, says

NAMES = ("Ann Hart", "Bo O'Hara")


def test_the_matrix_has_a_line_of_each_agent_a_turn_and_ends_with_the_environment() -> None:
    played = episode(says("Hi."), LEAVE)
    assert write_matrix(played, ["to Ann", "to Bo"]) == [
        [
            ("Environment", "Ann Hart", "to Ann"),
            ("Environment", "Bo O'Hara", "to Bo"),
            ("Ann Hart", "Environment", 'said: "Hi."'),
            ("Bo O'Hara", "Environment", "did nothing"),
        ],
        [
            ("Environment", "Ann Hart", 'Turn #0: Ann Hart said: "Hi."\n'),
            ("Environment", "Bo O'Hara", 'Turn #0: Ann Hart said: "Hi."\n'),
            ("Ann Hart", "Environment", "did nothing"),
            ("Bo O'Hara", "Environment", "left the conversation"),
        ],
        [
            ("Environment", "Ann Hart", "Turn #1: Bo O'Hara left the conversation\n"),
            ("Environment", "Bo O'Hara", "Turn #1: Bo O'Hara left the conversation\n"),
        ],
    ]


def test_the_transcript_has_an_empty_paragraph_where_nobody_did_anything() -> None:
    played = episode(says("Hi."), NONE, does("wave"), LEAVE)
    assert (
        write_transcript(played)
        == 'Ann Hart said: "Hi."\n\n\n\nAnn Hart: [action] wave\n\nBo O\'Hara: left the conversation'
    )


def test_but_none_at_its_beginning() -> None:
    played = episode(NONE, says("Hi."), LEAVE)
    assert write_transcript(played) == 'Bo O\'Hara said: "Hi."\n\nAnn Hart: left the conversation'


speech = st.lists(
    st.sampled_from(["a", '"', "\n", "\n\n", " said: ", "Bo", "]", "Ä", "did nothing"]), min_size=1, max_size=6
)
worded = st.tuples(st.sampled_from([ActionType.SPEAK, ActionType.ACTION, ActionType.NON_VERBAL]), speech.map("".join))
actions = worded.filter(lambda made: bool(made[1].strip())).map(lambda made: Action(type=made[0], argument=made[1]))
courses = st.lists(st.one_of(actions, st.just(NONE)), min_size=1, max_size=8)


@given(courses)
def test_every_course_survives_the_matrix(course: list[Action]) -> None:
    played = episode(*course, limits=Limits(turns=50, stale=50))
    assert read_matrix(write_matrix(played, ["", ""]), NAMES) == turns_of(played)


plain = st.sampled_from([says("Hi."), says('She said: "no"\n\nand went.'), does("wave"), NONE])


@given(st.lists(plain, min_size=1, max_size=8).filter(lambda course: course[:2] != [NONE, NONE]))
def test_every_course_of_ordinary_words_survives_the_transcript(course: list[Action]) -> None:
    played = episode(*course, limits=Limits(turns=50, stale=50))
    assert read_transcript(write_transcript(played), NAMES) == turns_of(played)


@pytest.mark.parametrize(
    ("matrix", "place"),
    [
        ([], "messages: the last turn"),
        ([[("Ann Hart", "Environment", "did nothing")]], "messages: the last turn"),
        ([[("Ann Hart", "Environment", "did nothing")], []], "messages.0: there is not one line of each"),
        ([[("Ann Hart", "Environment", "did nothing"), ("Cy", "Environment", "did nothing")], []], "messages.0"),
        (
            [[("Ann Hart", "Environment", "shouted SECRET"), (NAMES[1], "Environment", "did nothing")], []],
            "messages.0: a line",
        ),
        (
            [[("Ann Hart", "Environment", 'said: ""'), (NAMES[1], "Environment", "did nothing")], []],
            "messages.0: an action",
        ),
    ],
)
def test_what_is_no_matrix_is_refused_with_its_place(matrix: list[list[tuple[str, str, str]]], place: str) -> None:
    with pytest.raises(Unreadable, match=f"^{place}") as refused:
        read_matrix(matrix, NAMES)
    assert "SECRET" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ['Cy said: "Hi."', "Ann Hart shouted SECRET", 'Ann Hart said: "SECRET', "Ann Hart: [dance] SECRET"]
)
def test_what_is_no_transcript_is_refused_with_its_turn(text: str) -> None:
    with pytest.raises(Unreadable, match=r"^social_interactions, turn 1") as refused:
        read_transcript(text, NAMES)
    assert "SECRET" not in str(refused.value)
