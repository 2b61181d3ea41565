"""Throughput and memory with many episodes in flight: how much of what latency and CPU allow is reached."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import anyio
from children import PlayingChild, playing_child
from cost import cpu_ms_per_turn
from figures import Figure
from mock_server import Counts, MockServer, mock_server
from playing import Load

__all__ = ["load"]

_FILL = 6
"""Round trips before anything is measured: enough for a window that doubles to grow from 128 to 2,000."""
_START = 2.0
"""And seconds."""
_PATIENCE = 60.0
"""Seconds after the window in which the first episodes should have come to their end."""


@dataclass(frozen=True)
class _Case:
    in_flight: int
    latency: float
    """Seconds."""
    window: float
    """Seconds over which calls are counted."""
    generation: bool = False
    """Whether to go on until as many calls have come as the first episodes in flight have turns, and a twentieth more."""


_CASES = (
    _Case(8, 0.05, 10.0),
    _Case(64, 0.05, 10.0),
    _Case(512, 2.0, 20.0),
    _Case(2000, 2.0, 30.0, generation=True),
)


@dataclass(frozen=True)
class _Seen:
    turns_a_second: float
    cpu_ms: float
    """A turn, over the window."""
    mock_cpu_ms: float
    mock_latency_ms: float
    """From a request to its answer, as the mock measured it over the window."""
    peak_mib: float
    calls: int
    """All, from the start to when memory was looked at."""
    max_in_flight: int


def load() -> list[Figure]:
    """`ideal_fraction` at each load, and `peak_rss_mib` at the last."""
    cpu_ms = cpu_ms_per_turn().value
    assert cpu_ms is not None
    seen = {case: anyio.run(_measure, case) for case in _CASES}
    last = seen[_CASES[-1]]
    memory = Figure(
        "peak_rss_mib",
        round(last.peak_mib, 1),
        "MiB",
        "The most memory of the child process with 2,000 episodes in flight (2 s of latency, store included), from its start until it"
        " has made 42,000 calls: the first 2,000 episodes have then played their 20 turns, and others follow.",
        limit=200.0,
        reference="233 MiB, whatever is in flight",
        details={"max_calls_in_flight": last.max_in_flight, "calls": last.calls},
    )
    return [*(_fraction(case, found, cpu_ms) for case, found in seen.items()), memory]


def _fraction(case: _Case, seen: _Seen, cpu_ms: float) -> Figure:
    by_latency, by_cpu = case.in_flight / case.latency, 1000 / cpu_ms
    ideal = min(by_latency, by_cpu)
    return Figure(
        f"ideal_fraction_{case.in_flight}",
        round(seen.turns_a_second / ideal, 4),
        "of ideal",
        f"{case.in_flight:,} in flight, {case.latency * 1000:g} ms of latency: calls that reached the mock in {case.window:g} s, over"
        f" min(in flight ÷ latency, 1 ÷ cpu_ms_per_turn). The {case.window:g} s begin {_FILL * case.latency + _START:g} s after"
        " the first call, and end while new episodes still follow those that end.",
        limit=0.9,
        bound="at least",
        reference="70 turns/s, whatever is in flight" if case.in_flight == 64 else "",
        details={
            "turns_a_second": round(seen.turns_a_second, 1),
            "ideal_by_latency": round(by_latency, 1),
            "ideal_by_cpu": round(by_cpu, 1),
            "cpu_ms_a_turn_at_this_load": round(seen.cpu_ms, 4),
            "mock_cpu_ms_a_call": round(seen.mock_cpu_ms, 4),
            "mock_latency_ms": round(seen.mock_latency_ms, 2),
            "max_calls_in_flight": seen.max_in_flight,
            "peak_rss_mib": round(seen.peak_mib, 1),
        },
    )


async def _measure(case: _Case) -> _Seen:
    seconds = _START + _FILL * case.latency + case.window + 10
    turns = case.in_flight / case.latency * seconds + 20 * case.in_flight
    repeats = int(turns / 20 / 16) + 1  # more than can be played
    with tempfile.TemporaryDirectory() as folder, mock_server(latency=case.latency) as server:
        given = Load(server.url, repeats=repeats, in_flight=case.in_flight, store=str(Path(folder) / "bench.db"))
        with playing_child(given) as child:
            await server.until(lambda counts: counts.calls > 0 or not child.runs)
            await anyio.sleep(_START + _FILL * case.latency)
            before, after = await _window(case, server, child)
            if case.generation:
                with anyio.move_on_after(_PATIENCE):
                    await server.until(lambda counts: counts.calls >= 21 * case.in_flight)
            return _Seen(
                turns_a_second=(after.calls - before.calls) / (after.at - before.at),
                cpu_ms=(after.cpu - before.cpu) * 1000 / (after.calls - before.calls),
                mock_cpu_ms=(after.mock_cpu - before.mock_cpu) * 1000 / (after.calls - before.calls),
                mock_latency_ms=(after.waited_seconds - before.waited_seconds) * 1000 / (after.waited - before.waited),
                peak_mib=child.memory_peak_mib(),
                calls=server.counts().calls,
                max_in_flight=after.max_in_flight,
            )


@dataclass(frozen=True)
class _Moment:
    at: float
    calls: int
    max_in_flight: int
    mock_cpu: float
    waited: int
    waited_seconds: float
    cpu: float


async def _window(case: _Case, server: MockServer, child: PlayingChild) -> tuple[_Moment, _Moment]:
    before = _moment(server.counts(), child)
    await anyio.sleep(case.window)
    return before, _moment(server.counts(), child)


def _moment(counts: Counts, child: PlayingChild) -> _Moment:
    child.must_run()
    return _Moment(
        time.perf_counter(),
        counts.calls,
        counts.max_in_flight,
        counts.cpu_seconds,
        counts.waited,
        counts.waited_seconds,
        child.seconds_of_cpu(),
    )
