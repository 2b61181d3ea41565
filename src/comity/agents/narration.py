"""What happened and who somebody is, in the words that agents and judges read."""

from collections.abc import Mapping, Sequence

from comity.models.prompts import Block, Quoted, Template
from comity.world.actions import Action, ActionType
from comity.world.visibility import Fact

__all__ = ["told_action", "told_facts"]


def told_action(template: Template, name: str, action: Action, to: Sequence[str]) -> str:
    """One action on one line, its words quoted exactly. `to` are the display names of a private message's recipients."""
    key = action.type.name.lower()
    if action.type is ActionType.LEAVE and action.argument:
        key = "leave_with_words"
    told = template.fill(key, name=name, words=Quoted(action.argument))
    return template.fill("privately", to=", ".join(to), what=Block(told)) if to else told


def told_facts(template: Template, facts: Mapping[Fact, str], indent: str = "") -> Block:
    """One labelled line for each fact."""
    labelled = ((fact.replace("_", " ").capitalize(), value) for fact, value in facts.items())
    return Block("\n".join(indent + template.fill("fact", label=label, value=value) for label, value in labelled))
