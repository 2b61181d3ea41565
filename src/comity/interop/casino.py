"""CaSiNo (Chawla et al. 2021, arXiv 2103.15721): two campers share out food, water and firewood, with moves between the words.

`Submit-Deal` is a proposal, `Accept-Deal` and `Reject-Deal` answer it, and `Walk-Away` leaves, which gives each 5 points. Their reasons are what only they know.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from comity.interop.corpora import (
    Annotation,
    Corpus,
    DoesNotFit,
    Entry,
    HumanEpisode,
    Traits,
    acted,
    check_points,
    human_episode,
    level,
    moved,
    or_reported,
    participant,
    said,
)
from comity.interop.corpus_files import files_of, fitting, json_rows, stem
from comity.interop.remarks import Report
from comity.world.actions import Action, ActionType
from comity.world.characters import BigFive
from comity.world.deals import Division
from comity.world.environment import EndReason, Limits
from comity.world.episodes import Episode
from comity.world.moves import MoveKind
from comity.world.payoffs import MAX_POINTS, Points
from comity.world.scenarios import Scenario, Seat
from comity.world.tasks import Task

__all__ = ["CASINO", "read_casino"]

CASINO = Corpus("casino", "CaSiNo (Chawla et al. 2021, arXiv 2103.15721)", "CC-BY-4.0")

_FILES = ("casino*.json", "casino*.json.gz")
_SEATS = ("first", "second")
"""By who writes first."""
_POINTS = {"High": 5, "Medium": 4, "Low": 3}
_PACKAGES = 3
_WITHOUT = 5
"""Points of each where there is no agreement."""
_TURNS = 60
_SETTING = (
    "Two campers who have never met are about to leave for their sites. Besides the basic supplies that each has been given there are "
    "three more packages each of food, water and firewood, and they write to each other about who takes what."
)
_GOAL = "Take with you as much as you can of what you need most."

_Name: TypeAlias = Literal["mturk_agent_1", "mturk_agent_2"]
_Item: TypeAlias = Literal["Food", "Water", "Firewood"]
_Need: TypeAlias = Literal["High", "Medium", "Low"]
_Counts: TypeAlias = Mapping[_Item, Points]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _Task(_Row):
    """What goes with an entry that is a move."""

    issue2youget: _Counts = Field(default_factory=dict)
    issue2theyget: _Counts = Field(default_factory=dict)


class _Entry(_Row):
    text: str = Field(min_length=1)
    task_data: _Task
    id: _Name


class _Outcomes(_Row):
    points_scored: int = Field(ge=0, le=MAX_POINTS)
    satisfaction: str
    opponent_likeness: str


_Score = Field(ge=1, le=7)


class _BigFive(_Row):
    """From the ten items of TIPI, each trait 1 to 7."""

    extraversion: float = _Score
    agreeableness: float = _Score
    conscientiousness: float = _Score
    stability: float = Field(ge=1, le=7, validation_alias="emotional-stability")
    openness: float = Field(ge=1, le=7, validation_alias="openness-to-experiences")


class _Personality(_Row):
    svo: str
    """Social value orientation."""
    big_five: _BigFive = Field(validation_alias="big-five")


class _Participant(_Row):
    value2issue: Mapping[_Need, _Item] = Field(min_length=3, max_length=3)
    value2reason: Mapping[_Need, str] = Field(min_length=3, max_length=3)
    outcomes: _Outcomes
    personality: _Personality


class _Dialogue(_Row):
    dialogue_id: int = Field(ge=0, lt=10**18)
    chat_logs: tuple[_Entry, ...] = Field(min_length=1)
    participant_info: Mapping[_Name, _Participant] = Field(min_length=2, max_length=2)
    annotations: tuple[tuple[str, str], ...] = ()
    """Utterances with the tactics that were seen in them, separated by commas; for some of the dialogues."""


def read_casino(path: Path, report: Report) -> Iterator[HumanEpisode]:
    """The dialogues of a file, or of all of a folder's; what does not fit is reported. Raises `ImportFailed`."""
    for file in files_of(path, _FILES, "CaSiNo"):
        for where, row in json_rows(report, file):
            if (talk := _talk(report, where, row, stem(file))) is not None:
                yield talk


def _talk(report: Report, where: str, row: JsonValue, tag: str) -> HumanEpisode | None:
    dialogue = fitting(report, where, row, _Dialogue)
    return or_reported(report, where, lambda: _told(report, where, dialogue, tag)) if dialogue else None


def _told(report: Report, where: str, dialogue: _Dialogue, tag: str) -> HumanEpisode:
    seats = _seats(dialogue)
    limits = Limits()
    state = acted(_task(dialogue, seats), [_entry(entry, seats[entry.id]) for entry in dialogue.chat_logs], limits)
    if state.end is None or state.end.reason not in (EndReason.SETTLED, EndReason.TOO_FEW_LEFT):
        raise DoesNotFit("chat_logs: the last entry neither accepts a deal nor walks away")
    info = dialogue.participant_info
    episode = human_episode(CASINO, str(dialogue.dialogue_id), state, limits, tag=tag)
    check_points(state, {seat: info[name].outcomes.points_scored for name, seat in seats.items()})
    return HumanEpisode(
        where, episode, (*_of_people(episode.id, info, seats), *_tactics(report, where, episode, dialogue))
    )


def _seats(dialogue: _Dialogue) -> Mapping[_Name, str]:
    one = dialogue.chat_logs[0].id
    other: _Name = "mturk_agent_2" if one == "mturk_agent_1" else "mturk_agent_1"
    return dict(zip((one, other), _SEATS, strict=True))


def _entry(entry: _Entry, seat: str) -> Entry:
    match entry.text:
        case "Submit-Deal":
            return moved(seat, "proposes how to share", MoveKind.PROPOSE, _shares(entry.task_data))
        case "Accept-Deal":
            return moved(seat, "accepts", MoveKind.ACCEPT)
        case "Reject-Deal":
            return moved(seat, "rejects", MoveKind.REJECT)
        case "Walk-Away":
            return Entry(seat, Action(type=ActionType.LEAVE))
        case words:
            return said(seat, words)


def _shares(deal: _Task) -> dict[str, int]:
    mine, theirs = deal.issue2youget, deal.issue2theyget
    if not all(item in mine and mine[item] + theirs.get(item, 0) == _PACKAGES for item in _items()):
        raise DoesNotFit(f"task_data: a deal shares out {_PACKAGES} each of {', '.join(_items())}")
    return {item.lower(): mine[item] for item in _items()}


def _items() -> tuple[_Item, ...]:
    return ("Food", "Water", "Firewood")


def _task(dialogue: _Dialogue, seats: Mapping[_Name, str]) -> Task:
    id_, info = f"casino_{dialogue.dialogue_id}", dialogue.participant_info
    scenario = Scenario(
        id=id_,
        title="Food, water and firewood",
        setting=_SETTING,
        seats=tuple(Seat(id=seat, goal=_GOAL, extra_info=_reasons(info[name])) for name, seat in seats.items()),
        family="negotiation",
        turn_limit=_TURNS,
        actions=(ActionType.NONE, ActionType.SPEAK, ActionType.ACTION, ActionType.LEAVE),
        payoff=Division(
            items={item.lower(): _PACKAGES for item in _items()},
            values={seat: _values(info[name]) for name, seat in seats.items()},
            disagreement=dict.fromkeys(_SEATS, _WITHOUT),
        ),
        **CASINO.provenance,
    )
    cast = {
        seat: participant(CASINO, f"{dialogue.dialogue_id}_{name}", number, _traits(info[name].personality))
        for number, (name, seat) in enumerate(seats.items(), 1)
    }
    return Task(id=id_, scenario=scenario, cast=cast)


def _values(of: _Participant) -> dict[str, int]:
    points = {item: _POINTS[need] for need, item in of.value2issue.items()}
    if len(points) < len(_POINTS):
        raise DoesNotFit("participant_info: value2issue gives one thing two values")
    return {item.lower(): points[item] for item in _items()}


def _reasons(of: _Participant) -> str:
    """What they need, with their reasons in their own words."""
    thing, reason = {need: item.lower() for need, item in of.value2issue.items()}, of.value2reason
    return (
        f'You need {thing["High"]} most ("{reason["High"]}"), then {thing["Medium"]} ("{reason["Medium"]}"), '
        f'and {thing["Low"]} least ("{reason["Low"]}").'
    )


def _traits(of: _Personality) -> Traits:
    scores = {name: score for name, score in of.big_five if name != "stability"}
    scores["neuroticism"] = 8 - of.big_five.stability
    return Traits(BigFive.model_validate({name: level(score, 1, 7) for name, score in scores.items()}))


def _of_people(episode: str, info: Mapping[_Name, _Participant], seats: Mapping[_Name, str]) -> Iterator[Annotation]:
    for name, seat in seats.items():
        yield Annotation(episode, seat, "satisfaction", info[name].outcomes.satisfaction)
        yield Annotation(episode, seat, "opponent_likeness", info[name].outcomes.opponent_likeness)
        yield Annotation(episode, seat, "social_value_orientation", info[name].personality.svo)


def _tactics(report: Report, where: str, episode: Episode, dialogue: _Dialogue) -> Iterator[Annotation]:
    """The tactics at the utterances that they were seen in, which are the same words in the same order."""
    spoken = [event for event in episode.events if event.action and event.action.type is ActionType.SPEAK]
    for words, tactics in dialogue.annotations:
        at = next((i for i, event in enumerate(spoken) if event.action and event.action.argument == words), None)
        if at is None:
            report.remark("annotation_unplaced", where, f"{tactics}: no utterance has the words that this is about")
            continue
        event, spoken = spoken[at], spoken[at + 1 :]
        yield from (Annotation(episode.id, event.seat, "tactic", tactic, event.index) for tactic in tactics.split(","))
