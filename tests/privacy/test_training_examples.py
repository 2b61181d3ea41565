"""What a seat is trained on holds what it saw up to its last action, and no canary that it may not know; in every style that is trained."""

import json
from functools import partial
from itertools import groupby

import anyio
import pytest
from hypothesis import HealthCheck, given, settings

from comity.agents.llm import LLMAgent
from comity.agents.protocol import Agent
from comity.interop.chat_examples import examples_of
from comity.interop.kept import Kept
from comity.simulate import simulate
from comity.train.examples import examples_of_seat
from comity.world.episodes import Episode
from privacy.oracle import Oracle, canaries
from privacy.recording import RecordingModel
from privacy.test_canaries import answer
from privacy.worlds import World, worlds

_MANY = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def played(world: World) -> Episode:
    model = RecordingModel(lambda asked: answer(world, asked))
    agents: dict[str, Agent] = dict.fromkeys(world.seats, LLMAgent(model, style="chat"))
    play = partial(simulate, world.task, agents, seed=world.seed, mode=world.mode, lite=world.lite)
    return anyio.run(play)


@pytest.mark.parametrize("style", ["chat", "compact"])
@_MANY
@given(world=worlds())
def test_a_seats_example_holds_what_it_knew_at_its_last_action(style: str, world: World) -> None:
    episode = played(world)
    oracle, known = Oracle(world), dict[str, frozenset[str]]()
    for _, turn in groupby(episode.events, key=lambda event: event.turn):
        events = [event for event in turn if event.action]
        for event in events:
            assert event.action is not None
            known[event.seat] = oracle.known(event.seat) | canaries(event.action.argument)
        oracle.happened((event.seat, event.action) for event in events if event.action)
    for seat in world.seats:
        example = examples_of_seat(Kept(episode, None, ()), seat, style)
        assert (example is None) == (seat not in known)
        if example is None:
            continue
        found = canaries("\n".join(said.content for said in example.messages))
        assert found
        assert found <= known[seat]
        assert not canaries(json.dumps(example.source.model_dump(exclude={"origin"})))
        *_, last = (one for one in examples_of(Kept(episode, None, ()), style) if one["metadata"]["seat"] == seat)  # type: ignore[index]
        assert [said.model_dump() for said in example.messages] == last["messages"]
