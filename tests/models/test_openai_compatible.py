"""The client of the Chat Completions protocol against a real server over loopback: what it sends and what it reads."""

import gc
import json
from collections.abc import AsyncIterator

import aiohttp
import anyio
import pytest
from aiohttp import web
from chat_server import (
    KEY,
    PROMPT,
    REPLY,
    SCHEMA,
    USAGE,
    Server,
    ask,
    client,
    piece,
    says,
    serving,
    streams,
)

from comity.models.openai_compatible import OpenAICompatible
from comity.models.protocol import (
    AuthenticationFailed,
    BadReply,
    BadRequest,
    Sampling,
    ServerFailed,
    Unreachable,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as made:
        yield made


async def test_a_reply_comes_with_its_cost(server: Server) -> None:
    server.answer(says(REPLY))
    async with client(server.url) as model:
        completion = await ask(model)
        assert model.name == "test:asked-model"
    assert (completion.text, completion.finish_reason, completion.model) == ("Hello.", "stop", "served-model")
    counted = completion.prompt_tokens, completion.cached_tokens, completion.completion_tokens
    assert counted == (12, 8, 5)
    assert completion.seconds > 0
    assert completion.first_token_seconds is None
    assert completion.constrained is False


async def test_a_streamed_reply_is_heard_as_it_comes_and_costs_the_same(server: Server) -> None:
    usage = {"choices": [], "usage": USAGE}
    server.answer(
        streams(
            ": a comment",
            piece(""),
            piece("Hel"),
            piece("lo. 王"),
            "event: ping",
            piece(None, "length"),
            usage,
            "data: [DONE]",
        )
    )
    heard: list[str] = []
    async with client(server.url) as model:
        completion = await ask(model, stream=heard.append)
    assert heard == ["Hel", "lo. 王"]
    assert (completion.text, completion.finish_reason, completion.model) == ("Hello. 王", "length", "served-model")
    counted = completion.prompt_tokens, completion.cached_tokens, completion.completion_tokens
    assert counted == (12, 8, 5)
    assert completion.first_token_seconds is not None
    assert 0 < completion.first_token_seconds <= completion.seconds
    assert server.bodies[0]["stream"] is True
    assert server.bodies[0]["stream_options"] == {"include_usage": True}


async def test_the_request_holds_what_was_asked_for_and_no_more(server: Server) -> None:
    server.answer(says(REPLY))
    sampling = Sampling(
        temperature=0.5, top_p=0.9, max_tokens=64, seed=7, extra={"repeat_penalty": 1.1, "stop": ["\n"]}
    )
    async with client(server.url + "/", api_key=None) as model:
        await ask(model, sampling=Sampling(temperature=None, max_tokens=None))
        constrained = await ask(model, sampling=sampling, schema=SCHEMA)
    messages = [{"role": message.role, "content": message.content} for message in PROMPT]
    assert server.bodies[0] == {"model": "asked-model", "messages": messages}
    assert server.bodies[1] == {
        "model": "asked-model",
        "messages": messages,
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 64,
        "seed": 7,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "action", "strict": True, "schema": SCHEMA.body},
        },
        "repeat_penalty": 1.1,
        "stop": ["\n"],
    }
    assert constrained.constrained is True
    assert server.paths == ["/v1/chat/completions"] * 2
    assert "Authorization" not in server.headers[0]


async def test_the_key_goes_in_a_header_and_the_token_limit_in_its_field(server: Server) -> None:
    server.answer(says(REPLY))
    async with client(server.url, token_limit="max_completion_tokens") as model:
        await ask(model)
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert server.bodies[0]["max_completion_tokens"] == 1024
    assert "max_tokens" not in server.bodies[0]


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_server_that_refuses_schemas_is_asked_without_from_then_on(server: Server, streamed: bool) -> None:
    refused = says({"error": {"message": "response_format type json_schema is not supported"}}, 400)
    fine = streams(piece("Hello.", "stop")) if streamed else says(REPLY)
    server.answer(refused, fine)
    heard: list[str] = []
    async with client(server.url) as model:
        for _ in range(2):
            completion = await ask(model, schema=SCHEMA, stream=heard.append if streamed else None)
            assert (completion.text, completion.constrained) == ("Hello.", False)
    assert ["response_format" in body for body in server.bodies] == [True, False, False]


async def test_a_server_that_refuses_something_else_is_not_asked_again(server: Server) -> None:
    server.answer(says({"error": {"message": "temperature must be at most 2"}}, 400), says(REPLY))
    async with client(server.url) as model:
        with pytest.raises(BadRequest, match="temperature must be at most 2"):
            await ask(model, schema=SCHEMA)
        assert (await ask(model, schema=SCHEMA)).constrained is True
    assert len(server.bodies) == 2


@pytest.mark.parametrize("usage", [None, 7, [], "many", {}, {"prompt_tokens": "12"}, {"prompt_tokens_details": 5}])
async def test_odd_usage_is_unknown_usage(server: Server, usage: object) -> None:
    server.answer(says(REPLY | {"usage": usage}), streams(piece("Hi", "stop"), {"choices": [], "usage": usage}))
    async with client(server.url) as model:
        for stream in (None, lambda piece: None):
            completion = await ask(model, stream=stream)
            assert completion.prompt_tokens is completion.cached_tokens is completion.completion_tokens is None


@pytest.mark.parametrize("message", [{"content": None}, {"content": ""}, {}])
async def test_a_reply_without_content_is_empty(server: Server, message: object) -> None:
    server.answer(says({"choices": [{"message": message, "finish_reason": "length"}]}))
    async with client(server.url) as model:
        completion = await ask(model)
    assert (completion.text, completion.finish_reason, completion.model) == ("", "length", "asked-model")


async def test_half_a_character_becomes_a_whole_one(server: Server) -> None:
    whole = {"choices": [{"message": {"content": "a\ud83d"}, "finish_reason": "stop"}]}
    server.answer(says(whole), streams(piece("a\ud83d"), piece("\ude00", "stop")))
    async with client(server.url) as model:
        assert (await ask(model)).text == "a\ufffd"
        assert (await ask(model, stream=lambda piece: None)).text == "a😀"


async def test_proxies_of_the_environment_are_ignored(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    server.answer(says(REPLY))
    async with client(server.url) as model:
        assert (await ask(model)).text == "Hello."


async def test_keys_of_the_environment_are_ignored(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.answer(says(REPLY))
    async with client(server.url, api_key=None) as model:
        await ask(model)
    assert "Authorization" not in server.headers[0]


async def test_a_call_can_be_cancelled_and_the_next_one_works(server: Server) -> None:
    started, done = anyio.Event(), anyio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        started.set()
        await done.wait()
        return web.Response()

    server.answer(hang, says(REPLY))
    async with client(server.url) as model:
        async with anyio.create_task_group() as group:
            group.start_soon(ask, model)
            await started.wait()
            group.cancel_scope.cancel()
        done.set()
        assert (await ask(model)).text == "Hello."


async def test_what_the_listener_raises_is_passed_on(server: Server) -> None:
    def listen(piece: str) -> None:
        raise LookupError(piece)

    server.answer(streams(piece("Hel"), piece("lo", "stop")))
    async with client(server.url) as model:
        with pytest.raises(LookupError, match="Hel"):
            await ask(model, stream=listen)


async def test_a_call_that_waits_does_not_hold_what_it_has_sent(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    came, done = anyio.Event(), anyio.Event()
    bodies: list[aiohttp.BytesPayload] = []
    init = aiohttp.BytesPayload.__init__

    def keep(self: aiohttp.BytesPayload, value: bytes, *args: object, **kwargs: object) -> None:
        init(self, value, *args, **kwargs)
        bodies.append(self)

    async def wait(request: web.Request) -> web.StreamResponse:
        came.set()
        await done.wait()
        return await says(REPLY)(request)

    monkeypatch.setattr(aiohttp.BytesPayload, "__init__", keep)
    server.answer(wait)
    async with client(server.url) as model, anyio.create_task_group() as group:
        group.start_soon(ask, model)
        await came.wait()
        (body,) = bodies
        assert (body.size, await body.as_bytes()) == (len(json.dumps(server.bodies[0], separators=(",", ":"))), b"")
        done.set()


async def test_cookies_are_not_kept(server: Server) -> None:
    server.answer(says(REPLY, Set_Cookie="who=ana; Path=/"))
    async with client(server.url.replace("127.0.0.1", "localhost")) as model:  # no jar keeps those of a bare number
        await ask(model)
        await ask(model)
    assert "Cookie" not in server.headers[1]


async def test_calls_at_the_same_time_do_not_mix(server: Server) -> None:
    async def echo(request: web.Request) -> web.StreamResponse:
        seed = json.loads(await request.read())["seed"]
        return await streams(piece(f"{seed} "), piece(f"{seed}", "stop"))(request)

    server.answer(echo)
    texts: dict[int, str] = {}
    async with client(server.url) as model, anyio.create_task_group() as group:

        async def one(seed: int) -> None:
            texts[seed] = (await ask(model, sampling=Sampling(seed=seed), stream=lambda piece: None)).text

        for seed in range(20):
            group.start_soon(one, seed)
    assert texts == {seed: f"{seed} {seed}" for seed in range(20)}


async def test_the_server_lists_its_models(server: Server) -> None:
    server.answer(says({"data": [{"id": "one"}, {"id": "two"}, {"name": "three"}]}))
    async with client(server.url) as model:
        assert await model.models() == ["one", "two"]
    assert server.paths == ["/v1/models"]


async def test_a_list_of_models_that_is_none_is_a_bad_reply(server: Server) -> None:
    server.answer(says({"models": []}), says({"error": "no"}, 401))
    async with client(server.url) as model:
        with pytest.raises(BadReply, match="did not list models"):
            await model.models()
        with pytest.raises(AuthenticationFailed):
            await model.models()


async def test_closing_leaves_nothing_open_and_may_happen_twice(server: Server) -> None:
    server.answer(says(REPLY), says({"error": "no"}, 500), streams(piece("Hel")), says(REPLY))
    model = OpenAICompatible(server.url, "m", name="m")
    await model.aclose()
    await ask(model)
    with pytest.raises(ServerFailed):
        await ask(model)
    with pytest.raises(Unreachable):
        await ask(model, stream=lambda piece: None)
    await model.aclose()
    await model.aclose()
    assert (await ask(model)).text == "Hello."
    await model.aclose()
    del model
    gc.collect()  # an open session would warn, and warnings are errors
