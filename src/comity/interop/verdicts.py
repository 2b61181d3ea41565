"""How an episode ended and was scored, in SOTOPIA's words and numbers, and as an end and scorecards.

SOTOPIA writes both into one text, and scores as floats; every one of them must be a whole number to fit a scorecard, which is
checked. A failed evaluation, which SOTOPIA stores as 0.0, is a score that is not there.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

from pydantic import JsonValue

from comity.interop.transcripts import Unreadable
from comity.world.actions import ActionType
from comity.world.environment import End, EndReason
from comity.world.episodes import Episode
from comity.world.scorecards import Dimension, DimensionScore, Rubric, Scorecard

__all__ = [
    "Scores",
    "key_of",
    "read_end",
    "read_evaluation",
    "read_scores",
    "sotopia_eval",
    "split_reasoning",
    "write_evaluation",
    "write_reasoning",
    "write_rewards",
]

Scores = Mapping[str, DimensionScore]
"""One seat's scores by the dimension's id, in the rubric's order."""

_FAILED = "SOTOPIA's evaluation failed, for which it stores 0.0"
_NULL = "null in the source"


@cache
def sotopia_eval() -> Rubric:
    """The dimensions of SOTOPIA-Eval in SOTOPIA's order, by which released scores were given; no judge is asked by it."""
    text = resources.files("comity.interop").joinpath("sotopia_eval.toml").read_text("utf-8")
    return Rubric.model_validate(tomllib.loads(text))


def key_of(name: str) -> str:
    """What SOTOPIA calls a dimension of this name, such as `social_rules`."""
    return name.lower().replace(" ", "_")


# Ends


def read_end(comment: str, seats: Sequence[str]) -> End | None:
    """The end that SOTOPIA's comment on the environment tells of; `None` for an episode that was not ended.

    Leaving comes before silence and silence before the turn limit, as in our own rules.
    """
    leaving = [seat for i, seat in enumerate(seats, 1) if f"Agent {i} is leaving" in comment]
    if leaving:
        return End(reason=EndReason.TOO_FEW_LEFT, seat=leaving[-1])
    if "stales for too long" in comment:
        return End(reason=EndReason.STALE)
    return End(reason=EndReason.TURN_LIMIT) if "too long" in comment else None


def _comment(episode: Episode) -> str:
    if episode.end is None:
        return ""
    limit = episode.limits.turns or episode.task.scenario.turn_limit
    left = {e.seat for e in episode.events if e.action and e.action.type is ActionType.LEAVE}
    reasons = ["The conversation is too long; "] if episode.turns >= limit else []
    reasons += [f"Agent {i} is leaving; " for i, seat in enumerate(episode.task.scenario.seats, 1) if seat.id in left]
    reasons += ["The conversation stales for too long; "] if episode.end.reason is EndReason.STALE else []
    return f"terminated: {''.join(reasons)}"


# Reasons


def split_reasoning(text: str, seats: Sequence[str]) -> tuple[str, list[dict[str, str]]]:
    """The comment on the environment, and each seat's reasons by SOTOPIA's names. Raises `Unreadable`."""
    if not text.strip():
        return "", [{} for _ in seats]
    agents = "".join(rf"\nAgent {i} comments:\n(.*?)" for i, _ in enumerate(seats, 1))
    whole = re.fullmatch(rf"Environment comments: ([^\n]*)(?:{agents})?\n?", text, re.DOTALL)
    if whole is None:
        raise Unreadable("reasoning: not comments on the environment and then on each of the agents")
    return whole[1], [_reasons(words, i) for i, words in enumerate(whole.groups()[1:], 1)]


def _reasons(words: str | None, agent: int) -> dict[str, str]:
    if words is None:
        return {}
    keys = [key_of(dimension.name) for dimension in sotopia_eval().dimensions]
    found = re.fullmatch("\n".join(rf"{key}: (.*?)" for key in keys), words, re.DOTALL)
    if found is None:
        raise Unreadable(
            f"reasoning: the comments on agent {agent} are not one on each of {', '.join(keys)}, in this order"
        )
    return dict(zip(keys, found.groups(), strict=True))


def write_reasoning(episode: Episode, card: Scorecard | None, rubric: Rubric) -> str:
    """The comments on the environment and on each agent, as SOTOPIA puts them together."""
    text = f"Environment comments: {_comment(episode)}\n"
    if card is None:
        return text
    names = {dimension.id: key_of(dimension.name) for dimension in rubric.dimensions}
    for i, seat in enumerate(episode.task.scenario.seats, 1):
        lines = (f"{names[name]}: {score.reason}\n" for name, score in card.scores[seat.id].items())
        text += f"Agent {i} comments:\n{''.join(lines)}"
    return text


# Scores


def read_scores(rewards: JsonValue, reasons: Mapping[str, str], where: str) -> Scores:
    """One seat's scores from `{"believability": 9.0, ..., "overall_score": 3.1}` and its reasons. Raises `Unreadable`."""
    if not isinstance(rewards, dict):
        return {d.id: DimensionScore(score=None, cause=_FAILED) for d in sotopia_eval().dimensions}
    scores = {}
    for dimension in sotopia_eval().dimensions:
        key = key_of(dimension.name)
        if key not in rewards:
            raise Unreadable(f"{where}: {key} is missing")
        scores[dimension.id] = _score(dimension, rewards[key], reasons.get(key, ""), f"{where}.{key}")
    _check_overall(rewards.get("overall_score"), scores, where)
    return scores


def _score(dimension: Dimension, value: JsonValue, reason: str, where: str) -> DimensionScore:
    if value is None:
        return DimensionScore(score=None, cause=_NULL, reason=reason)
    low, high = dimension.low, dimension.high
    # NaN is not in the range either; what is in it can be made whole.
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high or value != int(value):
        raise Unreadable(f"{where}: not a whole number from {low} to {high}, and a scorecard holds nothing else")
    return DimensionScore(score=int(value), reason=reason)


def _check_overall(overall: JsonValue, scores: Scores, where: str) -> None:
    known = [score.score for score in scores.values() if score.score is not None]
    if not isinstance(overall, int | float) or len(known) < len(scores):
        return
    mean = sum(known) / len(known)
    if not mean - 1e-9 <= overall <= mean + 1e-9:
        raise Unreadable(
            f"{where}.overall_score: not the mean of the {len(known)} dimensions, which is what comity computes"
        )


def write_rewards(card: Scorecard, seat: str, rubric: Rubric) -> dict[str, JsonValue]:
    """One seat's scores as SOTOPIA has them: floats, with their mean as `overall_score`."""
    scores = card.scores[seat]
    rewards = {key_of(d.name): _float(scores[d.id].score) for d in rubric.dimensions}
    return {**rewards, "overall_score": card.overall[seat]}


def _float(score: int | None) -> float | None:
    return None if score is None else float(score)


# A second judge's scores, with each its reason


def read_evaluation(evaluation: Mapping[str, JsonValue], where: str) -> Scores:
    """One seat's scores from `{"believability": {"reasoning": "...", "score": 9}, ...}`. Raises `Unreadable`."""
    scores = {}
    for dimension in sotopia_eval().dimensions:
        key = key_of(dimension.name)
        match evaluation.get(key):
            case {"reasoning": str(reason), "score": value}:
                scores[dimension.id] = _score(dimension, value, reason, f"{where}.{key}.score")
            case _:
                raise Unreadable(f"{where}.{key}: not a reasoning and a score")
    return scores


def write_evaluation(scores: Scores, rubric: Rubric) -> dict[str, JsonValue]:
    """The same written."""
    return {key_of(d.name): {"reasoning": scores[d.id].reason, "score": scores[d.id].score} for d in rubric.dimensions}
