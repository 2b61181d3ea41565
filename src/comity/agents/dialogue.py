"""A seat's history as a dialogue: the rules in the system message, what others did as user messages, own actions as assistant messages.

Shared by the styles that are so built; each puts what happened in its own words.
"""

import sys
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from comity.agents.narration import own_first
from comity.agents.renderings import rendered
from comity.models.conversation import Prompt
from comity.models.protocol import Message
from comity.world.moves import Move
from comity.world.views import SeatView, Seen

__all__ = ["Wording", "dialogue"]


class Wording(Protocol):
    """How a style words the parts of a dialogue: each a function of what stays in all views of the seat, and of its arguments."""

    def system(self, view: SeatView) -> str:
        """The system message."""
        ...

    def own(self, view: SeatView, seen: Seen) -> str:
        """The reply that would have made this action of the seat's own; the same at every reading of the log."""
        ...

    def told(self, view: SeatView, seen: Seen) -> str:
        """What another did, on one line."""
        ...

    def opened(self, opened: Sequence[tuple[str, Move]]) -> str:
        """What was opened to everyone, on one line."""
        ...

    def ask(self, view: SeatView, turn: int) -> str:
        """The line that ends each user message."""
        ...


class _Talk(NamedTuple):
    messages: Prompt
    """Up to the seat's last own action."""
    news: tuple[str, ...]
    """What others did since, a line each."""


def dialogue(view: SeatView, by: Wording) -> Prompt:
    """The prompt for this view. It begins with the whole of that for any earlier view of the seat."""

    def begin(view: SeatView) -> _Talk:
        system = sys.intern(by.system(view))  # one for all episodes of the task
        return _Talk(Prompt([Message("system", system)]), ())

    def tell(view: SeatView, talk: _Talk, history: Sequence[Seen]) -> _Talk:
        messages, news = list[Message](), list(talk.news)
        for seen in own_first(view, history):
            if seen.seat == view.me.seat:
                messages.append(Message("user", "\n".join([*news, by.ask(view, seen.turn)])))
                messages.append(Message("assistant", by.own(view, seen)))
                news.clear()
            else:
                news.append(by.told(view, seen))
            if seen.opened:
                news.append(by.opened(seen.opened))
        return _Talk(talk.messages.then(*messages), tuple(news))

    talk = rendered(view, by, begin, tell)
    return talk.messages.then(Message("user", "\n".join([*talk.news, by.ask(view, view.turn)])))
