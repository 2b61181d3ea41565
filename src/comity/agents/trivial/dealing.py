"""How trivial players deal: divisions, prices and contracts that are proposed and accepted. None of it looks at what others want."""

from typing import cast

from comity.agents.negotiators.moment import Decision, Moment
from comity.agents.negotiators.talks import Ledger, ledger_of
from comity.agents.trivial.moves import any_move, moved
from comity.world.deals import Deal
from comity.world.moves import Move, MoveKind
from comity.world.payoffs import Payoff
from comity.world.positions import Claim, Offer

__all__ = ["deal_accepting", "deal_at_random", "deal_noisily"]

_LEAST = 0.15
"""What `noisy` asks for in the end, as a share of what it can gain; it begins with all."""
_NOISE = 0.25
"""How far chance moves that, up and down."""
_LEAVES, _TALKS, _CLAIMS, _REJECTS = 0.02, 0.12, 0.06, 0.08
"""How often it leaves, talks without a move, claims something true, and says no without a proposal of its own."""
_BLIND = 0.03
"""How often it takes what is worth nothing to it."""
_TAKES = 0.4
"""How often it takes what is worth all to it, at the end; less the less it is worth and the earlier it is."""


def deal_accepting(now: Moment[Payoff]) -> Decision:
    """Take what is on the table, ask for everything where nothing is, and else wait."""
    if now.can(MoveKind.ACCEPT):
        return moved(now, Move(kind=MoveKind.ACCEPT))
    if now.position.offer is not None or now.me in now.position.accepted:
        return Decision("wait")
    ledger = ledger_of(_deal(now))
    return moved(now, Move(kind=MoveKind.PROPOSE, terms=dict(zip(ledger.terms, ledger.deals[0], strict=True))))


def deal_at_random(now: Moment[Payoff]) -> Decision:
    """Any move."""
    return moved(now, any_move(now))


def deal_noisily(now: Moment[Payoff]) -> Decision:
    """Take what is on the table by chance, or else propose what is worth less and less, more or less."""
    ledger, dice = ledger_of(_deal(now)), now.dice.share("do")
    if now.me in now.position.accepted:
        return Decision("wait")
    if now.can(MoveKind.ACCEPT) and now.dice.share("take") < _willing(now, ledger):
        return moved(now, Move(kind=MoveKind.ACCEPT))
    if dice < _LEAVES and now.spoken:
        return Decision("leave", leaves=True)
    if dice < _LEAVES + _TALKS:
        return Decision("talk")
    if dice < _LEAVES + _TALKS + _CLAIMS and now.can(MoveKind.CLAIM):
        return moved(now, _true_claim(now))
    if dice > 1 - _REJECTS and now.can(MoveKind.REJECT):
        return moved(now, Move(kind=MoveKind.REJECT))
    return moved(now, Move(kind=MoveKind.PROPOSE, terms=_asked(now, ledger).terms))


def _willing(now: Moment[Payoff], ledger: Ledger) -> float:
    """How likely it is to accept: the likelier the more the offer is worth to it and the later it is."""
    assert now.position.offer is not None, "it can be accepted, so it is there"
    share = ledger.share(_deal(now).payoff.worth(now.me, now.position.offer))
    return _BLIND + _TAKES * max(share, 0.0) * (0.3 + 0.7 * now.clock.spent)


def _asked(now: Moment[Payoff], ledger: Ledger) -> Offer:
    """One of the deals that are worth to it about what it asks for at this time."""
    level = 1 - (1 - _LEAST) * now.clock.spent + (2 * now.dice.share("level") - 1) * _NOISE
    alike = ledger.alike(min(max(level, 0.0), 1.0))
    return alike[now.dice.below(len(alike), "deal")]


def _true_claim(now: Moment[Payoff]) -> Move:
    """One of the seat's own private facts."""
    assert now.moves is not None, "it can be claimed, so there are moves"
    truth = now.payoff.truth(Claim(now.me, {}, 0), now.position)
    known = [term.id for term in now.moves.claims if truth.get(term.id)]
    term = known[now.dice.below(len(known), "claim")]
    return Move(kind=MoveKind.CLAIM, terms={term: min(truth[term], key=str)})


def _deal(now: Moment[Payoff]) -> Moment[Deal]:
    return cast(Moment[Deal], now)
