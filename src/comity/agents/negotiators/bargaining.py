"""Deals that are proposed and accepted: divisions, prices and contracts.

A style accepts what gives it as much as it would propose itself, at its last chance what gives it enough, and walks away when
time is up and what is on the table is worth less to it than no deal.
"""

from comity.agents.negotiators.claiming import claim_of
from comity.agents.negotiators.levels import level
from comity.agents.negotiators.moment import Decision, Moment
from comity.agents.negotiators.styles import Style
from comity.agents.negotiators.talks import Talks, ledger_of, talks_of
from comity.agents.negotiators.trading import proposal
from comity.agents.negotiators.wording import amount, share_words, terms_words
from comity.world.deals import Contract, Deal, Division, Price
from comity.world.moves import Move, MoveKind
from comity.world.positions import Offer

__all__ = ["bargain"]

_INSULT = 0.35
"""An offer that falls short of what is asked for by more than this share is refused in words."""
_REFUSES = 0.3
"""How often a hard style answers such an offer with nothing but no."""


def bargain(style: Style, now: Moment[Deal]) -> Decision:
    """What the style does about a deal."""
    ledger = ledger_of(now)
    talks = talks_of(now, ledger)
    if now.me in now.position.accepted:
        return Decision("wait")
    if ledger.hopeless:
        return Decision("leave", leaves=True)
    asks = level(style, talks, now.clock, now.dice.share("level"))
    offer = proposal(style, now, ledger, talks, asks)
    wants = ledger.share(now.payoff.worth(now.me, offer))
    if talks.table is not None and talks.table >= _least(style, now, min(asks, wants) - style.near):
        return Decision("accept", _words(now, _table(now)), Move(kind=MoveKind.ACCEPT))
    if now.clock.left == 1 and not now.clock.answerable:
        return _end(now, talks)
    if claim := claim_of(style, now):
        return claim
    if _just_no(style, now, talks, asks):
        return Decision("reject", move=Move(kind=MoveKind.REJECT))
    return _propose(now, talks, offer, asks)


def _table(now: Moment[Deal]) -> Offer:
    """The offer on the table."""
    assert now.position.offer is not None, "it can be answered, so it is there"
    return now.position.offer


def _least(style: Style, now: Moment[Deal], asks: float) -> float:
    """The least share to be accepted now."""
    return min(asks, style.last) if now.clock.left == 1 else asks


def _end(now: Moment[Deal], talks: Talks) -> Decision:
    """Nobody could answer any more: leave, unless the seat's own offer may still be taken."""
    own = now.position.offer is not None and now.position.offer.by == now.me
    return Decision("wait") if own else Decision("leave", leaves=True)


def _just_no(style: Style, now: Moment[Deal], talks: Talks, asks: float) -> bool:
    insulted = talks.table is not None and talks.table < asks - _INSULT and style.temper == "hard"
    return insulted and now.clock.left > 2 and bool(talks.mine) and now.dice.share("no") < _REFUSES


def _propose(now: Moment[Deal], talks: Talks, offer: Offer, asks: float) -> Decision:
    words = _words(now, offer)
    if now.position.offer is not None and now.position.offer.by == now.me and now.position.offer.terms == offer.terms:
        return Decision("hold", words)
    if now.clock.left == 1:
        act = "last"
    elif not talks.mine:
        act = "opening" if not talks.theirs else "offer"
    else:
        act = "insist" if talks.last == offer.terms else "counter"
    if {"everything", "nothing"} <= set(words.values()):
        act = "all" if words["yours"] == "nothing" else "none"
    changed = _changed(now, talks, offer)
    words = words | {"change": changed} if changed else words
    return Decision(act, words, Move(kind=MoveKind.PROPOSE, terms=offer.terms), lead=_lead(now, talks, asks))


def _lead(now: Moment[Deal], talks: Talks, asks: float) -> str:
    """A word about what the other has just offered."""
    if talks.table is None or now.dice.share("lead") < 0.3:
        return ""
    if talks.table < asks - _INSULT:
        return "refuse"
    return "praise" if talks.conceded > 0 else ""


def _words(now: Moment[Deal], offer: Offer) -> dict[str, str]:
    """A deal in words, by slot, as this seat would say it."""
    match now.payoff:
        case Division() as division:
            theirs = {item: count - int(offer.terms[item]) for item, count in division.items.items()}
            taken = {item: int(count) for item, count in offer.terms.items()}
            mine, yours = (taken, theirs) if offer.by == now.me else (theirs, taken)
            return {"mine": share_words(division, mine), "yours": share_words(division, yours)}
        case Price() as price:
            return {"price": amount(int(offer.terms["price"]), price.unit)}
        case Contract() as contract:
            return {"deal": terms_words(contract, offer.terms)}
    raise TypeError(f"{type(now.payoff).__name__} has no words")


def _changed(now: Moment[Deal], talks: Talks, offer: Offer) -> str:
    """What of a contract is otherwise than in the seat's last proposal, where that is little."""
    if not isinstance(now.payoff, Contract) or talks.last is None:
        return ""
    issues = [issue for issue, option in offer.terms.items() if talks.last[issue] != option]
    return terms_words(now.payoff, offer.terms, issues) if 0 < len(issues) <= 2 < len(offer.terms) else ""
