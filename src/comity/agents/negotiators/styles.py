"""The styles of scripted negotiators as data: those that training may learn from, and the pools that are held out for evaluation.

What a style says is in `speech/`; how its parameters are played is in the modules of the kinds of payoff.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Literal, cast

from pydantic import Field, JsonValue

from comity.models.protocol import ModelNotFound
from comity.world.episodes import Policy
from comity.world.record import Record

__all__ = [
    "AGENT",
    "EXPERTS",
    "HELD_OUT",
    "SCHEME",
    "HeldOutPartner",
    "Style",
    "canonical",
    "is_held_out",
    "named_styles",
    "refuse_held_out",
    "style_of",
]

SCHEME = "negotiator:"
"""What a specification of a negotiator begins with."""
AGENT = "negotiator"
"""The agent's name in a policy."""

Share = float
"""A part of what a seat can gain in a deal: 0 is its disagreement value, 1 the best deal there is, below 0 a loss."""


class Style(Record):
    """One way to play every kind of payoff. A change of any value, or of how it is played, raises `version`."""

    name: str
    version: int = 1
    pool: str = ""
    """The held-out pool that it belongs to, such as `held-out@1`; empty for one that training may use."""
    book: str = "plain"
    """Its sentences: a file in `speech/`."""
    temper: Literal["soft", "even", "hard"] = "even"
    """Which of them."""

    concedes: Literal["time", "mirror", "fold", "trigger", "halfway", "trade"] = "time"
    """What decides how much it asks for in a deal; see `levels`."""
    beta: float = Field(default=1.0, gt=0)
    """How early it concedes with `time` and `trigger` (Faratin et al. 1998): below 1 late (boulware), above 1 early (conceder)."""
    opening: Share = 1.0
    """What it asks for first."""
    floor: Share = 0.1
    """The least that it asks for."""
    near: Share = 0.0
    """It takes what falls short of what it would ask for by no more than this."""
    last: Share = 0.0
    """The least that it takes at its last chance."""

    claims: Literal["nothing", "truth", "lies"] = "nothing"
    """What it states by moves of its private facts and intentions."""
    answers: Literal[
        "always", "never", "like", "wary-like", "two-tats", "forgiving", "pavlov", "grim", "ramp", "repent"
    ] = "like"
    """How it answers cooperation and defection, and giving to a common pot; see `rounds`."""
    keeps: Literal["silence", "lies", "truth", "either", "late", "asked", "before", "unasked"] = "silence"
    """What it says of a secret: nothing, something false, the answer, or one or the other by chance; the answer, but only
    towards the end or once it has been asked three times; the option that comes before the answer; something false before anybody asks."""
    guesses: Literal["trust", "doubt", "chance", "refuse", "half", "late", "next", "at-once"] = "trust"
    """How it takes what a keeper claims: believes it, takes anything else, or does not listen; who refuses writes nothing down unless
    there is a claim. Or it believes half of all claims, by chance; waits for its last turn and believes what it has heard; takes the
    option after the one that was claimed; or guesses at once, without asking."""
    names: int = Field(default=2, ge=1)
    """How many of its contacts it names at a time."""
    seeks: Literal["chance", "fitting", "last", "typical", "first"] = "chance"
    """Of which of its contacts it tells first: of any; of those whom most that was told by others fits; from the end of its list; of
    those who have most in common with the rest of it; from its top."""
    traits: Literal["never", "first", "between"] = "never"
    """Whether it tells something of its contacts, before it names any or by turns with names."""
    hasty: bool = False
    """Whether it writes a name down before it can know."""
    gives: float = Field(default=0.3, ge=0, le=1)
    """The part of what could be given that it gives."""
    yields: float = Field(default=0.0, ge=-1, le=1)
    """How much that part grows with each time that it is asked."""

    @property
    def label(self) -> str:
        """As in a policy: `linear@1`, or `held-out@1/splitter@1` for one of a pool."""
        return f"{self.pool}/{self.name}@{self.version}" if self.pool else f"{self.name}@{self.version}"

    @property
    def spec(self) -> str:
        """The specification that names it in a plan or a command: `negotiator:linear`."""
        return f"{SCHEME}{self.pool}/{self.name}" if self.pool else f"{SCHEME}{self.name}"

    @property
    def parameters(self) -> Mapping[str, JsonValue]:
        """What it is played by, for the record."""
        return cast("Mapping[str, JsonValue]", self.model_dump(mode="json", exclude={"name", "version"}))


def _by_name(*styles: Style) -> Mapping[str, Style]:
    return {style.name: style for style in styles}


EXPERTS: Mapping[str, Style] = _by_name(
    Style(name="linear", concedes="time", beta=1.0, opening=0.9, claims="nothing", answers="ramp", yields=0.1),
    Style(
        name="boulware", concedes="time", beta=0.25, opening=0.9, floor=0.15, temper="hard", answers="wary-like", guesses="chance",
        traits="first", gives=0.1, yields=0.05,
    ),
    Style(
        name="conceder", concedes="time", beta=3.0, opening=0.85, floor=0.15, temper="soft", claims="truth",
        answers="always", keeps="truth", names=3, gives=0.6, yields=0.1,
    ),
    Style(name="tit-for-tat", concedes="mirror", opening=0.85, answers="like", keeps="either", names=1, yields=0.15),
    Style(
        name="firm", concedes="time", opening=0.8, floor=0.65, last=0.45, temper="hard", answers="never",
        guesses="refuse", names=1, traits="first", gives=0.0,
    ),
    Style(
        name="bluffer", concedes="time", beta=0.5, claims="lies", answers="never", keeps="lies", guesses="doubt",
        names=1, traits="first", hasty=True, gives=0.05,
    ),
    Style(
        name="pleaser", concedes="time", beta=0.6, opening=0.7, floor=-1.0, last=-1.0, temper="soft", claims="truth",
        answers="two-tats", keeps="truth", names=4, gives=0.9,
    ),
)  # fmt: skip
"""What training may learn from and play against, by name."""

_VERSION = re.compile(r"(?<=[^/])@\d+$")
_HELD_OUT = "held-out@"
"""What the name of every such pool begins with."""
_POOL = f"{_HELD_OUT}1"

HELD_OUT: Mapping[str, Mapping[str, Style]] = {
    _POOL: _by_name(
        Style(
            name="splitter", pool=_POOL, book="held-out-1", temper="soft", concedes="halfway", opening=0.8, floor=0.3,
            near=0.12, last=0.1, claims="truth", answers="forgiving", keeps="asked", guesses="half", names=5, seeks="fitting",
            gives=0.5,
        ),
        Style(
            name="late-folder", pool=_POOL, book="held-out-1", temper="hard", concedes="fold", opening=0.95, floor=0.1,
            answers="repent", keeps="late", guesses="late", names=3, seeks="last", traits="first", gives=0.0, yields=0.25,
        ),
        Style(
            name="logroller", pool=_POOL, book="held-out-1", temper="even", concedes="trade", opening=1.0, floor=0.2,
            claims="truth", answers="pavlov", keeps="before", guesses="next", names=4, seeks="typical", traits="first", gives=0.35,
        ),
        Style(
            name="grim", pool=_POOL, book="held-out-1", temper="even", concedes="trigger", beta=0.8, opening=0.9,
            floor=0.2, answers="grim", keeps="unasked", guesses="at-once", names=2, seeks="first", traits="between", gives=0.4,
            yields=-0.1,
        ),
    )
}  # fmt: skip
"""Partners for evaluation alone, by pool and name. A pool never changes; a better one gets the next number."""


class HeldOutPartner(ValueError):
    """A partner that is held out for evaluation is among those that training learns from."""


@cache
def named_styles() -> Mapping[str, Style]:
    """Every style by its specification."""
    pools = (style for pool in HELD_OUT.values() for style in pool.values())
    return {style.spec: style for style in (*EXPERTS.values(), *pools)}


def style_of(spec: str) -> Style:
    """The style that a specification or a policy's label names, with its version or without. Raises `ModelNotFound`."""
    wanted = spec if spec.startswith(SCHEME) else SCHEME + spec
    for known, style in named_styles().items():
        if wanted in (known, f"{known}@{style.version}"):
            return style
    raise ModelNotFound(f"{wanted!r} names no negotiator of this version; there are: {', '.join(named_styles())}")


def canonical(spec: str) -> str:
    """One name for all forms of a specification or a label: without scheme and version, blanks around it and capitals.

    `negotiator:linear`, `linear@1` and `Negotiator: Linear` are all `linear`; one of a pool keeps the pool's name.
    """
    return _VERSION.sub("", _label(spec).casefold())


def is_held_out(expert: Policy | str) -> bool:
    """Whether a policy, as an episode records it, or a specification names a partner of a held-out pool, known here or not.

    Of a specification every form counts that `style_of` takes, with blanks around it and in capitals too.
    """
    return _label(expert).casefold().startswith(_HELD_OUT)


def refuse_held_out(experts: Iterable[Policy | str]) -> None:
    """Raise `HeldOutPartner` where one of these is in a held-out pool. For training to call with all it learns from.

    Args:
        experts: policies, as an episode records them, or the specifications of a plan.
    """
    if held := [_label(expert) for expert in experts if is_held_out(expert)]:
        raise HeldOutPartner(
            f"{', '.join(dict.fromkeys(held))}: held out for evaluation, so that nothing may be learned from or against it; "
            f"train with: {', '.join(style.spec for style in EXPERTS.values())}"
        )


def _label(expert: Policy | str) -> str:
    """What follows the scheme, if there is one; empty for the policy of whoever is no negotiator."""
    if isinstance(expert, Policy):
        return expert.style or "" if expert.agent == AGENT else ""
    scheme, colon, name = expert.strip().partition(":")
    return name.strip() if f"{scheme}{colon}".casefold() == SCHEME else expert.strip()
