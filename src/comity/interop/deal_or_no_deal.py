"""Deal or No Deal? (Lewis et al. 2017, arXiv 1706.05125): two people talk about books, hats and balls, then write down what each takes.

Read from CoCoA's JSON, and from the text files of end-to-end-negotiator (`comity.interop.negotiation_lines`). What was written down
is a choice, unseen by the other; "no agreement" is to leave. In the text files whoever ends the talk is marked, and has an event of
its own where that one does not write down anything next. Where the file does not tell what somebody wrote down, that seat has
`none`, which ends the episode: `Limits.stale` is 1 there. A lost connection leaves an episode unfinished, and says so.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from comity.interop.corpora import (
    Corpus,
    DoesNotFit,
    Entry,
    HumanEpisode,
    acted,
    check_points,
    human_episode,
    moved,
    or_reported,
    participant,
    said,
)
from comity.interop.corpus_files import files_of, fitting, json_rows, stem, text_lines
from comity.interop.negotiation_lines import ITEMS, SEATS, Talk, Unsaid, talks_of
from comity.interop.remarks import Report
from comity.world.actions import Action, ActionType
from comity.world.deals import Division
from comity.world.environment import Limits, State
from comity.world.episodes import Interruption
from comity.world.moves import MoveKind
from comity.world.payoffs import Points
from comity.world.record import Slug
from comity.world.scenarios import Scenario, Seat
from comity.world.tasks import Task

__all__ = ["COCOA", "END_TO_END", "read_deal_or_no_deal"]

END_TO_END = Corpus("deal-or-no-deal", "Deal or No Deal? (Lewis et al. 2017, arXiv 1706.05125)", "CC-BY-NC-4.0")
COCOA = Corpus("cocoa-deal-or-no-deal", "Deal or No Deal? as in CoCoA (He et al. 2018, arXiv 1808.09637)", "MIT")

_FILES = ("*.json", "*.json.gz", "data.txt*", "train*.txt*", "val.txt*", "test.txt*")
"""`selfplay.txt` holds no talk."""
_TURNS = 30
_SETTING = (
    "Two people who have never met sit at two screens. Between them is a small pile of books, hats and balls, and they write to each "
    "other about who gets what."
)
_GOAL = "Get as much as you can out of the pile, by what things are worth to you."

_Agent: TypeAlias = Literal[0, 1]
_Name: TypeAlias = Literal["book", "hat", "ball"]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _Thing(_Row):
    name: _Name = Field(validation_alias="Name")
    count: Points = Field(validation_alias="Count")
    value: Points = Field(validation_alias="Value")


_Side: TypeAlias = Annotated[tuple[_Thing, ...], Field(min_length=len(ITEMS), max_length=len(ITEMS))]


class _Context(_Row):
    kbs: tuple[_Side, _Side]


class _Message(_Row):
    action: Literal["message"]
    agent: _Agent
    data: str = Field(min_length=1)


class _Select(_Row):
    action: Literal["select"]
    agent: _Agent
    data: Mapping[_Name, Points] = Field(min_length=len(ITEMS))


class _Outcome(_Row):
    reward: Mapping[Literal["0", "1"], Points] | None
    agreed: bool


class _Dialogue(_Row):
    uuid: Slug
    scenario: _Context
    outcome: _Outcome
    events: tuple[Annotated[_Message | _Select, Field(discriminator="action")], ...] = Field(min_length=1)


def read_deal_or_no_deal(path: Path, report: Report) -> Iterator[HumanEpisode]:
    """The talks of a file, or of all of a folder's, each once; what does not fit is reported. Raises `ImportFailed`."""
    seen: dict[str, tuple[str, Talk]] = {}
    for file in files_of(path, _FILES, "Deal or No Deal?"):
        corpus = COCOA if ".json" in file.suffixes else END_TO_END
        talks = _of_json(report, file) if corpus is COCOA else talks_of(report, file.name, text_lines(report, file))
        for where, talk in talks:
            if talk.id in seen:
                _repeated(report, where, talk, *seen[talk.id])
                continue
            tell = partial(_told, report, where, corpus, talk, stem(file))
            if (told := or_reported(report, where, tell)) is not None:
                seen[talk.id] = where, talk
                yield told


def _repeated(report: Report, where: str, talk: Talk, first: str, before: Talk) -> None:
    if talk.contradicts(before):
        report.problem(
            where, f"has the id of {first} and tells otherwise; remove one of the two, or give it another id"
        )
    else:
        report.remark("dialogue_repeated", where, f"is in {first} too, and taken from there")


def _of_json(report: Report, file: Path) -> Iterator[tuple[str, Talk]]:
    for where, row in json_rows(report, file):
        if (talk := _talk(report, where, row)) is not None:
            yield where, talk


def _talk(report: Report, where: str, row: JsonValue) -> Talk | None:
    dialogue = fitting(report, where, row, _Dialogue)
    if dialogue is None or not _is_over(report, where, dialogue):
        return None
    agents: tuple[_Agent, _Agent] = (0, 1) if dialogue.events[0].agent == 0 else (1, 0)
    seats = dict(zip(agents, SEATS, strict=True))
    sides = {seats[agent]: dialogue.scenario.kbs[agent] for agent in agents}
    selects = [event for event in dialogue.events if isinstance(event, _Select)]
    reward = dialogue.outcome.reward or {}
    return Talk(
        id=dialogue.uuid,
        counts=_in_order({thing.name: thing.count for thing in sides[SEATS[0]]}),
        values={seat: _in_order({thing.name: thing.value for thing in side}) for seat, side in sides.items()},
        words=[(seats[event.agent], event.data) for event in dialogue.events if isinstance(event, _Message)],
        closer=seats[selects[0].agent],
        choices={seats[select.agent]: _in_order(select.data) for select in selects},
        agreed=dialogue.outcome.agreed,
        points={seats[agent]: reward.get("0" if agent == 0 else "1", 0) for agent in agents},
    )


def _is_over(report: Report, where: str, dialogue: _Dialogue) -> bool:
    selected = [event.agent for event in dialogue.events if isinstance(event, _Select)]
    at_the_end = all(isinstance(event, _Select) for event in dialogue.events[-2:])
    counts = [{thing.name: thing.count for thing in side} for side in dialogue.scenario.kbs]
    if sorted(selected) != [0, 1] or not at_the_end:
        report.problem(where, "events: a talk ends when each has selected, once; correct it, or remove the dialogue")
        return False
    if counts[0] != counts[1]:
        report.problem(where, "scenario.kbs: the two sides have different numbers of things; correct it")
        return False
    return True


def _in_order(of: Mapping[_Name, int]) -> dict[str, int]:
    return {item: count for item in ITEMS for name, count in of.items() if name == item}


def _told(report: Report, where: str, corpus: Corpus, talk: Talk, tag: str) -> HumanEpisode:
    limits = Limits(stale=1) if Unsaid.UNKNOWN in talk.choices.values() else Limits()
    state = acted(_task(corpus, talk), _entries(talk), limits)
    lost = _lost(report, where, talk, state)
    if lost is None:
        check_points(state, talk.points)
        _check_agreed(talk, state)
    return HumanEpisode(where, human_episode(corpus, talk.id, state, limits, tag=tag, interrupted=lost))


def _entries(talk: Talk) -> Iterator[Entry]:
    for seat, words in talk.words:
        yield said(seat, words)
    closer, other = talk.closer, SEATS[talk.closer == SEATS[0]]
    mine, theirs = talk.choices[closer], talk.choices[other]
    if isinstance(mine, Mapping):
        yield from (*_did(closer, mine), *_did(other, theirs))
    elif mine is Unsaid.NO_AGREEMENT and isinstance(theirs, Unsaid):
        yield from _did(closer, mine)
    else:
        yield Entry(closer, Action(type=ActionType.ACTION, argument="ends the talk"))
        yield from _did(other, theirs)
        yield from () if theirs in (Unsaid.NO_AGREEMENT, Unsaid.UNKNOWN) else _did(closer, mine)


def _did(seat: str, chosen: Mapping[str, int] | Unsaid) -> Iterator[Entry]:
    if isinstance(chosen, Mapping):
        yield moved(seat, "writes down what to take", MoveKind.CHOOSE, chosen)
    elif chosen is Unsaid.NO_AGREEMENT:
        yield Entry(seat, Action(type=ActionType.LEAVE))
    elif chosen is Unsaid.UNKNOWN:
        yield Entry(seat, Action(type=ActionType.NONE))


def _lost(report: Report, where: str, talk: Talk, state: State) -> Interruption | None:
    """Why the talk has no end, where a connection was lost; what the record does not tell is reported."""
    if Unsaid.UNKNOWN in talk.choices.values():
        report.remark("choice_unknown", where, "they disagreed, and the file does not tell what one or both wrote down")
    if state.end is not None or Unsaid.LOST not in talk.choices.values():
        return None
    report.remark(
        "connection_lost", where, "has no result: the connection was lost before both had written something down"
    )
    return Interruption(kind="infrastructure", error="ConnectionLost", detail="the record breaks off here")


def _check_agreed(talk: Talk, state: State) -> None:
    by_rules = state.position is not None and state.position.agreed is not None
    if talk.agreed is not by_rules:
        raise DoesNotFit(
            f"it is said that they {'agreed' if talk.agreed else 'disagreed'}, and what was written down says otherwise"
        )


def _task(corpus: Corpus, talk: Talk) -> Task:
    worth = json.dumps([talk.counts, *(talk.values[seat] for seat in SEATS)])
    # A hash, since the numbers themselves would tell in every listing what each side alone should know.
    id_ = f"{corpus.id}_pile_{hashlib.sha256(worth.encode()).hexdigest()[:12]}"
    scenario = Scenario(
        id=id_,
        title="Books, hats and balls",
        setting=_SETTING,
        seats=tuple(Seat(id=seat, goal=_GOAL) for seat in SEATS),
        family="negotiation",
        turn_limit=_TURNS,
        actions=(ActionType.NONE, ActionType.SPEAK, ActionType.ACTION, ActionType.LEAVE),
        payoff=Division(items=talk.counts, values=talk.values, settled_by="selection"),
        **corpus.provenance,
    )
    cast = {seat: participant(corpus, f"participant_{number}", number) for number, seat in enumerate(SEATS, 1)}
    return Task(id=id_, scenario=scenario, cast=cast)
