"""The Chat Completions protocol as bytes: what is sent is JSON whatever it holds, and events are read however they are cut."""

import json
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.models.chat_completions import Events, PartialReply, read_object, request_body
from comity.models.prompts import Block
from comity.models.protocol import BadReply, Message, Sampling, Unreachable

STREAM = (
    b': a comment\n\ndata: {"choices": [{"delta": {"content": "Hel"}}]}\r\n\r\nevent: ping\ndata:{"choices": []}\n\n'
    b'error: {"message": "out of memory"}\n\ndata: {"choices": [{"delta": {"content": "\xe7\x8e\x8b"}}]}\n\ndata: [DONE]'
)
EVENTS: Sequence[Mapping[str, object]] = (
    {"choices": [{"delta": {"content": "Hel"}}]},
    {"choices": []},
    {"error": {"message": "out of memory"}},
    {"choices": [{"delta": {"content": "王"}}]},
)


def sent(*messages: Message, sampling: Sampling | None = None) -> object:
    body = request_body("m", messages, None, sampling or Sampling(), token_limit="max_tokens", streamed=False)
    return json.loads(body)


@given(st.lists(st.text(st.characters(codec=None), max_size=20), max_size=3))
def test_any_text_can_be_sent(contents: list[str]) -> None:
    messages = [Message("user", content) for content in (*contents, Block("a \ud83d b"))]
    expected = [{"role": "user", "content": content} for content in (*contents, "a \ud83d b")]
    assert sent(*messages) == {"model": "m", "messages": expected, "temperature": 1.0, "max_tokens": 1024}


def test_what_is_extra_goes_last_and_wins() -> None:
    sampling = Sampling(extra={"temperature": 0, "stop": ["\n"], "template": {"a": None}})
    assert sent(sampling=sampling) == {
        "model": "m",
        "messages": [],
        "temperature": 0,
        "max_tokens": 1024,
        "stop": ["\n"],
        "template": {"a": None},
    }


@given(st.lists(st.integers(0, len(STREAM)), max_size=12).map(sorted))
def test_events_are_the_same_however_their_bytes_are_cut(cuts: list[int]) -> None:
    events = Events("here")
    pieces = [STREAM[a:b] for a, b in zip([0, *cuts], [*cuts, len(STREAM)], strict=True)]
    read = [event for piece in pieces for event in events.feed(piece)]
    assert (*read, *events.end()) == EVENTS


def test_the_last_event_needs_no_end_of_line() -> None:
    events = Events("here")
    assert list(events.feed(b'data: {"a": 1}')) == []
    assert list(events.end()) == [{"a": 1}]
    assert list(events.end()) == []


@pytest.mark.parametrize("body", [b"<html>", b"", b"{", b"\xff\xfe{", b"[" * 200_000])
def test_what_is_not_json_is_a_bad_reply(body: bytes) -> None:
    with pytest.raises(BadReply, match="here answered text/html, not JSON"):
        read_object(body, "here", "text/html")
    with pytest.raises(BadReply, match="here sent an event that is not JSON"):
        list(Events("here").feed(b"data: " + body + b"\n"))


def test_a_reply_that_nothing_was_taken_of_broke_off() -> None:
    with pytest.raises(Unreachable, match="the stream from here broke off"):
        PartialReply("here", constrained=True).completion("m")
