"""Remembered replies: what counts as the same question, what is given again and what is not."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_questions import CHANGES, Question, pairs, questions

from comity.models.budget import Budget, Meter, Metered
from comity.models.cache import Cached, ResponseCache, reply_key
from comity.models.calls import recorded
from comity.models.prices import Prices
from comity.models.protocol import Completion, Message, Sampling, Schema, ServerFailed

pytestmark = pytest.mark.anyio

ASKED = (Message("system", "Be brief."), Message("user", "Hello?"))
SCHEMA = Schema("action", {"type": "object"})
SAMPLING = Sampling(seed=3)


class Model:
    """Answers with the number of the call, and fails where it is told to."""

    name = "m"

    def __init__(self) -> None:
        self.calls = 0
        self.closed = False
        self.fails: Exception | None = None
        self.free = anyio.Event()
        self.free.set()

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None,
        sampling: Sampling,
        session: str,
        stream: Callable[[str], None] | None = None,
    ) -> Completion:
        self.calls += 1
        await self.free.wait()
        if self.fails:
            raise self.fails
        for piece in ("reply ", str(self.calls)):
            if stream is not None:
                stream(piece)
        return Completion(
            text=f"reply {self.calls}",
            finish_reason="stop",
            seconds=2.5,
            first_token_seconds=0.5,
            prompt_tokens=100,
            cached_tokens=64,
            completion_tokens=7,
            constrained=True,
            model="m-served",
        )

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[ResponseCache]:
    with ResponseCache.open(tmp_path / "replies.db") as opened:
        yield opened


async def ask(
    model: Cached,
    messages: Sequence[Message] = ASKED,
    *,
    schema: Schema | None = SCHEMA,
    sampling: Sampling = SAMPLING,
    session: str = "s",
    stream: Callable[[str], None] | None = None,
) -> Completion:
    return await model.complete(messages, schema=schema, sampling=sampling, session=session, stream=stream)


def cached(model: Model, cache: ResponseCache, endpoint: str = "http://h/v1#m", repeat: int = 0) -> Cached:
    return Cached(model, cache, endpoint=endpoint, repeat=repeat)


@pytest.mark.parametrize("change", CHANGES)
@settings(max_examples=30)
@given(data=st.data())
def test_changing_any_one_thing_that_can_change_the_answer_changes_the_key(change: str, data: st.DataObject) -> None:
    one, other = data.draw(pairs(change))
    assert one.key != other.key


@given(questions)
def test_the_same_question_made_anew_has_the_same_key(asked: Question) -> None:
    assert asked.again().key == asked.key
    assert len(asked.key) == 32


@given(questions, questions)
def test_two_questions_of_one_key_are_the_same_question(one: Question, other: Question) -> None:
    assert (one.key == other.key) == (repr(one) == repr(other))


def test_the_order_of_a_schemas_fields_counts_as_a_model_may_answer_in_it() -> None:
    bodies: list[dict[str, object]] = [{"a": {}, "b": {}}, {"b": {}, "a": {}}]
    keys = {
        reply_key(ASKED, schema=Schema("s", body), sampling=SAMPLING, model="m", endpoint="e", repeat=0)
        for body in bodies
    }
    assert len(keys) == 2


def test_what_was_remembered_before_replies_could_be_free_is_found_again() -> None:
    sampling = Sampling(temperature=0.5, seed=3, extra={"min_p": 0.1})
    asked = (Message("user", "Hello?"),)
    key = reply_key(asked, schema=SCHEMA, sampling=sampling, model="m", endpoint="e", repeat=1)
    assert key.hex() == "a8d691bf0b6741f7c1aeca03a327c805127d90a0916789aa6f0c3467a2b69d9c"


async def test_the_same_question_is_answered_from_the_cache(cache: ResponseCache) -> None:
    inner = Model()
    model = cached(inner, cache)
    first, again = await ask(model), await ask(model)
    assert (first.from_cache, again.from_cache) == (False, True)
    assert again == Completion(
        text="reply 1",
        finish_reason="stop",
        seconds=0.0,
        prompt_tokens=100,
        cached_tokens=64,
        completion_tokens=7,
        constrained=True,
        model="m-served",
        from_cache=True,
    )
    cache.flush()
    assert await ask(model) == again
    assert inner.calls == 1


async def test_session_and_listener_do_not_matter_and_a_listener_hears_the_whole_reply(cache: ResponseCache) -> None:
    inner, heard = Model(), list[str]()
    model = cached(inner, cache)
    await ask(model, session="a", stream=heard.append)
    await ask(model, session="b")
    await ask(model, session="c", stream=heard.append)
    assert heard == ["reply ", "1", "reply 1"]
    assert inner.calls == 1


async def test_another_question_is_asked(cache: ResponseCache) -> None:
    inner = Model()
    model = cached(inner, cache)
    replies = [
        await ask(model),
        await ask(model, ASKED[:1]),
        await ask(model, schema=None),
        await ask(model, schema=Schema("action", {"type": "string"})),
        await ask(model, sampling=Sampling(seed=4)),
        await ask(cached(inner, cache, repeat=1)),
        await ask(cached(inner, cache, endpoint="http://other/v1#m")),
    ]
    assert [reply.text for reply in replies] == [f"reply {n}" for n in range(1, 8)]


async def test_many_schemas_are_told_apart_however_many_there_are(cache: ResponseCache) -> None:
    inner = Model()
    model = cached(inner, cache)
    for _ in range(2):
        for n in range(200):
            await ask(model, schema=Schema("scorecard", {"enum": [n]}))
    assert inner.calls == 200
    assert 0 < len(model._schemas) <= 64


async def test_what_failed_or_was_cancelled_is_asked_again(cache: ResponseCache) -> None:
    inner = Model()
    model = cached(inner, cache)
    inner.fails = ServerFailed("broke")
    for _ in range(2):
        with pytest.raises(ServerFailed):
            await ask(model)
    inner.fails, inner.free = None, anyio.Event()
    with anyio.move_on_after(0.01):
        await ask(model)
    inner.free.set()
    cache.flush()
    assert cache.size().entries == 0
    assert (await ask(model)).text == "reply 4"


async def test_a_remembered_reply_costs_no_budget(cache: ResponseCache, tmp_path: Path) -> None:
    meter = Meter(Budget(calls=1), Prices({}, tmp_path / "prices.toml"))
    model = Cached(Metered(Model(), meter), cache, endpoint="e", repeat=0)
    for _ in range(5):
        await ask(model)
    assert meter.total.calls == 1


async def test_the_record_of_a_call_says_that_the_reply_was_remembered(cache: ResponseCache) -> None:
    model = cached(Model(), cache)
    calls = [recorded(model, ASKED, await ask(model), 1, "ok") for _ in range(2)]
    assert [call.from_cache for call in calls] == [False, True]
    assert [call.seconds for call in calls] == [2.5, 0.0]
    assert json.loads(calls[1].model_dump_json())["from_cache"] is True


async def test_who_is_answered_from_the_cache_lets_others_run_and_can_be_stopped(cache: ResponseCache) -> None:
    model = cached(Model(), cache)
    await ask(model)
    answered = 0
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.lowlevel.checkpoint)
            tasks.start_soon(stop, scope)
            while answered < 1000:
                await ask(model)
                answered += 1
    assert answered < 1000


async def stop(scope: anyio.CancelScope) -> None:
    scope.cancel()


async def test_a_cached_model_is_the_model_in_all_else(cache: ResponseCache) -> None:
    inner = Model()
    model = cached(inner, cache)
    assert model.name == "m"
    await model.aclose()
    assert inner.closed
    assert (await ask(model)).text == "reply 1"
