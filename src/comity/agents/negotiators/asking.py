"""Mutual friends, secrets and gifts: what a style asks, tells, guesses and gives.

Of what others say, names of one's own contacts alone are heard; see `friends`. A secret is guessed from claims, and a gift grows or
shrinks with the number of times that it was asked for.
"""

from comity.agents.negotiators.moment import Decision, Moment
from comity.agents.negotiators.styles import Style
from comity.agents.negotiators.wording import amount, phrase
from comity.world.choices import Gift, Secret
from comity.world.moves import Move, MoveKind

__all__ = ["give", "keep_or_guess"]

_UNEVEN = 0.1
"""How far chance moves a gift, as a part of what could be given."""


def keep_or_guess(style: Style, now: Moment[Secret]) -> Decision:
    """What the style does about a secret, as its keeper or as one who asks."""
    return _keep(style, now) if now.me == now.payoff.keeper else _guess(style, now)


def _keep(style: Style, now: Moment[Secret]) -> Decision:
    said = any(claim.seat == now.me for claim in now.position.claims)
    when = now.clock.whole // 3  # not at once: they have to ask first
    if said or style.keeps == "silence" or now.spoken < min(when, 2):
        return Decision("evade")
    lies = style.keeps == "lies" or (style.keeps == "either" and now.dice.share("lie") < 0.5)
    options = [option for option in now.payoff.options if (option != now.payoff.answer) is lies]
    answer = options[now.dice.below(len(options), "answer")]
    return Decision("claim", {"answer": phrase(answer)}, Move(kind=MoveKind.CLAIM, terms={"answer": answer}))


def _guess(style: Style, now: Moment[Secret]) -> Decision:
    if not now.can(MoveKind.CHOOSE):
        return Decision("chosen")
    claims = [str(claim.terms["answer"]) for claim in now.position.claims if claim.seat == now.payoff.keeper]
    if now.clock.left > 1 and (now.spoken == 0 or (not claims and now.clock.spare(1))):
        return Decision("ask")
    believed = claims[-1:] if style.guesses in ("trust", "refuse") else []
    if not believed and style.guesses == "refuse":
        return Decision("ask")
    options = [o for o in now.payoff.options if style.guesses != "doubt" or o not in claims[-1:]]
    answer = believed[0] if believed else options[now.dice.below(len(options), "guess")]
    return Decision("guess", {"answer": phrase(answer)}, Move(kind=MoveKind.CHOOSE, terms={"answer": answer}))


def give(style: Style, now: Moment[Gift]) -> Decision:
    """What the style does about a gift, as the giver or as the one who asks for it."""
    payoff = now.payoff
    if now.me == payoff.asker:
        return Decision("appeal", {"limit": amount(payoff.limit, payoff.unit)})
    asked = sum(seen.seat == payoff.asker for seen in now.view.history)
    patience = 1 + now.dice.below(3, "patience")
    if now.clock.spare(1) and now.spoken < patience:
        if style.claims == "lies" and now.spoken == 1:
            promised = payoff.limit
            return Decision(
                "promise",
                {"amount": amount(promised, payoff.unit)},
                Move(kind=MoveKind.CLAIM, terms={"amount": promised}),
            )
        return Decision("consider")
    part = style.gives + style.yields * asked + (now.dice.share("gift") - 0.5) * 2 * _UNEVEN * (style.gives > 0)
    given = round(min(max(part, 0.0), 1.0) * payoff.limit)
    words = {"amount": amount(given, payoff.unit)} if given else {}
    return Decision("give" if given else "keep", words, Move(kind=MoveKind.CHOOSE, terms={"amount": given}))
