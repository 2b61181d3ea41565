"""Goals and scenario texts: written as the released ones are, and read back as the same fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.interop.remarks import Report
from comity.interop.texts import read_texts, write_goal, write_setting
from comity.world.scenarios import Scenario, Seat


def seat(goal: str, extra: str = "", clarification: str = "", strategy: str = "") -> Seat:
    return Seat(id="agent_1", goal=goal, extra_info=extra, clarification_hint=clarification, strategy_hint=strategy)


FRIENDS = "You know the following friends: \n Ann: Hobby: Go  \n Bo: Hobby: Chess"


@pytest.mark.parametrize(
    ("aim", "text"),
    [
        (seat("Pay"), "Pay"),
        (seat("Pay", "you have $9."), "Pay (<extra_info>Extra information: you have $9.</extra_info>)"),
        (
            seat("Pay", "you have $9.", strategy="haggle"),
            "Pay (<extra_info>Extra information: you have $9. <strategy_hint>Hint: haggle</strategy_hint></extra_info>)",
        ),
        (seat("Pay", strategy="haggle"), "Pay (<strategy_hint>Hint: haggle</strategy_hint>)"),
        (seat("Pay", clarification="in cash"), "Pay (<clarification_hint>Hint: in cash</clarification_hint>)"),
        (seat("Find out.", FRIENDS), f"Find out.\n<extra_info> {FRIENDS}  \n</extra_info>"),
    ],
)
def test_a_goal_is_written_as_the_release_has_it_and_read_back(aim: Seat, text: str) -> None:
    assert write_goal(aim) == text
    report = Report()
    texts = read_texts(report, "here", "A room.", (text, "Leave"))
    assert texts is not None
    assert seat("x").model_copy(update=dict(texts.aims[0])) == aim
    assert (report.problems, report.remarks) == ([], [])


words = st.from_regex(r"[a-z](?:[a-z ,.?!]{0,40}[a-z.?!])?", fullmatch=True)
maybe = st.one_of(st.just(""), words)


@given(words, maybe, maybe, maybe, maybe)
def test_what_is_written_is_read_back_whatever_it_says(
    goal: str, extra: str, clarification: str, strategy: str, note: str
) -> None:
    one = seat(goal, extra, clarification, strategy)
    scenario = Scenario(
        id="s", title="s", setting="A room.", judge_note=note, seats=(one, Seat(id="agent_2", goal="Leave"))
    )
    report = Report()
    texts = read_texts(report, "here", write_setting(scenario), [write_goal(each) for each in scenario.seats])
    assert texts is not None
    assert texts.are_those_of(scenario)
    assert report.problems == []


def test_other_texts_are_not_the_scenarios() -> None:
    scenario = Scenario(id="s", title="s", setting="A room.", seats=(seat("Pay"), Seat(id="agent_2", goal="Leave")))
    for setting, goals in (("A hall.", ("Pay", "Leave")), ("A room.", ("Pay", "Stay")), ("A room.", ("Leave", "Pay"))):
        texts = read_texts(Report(), "here", setting, goals)
        assert texts is not None
        assert not texts.are_those_of(scenario)
