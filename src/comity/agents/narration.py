"""What happened and who somebody is, in the order and words that agents and judges read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from comity.agents.games import told_move
from comity.models.prompts import Block, Quoted, Template
from comity.world.actions import Action, ActionType
from comity.world.payoffs import Payoff
from comity.world.views import Profile, SeatView, Seen
from comity.world.visibility import Fact

__all__ = ["aim_slots", "own_first", "told_action", "told_facts"]


def told_action(template: Template, name: str, action: Action, to: Sequence[str], payoff: Payoff | None = None) -> str:
    """One action on one line, its words quoted exactly. `to` are the display names of a private message's recipients."""
    key = action.type.name.lower()
    if action.type is ActionType.LEAVE and action.argument:
        key = "leave_with_words"
    told = template.fill(key, name=name, words=Quoted(action.argument))
    if action.move is not None:
        told = template.fill("with_move", what=Block(told), move=Block(told_move(template, action.move, payoff)))
    return template.fill("privately", to=", ".join(to), what=Block(told)) if to else told


def told_facts(template: Template, facts: Mapping[Fact, str], indent: str = "") -> Block:
    """One labelled line for each fact."""
    labelled = ((fact.replace("_", " ").capitalize(), value) for fact, value in facts.items())
    return Block("\n".join(indent + template.fill("fact", label=label, value=value) for label, value in labelled))


def own_first(view: SeatView, history: Iterable[Seen]) -> Iterable[Seen]:
    """What the seat perceived, with the seat's own action first in each turn: what others did at the same time came to it afterwards,
    and what was opened then last of all.
    """
    for _, turn in groupby(history, key=lambda seen: seen.turn):
        *earlier, last = sorted(turn, key=lambda seen: seen.seat != view.me.seat)
        opened = last.opened + sum((seen.opened for seen in earlier), ())
        yield from (replace(seen, opened=()) if seen.opened else seen for seen in earlier)
        yield replace(last, opened=opened) if opened else last


def aim_slots(profile: Profile) -> dict[str, str]:
    """The profile's goal and what belongs to it, by slot name; empty where the viewer may not know it."""
    aim = profile.aim
    return {
        "goal": aim.goal if aim else "",
        "extra_info": aim.extra_info if aim else "",
        "clarification_hint": aim.clarification_hint if aim else "",
        "strategy_hint": aim.strategy_hint if aim else "",
    }
