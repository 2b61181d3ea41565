"""Private stays private: in random worlds by the thousand no seat meets a canary that it may not know, and each meets those it should."""

from collections.abc import Iterable, Sequence
from itertools import groupby

import anyio
from hypothesis import HealthCheck, given, settings

from comity.agents.llm import LLMAgent
from comity.evaluate.judge import LLMJudge
from comity.models.scripted import SCRIPTS
from comity.simulate import simulate
from comity.world.environment import EndReason
from comity.world.episodes import Episode
from comity.world.events import Event
from privacy.oracle import Oracle, canaries
from privacy.recording import Asked, RecordingModel, assert_prompts_grow
from privacy.search import search
from privacy.worlds import World, worlds

TO_THE_JUDGE = {"name", "setting", "judge_note", "goal", "extra_info", "secret", "occupation", "personality", "age"}


@settings(max_examples=1000, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(worlds())
def test_no_seat_meets_a_canary_that_it_may_not_know(world: World) -> None:
    search(world)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(worlds())
def test_in_a_simulated_episode_only_the_judge_knows_all(world: World) -> None:
    model = RecordingModel(lambda asked: answer(world, asked))
    heard: list[Event] = []
    episode = anyio.run(simulate_and_judge, world, model, heard)
    assert tuple(heard) == episode.events
    assert assert_prompts_grow(model) == len(episode.events) - len(model.sessions)
    known = known_at_the_end(world, episode.events)
    for asked in model.asked:
        seat = asked.session.rpartition("/")[2]
        if seat == "judge":
            assert_tells_all(world, episode, asked)
        else:
            assert canaries(asked.text) <= known[seat] | own_replies(episode.events, seat)
    for event in episode.events:
        if event.failure:
            assert canaries(event.failure.detail) <= known[event.seat] | own_replies([event], event.seat)
    judged = any(asked.session.endswith("/judge") for asked in model.asked)
    assert judged == (episode.end is not None and episode.end.reason is not EndReason.AGENT_FAILURE)


async def simulate_and_judge(world: World, model: RecordingModel, heard: list[Event]) -> Episode:
    async def sink(events: Sequence[Event]) -> None:
        heard.extend(events)

    agents = dict.fromkeys(world.seats, LLMAgent(model, style=world.style))
    episode = await simulate(world.task, agents, seed=world.seed, mode=world.mode, lite=world.lite, sink=sink)
    await LLMJudge(model).score(episode)
    return episode


def answer(world: World, asked: Asked) -> str:
    if asked.session.endswith("/judge"):
        return SCRIPTS["demo"](asked.messages, asked.schema, asked.sampling)
    return world.answer(asked.schema, asked.session, asked.again, len(asked.text))


def known_at_the_end(world: World, events: Iterable[Event]) -> dict[str, frozenset[str]]:
    oracle = Oracle(world)
    for _, turn in groupby(events, key=lambda event: event.turn):
        oracle.happened((event.seat, event.action) for event in turn if event.action)
    return {seat: oracle.known(seat) for seat in world.seats}


def own_replies(events: Iterable[Event], seat: str) -> frozenset[str]:
    """What the seat's own model has answered."""
    return canaries("".join(call.text for event in events if event.seat == seat for call in event.trace.calls))


def assert_tells_all(world: World, episode: Episode, asked: Asked) -> None:
    """Every goal, secret and private message, and the note that is the judge's alone; also where the agents had no profiles."""
    told = canaries(asked.text)
    assert {planted.token for planted in world.planted if planted.kind in TO_THE_JUDGE} <= told
    assert canaries("".join(event.action.argument for event in episode.events if event.action)) <= told
