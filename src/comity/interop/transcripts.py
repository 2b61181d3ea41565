"""What happened in an episode, in SOTOPIA's two ways of writing it down, and as actions by turn.

The message matrix has, for every turn, a message to each agent about the turn before and a line of each agent, "did nothing"
for the one whose turn it is not. The transcript has the same for people: a paragraph for each turn, an empty one where nobody
did anything, but none for such a turn at the very beginning.
"""

import re
from collections.abc import Sequence
from typing import TypeAlias

from pydantic import ValidationError

from comity.world.actions import Action, ActionType
from comity.world.episodes import Episode

__all__ = [
    "Matrix",
    "Turns",
    "Unreadable",
    "names_of",
    "read_matrix",
    "read_transcript",
    "turns_of",
    "write_matrix",
    "write_transcript",
]

Matrix: TypeAlias = Sequence[Sequence[tuple[str, str, str]]]
"""By turn: (sender, receiver, text)."""
Turns: TypeAlias = Sequence[Sequence[Action]]
"""By turn, then by seat in seat order, what each did."""

_ENVIRONMENT = "Environment"
_NOTHING = Action(type=ActionType.NONE)
_LEFT = "left the conversation"


class Unreadable(ValueError):
    """What is there is not SOTOPIA's form; the message names the place and what is expected, and quotes nothing."""


def names_of(episode: Episode) -> list[str]:
    """The characters' names in seat order."""
    return [episode.task.cast[seat.id].name for seat in episode.task.scenario.seats]


def turns_of(episode: Episode) -> list[list[Action]]:
    """What every seat did in every turn."""
    seats = [seat.id for seat in episode.task.scenario.seats]
    turns = [[_NOTHING for _ in seats] for _ in range(episode.turns)]
    for event in episode.events:
        if event.action is not None:
            turns[event.turn - 1][seats.index(event.seat)] = event.action
    return turns


def read_matrix(matrix: Matrix, names: Sequence[str]) -> list[list[Action]]:
    """What every seat did in every turn. Raises `Unreadable`."""
    said = [[message for message in turn if message[0] != _ENVIRONMENT] for turn in matrix]
    if not said or said[-1]:
        raise Unreadable("messages: the last turn has words of the agents and no word about them; is the file whole?")
    for turn, messages in enumerate(said[:-1]):
        if [sender for sender, _, _ in messages] != list(names):
            raise Unreadable(f"messages.{turn}: there is not one line of each of the agents, in their order")
    return [[_action(text, f"messages.{turn}") for _, _, text in messages] for turn, messages in enumerate(said[:-1])]


def write_matrix(episode: Episode, contexts: Sequence[str]) -> list[list[tuple[str, str, str]]]:
    """The message matrix, opened by what each agent was told."""
    names, turns = names_of(episode), turns_of(episode)
    about = [*_about(names, turns)]
    matrix = [[(_ENVIRONMENT, name, text) for name, text in zip(names, contexts, strict=True)]]
    matrix += [[(_ENVIRONMENT, name, text) for name in names] for text in about]
    for messages, actions in zip(matrix, turns, strict=False):
        messages += [(name, _ENVIRONMENT, _line(action)) for name, action in zip(names, actions, strict=True)]
    return matrix


def read_transcript(text: str, names: Sequence[str]) -> list[list[Action]]:
    """What every seat did in every turn, the seats taking turns. Raises `Unreadable`."""
    turns = [""] if _begins(text, names[1]) else []
    for paragraph in text.split("\n\n"):
        actor = names[len(turns) % len(names)]
        if not turns or (_is_whole(turns[-1]) and (not paragraph or _begins(paragraph, actor))):
            turns.append(paragraph)
        else:
            turns[-1] += f"\n\n{paragraph}"
    actors = [names[i % len(names)] for i in range(len(turns))]
    did = [_paragraph(words, actor, i) for i, (words, actor) in enumerate(zip(turns, actors, strict=True))]
    return [
        [action if i % len(names) == seat else _NOTHING for seat in range(len(names))] for i, action in enumerate(did)
    ]


def write_transcript(episode: Episode) -> str:
    """The transcript for people."""
    names = names_of(episode)
    paragraphs = [
        "\n\n".join(_written(name, action) for name, action in zip(names, actions, strict=True) if _acts(action))
        for actions in turns_of(episode)
    ]
    return "\n\n".join(paragraphs[1:] if paragraphs and not paragraphs[0] else paragraphs)


def _about(names: Sequence[str], turns: Turns) -> list[str]:
    """What was said to each agent of every turn; SOTOPIA counts them from 0."""
    return [f"Turn #{i}: {_together(names, actions)}\n" for i, actions in enumerate(turns)]


def _together(names: Sequence[str], actions: Sequence[Action]) -> str:
    return "\n".join(f"{name} {_line(action)}" for name, action in zip(names, actions, strict=True) if _acts(action))


def _acts(action: Action) -> bool:
    return action.type is not ActionType.NONE


def _line(action: Action) -> str:
    match action.type:
        case ActionType.NONE:
            return "did nothing"
        case ActionType.SPEAK:
            return f'said: "{action.argument}"'
        case ActionType.LEAVE:
            return _LEFT
    return f"[{action.type.value}] {action.argument}"


def _written(name: str, action: Action) -> str:
    return f"{name}{'' if action.type is ActionType.SPEAK else ':'} {_line(action)}"


_SAID = re.compile(r'said: "(.*)"', re.DOTALL)
_DID = re.compile(r"\[(non-verbal communication|action)\] (.*)", re.DOTALL)


def _action(line: str, where: str) -> Action:
    if line == "did nothing":
        return _NOTHING
    if line == _LEFT:
        return Action(type=ActionType.LEAVE)
    try:
        if said := _SAID.fullmatch(line):
            return Action(type=ActionType.SPEAK, argument=said[1])
        if did := _DID.fullmatch(line):
            return Action(type=ActionType(did[1]), argument=did[2])
    except ValidationError:
        raise Unreadable(f"{where}: an action without words") from None
    raise Unreadable(f"{where}: a line that is none of SOTOPIA's five kinds of action")


def _paragraph(words: str, actor: str, turn: int) -> Action:
    where = f"social_interactions, turn {turn + 1}"
    if not words:
        return _NOTHING
    if not _begins(words, actor):
        raise Unreadable(f"{where}: it does not begin with the name of the one whose turn it is")
    return _action(words.removeprefix(actor).removeprefix(":").removeprefix(" "), where)


def _begins(paragraph: str, actor: str) -> bool:
    return paragraph.startswith((f'{actor} said: "', f"{actor}: [", f"{actor}: {_LEFT}"))


def _is_whole(paragraph: str) -> bool:
    """Whether nothing more of the turn need come: what was said ends with its quotation mark."""
    return ' said: "' not in paragraph or paragraph.endswith('"')
