"""A training plan: tasks, an expert, a policy, what it learns in which steps, and how it is evaluated. A TOML file; reading it asks nothing.

`comity train PLAN.toml` does all of it. A plan says what is learned and not where it is kept.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, model_validator
from pydantic_core import to_json

from comity.evaluate.panel import FEWEST_TRIMMED, Aggregate
from comity.library.fresh import FRESH_KINDS
from comity.library.problems import problems_of
from comity.models.budget import Budget
from comity.models.endpoints import EndpointLimits
from comity.models.protocol import Timeouts
from comity.models.steady import Retries
from comity.run.plan import JudgePlan, PlanError, PolicyPlan, TaskSet
from comity.train.nano import NanoSpec
from comity.train.reward import OUTCOMES, TOP, RewardPlan
from comity.train.settings import FitPlan
from comity.world.environment import Limits
from comity.world.record import Record, Slug

__all__ = [
    "BASE",
    "SETTINGS",
    "Begin",
    "Collecting",
    "Expert",
    "FilterPlan",
    "Pretraining",
    "Setting",
    "Sources",
    "Split",
    "Splits",
    "Step",
    "Testing",
    "TrainPlan",
    "load_train_plan",
]

BASE = "base"
"""What the policy is called before it has learned anything here."""

Sources = Literal["expert", "self"]
"""Whose episodes a step learns from."""


class Split(TaskSet):
    """Tasks of one kind of use: a task set as in a run's plan, or fresh games, which are made in the work folder."""

    fresh: Mapping[str, int] = Field(default_factory=dict)
    """How many fresh games of each kind, such as `{ division = 100 }`; then the rest of a task set is left out."""
    worlds: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """By kind, the hand-written worlds they are set in; all of them unless given. No two splits may share one."""
    seed: int = 0
    casts: int = Field(default=1, ge=1)
    """Casts of each fresh game."""

    @model_validator(mode="after")
    def _fresh_or_there(self) -> Self:
        if unknown := [kind for kind in self.fresh if kind not in FRESH_KINDS]:
            raise ValueError(
                f"there are no fresh games of kind {', '.join(unknown)}; there are: {', '.join(FRESH_KINDS)}"
            )
        if self.fresh and (self.model_fields_set & set(TaskSet.model_fields)):
            raise ValueError("fresh games are made here; leave out source, set, scenarios, tasks and the like")
        if strangers := sorted(self.worlds.keys() - self.fresh.keys()):
            raise ValueError(f"worlds names {', '.join(strangers)}, of which no fresh games are asked for")
        if any(count < 1 for count in self.fresh.values()):
            raise ValueError("of each kind at least one game")
        return self


class Splits(Record):
    """What is learned from, tuned on and tested on."""

    train: Split
    dev: Split | None = None
    """To tune on: `comity train PLAN.toml --split dev` evaluates here."""
    test: Split


class Pretraining(Record):
    """How a model made here comes to a base: it learns everything that weak players do, good or bad, and what a quiz asks."""

    players: Mapping[Slug, PolicyPlan] = Field(default_factory=lambda: {"noisy": PolicyPlan(model="trivial:noisy")})
    """Who plays the training tasks with each other and themselves."""
    repeats: int = Field(default=1, ge=1)
    pairings: int | None = Field(default=None, ge=1)
    quiz: int = Field(default=0, ge=0)
    """How many questions of the quiz it reads with their answers; those that it is asked later are others."""
    fit: FitPlan


class Begin(Record):
    """The policy that learns: where its weights come from, and how it is asked. Sampling is the same for every policy that comes of it."""

    model: str | None = None
    """`hf:PATH`, `adapter:PATH`, seen from the plan's file, or `local:ALIAS`, a model of `comity models`, whose weights are unpacked."""
    nano: NanoSpec | None = None
    """A small Llama with a tokenizer of its own, made here; in place of `model`."""
    pretrain: Pretraining | None = None
    through: str = "process"
    """Who answers while it plays: `process`; `llama.cpp`, from weights written as GGUF; or a vLLM server that has the base and loads adapters
    as they come, `http://HOST:PORT/v1#NAME`. It stays the same for all policies, so that none is decoded by other arithmetic."""
    server_folders: Mapping[str, str] = Field(default_factory=dict)
    """Where such a server sees folders of this machine, that of training above all: `{"build/learning" = "/data/learning"}`. Folders here are
    seen from the working directory. What lies in none of them has the same path on both."""
    style: Literal["compact", "chat"] = "compact"
    temperature: float = Field(default=0.7, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int = Field(default=96, ge=64)
    """Of a reply; fewer than 64 would cut off more policies' replies than others'."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.model is None) == (self.nano is None):
            raise ValueError("say where the policy's weights come from: `model`, or `nano` for a small one made here")
        if (self.pretrain is None) != (self.nano is None):
            raise ValueError("`nano` has random weights and needs `pretrain`; a `model` takes none")
        served = self.through.startswith(("http://", "https://"))
        if not served and self.through not in ("process", "llama.cpp"):
            raise ValueError(
                f"through is process, llama.cpp or a server's http://HOST:PORT/v1#NAME, not {self.through!r}"
            )
        if served and "@" in urlsplit(self.through).netloc:
            raise ValueError("through: an address holds no user or password; it stands in every record")
        if self.server_folders and not served:
            raise ValueError("server_folders are those of a server; name it in `through`, or leave them out")
        if served and self.nano:
            raise ValueError("a server has no model that is made here; play it in this process")
        return self


class Expert(Record):
    """Whom behaviour is cloned from: models or scripted partners, who play each other and themselves; or people, by imported episodes."""

    players: Mapping[Slug, PolicyPlan] = Field(default_factory=dict)
    pairings: int | None = Field(default=None, ge=1)
    """Of each player and task, how many partners and seats are drawn; all unless given."""
    repeats: int = Field(default=1, ge=1)
    imported: str | None = None
    """Instead of players: episodes in the store whose source begins so, such as `CaSiNo`. Of judged dimensions they have what `comity judge`
    gave them before; the plan's judges read what is played."""

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if bool(self.players) == (self.imported is not None):
            raise ValueError("say who the expert is: `players`, or `imported` for episodes of people")
        return self


class Collecting(Record):
    """How the policy's own episodes are collected."""

    repeats: int = Field(default=4, ge=1)
    """How often each task is played; SOTOPIA-π plays ten casts of each."""
    constrained: bool = True
    """Whether replies are held to the schema: a base that is not used to the form has few whole episodes without."""


class FilterPlan(Record):
    """What is kept. Ranks are within a task as SOTOPIA-π counts them: all casts and repeats of one scenario together."""

    rule: Literal["bc", "sr", "threshold"]
    """`bc`: per scenario and seat the `top` best, and every further rank at which all seats pass the lower of two means: that of their own
    rewards in the scenario, and that of all rewards. `sr`: the best `share` of each scenario, all seats together. `threshold`: whatever
    comes to `least`."""
    top: int = Field(default=2, ge=1)
    share: float = Field(default=0.2, gt=0, le=1)
    least: float | None = Field(default=None, ge=0, le=TOP)
    """With `threshold`, the lowest reward that is kept; with the others, one that is asked for besides."""
    most: int | None = Field(default=None, ge=1)
    """Of what the rule keeps, at most so many, the same number of each scenario as far as they go; all of it unless given."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.rule == "threshold" and self.least is None:
            raise ValueError("a threshold is stated: give `least`, from 0 to 10")
        return self


class Step(Record):
    """One policy made from another. Where it learns from itself, for several rounds, each collects anew with what the one before became."""

    begin: Slug = BASE
    """The policy it goes on from: `base`, or another step."""
    learns: Sources
    rounds: int = Field(default=1, ge=1)
    filter: FilterPlan
    fit: FitPlan
    accept_weight: float = Field(default=1.0, gt=0)
    """The weight of accepting actions in the loss, beside 1 for all others: they are one in an episode, or none."""
    words_weight: float = Field(default=1.0, ge=0)
    """The weight of the tokens that are said aloud, beside 1 for those of the move: they are many, and in a game the move decides."""
    drop_malformed: bool = True
    """Whether turns that needed a second ask or a repair are left out of the loss."""
    dev_share: float = Field(default=0.1, ge=0, lt=1)
    """The part of the scenarios, by hash, whose examples are not learned but show when to stop."""

    @model_validator(mode="after")
    def _rounds_are_of_its_own(self) -> Self:
        if self.rounds > 1 and self.learns == "expert":
            raise ValueError("an expert's episodes stay the same, so more rounds of them add nothing; raise fit.epochs")
        return self


Setting = Literal["pool/schema", "pool/free", "self/schema", "self/free"]
SETTINGS: tuple[Setting, ...] = ("pool/schema", "pool/free", "self/schema", "self/free")
"""Against the held-out pool or itself; held to the schema or free, since a gain in form is not a gain in skill."""


class Testing(Record):
    """What every policy is put through, before and after."""

    partners: Mapping[Slug, PolicyPlan] = Field(min_length=1)
    """The pool that nothing was learned from or against."""
    dev_partners: Mapping[Slug, PolicyPlan] = Field(default_factory=dict)
    """The pool with `--split dev`: others than `partners`, which would be tuned against."""
    settings: tuple[Setting, ...] = Field(default=SETTINGS, min_length=1)
    """Against whom, and how replies are decoded; see `SETTINGS`."""
    reference: Mapping[Slug, PolicyPlan] = Field(default_factory=dict)
    """Who else is measured on the same tasks: trivial players, the expert."""
    margin: float = Field(default=0.5, gt=0)
    """In points of the reward, the largest difference that does not matter."""
    qa: tuple[str, ...] = ()
    """Question files, seen from the plan's: MMLU's zip, CSV or JSON lines; `quiz` for the one made here."""
    qa_count: int = Field(default=300, ge=1)
    """How many questions of each are asked, drawn by the plan's seed."""
    qa_shots: int = Field(default=5, ge=0)
    cost_margin: float = Field(default=0.05, gt=0, lt=1)
    """The largest difference in accuracy, and in shares of safety, that does not matter."""
    safety: bool = True
    safety_repeats: int = Field(default=1, ge=1)
    refusals: str | None = None
    """XSTest's prompts, a CSV file seen from the plan's."""
    refusals_count: int | None = Field(default=None, ge=1)
    judge: str | None = None
    """A model that judges the safety conversations beside the rules."""


class TrainPlan(Record):
    """Everything `comity train` needs to know."""

    name: Slug
    notes: str = ""
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1)
    """Everything that chance decides is done once for each: pretraining, play, filter and fit. Tasks stay the same."""
    tasks: Splits
    policy: Begin
    expert: Expert | None = None
    reward: RewardPlan = RewardPlan()
    collect: Collecting = Collecting()
    steps: Mapping[Slug, Step] = Field(min_length=1)
    test: Testing
    judges: tuple[JudgePlan, ...] = ()
    """Who judges what is collected and tested, where the reward or a reader wants judged dimensions."""
    aggregate: Aggregate = "mean"
    limits: Limits = Limits()

    in_flight: int | None = Field(default=None, ge=1)
    endpoints: Mapping[str, EndpointLimits] = Field(default_factory=dict)
    timeouts: Timeouts = Timeouts()
    retries: Retries = Retries()
    patience: float = Field(default=1800.0, gt=0)
    budget: Budget = Budget()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        known = [BASE]
        for name, step in self.steps.items():
            if name == BASE:
                raise ValueError(f"{BASE!r} is what the policy is called before any step; give this one another name")
            if step.begin not in known:
                raise ValueError(
                    f"steps.{name}.begin: {step.begin!r} is no step before it; there are: {', '.join(known)}"
                )
            if step.learns == "expert" and self.expert is None:
                raise ValueError(f"steps.{name} learns from an expert, and the plan names none; add [expert]")
            known.append(name)
        self._check_names()
        if self.aggregate == "trimmed" and len(self.judges) < FEWEST_TRIMMED:
            raise ValueError(
                f"aggregate: a trimmed mean needs at least {FEWEST_TRIMMED} [[judges]], not {len(self.judges)}"
            )
        if self.reward.judged and not self.judges:
            raise ValueError(
                f"the reward asks for {', '.join(self.reward.judged)}, which only a judge gives: add [[judges]]; "
                f"rules give {', '.join(OUTCOMES)}"
            )
        return self

    def _check_names(self) -> None:
        """Everybody who is measured or met has a name of their own: results are told apart by names."""
        names = [*self.policies, *self.test.reference, *self.test.partners, *self.test.dev_partners]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(
                f"{', '.join(twice)}: steps, test.reference, test.partners and test.dev_partners need different names, and none of them {BASE!r}"
            )
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds must differ: the same one is the same training")

    def partners_on(self, split: str) -> Mapping[str, PolicyPlan]:
        """The pool that policies meet on `dev` or `test`. Raises `PlanError` where tuning would be against the test's."""
        if split != "dev":
            return self.test.partners
        if not self.test.dev_partners:
            raise PlanError(
                "test.dev_partners: who tunes against test.partners has spent them; name others, such as "
                '{ mirror = { model = "negotiator:tit-for-tat" } }'
            )
        return self.test.dev_partners

    @property
    def policies(self) -> tuple[str, ...]:
        """What is evaluated, in order: the base and what every step makes of it."""
        return (BASE, *self.steps)


_SHAPES: Mapping[str, type[Record]] = {
    "": TrainPlan,
    "tasks": Splits,
    "train": Split,
    "dev": Split,
    "test": Testing,
    "policy": Begin,
    "nano": NanoSpec,
    "pretrain": Pretraining,
    "expert": Expert,
    "reward": RewardPlan,
    "collect": Collecting,
    "filter": FilterPlan,
    "fit": FitPlan,
    "judges": JudgePlan,
    "limits": Limits,
    "budget": Budget,
}


def load_train_plan(where: Path) -> TrainPlan:
    """The plan in a TOML file. Raises `PlanError` with one line for each problem."""
    try:
        data = tomllib.loads(where.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise PlanError(f"{where}: there is no such file") from None
    except OSError as error:
        raise PlanError(f"{where}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise PlanError(f"{where}: is not TOML ({error})") from error
    data.setdefault("name", where.stem)
    try:
        return TrainPlan.model_validate_json(to_json(data), strict=True)
    except ValidationError as error:
        problems = problems_of(error, str(where), data, {**_SHAPES, **_named(data)})
    raise PlanError("\n".join(map(str, problems)))


def _named(data: Mapping[str, object]) -> dict[str, type[Record]]:
    """The records of tables with names of the user's own."""
    steps = data.get("steps")
    return dict.fromkeys(steps, Step) if isinstance(steps, dict) else {}
