"""How calls of the client fail: typed, with address and fix, and without the key or the prompt; against a real server over loopback."""

import json
from collections.abc import AsyncIterator

import anyio
import pytest
from aiohttp import web
from anyio.abc import SocketAttribute
from chat_server import KEY, PROMPT, Handler, Server, ask, client, piece, says, says_text, serving, streams

from comity.models.protocol import (
    AuthenticationFailed,
    BadReply,
    BadRequest,
    ContextExceeded,
    ModelError,
    ModelNotFound,
    Overloaded,
    ServerFailed,
    Timeouts,
    Unreachable,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as made:
        yield made


async def refusal(server: Server, handler: Handler, *, streamed: bool = False) -> ModelError:
    """The error of a call that is answered so. It names the address and gives away neither key nor prompt."""
    server.answer(handler)
    async with client(server.url) as model:
        with pytest.raises(ModelError) as raised:
            await ask(model, stream=(lambda piece: None) if streamed else None)
    said = str(raised.value)
    assert server.url in said
    assert KEY not in said
    assert "piano" not in said
    assert raised.value.__cause__ is not raised.value
    return raised.value


async def test_a_refused_schema_is_a_bad_request_when_none_was_sent(server: Server) -> None:
    error = await refusal(server, says({"error": {"message": "schema missing"}}, 400))
    assert isinstance(error, BadRequest)
    assert len(server.bodies) == 1


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("status", "kind", "fix"),
    [
        (400, BadRequest, "because"),
        (401, AuthenticationFailed, "the API key is missing or refused"),
        (403, AuthenticationFailed, "the API key is missing or refused"),
        (404, ModelNotFound, "no such model or address"),
        (422, BadRequest, "because"),
        (429, Overloaded, "because"),
        (500, ServerFailed, "because"),
        (502, ServerFailed, "because"),
        (503, Overloaded, "because"),
    ],
)
async def test_every_refusal_is_typed_and_says_what_the_server_said(
    server: Server, status: int, kind: type[ModelError], fix: str, streamed: bool
) -> None:
    error = await refusal(server, says({"error": {"message": "because", "type": "reason"}}, status), streamed=streamed)
    assert type(error) is kind
    assert f"answered {status}" in str(error)
    assert fix in str(error)
    assert "because" in str(error)
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("", None),
        ("Wed, 99 Oct 2026 07:28:00 GMT", None),
        ("Wed, 21 Oct 999999999999 07:28:00 GMT", None),
    ],
)
async def test_a_server_may_say_when_to_come_again(server: Server, header: str, seconds: float | None) -> None:
    error = await refusal(server, says({"error": "busy"}, 429, Retry_After=header))
    assert isinstance(error, Overloaded)
    assert error.retry_after == seconds


async def test_a_date_to_come_again_counts_from_the_date_of_the_server(server: Server) -> None:
    dates = {"Date": "Wed, 21 Oct 2015 07:28:00 GMT", "Retry_After": "Wed, 21 Oct 2015 07:29:30 GMT"}
    error = await refusal(server, says({"error": "busy"}, 429, **dates))
    assert isinstance(error, Overloaded)
    assert error.retry_after == 90


async def test_without_a_word_when_to_come_again_is_unknown(server: Server) -> None:
    error = await refusal(server, says({"error": "busy"}, 503))
    assert isinstance(error, Overloaded)
    assert error.retry_after is None


@pytest.mark.parametrize(
    "body",
    [
        {
            "error": {
                "message": "This model's maximum context length is 8192 tokens.",
                "code": "context_length_exceeded",
            }
        },
        {
            "error": {
                "message": "request (9000 tokens) exceeds the available context size",
                "type": "exceed_context_size_error",
            }
        },
        {"message": "The prompt is longer than the context window."},
        "x" * 400 + " context length",
    ],
)
async def test_a_prompt_that_does_not_fit_is_told_apart(server: Server, body: object) -> None:
    error = await refusal(server, says(body, 400))
    assert isinstance(error, ContextExceeded)
    assert "does not fit the model's context" in str(error)


@pytest.mark.parametrize("status", [400, 401, 404, 422, 429, 500])
@pytest.mark.parametrize(
    "echo",
    [
        {"error": {"message": f"invalid request: {[message._asdict() for message in PROMPT]} with key {KEY}"}},
        {"detail": [{"loc": ["body", "messages"], "input": [message._asdict() for message in PROMPT]}]},
        {"error": {"message": f"Incorrect API key provided: {KEY}."}},
        f"You sent: {PROMPT[0].content.upper()}",
        f"<html><pre>{PROMPT[0].content[14:60]}</pre></html>",
        {"error": " ".join(PROMPT[0].content.split()[4:])},
    ],
)
async def test_an_error_that_echoes_key_or_prompt_is_not_passed_on(server: Server, status: int, echo: object) -> None:
    said = str(await refusal(server, says(echo, status)))
    assert "family" not in said.casefold()


async def test_an_echo_in_the_middle_of_a_stream_is_not_passed_on(server: Server) -> None:
    echo = {"error": {"message": f"{KEY} cannot continue: {PROMPT[0].content}"}}
    error = await refusal(server, streams(piece("Hel"), echo), streamed=True)
    assert isinstance(error, ServerFailed)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_page_of_html_is_not_a_reply(server: Server, streamed: bool) -> None:
    error = await refusal(server, says_text("<html>Welcome!</html>"), streamed=streamed)
    assert isinstance(error, Unreachable if streamed else BadReply)


async def test_a_page_of_html_asks_whether_the_address_is_whole(server: Server) -> None:
    error = await refusal(server, says_text("<html>Welcome!</html>"))
    assert "text/html, not JSON; does the address end in /v1?" in str(error)


async def test_an_html_error_page_is_a_server_failure(server: Server) -> None:
    error = await refusal(server, says_text("<html>Bad\n  gateway</html>" * 100, 502))
    assert isinstance(error, ServerFailed)
    assert len(str(error)) < 500


@pytest.mark.parametrize(
    "body",
    [
        [],
        "hello",
        7,
        None,
        {},
        {"error": {"message": "quota"}},
        {"choices": []},
        {"choices": None},
        {"choices": [7]},
        {"choices": [{}]},
        {"choices": [{"message": None}]},
        {"choices": [{"message": "hello"}]},
        {"choices": {"message": {"content": "hello"}}},
    ],
)
async def test_json_of_another_shape_is_a_bad_reply(server: Server, body: object) -> None:
    assert isinstance(await refusal(server, says(body)), BadReply)


@pytest.mark.parametrize(
    "event",
    [
        [],
        "data: 7",
        'data: "hello"',
        "data: null",
        {"choices": [7]},
        {"choices": 7},
        {"choices": {"a": 1}},
        "data: {",
        {"choices": [{"delta": "hello"}]},
        {"choices": [{"delta": {"content": 7}}]},
    ],
)
async def test_an_event_of_another_shape_is_a_bad_reply(server: Server, event: object) -> None:
    assert isinstance(await refusal(server, streams(piece("Hel"), event), streamed=True), BadReply)


@pytest.mark.parametrize("event", [{"error": {"message": "out of memory"}}, 'error: {"message": "out of memory"}'])
async def test_an_error_in_the_middle_of_a_stream_is_a_server_failure(server: Server, event: object) -> None:
    error = await refusal(server, streams(piece("Hel"), event, piece("lo", "stop")), streamed=True)
    assert isinstance(error, ServerFailed)
    assert "out of memory" in str(error)


@pytest.mark.parametrize("events", [(), (piece("Hel"),), (piece("Hel"), "data: [DONE]")])
async def test_a_stream_that_ends_without_a_finish_broke_off(server: Server, events: tuple[object, ...]) -> None:
    error = await refusal(server, streams(*events), streamed=True)
    assert isinstance(error, Unreachable)
    assert "broke off before the reply was finished" in str(error)


async def test_a_connection_reset_in_the_middle_of_a_stream_is_unreachable(server: Server) -> None:
    error = await refusal(server, streams(piece("Hel"), broken=True), streamed=True)
    assert isinstance(error, Unreachable)
    assert "is the server still running?" in str(error)


async def test_a_connection_reset_in_the_middle_of_a_body_is_unreachable(server: Server) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"choices": [')
        assert request.transport is not None
        request.transport.abort()
        return response

    assert isinstance(await refusal(server, half), Unreachable)


async def test_a_connection_closed_before_a_word_is_unreachable(server: Server) -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    assert isinstance(await refusal(server, silent), Unreachable)


async def test_where_nothing_listens_the_error_asks_whether_the_server_runs() -> None:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        port = listener.extra(SocketAttribute.local_port)
    async with client(f"http://127.0.0.1:{port}/v1") as model:
        with pytest.raises(
            Unreachable, match=rf"nothing answers at http://127.0.0.1:{port}/v1 .*is the server running"
        ):
            await ask(model)


@pytest.mark.parametrize("url", ["localhost:8000/v1", "not an address", "ftp://127.0.0.1/v1", "http:///v1"])
async def test_what_is_not_an_address_is_said_to_be_none(url: str) -> None:
    async with client(url) as model:
        with pytest.raises(Unreachable, match="is not an address; it looks like http://host:port/v1"):
            await ask(model)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_server_that_hangs_is_unreachable_after_its_time(server: Server, streamed: bool) -> None:
    done = anyio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        if streamed:
            await response.prepare(request)
            await response.write(f"data: {json.dumps(piece('Hel'))}\n\n".encode())
        await done.wait()
        return response

    server.answer(hang)
    async with client(server.url, timeouts=Timeouts(call=0.2)) as model:
        with pytest.raises(Unreachable, match="did not answer in time"):
            await ask(model, stream=(lambda piece: None) if streamed else None)
    done.set()


@pytest.mark.parametrize("listened", [False, True])
@pytest.mark.parametrize("first", ["nothing", "an empty piece"])
async def test_a_server_that_sends_no_first_token_is_unreachable_after_its_time(
    server: Server, first: str, listened: bool
) -> None:
    done = anyio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        if first != "nothing":
            await response.prepare(request)
            await response.write(f"data: {json.dumps(piece(''))}\n\n".encode())
        await done.wait()
        return response

    server.answer(hang)
    async with client(server.url, timeouts=Timeouts(first_token=0.2)) as model:
        with pytest.raises(Unreachable, match=r"/v1 sent no first token within 0\.2 s; is the server overloaded"):
            await ask(model, stream=(lambda piece: None) if listened else None)
    done.set()
    assert server.bodies[0]["stream"] is True


async def test_after_the_first_token_only_the_whole_call_is_timed(server: Server) -> None:
    thought = {"choices": [{"delta": {"reasoning_content": "hm"}, "finish_reason": None}]}

    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(f"data: {json.dumps(thought)}\n\n".encode())
        with anyio.move_on_after(0.4):
            await done.wait()
        await response.write(f"data: {json.dumps(piece('Hello.', 'stop'))}\n\n".encode())
        return response

    done = anyio.Event()
    server.answer(slow)
    async with client(server.url, timeouts=Timeouts(first_token=0.2)) as model:
        completion = await ask(model)
        assert completion.text == "Hello."
        assert completion.first_token_seconds is not None
        assert completion.first_token_seconds < 0.2 < completion.seconds
    async with client(server.url, timeouts=Timeouts(first_token=0.2, call=0.3)) as model:
        with pytest.raises(Unreachable, match="did not answer in time"):
            await ask(model)
    done.set()


async def test_what_a_listener_raises_is_no_timeout(server: Server) -> None:
    def listen(heard: str) -> None:
        raise TimeoutError("the listener's own")

    server.answer(streams(piece("Hello.", "stop")))
    async with client(server.url, timeouts=Timeouts(first_token=30.0)) as model:
        with pytest.raises(TimeoutError, match="the listener's own"):
            await ask(model, stream=listen)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_refused_and_its_target_never_asked(server: Server, status: int) -> None:
    error = await refusal(server, says({}, status, Location=server.url.removesuffix("/v1") + "/elsewhere"))
    assert isinstance(error, BadReply)
    assert "it redirects; name the final address instead" in str(error)
    assert server.paths == ["/v1/chat/completions"]


WITHHELD = {
    "error": {
        "code": 500,
        "message": "The model produced output that does not match the expected peg-native format",
        "type": "server_error",
    }
}


@pytest.mark.parametrize(
    ("handler", "streamed"),
    [
        (says(WITHHELD, 500), False),
        (says(WITHHELD, 500), True),
        (streams(piece("Hel"), WITHHELD), True),
    ],
)
async def test_a_reply_that_llama_cpp_cannot_read_is_the_models_own_and_no_broken_server(
    server: Server, handler: Handler, streamed: bool
) -> None:
    """It is drawn anew like any that cannot be used, and ends no run: asking the same again would give the same."""
    server.answer(handler)
    async with client(server.url) as model:
        reply = await ask(model, stream=(lambda piece: None) if streamed else None)
    assert (reply.text, reply.finish_reason) == ("", "unreadable")
    assert len(server.bodies) == 1
