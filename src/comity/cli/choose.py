"""From what the user typed to tasks, seats, agents and judges. Shared by the commands that play and judge."""

import math
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import typer
from pydantic import ValidationError

from comity.agents.by_rule import CannotPlay, RulePlayer, again_by_rule, is_by_rule, player_by_rule
from comity.agents.llm import Hear, LLMAgent
from comity.agents.protocol import Agent
from comity.agents.styles import style_named
from comity.evaluate.judge import LLMJudge
from comity.evaluate.rubric import load_rubric
from comity.library import load_library, starter
from comity.library.problems import did_you_mean
from comity.models.budget import Budget, Meter
from comity.models.prices import load_prices
from comity.models.protocol import Sampling
from comity.models.resolve import Resolved, resolve
from comity.models.steady import Retries
from comity.models.traffic import Traffic
from comity.store import Store
from comity.store.errors import NotFound
from comity.world.episodes import Policy
from comity.world.tasks import Task

__all__ = [
    "DEFAULT_MODEL",
    "Judging",
    "Models",
    "Overrides",
    "can_play",
    "find_task",
    "open_store",
    "patient",
    "seat_named",
    "store_url",
]

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
        known = [*(scenario.id for scenario in shelf.scenarios), *(task.id for task in shelf.tasks)]
        said = str(error) if error.close else f"there is no task {wanted!r}{did_you_mean(wanted, known)}"
        raise NotFound(f"{said}; see them all: comity list tasks", error.close) from None


def can_play(agents: Iterable[Agent], task: Task) -> None:
    """Raise `BadParameter` where a player by rule is to play in a scenario without a payoff."""
    for agent in agents:
        if isinstance(agent, RulePlayer):
            try:
                agent.check(task.scenario)
            except CannotPlay as error:
                raise typer.BadParameter(str(error)) from None


def seat_named(task: Task, wanted: str) -> str:
    """A seat by its id, its character's display name, or a word of that name that no other has. Raises `BadParameter`."""
    wanted = wanted.casefold()
    exact = [seat for seat, name in task.names.items() if wanted in (seat.casefold(), name.casefold())]
    called = exact or [seat for seat, name in task.names.items() if wanted in name.casefold().split()]
    if len(called) != 1:
        known = ", ".join(f"{name} ({seat})" for seat, name in task.names.items())
        raise typer.BadParameter(f"{wanted!r} names {'nobody' if not called else 'several'} here; there are: {known}")
    return called[0]


def temperature_named(text: str) -> float | None:
    """A temperature, from 0; `None` for `none`, which leaves it to the server. Raises `BadParameter`."""
    if text.strip().casefold() == "none":
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise typer.BadParameter(f"{text!r} is not a temperature; give a number from 0 on, or none")
    return number


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the user wants otherwise than the model's own defaults."""

    style: str | None = None
    temperature: str | None = None
    """As typed: a number or `none`."""
    max_tokens: int | None = None

    def sampling(self, default: Sampling) -> Sampling:
        """The default with the user's wishes laid over it. Raises `BadParameter`."""
        wishes: dict[str, float | None] = {}
        if self.temperature is not None:
            wishes["temperature"] = temperature_named(self.temperature)
        if self.max_tokens is not None:
            wishes["max_tokens"] = self.max_tokens
        return default.model_copy(update=wishes)


@dataclass(frozen=True, slots=True)
class Judging:
    """How the user wants episodes judged."""

    model: str
    rubric: Path | None = None
    temperature: str = "0"
    """As typed: a number or `none`."""
    mask_names: bool = False

    @property
    def options(self) -> list[str]:
        """The same as options of `comity score`."""
        options = ["--judge", self.model]
        if self.rubric:
            options += ["--rubric", str(self.rubric)]
        if self.temperature != "0":
            options += ["--judge-temperature", self.temperature]
        if self.mask_names:
            options += ["--mask-names"]
        return options


def patient(patience: float, attempts: int | None = None) -> Traffic:
    """The way of a command's calls to their servers, without a budget: faults are tried again, and servers asked no more than they bear.

    Args:
        patience: seconds to wait for a server that is down; 0 asks once, and not again.
        attempts: how often a call is tried while its server is up; `Retries`' own unless given.
    """
    retries = Retries(attempts=attempts) if attempts else Retries()
    return Traffic(
        Meter(Budget(), load_prices()), retries=retries if patience else Retries(attempts=1), patience=patience
    )


class Models:
    """The models of one command, each made once, and released together.

    Args:
        conversations: how many a local model must hold at the same time: one for each seat, and one to judge.
        judging: how judges are asked; unless given, a call is tried three times, and a server that asks to wait is waited for
            up to a minute.
    """

    def __init__(self, conversations: int = 1, judging: Traffic | None = None) -> None:
        self._conversations = conversations
        self._judging = judging
        self._made: dict[str, Resolved] = {}

    def resolve(self, spec: str) -> Resolved:
        """The model of this specification; the same one for the same words."""
        if spec not in self._made:
            self._made[spec] = resolve(spec, conversations=self._conversations)
        return self._made[spec]

    def agents(
        self, seats: Sequence[str], specs: str, overrides: Overrides, hear: Hear | None = None
    ) -> dict[str, Agent]:
        """An agent for each of the seats: one specification for all, or one each, separated by commas."""
        named = [spec.strip() for spec in specs.split(",")]
        if len(named) not in (1, len(seats)):
            raise typer.BadParameter(f"{len(named)} models for the seats {', '.join(seats)}; give one, or one each")
        if overrides != Overrides() and all(map(is_by_rule, named)):
            raise typer.BadParameter(
                "neither a negotiator nor a trivial player takes a style, temperature or tokens of yours; its own style says all"
            )
        each = named * len(seats) if len(named) == 1 else named
        return {seat: self.agent(spec, overrides, hear) for seat, spec in zip(seats, each, strict=True)}

    def agent(self, spec: str, overrides: Overrides, hear: Hear | None = None) -> Agent:
        """An agent played by this model, or this player by rule."""
        if is_by_rule(spec):
            return player_by_rule(spec)
        found = self.resolve(spec)
        return self._agent(found, overrides.style or found.style, overrides.sampling(found.sampling), hear)

    def agent_again(self, policy: Policy, hear: Hear | None = None) -> Agent:
        """The agent that a record names: its model, prompt style and sampling, whatever suits the model now; or its player by rule."""
        if player := again_by_rule(policy):
            return player
        # what the record leaves out was left to the server, not to `Sampling`'s own defaults
        unset = dict.fromkeys(("temperature", "top_p", "max_tokens"))
        try:
            sampling = Sampling.model_validate({**unset, **policy.sampling})
        except ValidationError as error:
            raise typer.BadParameter(
                f"the record's sampling cannot be had in this version of Comity: {error}"
            ) from None
        style = (policy.style or "").partition("@")[0]
        return self._agent(self.resolve(policy.model or ""), style, sampling, hear)

    def _agent(self, found: Resolved, style: str, sampling: Sampling, hear: Hear | None) -> LLMAgent:
        try:
            return LLMAgent(found.model, style=style_named(style), sampling=sampling, hear=hear)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    def judge(self, judging: Judging, *, swap_seats: bool = False, repeat: int = 0) -> LLMJudge:
        """A judge as the user wants it, in one order and of one repeat. Raises `BadParameter`."""
        found = self.resolve(judging.model)
        self._judging = self._judging or patient(60.0, attempts=3)
        return LLMJudge(
            self._judging.through(found, repeat=repeat),
            rubric=load_rubric(judging.rubric) if judging.rubric else None,
            sampling=Sampling(temperature=temperature_named(judging.temperature), max_tokens=2048),
            brief=found.style == "transcript",
            repeat=repeat,
            mask_names=judging.mask_names,
            swap_seats=swap_seats,
        )

    async def aclose(self) -> None:
        """Release every model."""
        for found in self._made.values():
            await found.model.aclose()
