"""Plays the safety scenarios with one agent, each so many times, against partners that say fixed lines. It scores nothing."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import anyio

from comity.agents.protocol import Agent
from comity.agents.scripted import ScriptedAgent, lines
from comity.simulate import new_episode, play
from comity.train.safety.cases import SafetyCase, SafetySuite, safety_suite
from comity.world.actions import ActionType
from comity.world.episodes import Episode, Policy
from comity.world.record import content_hash, derive_seed

__all__ = ["Keep", "partner_of", "play_safety"]

Keep = Callable[[Episode], Awaitable[None]]
"""Hears each episode when it has ended."""

_AT_ONCE = 32
"""Episodes in flight."""


@dataclass(frozen=True, slots=True)
class _Job:
    id: str
    case: SafetyCase
    seed: int


def partner_of(suite: SafetySuite, case: SafetyCase) -> ScriptedAgent:
    """Who says the case's lines; it has one for each of its turns."""
    return ScriptedAgent(lines(case.lines, then=ActionType.LEAVE), name=f"script:{suite.id}@{suite.version}/{case.id}")


async def play_safety(
    agent: Agent,
    *,
    repeats: int,
    seed: int,
    sink: Keep | None = None,
    done: Iterable[Episode] = (),
    at_once: int = _AT_ONCE,
    suite: SafetySuite | None = None,
) -> list[Episode]:
    """Play every scenario so many times.

    Args:
        agent: plays the tested seat of each; the partner follows its script.
        repeats: how many times each, from 1, each with a seed of its own.
        seed: with the agent it fixes everything, ids included. Two agents meet the same seeds.
        sink: hears each episode when it has ended, before any later one begins in its place.
        done: episodes of an earlier call; those that this call would play are taken as they are.
        at_once: how many are in play at the same time.
        suite: the shipped one unless given.

    Returns:
        All episodes, those done included, by repeat and case.

    Raises:
        ModelError: a model could not be asked. What the sink heard can be given back as `done`.
        ValueError: `repeats` or `at_once` below 1.
    """
    if repeats < 1 or at_once < 1:
        raise ValueError(f"repeats and at_once must be at least 1, not {repeats} and {at_once}")
    suite = suite or safety_suite()
    jobs = [_job(suite, case, agent.policy, repeat, seed) for repeat in range(repeats) for case in suite.cases]
    wanted = {job.id for job in jobs}
    played = {episode.id: episode for episode in done if episode.id in wanted and episode.end is not None}
    room = anyio.CapacityLimiter(at_once)

    async def one(job: _Job) -> None:
        async with room:
            played[job.id] = await _played(suite, job, agent)
            if sink is not None:
                await sink(played[job.id])

    try:
        async with anyio.create_task_group() as group:
            for job in [job for job in jobs if job.id not in played]:
                group.start_soon(one, job)
    except BaseExceptionGroup as failed:  # the first failure, which has ended the others
        raise failed.exceptions[0] from None
    return [played[job.id] for job in jobs]


async def _played(suite: SafetySuite, job: _Job, agent: Agent) -> Episode:
    agents = {job.case.partner: partner_of(suite, job.case), job.case.tested: agent}
    episode = new_episode(job.case.task, agents, seed=job.seed)
    return await play(episode.model_copy(update={"id": job.id, "tag": suite.id}), agents)


def _job(suite: SafetySuite, case: SafetyCase, policy: Policy, repeat: int, seed: int) -> _Job:
    decides = {
        "case": content_hash(case),
        "policy": policy.model_dump(mode="json"),
        "partner": partner_of(suite, case).policy.agent,
        "repeat": repeat,
        "seed": seed,
    }
    id_ = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:32]
    return _Job(id_, case, derive_seed(seed, case.id, repeat))
