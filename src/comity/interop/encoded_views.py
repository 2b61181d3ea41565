"""What a seat may know as an element of a Gymnasium space: all of it in words, and in numbers whose turn it is, who is there and
where the game stands. It is made from a `SeatView`, so that who may know what is decided in `world/visibility.py` here too.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space
from numpy.typing import NDArray

from comity.agents.briefing import briefing, shown
from comity.agents.renderings import rendered
from comity.interop.encoded_actions import Words, index_of, indexes
from comity.world.actions import ActionType
from comity.world.choices import Choices
from comity.world.deals import Deal, Division
from comity.world.moves import Term
from comity.world.payoffs import MAX_POINTS, Payoff
from comity.world.positions import Offer, Position
from comity.world.views import SeatView, Seen, Table

__all__ = ["ObservationSpace"]

_LONGEST = 2**31 - 1
"""The most characters that all a seat has seen may come to; nothing is ever cut."""

_MOST = 2**53
"""No deal is worth more than this."""


class ObservationSpace(Dict):
    """What one seat sees, as a space; the same for all seats of a task. Seats are in seat order.

    - `text`: who it is, whom it meets, the rules, what it wants, and all that it perceived, as a person reads it.
    - `turn`: the turn to be played, from 1. `turns_left`: how many can still be played, that one included; 0 after the last.
      Together they give the limit, which everybody is told. `acting`: 1 where the seat acts in it. `present`: a flag for each seat, as far as the
      seat perceived who left.

    Where the scenario has a payoff, `table`:

    - `offer`, where deals are proposed: `by` (0 where nothing is on the table, else 1 + the seat), `terms` by the index of
      their values, `accepted` by a flag for each seat.
    - `worth`, where there can be a deal: by term and value, the points that the seat has from the deal in which all other terms
      have their first value (in a division, of those it would propose itself); and `fallback`, those without a deal.
    - `written`, where choices are written down: a flag for each seat that has, in the round that is on; with several rounds,
      `opened` by term, round and seat: 0 for what is not, else 1 + the index of the value.
    - `claims` by term and seat: 0 where nothing was claimed by a move, else 1 + the index of what was claimed last.
    """

    def __init__(self, view: SeatView, seats: Sequence[str]) -> None:
        """Make the space from the view of any seat at an episode's start."""
        self._seats = tuple(seats)
        spaces: dict[str, Space[Any]] = {
            "text": Words(_LONGEST),
            "turn": Discrete(view.turn_limit + 2),
            "turns_left": Discrete(view.turn_limit + 1),
            "acting": Discrete(2),
            "present": MultiBinary(len(self._seats)),
        }
        if view.table is not None:
            spaces["table"] = _table_space(view.table.payoff, self._seats)
        super().__init__(spaces)

    def encode(self, view: SeatView, *, acting: bool) -> dict[str, object]:
        """The view as an element."""
        left = [seen.seat for seen in view.history if seen.action.type is ActionType.LEAVE]
        encoded: dict[str, object] = {
            "text": rendered(view, __name__, _opening, _told),
            "turn": np.int64(view.turn),
            "turns_left": np.int64(view.turn_limit - view.turn + 1),
            "acting": np.int64(acting),
            "present": _flags(self._seats, [seat for seat in self._seats if seat not in left]),
        }
        if view.table is not None:
            encoded["table"] = _encoded_table(view.table, view.me.seat, self._seats)
        return encoded


def _opening(view: SeatView) -> str:
    return f"{briefing(view)}\n"


def _told(view: SeatView, so_far: str, news: Sequence[Seen]) -> str:
    payoff = view.table.payoff if view.table else None
    return "\n".join([so_far, *(shown(seen, payoff) for seen in news)])


def _table_space(payoff: Payoff, seats: Sequence[str]) -> Dict:
    spaces: dict[str, Space[Any]] = {}
    if isinstance(payoff, Deal):
        terms = payoff.terms(seats[0])
        spaces["worth"] = Dict({term.id: Box(-_MOST, _MOST, (len(term),), np.int64) for term in terms})
        spaces["fallback"] = Discrete(MAX_POINTS + 1)
        if _proposed(payoff):
            values = Dict({term.id: Discrete(len(term)) for term in terms})
            offer = {"by": Discrete(len(seats) + 1), "terms": values, "accepted": MultiBinary(len(seats))}
            spaces["offer"] = Dict(offer)
    if not _proposed(payoff):
        spaces["written"] = MultiBinary(len(seats))
    if isinstance(payoff, Choices) and payoff.rounds > 1:
        rounds = {t.id: np.full((payoff.rounds, len(seats)), len(t) + 1) for t in payoff.terms(seats[0])}
        spaces["opened"] = Dict({term: MultiDiscrete(counts) for term, counts in rounds.items()})
    if claims := _claims(payoff, seats):
        spaces["claims"] = Dict({term.id: MultiDiscrete([len(term) + 1] * len(seats)) for term in claims})
    return Dict(spaces)


def _encoded_table(table: Table, me: str, seats: Sequence[str]) -> dict[str, object]:
    payoff, position = table.payoff, table.position
    encoded: dict[str, object] = {}
    if isinstance(payoff, Deal):
        encoded |= {"worth": _worth(payoff, me), "fallback": np.int64(payoff.fallback(me))}
        if _proposed(payoff):
            encoded["offer"] = _offer(payoff, position, seats)
    if not _proposed(payoff):
        encoded["written"] = _flags(seats, position.chosen)
    if isinstance(payoff, Choices) and payoff.rounds > 1:
        encoded["opened"] = {term.id: _opened(term, payoff, position, seats) for term in payoff.terms(me)}
    if claims := _claims(payoff, seats):
        encoded["claims"] = {term.id: _claimed(term, position, seats) for term in claims}
    return encoded


def _proposed(payoff: Payoff) -> bool:
    """Whether it is played by proposals and answers, and not by choices written down."""
    return isinstance(payoff, Deal) and not (isinstance(payoff, Division) and payoff.settled_by == "selection")


def _claims(payoff: Payoff, seats: Sequence[str]) -> list[Term]:
    """All that some seat can claim, each once."""
    return list({term.id: term for seat in seats for term in payoff.claims(seat)}.values())


def _worth(payoff: Deal, seat: str) -> dict[str, NDArray[np.int64]]:
    terms = payoff.terms(seat)
    first = {term.id: next(iter(term)) for term in terms}
    return {
        term.id: np.array([payoff.worth(seat, Offer(seat, first | {term.id: value})) for value in term], np.int64)
        for term in terms
    }


def _offer(payoff: Deal, position: Position, seats: Sequence[str]) -> dict[str, object]:
    offer = position.offer
    return {
        "by": np.int64(1 + seats.index(offer.by) if offer else 0),
        "terms": indexes(payoff.terms(seats[0]), offer.terms if offer else {}),
        "accepted": _flags(seats, position.accepted),
    }


def _opened(term: Term, payoff: Choices, position: Position, seats: Sequence[str]) -> NDArray[np.int64]:
    chosen = np.zeros((payoff.rounds, len(seats)), np.int64)
    for at, opened in enumerate(position.rounds):
        chosen[at] = [1 + index_of(term, opened.choices[seat][term.id]) for seat in seats]
    return chosen


def _claimed(term: Term, position: Position, seats: Sequence[str]) -> NDArray[np.int64]:
    last = {claim.seat: claim.terms[term.id] for claim in position.claims if term.id in claim.terms}
    return np.array([1 + index_of(term, last[seat]) if seat in last else 0 for seat in seats], np.int64)


def _flags(seats: Sequence[str], those: Iterable[str] | Mapping[str, object]) -> NDArray[np.int8]:
    named = set(those)
    return np.array([seat in named for seat in seats], np.int8)
