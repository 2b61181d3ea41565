"""How trivial players play what is written down: dilemmas, pots, friends, secrets, gifts, and divisions that both write down."""

from comity.agents.negotiators.moment import Decision, Moment
from comity.agents.trivial.moves import any_move, moved
from comity.world.choices import Choices, Dilemma, MutualFriend, Secret
from comity.world.deals import Division
from comity.world.moves import Move, MoveKind, Value
from comity.world.payoffs import Payoff

__all__ = ["choose_accepting", "choose_at_random", "choose_noisily"]

_CHOOSES = 0.4
"""How often `noisy` writes something down while there is time to talk."""
_CLAIMS = 0.5
"""And how often it claims something then, where it can."""


def choose_accepting(now: Moment[Payoff]) -> Decision:
    """Do at once what suits the others: cooperate, give all, tell the secret, believe it, take half."""
    if not now.can(MoveKind.CHOOSE):
        return moved(now, Move(kind=MoveKind.CLAIM, terms=_giving(now)))
    return moved(now, Move(kind=MoveKind.CHOOSE, terms=_giving(now)))


def _giving(now: Moment[Payoff]) -> dict[str, Value]:
    match now.payoff:
        case Division(items=items):
            first = now.position.parties[0] == now.me  # of what cannot be halved it takes the greater part
            return {item: (count + first) // 2 for item, count in items.items()}
        case Dilemma(cooperate=cooperate):
            return {"choice": cooperate}
        case MutualFriend(contacts=contacts):
            return {"person": contacts[now.me][0]}
        case Secret(options=options) as secret:
            told = [claim.terms["answer"] for claim in now.position.claims if claim.seat == secret.keeper]
            return {"answer": secret.answer if now.me == secret.keeper else [*told, options[0]][0]}
        case payoff:
            return {term.id: term.options[0] if term.options else term.high for term in payoff.terms(now.me)}


def choose_at_random(now: Moment[Payoff]) -> Decision:
    """Any move."""
    return moved(now, any_move(now))


def choose_noisily(now: Moment[Payoff]) -> Decision:
    """Talk and claim for a while, and then write down anything."""
    rounds = now.payoff.rounds - len(now.position.rounds) if isinstance(now.payoff, Choices) else 1
    waits = now.clock.spare(rounds) and now.dice.share("do") >= _CHOOSES
    if waits or not now.can(MoveKind.CHOOSE):
        claims = now.can(MoveKind.CLAIM) and now.dice.share("claim") < _CLAIMS
        return moved(now, any_move(now, (MoveKind.CLAIM,))) if claims else Decision("talk")
    return moved(now, any_move(now, (MoveKind.CHOOSE,)))
