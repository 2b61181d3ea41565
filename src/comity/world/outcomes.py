"""What an episode came to by the rules of its scenario's payoff: a record derived from its events alone, with no judge in it."""

from collections.abc import Mapping, Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from comity.world.deals import Deal
from comity.world.environment import EndReason
from comity.world.episodes import Episode, replay
from comity.world.moves import Value
from comity.world.payoffs import Payoff, Utilities
from comity.world.positions import Offer, Position
from comity.world.record import Record, Slug

__all__ = ["OUTCOME_VERSION", "Honesty", "Outcome", "outcome_of"]

OUTCOME_VERSION = 2
"""Of the rules in this file and of all payoffs; it rises when a stored outcome would come out differently."""


class Honesty(Record):
    """What one seat claimed by moves against what was so. A claim has a part for each term it states."""

    true: int = Field(ge=0)
    false: int = Field(ge=0)
    untold: int = Field(ge=0)
    """Intentions that never came to be tested."""

    @property
    def rate(self) -> float | None:
        """The share of true ones among those that could be told; `None` where there are none."""
        told = self.true + self.false
        return self.true / told if told else None


class Outcome(Record):
    """The result of one episode."""

    episode: Slug
    kind: str
    """Of the payoff, such as `division`."""
    version: int
    """`OUTCOME_VERSION` of the rules that computed it."""
    status: Literal["agreed", "no_deal", "played", "unfinished", "failed"]
    """A deal; none, walked away from or never reached; all rounds opened; some not; cut off by an agent's own failure."""
    by: Slug | None = None
    """Who proposed what was agreed: a division's terms say what that seat takes."""
    terms: Mapping[str, Value] = Field(default_factory=dict)
    """What was agreed. Like `by` and `surplus`, there only where the status is `agreed`."""
    utilities: Mapping[Slug, float]
    """Points by seat. After an agent's failure they are the disagreement values."""
    surplus: Mapping[Slug, float] | None = None
    """Of a deal by which anything was won: each seat's part of all that was won over the disagreement values. They add up to 1."""
    pareto_efficient: bool | None
    """Whether no other result would have given one seat more and none less; `None` in a secret and a gift, where none ever does."""
    efficiency: float | None = None
    """The points of all seats together over the most they could have had; `None` where that is not above 0, and as before."""
    honesty: Mapping[Slug, Honesty]
    """By seat; those who claimed nothing by moves have nothing here."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        if self.status != "agreed" and (self.by or self.terms or self.surplus):
            raise ValueError(f"only what was agreed has terms, not an outcome that is {self.status!r}")
        return self


def outcome_of(episode: Episode) -> Outcome | None:
    """The outcome of an episode that has ended; `None` where its scenario has no payoff or it goes on.

    Raises `Unplayable` where the events do not follow the rules.
    """
    payoff = episode.task.scenario.payoff
    if payoff is None or episode.end is None:
        return None
    position = replay(episode).position
    assert position is not None, "a scenario with a payoff has a position"
    failed = episode.end.reason is EndReason.AGENT_FAILURE
    utilities = payoff.walked_away(position) if failed else payoff.utilities(position)
    agreed = None if failed else position.agreed
    most = 0 if payoff.rivals else payoff.most(position)
    return Outcome(
        episode=episode.id,
        kind=payoff.kind,
        version=OUTCOME_VERSION,
        status="failed" if failed else _status(payoff, position),
        by=agreed.by if agreed else None,
        terms=agreed.terms if agreed else {},
        utilities=utilities,
        surplus=_surplus(payoff, agreed, position.parties),
        pareto_efficient=None if payoff.rivals else not payoff.improvable(position, utilities),
        efficiency=sum(utilities.values()) / most if most > 0 else None,
        honesty=_honesty(payoff, position),
    )


def _status(payoff: Payoff, position: Position) -> Literal["agreed", "no_deal", "played", "unfinished"]:
    if isinstance(payoff, Deal):
        return "agreed" if position.agreed else "no_deal"
    return "played" if position.settled and not position.left else "unfinished"


def _surplus(payoff: Payoff, agreed: Offer | None, parties: Sequence[str]) -> dict[str, float] | None:
    """Each seat's gain over its disagreement value, as a part of all gains together."""
    if not isinstance(payoff, Deal) or agreed is None:
        return None
    gains: Utilities = {seat: payoff.worth(seat, agreed) - payoff.fallback(seat) for seat in parties}
    won = sum(gains.values())
    return {seat: gain / won for seat, gain in gains.items()} if won > 0 else None


def _honesty(payoff: Payoff, position: Position) -> dict[str, Honesty]:
    counts: dict[str, list[int]] = {}
    for claim in position.claims:
        truth = payoff.truth(claim, position)
        count = counts.setdefault(claim.seat, [0, 0, 0])
        for term, value in claim.terms.items():
            count[2 if term not in truth else 0 if value in truth[term] else 1] += 1
    return {seat: Honesty(true=true, false=false, untold=untold) for seat, (true, false, untold) in counts.items()}
