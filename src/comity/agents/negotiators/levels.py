"""What a style asks for in a deal at a moment, as a share of what it can gain.

`time`: by the clock alone, along the polynomial curves of Faratin, Sierra and Jennings (1998, "Negotiation decision functions for
autonomous agents", section 4.1). `mirror`: as much as the other gave way (their behaviour-dependent tit for tat, section 4.3).
`fold`: everything until late, and then little. `trigger`: by the clock as long as the others give way too, and never again once
somebody has not. `halfway`: halfway between what it asked for last and what is offered to it. `trade` asks for the best deal first
and then trades issue by issue; see `trading`.
"""

import math
from collections.abc import Callable, Mapping

from comity.agents.negotiators.clock import Clock
from comity.agents.negotiators.styles import Style
from comity.agents.negotiators.talks import Talks

__all__ = ["level"]

_UNEVEN = 0.03
"""How far chance moves what is asked for."""
_NUDGE = 0.02
"""How much whoever mirrors gives way unasked, so that two of a kind do not stand still."""
_GOOD_WILL = 0.1
"""And with its second proposal: tit for tat begins by being nice."""
_LATE = 2


def level(style: Style, talks: Talks, clock: Clock, chance: float) -> float:
    """The share that the style asks for; never more than it has asked for before. `chance` is from 0 up to 1."""
    if style.concedes == "trigger" and talks.stalled and talks.mine:
        return talks.mine[-1]
    asked = _RULES[style.concedes](style, talks, clock) + (chance - 0.5) * 2 * _UNEVEN
    most = min((style.opening, *talks.mine[-1:]))
    return max(min(asked, most), style.floor)


def _time(style: Style, talks: Talks, clock: Clock) -> float:
    return style.floor + (style.opening - style.floor) * (1 - math.pow(clock.spent, 1 / style.beta))


def _mirror(style: Style, talks: Talks, clock: Clock) -> float:
    if not talks.mine:
        return style.opening
    return talks.mine[-1] - max(talks.conceded, 0.0) - (_GOOD_WILL if len(talks.mine) == 1 else _NUDGE)


def _fold(style: Style, talks: Talks, clock: Clock) -> float:
    return style.opening if clock.left > _LATE else style.floor


def _halfway(style: Style, talks: Talks, clock: Clock) -> float:
    if talks.offered is None:
        return style.opening
    return ((talks.mine[-1] if talks.mine else style.opening) + talks.offered) / 2


_RULES: Mapping[str, Callable[[Style, Talks, Clock], float]] = {
    "time": _time,
    "mirror": _mirror,
    "fold": _fold,
    "trigger": _time,
    "halfway": _halfway,
    "trade": lambda style, talks, clock: style.opening,
}
