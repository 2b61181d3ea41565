"""Playing and judging one episode with everything kept: each turn is in the store before the next model call."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count

import anyio

from comity.agents.protocol import Agent
from comity.evaluate.judge import Judge
from comity.models.protocol import ModelError
from comity.simulate import play
from comity.store import Conflict, Store, judge_key
from comity.world.episodes import Episode, Interruption
from comity.world.events import Event
from comity.world.outcomes import outcome_of
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
    if any(stands.held for stands in store.standing_of([episode.id])):
        raise Conflict(
            f"episode {episode.id!r} is being played by a run at the moment; wait for that run, or stop it first"
        )

    async def keep(events: Sequence[Event]) -> None:
        store.append(episode.id, events)
        if heard is not None:
            heard(events)

    going_on = episode.model_copy(update={"interrupted": None})
    try:
        played = await play(going_on, agents, episode.events, keep)
    except ModelError as error:
        store.interrupt(episode.id, Interruption(kind="infrastructure", error=type(error).__name__, detail=str(error)))
        raise
    except anyio.get_cancelled_exc_class():
        store.interrupt(episode.id, Interruption(kind="cancelled", error="Cancelled", detail=""))
        raise
    if played.end is not None:
        store.finish(played.id, played.end, played.finished_at or datetime.now(UTC), outcome_of(played))
    return played


async def judge_and_keep(episode: Episode, judge: Judge, store: Store) -> Scorecard:
    """Judge a finished episode and keep the scorecard beside those it has, with the rubric. Raises as the judge does.

    A judge that has read it before reads it again: the scorecard's `repeat` says for which time.
    """
    card = await judge.score(episode)
    known = store.judged(episode.id)
    repeat = next(n for n in count() if judge_key(card.judge, card.rubric_hash, n) not in known)
    card = card.model_copy(update={"repeat": repeat})
    store.add_scorecard(card, judge.rubric)
    return card
