"""Killed at random, nothing lost: a run that is killed again and again and resumed ends with what an undisturbed one ends with."""

import random
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from children import playing_child, run_child
from figures import Figure
from mock_server import mock_server
from playing import Load

from comity.store import Store
from comity.world.episodes import Episode

__all__ = ["Difference", "Result", "difference", "kills", "results"]

_KILLS = 20
_LONGEST = 2.0
"""Seconds from the start of a process to its end, at most; about half of them pass before it plays."""
_SEED = 1


@dataclass(frozen=True)
class Difference:
    """How a disturbed run differs from an undisturbed one, in episodes."""

    missing: int
    doubled: int
    """Results beyond the first of one task, policies and seed, or of one judge."""
    other: int
    """Another log, another end, other scores, or none."""

    @property
    def all(self) -> int:
        """Everything that should not be."""
        return self.missing + self.doubled + self.other


def kills() -> list[Figure]:
    """`kills`: what a run killed 20 times lost, doubled or changed."""
    moments = random.Random(_SEED)
    with tempfile.TemporaryDirectory() as folder, mock_server(latency=0.03) as server:
        load = Load(server.url, repeats=24, in_flight=32, turns=20, judged=True)
        calm, torn = str(Path(folder) / "calm.db"), str(Path(folder) / "torn.db")
        run_child("play", replace(load, store=calm))
        needed = server.counts().calls
        server.forget()
        running = playing = 0
        for _ in range(_KILLS):
            with playing_child(replace(load, store=torn)) as child:
                time.sleep(moments.uniform(0, _LONGEST))
                running += child.runs
                playing += server.counts().in_flight > 0
        run_child("play", replace(load, store=torn))
        asked = server.counts().calls
        found = difference(results(calm), results(torn))
    return [
        Figure(
            "kills",
            found.all,
            "episodes",
            f"{load.repeats * 16} episodes of 20 turns with a judge, killed with kill -9 at {_KILLS} random moments up to {_LONGEST:g} s after"
            " each start, resumed, and compared with an undisturbed run event by event and score by score: missing, twice or different.",
            limit=0,
            reference="a kill at 83 % of a batch keeps nothing",
            details={
                "killed_while_running": running,
                "of_these_with_calls_in_flight": playing,
                "missing": found.missing,
                "doubled": found.doubled,
                "different": found.other,
                "calls_undisturbed": needed,
                "calls_with_kills": asked,
            },
        )
    ]


@dataclass(frozen=True)
class Result:
    """What a store holds of one episode."""

    episode: Episode
    scores: tuple[Mapping[str, object], ...]
    """Of each scorecard."""


def results(url: str) -> list[Result]:
    """Everything in a store."""
    with Store.open(url) as store:
        return [
            Result(
                store.episode(summary.id),
                tuple({s: dict(scores) for s, scores in card.scores.items()} for card in store.scorecards(summary.id)),
            )
            for summary in store.episodes()
        ]


def difference(calm: Sequence[Result], torn: Sequence[Result]) -> Difference:
    """What the second has lost, has twice or has otherwise."""
    whole = {_key(result): _told(result) for result in calm}
    found = {_key(result): _told(result) for result in torn}
    times = Counter(map(_key, torn))
    return Difference(
        missing=len(whole.keys() - found.keys()),
        doubled=sum(times.values()) - len(times) + sum(max(0, len(result.scores) - 1) for result in torn),
        other=sum(told != whole.get(key) for key, told in found.items()),
    )


def _key(result: Result) -> tuple[object, ...]:
    episode = result.episode
    who = tuple((seat, policy.model_dump_json()) for seat, policy in episode.policies.items())
    return episode.task.id, episode.seed, who


def _told(result: Result) -> tuple[object, ...]:
    log = [(e.index, e.turn, e.seat, e.action, e.failure, e.audience) for e in result.episode.events]
    return log, result.episode.end, result.scores[:1]
