"""From what the user typed to tasks, seats, agents and judges. Shared by the commands that play and judge."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import typer

from comity.agents.llm import Hear, LLMAgent
from comity.agents.protocol import Agent
from comity.agents.styles import style_named
from comity.evaluate.judge import LLMJudge
from comity.evaluate.rubric import load_rubric
from comity.library import load_library, starter
from comity.models.protocol import Sampling
from comity.models.resolve import Resolved, resolve
from comity.store import Store
from comity.store.errors import NotFound
from comity.world.scorecards import Rubric
from comity.world.tasks import Task

__all__ = ["DEFAULT_MODEL", "Models", "Overrides", "find_task", "open_store", "rubric_of", "seat_named", "store_url"]

DEFAULT_MODEL = "local:qwen2.5-coder-1.5b"


def store_url(given: str | None) -> str:
    """The store's URL: `--store`, else `COMITY_STORE`, else a file in the working directory."""
    return given or os.environ.get("COMITY_STORE") or "comity.db"


def open_store(given: str | None) -> Store:
    """Open it; see `store_url`."""
    return Store.open(store_url(given))


def find_task(wanted: str, store: Store, library: Path | None) -> Task:
    """A task by its id, or a scenario's first task by the scenario's id: of the library, else of the store."""
    shelf = load_library(library) if library else starter()
    with suppress(KeyError):
        return shelf.task(wanted)
    kept = next((task.id for task in store.tasks() if wanted in (task.id, task.scenario)), wanted)
    try:
        return store.task(kept)
    except NotFound as error:
        known = ", ".join(scenario.id for scenario in shelf.scenarios)
        raise NotFound(f"{error}; scenarios of the library: {known}", error.close) from None


def seat_named(task: Task, wanted: str) -> str:
    """A seat by its id, its character's display name, or a word of that name that no other has. Raises `BadParameter`."""
    wanted = wanted.casefold()
    exact = [seat for seat, name in task.names.items() if wanted in (seat.casefold(), name.casefold())]
    called = exact or [seat for seat, name in task.names.items() if wanted in name.casefold().split()]
    if len(called) != 1:
        known = ", ".join(f"{name} ({seat})" for seat, name in task.names.items())
        raise typer.BadParameter(f"{wanted!r} names {'nobody' if not called else 'several'} here; there are: {known}")
    return called[0]


def rubric_of(path: Path | None) -> Rubric | None:
    """The rubric in a file, or none where no file is named."""
    return load_rubric(path) if path else None


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the user wants otherwise than the model's own defaults."""

    style: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None

    def sampling(self, default: Sampling) -> Sampling:
        """The default with the user's wishes laid over it."""
        wishes = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        return default.model_copy(update={key: value for key, value in wishes.items() if value is not None})


class Models:
    """The models of one command, each made once, and released together."""

    def __init__(self) -> None:
        self._made: dict[str, Resolved] = {}

    def resolve(self, spec: str) -> Resolved:
        """The model of this specification; the same one for the same words."""
        if spec not in self._made:
            self._made[spec] = resolve(spec)
        return self._made[spec]

    def agents(
        self, seats: Sequence[str], specs: str, overrides: Overrides, hear: Hear | None = None
    ) -> dict[str, Agent]:
        """An agent for each of the seats: one specification for all, or one each, separated by commas."""
        named = [spec.strip() for spec in specs.split(",")]
        if len(named) not in (1, len(seats)):
            raise typer.BadParameter(f"{len(named)} models for the seats {', '.join(seats)}; give one, or one each")
        each = named * len(seats) if len(named) == 1 else named
        return {seat: self.agent(spec, overrides, hear) for seat, spec in zip(seats, each, strict=True)}

    def agent(self, spec: str, overrides: Overrides, hear: Hear | None = None) -> LLMAgent:
        """An agent played by this model."""
        found = self.resolve(spec)
        try:
            style = style_named(overrides.style or found.style)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        return LLMAgent(found.model, style=style, sampling=overrides.sampling(found.sampling), hear=hear)

    def judge(self, spec: str, rubric: Rubric | None, temperature: float | None = None) -> LLMJudge:
        """A judge that is this model."""
        sampling = Sampling(temperature=0.0 if temperature is None else temperature, max_tokens=2048)
        return LLMJudge(self.resolve(spec).model, rubric=rubric, sampling=sampling)

    async def aclose(self) -> None:
        """Release every model."""
        for found in self._made.values():
            await found.model.aclose()
