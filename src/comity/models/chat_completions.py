"""The Chat Completions protocol as bytes: a request's body, and a reply that is put together from what comes back, whole or in events.

It knows no connection; `openai_compatible` sends and receives.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from pydantic_core import PydanticSerializationError, to_json

from comity.models.protocol import BadReply, Completion, Message, Sampling, Schema, Unreachable

__all__ = ["Events", "PartialReply", "read_object", "request_body"]


def request_body(
    model: str,
    messages: Sequence[Message],
    schema: Schema | None,
    sampling: Sampling,
    *,
    token_limit: str,
    streamed: bool,
) -> bytes:
    """The JSON of a request. `token_limit` is the field that bounds the reply."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": role, "content": content} for role, content in messages],
    }
    if streamed:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    optional = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        token_limit: sampling.max_tokens,
    }
    body |= {key: value for key, value in optional.items() if value is not None}
    if schema is not None:
        described = {"name": schema.name, "strict": True, "schema": schema.body}
        body["response_format"] = {"type": "json_schema", "json_schema": described}
    body |= sampling.extra
    try:
        return to_json(body)  # a third of the time that json takes, and prompts are long
    except PydanticSerializationError:
        return json.dumps(body).encode()  # half a character has no UTF-8, but an escape


def read_object(body: bytes, where: str, kind: str) -> Mapping[str, Any]:
    """The JSON object that a server answered. Raises `BadReply` where it is none; `kind` is the content's type as it was said."""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadReply(f"{where} answered {kind}, not JSON; does the address end in /v1?") from error
    if not isinstance(read, dict):
        raise BadReply(f"{where} answered JSON that is not an object")
    return cast(Mapping[str, Any], read)


class Events:
    """Server-sent events, taken from a stream's bytes as they come, however they are cut."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Mapping[str, Any]]:
        """The events that these bytes complete. An error is an event with the key `error`. Raises `BadReply`."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        yield from filter(None, map(self._event, lines))

    def end(self) -> Iterator[Mapping[str, Any]]:
        """The event that the end of the stream completes."""
        yield from self.feed(b"\n")

    def _event(self, line: bytes) -> Mapping[str, Any] | None:
        kind, _, data = line.partition(b":")
        if kind not in (b"data", b"error") or (data := data.strip()) == b"[DONE]":
            return None
        try:
            body = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise BadReply(f"{self._where} sent an event that is not JSON ({error})") from error
        if not isinstance(body, dict):
            raise BadReply(f"{self._where} sent an event that is not a JSON object; is it OpenAI-compatible?")
        return {"error": body} if kind == b"error" else body


class PartialReply:
    """A reply being put together. The clock runs from the moment it is made."""

    def __init__(self, where: str, *, constrained: bool) -> None:
        self.first: float | None = None
        """When the first token came, on the clock of `time.perf_counter`; a token of the model's thoughts counts."""
        self._started = time.perf_counter()
        self._where, self._constrained = where, constrained
        self._parts: list[str] = []
        self._finish: str | None = None
        self._usage: Mapping[str, Any] = {}
        self._served_by = ""

    def take_whole(self, body: Mapping[str, Any]) -> None:
        """Take a reply that came in one piece. Raises `BadReply`."""
        try:
            choice = body["choices"][0]
            content = choice["message"].get("content")
            self._finish = str(choice.get("finish_reason") or "unknown")
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise self._misshapen() from error
        self._parts.append(content if isinstance(content, str) else "")
        self._note(body)

    def take_chunk(self, body: Mapping[str, Any]) -> str:
        """Take one event and give the piece of text in it; thoughts are no part of the reply. Raises `BadReply`."""
        self._note(body)
        try:
            choice = (body.get("choices") or _NO_CHOICE)[0]
            delta = choice.get("delta") or {}
            piece = delta.get("content") or ""
            thought = delta.get("reasoning_content") or delta.get("reasoning")
            self._finish = choice.get("finish_reason") or self._finish
        except (KeyError, TypeError, AttributeError) as error:
            raise self._misshapen() from error
        if not isinstance(piece, str):
            raise self._misshapen()
        if piece:
            self._parts.append(piece)
        if self.first is None and (piece or thought):
            self.first = time.perf_counter()
        return piece

    def withhold(self) -> None:
        """The server keeps a reply to itself that it could not read, whatever has come of it."""
        self._parts.clear()
        self._finish = "unreadable"

    def completion(self, model: str) -> Completion:
        """The whole reply, of `model` unless the server named another. Raises `Unreachable` where its end is missing."""
        if self._finish is None:
            raise Unreachable(f"the stream from {self._where} broke off before the reply was finished")
        details = self._usage.get("prompt_tokens_details")
        return Completion(
            text=_whole_characters("".join(self._parts)),
            finish_reason=self._finish,
            seconds=time.perf_counter() - self._started,
            first_token_seconds=None if self.first is None else self.first - self._started,
            prompt_tokens=_count(self._usage, "prompt_tokens"),
            cached_tokens=_count(details if isinstance(details, dict) else {}, "cached_tokens"),
            completion_tokens=_count(self._usage, "completion_tokens"),
            constrained=self._constrained,
            model=self._served_by or model,
        )

    def _misshapen(self) -> BadReply:
        return BadReply(f"{self._where} sent what is not a chat completion; is this an OpenAI-compatible address?")

    def _note(self, body: Mapping[str, Any]) -> None:
        usage = body.get("usage")
        self._usage = usage if isinstance(usage, dict) else self._usage
        self._served_by = str(body.get("model") or self._served_by)


_COUNTLESS = 2**31

_NO_CHOICE: Sequence[dict[str, Any]] = ({},)


def _whole_characters(text: str) -> str:
    """The text with halves of a character joined, and what stays half replaced."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _count(usage: Mapping[str, Any], key: str) -> int | None:
    value = usage.get(key)
    sound = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _COUNTLESS
    return value if sound else None  # a server's word is not worth a budget that grows, or a sum that no store can hold
