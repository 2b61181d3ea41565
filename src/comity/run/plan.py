"""A plan: which tasks are played by whom, against whom, how often, and who judges. A TOML file; reading it asks no model and no store.

What a plan says is of two kinds: what is played, which decides the episodes and is kept with the run, and how it is played
(how much at once, budgets, patience), which may change from one start to the next.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, JsonValue, ValidationError, model_validator
from pydantic_core import to_json

from comity.agents.by_rule import is_by_rule
from comity.library.problems import problems_of
from comity.models.budget import Budget
from comity.models.endpoints import EndpointLimits
from comity.models.protocol import Sampling, Timeouts
from comity.models.steady import Retries
from comity.world.environment import Limits
from comity.world.record import Record, Slug
from comity.world.visibility import Mode

__all__ = ["PRESETS", "JudgePlan", "Plan", "PlanError", "PolicyPlan", "TaskSet", "load_plan"]

PRESETS = ("sotopia-all", "sotopia-hard")
"""The plans that ship; see `presets/`."""

_SECRET = re.compile(r"api.?key|authorization|password|secret|^(access|auth|bearer)?_?token$", re.IGNORECASE)
"""Names of what is sent to a server that would be a key."""


class PlanError(ValueError):
    """A plan cannot be used; the message names file, field and fix, one line for each problem."""


def _open(value: object) -> object:
    """TOML has no null; "none" leaves a setting to the server."""
    return None if value == "none" else value


Temperature = Annotated[Annotated[float, Field(ge=0)] | None, BeforeValidator(_open)]


class TaskSet(Record):
    """Which tasks are played: all of a source, or those of it that are named."""

    source: str = "library"
    """`library` (the one that ships), `store` (what was imported), or a folder of your own, seen from the plan's file."""
    set: str | None = None
    """One of the library's task sets: `all`, `hard`, `lite`, `dev` or `test`. What else is named is looked for in it."""
    scenarios: tuple[str, ...] = ()
    """Scenarios by their id or title; every task of theirs."""
    tasks: tuple[str, ...] = ()
    """Tasks by their id."""
    families: tuple[str, ...] = ()
    """Scenarios by their family."""
    origin: str = ""
    """Only scenarios whose own `source` begins so."""
    outcomes: bool = False
    """Only scenarios with a payoff."""
    count: int | None = Field(default=None, ge=1)
    """How many tasks this must come to; another number is refused."""


class PolicyPlan(Record):
    """Who plays a seat: a model with everything that changes what it says, or a player by rule, which needs nothing more."""

    model: str
    """A specification, such as `openai:gpt-4o`, `negotiator:linear` or `trivial:accept`; see `comity models`."""
    adapter: str | None = None
    """A LoRA adapter, by the name under which the server offers it."""
    style: Literal["chat", "transcript", "compact"] | None = None
    """The prompt style; the model's own unless given."""
    temperature: Temperature | Literal["own"] = "own"
    """A number, `"none"` to leave it to the server, or `"own"` for the model's own (1 unless it has another)."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    extra: Mapping[str, JsonValue] = Field(default_factory=dict)
    """Sent to the server as they are."""
    constrained: bool | None = None
    """Whether replies are held to their schema where the server can do that; they are unless it says false."""

    @model_validator(mode="after")
    def _no_secrets(self) -> Self:
        if found := [name for name in _names(self.extra) if _SECRET.search(name)]:
            raise ValueError(
                f"extra.{found[0]} looks like a key, and what is sent stands in every record; name the variable that holds it: "
                "http://HOST/v1#NAME&key_env=VARIABLE"
            )
        return self

    @model_validator(mode="after")
    def _by_rule_is_whole(self) -> Self:
        if self.is_by_rule and (said := sorted(self.model_fields_set - {"model"})):
            kind = self.model.partition(":")[0]
            who = "a negotiator" if kind == "negotiator" else f"a {kind} player"
            raise ValueError(f"{who} has none of {', '.join(said)}; its style says all, so leave them out")
        return self

    @property
    def is_by_rule(self) -> bool:
        """Whether nobody is asked."""
        return is_by_rule(self.model)

    def sampling(self, own: Sampling) -> Sampling:
        """The model's own sampling with what the plan says laid over it."""
        said: dict[str, object] = {"extra": {**own.extra, **self.extra}}
        if self.temperature != "own":
            said["temperature"] = self.temperature
        if self.top_p is not None:
            said["top_p"] = self.top_p
        if self.max_tokens is not None:
            said["max_tokens"] = self.max_tokens
        if self.constrained is not None:
            said["constrained"] = self.constrained
        return own.model_copy(update=said)


def _names(value: object) -> Iterator[str]:
    """Every name in it, however deep."""
    if isinstance(value, Mapping):
        yield from map(str, value)
    for inner in value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ():
        yield from _names(inner)


class JudgePlan(Record):
    """Who judges every episode."""

    model: str
    rubric: str | None = None
    """A rubric's file, seen from the plan's; SOTOPIA's seven dimensions unless given."""
    temperature: Temperature = 0.0
    repeats: int = Field(default=1, ge=1)
    """How often it judges each episode, in each order."""
    mask_names: bool = False
    """It reads "Person A", "Person B" and so on for names."""
    swap_seats: bool = False
    """It judges each episode in both orders: as the people are seated, and in reverse."""


class Cache(Record):
    """Whether replies are remembered, and where."""

    use: bool = False
    path: str | None = None


class Plan(Record):
    """Everything `comity run` needs to know."""

    name: Slug
    """Names the run: the same name goes on with it."""
    preset: str | None = None
    notes: str = ""
    """What a reader of the results must know; printed before the run."""

    tasks: TaskSet = TaskSet()
    policies: Mapping[Slug, PolicyPlan] = Field(min_length=1)
    evaluated: tuple[Slug, ...] = ()
    """Which policies are evaluated; all unless given."""
    partners: tuple[Slug, ...] = ()
    """Which policies they meet; those that are evaluated unless given."""
    swap_seats: bool = True
    """Each evaluated policy plays every seat in turn; else the first alone."""
    pairings: int | None = Field(default=None, ge=1)
    """So many of a task's pairings, partner and seat, are played by each policy, drawn anew for each repeat and seed, and for every policy
    the same; all of them unless given."""
    repeats: int = Field(default=1, ge=1)
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1)
    mode: Mode = "asymmetric"
    lite: bool = False
    limits: Limits = Limits()
    judges: tuple[JudgePlan, ...] = ()

    in_flight: int | None = Field(default=None, ge=1, le=100_000)
    """The most episodes in play at once, in each process; 256 unless given, 32 where a model in this process plays, or one where a
    local model does."""
    replays: int = Field(default=2, ge=0)
    """How often an episode that infrastructure stopped is taken up again before the run ends."""
    endpoints: Mapping[str, EndpointLimits] = Field(default_factory=dict)
    """Fixed limits, by the server's address; without them the number of calls in flight adapts."""
    timeouts: Timeouts = Timeouts()
    retries: Retries = Retries()
    patience: float = Field(default=1800.0, gt=0)
    """How many seconds to wait for a server that is down before its episodes are given up for this start."""
    budget: Budget = Budget()
    prices: str | None = None
    """A file of prices, seen from the plan's; laid over the user's own and those that ship."""
    cache: Cache = Cache()

    @model_validator(mode="after")
    def _named(self) -> Self:
        for field in ("evaluated", "partners"):
            if unknown := [name for name in getattr(self, field) if name not in self.policies]:
                known = ", ".join(self.policies)
                raise ValueError(f"{field} names {', '.join(unknown)}, which is no policy of this plan ({known})")
        if self.mode == "script" and self.partners:
            raise ValueError("in script mode one policy writes every part, so there are no partners; leave them out")
        if self.mode == "script" and self.pairings:
            raise ValueError(
                "in script mode one policy writes every part, so there are no pairings to draw; leave them out"
            )
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds must differ; to play more of one, raise repeats")
        return self

    @property
    def who_is_evaluated(self) -> tuple[str, ...]:
        """The labels of the policies that are evaluated, in order."""
        return self.evaluated or tuple(self.policies)

    @property
    def who_they_meet(self) -> tuple[str, ...]:
        """The labels of their partners, in order."""
        return self.partners or self.who_is_evaluated

    def what(self) -> dict[str, JsonValue]:
        """What is played, as JSON: the part that decides the episodes."""
        fields = {"tasks", "policies", "evaluated", "partners", "swap_seats", "repeats", "seeds", "mode", "lite"}
        drawn = {"pairings"} if self.pairings else set()
        return self.model_dump(mode="json", include=fields | drawn | {"limits", "judges"})


_TABLES: Mapping[str, type[Record]] = {
    "tasks": TaskSet,
    "policies": PolicyPlan,
    "judges": JudgePlan,
    "limits": Limits,
    "endpoints": EndpointLimits,
    "timeouts": Timeouts,
    "retries": Retries,
    "budget": Budget,
    "cache": Cache,
}


def load_plan(where: str, **overrides: object) -> Plan:
    """The plan in a TOML file, or a preset by its name, with the overrides laid over it, table by table.

    A file may begin from a preset with `preset = "sotopia-hard"`. Raises `PlanError` with one line for each problem.
    """
    data = _preset(where) if where in PRESETS else _file(Path(where))
    if "preset" in data and where not in PRESETS:
        if data["preset"] not in PRESETS:
            raise PlanError(f"{where}: preset: there is no {data['preset']!r}; there are: {', '.join(PRESETS)}")
        data = _over(_preset(str(data["preset"])), data)
    data = _over(data, {key: value for key, value in overrides.items() if value})
    data.setdefault("name", Path(where).stem if where not in PRESETS else where)
    if not data.get("policies") and where in PRESETS:
        raise PlanError(f"{where}: says who is not yet there: give --policy NAME=MODEL, at least one")
    try:
        # as in a library's files: TOML has the types of JSON, and strict JSON takes no "3" for 3
        return Plan.model_validate_json(to_json(data), strict=True)
    except ValidationError as error:
        problems = problems_of(error, where, data, _shapes(data))
    raise PlanError("\n".join(map(str, problems)))


def _shapes(data: Mapping[str, Any]) -> dict[str, type[Record]]:
    """The record of each table by the last part of its name, for the names of its fields."""
    named: dict[str, type[Record]] = {"policies": PolicyPlan, "endpoints": EndpointLimits}
    inner = {name: shape for table, shape in named.items() if isinstance(data.get(table), dict) for name in data[table]}
    return {"": Plan, **_TABLES, **inner}


def _file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise PlanError(f"{path}: there is no such file, and no such preset; there are: {', '.join(PRESETS)}") from None
    except OSError as error:
        raise PlanError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise PlanError(f"{path}: is not TOML ({error})") from error


def _preset(name: str) -> dict[str, Any]:
    text = resources.files("comity.run").joinpath("presets", f"{name}.toml").read_text("utf-8")
    return {**tomllib.loads(text), "preset": name}


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of `below` with those of `above` laid over them, key by key."""
    merged = dict(below)
    for key, value in above.items():
        there = merged.get(key)
        merged[key] = {**there, **value} if isinstance(there, Mapping) and isinstance(value, Mapping) else value
    return merged
