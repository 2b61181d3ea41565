"""Moves: the structured part of an action in a scenario whose outcome rules compute. Here is what a move may say; what it does is in `payoffs`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from pydantic import Field, StrictInt, StrictStr, model_validator

from comity.world.record import Record

__all__ = ["IllegalAction", "Move", "MoveKind", "MoveSpec", "Term", "Terms", "Value"]

Value = StrictInt | StrictStr
Terms = Mapping[str, Value]
"""What a move says, by term: a whole number or one of the words that the term offers."""


class IllegalAction(ValueError):
    """The action is not one the seat may take now; the message says what is allowed."""


class MoveKind(StrEnum):
    """A deal is proposed, accepted or rejected; a choice is written down unseen; a claim states a private fact or an intention."""

    PROPOSE = "propose"
    ACCEPT = "accept"
    REJECT = "reject"
    CHOOSE = "choose"
    CLAIM = "claim"


_MOST_NAMED = 40
"""Of wrong terms in a message, and of the characters of each: what a model wrote may be without end."""

_ANSWERS = (MoveKind.ACCEPT, MoveKind.REJECT)


class Move(Record):
    """One move. The terms of a choice are empty where the one who sees it may not know them yet."""

    kind: MoveKind
    terms: Mapping[str, Value] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind in _ANSWERS and self.terms:
            raise ValueError(f"{self.kind.value!r} is about the offer on the table and has no terms of its own")
        if self.kind in (MoveKind.PROPOSE, MoveKind.CLAIM) and not self.terms:
            raise ValueError(f"{self.kind.value!r} needs terms")
        return self


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that a move says: one of some words, or a whole number from `low` to `high` in steps."""

    id: str
    options: tuple[str, ...] = ()
    low: int = 0
    high: int = 0
    step: int = 1

    def __contains__(self, value: object) -> bool:
        if self.options:
            return value in self.options
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and self.low <= value <= self.high and (value - self.low) % self.step == 0  # type: ignore[operator]

    def __iter__(self) -> Iterator[Value]:
        return iter(self.options or range(self.low, self.high + 1, self.step))

    def __len__(self) -> int:
        return len(self.options) or (self.high - self.low) // self.step + 1

    def __str__(self) -> str:
        if self.options:
            return f"{self.id}: one of {', '.join(self.options)}"
        steps = "" if self.step == 1 else f" in steps of {self.step}"
        return f"{self.id}: {self.low} to {self.high}{steps}"


@dataclass(frozen=True, slots=True)
class MoveSpec:
    """The moves one seat may make now."""

    kinds: tuple[MoveKind, ...]
    terms: tuple[Term, ...] = ()
    """What a proposal or a choice says: all of them."""
    claims: tuple[Term, ...] = ()
    """What a claim can be about: any of them."""

    def check(self, move: Move) -> None:
        """Raise `IllegalAction` unless the move is allowed."""
        if move.kind not in self.kinds:
            raise IllegalAction(f"the move {move.kind.value!r} is not possible now; possible: {', '.join(self.kinds)}")
        offered = {term.id: term for term in (self.claims if move.kind is MoveKind.CLAIM else self.terms)}
        missing = (
            [] if move.kind in (*_ANSWERS, MoveKind.CLAIM) else [name for name in offered if name not in move.terms]
        )
        wrong = [name for name, value in move.terms.items() if name not in offered or value not in offered[name]]
        if missing or wrong:
            named = ", ".join(name[:_MOST_NAMED] for name in (missing + wrong)[:_MOST_NAMED])
            wanted = "; ".join(map(str, offered.values()))
            raise IllegalAction(f"the terms of {move.kind.value!r} are not possible ({named}); {wanted}")
