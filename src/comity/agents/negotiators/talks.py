"""How a negotiation stands for one seat: every deal there is from the best to the worst, and what both sides have asked for so far.

All in the seat's own points; a share is a part of what it can gain over its disagreement value.
"""

import operator
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product

from comity.agents.negotiators.moment import Moment
from comity.world.deals import Contract, Deal, Division
from comity.world.moves import MoveKind, Terms, Value
from comity.world.positions import Offer

__all__ = ["Ledger", "Talks", "as_mine", "ledger_of", "liking", "talks_of"]

_NEAR = 0.06
"""Deals that differ by no more than this share of the gain count as alike to the seat."""
_MOST_ALIKE = 48


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every deal, as this seat would propose it, from its best to its worst."""

    seat: str
    terms: tuple[str, ...]
    deals: tuple[tuple[Value, ...], ...]
    """The values of the terms."""
    worths: tuple[int, ...]
    fallback: int

    @property
    def hopeless(self) -> bool:
        """Whether every deal is worth less than none."""
        return self.worths[0] < self.fallback

    @property
    def gain(self) -> int:
        """What the best deal is worth over the disagreement value, at least 1."""
        return max(self.worths[0] - self.fallback, 1)

    def share(self, worth: int) -> float:
        """A worth as a share."""
        return (worth - self.fallback) / self.gain

    def alike(self, level: float, most: float = 1.0) -> list[Offer]:
        """The deals that give the least which is no less than this share, or a little more, but no more than `most`; never none."""
        end = max(bisect_right(self.worths, -self.fallback - level * self.gain + 1e-9, key=operator.neg), 1)
        near = min(self.worths[end - 1] + _NEAR * self.gain, self.fallback + most * self.gain + 1e-9)
        begin = end - 1
        while begin > 0 and self.worths[begin - 1] <= near and end - begin < _MOST_ALIKE:
            begin -= 1
        return [Offer(self.seat, dict(zip(self.terms, deal, strict=True))) for deal in self.deals[begin:end]]


@dataclass(frozen=True, slots=True)
class _Own:
    """Rules as one seat knows them, which are the same whenever they say the same."""

    seat: str
    told: str
    payoff: Deal = field(compare=False)


def ledger_of(now: Moment[Deal]) -> Ledger:
    """The ledger of this seat; those of the rules that were asked for last are kept, for whatever episode."""
    notes = now.view.notes
    own = notes.get(_Own)
    if not isinstance(own, _Own):
        own = notes[_Own] = _Own(now.me, now.payoff.model_dump_json(), now.payoff)
    return _ledger(own)


@lru_cache(maxsize=128)
def _ledger(own: _Own) -> Ledger:
    """What a deal is worth to its proposer is the sum of what its terms are worth, of every kind of deal that there is."""
    payoff, me = own.payoff, own.seat
    terms = payoff.terms(me)
    each = [[payoff.worth(me, Offer(me, {term.id: value})) for value in term] for term in terms]
    deals, worths = list(product(*terms)), list(map(sum, product(*each)))
    order = sorted(range(len(deals)), key=worths.__getitem__, reverse=True)
    return Ledger(
        seat=me,
        terms=tuple(term.id for term in terms),
        deals=tuple(deals[at] for at in order),
        worths=tuple(worths[at] for at in order),
        fallback=payoff.fallback(me),
    )


@dataclass(frozen=True, slots=True)
class Talks:
    """What was asked for, in order."""

    mine: tuple[float, ...]
    """The shares that the seat asked for itself."""
    theirs: Mapping[str, tuple[float, ...]]
    """By seat, the shares that the others' proposals would have left it."""
    asked: Mapping[str, Terms]
    """By seat, what the others proposed last, in the seat's own terms."""
    table: float | None
    """The share that the offer on the table gives, where it is another's to be answered."""
    last: Terms | None
    """What the seat itself proposed last."""
    conceded: float
    """How much better than their own before the others' proposals since then are, on average; below 0 where they are worse."""

    @property
    def offered(self) -> float | None:
        """The most that anybody's latest proposal would leave the seat."""
        return max((shares[-1] for shares in self.theirs.values()), default=None)

    @property
    def stalled(self) -> bool:
        """Whether somebody has ever made three proposals without giving way in the last two of them."""
        return any(
            third <= second <= first
            for s in self.theirs.values()
            for first, second, third in zip(s, s[1:], s[2:], strict=False)
        )


def talks_of(now: Moment[Deal], ledger: Ledger) -> Talks:
    """What the view's history has of proposals."""
    payoff, me = now.payoff, now.me
    mine: list[float] = []
    theirs: dict[str, tuple[float, ...]] = {}
    asked: dict[str, Terms] = {}
    last: Terms | None = None
    steps: list[float] = []
    for seat, terms in _proposals(now):
        share = ledger.share(payoff.worth(me, Offer(seat, terms)))
        if seat == me:
            mine.append(share)
            last, steps = terms, []
            continue
        before = theirs.get(seat, ())
        steps += [share - before[-1]] if before else []
        theirs[seat] = (*before, share)
        asked[seat] = as_mine(payoff, terms)
    offer = now.position.offer
    open_ = offer is not None and now.can(MoveKind.ACCEPT)
    table = ledger.share(payoff.worth(me, offer)) if open_ and offer else None
    return Talks(tuple(mine), theirs, asked, table, last, sum(steps) / len(steps) if steps else 0.0)


def _proposals(now: Moment[Deal]) -> Iterator[tuple[str, Terms]]:
    for seen in now.view.history:
        move = seen.action.move
        if move is not None and move.kind is MoveKind.PROPOSE:
            yield seen.seat, move.terms


def as_mine(payoff: Deal, terms: Terms) -> Terms:
    """Another's proposal in terms of this seat: of a division, what that one leaves."""
    if isinstance(payoff, Division):
        return {item: count - int(terms[item]) for item, count in payoff.items.items()}
    return terms


def liking(now: Moment[Deal], talks: Talks, offers: Sequence[Offer]) -> list[float]:
    """How well the others may like each of these deals: how near it is to what they asked for, in proposals and by claims.

    Where they have asked for nothing, whoever divides supposes that more of everything is better.
    """
    division = isinstance(now.payoff, Division)
    asks = [*talks.asked.values(), *_wishes(now)]
    liked = [0.0] * len(offers)
    for term in now.payoff.terms(now.me):
        wanted = [ask[term.id] for ask in asks if term.id in ask] or ([0] if division else [])
        weight = _weight(now, term.id) / max(term.high - term.low, 1) if division or not term.options else 1.0
        for at, offer in enumerate(offers):
            value = offer.terms[term.id]
            if term.options:
                liked[at] += wanted.count(value)
            else:
                liked[at] -= weight * sum(abs(int(value) - int(wish)) for wish in wanted)
    return liked


def _wishes(now: Moment[Deal]) -> list[Terms]:
    """What others claim to want most in a contract."""
    if not isinstance(now.payoff, Contract):
        return []
    return [claim.terms for claim in now.position.claims if claim.seat != now.me]


def _weight(now: Moment[Deal], item: str) -> float:
    """How dear others claim a thing to be to them, as a part of what they claim of any; 1 where they claim nothing."""
    if not isinstance(now.payoff, Division):
        return 1.0
    said = {term: int(v) for claim in now.position.claims if claim.seat != now.me for term, v in claim.terms.items()}
    return (1 + said.get(item, 0)) / (1 + max(said.values())) if said else 1.0
