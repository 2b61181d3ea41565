"""Prompt styles: how a view becomes the messages a model is sent, and its reply an action.

Within an episode every prompt of a seat begins with the whole of its previous one, so what a style has once shown it shows again,
letter for letter.
"""

from collections.abc import Sequence
from typing import Protocol

from comity.agents.chat import ChatStyle
from comity.agents.compact import CompactStyle
from comity.agents.replies import Parsed
from comity.agents.transcript import TranscriptStyle
from comity.models.prompts import Template
from comity.models.protocol import Message, Schema
from comity.world.views import SeatView

__all__ = ["Style", "style_named"]


class Style(Protocol):
    """Turns views into messages and replies into actions."""

    @property
    def template(self) -> Template:
        """The texts it is made of; their label and hash go into the record."""
        ...

    def messages(self, view: SeatView) -> Sequence[Message]:
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
    """The style of this name: `chat`, `transcript` or `compact`. Raises `ValueError` for another."""
    styles: dict[str, type[Style]] = {"chat": ChatStyle, "transcript": TranscriptStyle, "compact": CompactStyle}
    if name not in styles:
        raise ValueError(f"unknown prompt style {name!r}; there are: {', '.join(styles)}")
    return styles[name]()
