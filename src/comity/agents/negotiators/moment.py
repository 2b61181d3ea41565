"""What a style looks at when it is its turn, and what it decides. All of it follows from the view; private values of others are never
in it, whatever the mode of the episode shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar, cast

from comity.agents.negotiators.clock import Clock, clock_of
from comity.world.moves import Move, MoveKind, MoveSpec
from comity.world.payoffs import Payoff
from comity.world.positions import Position
from comity.world.record import derive_seed
from comity.world.views import SeatView, Table

__all__ = ["CannotPlay", "Decision", "Dice", "Moment"]


class CannotPlay(ValueError):
    """A player without a model sits in a scenario without a payoff, which it has nothing to say about."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, before it is put in words."""

    act: str
    """The kind of sentence, such as `offer`; see `speech/`."""
    words: Mapping[str, str] = field(default_factory=dict)
    """What the sentence can speak of, by slot."""
    move: Move | None = None
    lead: str = ""
    """The kind of sentence that goes before it; empty for none."""
    leaves: bool = False


@dataclass(frozen=True, slots=True)
class Dice:
    """Chance that depends on the view's seed and on what is drawn, and on nothing else."""

    seed: int

    def share(self, *what: str | int) -> float:
        """A number from 0 up to 1."""
        return derive_seed(self.seed, *what) / 2**31

    def below(self, limit: int, *what: str | int) -> int:
        """A whole number from 0 up to the limit."""
        return derive_seed(self.seed, *what) % limit


P_co = TypeVar("P_co", bound=Payoff, covariant=True)


class Moment(Generic[P_co]):
    """One turn of one seat."""

    def __init__(self, view: SeatView) -> None:
        """Raises `CannotPlay` where the scenario has no payoff."""
        if view.table is None:
            raise CannotPlay(
                f"a player without a model has seat {view.me.seat!r} of a scenario without a payoff and cannot play; "
                "choose a scenario with one, or a model for this seat"
            )
        self.view = view
        self.me = view.me.seat
        self.dice = Dice(view.seed)
        self._table: Table = view.table

    @cached_property
    def payoff(self) -> P_co:
        """The rules, without what is private to others; kept with the episode's other views of this seat."""
        notes = self.view.notes
        if Moment not in notes:
            notes[Moment] = self._table.payoff.known_to((self.me,))
        return cast(P_co, notes[Moment])

    @cached_property
    def position(self) -> Position:
        """How the game stands, without what others have written down unseen."""
        return self._table.position.known_to((self.me,)) if self._table.position.chosen else self._table.position

    @cached_property
    def clock(self) -> Clock:
        """How much time is left."""
        return clock_of(self.view, self._table.position.parties)

    @property
    def moves(self) -> MoveSpec | None:
        """What can be moved now."""
        return self.view.spec.moves

    @property
    def others(self) -> tuple[str, ...]:
        """The other seats."""
        return tuple(seat for seat in self._table.position.parties if seat != self.me)

    def can(self, kind: MoveKind) -> bool:
        """Whether this kind of move is possible now."""
        return self.moves is not None and kind in self.moves.kinds

    @cached_property
    def said(self) -> str:
        """Everything that the seat itself has said and done, line by line."""
        return "\n".join(seen.action.argument for seen in self.view.history if seen.seat == self.me)

    @cached_property
    def heard(self) -> str:
        """Everything that anybody has said and done before the seat, itself included, line by line."""
        return "\n".join(seen.action.argument for seen in self.view.history)

    @cached_property
    def spoken(self) -> int:
        """How often the seat has acted."""
        return sum(seen.seat == self.me for seen in self.view.history)
