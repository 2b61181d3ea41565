"""What a style states by moves of its private facts before it bargains: one thing that is so, or one that is not."""

from collections.abc import Mapping
from typing import TypeVar

from comity.agents.negotiators.moment import Decision, Moment
from comity.agents.negotiators.styles import Style
from comity.agents.negotiators.wording import amount, number, phrase
from comity.world.deals import Contract, Deal, Division, Price
from comity.world.moves import Move, MoveKind, Terms
from comity.world.payoffs import MAX_POINTS

__all__ = ["claim_of"]

_OFTEN = 0.6
"""How often whoever tells the truth states something."""
_TALKS_LONG = 4
"""A claim takes a turn; where there are fewer, none is made."""
_BLUFF = 4
"""A false reserve is better than the true one by this part of what is between it and the end of the range."""

V = TypeVar("V")


def claim_of(style: Style, now: Moment[Deal]) -> Decision | None:
    """A claim, once, before the seat's first or second proposal; `None` where the style makes none."""
    made = any(claim.seat == now.me for claim in now.position.claims)
    if style.claims == "nothing" or made or now.clock.whole < _TALKS_LONG or now.spoken > 1:
        return None
    if style.claims == "truth" and now.dice.share("claim") >= _OFTEN:
        return None
    terms = _truth(now) if style.claims == "truth" else _lie(now)
    return Decision("claim", _words(now.payoff, terms), Move(kind=MoveKind.CLAIM, terms=terms)) if terms else None


def _truth(now: Moment[Deal]) -> Terms:
    match now.payoff:
        case Division(values=values):
            item, value = _pick(now, values[now.me])
            return {item: value}
        case Price(reserves=reserves):
            return {"reserve": reserves[now.me]}
        case Contract(issues=issues, points=points):
            issue, of = _pick(now, points[now.me])
            return {issue: issues[issue][of.index(max(of))]}
    raise TypeError(f"{type(now.payoff).__name__} has no private facts")


def _lie(now: Moment[Deal]) -> Terms:
    """The cheapest thing is the dearest; a reserve better than the true one; a wish where it matters least. Empty where none would do."""
    match now.payoff:
        case Division(values=values):
            own = values[now.me]
            item = min(own, key=lambda thing: (own[thing], thing))
            return {item: min(max(own.values()) + 1, MAX_POINTS)} if own[item] < MAX_POINTS else {}
        case Price(reserves=reserves, range=(low, high), step=step):
            end = low if now.me == now.payoff.buyer else high
            bluff = reserves[now.me] + step * round((end - reserves[now.me]) / _BLUFF / step)
            return {"reserve": bluff} if bluff != reserves[now.me] else {}
        case Contract(issues=issues, points=points):
            issue = min(points[now.me], key=lambda each: (max(points[now.me][each]), each))
            of = points[now.me][issue]
            return {issue: issues[issue][of.index(min(of))]} if min(of) < max(of) else {}
    raise TypeError(f"{type(now.payoff).__name__} has no private facts")


def _words(payoff: Deal, terms: Terms) -> dict[str, str]:
    ((term, value),) = terms.items()
    match payoff:
        case Division(items=items):
            each = phrase(term) if items[term] == 1 else f"each of the {phrase(term)}"
            return {"thing": each if items[term] > 1 else f"the {each}", "points": number(int(value))}
        case Price(unit=unit):
            return {"price": amount(int(value), unit)}
    return {"issue": phrase(term), "option": phrase(str(value))}


def _pick(now: Moment[Deal], own: Mapping[str, V]) -> tuple[str, V]:
    """One of the seat's own facts, by chance."""
    keys = sorted(own)
    key = keys[now.dice.below(len(keys), "fact")]
    return key, own[key]
