"""Where characters meet: a shared setting and one private goal per seat."""

from enum import StrEnum
from typing import Self

from pydantic import Field, field_validator, model_validator

from comity.world.actions import MOVING, ActionType
from comity.world.games import Game
from comity.world.record import Name, Record, Slug
from comity.world.relationships import RelationshipKind

__all__ = ["Scenario", "Seat", "TurnOrder"]


class TurnOrder(StrEnum):
    """Who acts in a turn: the next present seat, every present seat at once, or one drawn by hash(seed, turn)."""

    ROUND_ROBIN = "round-robin"
    SIMULTANEOUS = "simultaneous"
    RANDOM = "random"


class Seat(Record):
    """One place in a scenario. The role is public; goal, extra information and hints are this seat's alone."""

    id: Slug
    role: str = ""
    """What everyone may call the person in this seat, such as "the buyer"."""
    goal: str = Field(min_length=1)
    extra_info: str = ""
    """Facts that only this seat has, such as a reserve price."""
    clarification_hint: str = ""
    strategy_hint: str = ""
    ages: tuple[int, int] = (18, 120)
    """The youngest and oldest character that can be cast, in years."""
    occupations: tuple[str, ...] = ()
    """Occupations that can be cast; empty means any."""

    @field_validator("ages")
    @classmethod
    def _ordered(cls, ages: tuple[int, int]) -> tuple[int, int]:
        if not 18 <= ages[0] <= ages[1]:
            raise ValueError(f"ages are (youngest, oldest) with 18 <= youngest <= oldest, not {ages}")
        return ages


class Scenario(Record):
    """A setting that everyone knows and at least two seats."""

    id: Slug
    title: Name
    setting: str = Field(min_length=1)
    seats: tuple[Seat, ...]
    family: str = ""
    """The kind of situation, such as "negotiation"."""
    relationships: tuple[RelationshipKind, ...] = ()
    """How any two who are cast may stand to each other; empty means any."""
    turn_limit: int = Field(default=20, ge=1, le=10_000)
    turn_order: TurnOrder = TurnOrder.ROUND_ROBIN
    actions: tuple[ActionType, ...] = tuple(ActionType)
    private_messages: bool = False
    payoff: Game | None = None
    """Rules that turn moves into points; the episode ends when their result stands."""
    judge_note: str = ""
    """What the judge may know and no seat may, such as the true answer to a puzzle."""
    source: str = ""
    licence: str = ""
    """As an SPDX expression; empty where it is not known."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        ids = [seat.id for seat in self.seats]
        if len(ids) < 2:
            raise ValueError(f"a scenario needs at least two seats; {self.id!r} has {len(ids)}")
        if len(set(ids)) < len(ids):
            raise ValueError(f"seat ids must differ: {', '.join(ids)}")
        if not self.actions:
            raise ValueError("at least one action type must be allowed")
        if self.payoff is not None and not set(MOVING) & set(self.actions):
            raise ValueError("a payoff needs moves, which ride on 'speak' or 'action': allow one of them")
        if self.payoff is not None and (misfit := self.payoff.misfit(ids)):
            raise ValueError(f"payoff: {misfit}")
        if self.payoff is not None and self.payoff.in_turn and self.turn_order is TurnOrder.SIMULTANEOUS:
            raise ValueError("payoff: a proposal is answered after it was made: `turn_order` cannot be 'simultaneous'")
        return self

    def seat(self, seat_id: str) -> Seat:
        """The seat of this id. Raises `KeyError` where there is none."""
        for seat in self.seats:
            if seat.id == seat_id:
                return seat
        raise KeyError(seat_id)
