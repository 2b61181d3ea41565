"""A move drawn evenly, and a move with what its sentence can speak of."""

from collections.abc import Mapping, Sequence

from comity.agents.negotiators.moment import Decision, Moment
from comity.agents.negotiators.wording import amount, phrase, share_words, terms_words
from comity.world.choices import Gift, PublicGoods
from comity.world.deals import Contract, Division, Price
from comity.world.moves import Move, MoveKind, Term, Value
from comity.world.payoffs import Payoff

__all__ = ["any_move", "moved"]


def any_move(now: Moment[Payoff], kinds: Sequence[MoveKind] = ()) -> Move:
    """A move of one of these kinds, or of those that are possible now: each kind as likely, and each value of each term."""
    assert now.moves is not None, "a move is possible, so there is a specification"
    among = kinds or now.moves.kinds
    kind = among[now.dice.below(len(among), "kind")]
    if kind in (MoveKind.ACCEPT, MoveKind.REJECT):
        return Move(kind=kind)
    claims = now.moves.claims
    terms = (claims[now.dice.below(len(claims), "claim")],) if kind is MoveKind.CLAIM else now.moves.terms
    return Move(kind=kind, terms={term.id: _any_value(now, term) for term in terms})


def _any_value(now: Moment[Payoff], term: Term) -> Value:
    drawn = now.dice.below(len(term), "value", term.id)
    return term.options[drawn] if term.options else term.low + drawn * term.step


def moved(now: Moment[Payoff], move: Move) -> Decision:
    """The move, with its numbers and names for its sentence."""
    words: Mapping[str, str] = {}
    if move.kind is MoveKind.PROPOSE:
        words = _deal(now.payoff, move)
    elif move.kind is MoveKind.CLAIM:
        ((term, value),) = move.terms.items()
        words = {"term": phrase(term), "value": _told(now.payoff, value)}
    return Decision(move.kind.value, words, move)


def _deal(payoff: Payoff, move: Move) -> Mapping[str, str]:
    match payoff:
        case Division(items=items):
            mine = {item: int(count) for item, count in move.terms.items()}
            rest = {item: count - mine[item] for item, count in items.items()}
            return {"mine": share_words(payoff, mine), "yours": share_words(payoff, rest)}
        case Price(unit=unit):
            return {"price": amount(int(move.terms["price"]), unit)}
        case Contract():
            return {"deal": terms_words(payoff, move.terms)}
    raise TypeError(f"{type(payoff).__name__} has no words")


def _told(payoff: Payoff, value: Value) -> str:
    if isinstance(payoff, Price | PublicGoods | Gift) and isinstance(value, int):
        return amount(value, payoff.unit)
    return phrase(value) if isinstance(value, str) else str(value)
