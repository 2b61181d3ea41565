"""What the benchmarks play: a plan over the starter library against the mock server, by `comity.run`, as `comity run` does it.

`play_many` is the one function that says how; everything else in this folder measures what it does from outside.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio

from comity.library import starter
from comity.models.protocol import ChatModel
from comity.models.resolve import Resolved, resolve
from comity.run.execute import execute
from comity.run.plan import JudgePlan, Plan, PolicyPlan, TaskSet
from comity.run.prepare import prepare
from comity.store import Store
from comity.world.environment import Limits
from comity.world.tasks import Task

__all__ = ["Load", "Wrap", "play_many", "tasks"]

Wrap = Callable[[ChatModel], ChatModel]
"""Puts something around the client, such as one that notes the prompts."""


@dataclass(frozen=True)
class Load:
    """What is played."""

    url: str
    """The model server's."""
    repeats: int
    """Episodes of each of the tasks."""
    in_flight: int
    """The most episodes in play at once."""
    turns: int = 20
    store: str = ""
    """Where it is kept; a file in a folder of the child's own where empty."""
    style: str = "chat"
    judged: bool = False


_TASKS = (
    *("bicycle_sale.maria_daniel", "bicycle_sale.carlos_priya", "bicycle_sale.tomas_sasha"),
    *("courtyard_rumour.leila_kenji", "courtyard_rumour.robin_daniel", "courtyard_rumour.amina_samuel"),
    *("gas_bill.priya_kenji", "gas_bill.sasha_robin", "last_ferry.leila_samuel", "last_ferry.maria_carlos"),
    *("moving_day.samuel_maria", "moving_day.amina_samuel", "moving_day.robin_grace"),
    *("opening_speech.grace_kenji", "opening_speech.carlos_maria", "opening_speech.leila_tomas"),
)


def tasks() -> list[Task]:
    """Sixteen tasks in which two people act in turn, so that a turn is one call; always the same, however the library grows."""
    return [starter().task(name) for name in _TASKS]


async def play_many(load: Load, wrap: Wrap | None = None) -> None:
    """Play all of it as `comity run` does: what the store has already is not played again.

    Raises `RuntimeError` where not everything was played.
    """
    with _wrapped(wrap), Store.open(load.store) as store:
        prepared = prepare(_plan(load), store, Path())
        try:
            prepared.begin(store)
            progress = await execute(prepared, store)
        finally:
            with anyio.CancelScope(shield=True):
                await prepared.aclose()
    if not progress.complete:
        raise RuntimeError(f"{progress.left} episodes were not played: {progress.stopped} {dict(progress.causes)}")


def _plan(load: Load) -> Plan:
    model = f"{load.url}#mock"
    return Plan(
        name="bench",
        tasks=TaskSet(tasks=tuple(task.id for task in tasks())),
        policies={"mock": PolicyPlan(model=model, style="transcript" if load.style == "transcript" else "chat")},
        repeats=load.repeats,
        limits=Limits(turns=load.turns),
        judges=(JudgePlan(model=model),) if load.judged else (),
        in_flight=load.in_flight,
    )


@contextmanager
def _wrapped(wrap: Wrap | None) -> Iterator[None]:
    """Lets every client of a run be made with something around it."""
    if wrap is None:
        yield
        return
    from unittest.mock import patch  # a megabyte that is not Comity's, where memory is measured

    def found(spec: str, *given: Any, **named: Any) -> Resolved:
        plain = resolve(spec, *given, **named)
        return replace(plain, model=wrap(plain.model))

    with patch("comity.run.players.resolve", found):
        yield
