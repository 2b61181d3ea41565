"""Which deal to propose: one that gives the seat what it asks for and that the others may like, or a trade issue by issue."""

from collections.abc import Iterator

from comity.agents.negotiators.moment import Moment
from comity.agents.negotiators.styles import Style
from comity.agents.negotiators.talks import Ledger, Talks, liking
from comity.world.deals import Deal
from comity.world.moves import Term, Value
from comity.world.positions import Offer

__all__ = ["proposal"]

_PART = 4
"""Whoever trades a number goes this part of the way towards what was asked for."""


def proposal(style: Style, now: Moment[Deal], ledger: Ledger, talks: Talks, level: float) -> Offer:
    """What the style proposes now."""
    if style.concedes == "trade" and talks.last is not None:
        return _trade(style, now, ledger, talks)
    alike = ledger.alike(level, min(talks.mine, default=1.0))
    liked = liking(now, talks, alike)
    ties = [offer for offer, score in zip(alike, liked, strict=True) if score == max(liked)]
    return ties[now.dice.below(len(ties), "deal")]


def _trade(style: Style, now: Moment[Deal], ledger: Ledger, talks: Talks) -> Offer:
    """The seat's last proposal with one issue given up to what somebody asked for: the one that costs the seat least."""
    assert talks.last is not None, "there is something to trade only after a first proposal"
    last = Offer(now.me, talks.last)
    worth = {offer: now.payoff.worth(now.me, Offer(now.me, dict(offer))) for offer in _given_up(now, talks)}
    enough = [offer for offer, points in worth.items() if ledger.share(points) >= style.floor]
    if not enough:
        return last
    dearest = max(worth[offer] for offer in enough)
    ties = [offer for offer in enough if worth[offer] == dearest]
    return Offer(now.me, dict(ties[now.dice.below(len(ties), "trade")]))


def _given_up(now: Moment[Deal], talks: Talks) -> Iterator[tuple[tuple[str, Value], ...]]:
    """Every way to give up one issue."""
    last = dict(talks.last or {})
    for asked in talks.asked.values():
        for term in now.payoff.terms(now.me):
            towards = _towards(term, last[term.id], asked[term.id])
            if towards != last[term.id]:
                yield tuple((last | {term.id: towards}).items())


def _towards(term: Term, mine: Value, theirs: Value) -> Value:
    """Their option, or a number on the way to theirs."""
    if term.options:
        return theirs
    steps = (int(theirs) - int(mine)) // term.step
    part = max(abs(steps) // _PART, 1) if steps else 0
    return int(mine) + (part if steps > 0 else -part) * term.step
