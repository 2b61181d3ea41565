"""A division in which both write down what they take: claims of what things are worth come first, and the split follows from them.

From what both have claimed anyone can work out the same split, the one with the greatest product of both sides' claimed points
(Nash 1950); that it is the same is what makes two negotiators agree. What was not claimed counts as worth nothing. With somebody who claims nothing a style says aloud what it is
going to take, and takes it.
"""

from collections.abc import Mapping
from itertools import product

from comity.agents.negotiators.moment import Decision, Moment
from comity.agents.negotiators.styles import Style
from comity.agents.negotiators.talks import ledger_of
from comity.agents.negotiators.wording import joined, number, phrase, share_words
from comity.world.deals import Division
from comity.world.moves import Move, MoveKind

__all__ = ["select"]

_SHARES = {"soft": 0.4, "even": 0.55, "hard": 0.75}
"""What a style takes where nothing was claimed, as a share of all that there is for it."""

_DEAR = 0.5
"""Worth at least so much of what is dearest."""


def select(style: Style, now: Moment[Division]) -> Decision:
    """What the style does about such a division."""
    if not now.can(MoveKind.CHOOSE):
        return Decision("chosen")
    mine, theirs = _claimed(now, now.me), _claimed(now, *now.others)
    if not mine and now.clock.spare(1):
        claim = _claim(style, now)
        return Decision("worth", {"values": _told(claim)}, Move(kind=MoveKind.CLAIM, terms=claim))
    taken = _taken(style, now, mine, theirs)
    words = _words(now, taken)
    if not theirs and now.position.chosen == {} and now.clock.spare(1):
        return Decision("announce", words)
    return Decision("choose", words, Move(kind=MoveKind.CHOOSE, terms=taken))


def _claimed(now: Moment[Division], seat: str) -> Mapping[str, int]:
    """What the seat has claimed that things are worth to it, by thing."""
    return {item: int(v) for claim in now.position.claims if claim.seat == seat for item, v in claim.terms.items()}


def _claim(style: Style, now: Moment[Division]) -> dict[str, int]:
    """All values; for liars the cheapest as dear as the dearest; who gives nothing for nothing names only what is dear."""
    own = dict(now.payoff.values[now.me])
    if style.claims == "lies":
        own[min(own, key=lambda item: (own[item], item))] = max(own.values())
    elif style.answers == "never":
        return {item: points for item, points in own.items() if points >= _DEAR * max(own.values())}
    return own


def _taken(
    style: Style, now: Moment[Division], mine: Mapping[str, int], theirs: Mapping[str, int]
) -> Mapping[str, int]:
    if not mine or not theirs:
        offer = ledger_of(now).alike(_SHARES[style.temper])[-1]  # the same at every moment: it was said aloud
        return {item: int(count) for item, count in offer.terms.items()}
    return _split(now, mine, theirs)


def _split(now: Moment[Division], mine: Mapping[str, int], theirs: Mapping[str, int]) -> Mapping[str, int]:
    """The seat's part of the split with the greatest product, then the greatest sum, then the most for the first seat."""
    items = now.payoff.items
    first = now.position.parties[0]
    one, other = (mine, theirs) if now.me == first else (theirs, mine)

    taken = list(product(*(range(count + 1) for count in items.values())))
    ours, gone = _worths(items, one), _worths(items, other)
    best = max(
        zip(ours, gone, taken, strict=True), key=lambda deal: (deal[0] * (gone[-1] - deal[1]), deal[0] - deal[1], deal)
    )[2]
    of_first = dict(zip(items, best, strict=True))
    return of_first if now.me == first else {item: count - of_first[item] for item, count in items.items()}


def _worths(items: Mapping[str, int], points: Mapping[str, int]) -> list[int]:
    """What everything that can be taken is worth at these points; the last takes all."""
    return list(map(sum, product(*([n * points.get(item, 0) for n in range(c + 1)] for item, c in items.items()))))


def _words(now: Moment[Division], taken: Mapping[str, int]) -> dict[str, str]:
    theirs = {item: count - taken[item] for item, count in now.payoff.items.items()}
    return {"mine": share_words(now.payoff, taken), "yours": share_words(now.payoff, theirs)}


def _told(claim: Mapping[str, int]) -> str:
    return joined(f"{number(points)} for {phrase(item)}" for item, points in claim.items())
