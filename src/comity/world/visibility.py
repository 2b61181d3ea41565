"""Who may know what. Every rule about private information is in this file, stated on typed data; nothing else decides."""

from collections.abc import Mapping
from typing import Literal

from comity.world.actions import Action, ActionType
from comity.world.moves import Move, MoveKind
from comity.world.relationships import RelationshipKind

__all__ = [
    "EVERYTHING",
    "Fact",
    "Mode",
    "as_seen",
    "audience",
    "may_know_background",
    "may_know_facts",
    "may_know_goal",
    "may_know_payoff",
]

Mode = Literal["asymmetric", "omniscient", "script"]
"""`asymmetric`: each knows what the relationship allows. `omniscient`: all see all. `script`: one writer writes every part, seeing all."""

Fact = Literal[
    "occupation",
    "pronouns",
    "public_info",
    "age",
    "gender",
    "big_five",
    "moral_values",
    "schwartz_values",
    "decision_style",
    "personality",
    "secret",
]
"""The fields of a character beyond the display name, which all who share a setting know."""

_NOTHING: tuple[Fact, ...] = ()
_ACQUAINTED: tuple[Fact, ...] = ("occupation", "pronouns", "public_info")
_CLOSE: tuple[Fact, ...] = (
    *_ACQUAINTED,
    "age",
    "gender",
    "big_five",
    "moral_values",
    "schwartz_values",
    "decision_style",
    "personality",
)
EVERYTHING: tuple[Fact, ...] = (*_CLOSE, "secret")
"""All facts; for oneself and for the judge."""

_KNOWN: Mapping[RelationshipKind, tuple[Fact, ...]] = {
    RelationshipKind.STRANGER: _NOTHING,
    RelationshipKind.KNOW_BY_NAME: _NOTHING,
    RelationshipKind.ACQUAINTANCE: _ACQUAINTED,
    RelationshipKind.FRIEND: _CLOSE,
    RelationshipKind.ROMANTIC: _CLOSE,
    RelationshipKind.FAMILY: _CLOSE,
}


def may_know_facts(viewer: str, of: str, kind: RelationshipKind, mode: Mode, lite: bool) -> tuple[Fact, ...]:
    """The facts about the character in seat `of` that the viewer's seat may know."""
    if lite:
        return _NOTHING
    if viewer == of or mode != "asymmetric":
        return EVERYTHING
    return _KNOWN[kind]


def may_know_goal(viewer: str, of: str, mode: Mode) -> bool:
    """Whether the viewer may know the goal, extra information and hints of seat `of`."""
    return viewer == of or mode != "asymmetric"


def may_know_payoff(viewer: str, of: str, mode: Mode) -> bool:
    """Whether the viewer may know what deals are worth to seat `of`, its reserve, its list, its answer, and what it wrote down unseen."""
    return viewer == of or mode != "asymmetric"


def may_know_background(mode: Mode, lite: bool) -> bool:
    """Whether a relationship's background story is told to those it joins. It may hold what one of them does not know."""
    return mode != "asymmetric" and not lite


def as_seen(action: Action, actor: str, viewer: str, mode: Mode) -> Action:
    """The action as the viewer perceives it: that a choice was written down, and not which."""
    sealed = action.move is not None and action.move.kind is MoveKind.CHOOSE
    if not sealed or may_know_payoff(viewer, actor, mode):
        return action
    return action.model_copy(update={"move": Move(kind=MoveKind.CHOOSE)})


def audience(action: Action, actor: str, present: tuple[str, ...], mode: Mode) -> tuple[str, ...]:
    """The seats that perceive an action, its existence included, in seat order.

    Doing nothing is perceived by nobody else: were it public, the lack of it would betray a private message.
    """
    if mode != "asymmetric" or not (action.to or action.type is ActionType.NONE):
        return present
    return tuple(seat for seat in present if seat == actor or seat in action.to)
