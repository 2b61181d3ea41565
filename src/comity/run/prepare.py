"""Everything about a run that is settled before the first call: tasks, jobs, players, what is done already, and that the plan still fits."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from pydantic import JsonValue

from comity._version import code_version
from comity.evaluate.judge import LLMJudge
from comity.evaluate.panel import judge_named, kin
from comity.models.budget import Meter, Spent
from comity.models.cache_file import ResponseCache, default_cache_file
from comity.models.merged import MARK
from comity.models.prices import Prices, load_prices
from comity.models.traffic import Traffic
from comity.run.changes import begun_with, refuse_unless_more
from comity.run.estimate import Estimate, estimate
from comity.run.jobs import Job, jobs_of
from comity.run.plan import Plan, PlanError
from comity.run.players import Players
from comity.run.tasks import tasks_of
from comity.store import Member, NotFound, RunRecord, Spending, Standing, Store, judge_key
from comity.world.episodes import Policy
from comity.world.record import content_hash
from comity.world.tasks import Task

__all__ = ["Prepared", "prepare", "sum_of"]

_IN_FLIGHT, _TOGETHER = 256, 32
"""Episodes at once where the plan does not say; as many with a model in this process as it answers together."""


@dataclass
class Prepared:
    """A plan with all that it refers to, ready to be begun or gone on with."""

    plan: Plan
    players: Players
    traffic: Traffic
    prices: Prices
    jobs: Sequence[Job]
    standing: Mapping[str, Standing]
    """By episode, how those stand that the store has."""
    begun: RunRecord | None
    """What the run was begun with, where it was."""
    added: int
    """Episodes that the run did not have before."""
    spent_before: Spent
    """By earlier starts and other processes."""
    remarks: list[str]
    """What went wrong on the way and stopped nothing, such as a cache that could not be written."""

    @cached_property
    def judges(self) -> Mapping[str, LLMJudge]:
        """Every judge, by the key under which its scorecards are kept."""
        return {judge_key(j.policy, content_hash(j.rubric), j.repeat): j for j in self.players.judges()}

    @property
    def kin(self) -> Mapping[str, tuple[str, ...]]:
        """By judge, the policies that its own model or a model of its family plays, as far as their names tell."""
        return self.kin_as_served({})

    def kin_as_served(self, served: Mapping[str, Collection[str]]) -> Mapping[str, tuple[str, ...]]:
        """The same, as far as names and what servers called the models tell (`Progress.served`); judges without any are left out."""
        wanted = {*self.plan.who_is_evaluated, *self.plan.who_they_meet}
        played = {label: policy for label, policy in self.players.policies.items() if label in wanted}
        found = {judge_named(j.policy): kin(j.policy, played, served) for j in self.judges.values()}
        return {judge: labels for judge, labels in found.items() if labels}

    @cached_property
    def kept(self) -> dict[str, JsonValue]:
        """What is kept of the plan with its run."""
        return begun_with(self.plan, self.players.policies, self.jobs, self.judges)

    def is_done(self, stands: Standing | None) -> bool:
        """Whether an episode that stands so has ended and every judge has judged it."""
        return stands is not None and stands.end is not None and self.judges.keys() <= stands.judged

    @cached_property
    def left(self) -> list[Job]:
        """The jobs that are not done, in order; those that infrastructure has stopped before come last."""
        left = [job for job in self.jobs if not self.is_done(self.standing.get(job.episode))]
        return sorted(left, key=self._was_stopped)

    def _was_stopped(self, job: Job) -> bool:
        stands = self.standing.get(job.episode)
        return stands is not None and stands.interrupted in ("infrastructure", "judge")

    def estimate(self) -> Estimate:
        """What the jobs that are left ask for at most."""
        return estimate(
            self.left,
            {label: self.players.agent(label) for label in self.plan.policies},
            [judge.policy.model or "" for judge in self.judges.values()],
            self.prices.price_of,
            mode=self.plan.mode,
            lite=self.plan.lite,
            limits=self.plan.limits,
        )

    def begin(self, store: Store) -> None:
        """Write the run down, or what it has more of."""
        created = self.begun.created_at if self.begun else datetime.now(UTC)
        record = RunRecord(id=self.plan.name, plan=self.kept, created_at=created, code_version=code_version())
        if self.added or self.begun is None or self.begun.plan != self.kept:
            store.begin_run(record, map(_member, self.jobs))

    async def aclose(self) -> None:
        """Release every client and the cache."""
        await self.players.aclose()
        self.traffic.close()


def prepare(plan: Plan, store: Store, base: Path, environ: Mapping[str, str] | None = None) -> Prepared:
    """Settle a plan against the store and the models it names. Nothing is contacted, and nothing is written but an empty cache
    where the plan wants one.

    `base` is the folder from which the plan's relative paths are seen. Raises `PlanError`, `ChangedPlan`, `ModelError`,
    `LibraryError`, `RubricError`, `BadPrices` or `StoreError` with the fix.
    """
    tasks = tasks_of(plan.tasks, store, base)
    plan = _with_room(plan)
    prices = load_prices(base / plan.prices if plan.prices else None, environ)
    meter = Meter(plan.budget, prices)
    remarks: list[str] = []
    cache = _cache(plan, base, environ, remarks.append) if plan.cache.use else None
    traffic = Traffic(meter, limits=plan.endpoints, retries=plan.retries, patience=plan.patience, cache=cache)
    try:
        return _settled(plan, store, base, tasks, traffic, prices, remarks, environ)
    except BaseException:
        traffic.close()
        raise


def _settled(
    plan: Plan,
    store: Store,
    base: Path,
    tasks: Sequence[Task],
    traffic: Traffic,
    prices: Prices,
    remarks: list[str],
    environ: Mapping[str, str] | None,
) -> Prepared:
    seats = max(len(task.scenario.seats) for task in tasks)
    players = Players(
        plan,
        base,
        traffic,
        conversations=(plan.in_flight or 1) * seats + 1,
        task_set=_task_set(plan, tasks),
        environ=environ,
    )
    traffic.meter.check(players.models)
    players.check(tasks)
    _all_different(players.policies)
    jobs = jobs_of(plan, tasks, players.policies)
    ids = {job.episode: None for job in jobs}
    begun, members = _begun(store, plan.name)
    prepared = Prepared(
        plan=plan,
        players=players,
        traffic=traffic,
        prices=prices,
        jobs=jobs,
        standing={stands.episode: stands for stands in store.standing_of(ids)},
        begun=begun,
        added=len(ids.keys() - members),
        spent_before=sum_of(store.spent(plan.name).values()),
        remarks=remarks,
    )
    if begun is not None:
        refuse_unless_more(plan.name, begun.plan, prepared.kept, len(members - ids.keys()), len(members))
    return prepared


def _task_set(plan: Plan, tasks: Sequence[Task]) -> str:
    """How the plan names its tasks, and the beginning of the hash of all of them, as it stands on every scorecard."""
    hashes = json.dumps(sorted({content_hash(task) for task in tasks}))
    return f"{plan.tasks.set or plan.tasks.source}:{hashlib.sha256(hashes.encode()).hexdigest()[:12]}"


def sum_of(spending: Iterable[Spending]) -> Spent:
    """What several workers have spent together."""
    return sum((Spent(*each) for each in spending), Spent())


def _with_room(plan: Plan) -> Plan:
    """The plan with the number of episodes in flight said. A local model has few slots, and an episode wants one for each seat; one in this
    process answers many together, but what it keeps of their prompts is lost where more episodes take turns than there is room for.
    """
    models = [each.model for each in plan.policies.values()] + [each.model for each in plan.judges]
    local = any(model.startswith("local:") or MARK in model for model in models)
    here = any(model.startswith(("hf:", "adapter:")) for model in models)
    return plan.model_copy(update={"in_flight": plan.in_flight or (1 if local else _TOGETHER if here else _IN_FLIGHT)})


def _all_different(policies: Mapping[str, Policy]) -> None:
    """Raise `PlanError` for two policies that are one: their episodes would be the same, and one of them would have none."""
    known: list[tuple[str, Policy]] = []
    for label, policy in policies.items():
        if twin := next((other for other, same in known if same == policy), None):
            raise PlanError(
                f"policies {twin} and {label} are the same in model, adapter, prompt and sampling, so their episodes would be too; "
                "change one, or leave it out and compare repeats of the other"
            )
        known.append((label, policy))


def _begun(store: Store, name: str) -> tuple[RunRecord | None, set[str]]:
    try:
        return store.run(name), {member.episode for member in store.members(name)}
    except NotFound:
        return None, set()


def _member(job: Job) -> Member:
    return Member(episode=job.episode, task=job.task.id, seats=job.seats, repeat=job.repeat, seed=job.seed)


def _cache(
    plan: Plan, base: Path, environ: Mapping[str, str] | None, on_trouble: Callable[[str], None]
) -> ResponseCache:
    file = base / plan.cache.path if plan.cache.path else default_cache_file(environ)
    return ResponseCache.open(file, on_trouble=on_trouble)
