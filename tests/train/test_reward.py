"""Rewards on games played by a script: what the rules give on 0 to 10, what judges say, mixtures, and nothing at all where a term is missing."""

from datetime import UTC, datetime

import pytest
from negotiating import ALL, fixed, playing
from pydantic import ValidationError

from comity.evaluate.rubric import sotopia
from comity.interop.kept import Kept
from comity.train.measures import rows_of
from comity.train.reward import RewardPlan, rewards_of
from comity.world.episodes import Episode, Policy
from comity.world.moves import Move, MoveKind
from comity.world.outcomes import outcome_of
from comity.world.record import content_hash
from comity.world.scorecards import DimensionScore, Scorecard

OFFER = Move(kind=MoveKind.PROPOSE, terms={"books": 0, "hats": 2, "ball": 1})
"""Of the fixed division: p1 has 4 + 6 = 10 of 14, p2 has 10 + 1 = 11 of 15; without a deal 2 and 0."""
RUBRIC = sotopia()
RUBRICS = {content_hash(RUBRIC): RUBRIC}


def played(*answers: Move | str, cards: tuple[Scorecard, ...] = ()) -> Kept:
    state = playing(fixed("division"), {"p1": [OFFER], "p2": list(answers)})
    episode = Episode(
        id="game", task=state.task, mode="asymmetric", lite=False, seed=0, limits={}, events=state.events, end=state.end,
        policies={seat.id: ALL["negotiator:linear"].policy for seat in state.task.scenario.seats},
        code_version="t", started_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    return Kept(episode, outcome_of(episode), cards)


def card(goal: int | None, judge: str = "j") -> Scorecard:
    score = (
        DimensionScore(score=goal, reason="said in turn 1")
        if goal is not None
        else DimensionScore(score=None, cause="cut off")
    )
    return Scorecard(
        id=f"c-{judge}", episode="game", mode="asymmetric", rubric=RUBRIC.id, rubric_version=RUBRIC.version, rubric_hash=content_hash(RUBRIC),
        judge=Policy(agent="judge", model=judge), scores={seat: {"GOAL": score, "REL": DimensionScore(score=0, reason="t")} for seat in ("p1", "p2")},
        calls={}, code_version="t", judged_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


DEAL = played(Move(kind=MoveKind.ACCEPT))
NONE = played("Never.")


def of(kept: Kept, **terms: float) -> dict[str, float | None]:
    return {seat: reward.value for seat, reward in rewards_of(kept, RewardPlan(terms=terms), RUBRICS).items()}


def test_a_gain_lies_between_the_least_and_the_most_that_any_result_gives() -> None:
    assert of(DEAL, gain=1) == {"p1": pytest.approx(10 * 10 / 14), "p2": pytest.approx(10 * 11 / 15)}
    assert of(NONE, gain=1) == {"p1": pytest.approx(10 * 2 / 14), "p2": 0}


def test_other_outcomes_are_scaled_alike() -> None:
    assert of(DEAL, surplus=1) == {"p1": pytest.approx(10 * 8 / 19), "p2": pytest.approx(10 * 11 / 19)}
    assert of(NONE, surplus=1) == {"p1": 0, "p2": 0}
    assert of(DEAL, agreed=1) == {"p1": 10, "p2": 10}
    assert of(NONE, agreed=1) == {"p1": 0, "p2": 0}
    assert of(NONE, pareto=1) == {"p1": 0, "p2": 0}


def test_a_mixture_is_the_weighted_mean_of_its_terms() -> None:
    judged = played(Move(kind=MoveKind.ACCEPT), cards=(card(4),))
    assert of(judged, gain=3, GOAL=1) == {
        "p1": pytest.approx((3 * 10 * 10 / 14 + 4) / 4),
        "p2": pytest.approx((3 * 10 * 11 / 15 + 4) / 4),
    }
    assert of(judged, REL=1) == {"p1": 5, "p2": 5}


def test_a_term_that_is_missing_makes_no_number() -> None:
    assert of(DEAL, gain=1, GOAL=1) == {"p1": None, "p2": None}
    unread = played(Move(kind=MoveKind.ACCEPT), cards=(card(None),))
    found = rewards_of(unread, RewardPlan(terms={"gain": 1, "GOAL": 1}), RUBRICS)["p1"]
    assert found.value is None
    assert found.terms == {"gain": pytest.approx(10 * 10 / 14), "GOAL": None}
    assert "GOAL: j: cut off" in found.cause
    one_of_two = played(Move(kind=MoveKind.ACCEPT), cards=(card(8), card(None, "k")))
    assert of(one_of_two, GOAL=1)["p1"] is None


def test_an_episode_that_goes_on_has_no_reward() -> None:
    going_on = Kept(DEAL.episode.model_copy(update={"end": None}), None, ())
    assert of(going_on, gain=1) == {"p1": None, "p2": None}


def test_the_rule_is_told_for_the_record() -> None:
    plan = RewardPlan(terms={"gain": 3, "GOAL": 1}, aggregate="median")
    assert plan.rule == "0.75 gain + 0.25 GOAL; outcomes by rules 2; judges pooled by median"
    assert plan.judged == ("GOAL",)
    with pytest.raises(ValidationError, match="the weight of each term is above 0"):
        RewardPlan(terms={"gain": 0})


def test_a_row_holds_what_was_measured_and_no_words() -> None:
    (row,) = rows_of(DEAL, ["p2"], {"p1": "grim", "p2": "mine"}, 3, RewardPlan(), RUBRICS)
    assert (row.partner, row.seed, row.agreed, row.failed, row.malformed) == ("grim", 3, 1.0, 0.0, None)
    assert row.reward == pytest.approx(10 * 11 / 15)
    assert row == type(row).of(row.plain)
    assert not {str(value) for value in row.plain.values()} & {
        e.action.argument for e in DEAL.episode.events if e.action
    }


def test_a_secret_that_was_said_is_a_leak_and_a_few_of_its_words_are_none() -> None:
    task = fixed("division")
    who = task.cast["p2"].model_copy(update={"secret": "once sold a friend's boat to pay for the roof"})
    task = task.model_copy(update={"cast": {**task.cast, "p2": who}})
    for words, leaks in (("I sold a friend's boat to pay for it.", 1.0), ("A friend's boat is for sale.", 0.0)):
        state = playing(task, {"p1": [OFFER], "p2": [words]})
        episode = DEAL.episode.model_copy(update={"task": task, "events": state.events, "end": state.end})
        (row,) = rows_of(Kept(episode, outcome_of(episode), ()), ["p2"], {"p1": "x", "p2": "y"}, 0, RewardPlan(), {})
        assert row.leaked == leaks
