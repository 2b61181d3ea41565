"""The reward of one seat of one episode: what the rules of its game gave it, what judges said of it, or a stated mixture of such terms.

Every term is scaled to 0 to 10, like SOTOPIA's GOAL. A term that could not be had makes the whole reward unknown, with the cause; it
never counts as a number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from pydantic import Field, model_validator

from comity.evaluate.panel import Aggregate, Pooled, pool
from comity.interop.kept import Kept
from comity.world.deals import Deal
from comity.world.episodes import Episode
from comity.world.outcomes import OUTCOME_VERSION, Outcome
from comity.world.record import Record
from comity.world.scorecards import Rubric

__all__ = ["OUTCOMES", "TOP", "Reward", "RewardPlan", "gain_of", "rewards_of"]

TOP = 10.0
"""The highest reward; the lowest is 0."""

OUTCOMES = ("gain", "surplus", "agreed", "efficiency", "pareto")
"""What rules can reward: the seat's points between the least and the most that any result gives it; its part of what was won by the deal,
0 without one, and for one that is worse than none; whether there was a deal; all points together over the most there could have been; whether nobody could have had more without another's loss."""


class RewardPlan(Record):
    """What is rewarded: terms with their weights. `terms = { gain = 1 }` rewards the outcome alone, `{ GOAL = 1 }` a judged dimension."""

    terms: Mapping[str, float] = Field(default_factory=lambda: {"gain": 1.0}, min_length=1)
    """By name of an outcome (`OUTCOMES`) or of a judged dimension, its weight; weights are divided by their sum."""
    aggregate: Aggregate = "mean"
    """How several judges' scores become one."""

    @model_validator(mode="after")
    def _weighed(self) -> Self:
        if any(weight <= 0 for weight in self.terms.values()):
            raise ValueError("the weight of each term is above 0; leave out what is not rewarded")
        return self

    @property
    def judged(self) -> tuple[str, ...]:
        """The terms that only a judge can give."""
        return tuple(term for term in self.terms if term not in OUTCOMES)

    @property
    def rule(self) -> str:
        """In words, for a record, such as `0.5 gain + 0.5 GOAL; outcomes by rules 2`."""
        whole = sum(self.terms.values())
        told = " + ".join(f"{weight / whole:.3g} {term}" for term, weight in self.terms.items())
        parts = [told]
        if len(self.judged) < len(self.terms):
            parts.append(f"outcomes by rules {OUTCOME_VERSION}")
        if self.judged:
            parts.append(f"judges pooled by {self.aggregate}")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class Reward:
    """What a seat is rewarded with."""

    value: float | None
    """0 to 10; `None` where a term of it could not be had."""
    terms: Mapping[str, float | None]
    """By term, scaled to 0 to 10."""
    cause: str = ""
    """Why there is no value."""


def rewards_of(kept: Kept, plan: RewardPlan, rubrics: Mapping[str, Rubric]) -> Mapping[str, Reward]:
    """The reward of each seat of a finished episode.

    Args:
        rubrics: by hash, for the ranges of judged dimensions.
    """
    reading = _Reading(kept, plan, rubrics)
    return {seat.id: reading.reward(seat.id) for seat in kept.episode.task.scenario.seats}


def gain_of(episode: Episode, outcome: Outcome, seat: str) -> float | None:
    """The seat's points between the least, 0, and the most, 1, that any result could have given it; `None` where it has no choice."""
    payoff = episode.task.scenario.payoff
    assert payoff is not None, "an outcome comes of a payoff"
    low, high = payoff.extent(payoff.begin([each.id for each in episode.task.scenario.seats]), seat)
    return (outcome.utilities[seat] - low) / (high - low) if high > low else None


@dataclass
class _Reading:
    """One episode while its seats are rewarded."""

    kept: Kept
    plan: RewardPlan
    rubrics: Mapping[str, Rubric]

    def reward(self, seat: str) -> Reward:
        found = {term: self._term(term, seat) for term in self.plan.terms}
        terms = {term: value if isinstance(value, float) else None for term, value in found.items()}
        if causes := [f"{term}: {value}" for term, value in found.items() if not isinstance(value, float)]:
            return Reward(None, terms, "; ".join(causes))
        whole = sum(self.plan.terms.values())
        return Reward(sum(weight * (terms[t] or 0.0) for t, weight in self.plan.terms.items()) / whole, terms)

    def _term(self, term: str, seat: str) -> float | str:
        """The term's value, or why there is none."""
        if self.kept.episode.end is None:
            return "the episode is not finished"
        return self._by_rules(term, seat) if term in OUTCOMES else self._by_judges(term, seat)

    def _by_rules(self, term: str, seat: str) -> float | str:
        outcome, payoff = self.kept.outcome, self.kept.episode.task.scenario.payoff
        if outcome is None or payoff is None:
            return "the scenario has no payoff"
        value: float | bool | None
        match term:
            case "gain":
                value = gain_of(self.kept.episode, outcome, seat)
            case "surplus":
                closed = isinstance(payoff, Deal) and outcome.status != "agreed"
                value = outcome.surplus[seat] if outcome.surplus else (0.0 if closed else None)
            case "agreed":
                value = outcome.status == "agreed" if isinstance(payoff, Deal) else None
            case "efficiency":
                value = outcome.efficiency
            case _:
                value = outcome.pareto_efficient
        return "not defined for this result" if value is None else TOP * min(max(float(value), 0.0), 1.0)

    def _by_judges(self, dimension: str, seat: str) -> float | str:
        if not self.kept.cards:
            return "nobody has judged it"
        score = self._pooled.scores.get(seat, {}).get(dimension)
        if score is None:
            return "no judge was asked for it"
        if score.value is None:
            return "; ".join(score.causes) or "a reading is missing"
        ranges = {d.id: (d.low, d.high) for c in self.kept.cards for d in self.rubrics[c.rubric_hash].dimensions}
        low, high = ranges[dimension]
        return TOP * (score.value - low) / (high - low)

    @cached_property
    def _pooled(self) -> Pooled:
        return pool(self.kept.cards, self.plan.aggregate)
