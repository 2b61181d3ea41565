"""The chat style, for models that follow instructions: rules in the system message, what others did as user messages, own actions
as assistant messages.
"""

from collections.abc import Sequence
from functools import lru_cache

from comity.agents.dialogue import dialogue
from comity.agents.games import Told, names_of, told_game, told_means, told_opened
from comity.agents.narration import aim_slots, told_action, told_facts
from comity.agents.replies import Parsed, move_forms, object_form, parse_action
from comity.models.conversation import Prompt
from comity.models.prompts import Block, Template, load_template, quote
from comity.models.protocol import Schema
from comity.models.replies import partial_words
from comity.world.actions import Action, ActionSpec
from comity.world.moves import Move
from comity.world.views import Profile, SeatView, Seen
from comity.world.visibility import may_know_payoff

__all__ = ["ChatStyle"]


class ChatStyle:
    """Replies are `{"action_type": …, "argument": …, "to": […]}`."""

    @property
    def template(self) -> Template:
        """`prompts/chat.toml`."""
        return load_template("comity.agents:chat", "comity.agents:narration", "comity.agents:games")

    def messages(self, view: SeatView) -> Prompt:
        """The prompt for this view."""
        return dialogue(view, self)

    def schema(self, view: SeatView) -> Schema:
        """The reply schema of the seat's `ActionSpec`."""
        return _schema(view.spec, view.table is not None)

    def parse(self, view: SeatView, text: str) -> Parsed:
        """The action in a reply."""
        return parse_action(text, view.spec)

    def reask(self, view: SeatView, problem: str) -> str:
        """The problem and the format again."""
        return self.template.fill("reask", problem=problem, format=Block(_format(view)))

    def spoken(self, text: str) -> str:
        """The argument as far as it has come."""
        return partial_words(text, after='"argument"')

    def own(self, view: SeatView, seen: Seen) -> str:
        """The action as a reply."""
        return _reply(seen.action, seen.to, playing=view.table is not None)

    def told(self, view: SeatView, seen: Seen) -> str:
        """What another did, on one line."""
        return told_action(self.template, seen.name, seen.action, seen.to, view.table.payoff if view.table else None)

    def opened(self, opened: Sequence[tuple[str, Move]]) -> str:
        """What was opened to everyone."""
        return told_opened(self.template, opened)

    def ask(self, view: SeatView, turn: int) -> str:
        """The turn, and the question."""
        ask = "script_ask" if view.mode == "script" else "ask"
        return self.template.fill(ask, turn=turn, turn_limit=view.turn_limit, name=view.me.name)

    def system(self, view: SeatView) -> str:
        """Who everybody is, what is at stake, and how to answer."""
        common: dict[str, str | int] = {
            "name": view.me.name,
            "setting": view.setting,
            "turn_limit": view.turn_limit,
            "format": Block(_format(view)),
            "actions": Block("\n".join(self.template.texts[f"means_{k.name.lower()}"] for k in view.spec.types)),
            "private": Block(self._private(view)),
            "moves": Block(told_means(self.template, view.table, view.me.seat)),
            "rules": Block(self._at_stake(view)),
        }
        others = [self._person(view, profile) for profile in view.others]
        if view.mode == "script":
            people = Block("\n".join([self._person(view, view.me), *others]))
            return self.template.fill("script_system", count=1 + len(others), people=people, **common)
        me = self.template.fill(
            "me", name=view.me.name, role=view.me.role, facts=told_facts(self.template, view.me.facts)
        )
        return self.template.fill(
            "system",
            me=Block(me),
            others=Block("\n".join(others)),
            **aim_slots(view.me),
            **common,
            worth=self._game(view, view.me.seat).worth,
        )

    def _game(self, view: SeatView, seat: str) -> Told:
        return told_game(self.template, view.table.payoff if view.table else None, names_of(view), seat)

    def _at_stake(self, view: SeatView) -> str:
        rules = self._game(view, view.me.seat).rules
        return self.template.fill("at_stake", rules=Block(rules)) if rules else ""

    def _person(self, view: SeatView, profile: Profile) -> str:
        return self.template.fill(
            "person",
            name=profile.name,
            role=profile.role,
            relationship=self.template.texts[profile.relationship] if profile.relationship else "",
            background=profile.background,
            facts=told_facts(self.template, profile.facts, "  "),
            **aim_slots(profile),
            worth=self._game(view, profile.seat).worth
            if may_know_payoff(view.me.seat, profile.seat, view.mode)
            else "",
        )

    def _private(self, view: SeatView) -> str:
        """Names all others, those who have left too: what has once been said stays as it is. The schema offers only who is there."""
        names = ", ".join(quote(profile.name) for profile in view.others)
        return self.template.fill("means_private", recipients=Block(names)) if view.spec.recipients else ""


def _reply(action: Action, to: Sequence[str], *, playing: bool) -> str:
    fields = {"action_type": quote(action.type), "argument": quote(action.argument)}
    if to:
        fields["to"] = "[" + ", ".join(quote(name) for name in to) + "]"
    if playing:
        fields["move"] = _move(action.move)
    return "{" + ", ".join(f'"{key}": {value}' for key, value in fields.items()) + "}"


def _move(move: Move | None) -> str:
    if move is None:
        return "null"
    values = ((term, quote(value) if isinstance(value, str) else str(value)) for term, value in move.terms.items())
    terms = ", ".join(f"{quote(term)}: {value}" for term, value in values)
    return f'{{"kind": {quote(move.kind)}' + (f', "terms": {{{terms}}}}}' if terms else "}")


def _format(view: SeatView) -> str:
    kinds = " | ".join(f'"{kind}"' for kind in view.spec.types)
    to = ', "to": []' if view.spec.recipients else ""
    move = ', "move": null' if view.table else ""
    return f'{{"action_type": {kinds}, "argument": "..."{to}{move}}}'


@lru_cache(maxsize=1024)
def _schema(spec: ActionSpec, playing: bool) -> Schema:
    properties: dict[str, object] = {
        "action_type": {"type": "string", "enum": [kind.value for kind in spec.types]},
        "argument": {"type": "string"},
    }
    if spec.recipients:
        names = [name for _, name in spec.recipients]
        properties["to"] = {"type": "array", "items": {"type": "string", "enum": names}}
    if playing:
        properties["move"] = {"anyOf": [{"type": "null"}, *move_forms(spec.moves)]}
    return Schema("action", object_form(properties))
