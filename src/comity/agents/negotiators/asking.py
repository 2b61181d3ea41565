"""Mutual friends, secrets and gifts: what a style asks, tells, guesses and gives.

Of what others say, names of one's own contacts alone are heard; see `friends`. A secret is guessed from claims, and some
gifts grow or shrink with the number of times that they were asked for.
"""

from collections.abc import Sequence

from comity.agents.negotiators.moment import Decision, Moment
from comity.agents.negotiators.styles import Style
from comity.agents.negotiators.wording import amount, phrase
from comity.world.choices import Gift, Secret
from comity.world.moves import Move, MoveKind

__all__ = ["give", "keep_or_guess"]

_LATE = 3
"""Who tells late does so in one of so many last turns, while there is time to write it down."""
_ASKED = 3
"""Who tells when asked has heard each of the others so often."""
_UNEVEN = 0.1
"""How far chance moves a gift, as a part of what could be given."""


def keep_or_guess(style: Style, now: Moment[Secret]) -> Decision:
    """What the style does about a secret, as its keeper or as one who asks."""
    return _keep(style, now) if now.me == now.payoff.keeper else _guess(style, now)


def _keep(style: Style, now: Moment[Secret]) -> Decision:
    if style.keeps == "silence" or _claimed(now) or not _due(style, now):
        return Decision("evade")
    answers = _to_tell(style, now)
    answer = answers[now.dice.below(len(answers), "answer")]
    return Decision("claim", {"answer": phrase(answer)}, Move(kind=MoveKind.CLAIM, terms={"answer": answer}))


def _claimed(now: Moment[Secret]) -> list[str]:
    """What the keeper has claimed the answer to be, in order; a scripted one does so once."""
    return [str(claim.terms["answer"]) for claim in now.position.claims if claim.seat == now.payoff.keeper]


def _due(style: Style, now: Moment[Secret]) -> bool:
    """Whether the keeper may say something now: as a rule not at once, as they have to ask first."""
    match style.keeps:
        case "unasked":
            return True
        case "late":
            return now.clock.left <= _LATE
        case "asked":
            return sum(seen.seat != now.me for seen in now.view.history) >= _ASKED * len(now.others)
    return now.spoken >= min(now.clock.whole // 3, 2)


def _to_tell(style: Style, now: Moment[Secret]) -> list[str]:
    """The answers of which the keeper claims one."""
    options, answer = now.payoff.options, now.payoff.answer
    if style.keeps == "before":
        return [options[options.index(answer) - 1]]
    lies = style.keeps in ("lies", "unasked") or (style.keeps == "either" and now.dice.share("lie") < 0.5)
    return [option for option in options if (option != answer) is lies]


def _guess(style: Style, now: Moment[Secret]) -> Decision:
    if not now.can(MoveKind.CHOOSE):
        return Decision("chosen")
    claims = _claimed(now)
    waits = now.clock.spare(0) if style.guesses == "late" else not claims and now.clock.spare(1)
    if now.clock.left > 1 and (now.spoken == 0 or waits) and style.guesses != "at-once":
        return Decision("ask")
    options = _possible(style, now, claims)
    if not options:
        return Decision("ask")
    answer = options[now.dice.below(len(options), "guess")]
    return Decision("guess", {"answer": phrase(answer)}, Move(kind=MoveKind.CHOOSE, terms={"answer": answer}))


def _possible(style: Style, now: Moment[Secret], claims: Sequence[str]) -> Sequence[str]:
    """The answers of which one is written down; none where the style would rather write nothing."""
    options = now.payoff.options
    if not claims:
        return () if style.guesses == "refuse" else options
    said = claims[-1]
    others = [option for option in options if option != said]
    match style.guesses:
        case "trust" | "refuse" | "late":
            return [said]
        case "doubt":
            return others
        case "half":
            return [said] if now.dice.share("believe") < 0.5 else others
        case "next":
            return [options[(options.index(said) + 1) % len(options)]]
    return options


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
