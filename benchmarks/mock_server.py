"""A fast stand-in for a model server, in a process of its own. It knows no model: what it answers follows from the question alone.

    python benchmarks/mock_server.py --latency 0.05 --fault 500=0.1

prints the address of the model server and the port of its control, which stays while the server is down: `GET /control` counts the
calls, `POST /control` changes any of `Changes`, and `{"down": 2.0}` cuts all connections and listens again after two seconds. Tests
and benchmarks say `with mock_server(latency=0.05) as server` and use `server.url`.
"""

import http.client
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack

import anyio
from mock_faults import Fault

__all__ = ["Changes", "Counts", "MockServer", "mock_server"]


class Changes(TypedDict, total=False):
    """What can be set, at the start and while it runs."""

    latency: float
    """Seconds from a request to its answer; 0 unless set."""
    capacity: int | None
    """It answers 429 while so many calls are in flight; any number unless set."""
    retry_after: float | None
    """Seconds in the Retry-After of such a 429; no such header unless set."""
    leave: float
    """The share of replies that leave, 0 to 1; none unless set."""
    faults: Sequence[Fault]
    """The first that strikes counts; none unless set."""
    adapters: bool
    """It loads and unloads adapters by vLLM's endpoints, and answers for no model that is not there; not unless set."""


@dataclass(frozen=True)
class Counts:
    """What the mock server has seen since it started, or since it was told to forget."""

    calls: int
    in_flight: int
    max_in_flight: int
    streamed: int
    refused: int
    """Calls beyond its capacity, answered with 429."""
    bytes_in: int
    waited: int
    """Answers that were held back for the latency."""
    waited_seconds: float
    """From their requests to them."""
    connections: int
    """Open now."""
    down: bool
    """Whether it refuses connections at present."""
    cpu_seconds: float
    """Of the server's process since its start."""
    faults: Mapping[str, int]
    """By kind."""


@dataclass(frozen=True)
class MockServer:
    """A mock server that runs."""

    url: str
    """Up to and including `/v1`."""
    control: int
    """The port of its control on the loopback."""
    process: subprocess.Popen[bytes]

    @property
    def spec(self) -> str:
        """Names its model, for `--models` and plans."""
        return f"{self.url}#mock"

    def counts(self) -> Counts:
        """What it has seen."""
        return self._ask("GET", None)

    async def until(self, wanted: Callable[[Counts], bool]) -> Counts:
        """Wait until what it has seen is so; it is asked a hundred times a second."""
        while not wanted(counts := self.counts()):  # noqa: ASYNC110 - another process sets no event here
            await anyio.sleep(0.01)
        return counts

    def set(self, **changes: Unpack[Changes]) -> Counts:
        """Change how it behaves from now on; what is not given stays as it is. `faults=()` heals it."""
        return self._ask("POST", _json_of(changes))

    def go_down(self, seconds: float) -> None:
        """Cut every connection, refuse new ones for so many seconds, and come back on the same port."""
        self._ask("POST", {"down": seconds})

    def forget(self) -> None:
        """Start counting anew."""
        self._ask("POST", {"forget": True})

    def _ask(self, method: str, changes: Mapping[str, Any] | None) -> Counts:
        connection = http.client.HTTPConnection("127.0.0.1", self.control, timeout=30)
        try:
            connection.request(method, "/control", None if changes is None else json.dumps(changes))
            answer = connection.getresponse()
            body = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise ValueError(body["error"]["message"])
        return Counts(**body)


@contextmanager
def mock_server(**settings: Unpack[Changes]) -> Iterator[MockServer]:
    """A mock server in a process of its own, which ends with the `with` block, or with this process, however that ends."""
    script = Path(__file__).with_name("mock_serving.py")
    arguments = [sys.executable, "-S", str(script), "--until-stdin-closes"]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            server = MockServer(**json.loads(process.stdout.readline()), process=process)
            server.set(**settings)
            yield server
        finally:
            process.kill()


def _json_of(changes: Changes) -> dict[str, Any]:
    return {**changes, **({"faults": [asdict(fault) for fault in changes["faults"]]} if "faults" in changes else {})}


if __name__ == "__main__":
    from mock_serving import main

    main()
