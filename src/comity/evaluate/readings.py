"""From a judge's text to scores: each dimension is read for itself, so that one that failed does not take the others with it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from comity.models.replies import UnusableReply, read_object
from comity.world.scorecards import Dimension, DimensionScore, Rubric

__all__ = ["Reading", "read_scores"]

_DIGITS = re.compile(r"[-+]?\d{1,9}")


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read, and what had to be repaired to read it."""

    scores: Mapping[str, DimensionScore]
    repaired: str


def read_scores(text: str, rubric: Rubric, turns: frozenset[int]) -> Reading:
    """A score or a cause for every dimension of the rubric. `turns` are those that can be cited."""
    try:
        found, repaired = read_object(text)
    except UnusableReply as error:
        absent = DimensionScore(score=None, cause=f"the judge's reply could not be read: {error}")
        return Reading({dimension.id: absent for dimension in rubric.dimensions}, "")
    return Reading({d.id: _read(d, found.get(d.id), turns) for d in rubric.dimensions}, repaired)


def _read(dimension: Dimension, said: object, turns: frozenset[int]) -> DimensionScore:
    if not isinstance(said, Mapping):
        return DimensionScore(score=None, cause="the judge left it out")
    score, reason, cited = _whole(said.get("score")), said.get("reason"), said.get("turns")
    numbers = [_whole(turn) for turn in cited] if isinstance(cited, list) else []
    real = tuple(dict.fromkeys(turn for turn in numbers if turn in turns))
    if score is None or not dimension.low <= score <= dimension.high:
        return _absent(f"{said.get('score')!r} is not a whole number from {dimension.low} to {dimension.high}")
    if not isinstance(reason, str) or not reason.strip():
        return _absent("no reason was given")
    if turns and not real:
        return _absent(
            f"the reason cites no turn of the episode, only {cited!r}" if cited else "the reason cites no turn"
        )
    return DimensionScore(score=score, reason=reason.strip(), turns=real)


def _absent(cause: str) -> DimensionScore:
    return DimensionScore(score=None, cause=cause)


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        digits = value.strip()
        return int(digits) if _DIGITS.fullmatch(digits) else None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) else None
