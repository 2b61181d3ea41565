"""Prompt styles: how a view becomes the messages a model is sent, and its reply an action.

Within an episode every prompt of a seat begins with the whole of its previous one, so what a style has once shown it shows again,
letter for letter.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Protocol

from comity.agents.replies import Parsed
from comity.models.prompts import Template
from comity.models.protocol import Message, Schema
from comity.world.views import Profile, SeatView, Seen

__all__ = ["Style", "aim_slots", "own_first", "style_named"]


class Style(Protocol):
    """Turns views into messages and replies into actions."""

    @property
    def template(self) -> Template:
        """The texts it is made of; their label and hash go into the record."""
        ...

    def messages(self, view: SeatView) -> list[Message]:
        """The prompt for this view."""
        ...

    def schema(self, view: SeatView) -> Schema:
        """What the reply must look like."""
        ...

    def parse(self, view: SeatView, text: str) -> Parsed:
        """The action in a reply. Raises `UnusableReply`."""
        ...

    def reask(self, view: SeatView, problem: str) -> str:
        """What to say after an unusable reply."""
        ...

    def spoken(self, text: str) -> str:
        """The words in a reply that may not be whole yet, for those who listen while it comes."""
        ...


def style_named(name: str) -> Style:
    """The style of this name, `chat` or `transcript`. Raises `ValueError` for another."""
    from comity.agents.chat import ChatStyle
    from comity.agents.transcript import TranscriptStyle

    styles: dict[str, type[Style]] = {"chat": ChatStyle, "transcript": TranscriptStyle}
    if name not in styles:
        raise ValueError(f"unknown prompt style {name!r}; there are: {', '.join(styles)}")
    return styles[name]()


def own_first(view: SeatView) -> Iterable[Seen]:
    """The history with the seat's own action first in each turn: what others did at the same time came to it afterwards."""
    for _, turn in groupby(view.history, key=lambda seen: seen.turn):
        yield from sorted(turn, key=lambda seen: seen.seat != view.me.seat)


def aim_slots(profile: Profile) -> dict[str, str]:
    """The profile's goal and what belongs to it, by slot name; empty where the viewer may not know it."""
    aim = profile.aim
    return {
        "goal": aim.goal if aim else "",
        "extra_info": aim.extra_info if aim else "",
        "clarification_hint": aim.clarification_hint if aim else "",
        "strategy_hint": aim.strategy_hint if aim else "",
    }
