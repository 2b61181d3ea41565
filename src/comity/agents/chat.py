"""The chat style, for models that follow instructions: rules in the system message, what others did as user messages, own actions
as assistant messages.
"""

import sys
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from comity.agents.narration import aim_slots, own_first, told_action, told_facts
from comity.agents.renderings import rendered
from comity.agents.replies import Parsed, parse_action
from comity.models.prompts import Block, Template, load_template, quote
from comity.models.protocol import Message, Schema
from comity.models.replies import partial_words
from comity.world.actions import Action, ActionSpec
from comity.world.views import Profile, SeatView, Seen

__all__ = ["ChatStyle"]


class _Talk(NamedTuple):
    messages: tuple[Message, ...]
    """Up to the seat's last own action."""
    news: tuple[str, ...]
    """What others did since, a line each."""


class ChatStyle:
    """Replies are `{"action_type": …, "argument": …, "to": […]}`."""

    @property
    def template(self) -> Template:
        """`prompts/chat.toml`."""
        return load_template("comity.agents:chat", "comity.agents:narration")

    def messages(self, view: SeatView) -> list[Message]:
        """The prompt for this view."""
        talk = rendered(view, self, self._begin, self._tell)
        return [*talk.messages, Message("user", self._news(view, talk.news, view.turn))]

    def schema(self, view: SeatView) -> Schema:
        """The reply schema of the seat's `ActionSpec`."""
        return _schema(view.spec)

    def parse(self, view: SeatView, text: str) -> Parsed:
        """The action in a reply."""
        return parse_action(text, view.spec)

    def reask(self, view: SeatView, problem: str) -> str:
        """The problem and the format again."""
        return self.template.fill("reask", problem=problem, format=Block(_format(view.spec)))

    def spoken(self, text: str) -> str:
        """The argument as far as it has come."""
        return partial_words(text, after='"argument"')

    def _begin(self, view: SeatView) -> "_Talk":
        return _Talk((Message("system", sys.intern(self._system(view))),), ())  # one for all episodes of the task

    def _tell(self, view: SeatView, talk: "_Talk", history: Sequence[Seen]) -> "_Talk":
        messages, news = list(talk.messages), list(talk.news)
        for seen in own_first(view, history):
            if seen.seat == view.me.seat:
                messages.append(Message("user", self._news(view, news, seen.turn)))
                messages.append(Message("assistant", _reply(seen.action, seen.to)))
                news.clear()
            else:
                news.append(told_action(self.template, seen.name, seen.action, seen.to))
        return _Talk(tuple(messages), tuple(news))

    def _news(self, view: SeatView, news: Sequence[str], turn: int) -> str:
        ask = "script_ask" if view.mode == "script" else "ask"
        asked = self.template.fill(ask, turn=turn, turn_limit=view.turn_limit, name=view.me.name)
        return "\n".join([*news, asked])

    def _system(self, view: SeatView) -> str:
        common: dict[str, str | int] = {
            "name": view.me.name,
            "setting": view.setting,
            "turn_limit": view.turn_limit,
            "format": Block(_format(view.spec)),
            "actions": Block("\n".join(self.template.texts[f"means_{k.name.lower()}"] for k in view.spec.types)),
            "private": Block(self._private(view)),
        }
        others = [self._person(profile) for profile in view.others]
        if view.mode == "script":
            people = Block("\n".join([self._person(view.me), *others]))
            return self.template.fill("script_system", count=1 + len(others), people=people, **common)
        me = self.template.fill(
            "me", name=view.me.name, role=view.me.role, facts=told_facts(self.template, view.me.facts)
        )
        return self.template.fill(
            "system", me=Block(me), others=Block("\n".join(others)), **aim_slots(view.me), **common
        )

    def _person(self, profile: Profile) -> str:
        return self.template.fill(
            "person",
            name=profile.name,
            role=profile.role,
            relationship=self.template.texts[profile.relationship] if profile.relationship else "",
            background=profile.background,
            facts=told_facts(self.template, profile.facts, "  "),
            **aim_slots(profile),
        )

    def _private(self, view: SeatView) -> str:
        """Names all others, those who have left too: what has once been said stays as it is. The schema offers only who is there."""
        names = ", ".join(quote(profile.name) for profile in view.others)
        return self.template.fill("means_private", recipients=Block(names)) if view.spec.recipients else ""


def _reply(action: Action, to: Sequence[str]) -> str:
    """The action as the reply that would have made it; the same at every reading of the log."""
    fields = {"action_type": quote(action.type), "argument": quote(action.argument)}
    if to:
        fields["to"] = "[" + ", ".join(quote(name) for name in to) + "]"
    return "{" + ", ".join(f'"{key}": {value}' for key, value in fields.items()) + "}"


def _format(spec: ActionSpec) -> str:
    kinds = " | ".join(f'"{kind}"' for kind in spec.types)
    to = ', "to": []' if spec.recipients else ""
    return f'{{"action_type": {kinds}, "argument": "..."{to}}}'


@lru_cache(maxsize=1024)
def _schema(spec: ActionSpec) -> Schema:
    properties: dict[str, object] = {
        "action_type": {"type": "string", "enum": [kind.value for kind in spec.types]},
        "argument": {"type": "string"},
    }
    if spec.recipients:
        names = [name for _, name in spec.recipients]
        properties["to"] = {"type": "array", "items": {"type": "string", "enum": names}}
    return Schema(
        "action",
        {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False},
    )
