"""What happened in an episode from elsewhere as events of our own, under limits by which our rules end it where it ended."""

from dataclasses import dataclass
from itertools import groupby

from comity.interop.remarks import Report
from comity.interop.transcripts import Turns, Unreadable
from comity.world.actions import Action, ActionType, IllegalAction
from comity.world.environment import End, EndReason, Environment, Limits
from comity.world.events import Event
from comity.world.scenarios import TurnOrder
from comity.world.tasks import Task
from comity.world.visibility import Mode

__all__ = ["Played", "play"]

_TURNS = 21
"""SOTOPIA ends an episode when the number of turns exceeds its limit of 20, so a 21st is played."""


@dataclass(frozen=True, slots=True)
class Played:
    """An episode's course."""

    task: Task
    """The task that was given, its scenario simultaneous where both acted in one turn."""
    events: tuple[Event, ...]
    limits: Limits
    end: End | None


def play(report: Report, where: str, task: Task, mode: Mode, turns: Turns, end: End | None) -> Played:
    """The events of these turns. Raises `Unreadable` where they are none that our rules allow.

    Whose silence counts, and from when, is not as with us: SOTOPIA counts every "did nothing" in a row, that of the seat whose
    turn it is not included, and ends an episode at more than two. So one idle turn ends it when the turn is the second
    seat's, and never when it is the first seat's. `Limits.stale` is set to what comes to the same here.
    """
    seats = [seat.id for seat in task.scenario.seats]
    if any(_acts(turn[seat]) for i, turn in enumerate(turns) for seat in range(len(seats)) if seat != i % len(seats)):
        order = task.scenario.model_copy(update={"turn_order": TurnOrder.SIMULTANEOUS})
        task = task.model_copy(update={"scenario": order, "id": f"{task.id}.simultaneous"})
        report.remark("scenario_differs", where, "both act in one turn; the episode's scenario is simultaneous")
    limits = _limits(turns, end)
    state = Environment().reset(task, seed=0, mode=mode, limits=limits)
    for i, turn in enumerate(turns):
        did = dict(zip(seats, turn, strict=True))
        try:
            state = Environment().step(state, {seat: did[seat] for seat in state.acting})
        except IllegalAction as error:
            raise Unreadable(f"messages.{i}: {error}") from None
        except ValueError:
            raise Unreadable(f"messages.{i}: the episode goes on after an agent has left it") from None
    if end is not None and state.end != end:
        ours = state.end.reason.value if state.end else "not ended"
        report.remark(
            "ending_differs", where, f"it is said to have ended by {end.reason.value}; by our rules it has {ours}"
        )
    return Played(task, state.events, limits, end or state.end)


def _limits(turns: Turns, end: End | None) -> Limits:
    quiet = [len(list(run)) if idle else 0 for idle, run in groupby(turns, key=lambda turn: not any(map(_acts, turn)))]
    last = quiet.pop() if quiet else 0
    before = max(quiet, default=0)
    reason = end.reason if end is not None else None
    stale = max(last, before + 1) if reason is EndReason.STALE else max(2, last + 1, before + 1)
    spare = 0 if end is not None else 1
    return Limits(turns=len(turns) if reason is EndReason.TURN_LIMIT else max(_TURNS, len(turns) + spare), stale=stale)


def _acts(action: Action) -> bool:
    return action.type is not ActionType.NONE
