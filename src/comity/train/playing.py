"""Playing what a stage needs as a run like any other, which `comity report` can read and a kill cannot spoil."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from pydantic import JsonValue

from comity.agents.styles import style_named
from comity.models.budget import Budget, Meter, Spent
from comity.models.prices import load_prices
from comity.models.resolve import SAME_REPLIES, torch_threads
from comity.models.traffic import Traffic
from comity.run.changes import told_judge
from comity.run.execute import execute, first_failure, progress_of
from comity.run.plan import JudgePlan, Plan, PolicyPlan, TaskSet
from comity.run.players import Players
from comity.run.prepare import Prepared, prepare, sum_of
from comity.run.progress import Progress
from comity.store import Store
from comity.train.plan import TrainPlan
from comity.train.work import TrainError, mark_of

__all__ = ["Playground", "Watch"]

Watch = Callable[[Progress, Plan, float], AbstractAsyncContextManager[None]]
"""Shows how a run stands while it is played; the number is the most turns an episode can have."""


def _unseen(progress: Progress, plan: Plan, turns: float) -> AbstractAsyncContextManager[None]:
    return nullcontext()


def _notes(plan: TrainPlan) -> str:
    return f"Made by the training plan {plan.name}."


@dataclass(frozen=True, slots=True)
class Playground:
    """Where runs of a training plan are played."""

    plan: TrainPlan
    store: Store
    base: Path
    """The folder of the plan's file."""
    watch: Watch = field(default=_unseen)
    aside: list[Spent] = field(default_factory=list)
    """What stages spent that are no runs: safety conversations, refusals and their judge."""

    def run_name(self, folder: Path, *, weights: str | None = None) -> str:
        """What a stage's run is called. Episodes of weights that were made here are named by where these lie, so a folder elsewhere has runs
        of its own.
        """
        name = f"{self.plan.name}.{folder.name}"
        if weights is None:
            return name
        return f"{name}.{hashlib.sha256(str(folder.parents[1].resolve()).encode()).hexdigest()[:6]}"

    def run_plan(
        self,
        name: str,
        tasks: TaskSet,
        policies: Mapping[str, PolicyPlan],
        *,
        evaluated: Sequence[str] = (),
        partners: Sequence[str] = (),
        pairings: int | None = None,
        repeats: int = 1,
        seed: int,
        judged: bool = False,
    ) -> Plan:
        """A run's plan, asked as the training plan says."""
        said = self.plan
        return Plan(
            name=name,
            notes=_notes(said),
            tasks=tasks,
            policies=policies,
            evaluated=tuple(evaluated),
            partners=tuple(partners),
            pairings=pairings,
            repeats=repeats,
            seeds=(seed,),
            limits=said.limits,
            judges=said.judges if judged else (),
            in_flight=said.in_flight,
            endpoints=said.endpoints,
            timeouts=said.timeouts,
            retries=said.retries,
            patience=said.patience,
        )

    def settled(
        self,
        players: Mapping[str, PolicyPlan],
        *,
        weights: str | None = None,
        own: str = "",
        judges: Sequence[JudgePlan] = (),
    ) -> dict[str, JsonValue]:
        """Who plays and who judges, by what decides what they say: weights, prompts, rubrics by their hashes. For a stage's inputs, so that
        nothing counts as done that was done by others under the same names.

        Args:
            weights: of the policy that learns, by their specification; where they lie is left out.
            own: what that policy is called among the players.
        """
        plan = Plan(name="settled", policies=players, judges=tuple(judges))
        settled = Players(plan, self.base, Traffic(Meter(Budget(), load_prices())), conversations=1)
        others = {label for label in players if not (weights and label == own)}
        try:
            told: dict[str, JsonValue] = {
                label: settled.agent(label).policy.model_dump(mode="json", exclude_none=True) for label in others
            }
            judging: list[JsonValue] = [told_judge(judge) for judge in settled.judges()]
        finally:
            anyio.run(settled.aclose)
        if weights:
            told[own] = self._told_own(players[own], weights)
        return {"players": told, "judges": judging}

    def _told_own(self, player: PolicyPlan, weights: str) -> dict[str, JsonValue]:
        said = player.model_dump(mode="json", exclude={"model", "adapter"}, exclude_none=True)
        prompts = style_named(player.style or self.plan.policy.style).template
        threads = torch_threads(os.environ) if self.plan.policy.through == "process" else 0
        return {
            **said,
            **({"threads": threads} if threads > SAME_REPLIES else {}),
            "weights": mark_of(weights),
            "through": self.plan.policy.through.rpartition("#")[2].partition("&")[
                0
            ],  # a server's model, wherever the server is
            "style": prompts.label,
            "prompt_hash": prompts.hash,
        }

    def left_of_budget(self, run: str = "") -> Budget:
        """What of the plan's budget its other runs in the store have left. Raises `TrainError` where that is nothing."""
        said = self.plan.budget
        if not said.is_set:
            return said
        ids = [each.id for each in self.store.runs() if each.id.startswith(f"{self.plan.name}.") and each.id != run]
        mine = [id_ for id_ in ids if self.store.run(id_).plan.get("notes") == _notes(self.plan)]
        spent = sum((sum_of(self.store.spent(id_).values()) for id_ in mine), sum(self.aside, Spent()))
        left = {
            "calls": said.calls and said.calls - spent.calls,
            "tokens": said.tokens and said.tokens - spent.tokens,
            "money": said.money and said.money - spent.cost,
        }
        if gone := [name for name, value in left.items() if value is not None and value <= 0]:
            raise TrainError(
                f"the plan's budget of {' and '.join(gone)} is spent by its {len(mine):,} runs and what is asked beside them; raise [budget], and the same command goes on"
            )
        return Budget.model_validate(left)

    def traffic(self) -> Traffic:
        """How what is no run is asked: as a run of the plan would be, within what is left of its budget."""
        said = self.plan
        meter = Meter(self.left_of_budget(), load_prices())
        return Traffic(meter, limits=said.endpoints, retries=said.retries, patience=said.patience)

    def play(self, plan: Plan) -> dict[str, JsonValue]:
        """Play the run to its end, or on to it, and say what it came to. Raises `TrainError` where it did not get there."""
        plan = plan.model_copy(update={"budget": self.left_of_budget(plan.name)})
        prepared = prepare(plan, self.store, self.base)
        turns = prepared.estimate().turns / max(1, len(prepared.jobs))
        progress = progress_of(prepared)
        prepared.begin(self.store)
        anyio.run(self._played, prepared, progress, turns)
        if not progress.complete:
            causes = Counter(progress.causes).most_common(1)
            why = progress.stopped or (causes[0][0] if causes else "it was stopped")
            raise TrainError(
                f"run {plan.name}: {progress.left:,} of {progress.total:,} episodes are not done ({why}); mend that, and the same command goes on"
            )
        return {"run": plan.name, "episodes": progress.total, "played_before": progress.before}

    async def _played(self, prepared: Prepared, progress: Progress, turns: float) -> None:
        try:
            async with self.watch(progress, prepared.plan, turns):
                await execute(prepared, self.store, progress)
        except BaseExceptionGroup as failed:
            raise first_failure(failed) from None
        finally:
            with anyio.CancelScope(shield=True):
                await prepared.aclose()
