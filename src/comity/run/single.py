"""Playing and judging one episode with everything kept: each turn is in the store before the next model call."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import anyio

from comity.agents.protocol import Agent
from comity.evaluate.judge import Judge
from comity.models.protocol import ModelError
from comity.simulate import play
from comity.store import Store
from comity.world.episodes import Episode
from comity.world.events import Event
from comity.world.scorecards import Scorecard

__all__ = ["judge_and_keep", "play_and_keep"]


async def play_and_keep(
    episode: Episode,
    agents: Mapping[str, Agent],
    store: Store,
    heard: Callable[[Sequence[Event]], None] | None = None,
) -> Episode:
    """Play an episode that the store has begun on to its end; one that has ended is returned as it is.

    `heard` is told of each turn's events once they are kept. Raises `ModelError` when a model could not be asked; the
    store then holds all that was played and why it stopped, and the episode can be played on.
    """

    if episode.end is not None:
        return episode

    async def keep(events: Sequence[Event]) -> None:
        store.append(episode.id, events)
        if heard is not None:
            heard(events)

    try:
        played = await play(episode, agents, episode.events, keep)
    except ModelError as error:
        store.interrupt(episode.id, f"{type(error).__name__}: {error}")
        raise
    except anyio.get_cancelled_exc_class():
        store.interrupt(episode.id, "cancelled")
        raise
    if played.end is not None:
        store.finish(played.id, played.end, played.finished_at or datetime.now(UTC))
    return played


async def judge_and_keep(episode: Episode, judge: Judge, store: Store) -> Scorecard:
    """Judge a finished episode and keep the scorecard beside those it has, with the rubric. Raises as the judge does."""
    card = await judge.score(episode)
    store.add_scorecard(card, judge.rubric)
    return card
