"""What the benchmarks play: many episodes of the starter library against the mock server, kept in a store. `play_many` is the one
function that says how; everything else in this folder measures what it does from outside.
"""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from hashlib import sha256

import anyio

from comity.agents.llm import LLMAgent
from comity.evaluate.judge import Judge, LLMJudge
from comity.library import starter
from comity.models.openai_compatible import OpenAICompatible
from comity.models.protocol import ChatModel
from comity.run.single import judge_and_keep, play_and_keep
from comity.simulate import new_episode, play
from comity.store import Store
from comity.world.environment import Limits
from comity.world.episodes import Episode
from comity.world.scenarios import TurnOrder
from comity.world.tasks import Task

__all__ = ["Load", "Wrap", "play_many", "tasks"]

Wrap = Callable[[ChatModel], ChatModel]
"""Puts something around the client, such as one that notes the prompts."""


@dataclass(frozen=True)
class Load:
    """What is played."""

    url: str
    """The model server's."""
    repeats: int
    """Episodes of each of the tasks."""
    in_flight: int
    """The most episodes in play at once."""
    turns: int = 20
    store: str | None = None
    """Where the events are kept; nowhere where `None`."""
    style: str = "chat"
    judged: bool = False


def tasks() -> list[Task]:
    """The sixteen tasks of the starter library in which two people act in turn: a turn is one call."""
    every = starter().tasks
    return [t for t in every if len(t.scenario.seats) == 2 and t.scenario.turn_order is TurnOrder.ROUND_ROBIN]


async def play_many(load: Load, wrap: Wrap = lambda model: model) -> None:
    """Play all of it; what the store has already is not played again."""
    client = OpenAICompatible(load.url, "mock", name=f"{load.url}#mock")
    model = wrap(client)
    agent, judge = LLMAgent(model, style=load.style), LLMJudge(model) if load.judged else None
    todo = _episodes(load, agent)

    async def work(store: Store | None, known: frozenset[str]) -> None:
        for episode in todo:
            if store is None:
                await play(episode, dict.fromkeys(episode.task.cast, agent))
            else:
                await _play_and_keep(episode, agent, store, judge, known)

    try:
        with Store.open(load.store) if load.store else nullcontext() as store:
            known = frozenset(summary.id for summary in store.episodes()) if store else frozenset()
            async with anyio.create_task_group() as group:
                for _ in range(load.in_flight):
                    group.start_soon(work, store, known)
    finally:
        await client.aclose()


def _episodes(load: Load, agent: LLMAgent) -> Iterator[Episode]:
    for repeat in range(load.repeats):
        for task in tasks():
            agents = dict.fromkeys(task.cast, agent)
            episode = new_episode(task, agents, seed=repeat, limits=Limits(turns=load.turns))
            yield episode.model_copy(update={"id": sha256(f"{task.id}/{repeat}".encode()).hexdigest()[:32]})


async def _play_and_keep(
    episode: Episode, agent: LLMAgent, store: Store, judge: Judge | None, known: frozenset[str]
) -> None:
    if episode.id in known:
        episode = store.episode(episode.id)
    else:
        store.begin(episode)
    played = await play_and_keep(episode, dict.fromkeys(episode.task.cast, agent), store)
    if judge is not None and not store.scorecards(played.id):
        await judge_and_keep(played, judge, store)
