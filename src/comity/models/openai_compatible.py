"""A thin client of the Chat Completions protocol, which OpenAI, vLLM, Ollama, llama.cpp and most others speak.

One POST a call over aiohttp, streamed when somebody listens. It sends to the address it was given and to no other: redirects
are refused, proxies and keys are never taken from the environment here. Retries are not its business.
"""

import json
import math
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, cast

import aiohttp
import anyio

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
        async with self._request("GET", "/models", None) as response:
            body = await _json(response)
        listed = body.get("data")
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
        if stream is None and self._timeouts.first_token is None:
            body = self._body(messages, schema, sampling, streamed=False)
            reply = _Reply(self.base_url, constrained=schema is not None)
            async with self._request("POST", "/chat/completions", body) as response:
                reply.take_whole(await _json(response))
            return reply.completion(self._model)
        with anyio.move_on_after(self._timeouts.first_token) as first:
            return await self._streamed(messages, schema, sampling, stream, first)
        late = f"sent no first token within {self._timeouts.first_token:g} s"
        raise Unreachable(f"{self.base_url} {late}; is the server overloaded?")

    async def _streamed(
        self,
        messages: Sequence[Message],
        schema: Schema | None,
        sampling: Sampling,
        stream: Callable[[str], None] | None,
        first: anyio.CancelScope,
    ) -> Completion:
        """A call of which the reply is heard as it comes; the first token ends the wait for it."""
        body = self._body(messages, schema, sampling, streamed=True)
        reply = _Reply(self.base_url, constrained=schema is not None)
        async with self._request("POST", "/chat/completions", body) as response:
            async for chunk in _chunks(response):
                if chunk.get("error"):
                    said = _repeatable(_message(chunk), body, self._api_key)
                    raise ServerFailed(f"{self.base_url} failed while answering: {said}")
                piece = reply.take_chunk(chunk)
                if reply.first is not None:
                    first.deadline = math.inf
                if piece and stream is not None:
                    stream(piece)
        return reply.completion(self._model)

    def _body(
        self, messages: Sequence[Message], schema: Schema | None, sampling: Sampling, *, streamed: bool
    ) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self._model, "messages": [m._asdict() for m in messages]}
        if streamed:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        optional = {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed,
            self._token_limit: sampling.max_tokens,
        }
        body |= {key: value for key, value in optional.items() if value is not None}
        if schema is not None:
            described = {"name": schema.name, "strict": True, "schema": schema.body}
            body["response_format"] = {"type": "json_schema", "json_schema": described}
        return body | dict(sampling.extra)

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None) -> "_Request":
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=self._timeouts.call, connect=self._timeouts.connect),
                trust_env=False,
            )
        return _Request(self._http, method, self.base_url, path, body, self._api_key)


class _SchemaRefused(BadRequest):
    """The server takes no reply schemas."""


@dataclass
class _Request:
    """A request in flight, with transport faults and refusals turned into `ModelError`s wherever they strike."""

    http: aiohttp.ClientSession
    method: str
    base_url: str
    path: str
    body: Mapping[str, Any] | None
    api_key: str
    response: aiohttp.ClientResponse | None = None

    async def __aenter__(self) -> aiohttp.ClientResponse:
        try:
            self.response = await self.http.request(
                self.method, self.base_url + self.path, json=self.body, allow_redirects=False
            )
            if self.response.status != HTTPStatus.OK:
                raise await self._refusal(self.response)
        except BaseException as error:
            self._close()
            self._raise_typed(error)
            raise
        return self.response

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._close()
        if error is not None:
            self._raise_typed(error)

    def _close(self) -> None:
        if self.response is not None:
            self.response.release()

    def _raise_typed(self, error: BaseException) -> None:
        where = self.base_url
        if isinstance(error, TimeoutError):
            raise Unreachable(f"{where} did not answer in time; is the server overloaded?") from error
        if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
            raise Unreachable(f"{where} is not an address; it looks like http://host:port/v1") from error
        if isinstance(error, aiohttp.ClientConnectorError):
            raise Unreachable(f"nothing answers at {where} ({error.os_error}); is the server running?") from error
        if isinstance(error, aiohttp.ClientError):
            broke = f"the connection to {where} broke ({type(error).__name__})"
            raise Unreachable(f"{broke}; is the server still running?") from error

    async def _refusal(self, response: aiohttp.ClientResponse) -> ModelError:
        whole = await _error_text(response)
        said, signs = _repeatable(whole, self.body, self.api_key), whole.casefold()
        status, where = response.status, f"{self.base_url} answered {response.status}"
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return AuthenticationFailed(f"{where}: the API key is missing or refused ({said})")
        if status == HTTPStatus.NOT_FOUND:
            return ModelNotFound(f"{where}: no such model or address ({said})")
        if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            return Overloaded(f"{where}: {said}", _retry_after(response))
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return ServerFailed(f"{where}: {said}")
        if status < HTTPStatus.BAD_REQUEST:
            return BadReply(f"{where}: it redirects; name the final address instead")
        if any(sign in signs for sign in _CONTEXT_SIGNS):
            return ContextExceeded(f"{where}: the prompt does not fit the model's context ({said})")
        if "response_format" in (self.body or {}) and any(sign in signs for sign in _SCHEMA_SIGNS):
            return _SchemaRefused(f"{where}: {said}")
        return BadRequest(f"{where}: {said}")


_CONTEXT_SIGNS = ("context_length", "exceed_context", "context length", "context size", "context window")
_SCHEMA_SIGNS = ("response_format", "schema", "grammar")


@dataclass
class _Reply:
    """A reply being put together, whole or from chunks."""

    where: str
    constrained: bool
    started: float = field(default_factory=time.perf_counter)
    first: float | None = None
    parts: list[str] = field(default_factory=list)
    finish: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    served_by: str = ""

    def take_whole(self, body: Mapping[str, Any]) -> None:
        try:
            choice = body["choices"][0]
            content = choice["message"].get("content")
            self.finish = str(choice.get("finish_reason") or "unknown")
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise self._misshapen() from error
        self.parts.append(content if isinstance(content, str) else "")
        self._note(body)

    def take_chunk(self, body: Mapping[str, Any]) -> str:
        """The piece of text in it. Thoughts are no part of the reply, but its first token may be one."""
        self._note(body)
        try:
            choice = (body.get("choices") or [{}])[0]
            delta = choice.get("delta") or {}
            piece = delta.get("content") or ""
            thought = delta.get("reasoning_content") or delta.get("reasoning")
            self.finish = choice.get("finish_reason") or self.finish
        except (KeyError, TypeError, AttributeError) as error:
            raise self._misshapen() from error
        if not isinstance(piece, str):
            raise self._misshapen()
        if piece or thought:
            self.first = self.first or time.perf_counter()
        if piece:
            self.parts.append(piece)
        return piece

    def _misshapen(self) -> BadReply:
        return BadReply(f"{self.where} sent what is not a chat completion; is this an OpenAI-compatible address?")

    def _note(self, body: Mapping[str, Any]) -> None:
        usage = body.get("usage")
        self.usage = usage if isinstance(usage, dict) else self.usage
        self.served_by = str(body.get("model") or self.served_by)

    def completion(self, model: str) -> Completion:
        if self.finish is None:
            raise Unreachable(f"the stream from {self.where} broke off before the reply was finished")
        details = self.usage.get("prompt_tokens_details")
        return Completion(
            text="".join(self.parts).encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
            finish_reason=self.finish,
            seconds=time.perf_counter() - self.started,
            first_token_seconds=None if self.first is None else self.first - self.started,
            prompt_tokens=_count(self.usage, "prompt_tokens"),
            cached_tokens=_count(details if isinstance(details, dict) else {}, "cached_tokens"),
            completion_tokens=_count(self.usage, "completion_tokens"),
            constrained=self.constrained,
            model=self.served_by or model,
        )


async def _json(response: aiohttp.ClientResponse) -> Mapping[str, Any]:
    try:
        body = json.loads(await response.read())
    except ValueError as error:
        raise BadReply(
            f"{response.url} answered {response.content_type}, not JSON; does the address end in /v1?"
        ) from error
    if not isinstance(body, dict):
        raise BadReply(f"{response.url} answered JSON that is not an object")
    return cast(Mapping[str, Any], body)


async def _chunks(response: aiohttp.ClientResponse) -> AsyncIterator[Mapping[str, Any]]:
    try:
        async for line in response.content:
            kind, _, data = line.partition(b":")
            if kind not in (b"data", b"error") or (data := data.strip()) == b"[DONE]":
                continue
            body = json.loads(data)
            if not isinstance(body, dict):
                raise BadReply(f"{response.url} sent an event that is not a JSON object; is it OpenAI-compatible?")
            yield {"error": body} if kind == b"error" else body
    except ValueError as error:
        raise BadReply(f"{response.url} sent an event that is not JSON ({error})") from error


async def _error_text(response: aiohttp.ClientResponse) -> str:
    text = (await response.read()).decode(errors="replace")
    try:
        said = _message(json.loads(text))
    except ValueError:
        said = text
    return " ".join(said.split()) or response.reason or "no reason given"


def _repeatable(said: str, sent: Mapping[str, Any] | None, api_key: str) -> str:
    """What the server said, in short; nothing of it where it repeats the prompt, which not all who read errors may know."""
    if api_key:
        said = said.replace(api_key, "[the API key]")
    said = said[:300]
    heard, prompt = _letters(said), _letters(" ".join(m["content"] for m in (sent or {}).get("messages", ())))
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


def _count(usage: Mapping[str, Any], key: str) -> int | None:
    value = usage.get(key)
    return value if isinstance(value, int) else None
