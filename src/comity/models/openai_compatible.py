"""A thin client of the Chat Completions protocol, which OpenAI, vLLM, Ollama, llama.cpp and most others speak.

One POST a call over aiohttp, streamed when somebody listens. It sends to the address it was given and to no other: redirects
are refused, proxies and keys are never taken from the environment here, and cookies are not kept. Retries are not its business.
"""

import json
import math
import re
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import aiohttp
import anyio
from aiohttp.abc import AbstractStreamWriter

from comity.models.chat_completions import Events, PartialReply, read_object, request_body
from comity.models.protocol import (
    AuthenticationFailed,
    BadReply,
    BadRequest,
    Completion,
    ContextExceeded,
    Message,
    ModelError,
    ModelNotFound,
    Overloaded,
    Sampling,
    Schema,
    ServerFailed,
    Timeouts,
    Unreachable,
)

__all__ = ["OpenAICompatible"]


class OpenAICompatible:
    """One model at one server.

    Args:
        base_url: the address up to and including `/v1`.
        model: the server's name for the model.
        name: the specification that goes into records.
        api_key: sent as a bearer token where given.
        token_limit: the field that bounds the reply; OpenAI's own newer models want `max_completion_tokens`.
        timeouts: how long to wait. Connections are not counted here: how many calls are in flight is decided by the caller.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        name: str,
        api_key: str | None = None,
        token_limit: str = "max_tokens",
        timeouts: Timeouts | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._model = model
        self._name = name
        self._token_limit = token_limit
        self._api_key = api_key or ""
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._timeouts = timeouts or Timeouts()
        self._http: aiohttp.ClientSession | None = None
        self._refused: set[str] = set()

    @property
    def name(self) -> str:
        """The specification it was made from."""
        return self._name

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None,
        sampling: Sampling,
        session: str,
        stream: Callable[[str], None] | None = None,
    ) -> Completion:
        """Answer; see `ChatModel`. A kind of schema that the server refuses is left out from then on, and the reply says so."""
        del session  # this protocol has no name for a conversation
        constrained = schema is not None and schema.name not in self._refused
        try:
            return await self._call(messages, schema if constrained else None, sampling, stream)
        except _SchemaRefused:
            self._refused.add(schema.name if schema else "")
            return await self._call(messages, None, sampling, stream)

    async def models(self) -> list[str]:
        """The names of the models the server offers. Raises `ModelError`."""
        async with self._exchange("GET", "/models") as exchange:
            listed = (await exchange.read()).get("data")
        if not isinstance(listed, list):
            raise BadReply(f"{self.base_url}/models did not list models; is this an OpenAI-compatible address?")
        return [str(entry["id"]) for entry in listed if isinstance(entry, dict) and "id" in entry]

    async def aclose(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def _call(
        self,
        messages: Sequence[Message],
        schema: Schema | None,
        sampling: Sampling,
        stream: Callable[[str], None] | None,
    ) -> Completion:
        streamed = stream is not None or self._timeouts.first_token is not None
        exchange = self._exchange("POST", "/chat/completions")
        exchange.messages, exchange.constrained = messages, schema is not None
        exchange.body = request_body(
            self._model, messages, schema, sampling, token_limit=self._token_limit, streamed=streamed
        )
        reply = PartialReply(self.base_url, constrained=schema is not None)
        try:
            if streamed:
                await self._listen(exchange, reply, stream or _unheard)
            else:
                async with exchange:
                    reply.take_whole(await exchange.read())
        except _Withheld:
            reply.withhold()
        return reply.completion(self._model)

    async def _listen(self, exchange: "_Exchange", reply: PartialReply, stream: Callable[[str], None]) -> None:
        """Take a reply as it comes. The first token ends the wait for it."""
        with anyio.move_on_after(self._timeouts.first_token) as waiting:
            async with exchange, aclosing(exchange.events()) as events:
                async for event in events:
                    piece = reply.take_chunk(event)
                    if reply.first is not None:
                        waiting.deadline = math.inf
                    if piece:
                        stream(piece)
        if waiting.cancelled_caught:
            late = f"sent no first token within {self._timeouts.first_token:g} s"
            raise Unreachable(f"{self.base_url} {late}; is the server overloaded?")

    def _exchange(self, method: str, path: str) -> "_Exchange":
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=self._timeouts.call, connect=self._timeouts.connect),
                trust_env=False,
            )
        return _Exchange(self._http, method, self.base_url, path, self._api_key)


def _unheard(piece: str) -> None:
    """Nobody listens; the reply is streamed to see its first token."""


class _Withheld(ServerFailed):
    """There is a reply, and the server does not hand it out."""


class _SchemaRefused(BadRequest):
    """The server takes no reply schemas."""


class _Body(aiohttp.BytesPayload):
    """A request's body, let go as soon as it is sent: thousands wait for their replies at the same time."""

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        await super().write_with_length(writer, content_length)
        self._value = b""


@dataclass(slots=True)
class _Exchange:
    """A request and its response, with transport faults and refusals turned into `ModelError`s wherever they strike."""

    http: aiohttp.ClientSession
    method: str
    base_url: str
    path: str
    api_key: str
    body: bytes | None = None
    messages: Sequence[Message] = ()
    constrained: bool = False
    response: aiohttp.ClientResponse | None = None

    async def __aenter__(self) -> "_Exchange":
        body = None if self.body is None else _Body(self.body, content_type="application/json")
        self.body = None
        try:
            self.response = await self.http.request(
                self.method, self.base_url + self.path, data=body, allow_redirects=False
            )
            if self.response.status != HTTPStatus.OK:
                raise await self._refusal(self.response)
        except (aiohttp.ClientError, TimeoutError) as error:
            self._release()
            raise _unreachable(self.base_url, error) from error
        except BaseException:
            self._release()
            raise
        return self

    async def __aexit__(self, *raised: object) -> None:
        self._release()

    def _release(self) -> None:
        if self.response is not None:
            self.response.release()

    async def read(self) -> Mapping[str, Any]:
        """The JSON object that the response holds."""
        try:
            body = await self._opened.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(self.base_url, error) from error
        return read_object(body, self.base_url + self.path, self._opened.content_type)

    @property
    def _opened(self) -> aiohttp.ClientResponse:
        assert self.response is not None, "it is not entered"
        return self.response

    async def events(self) -> AsyncGenerator[Mapping[str, Any], None]:
        """The response's events as they come. Raises `ServerFailed` at one that tells of an error."""
        events, more = Events(self.base_url + self.path), True
        while more:
            received = await self._receive()
            more = bool(received)
            for event in events.feed(received) if more else events.end():
                if event.get("error"):
                    whole = _message(event)
                    said = _repeatable(whole, self.messages, self.api_key)
                    failed = _Withheld if _WITHHELD_SIGN in whole.casefold() else ServerFailed
                    raise failed(f"{self.base_url} failed while answering: {said}")
                yield event

    async def _receive(self) -> bytes:
        """What has come, as soon as anything has; nothing at the end."""
        try:
            return await self._opened.content.readany()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(self.base_url, error) from error

    async def _refusal(self, response: aiohttp.ClientResponse) -> ModelError:
        whole = await _error_text(response)
        said, signs = _repeatable(whole, self.messages, self.api_key), whole.casefold()
        status, where = response.status, f"{self.base_url} answered {response.status}"
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return AuthenticationFailed(f"{where}: the API key is missing or refused ({said})")
        if status == HTTPStatus.NOT_FOUND:
            return ModelNotFound(f"{where}: no such model or address ({said})")
        if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            return Overloaded(f"{where}: {said}", _retry_after(response))
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return (_Withheld if _WITHHELD_SIGN in signs else ServerFailed)(f"{where}: {said}")
        if status < HTTPStatus.BAD_REQUEST:
            return BadReply(f"{where}: it redirects; name the final address instead")
        if any(sign in signs for sign in _CONTEXT_SIGNS):
            return ContextExceeded(f"{where}: the prompt does not fit the model's context ({said})")
        if self.constrained and any(sign in signs for sign in _SCHEMA_SIGNS):
            return _SchemaRefused(f"{where}: {said}")
        return BadRequest(f"{where}: {said}")


def _unreachable(where: str, error: aiohttp.ClientError | TimeoutError) -> Unreachable:
    if isinstance(error, TimeoutError):
        return Unreachable(f"{where} did not answer in time; is the server overloaded?")
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return Unreachable(f"{where} is not an address; it looks like http://host:port/v1")
    if isinstance(error, aiohttp.ClientConnectorError):
        return Unreachable(f"nothing answers at {where} ({error.os_error}); is the server running?")
    broke = f"the connection to {where} broke ({type(error).__name__})"
    return Unreachable(f"{broke}; is the server still running?")


_CONTEXT_SIGNS = ("context_length", "exceed_context", "context length", "context size", "context window")
_WITHHELD_SIGN = "the model produced output that does not match"
"""How llama.cpp says that it drew a reply by the schema's grammar, such as one of half characters, that its reader of replies does not take.
No repetition mends it: it is the model's own reply, and as unusable as any other that cannot be read.
"""
_SCHEMA_SIGNS = ("response_format", "schema", "grammar")


async def _error_text(response: aiohttp.ClientResponse) -> str:
    text = (await response.read()).decode(errors="replace")
    try:
        said = _message(json.loads(text))
    except ValueError:
        said = text
    return " ".join(said.split()) or response.reason or "no reason given"


def _repeatable(said: str, sent: Sequence[Message], api_key: str) -> str:
    """What the server said, in short; nothing of it where it repeats the prompt, which not all who read errors may know."""
    if api_key:
        said = said.replace(api_key, "[the API key]")
    said = said[:300]
    heard, prompt = _letters(said), _letters(" ".join(message.content for message in sent))
    if any(heard[at : at + _NO_COINCIDENCE] in prompt for at in range(len(heard) - _NO_COINCIDENCE + 1)):
        return "its explanation repeats the prompt and is left out"
    return said


_NO_COINCIDENCE = 16
"""So many letters in a row are a repetition."""


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def _message(body: object) -> str:
    error = body.get("error", body) if isinstance(body, dict) else body
    return f"{error.get('message')} {error.get('type') or ''}".strip() if isinstance(error, dict) else str(error)


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    said = response.headers.get("Retry-After", "")
    try:
        seconds = float(said)
    except ValueError:
        seconds = _epoch(said) - _epoch(response.headers.get("Date", ""), otherwise=time.time())
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _epoch(date: str, otherwise: float = math.nan) -> float:
    """An HTTP date in seconds since 1970. Two of one server's are compared, since its clock need not be ours."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return otherwise
