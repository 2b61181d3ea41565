"""The bytes that the mock server sends: HTTP responses, and completions whole or streamed as server-sent events."""

import json
from collections.abc import Sequence

from mock_replies import Question

__all__ = ["completion", "json_response", "response", "streamed_completion"]

_PIECE = 12
"""Characters of a streamed piece."""


def response(status: str, kind: str, body: bytes, *headers: str) -> bytes:
    """A whole HTTP response."""
    more = "".join(f"{header}\r\n" for header in headers)
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


def json_response(status: str, body: object, *headers: str) -> bytes:
    """An HTTP response of JSON."""
    return response(status, "application/json", json.dumps(body).encode(), *headers)


def completion(question: Question, content: str | None, finish: str) -> bytes:
    """A chat completion."""
    spent = max(1, len(content or "") // 4)
    body = (
        f'{{"id":"chatcmpl-{question.digest:08x}","object":"chat.completion","created":0,"model":"{question.model}",'
        f'"choices":[{{"index":0,"message":{{"role":"assistant","content":{json.dumps(content)}}},'
        f'"finish_reason":"{finish}"}}],"usage":{_usage(question, spent)}}}'
    )
    return response("200 OK", "application/json", body.encode())


def streamed_completion(question: Question, content: str | None, finish: str) -> bytes:
    """A chat completion as chunked server-sent events, with the usage in the last of them."""
    text = content or ""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    start = f'data: {{"id":"chatcmpl-{question.digest:08x}","object":"chat.completion.chunk","created":0,"model":"{question.model}",'
    deltas = [f'{{"content":{json.dumps(text[at : at + _PIECE])}}}' for at in range(0, len(text), _PIECE)]
    events = [f'{start}"choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}\n\n' for delta in deltas]
    events.append(f'{start}"choices":[{{"index":0,"delta":{{}},"finish_reason":"{finish}"}}]}}\n\n')
    events.append(f'{start}"choices":[],"usage":{_usage(question, max(1, len(text) // 4))}}}\n\n')
    return head + _chunked([*events, "data: [DONE]\n\n"])


def _chunked(events: Sequence[str]) -> bytes:
    chunks = [event.encode() for event in events]
    return b"".join([b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks]) + b"0\r\n\r\n"


def _usage(question: Question, spent: int) -> str:
    asked = question.prompt_tokens
    return f'{{"prompt_tokens":{asked},"completion_tokens":{spent},"total_tokens":{asked + spent}}}'
