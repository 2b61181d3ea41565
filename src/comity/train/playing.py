"""Playing what a stage needs as a run like any other, which `comity report` can read and a kill cannot spoil."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from pydantic import JsonValue

from comity.run.execute import execute, first_failure, progress_of
from comity.run.plan import Plan, PolicyPlan, TaskSet
from comity.run.prepare import Prepared, prepare
from comity.run.progress import Progress
from comity.store import Store
from comity.train.plan import TrainPlan
from comity.train.work import TrainError

__all__ = ["Playground", "Watch"]

Watch = Callable[[Progress, Plan, float], AbstractAsyncContextManager[None]]
"""Shows how a run stands while it is played; the number is the most turns an episode can have."""


def _unseen(progress: Progress, plan: Plan, turns: float) -> AbstractAsyncContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Playground:
    """Where runs of a training plan are played."""

    plan: TrainPlan
    store: Store
    base: Path
    """The folder of the plan's file."""
    watch: Watch = field(default=_unseen)

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
            notes=f"Made by the training plan {said.name}.",
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
            budget=said.budget,
        )

    def play(self, plan: Plan) -> dict[str, JsonValue]:
        """Play the run to its end, or on to it, and say what it came to. Raises `TrainError` where it did not get there."""
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
