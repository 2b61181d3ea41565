"""What counts as words that say another move, on sentences written for it."""

import pytest

from comity.library.fresh import fresh
from comity.train.words import contradicts
from comity.world.actions import Action, ActionType
from comity.world.deals import Division, Price
from comity.world.moves import Move, MoveKind
from comity.world.payoffs import Payoff

PRICE = next(s.payoff for s in fresh("price", 30, 3) if isinstance(s.payoff, Price))
DIVISION = next(s.payoff for s in fresh("division", 30, 3) if isinstance(s.payoff, Division))


def said(words: str, kind: MoveKind, payoff: Payoff = DIVISION, **terms: int) -> bool | None:
    if kind in (MoveKind.PROPOSE, MoveKind.CLAIM) and not terms:
        terms = {next(iter(DIVISION.items)): 1}
    return contradicts(Action(type=ActionType.SPEAK, argument=words, move=Move(kind=kind, terms=terms)), payoff)


@pytest.mark.parametrize(
    ("words", "kind", "against"),
    [
        ("We have a deal.", MoveKind.ACCEPT, False),
        ("Done.", MoveKind.ACCEPT, False),
        ("No deal, I cannot accept that.", MoveKind.ACCEPT, True),
        ("I can't take that.", MoveKind.REJECT, False),
        ("With pleasure, I accept.", MoveKind.REJECT, True),
        ("I accept your offer.", MoveKind.PROPOSE, True),
        ("I can't accept that, but how about this?", MoveKind.PROPOSE, False),
        ("How about both tools for me?", MoveKind.PROPOSE, False),
        ("My limit is what it is.", MoveKind.CLAIM, None),
    ],
)
def test_plain_words_against_the_move_are_found(words: str, kind: MoveKind, against: bool | None) -> None:
    assert said(words, kind) is against


def test_another_price_than_the_one_named_is_found() -> None:
    low, high = PRICE.range
    mid = low + PRICE.step
    assert said(f"Would {mid:,} do?", MoveKind.PROPOSE, PRICE, price=mid) is False
    assert said(f"You said {high}; I say {mid}.", MoveKind.PROPOSE, PRICE, price=mid) is False
    assert said(f"Would {high} do?", MoveKind.PROPOSE, PRICE, price=mid) is True
    assert said("Two weeks from now, then.", MoveKind.PROPOSE, PRICE, price=mid) is False


def test_without_a_move_there_is_nothing_to_contradict() -> None:
    assert contradicts(Action(type=ActionType.SPEAK, argument="I accept."), DIVISION) is None
