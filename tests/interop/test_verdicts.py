"""Ends, reasons and scores in SOTOPIA's words: written, read back, and refused where something would be lost."""

import pytest
from pydantic import JsonValue

from comity.interop.transcripts import Unreadable
from comity.interop.verdicts import (
    read_end,
    read_evaluation,
    read_scores,
    sotopia_eval,
    split_reasoning,
    write_evaluation,
    write_reasoning,
    write_rewards,
)
from comity.world.actions import Action
from comity.world.environment import End, EndReason, Limits
from interop.episodes import LEAVE, NONE, card, episode, says

SEATS = ("agent_1", "agent_2")
KEYS = [
    "believability",
    "relationship",
    "knowledge",
    "secret",
    "social_rules",
    "financial_and_material_benefits",
    "goal",
]


@pytest.mark.parametrize(
    ("course", "limits", "comment"),
    [
        ([says("Hi."), LEAVE], Limits(), "terminated: Agent 2 is leaving; "),
        ([LEAVE], Limits(), "terminated: Agent 1 is leaving; "),
        ([says("Hi."), NONE], Limits(stale=1), "terminated: The conversation stales for too long; "),
        ([says("Hi.")] * 3, Limits(turns=3), "terminated: The conversation is too long; "),
        ([says("Hi."), LEAVE], Limits(turns=2), "terminated: The conversation is too long; Agent 2 is leaving; "),
        ([says("Hi.")], Limits(), ""),
    ],
)
def test_an_end_is_written_as_sotopias_comment_and_read_back(
    course: list[Action], limits: Limits, comment: str
) -> None:
    played = episode(*course, limits=limits)
    assert write_reasoning(played, None, sotopia_eval()) == f"Environment comments: {comment}\n"
    assert read_end(comment, SEATS) == played.end


def test_an_unfinished_episode_has_no_end() -> None:
    assert read_end("", SEATS) is None
    assert read_end("terminated: ", SEATS) is None


def test_reasons_are_written_by_dimension_and_read_back() -> None:
    played = episode()
    text = write_reasoning(played, card(played), sotopia_eval())
    comment, reasons = split_reasoning(text, SEATS)
    assert read_end(comment, SEATS) == End(reason=EndReason.TOO_FEW_LEFT, seat="agent_2")
    assert [list(each) for each in reasons] == [KEYS, KEYS]
    assert reasons[0]["social_rules"] == "because of SOC"


def test_reasons_may_have_several_lines() -> None:
    played = episode()
    text = write_reasoning(played, card(played), sotopia_eval()).replace("because of KNO", "one\n\ntwo: three ")
    assert split_reasoning(text, SEATS)[1][1]["knowledge"] == "one\n\ntwo: three "


@pytest.mark.parametrize(
    "text", ["SECRET", "Environment comments: x\nAgent 1 comments:\nSECRET\nAgent 2 comments:\nSECRET\n"]
)
def test_a_text_that_is_none_of_this_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(Unreadable, match=r"^reasoning: ") as refused:
        split_reasoning(text, SEATS)
    assert "SECRET" not in str(refused.value)


def test_scores_are_whole_numbers_written_as_floats_with_their_mean() -> None:
    played = episode()
    given = card(played)
    rewards: dict[str, JsonValue] = {**write_rewards(given, "agent_1", sotopia_eval())}
    assert list(rewards.values()) == [9.0, 2.0, 3.0, 0.0, -1.0, 0.0, 8.0, 3.0]
    assert all(isinstance(value, float) for value in rewards.values())
    read = read_scores(
        rewards, {key: f"because of {d}" for key, d in zip(KEYS, given.scores["agent_1"], strict=True)}, "x"
    )
    assert read == given.scores["agent_1"]


def test_a_score_that_is_not_there_is_null_and_so_is_the_mean() -> None:
    played = episode()
    rewards: dict[str, JsonValue] = {
        **write_rewards(card(played, (9, None, 3, 0, -1, 0, 8)), "agent_1", sotopia_eval())
    }
    assert (rewards["relationship"], rewards["overall_score"]) == (None, None)
    assert read_scores(rewards, {}, "x")["REL"].score is None


def test_a_failed_evaluation_is_no_score_of_zero() -> None:
    read = read_scores(0.0, {}, "rewards.0")
    assert {score.score for score in read.values()} == {None}
    assert all("failed" in score.cause for score in read.values())


def rewards(**changes: JsonValue) -> dict[str, JsonValue]:
    return {**dict.fromkeys(KEYS, 0.0), "overall_score": 0.0} | changes


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (rewards(goal=1.5), "rewards.0.goal: not a whole number"),
        (rewards(goal="8"), "rewards.0.goal: not a whole number"),
        (rewards(goal=True), "rewards.0.goal: not a whole number"),
        (rewards(goal=11), "rewards.0.goal: not a whole number from 0 to 10"),
        (rewards(secret=1), "rewards.0.secret: not a whole number from -10 to 0"),
        (rewards(goal=float("inf")), "rewards.0.goal: not a whole number"),
        (rewards(goal=float("nan")), "rewards.0.goal: not a whole number"),
        (rewards(overall_score=1.1), "rewards.0.overall_score: not the mean"),
        (rewards(overall_score=float("nan")), "rewards.0.overall_score: not the mean"),
        (rewards(overall_score=10**400), "rewards.0.overall_score: not the mean"),
        ({"goal": 1.0}, "rewards.0: believability is missing"),
    ],
)
def test_scores_that_would_lose_something_are_refused(given: JsonValue, message: str) -> None:
    with pytest.raises(Unreadable, match=message.replace(".", r"\.")):
        read_scores(given, {}, "rewards.0")


def test_evaluations_with_each_its_reason() -> None:
    scores = card(episode()).scores["agent_1"]
    written = write_evaluation(scores, sotopia_eval())
    assert written["goal"] == {"reasoning": "because of GOAL", "score": 8}
    assert read_evaluation(written, "x") == scores
    with pytest.raises(Unreadable, match=r"^x\.goal: not a reasoning and a score"):
        read_evaluation({**written, "goal": 8}, "x")
