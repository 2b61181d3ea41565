"""What a seat does in a turn, and what it may do now: the `ActionSpec` from which reply schemas, forms and checks are made."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import model_validator

from comity.world.moves import IllegalAction, Move, MoveSpec
from comity.world.record import Record, Slug

__all__ = ["Action", "ActionSpec", "ActionType", "IllegalAction", "MAX_ARGUMENT", "MOVING"]

MAX_ARGUMENT = 32_768
"""The most characters one action may carry."""


class ActionType(StrEnum):
    """The five action types of SOTOPIA."""

    NONE = "none"
    SPEAK = "speak"
    NON_VERBAL = "non-verbal communication"
    ACTION = "action"
    LEAVE = "leave"


class Action(Record):
    """One thing a seat does. `to` names the seats of a private message; empty means that everyone present sees it."""

    type: ActionType
    argument: str = ""
    to: tuple[Slug, ...] = ()
    move: Move | None = None
    """What it comes to in the rules of the scenario's payoff; words and offer come together."""

    @model_validator(mode="after")
    def _complete(self) -> "Action":
        if self.type is ActionType.NONE and (self.argument or self.to):
            raise ValueError("'none' carries no words and has no recipients")
        if self.type is ActionType.LEAVE and self.to:
            raise ValueError("everyone sees who leaves; 'leave' has no recipients")
        if self.type in _WORDED and not self.argument.strip():
            raise ValueError(f"{self.type.value!r} needs words")
        if self.move is not None and self.type not in MOVING:
            raise ValueError(f"a move rides on 'speak' or 'action', not on {self.type.value!r}")
        if self.move is not None and self.to:
            raise ValueError("everyone notices a move; an action that carries one has no recipients")
        return self


MOVING = (ActionType.SPEAK, ActionType.ACTION)
"""The action types that can carry a move."""

_WORDED = {ActionType.SPEAK, ActionType.NON_VERBAL, ActionType.ACTION}


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """What one seat may do now."""

    types: tuple[ActionType, ...]
    recipients: tuple[tuple[str, str], ...] = ()
    """(seat, display name) of everyone who can be sent a private message; empty where there are none."""
    max_argument: int = MAX_ARGUMENT
    moves: MoveSpec | None = None
    """The moves that can ride on what it says or does; `None` where there are none."""

    def check(self, action: Action) -> None:
        """Raise `IllegalAction` unless the action is allowed."""
        if action.type not in self.types:
            allowed = ", ".join(self.types)
            raise IllegalAction(f"{action.type.value!r} is not possible now; allowed: {allowed}")
        if len(action.argument) > self.max_argument:
            raise IllegalAction(f"{len(action.argument):,} characters; at most {self.max_argument:,} are allowed")
        if action.move is not None:
            if self.moves is None:
                raise IllegalAction("no move is possible now")
            self.moves.check(action.move)
        reachable = [seat for seat, _ in self.recipients]
        if any(seat not in reachable for seat in action.to):
            raise IllegalAction(self._unreachable(action.to))

    def seats_named(self, names: Sequence[str]) -> tuple[str, ...]:
        """The seats of these display names (case does not matter). Raises `IllegalAction` for a name that is not there."""
        by_name = {name.casefold(): seat for seat, name in self.recipients}
        if any(name.strip().casefold() not in by_name for name in names):
            raise IllegalAction(self._unreachable(names))
        return tuple(dict.fromkeys(by_name[name.strip().casefold()] for name in names))

    def _unreachable(self, asked: Sequence[str]) -> str:
        if not self.recipients:
            return "private messages are not possible here"
        names = ", ".join(name for _, name in self.recipients)
        return f"a private message to {', '.join(asked)} is not possible; it can go to: {names}"
