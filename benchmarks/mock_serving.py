"""The mock server's process: the Chat Completions protocol on raw asyncio, with latency and faults that can be switched while it runs.

It costs less than a tenth of a millisecond a call and imports nothing but the standard library; `mock_server` starts it.
"""

import argparse
import asyncio
import json
import re
import resource
import socket
import struct
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from mock_adapters import changed_adapters
from mock_faults import CONTENT, Fault, Kind, fault_from, first_fault, spoiled
from mock_replies import Question, read_question, reply_text
from mock_wire import completion, json_response, response, streamed_completion

__all__ = ["Settings", "main"]

_LENGTH = re.compile(rb"(?i)content-length: *(\d+)")
_LOAD, _UNLOAD = b"POST /v1/load_lora_adapter ", b"POST /v1/unload_lora_adapter "
_BACKLOG = 4096
_MOST_LEAD = 0.002
"""Seconds."""
_HTML = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(frozen=True)
class Settings:
    """How the server behaves."""

    latency: float = 0.0
    """Seconds from a request to its answer."""
    capacity: int | None = None
    """Answers 429 while so many calls are in flight."""
    retry_after: float | None = None
    """Seconds in the Retry-After of a 429 for want of capacity; no such header where `None`."""
    leave: float = 0.0
    """The share of replies that leave."""
    faults: tuple[Fault, ...] = ()
    """The first that strikes counts."""
    adapters: bool = False
    """Whether adapters are loaded and unloaded, as vLLM does, and a model that is not there is not found."""

    def changed(self, changes: Mapping[str, Any]) -> "Settings":
        """The settings with these in place of their own. Raises `TypeError` for one that there is not."""
        faults = {"faults": tuple(map(fault_from, changes["faults"]))} if "faults" in changes else {}
        return replace(self, **{**changes, **faults})


@dataclass
class Tally:
    """What has come in."""

    calls: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    streamed: int = 0
    refused: int = 0
    """Calls beyond the capacity."""
    bytes_in: int = 0
    waited: int = 0
    """Answers that were held back for the latency."""
    waited_seconds: float = 0.0
    """From their requests to them."""
    faults: dict[str, int] = field(default_factory=dict)


class MockModelServer:
    """The listening side: sockets, settings and counts."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tally = Tally()
        self.lead = 0.0
        """Seconds by which timers are set too early: as late as the event loop, which counts in whole milliseconds, wakes up for them."""
        self.connections: set[_Connection] = set()
        self.adapters: dict[str, str] = {}
        """Paths by name."""
        self._server: asyncio.Server | None = None
        self.port = 0
        self.down = False

    async def listen(self, port: int) -> int:
        """Listen on this port of the loopback, 0 for any; gives the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", port, backlog=_BACKLOG)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def go_down(self, seconds: float) -> None:
        """Cut every connection, refuse new ones for so long, and come back on the same port."""
        assert self._server is not None
        self.down = True
        self._server.close()
        for connection in list(self.connections):
            connection.cut()
        await asyncio.sleep(seconds)
        await self.listen(self.port)
        self.down = False

    def note_wait(self, seconds: float) -> None:
        """An answer came so long after its request; those to come are set right by it."""
        self.tally.waited += 1
        self.tally.waited_seconds += seconds
        self.lead = min(_MOST_LEAD, max(0.0, self.lead + (seconds - self.settings.latency) / 64))

    def counts(self) -> dict[str, object]:
        """The tally, the connections open, and the CPU seconds this process has used."""
        return asdict(self.tally) | {
            "connections": len(self.connections),
            "down": self.down,
            "cpu_seconds": time.process_time(),
        }


class _Connection(asyncio.Protocol):
    """One keep-alive connection of a client, which waits for each answer before it asks again."""

    __slots__ = ("_asked_at", "_held", "_needed", "_server", "_timer", "_transport")

    def __init__(self, server: MockModelServer) -> None:
        self._server = server
        self._held = b""
        self._needed = 0
        self._timer: asyncio.TimerHandle | None = None
        self._asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._done()

    def cut(self) -> None:
        """Break the connection with a reset, as a process that dies does."""
        raw = self._transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._held = self._held + data if self._held else data
        if len(self._held) < self._needed:
            return
        end = self._held.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._held, 0, end)
        self._needed = end + 4 + (int(length[1]) if length else 0)
        if len(self._held) < self._needed:
            return
        head, body = self._held[:end], self._held[end + 4 : self._needed]
        self._held, self._needed = self._held[self._needed :], 0
        if head.startswith(b"POST /v1/chat/completions "):
            self._answer(body)
        elif head.startswith(b"GET /v1/models "):
            models = [{"id": name} for name in ("mock", *self._server.adapters)]
            self._transport.write(json_response("200 OK", {"object": "list", "data": models}))
        elif self._server.settings.adapters and head.startswith((_LOAD, _UNLOAD)):
            answer = changed_adapters(self._server.adapters, json.loads(body), load=head.startswith(_LOAD))
            self._transport.write(answer)
        else:
            self._transport.write(json_response("404 Not Found", {"error": {"message": "no such address"}}))

    def _answer(self, body: bytes) -> None:
        tally, settings = self._server.tally, self._server.settings
        tally.calls += 1
        tally.bytes_in += len(body)
        if settings.adapters and (name := read_question(body).model) not in ("mock", *self._server.adapters):
            self._transport.write(json_response("404 Not Found", _error(f"The model `{name}` does not exist.")))
            return
        if settings.capacity is not None and tally.in_flight >= settings.capacity:
            tally.refused += 1
            self._transport.write(_too_many(settings.retry_after))
            return
        tally.in_flight += 1
        tally.max_in_flight = max(tally.max_in_flight, tally.in_flight)
        # at once where there is no latency; the timer is kept, as it says that a call is in flight
        send = self._send_and_cut if (answer := self._composed(read_question(body))).breaks else self._send
        loop = asyncio.get_running_loop()
        if answer.data is None:
            self._timer = loop.call_later(_FOREVER, _nothing)
        elif settings.latency:
            self._asked_at = loop.time()
            self._timer = loop.call_at(self._asked_at + settings.latency - self._server.lead, send, answer.data)
        else:
            tally.in_flight -= 1
            send(answer.data)

    def _composed(self, question: Question) -> "_Answer":
        tally, settings = self._server.tally, self._server.settings
        tally.streamed += question.streamed
        written = streamed_completion if question.streamed else completion
        fault = first_fault(settings.faults, question, tally.calls, tally.faults) if settings.faults else None
        if fault is None:
            return _Answer(written(question, reply_text(question, leave=settings.leave), "stop"))
        tally.faults[fault.kind] = tally.faults.get(fault.kind, 0) + 1
        if fault.kind in CONTENT:
            return _Answer(written(question, spoiled(fault.kind, question), "stop"))
        if fault.kind == "truncated_body":
            whole = written(question, reply_text(question), "stop")
            return _Answer(whole[: len(whole) - 60], breaks=True)
        return _broken(fault.kind, settings.retry_after)

    def _send(self, data: bytes) -> None:
        if self._timer is not None:
            self._timer = None
            self._done()
            self._server.note_wait(asyncio.get_running_loop().time() - self._asked_at)
        self._transport.write(data)

    def _send_and_cut(self, data: bytes) -> None:
        self._send(data)
        if data:
            self._transport.close()
        else:
            self.cut()

    def _done(self) -> None:
        self._server.tally.in_flight -= 1


@dataclass(frozen=True, slots=True)
class _Answer:
    data: bytes | None
    """`None` where nothing is ever sent."""
    breaks: bool = False
    """Whether the connection ends with it: with a reset where there is no data."""


_FOREVER = 1e7
"""Seconds."""


def _nothing() -> None:
    """What a hang does in the end."""


def _broken(kind: Kind, retry_after: float | None) -> _Answer:
    match kind:
        case "hang":
            return _Answer(None)
        case "reset":
            return _Answer(b"", breaks=True)
        case "html":
            return _Answer(response("200 OK", "text/html", _HTML))
        case "429":
            return _Answer(_too_many(None))
        case "429_retry_after":
            return _Answer(_too_many(1.0 if retry_after is None else retry_after))
        case "503":
            return _Answer(json_response("503 Service Unavailable", _error("the model is loading")))
        case _:
            return _Answer(json_response("500 Internal Server Error", _error("the mock broke, as it was told to")))


def _too_many(retry_after: float | None) -> bytes:
    headers = [] if retry_after is None else [f"Retry-After: {retry_after:g}"]
    return json_response("429 Too Many Requests", _error("too many requests"), *headers)


def _error(message: str) -> dict[str, object]:
    return {"error": {"message": message, "type": "server_error"}}


async def _control(server: MockModelServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request to the control: counts, or new settings."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    body = await reader.readexactly(int(length[1])) if length else b""
    try:
        if head.startswith(b"POST"):
            _change(server, json.loads(body))
        answer = json_response("200 OK", server.counts(), "Connection: close")
    except (ValueError, TypeError) as error:
        answer = json_response("400 Bad Request", _error(str(error)), "Connection: close")
    writer.write(answer)
    await writer.drain()
    writer.close()


_down: set[asyncio.Task[None]] = set()


def _change(server: MockModelServer, changes: dict[str, Any]) -> None:
    seconds, forget = changes.pop("down", None), changes.pop("forget", False)
    if seconds is not None and server.down:
        raise ValueError("it is down already")
    server.settings = server.settings.changed(changes)
    if forget:
        server.tally = Tally(in_flight=server.tally.in_flight)
    if seconds is not None:
        task = asyncio.create_task(server.go_down(seconds))
        _down.add(task)
        task.add_done_callback(_down.discard)


async def _serve(server: MockModelServer, port: int, *, until_stdin_closes: bool) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    await server.listen(port)
    control = await asyncio.start_server(lambda reader, writer: _control(server, reader, writer), "127.0.0.1", 0)
    where = {"url": f"http://127.0.0.1:{server.port}/v1", "control": control.sockets[0].getsockname()[1]}
    print(json.dumps(where), flush=True)
    if until_stdin_closes:
        loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A fast stand-in for a model server.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds")
    parser.add_argument("--capacity", type=int, help="answer 429 while so many calls are in flight")
    parser.add_argument("--leave", type=float, default=0.0, help="share of replies that leave")
    parser.add_argument("--fault", action="append", default=[], metavar="KIND=RATE", help="such as 500=0.1; repeatable")
    parser.add_argument("--seed", type=int, default=0, help="of the faults")
    parser.add_argument("--until-stdin-closes", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Serve until interrupted."""
    given = _arguments()
    named = [fault.partition("=") for fault in given.fault]
    faults = [fault_from({"kind": kind, "rate": float(rate or 1), "seed": given.seed}) for kind, _, rate in named]
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a connection is an open file
    server = MockModelServer(Settings(given.latency, given.capacity, None, given.leave, tuple(faults)))
    try:
        asyncio.run(_serve(server, given.port, until_stdin_closes=given.until_stdin_closes))
    except KeyboardInterrupt:
        print(json.dumps(server.counts()), file=sys.stderr)


if __name__ == "__main__":
    main()
