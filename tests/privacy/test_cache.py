"""What the cache of replies may hold, and what trouble with it may say: replies in its file, and nothing that was asked or is secret anywhere."""

import re
import sqlite3
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import anyio
import pytest
from chat_server import REPLY, says, serving
from hypothesis import HealthCheck, given, settings

from comity.agents.llm import LLMAgent
from comity.evaluate.judge import LLMJudge
from comity.models.budget import Budget, BudgetExhausted, Meter, Metered, UnknownPrice
from comity.models.cache import Cached, CacheError, ResponseCache
from comity.models.openai_compatible import OpenAICompatible
from comity.models.prices import Price, Prices
from comity.models.protocol import Message, Sampling, Schema
from comity.models.scripted import SCRIPTS, ScriptedModel
from comity.simulate import simulate
from comity.world.episodes import Episode
from privacy.recording import Asked, RecordingModel
from privacy.worlds import World, worlds

_TOKEN = re.compile(rb"canary\d{4}x", re.IGNORECASE)
ASKED, ANSWERED, KEY = "canary1111x", "canary2222x", "canary3333x"


def tokens(text: bytes | str) -> set[bytes]:
    """The canaries in a text, or in a file's bytes."""
    return {token.lower() for token in _TOKEN.findall(text.encode() if isinstance(text, str) else text)}


def on_disk(path: Path) -> bytes:
    """The cache's file and all beside it."""
    return b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()))


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(world=worlds())
def test_the_file_holds_what_models_answered_and_nothing_they_were_told(
    tmp_path_factory: pytest.TempPathFactory, world: World
) -> None:
    path = tmp_path_factory.mktemp("world") / "replies.db"
    replies: list[str] = []

    def answer(asked: Asked) -> str:
        replies.append(_answer(world, asked))
        return replies[-1]

    model = RecordingModel(answer)
    with ResponseCache.open(path) as cache:
        episode = anyio.run(_played, world, Cached(model, cache, endpoint="e", repeat=0))
        cache.flush()
        held = tokens(on_disk(path))
        listed = str([*cache.entries(), cache.size()])
    assert tokens("".join(asked.text for asked in model.asked)) - tokens("".join(replies))
    assert held == tokens("".join(replies))
    assert tokens(listed) == set()
    assert episode.events


async def _played(world: World, model: Cached) -> Episode:
    agents = dict.fromkeys(world.seats, LLMAgent(model, style=world.style))
    episode = await simulate(world.task, agents, seed=world.seed, mode=world.mode, lite=world.lite)
    await LLMJudge(model).score(episode)
    return episode


def _answer(world: World, asked: Asked) -> str:
    if asked.session.endswith("/judge"):
        return SCRIPTS["demo"](asked.messages, asked.schema, asked.sampling)
    return world.answer(asked.schema, asked.session, asked.again, len(asked.text))


@pytest.mark.anyio
async def test_the_file_holds_no_key_and_nothing_of_schema_and_sampling(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "replies.db"
    async with serving() as server:
        server.answer(says(REPLY))
        client = OpenAICompatible(server.url, "m", name=f"{server.url}#m&key_env=MY_KEY", api_key=KEY)
        with ResponseCache.open(path) as cache:
            model = Cached(client, cache, endpoint=server.url, repeat=0)
            await model.complete(
                [Message("user", ASKED)],
                schema=Schema(ASKED, {"description": ASKED}),
                sampling=Sampling(extra={"user": ASKED}),
                session=ASKED,
            )
            cache.flush()
            assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
            assert ASKED in str(server.bodies[0])
            assert len(cache.entries()) == 1
            assert tokens(on_disk(path)) == set()
        await client.aclose()


def locked(cache: ResponseCache, other: sqlite3.Connection) -> None:
    other.execute("BEGIN IMMEDIATE")


def full(cache: ResponseCache, other: sqlite3.Connection) -> None:
    cache._writing.execute("PRAGMA max_page_count = 1")


def without_its_table(cache: ResponseCache, other: sqlite3.Connection) -> None:
    other.execute("DROP TABLE replies")


def with_a_forbidding_trigger(cache: ResponseCache, other: sqlite3.Connection) -> None:
    other.execute("CREATE TRIGGER no BEFORE INSERT ON replies BEGIN SELECT RAISE(ABORT, 'no'); END")


def with_damaged_replies(cache: ResponseCache, other: sqlite3.Connection) -> None:
    other.execute("UPDATE replies SET body = CAST(body AS TEXT)")


def with_bytes_that_are_no_text(cache: ResponseCache, other: sqlite3.Connection) -> None:
    other.execute("UPDATE replies SET body = CAST(body || x'ff' AS TEXT)")


CONDITIONS = [
    locked,
    full,
    without_its_table,
    with_a_forbidding_trigger,
    with_damaged_replies,
    with_bytes_that_are_no_text,
]


@pytest.fixture
def other(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "replies.db", isolation_level=None)
    yield connection
    connection.close()


@pytest.mark.parametrize("condition", CONDITIONS)
def test_no_trouble_and_no_error_repeats_what_was_asked_or_answered(
    tmp_path: Path, other: sqlite3.Connection, condition: Callable[[ResponseCache, sqlite3.Connection], None]
) -> None:
    said: list[str] = []
    with ResponseCache.open(tmp_path / "replies.db", on_trouble=said.append, wait=0.01) as cache:
        anyio.run(_ask, cache)
        cache.flush()
        condition(cache, other)
        anyio.run(_ask, cache)
        anyio.run(_ask, cache, 1)
        cache.flush()
        uses: Sequence[Callable[[], object]] = (cache.entries, cache.size, lambda: cache.prune(max_bytes=0))
        for use in uses:
            try:
                said.append(str(use()))
            except CacheError as error:
                said.append(everything_said(error))
    assert any(str(tmp_path) in each for each in said)
    assert tokens("\n".join(said)) == set()


def test_a_cache_that_cannot_be_opened_is_not_quoted(tmp_path: Path) -> None:
    file = tmp_path / "replies.db"
    file.write_text(f"{ASKED} " * 200)
    with pytest.raises(CacheError) as raised:
        ResponseCache.open(file)
    assert tokens(everything_said(raised.value)) == set()


@pytest.mark.anyio
async def test_a_budget_that_is_spent_and_a_price_that_is_unknown_say_nothing_of_the_prompt(tmp_path: Path) -> None:
    prices = Prices({"paid": Price(prompt=1, completion=1)}, tmp_path / "prices.toml")
    inner = ScriptedModel(lambda messages, schema, sampling: ANSWERED, name="paid")
    unpriced = ScriptedModel(lambda messages, schema, sampling: ANSWERED, name="unknown")
    for budget, model in (
        (Budget(tokens=1), inner),
        (Budget(money=0.000001), inner),
        (Budget(money=1.0), unpriced),
    ):
        metered = Metered(model, Meter(budget, prices))
        with pytest.raises((BudgetExhausted, UnknownPrice)) as raised:
            await metered.complete([Message("user", ASKED)], schema=None, sampling=Sampling(), session=ASKED)
        assert tokens(everything_said(raised.value)) == set()


def everything_said(error: BaseException | None) -> str:
    """The error as printed, and every exception behind it, shown or not."""
    said = "".join(traceback.format_exception_only(error)) if error else ""
    while error is not None:
        said += f"{error}{error!r}"
        error = error.__cause__ or error.__context__
    return said


async def _ask(cache: ResponseCache, repeat: int = 0) -> None:
    inner = ScriptedModel(lambda messages, schema, sampling: ANSWERED + "x" * 9000, name="model")
    model = Cached(inner, cache, endpoint="endpoint", repeat=repeat)
    messages: Sequence[Message] = [Message("user", ASKED)]
    reply = await model.complete(messages, schema=Schema("s", {"x": ASKED}), sampling=Sampling(), session=ASKED)
    assert reply.text.startswith(ANSWERED)
