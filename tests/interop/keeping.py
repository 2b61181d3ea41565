"""Kept episodes for the tests of exports: a game with an outcome and two judges, a failure, and one that is not over."""

from datetime import UTC, datetime

from store_records import RUBRIC, character

from comity.interop.kept import Kept
from comity.world.actions import Action, ActionType
from comity.world.deals import Division
from comity.world.environment import Environment, Limits
from comity.world.episodes import Episode, Policy
from comity.world.events import Call, Failure, Trace
from comity.world.moves import Move, MoveKind
from comity.world.outcomes import outcome_of
from comity.world.record import content_hash
from comity.world.scenarios import Scenario, Seat
from comity.world.scorecards import DimensionScore, Scorecard
from comity.world.tasks import Task

__all__ = ["ACCEPT", "AT", "CLAIM", "LEAVE", "PROPOSE", "card", "kept", "say", "task"]


def say(words: str, kind: MoveKind | None = None, **terms: int | str) -> Action:
    return Action(type=ActionType.SPEAK, argument=words, move=Move(kind=kind, terms=terms) if kind else None)


CLAIM = say("It is dear to me.", MoveKind.CLAIM, hat=9)
PROPOSE = say("I take two.", MoveKind.PROPOSE, hat=2)
ACCEPT = say("Fine by me.", MoveKind.ACCEPT)
LEAVE = Action(type=ActionType.LEAVE)
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CALL = Call(
    model="m1",
    attempt=1,
    outcome="ok",
    text="{}",
    prompt_hash="0" * 64,
    prompt_chars=9,
    constrained=True,
    finish_reason="stop",
    prompt_tokens=10,
    completion_tokens=4,
    seconds=0.5,
)


def task(licence: str = "Apache-2.0", source: str = "Comity") -> Task:
    worth = {"a": {"hat": 3}, "b": {"hat": 1}}
    scenario = Scenario(
        id="hats",
        title="Hats",
        setting="A hat stand.",
        seats=(Seat(id="a", goal="Take hats", extra_info="Cold head"), Seat(id="b", goal="Keep hats")),
        family="negotiation",
        payoff=Division(items={"hat": 3}, values=worth),
        source=source,
        licence=licence,
    )
    return Task(id="hats-1", scenario=scenario, cast={"a": character("ann", "Ann"), "b": character("bob", "Bob")})


def kept(
    *did: Action | Failure,
    id_: str = "e1",
    of: Task | None = None,
    cards: tuple[Scorecard, ...] = (),
    source: str = "",
    licence: str = "",
    traced: bool = True,
) -> Kept:
    """An episode in which this was done, turn by turn."""
    state = Environment().reset(of or task(), seed=3)
    for action in did:
        (seat,) = state.acting
        state = Environment().step(state, {seat: action}, {seat: Trace(calls=(CALL,), at=AT)} if traced else None)
    episode = Episode(
        id=id_,
        task=state.task,
        mode="asymmetric",
        lite=False,
        seed=3,
        limits=Limits(),
        policies={"a": Policy(agent="llm", model="m1", style="chat@2"), "b": Policy(agent="human")},
        events=state.events,
        end=state.end,
        code_version="0.1.0",
        started_at=AT,
        finished_at=AT if state.end else None,
        source=source,
        licence=licence,
        tag="pilot",
    )
    return Kept(episode, outcome_of(episode), cards)


def card(id_: str, *goals: int | None, model: str = "m2", source: str = "", licence: str = "") -> Scorecard:
    """One judge's reading: these scores for GOAL, seat by seat, and 5 for BEL."""
    scores = {
        seat: {
            "GOAL": DimensionScore(score=goal, cause="" if goal is not None else "timeout"),
            "BEL": DimensionScore(score=5, reason="As people do.", turns=(1, 2)),
        }
        for seat, goal in zip(("a", "b"), goals, strict=True)
    }
    return Scorecard(
        id=id_,
        episode="e1",
        mode="asymmetric",
        rubric=RUBRIC.id,
        rubric_version=RUBRIC.version,
        rubric_hash=content_hash(RUBRIC),
        judge=Policy(agent="judge", model=model),
        scores=scores,
        calls={},
        code_version="0.1.0",
        judged_at=AT,
        source=source,
        licence=licence,
    )
