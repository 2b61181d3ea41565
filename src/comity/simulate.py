"""The episode loop: ask whoever acts, apply the rules, tell the sink, until the episode ends. Start reading here.

It knows no store, no model and no clock but the one it stamps events with; what happens is decided by `comity.world`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import anyio

from comity._version import __version__
from comity.agents.protocol import Agent, Reply
from comity.world.actions import Action, IllegalAction
from comity.world.environment import Environment, Limits, State
from comity.world.episodes import Episode, Unplayable
from comity.world.events import Event, Failure, Trace
from comity.world.tasks import Task
from comity.world.views import Projection
from comity.world.visibility import Mode

__all__ = ["Sink", "new_episode", "play", "simulate"]

Sink = Callable[[Sequence[Event]], Awaitable[None]]
"""Hears the new events of a turn, all at once, before any model is called again."""


def new_episode(
    task: Task,
    agents: Mapping[str, Agent],
    *,
    seed: int = 0,
    mode: Mode = "asymmetric",
    lite: bool = False,
    limits: Limits | None = None,
) -> Episode:
    """An episode of which nothing is played yet. Raises `ValueError` unless the agents fit the seats and the mode."""
    seats = [seat.id for seat in task.scenario.seats]
    if set(agents) != set(seats):
        raise ValueError(f"one agent for each of the seats {', '.join(seats)}, not {', '.join(agents) or 'none'}")
    if mode == "script" and len({id(agent) for agent in agents.values()}) > 1:
        raise ValueError("in script mode one writer writes every part: give every seat the same agent")
    return Episode(
        id=uuid4().hex,
        task=task,
        mode=mode,
        lite=lite,
        seed=seed,
        limits=limits or Limits(),
        policies={seat: agents[seat].policy for seat in seats},
        events=(),
        end=None,
        code_version=__version__,
        started_at=datetime.now(UTC),
    )


async def simulate(
    task: Task,
    agents: Mapping[str, Agent],
    *,
    seed: int = 0,
    mode: Mode = "asymmetric",
    lite: bool = False,
    limits: Limits | None = None,
    so_far: Sequence[Event] = (),
    sink: Sink | None = None,
) -> Episode:
    """Play a task to its end.

    Args:
        agents: one for each seat.
        seed: with the task and deterministic agents it fixes the episode, times and ids aside.
        so_far: events of the same task, seed and mode already played; the episode goes on after them.
        sink: hears each turn's new events.

    Raises `ModelError` when a model could not be asked: what the sink heard can be continued with `so_far`. Raises
    `Unplayable` where `so_far` does not follow the rules.
    """
    return await play(new_episode(task, agents, seed=seed, mode=mode, lite=lite, limits=limits), agents, so_far, sink)


async def play(
    episode: Episode,
    agents: Mapping[str, Agent],
    so_far: Sequence[Event] = (),
    sink: Sink | None = None,
    *,
    keep_traces: bool = True,
) -> Episode:
    """Play this episode on from the events so far; see `simulate`.

    Without `keep_traces` the sink alone is told how actions came about: the episode's events do not hold it, which is most of
    what an episode in play takes up in memory.
    """
    recorded = {(event.turn, event.seat): event for event in so_far}
    if len(recorded) < len(so_far):
        raise Unplayable("so_far has two events of one seat in one turn")
    state = Environment().reset(
        episode.task, seed=episode.seed, mode=episode.mode, lite=episode.lite, limits=episode.limits
    )
    projection = Projection(episode.id)
    while acting := state.acting:
        known = {seat: recorded.pop((state.turn, seat)) for seat in acting if (state.turn, seat) in recorded}
        asked = [seat for seat in acting if seat not in known]
        if asked and recorded:
            raise Unplayable(f"so_far has no event of {asked[0]!r} in turn {state.turn}, but later ones")
        played = state.events
        state = await _turn(state, agents, known, asked, projection, sink)
        if not keep_traces:
            state = replace(state, events=(*played, *(event.untraced() for event in state.events[len(played) :])))
    if recorded:
        raise Unplayable("so_far has events after the episode's end")
    return episode.model_copy(update={"events": state.events, "end": state.end, "finished_at": datetime.now(UTC)})


async def _turn(
    state: State,
    agents: Mapping[str, Agent],
    known: Mapping[str, Event],
    asked: Sequence[str],
    projection: Projection,
    sink: Sink | None,
) -> State:
    """Play one turn: ask those of whom it is not known what they did, and tell the sink what they do."""
    replies = await _ask(state, agents, asked, projection)
    after = _step(state, known, replies)
    new = after.events[len(state.events) :]
    if any(known.get(event.seat, event) != event for event in new):
        raise Unplayable(f"so_far has other indexes or audiences in turn {state.turn} than the rules give")
    if sink is not None and asked:
        await sink([event for event in new if event.seat in replies])
    return after


def _step(state: State, known: Mapping[str, Event], replies: Mapping[str, Reply]) -> State:
    now = datetime.now(UTC)
    actions = {seat: event.did for seat, event in known.items()}
    actions |= {seat: _legal(state, seat, reply.action) for seat, reply in replies.items()}
    traces = {seat: event.trace for seat, event in known.items()}
    traces |= {seat: Trace(calls=reply.calls, at=now) for seat, reply in replies.items()}
    try:
        return Environment().step(state, actions, traces)
    except ValueError as error:  # replies are legal by now: it is about what was recorded
        raise Unplayable(str(error)) from error


def _legal(state: State, seat: str, did: Action | Failure) -> Action | Failure:
    """What the agent did, or its failure where it may not do that."""
    try:
        if isinstance(did, Action):
            state.spec(seat).check(did)
    except IllegalAction as error:
        return Failure(kind="illegal_action", detail=str(error))
    return did


async def _ask(
    state: State, agents: Mapping[str, Agent], seats: Sequence[str], projection: Projection
) -> dict[str, Reply]:
    """Ask all seats at once; each sees the log as it stood before the turn."""
    if len(seats) == 1:  # nearly always; a group of one would only cost
        return {seat: await agents[seat].act(projection.view(state, seat)) for seat in seats}
    replies: dict[str, Reply] = {}

    async def ask(seat: str) -> None:
        replies[seat] = await agents[seat].act(projection.view(state, seat))

    try:
        async with anyio.create_task_group() as group:
            for seat in seats:
                group.start_soon(ask, seat)
    except BaseExceptionGroup as failed:  # the first failure, which has ended the waiting for the others
        raise failed.exceptions[0] from None
    return replies
