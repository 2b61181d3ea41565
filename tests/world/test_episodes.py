"""An episode reads back what it wrote, and its events replay to the state they left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import dice_agents, opened, roll, say, task, tasks

from comity.simulate import new_episode
from comity.world.environment import Environment
from comity.world.episodes import Episode, replay
from comity.world.tasks import Task
from comity.world.views import view


def played_out(of: Task, seed: int) -> Episode:
    state = opened(of, seed=seed)
    while state.acting:
        state = Environment().step(state, {seat: roll(view(state, seat)) for seat in state.acting})
    episode = new_episode(of, dice_agents(of), seed=seed)
    return episode.model_copy(update={"events": state.events, "end": state.end})


@given(tasks(), st.integers(0, 2**40))
def test_an_episode_reads_back_what_it_wrote_and_replays_to_its_end(of: Task, seed: int) -> None:
    episode = Episode.model_validate_json(played_out(of, seed).model_dump_json())
    assert episode == played_out(of, seed).model_copy(update={"id": episode.id, "started_at": episode.started_at})
    state = replay(episode)
    assert state.end == episode.end
    assert state.events == episode.events
    assert episode.turns == state.turn - 1


def test_an_episode_without_events_has_played_no_turn() -> None:
    episode = new_episode(task(), dice_agents(task()))
    assert episode.turns == 0
    assert replay(episode).acting == ("a",)


def test_events_that_do_not_follow_the_rules_do_not_replay() -> None:
    episode = played_out(task(), 3)
    assert len(episode.events) > 2
    with pytest.raises(ValueError, match="turn 1 is for a"):
        replay(episode.model_copy(update={"events": episode.events[1:]}))
    forged = episode.events[0].model_copy(update={"action": say("psst", "b")})
    with pytest.raises(ValueError, match="private messages"):
        replay(episode.model_copy(update={"events": (forged,)}))
