"""What the tests of runs share: plans against the mock server, prepared and executed as the command does, and what the store then holds."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import anyio
from worlds import bare_events

from comity.run.execute import execute, progress_of
from comity.run.plan import Plan
from comity.run.prepare import Prepared, prepare
from comity.run.progress import Progress
from comity.store import Store
from comity.world.environment import End

SHORT = {"timeouts": {"connect": 2.0, "call": 2.0}, "retries": {"wait_initial": 0.01, "wait_max": 0.05}}
"""Tests do not wait as people would."""


def plan(model: str, **fields: object) -> Plan:
    """Two tasks of the library with two seats and four turns, played by one policy against itself, unless said otherwise."""
    whole: dict[str, object] = {
        "name": "test",
        "policies": {"mine": {"model": model}},
        "tasks": {"tasks": ["gas_bill.priya_kenji", "gas_bill.sasha_robin"]},
        "limits": {"turns": 4},
        **SHORT,
    }
    return Plan.model_validate(whole | fields)


class Played(NamedTuple):
    """One start of a run."""

    prepared: Prepared
    progress: Progress


async def start(wanted: Plan, store: Store, *, stop: anyio.Event | None = None) -> Played:
    """Prepare, begin and execute, as `comity run` does."""
    prepared = prepare(wanted, store, Path())
    prepared.begin(store)
    progress = progress_of(prepared)
    try:
        await execute(prepared, store, progress, stop=stop)
    finally:
        with anyio.CancelScope(shield=True):
            await prepared.aclose()
    return Played(prepared, progress)


class Result(NamedTuple):
    """What an episode came to, without its times."""

    log: list[dict[str, object]]
    end: End | None
    cards: list[dict[str, object]]

    @property
    def did(self) -> list[object]:
        """The actions alone, without the calls they took."""
        return [event["action"] for event in self.log]


def results(store: Store, run: str = "test") -> dict[str, Result]:
    """Everything that a run has come to, by episode, without times and the code's version: what two stores of it must agree in."""
    found: dict[str, Result] = {}
    for member in store.members(run):
        episode = store.episode(member.episode)
        cards = [
            card.model_dump(exclude={"id", "judged_at", "calls", "code_version"})
            for card in store.scorecards(member.episode)
        ]
        found[member.episode] = Result(bare_events(episode.events), episode.end, cards)
    return found


@contextmanager
def opened(folder: Path, name: str = "run.db") -> Iterator[Store]:
    """A store of its own."""
    with Store.open(str(folder / name)) as store:
        yield store


def kinds(store: Store, run: str = "test") -> Mapping[str, str | None]:
    """By episode, as what it was interrupted; `None` where it was not."""
    return {each.episode: each.interrupted for each in store.standing(run)}
