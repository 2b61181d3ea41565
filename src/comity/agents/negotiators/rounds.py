"""Dilemmas and common pots: a style answers what was opened in earlier rounds.

The rules are those of the tournaments of repeated dilemmas (Axelrod 1984; `pavlov` is win-stay lose-shift, Nowak and Sigmund 1993;
`forgiving` is generous tit for tat), and giving to a pot is cooperation in parts: `like` is the conditional cooperator of Fischbacher,
Gächter and Fehr (2001).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from comity.agents.negotiators.moment import Decision, Dice, Moment
from comity.agents.negotiators.styles import Style
from comity.agents.negotiators.wording import amount, phrase
from comity.world.choices import Choices, Dilemma, PublicGoods
from comity.world.moves import Move, MoveKind, Terms

__all__ = ["play_round"]

_FORGIVES = 1 / 3
_SOME = 0.5
"""Giving at least this part of what one has counts as cooperation."""


def play_round(style: Style, now: Moment[Choices]) -> Decision:
    """What the style does in a round of either."""
    if not now.can(MoveKind.CHOOSE):
        return Decision("chosen")
    done = now.position.rounds
    if not done and now.clock.spare(now.payoff.rounds):
        if now.spoken == 0 and style.claims != "nothing":
            terms = _terms(now, 1.0 if style.claims == "lies" else _part(style, now))
            return Decision("claim", _words(now, terms), Move(kind=MoveKind.CLAIM, terms=terms))
        if now.spoken == 0:
            return Decision("opening")
    terms = _kept_word(style, now) or _terms(now, _part(style, now))
    return Decision("choose", _of_rounds(now), Move(kind=MoveKind.CHOOSE, terms=terms), lead=_lead(now))


def _of_rounds(now: Moment[Choices]) -> dict[str, str]:
    """A slot that is there only where more than one round is played."""
    return {"round": f"round {len(now.position.rounds) + 1}"} if now.payoff.rounds > 1 else {}


def _kept_word(style: Style, now: Moment[Choices]) -> Terms | None:
    """What it claimed that it would choose in this round, if it means what it says."""
    if style.claims != "truth":
        return None
    said = [c.terms for c in now.position.claims if c.seat == now.me and c.round == len(now.position.rounds)]
    return said[-1] if said else None


def _lead(now: Moment[Choices]) -> str:
    """A word about what the others did in the round before."""
    if not now.position.rounds or now.dice.share("lead") < 0.4:
        return ""
    others = _past(now).others[-1]
    return "thanks" if others >= _SOME else "hurt"


@dataclass(frozen=True, slots=True)
class _Past:
    """How much was given in the rounds that were opened, as parts of all that could be: 1 for cooperation, 0 for defection."""

    mine: Sequence[float]
    others: Sequence[float]
    """On average."""
    spent: float
    """0 in the first round, 1 in the last."""
    chance: Dice


def _past(now: Moment[Choices]) -> _Past:
    rounds, whole = now.position.rounds, now.payoff.rounds
    parts = [{seat: _given(now, terms) for seat, terms in opened.choices.items()} for opened in rounds]
    others = [sum(p for seat, p in of.items() if seat != now.me) / (len(of) - 1) for of in parts]
    spent = len(rounds) / (whole - 1) if whole > 1 else 0.0
    return _Past([of[now.me] for of in parts], others, spent, now.dice)


def _given(now: Moment[Choices], terms: Terms) -> float:
    if isinstance(now.payoff, PublicGoods):
        return int(terms["amount"]) / now.payoff.endowment
    return float(isinstance(now.payoff, Dilemma) and terms["choice"] == now.payoff.cooperate)


def _part(style: Style, now: Moment[Choices]) -> float:
    return _ANSWERS[style.answers](_past(now))


def _terms(now: Moment[Choices], part: float) -> Terms:
    """The choice that comes nearest to giving this part; of a pot a little more or less by chance, of a dilemma all or nothing."""
    if isinstance(now.payoff, Dilemma):
        return {"choice": now.payoff.cooperate if part >= _SOME else now.payoff.defect}
    assert isinstance(now.payoff, PublicGoods), "there are no other games of rounds"
    moved = part + (now.dice.share("uneven") - 0.5) * 0.2 if 0 < part < 1 else part
    return {"amount": round(min(max(moved, 0.0), 1.0) * now.payoff.endowment)}


def _words(now: Moment[Choices], terms: Terms) -> dict[str, str]:
    if isinstance(now.payoff, PublicGoods):
        return {"amount": amount(int(terms["amount"]), now.payoff.unit)}
    return {"choice": phrase(str(terms["choice"]))}


def _forgiving(past: _Past) -> float:
    if not past.others or past.others[-1] >= _SOME:
        return 1.0
    return 1.0 if past.chance.share("forgive") < _FORGIVES else past.others[-1]


def _pavlov(past: _Past) -> float:
    """As before where the others were good to it, and the opposite where not."""
    if not past.others:
        return 0.7
    stays = past.others[-1] >= _SOME
    return past.mine[-1] if stays else 1 - past.mine[-1]


_ANSWERS: Mapping[str, Callable[[_Past], float]] = {
    "always": lambda past: 1.0,
    "never": lambda past: 0.0,
    "like": lambda past: past.others[-1] if past.others else 0.8,
    "wary-like": lambda past: past.others[-1] if past.others else 0.2,
    "two-tats": lambda past: 0.0 if len(past.others) > 1 and max(past.others[-2:]) < _SOME else 1.0,
    "forgiving": _forgiving,
    "pavlov": _pavlov,
    "grim": lambda past: 0.9 if all(part >= _SOME for part in past.others) else 0.0,
    "ramp": lambda past: 0.75 - 0.6 * past.spent,
    "repent": lambda past: 0.1 if past.spent < 0.6 else 1.0,
}
