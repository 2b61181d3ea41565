"""Whether what somebody says beside a move says another move: an acceptance in words beside a proposal, another price than the one named.

A rule over a short list of plain phrases and numbers: what it marks is a contradiction, and what it does not mark may still be one. It
reads no split of things in words, since who takes what can be said in too many ways.
"""

import re
from collections.abc import Mapping

from comity.world.actions import Action
from comity.world.deals import Price
from comity.world.moves import MoveKind
from comity.world.payoffs import Payoff

__all__ = ["contradicts"]

_YES = re.compile(
    r"\b(i accept|i agree|we have a deal|it'?s a deal|you have a deal|agreed|with pleasure|i'?ll take it)\b",
    re.IGNORECASE,
)
_NO = re.compile(
    r"\b(i (?:can'?t|cannot|won'?t|will not|don'?t) (?:accept|agree|take)|no deal|i refuse|i reject|that won'?t do|out of the question)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:,\d{3})*")


def contradicts(action: Action, payoff: Payoff) -> bool | None:
    """Whether the words say another move than the one they go with; `None` where there are no words, or no move that words could deny."""
    move, words = action.move, action.argument
    if move is None or not words.strip():
        return None
    yes, no = bool(_YES.search(words)), bool(_NO.search(words))
    match move.kind:
        case MoveKind.ACCEPT:
            return no and not yes
        case MoveKind.REJECT:
            return yes and not no
        case MoveKind.PROPOSE:
            return _other_price(words, move.terms, payoff) or (yes and not no)
        case _:
            return None


def _other_price(words: str, terms: object, payoff: Payoff) -> bool:
    """Whether prices in the range are named and the one proposed is not among them."""
    if not isinstance(payoff, Price) or not isinstance(terms, Mapping):
        return False
    low, high = payoff.range
    named = {number for text in _NUMBER.findall(words) if low <= (number := int(text.replace(",", ""))) <= high}
    return bool(named) and int(terms["price"]) not in named
