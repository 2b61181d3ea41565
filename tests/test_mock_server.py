"""The mock server that benchmarks and tests of a run rest on: it answers what is asked for, always the same, and fails as it is told."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import anyio
import pytest
from mock_faults import CONTENT, TRANSPORT, Fault, Kind
from mock_server import MockServer, mock_server

from comity.agents.llm import LLMAgent
from comity.evaluate.judge import LLMJudge
from comity.library import starter
from comity.models.openai_compatible import OpenAICompatible
from comity.models.protocol import (
    BadReply,
    Completion,
    Message,
    ModelError,
    Overloaded,
    Sampling,
    Schema,
    ServerFailed,
    Unreachable,
)
from comity.simulate import simulate
from comity.world.actions import ActionType
from comity.world.environment import EndReason, Limits
from comity.world.episodes import Episode

pytestmark = pytest.mark.anyio

SCHEMA = Schema(
    "action",
    {
        "type": "object",
        "properties": {
            "action_type": {"type": "string", "enum": ["none", "speak", "leave"]},
            "argument": {"type": "string"},
        },
    },
)
TRAP = [
    Message("user", 'Say "seed": 7, "stream": true, "response_format": {"type": "text"}, "messages": [{"a": "b"}], "x')
]


@pytest.fixture(scope="module")
def running() -> Iterator[MockServer]:
    with mock_server() as server:
        yield server


@pytest.fixture
def server(running: MockServer) -> MockServer:
    running.set(latency=0, capacity=None, retry_after=None, leave=0, faults=())
    running.forget()
    return running


@asynccontextmanager
async def client(server: MockServer) -> AsyncIterator[OpenAICompatible]:
    model = OpenAICompatible(server.url, "mock", name="test:mock")
    try:
        yield model
    finally:
        await model.aclose()


async def asked(
    model: OpenAICompatible, words: str = "Good evening.", *, seed: int = 1, pieces: list[str] | None = None
) -> Completion:
    return await model.complete(
        [Message("user", words)],
        schema=SCHEMA,
        sampling=Sampling(seed=seed),
        session="s",
        stream=None if pieces is None else pieces.append,
    )


async def played(server: MockServer, style: str, seed: int = 3) -> Episode:
    task = starter().tasks[0]
    async with client(server) as model:
        agents = dict.fromkeys(task.cast, LLMAgent(model, style=style))
        return await simulate(task, agents, seed=seed, limits=Limits(turns=20))


@pytest.mark.parametrize("style", ["chat", "transcript", "compact"])
async def test_whole_episodes_are_played_without_a_repair(server: MockServer, style: str) -> None:
    episode = await played(server, style)
    assert (episode.turns, episode.end and episode.end.reason) == (20, EndReason.TURN_LIMIT)
    assert {call.outcome for event in episode.events for call in event.trace.calls} == {"ok"}
    assert all(call.prompt_tokens and call.completion_tokens for event in episode.events for call in event.trace.calls)
    assert len({event.action.argument for event in episode.events if event.action}) > 10


async def test_the_same_question_has_the_same_answer_from_another_process(server: MockServer) -> None:
    with mock_server() as another:
        one, two = await played(server, "chat"), await played(another, "chat")
    assert [event.action for event in one.events] == [event.action for event in two.events]


async def test_messages_and_seed_alone_decide(server: MockServer) -> None:
    async with client(server) as model:
        pieces: list[str] = []
        first = (await asked(model)).text
        assert (await asked(model, pieces=pieces)).text == first == "".join(pieces)
        assert len(pieces) > 3
        assert (await asked(model, seed=2)).text != first
        assert (await asked(model, "Good morning.")).text != first
    assert server.counts().streamed == 1


async def test_what_is_said_is_not_taken_for_the_request(server: MockServer) -> None:
    async with client(server) as model:
        texts = [
            (await model.complete(TRAP, schema=SCHEMA, sampling=Sampling(seed=seed), session="s")).text
            for seed in (1, 2)
        ]
    assert [set(json.loads(text)) for text in texts] == [{"action_type", "argument"}] * 2
    assert texts[0] != texts[1]
    assert server.counts().streamed == 0


async def test_judges_get_a_whole_scorecard(server: MockServer) -> None:
    episode = await played(server, "chat")
    async with client(server) as model:
        card = await LLMJudge(model).score(episode)
    scores = [score.score for seat in card.scores.values() for score in seat.values()]
    assert None not in scores
    assert len(set(scores)) > 3


async def test_nobody_leaves_unless_asked(server: MockServer) -> None:
    assert ActionType.LEAVE not in {e.action.type for e in (await played(server, "chat")).events if e.action}
    server.set(leave=1)
    assert (await played(server, "chat")).turns == 1
    assert (await played(server, "transcript")).turns < 20


TYPED: dict[Kind, type[ModelError]] = {
    "500": ServerFailed,
    "503": Overloaded,
    "429": Overloaded,
    "429_retry_after": Overloaded,
    "reset": Unreachable,
    "truncated_body": Unreachable,
    "html": BadReply,
}


@pytest.mark.parametrize("kind", sorted(TYPED))
async def test_faults_of_the_server_reach_the_client_once(server: MockServer, kind: Kind) -> None:
    server.set(faults=[Fault(kind, limit=1)], retry_after=3.5)
    async with client(server) as model:
        with pytest.raises(TYPED[kind]) as caught:
            await asked(model)
        assert (await asked(model)).text
    if isinstance(caught.value, Overloaded):
        assert caught.value.retry_after == (3.5 if kind == "429_retry_after" else None)
    assert server.counts().faults == {kind: 1}


SPOILED = {
    "truncated_json": '{"action_type": "speak", "argument": "',
    "fenced": "```json\n{",
    "empty": "",
    "null": "",
    "wrong_schema": '{"mood"',
}


@pytest.mark.parametrize("kind", sorted(SPOILED))
@pytest.mark.parametrize("streamed", [False, True])
async def test_faults_of_the_reply_come_as_a_reply(server: MockServer, kind: Kind, streamed: bool) -> None:
    server.set(faults=[Fault(kind)])
    async with client(server) as model:
        text = (await asked(model, pieces=[] if streamed else None)).text
    assert SPOILED[kind] in text
    assert bool(text) == bool(SPOILED[kind])
    assert server.counts().faults == {kind: 1}


async def test_out_of_range_strikes_scorecards_alone(server: MockServer) -> None:
    server.set(faults=[Fault("out_of_range")])
    episode = await played(server, "chat")
    assert server.counts().faults == {}
    async with client(server) as model:
        card = await LLMJudge(model).score(episode)
    assert {score.score for seat in card.scores.values() for score in seat.values()} == {None}


def test_every_kind_of_fault_is_tested() -> None:
    assert {*TYPED, *SPOILED, "hang", "out_of_range"} == {*TRANSPORT, *CONTENT}


async def test_a_hang_lasts_until_the_client_goes(server: MockServer) -> None:
    server.set(faults=[Fault("hang", limit=1)])
    async with client(server) as model:
        with anyio.move_on_after(0.2) as waited:
            await asked(model)
        assert waited.cancelled_caught
        assert (await asked(model)).text
    assert server.counts().in_flight == 0


async def test_faults_of_the_server_strike_by_number_and_those_of_the_reply_by_question(server: MockServer) -> None:
    async def failed(words: str) -> bool:
        try:
            return not (await asked(model, words)).text
        except ModelError:
            return True

    async with client(server) as model:
        server.set(faults=[Fault("500", rate=0.5)])
        assert {await failed("the same") for _ in range(20)} == {True, False}
        server.set(faults=[Fault("empty", rate=0.5)])
        assert len({await failed("the same") for _ in range(20)}) == 1
        assert {await failed(f"question {n}") for n in range(20)} == {True, False}


async def test_beyond_its_capacity_it_asks_to_come_again(server: MockServer) -> None:
    server.set(capacity=2, latency=0.2, retry_after=0.25)
    refused: list[float | None] = []
    async with client(server) as model, anyio.create_task_group() as group:

        async def call() -> None:
            try:
                await asked(model)
            except Overloaded as error:
                refused.append(error.retry_after)

        for _ in range(5):
            group.start_soon(call)
    counts = server.counts()
    assert refused == [0.25] * 3
    assert (counts.calls, counts.refused, counts.max_in_flight, counts.in_flight) == (5, 3, 2, 0)


async def test_latency_is_kept(server: MockServer) -> None:
    server.set(latency=0.15)
    async with client(server) as model:
        started = time.perf_counter()
        await asked(model)
    assert 0.15 <= time.perf_counter() - started < 1


async def test_it_goes_down_and_comes_back_on_the_same_port(server: MockServer) -> None:
    server.set(latency=30)
    async with client(server) as model, anyio.create_task_group() as group:

        async def cut_off() -> None:
            with pytest.raises(Unreachable):
                await asked(model)

        group.start_soon(cut_off)
        await server.until(lambda counts: counts.in_flight == 1)
        server.go_down(0.3)
    server.set(latency=0)
    async with client(server) as model:
        with pytest.raises(Unreachable):
            await asked(model)
        await server.until(lambda counts: not counts.down)
        assert (await asked(model)).text
    assert server.counts().in_flight == 0


async def test_a_fault_that_there_is_not_is_refused(server: MockServer) -> None:
    with pytest.raises(ValueError, match="no fault 'flood'; there are: 500"):
        server.set(faults=[Fault("flood")])  # type: ignore[arg-type]


async def test_it_costs_less_than_a_client() -> None:
    calls = 300
    with mock_server() as server:
        async with client(server) as model:
            await asked(model)
            began, spent = time.process_time(), server.counts().cpu_seconds
            for number in range(calls):
                await asked(model, "word " * 500, seed=number)
            ours, its = time.process_time() - began, server.counts().cpu_seconds - spent
    assert its < ours
