"""From a plan's policies and judges to agents and judges that ask through one traffic. Each server's client is made once."""

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from comity.agents.by_rule import CannotPlay, RulePlayer, player_by_rule
from comity.agents.llm import LLMAgent
from comity.agents.protocol import Agent
from comity.evaluate.judge import LLMJudge
from comity.evaluate.rubric import load_rubric
from comity.models.protocol import Sampling
from comity.models.resolve import Resolved, resolve
from comity.models.traffic import Traffic
from comity.run.plan import JudgePlan, Plan, PlanError, PolicyPlan
from comity.world.episodes import Policy
from comity.world.tasks import Task

__all__ = ["Players"]

_JUDGE_TOKENS = 2048


class Players:
    """Who plays and judges in a run.

    Args:
        base: the folder of the plan's file, from which rubrics are seen.
        conversations: how many a local model holds at the same time.
        task_set: which set of tasks is played, as scorecards name it.

    Raises `ModelError` where a model cannot be had; nothing is contacted.
    """

    def __init__(
        self,
        plan: Plan,
        base: Path,
        traffic: Traffic,
        *,
        conversations: int,
        task_set: str = "",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._plan, self._base, self._traffic = plan, base, traffic
        self._conversations = conversations
        self._task_set = task_set
        self._environ = os.environ if environ is None else environ
        self._found: dict[tuple[str, str | None], Resolved] = {}
        self._agents: dict[tuple[str, int], Agent] = {}
        self._judges: dict[tuple[int, bool, int], LLMJudge] = {}

    @cached_property
    def policies(self) -> Mapping[str, Policy]:
        """The policies as they go into the record, by label."""
        return {label: self.agent(label).policy for label in self._plan.policies}

    @property
    def models(self) -> list[str]:
        """The names of all models that are asked."""
        for judge in self._plan.judges:
            self._resolved(judge.model)
        for policy in self._plan.policies.values():
            if not policy.is_by_rule:
                self._resolved(policy.model, policy.adapter)
        return list(dict.fromkeys(found.model.name for found in self._found.values()))

    def agent(self, label: str, repeat: int = 0) -> Agent:
        """The agent of a policy, for episodes of this repeat."""
        said = self._plan.policies[label]
        if said.is_by_rule:
            repeat = 0  # chance is all that tells one repeat from another, and comes with the episode's seed
        if (label, repeat) not in self._agents:
            self._agents[label, repeat] = player_by_rule(said.model) if said.is_by_rule else self._llm(said, repeat)
        return self._agents[label, repeat]

    def _llm(self, said: PolicyPlan, repeat: int) -> LLMAgent:
        found = self._resolved(said.model, said.adapter)
        return LLMAgent(
            self._traffic.through(found, repeat=repeat),
            style=said.style or found.style,
            sampling=said.sampling(found.sampling),
            adapter=said.adapter,
        )

    def endpoint(self, label: str) -> str:
        """The address at which a policy's calls go; empty where nobody is called."""
        said = self._plan.policies[label]
        return "" if said.is_by_rule else self._resolved(said.model, said.adapter).endpoint.rstrip("/")

    def check(self, tasks: Sequence[Task]) -> None:
        """Raise `PlanError` where a player by rule is to play a task without a payoff."""
        wanted = {*self._plan.who_is_evaluated, *self._plan.who_they_meet}
        for label in (label for label in self._plan.policies if label in wanted):
            player = self.agent(label)
            if isinstance(player, RulePlayer):
                _check(label, player, tasks)

    def judges(self) -> list[LLMJudge]:
        """Every judge once for each of its orders and repeats."""
        return [
            self._judge(at, said, swapped, n)
            for at, said in enumerate(self._plan.judges)
            for swapped in ((False, True) if said.swap_seats else (False,))
            for n in range(said.repeats)
        ]

    async def aclose(self) -> None:
        """Release every client."""
        for found in self._found.values():
            await found.model.aclose()

    def _judge(self, at: int, said: JudgePlan, swapped: bool, repeat: int) -> LLMJudge:
        if (at, swapped, repeat) not in self._judges:
            found = self._resolved(said.model)
            self._judges[at, swapped, repeat] = LLMJudge(
                self._traffic.through(found, repeat=repeat),
                rubric=load_rubric(self._base / said.rubric) if said.rubric else None,
                sampling=Sampling(temperature=said.temperature, max_tokens=_JUDGE_TOKENS),
                brief=found.style == "transcript",
                repeat=repeat,
                mask_names=said.mask_names,
                swap_seats=swapped,
                task_set=self._task_set,
            )
        return self._judges[at, swapped, repeat]

    def _resolved(self, spec: str, adapter: str | None = None) -> Resolved:
        if (spec, adapter) not in self._found:
            self._found[spec, adapter] = resolve(
                spec,
                self._environ,
                conversations=self._conversations,
                adapter=adapter,
                timeouts=self._plan.timeouts,
            )
        return self._found[spec, adapter]


def _check(label: str, player: RulePlayer, tasks: Sequence[Task]) -> None:
    lacking = [task for task in tasks if task.scenario.payoff is None]
    try:
        for task in lacking:
            player.check(task.scenario)
    except CannotPlay as error:
        raise PlanError(
            f"policies.{label}: {error}. So it is with {len(lacking):,} of {len(tasks):,} tasks; "
            "to leave them out, add to [tasks]: outcomes = true"
        ) from None
