"""Turns from elsewhere become events that our rules accept, under limits by which they end as they ended."""

import pytest

from comity.interop.playing import play
from comity.interop.remarks import Report
from comity.interop.transcripts import Unreadable
from comity.world.actions import Action
from comity.world.environment import End, EndReason, Limits
from comity.world.scenarios import TurnOrder
from interop.episodes import LEAVE, NONE, says, task

HI = says("Hi.")
STALE, LIMIT = End(reason=EndReason.STALE), End(reason=EndReason.TURN_LIMIT)
LEFT = End(reason=EndReason.TOO_FEW_LEFT, seat="agent_1")


def in_turns(*course: Action) -> list[list[Action]]:
    return [[action, NONE] if i % 2 == 0 else [NONE, action] for i, action in enumerate(course)]


@pytest.mark.parametrize(
    ("course", "end", "limits"),
    [
        ([HI, HI, LEAVE], LEFT, Limits(turns=21, stale=2)),
        ([HI, NONE], STALE, Limits(turns=21, stale=1)),
        ([HI, HI, NONE, NONE], STALE, Limits(turns=21, stale=2)),
        ([HI, HI, NONE, HI, NONE, NONE], STALE, Limits(turns=21, stale=2)),
        ([HI] * 21, LIMIT, Limits(turns=21, stale=2)),
        ([HI] * 11, LIMIT, Limits(turns=11, stale=2)),
        ([HI] * 30 + [LEAVE], LEFT, Limits(turns=31, stale=2)),
        ([HI, NONE, NONE, NONE, LEAVE], LEFT, Limits(turns=21, stale=4)),
    ],
)
def test_our_rules_end_it_as_it_ended(course: list[Action], end: End, limits: Limits) -> None:
    report = Report()
    played = play(report, "here", task(), "asymmetric", in_turns(*course), end)
    assert (played.end, played.limits) == (end, limits)
    assert [event.action for event in played.events] == course
    assert [event.turn for event in played.events] == list(range(1, len(course) + 1))
    assert report.remarks == []


def test_an_end_that_our_rules_cannot_give_is_kept_and_remarked_on() -> None:
    report = Report()
    played = play(report, "here", task(), "asymmetric", in_turns(HI, NONE, HI, NONE), STALE)
    assert played.end == STALE
    assert [remark.kind for remark in report.remarks] == ["ending_differs"]


def test_an_episode_without_an_end_is_unfinished() -> None:
    played = play(Report(), "here", task(), "asymmetric", in_turns(*[HI] * 21), None)
    assert (played.end, played.limits.turns) == (None, 22)


def test_where_both_act_in_one_turn_the_scenario_is_simultaneous() -> None:
    report = Report()
    played = play(report, "here", task(), "asymmetric", [[HI, HI], [HI, LEAVE]], None)
    assert played.task.scenario.turn_order is TurnOrder.SIMULTANEOUS
    assert [event.seat for event in played.events] == ["agent_1", "agent_2"] * 2
    assert [remark.kind for remark in report.remarks] == ["scenario_differs"]


def test_nobody_acts_after_one_of_two_has_left() -> None:
    with pytest.raises(Unreadable, match=r"messages\.2: the episode goes on"):
        play(Report(), "here", task(), "asymmetric", in_turns(HI, LEAVE, HI), None)


def test_words_beyond_what_an_action_may_carry_are_refused() -> None:
    with pytest.raises(Unreadable, match=r"messages\.0: .* at most"):
        play(Report(), "here", task(), "asymmetric", in_turns(says("x" * 40_000)), None)
