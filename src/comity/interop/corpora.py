"""Talks between people, from the corpora in which they were published, as episodes: what all the corpora have in common.

The seats take turns. Where one of them acts twice in a row, the other did nothing in between and has `none` in its turn: that
adds no word and no move, tells nobody anything, and leaves one entry of the record one event. A simultaneous order would add a
`none` to every utterance instead. The scenario's turn limit is the same for all talks of a corpus and above what any of them
took, since a limit cut to a talk's length would tell those who read its prompts when it ends.

Of the people only what the record says is told: the name is a number, gender, pronouns and occupation are "not stated", and the age is
unknown. Episodes are `lite`, with names and goals only, as it was for the people themselves, who met as strangers and were given no
character to play; what was measured of them stays on the character, for analysis.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import ValidationError

from comity.interop.contexts import NOT_STATED
from comity.interop.remarks import Report
from comity.world.actions import Action, ActionType
from comity.world.characters import BigFive, Character, Level, MoralValue, SchwartzValue
from comity.world.environment import Environment, Limits, State
from comity.world.episodes import Episode, Interruption, Policy
from comity.world.moves import Move, MoveKind, Value
from comity.world.tasks import Task

__all__ = [
    "Annotation",
    "Corpus",
    "DoesNotFit",
    "Entry",
    "HumanEpisode",
    "Traits",
    "acted",
    "check_points",
    "human_episode",
    "level",
    "moved",
    "or_reported",
    "participant",
    "said",
]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Where talks come from."""

    id: str
    """Begins the ids of all that is made of it."""
    source: str
    licence: str

    @property
    def provenance(self) -> dict[str, str]:
        """The fields of a record that say so."""
        return {"source": self.source, "licence": self.licence}


@dataclass(frozen=True, slots=True)
class Annotation:
    """What the record says of a participant or an event beyond what happened: how satisfied somebody was, which tactic they used."""

    episode: str
    seat: str
    """Whose it is, or whom it is about."""
    name: str
    value: str
    event: int | None = None
    """The index of the event it is about; `None` where it is about the whole talk."""


@dataclass(frozen=True, slots=True)
class HumanEpisode:
    """One talk."""

    where: str
    """`file:line`, or `file[index]`."""
    episode: Episode
    annotations: tuple[Annotation, ...] = ()


class DoesNotFit(Exception):
    """A talk cannot be told as an episode, or its points are not those that the rules give. The message says where and why."""


class Entry(NamedTuple):
    """One thing that somebody did, in the order of the record."""

    seat: str
    action: Action


class Traits(NamedTuple):
    """What was measured of a participant."""

    big_five: BigFive = BigFive()
    moral_values: tuple[MoralValue, ...] = ()
    schwartz_values: tuple[SchwartzValue, ...] = ()
    decision_style: str = ""


def said(seat: str, words: str) -> Entry:
    """An utterance."""
    return Entry(seat, Action(type=ActionType.SPEAK, argument=words))


def moved(seat: str, deed: str, kind: MoveKind, terms: Mapping[str, Value] | None = None) -> Entry:
    """A move, which the record has apart from any words; `deed` is what it looks like to the other."""
    move = Move(kind=kind, terms=terms or {})
    return Entry(seat, Action(type=ActionType.ACTION, argument=deed, move=move))


def level(score: float, lowest: float, highest: float) -> Level:
    """Which third of its scale a score is in; the middle one has both its bounds."""
    third = (highest - lowest) / 3
    if score < lowest + third - 1e-9:
        return "low"
    return "high" if score > highest - third + 1e-9 else "medium"


def participant(corpus: Corpus, id_: str, number: int, traits: Traits | None = None) -> Character:
    """A participant of whom no more is known than this."""
    return Character(
        id=f"{corpus.id}_{id_}",
        name=f"Participant {number}",
        age=None,
        gender=NOT_STATED,
        pronouns=NOT_STATED,
        occupation=NOT_STATED,
        **(traits or Traits())._asdict(),
        **corpus.provenance,
    )


def acted(task: Task, entries: Iterable[Entry], limits: Limits) -> State:
    """The state after these entries. Raises `DoesNotFit` where the rules do not allow them."""
    environment = Environment()
    state = environment.reset(task, seed=0, lite=True, limits=limits)
    for number, (seat, action) in enumerate(entries):
        if state.acting not in ((), (seat,)):
            state = environment.step(state, dict.fromkeys(state.acting, _NOTHING))
        if state.end is not None:
            raise DoesNotFit(f"by the rules the talk is over ({state.end.reason.value}) before entry {number}")
        try:
            state = environment.step(state, {seat: action})
        except ValueError as error:
            raise DoesNotFit(f"entry {number}: {error}") from None
    return state


def human_episode(
    corpus: Corpus,
    id_: str,
    state: State,
    limits: Limits,
    *,
    tag: str,
    at: datetime | None = None,
    interrupted: Interruption | None = None,
) -> Episode:
    """The record of a talk that came to this state.

    Args:
        tag: the file that it is in, which tells splits apart.
        at: when it was held, in UTC; where that is not known, the time of the import.
        interrupted: why the record breaks off, where it does.
    """
    at = at or datetime.now(UTC)
    return Episode(
        id=f"{corpus.id}_{id_}",
        task=state.task,
        mode=state.mode,
        lite=state.lite,
        seed=state.seed,
        limits=limits,
        policies={seat.id: Policy(agent="human") for seat in state.task.scenario.seats},
        events=state.events,
        end=state.end,
        code_version=corpus.id,
        started_at=at,
        finished_at=at if state.end else None,
        tag=tag,
        interrupted=interrupted,
        **corpus.provenance,
    )


def check_points(state: State, recorded: Mapping[str, float]) -> None:
    """Raise `DoesNotFit` unless the talk is over and the rules give exactly the points that were recorded."""
    payoff = state.task.scenario.payoff
    if payoff is None or state.position is None or state.end is None:
        raise DoesNotFit("the record ends before there is a result")
    ours = payoff.utilities(state.position)
    wrong = [
        f"{seat} has {points:g}, by the rules {ours[seat]:g}"
        for seat, points in recorded.items()
        if ours[seat] != points
    ]
    if wrong:
        raise DoesNotFit(f"the recorded points are not those of the moves: {'; '.join(wrong)}")


def or_reported(report: Report, where: str, tell: Callable[[], HumanEpisode]) -> HumanEpisode | None:
    """The talk, or `None` where it does not fit, which is reported."""
    try:
        return tell()
    except DoesNotFit as error:
        report.problem(where, f"{error}; correct it, or remove the dialogue")
    except ValidationError as error:
        report.invalid(where, error)
    return None


_NOTHING = Action(type=ActionType.NONE)
