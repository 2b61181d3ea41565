"""The text that opened an episode in SOTOPIA's own system: what it told each agent, rendered from typed fields, and read back.

What is here is a record of what another system showed. It decides nothing about what our own agents see, which is
`comity.world.visibility`'s alone: SOTOPIA's acquaintances saw each other's age and gender, for one, and ours do not.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comity.interop.texts import write_goal
from comity.world.characters import Character
from comity.world.relationships import RelationshipKind
from comity.world.tasks import Task
from comity.world.visibility import Mode

__all__ = [
    "NOT_STATED",
    "UNKNOWN",
    "Context",
    "background",
    "context",
    "kind_shown",
    "read_background",
    "read_context",
]

UNKNOWN = "Unknown"
"""What stood in the place of a goal that was not shown."""
NOT_STATED = "not stated"
"""A character's gender, pronouns or occupation that its background does not tell; an age that it does not tell is `None`."""


@dataclass(frozen=True, slots=True)
class Context:
    """What one agent was told, by participant in their order."""

    scenario: str
    backgrounds: tuple[str, str]
    goals: tuple[str, str]


def context(task: Task, viewer: str, mode: Mode) -> str:
    """What SOTOPIA told the agent in a seat."""
    scenario = task.scenario
    seats = [seat.id for seat in scenario.seats]
    all_seen = mode != "asymmetric"
    backgrounds = [
        background(task.cast[seat])
        if all_seen or seat == viewer
        else _shown(task.cast[seat], task.edge(viewer, seat).kind)
        for seat in seats
    ]
    goals = [_goal(task, seat) if all_seen or seat == viewer else UNKNOWN for seat in seats]
    setting = scenario.setting + (" " if scenario.judge_note else "")
    return f"\n{_body(task, setting, backgrounds, goals)}\nConversation Starts:\n"


def background(character: Character) -> str:
    """A character's whole background, secret included, in SOTOPIA's one sentence for it."""
    if character.occupation == NOT_STATED:
        return character.public_info
    first = character.name.partition(" ")[0]
    return f"{_acquainted(character)} Personality and values description: {character.personality} {first}'s secrets: {character.secret}"


def kind_shown(of_other: str, name: str) -> RelationshipKind:
    """The relationship at which an agent is told so much of the other. Friends, couples and families are told the same."""
    if not of_other:
        return RelationshipKind.STRANGER
    if of_other.strip() == name:
        return RelationshipKind.KNOW_BY_NAME
    return RelationshipKind.FRIEND if _PERSONALITY in of_other else RelationshipKind.ACQUAINTANCE


def read_background(text: str, name: str) -> Mapping[str, str | int | None] | None:
    """A whole background as fields of a `Character`; `None` where it is not SOTOPIA's sentence."""
    first = re.escape(name.partition(" ")[0])
    found = re.fullmatch(_BACKGROUND.format(name=re.escape(name), first=first), text, re.DOTALL)
    return found and {**found.groupdict(), "age": int(found["age"]) if found["age"] else None}


def read_context(text: str, names: Sequence[str]) -> Context | None:
    """What an agent was told, taken apart; `None` where it is not SOTOPIA's text."""
    one, other = map(re.escape, names)
    found = re.fullmatch(_CONTEXT.format(one=one, other=other), text, re.DOTALL)
    return found and Context(found[1], (found[2], found[3]), (found[4], found[5]))


_PERSONALITY = " Personality and values description: "
_BACKGROUND = (
    r"{name} is a (?:(?P<age>[0-9]{{1,3}})-year-old |(?![0-9]+-year-old ))(?P<gender>\S+) (?P<occupation>.+?)\. "
    r"(?P<pronouns>\S+?) pronouns\. "
    r"(?P<public_info>.*?) Personality and values description: (?P<personality>.*) {first}'s secrets: (?P<secret>.*)"
)
_CONTEXT = (
    "\nHere is the context of this interaction:\nScenario: (.*?)\nParticipants: {one} and {other}\n"
    "{one}'s background: (.*?)\n{other}'s background: (.*?)\n{one}'s goal: (.*?)\n{other}'s goal: (.*?)\nConversation Starts:\n"
)
_GENDERS = {"man": "male", "woman": "female"}
_MARKS = re.compile("</?(?:extra_info|strategy_hint|clarification_hint)>")


def _body(task: Task, setting: str, backgrounds: Sequence[str], goals: Sequence[str]) -> str:
    names = [task.cast[seat.id].name for seat in task.scenario.seats]
    lines = [
        "Here is the context of this interaction:",
        f"Scenario: {setting}",
        f"Participants: {' and '.join(names)}",
        *(f"{name}'s background: {words}" for name, words in zip(names, backgrounds, strict=True)),
        *(f"{name}'s goal: {words}" for name, words in zip(names, goals, strict=True)),
    ]
    # SOTOPIA ran its texts through a filter for docstrings, which takes the blanks after a line break and at the ends.
    return re.sub("\n +", "\n", "\n".join(lines)).strip()


def _goal(task: Task, seat: str) -> str:
    return _MARKS.sub("", write_goal(task.scenario.seat(seat)))


def _acquainted(character: Character) -> str:
    age = "" if character.age is None else f"{character.age}-year-old "
    gender = _GENDERS.get(character.gender.casefold(), character.gender.lower())
    return (
        f"{character.name} is a {age}{gender} {character.occupation.lower()}. "
        f"{character.pronouns} pronouns. {character.public_info}"
    )


def _shown(character: Character, kind: RelationshipKind) -> str:
    """What SOTOPIA told the other agent of a character."""
    match kind:
        case RelationshipKind.STRANGER:
            return ""
        case RelationshipKind.KNOW_BY_NAME:
            return f"{character.name} "
        case RelationshipKind.ACQUAINTANCE:
            return f"{_acquainted(character)} "
    return f"{_acquainted(character)}{_PERSONALITY}{character.personality} "
