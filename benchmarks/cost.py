"""What a turn costs in CPU: everything included, late in an episode against early, and what the client and the mock alone take."""

import statistics
from collections.abc import Sequence
from functools import cache

from children import run_child
from figures import Figure, median_of
from mock_server import MockServer, mock_server
from playing import Load

__all__ = ["client", "cpu", "cpu_ms_per_turn", "growth"]

_EPISODES_OF_EACH = 4
"""Of sixteen tasks: 64 episodes."""
_TURNS = 20
_ROUNDS = 7
_REFERENCE = "13.5 to 15 ms"


def cpu() -> list[Figure]:
    """`cpu_ms_per_turn`."""
    return [cpu_ms_per_turn()]


@cache
def cpu_ms_per_turn() -> Figure:
    """CPU a turn, everything included but the judge; measured once in a process."""
    with mock_server() as server:
        load = Load(server.url, repeats=_EPISODES_OF_EACH, in_flight=64, turns=_TURNS)
        found = run_child("cpu", load, rounds=_ROUNDS)
        counts = server.counts()
    return Figure(
        "cpu_ms_per_turn",
        round(statistics.median(found["cpu_ms"]), 4),
        "ms",
        f"64 episodes x {_TURNS} turns at once against the mock without latency: prompts, HTTP, parsing, rules, records and the SQLite"
        f" store on disk. Process CPU time, all threads, of a child process after one round to warm up; median of {_ROUNDS} rounds.",
        limit=1.0,
        reference=_REFERENCE,
        details={
            **{f"cpu_{key}": value for key, value in median_of(found["cpu_ms"]).items()},
            "wall_ms_median": round(statistics.median(found["wall_ms"]), 4),
            "first_round_cpu_ms": round(found["first_cpu_ms"][0], 4),
            "mock_cpu_ms_a_call": round(counts.cpu_seconds * 1000 / counts.calls, 4),
        },
    )


_EARLY, _LATE, _AROUND = 5, 100, 2
_REPEATS = 3


def growth() -> list[Figure]:
    """`turn_100_over_turn_5`."""
    ratios: list[float] = []
    early: list[float] = []
    late: list[float] = []
    with mock_server() as server:
        for _ in range(_REPEATS):
            load = Load(server.url, repeats=_EPISODES_OF_EACH, in_flight=64, turns=_LATE + _AROUND + 1)
            turns = run_child("growth", load)["cpu_ms"]
            early.append(_around(turns, _EARLY))
            late.append(_around(turns, _LATE))
            ratios.append(late[-1] / early[-1])
    return [
        Figure(
            "turn_100_over_turn_5",
            round(statistics.median(ratios), 3),
            "x",
            f"64 episodes take every turn together (each call waits until all have come), store included; CPU of turns"
            f" {_LATE - _AROUND} to {_LATE + _AROUND} over that of turns {_EARLY - _AROUND} to {_EARLY + _AROUND}."
            f" Median of {_REPEATS} child processes.",
            limit=1.5,
            details={
                **median_of(ratios),
                "turn_5_ms": round(statistics.median(early), 4),
                "turn_100_ms": round(statistics.median(late), 4),
            },
        )
    ]


def _around(turns: Sequence[float], turn: int) -> float:
    """The mean cost of this turn (from 1) and those beside it."""
    return statistics.fmean(turns[turn - 1 - _AROUND : turn + _AROUND])


_CALLS = 2000


def client() -> list[Figure]:
    """`client_cpu_ms_per_call`, `floor_cpu_ms_per_call`, `mock_cpu_ms_per_call`: what the other figures stand on."""
    with mock_server() as server:
        ours = run_child("client", url=server.url, calls=_CALLS, in_flight=64)["cpu_ms"]
        floor = run_child("floor", url=server.url, calls=_CALLS, in_flight=64)["cpu_ms"]
        server.forget()
        before = server.counts()
        run_child("floor", url=server.url, calls=_CALLS, in_flight=64)
        mock = _spent(server, before.cpu_seconds)
        server.set(latency=0.05)
        server.forget()
        before = server.counts()
        run_child("floor", url=server.url, calls=_CALLS, in_flight=64)
        paced = _spent(server, before.cpu_seconds)
    how = "64 calls at once of a 5.5 kB prompt against the mock without latency; median of 5 rounds in a child process."
    return [
        Figure("client_cpu_ms_per_call", round(statistics.median(ours), 4), "ms", f"Comity's client, bare: {how}"),
        Figure("floor_cpu_ms_per_call", round(statistics.median(floor), 4), "ms", f"Raw asyncio streams: {how}"),
        Figure(
            "mock_cpu_ms_per_call",
            round(mock, 4),
            "ms",
            "CPU of the mock server's own process a call, asked as fast as raw asyncio can; with 50 ms of latency it wakes for nearly"
            " every call, which is dearer.",
            limit=0.1,
            details={"with_latency_of_50_ms": round(paced, 4)},
        ),
    ]


def _spent(server: MockServer, before: float) -> float:
    counts = server.counts()
    return (counts.cpu_seconds - before) * 1000 / counts.calls
