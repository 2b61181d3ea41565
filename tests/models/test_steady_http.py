"""A steady model before real servers that fail in every way: each call is answered in the end, and few requests are made for it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from email.utils import formatdate

import anyio
import pytest
import stamina
from aiohttp import web
from anyio.abc import SocketAttribute
from chat_server import REPLY, Handler, Server, ask, client, piece, says, says_text, serving, streams

from comity.models.endpoints import Endpoint, EndpointLimits
from comity.models.openai_compatible import OpenAICompatible
from comity.models.protocol import (
    BadReply,
    BadRequest,
    Completion,
    Message,
    ModelError,
    Overloaded,
    Sampling,
    Schema,
    ServerFailed,
    Timeouts,
    Unreachable,
)
from comity.models.steady import Retries, Steady

pytestmark = pytest.mark.anyio

QUICK = Retries(wait_initial=0.01, wait_max=0.1)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    stamina.instrumentation.set_on_retry_hooks(())
    yield
    stamina.instrumentation.set_on_retry_hooks(None)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as made:
        yield made


class Counted:
    """Knows how many requests are sent, where no server is there to count them."""

    def __init__(self, client: OpenAICompatible) -> None:
        self._client, self.requests = client, 0
        self.name = client.name

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None,
        sampling: Sampling,
        session: str,
        stream: Callable[[str], None] | None = None,
    ) -> Completion:
        self.requests += 1
        return await self._client.complete(messages, schema=schema, sampling=sampling, session=session, stream=stream)

    async def aclose(self) -> None:
        await self._client.aclose()


@asynccontextmanager
async def steady(
    url: str, limits: EndpointLimits | None = None, timeouts: Timeouts | None = None
) -> AsyncIterator[tuple[Steady, Endpoint, Counted]]:
    async with client(url, timeouts=timeouts) as plain:
        counted, endpoint = Counted(plain), Endpoint(url, limits)
        yield Steady(counted, endpoint, QUICK), endpoint, counted


async def hang(request: web.Request) -> web.StreamResponse:
    await anyio.sleep(3600)
    return web.Response()


async def reset(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def hang_up_halfway(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(json.dumps(REPLY).encode()[:40])
    assert request.transport is not None
    request.transport.abort()
    return response


FAULTS: dict[str, tuple[Handler, type[ModelError]]] = {
    "500": (says({"error": "broken"}, 500), ServerFailed),
    "502 of HTML": (says_text("<html>Bad gateway</html>", 502), ServerFailed),
    "429": (says({"error": "busy"}, 429), Overloaded),
    "503": (says({"error": "loading"}, 503), Overloaded),
    "hang": (hang, Unreachable),
    "reset": (reset, Unreachable),
    "reset halfway": (hang_up_halfway, Unreachable),
    "HTML": (says_text("<html>Welcome!</html>"), BadReply),
    "truncated JSON": (says_text(json.dumps(REPLY)[:40], content_type="application/json"), BadReply),
    "another shape": (says({"choices": []}), BadReply),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_after_faults_a_call_is_answered_with_one_request_more_for_each(server: Server, fault: str) -> None:
    handler, _ = FAULTS[fault]
    server.answer(handler, handler, handler, says(REPLY))
    async with steady(server.url, timeouts=Timeouts(call=0.3)) as (model, endpoint, _):
        assert (await model.complete([], schema=None, sampling=Sampling(), session="s")).text == "Hello."
        assert len(server.paths) == 4
        assert (endpoint.state().in_flight, endpoint.state().problem) == (0, "")


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_that_stays_is_told_after_all_attempts(server: Server, fault: str) -> None:
    handler, kind = FAULTS[fault]
    server.answer(handler)
    async with client(server.url, timeouts=Timeouts(call=0.1)) as plain:
        model = Steady(plain, Endpoint(server.url), Retries(attempts=3, wait_initial=0.01))
        with pytest.raises(kind):
            await model.complete([], schema=None, sampling=Sampling(), session="s")
    assert len(server.paths) == 3


async def test_a_refusal_is_asked_once(server: Server) -> None:
    server.answer(says({"error": "no such setting"}, 400))
    async with steady(server.url) as (model, _, _):
        with pytest.raises(BadRequest):
            await model.complete([], schema=None, sampling=Sampling(), session="s")
    assert len(server.paths) == 1


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_is_honoured_for_all_calls(server: Server, form: str) -> None:
    async def busy(request: web.Request) -> web.StreamResponse:
        when = "1" if form == "seconds" else formatdate(time.time() + 2, usegmt=True)
        return web.Response(status=429, headers={"Retry-After": when})

    server.answer(busy, says(REPLY))
    async with steady(server.url) as (model, endpoint, _):
        began = time.monotonic()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask_steady, model)
            with anyio.fail_after(5):
                while endpoint.state().next_try is None:
                    await anyio.lowlevel.checkpoint()
            for _ in range(10):
                tasks.start_soon(ask_steady, model)
        # a date is in whole seconds, and so is the server's own that it is counted from
        assert time.monotonic() - began >= (1.0 if form == "seconds" else 0.9)
    assert len(server.paths) == 12


async def ask_steady(model: Steady) -> None:
    assert (await model.complete([], schema=None, sampling=Sampling(), session="s")).text == "Hello."


async def test_a_stream_that_breaks_after_a_word_is_not_begun_again(server: Server) -> None:
    server.answer(streams(piece("Hel"), broken=True), streams(piece("Hello.", "stop")))
    heard: list[str] = []
    async with steady(server.url) as (model, _, _):
        with pytest.raises(Unreachable):
            await model.complete([], schema=None, sampling=Sampling(), session="s", stream=heard.append)
        assert heard == ["Hel"]
        await model.complete([], schema=None, sampling=Sampling(), session="s", stream=heard.append)
    assert heard == ["Hel", "Hello."]


class Mortal:
    """A model server that dies and returns on the same port."""

    def __init__(self, port: int, latency: float) -> None:
        self._port, self._latency = port, latency
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._alive = False
        self.busy = anyio.Event()
        """It has a request to answer."""

    async def live(self) -> None:
        self._alive = True
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)

    async def die(self) -> None:
        assert self._server is not None
        self._alive = False
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        body = json.dumps(REPLY).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        try:
            while self._alive:
                asked = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in asked.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                await reader.readexactly(int(length.partition(b":")[2]))
                self.busy.set()
                await asyncio.sleep(self._latency)
                writer.write(head + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()


@pytest.fixture
async def free_port() -> int:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        return int(listener.extra(SocketAttribute.local_port))


@pytest.mark.parametrize("in_flight", [8, None])
async def test_a_server_that_dies_and_returns_while_calls_wait_answers_them_all(
    free_port: int, in_flight: int | None
) -> None:
    mortal, answers = Mortal(free_port, latency=0.05), 0
    url = f"http://127.0.0.1:{free_port}/v1"
    await mortal.live()
    async with steady(url, EndpointLimits(in_flight=in_flight)) as (model, endpoint, counted):

        async def calls() -> None:
            nonlocal answers
            await ask_steady(model)
            answers += 1

        async with anyio.create_task_group() as tasks:
            for _ in range(200):
                tasks.start_soon(calls)
            await mortal.busy.wait()
            await mortal.die()
            sent_before = counted.requests
            await anyio.sleep(1.5)
            assert endpoint.is_out
            assert endpoint.state().waiting >= 100
            sent_while_dead = counted.requests - sent_before
            await mortal.live()
        assert answers == 200
        assert sent_while_dead <= 8 + 128 + 2
        assert counted.requests <= 200 + 128 + sent_while_dead
        state = endpoint.state()
        assert (state.in_flight, state.waiting, state.open_for, state.problem) == (0, 0, None, "")
    await mortal.die()


@pytest.mark.parametrize("milliseconds", [0, 1, 3, 10, 30, 60, 120])
async def test_cancelled_over_a_real_connection_at_any_time_no_place_is_lost(server: Server, milliseconds: int) -> None:
    async def slowly(request: web.Request) -> web.StreamResponse:
        await anyio.sleep(0.02)
        number = len(server.paths)
        return await (says({"error": "broken"}, 500) if number % 5 == 0 else says(REPLY))(request)

    server.answer(slowly)
    async with steady(server.url, EndpointLimits(in_flight=4)) as (model, endpoint, _):
        with anyio.move_on_after(milliseconds / 1000):
            async with anyio.create_task_group() as tasks:
                for _ in range(40):
                    tasks.start_soon(ask_steady, model)
        assert (endpoint.state().in_flight, endpoint.state().waiting) == (0, 0)
        await ask_steady(model)


async def test_a_plain_client_would_have_failed(server: Server) -> None:
    server.answer(says({"error": "broken"}, 500), says(REPLY))
    async with client(server.url) as plain:
        with pytest.raises(ServerFailed):
            await ask(plain)
