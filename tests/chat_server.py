"""A real server of this machine for the tests of the client, handlers that answer as servers do, well or badly, and a call to ask it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from comity.models.openai_compatible import OpenAICompatible
from comity.models.protocol import Completion, Message, Sampling, Schema, Timeouts

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """A server on a free port of this machine. Answers with what `answers` holds, the last one again and again."""

    def __init__(self) -> None:
        self.answers: list[Handler] = []
        self.bodies: list[Mapping[str, object]] = []
        self.headers: list[Mapping[str, str]] = []
        self.paths: list[str] = []
        self.url = ""

    def answer(self, *handlers: Handler) -> "Server":
        self.answers = list(handlers)
        return self

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        self.headers.append(request.headers)
        self.bodies.append(json.loads(await request.read() or b"{}"))
        return await self.answers[min(len(self.paths), len(self.answers)) - 1](request)


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    made = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield made
    finally:
        await runner.cleanup()


def says(body: object, status: int = 200, **headers: str) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(text=json.dumps(body), status=status, content_type="application/json", headers=sent)

    return handle


def says_text(text: str | bytes, status: int = 200, content_type: str = "text/html") -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        body = text.encode() if isinstance(text, str) else text
        return web.Response(body=body, status=status, content_type=content_type)

    return handle


def streams(*events: object, broken: bool = False) -> Handler:
    """Sends these as server-sent events, text as it is and the rest as JSON; `broken` resets the connection then."""

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in events:
            line = event if isinstance(event, str) else f"data: {json.dumps(event)}"
            await response.write(f"{line}\n\n".encode())
        if broken:
            assert request.transport is not None
            request.transport.abort()
        return response

    return handle


def piece(content: str | None = None, finish: str | None = None) -> dict[str, object]:
    return {"model": "served-model", "choices": [{"delta": {"content": content}, "finish_reason": finish}]}


KEY = "sk-this-is-a-key-that-nobody-may-see"
PROMPT = [
    Message("system", "You are Ana. Your secret: you sold the family piano to pay a debt."),
    Message("user", "Turn 1 of 20. What do you do?"),
]
SCHEMA = Schema("action", {"type": "object", "properties": {"argument": {"type": "string"}}})
USAGE = {"prompt_tokens": 12, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 8}}
REPLY: dict[str, object] = {
    "model": "served-model",
    "choices": [{"message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
    "usage": USAGE,
}


@asynccontextmanager
async def client(
    url: str, api_key: str | None = KEY, token_limit: str = "max_tokens", timeouts: Timeouts | None = None
) -> AsyncIterator[OpenAICompatible]:
    model = OpenAICompatible(
        url,
        "asked-model",
        name="test:asked-model",
        api_key=api_key,
        token_limit=token_limit,
        timeouts=timeouts or Timeouts(call=30.0),
    )
    try:
        yield model
    finally:
        await model.aclose()


async def ask(
    model: OpenAICompatible,
    *,
    schema: Schema | None = None,
    sampling: Sampling | None = None,
    stream: Callable[[str], None] | None = None,
) -> Completion:
    return await model.complete(PROMPT, schema=schema, sampling=sampling or Sampling(), session="s", stream=stream)
