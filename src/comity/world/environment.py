"""The environment: a pure state machine over the event log. No model, no clock, no await; the loop around it is `comity.simulate`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from pydantic import Field

from comity.world.actions import Action, ActionSpec, ActionType
from comity.world.events import Event, Failure, Trace
from comity.world.payoffs import Made
from comity.world.positions import Position
from comity.world.record import Record, derive_seed
from comity.world.scenarios import TurnOrder
from comity.world.tasks import Task
from comity.world.visibility import Mode, audience

__all__ = ["End", "EndReason", "Environment", "Limits", "State"]


class EndReason(StrEnum):
    """Why an episode ended."""

    TURN_LIMIT = "turn_limit"
    TOO_FEW_LEFT = "too_few_left"
    STALE = "stale"
    AGENT_FAILURE = "agent_failure"
    SETTLED = "settled"


class End(Record):
    """How an episode ended; the seat is whose failure or leaving ended it."""

    reason: EndReason
    seat: str | None = None


class Limits(Record):
    """When an episode ends of itself."""

    turns: int | None = Field(default=None, ge=1)
    """The most turns; `None` takes the scenario's own limit (20 unless it says otherwise)."""
    stale: int = Field(default=2, ge=1)
    """So many turns in a row in which nobody did anything."""


@dataclass(frozen=True, slots=True)
class State:
    """Where an episode stands. Everything below `events` follows from them."""

    task: Task
    seed: int
    mode: Mode
    lite: bool
    turn_limit: int
    stale_limit: int
    events: tuple[Event, ...] = ()
    turn: int = 1
    """The turn to be played next, from 1."""
    present: tuple[str, ...] = ()
    stale: int = 0
    position: Position | None = None
    """Where the scenario's game stands; `None` where it has no payoff."""
    end: End | None = None

    @property
    def acting(self) -> tuple[str, ...]:
        """The seats that act in this turn, in seat order; none once the episode has ended."""
        if self.end is not None:
            return ()
        match self.task.scenario.turn_order:
            case TurnOrder.SIMULTANEOUS:
                return self.present
            case TurnOrder.RANDOM:
                return (self.present[derive_seed(self.seed, self.turn, "order") % len(self.present)],)
            case TurnOrder.ROUND_ROBIN:
                return (self._next_in_turn(),)

    def _next_in_turn(self) -> str:
        if not self.events:
            return self.present[0]
        order = [seat.id for seat in self.task.scenario.seats]
        last = order.index(self.events[-1].seat)
        return next(seat for seat in order[last + 1 :] + order[: last + 1] if seat in self.present)

    def spec(self, seat: str) -> ActionSpec:
        """What the seat may do now."""
        scenario = self.task.scenario
        others = tuple((s, self.task.names[s]) for s in self.present if s != seat) if scenario.private_messages else ()
        moves = scenario.payoff.spec(self.position, seat) if scenario.payoff and self.position else None
        return ActionSpec(types=scenario.actions, recipients=others, moves=moves)


class Environment:
    """The rules of an episode. `reset` opens it, `step` plays one turn; both are pure."""

    def reset(
        self, task: Task, *, seed: int, mode: Mode = "asymmetric", lite: bool = False, limits: Limits | None = None
    ) -> State:
        """The state before the first turn."""
        limits = limits or Limits()
        present = tuple(seat.id for seat in task.scenario.seats)
        payoff = task.scenario.payoff
        return State(
            task=task,
            seed=seed,
            mode=mode,
            lite=lite,
            turn_limit=limits.turns or task.scenario.turn_limit,
            stale_limit=limits.stale,
            present=present,
            position=payoff.begin(present) if payoff else None,
        )

    def step(
        self, state: State, actions: Mapping[str, Action | Failure], traces: Mapping[str, Trace] | None = None
    ) -> State:
        """The state after one turn in which each acting seat did what `actions` says.

        `traces` are kept on the events and decide nothing. Raises `ValueError` unless exactly the acting seats act,
        and `IllegalAction` for an action that its seat may not take.
        """
        acting = state.acting
        if not actions or set(actions) != set(acting):
            raise ValueError(f"turn {state.turn} is for {', '.join(acting) or 'nobody'}, not {', '.join(actions)}")
        events = list(state.events)
        for seat in acting:
            trace = (traces or {}).get(seat, Trace())
            events.append(_event(state, len(events), seat, actions[seat], trace))
        return self._after(state, tuple(events))

    def _after(self, state: State, events: tuple[Event, ...]) -> State:
        new = events[len(state.events) :]
        left = {e.seat for e in new if e.action and e.action.type is ActionType.LEAVE}
        idle = all(e.action is not None and e.action.type is ActionType.NONE for e in new)
        after = replace(
            state,
            events=events,
            turn=state.turn + 1,
            present=tuple(seat for seat in state.present if seat not in left),
            stale=state.stale + 1 if idle else 0,
            position=state.position and _played(state, state.position, new),
        )
        end = self._end(after, new)
        return after if end is None else replace(after, end=end)

    def _end(self, state: State, new: tuple[Event, ...]) -> End | None:
        failed = next((e.seat for e in new if e.failure), None)
        if failed is not None:
            return End(reason=EndReason.AGENT_FAILURE, seat=failed)
        if state.position is not None and state.position.settled and not state.position.left:
            return End(reason=EndReason.SETTLED)
        if len(state.present) < 2 or (state.position is not None and state.position.left):
            left = [e.seat for e in new if e.seat not in state.present]
            return End(reason=EndReason.TOO_FEW_LEFT, seat=left[-1])
        if state.stale >= state.stale_limit:
            return End(reason=EndReason.STALE)
        if state.turn > state.turn_limit:
            return End(reason=EndReason.TURN_LIMIT)
        return None


def _played(state: State, position: Position, new: tuple[Event, ...]) -> Position:
    payoff = state.task.scenario.payoff
    assert payoff is not None, "there is a position only where there is a payoff"
    made = [Made(e.index, e.seat, e.action.move) for e in new if e.action and e.action.move]
    position = payoff.after(position, made) if made else position
    left = [e.seat for e in new if e.action and e.action.type is ActionType.LEAVE]
    return payoff.without(position, left) if left and not position.settled else position


def _event(state: State, index: int, seat: str, did: Action | Failure, trace: Trace) -> Event:
    if isinstance(did, Failure):
        return Event(index=index, turn=state.turn, seat=seat, failure=did, audience=(), trace=trace)
    state.spec(seat).check(did)
    seen_by = audience(did, seat, state.present, state.mode)
    return Event(index=index, turn=state.turn, seat=seat, action=did, audience=seen_by, trace=trace)
