"""Where the game of an episode stands: the offer on the table, what was written down, what was opened, who has gone. Nothing is decided here."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from comity.world.moves import Terms

__all__ = ["Claim", "Offer", "Position", "Round"]


@dataclass(frozen=True, slots=True)
class Offer:
    """Terms as the one who proposed them means them: in a division they say what that one takes."""

    by: str
    terms: Terms


@dataclass(frozen=True, slots=True)
class Round:
    """What everyone chose, once all had."""

    choices: Mapping[str, Terms]
    """By seat."""
    opened_at: int
    """The index of the event that completed it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a seat stated, and in which round (from 0)."""

    seat: str
    terms: Terms
    round: int


@dataclass(frozen=True, slots=True)
class Position:
    """Everything that the moves so far have come to."""

    parties: tuple[str, ...]
    """The scenario's seats, in their order."""
    offer: Offer | None = None
    """The one on the table."""
    accepted: tuple[str, ...] = ()
    """Who has accepted it, besides the one who made it."""
    agreed: Offer | None = None
    chosen: Mapping[str, Terms] = field(default_factory=dict)
    """What was written down in the round that is on, unseen by others."""
    rounds: tuple[Round, ...] = ()
    claims: tuple[Claim, ...] = ()
    left: tuple[str, ...] = ()
    """Who has gone."""
    settled: bool = False
    """Whether nothing more can come of it."""

    def known_to(self, seats: tuple[str, ...]) -> "Position":
        """The same without what other seats wrote down; that they did can still be seen."""
        hidden = {seat: terms if seat in seats else {} for seat, terms in self.chosen.items()}
        return replace(self, chosen=hidden)
