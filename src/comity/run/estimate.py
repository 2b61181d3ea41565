"""What a plan will ask for, before it asks: an upper estimate of calls, tokens and cost, from the first prompts as they will be sent.

It assumes that every episode goes to its turn limit and that everybody speaks as much as GPT-4 did in SOTOPIA (45.5 words a turn,
about 60 tokens). Characters are counted as tokens four to one. Asking again after a reply that cannot be used is not foreseen.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from comity.agents.briefing import briefing
from comity.agents.llm import LLMAgent
from comity.agents.protocol import Agent
from comity.models.conversation import Prompt
from comity.models.prices import Price
from comity.run.jobs import Job
from comity.world.environment import Environment, Limits
from comity.world.scenarios import TurnOrder
from comity.world.tasks import Task
from comity.world.views import SeatView, view
from comity.world.visibility import Mode

__all__ = ["Estimate", "estimate"]

_CHARACTERS_A_TOKEN = 4
_TOKENS_A_TURN = 60
_TOKENS_ASKED_A_TURN = 25
"""The line that asks for the next action."""
_JUDGE_READS = 1_200
"""The judge's instructions and a rubric of seven dimensions."""
_JUDGE_WRITES = 400


@dataclass(frozen=True, slots=True)
class Estimate:
    """For the episodes that are not yet done: turns and calls at most, re-asks aside; tokens and cost about."""

    episodes: int
    turns: int
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    """US dollars, without what a prompt cache saves; `None` where a price is unknown."""
    unpriced: tuple[str, ...] = ()
    """The models whose price is unknown."""

    @property
    def tokens(self) -> int:
        """Of prompts and replies together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(slots=True)
class _Sum:
    calls: int = 0
    prompt: int = 0
    completion: int = 0

    def add(self, calls: int, prompt: int, completion: int) -> None:
        self.calls += calls
        self.prompt += prompt
        self.completion += completion


def estimate(
    jobs: Sequence[Job],
    agents: Mapping[str, Agent],
    judges: Sequence[str],
    price_of: Callable[[str], Price | None],
    *,
    mode: Mode,
    lite: bool,
    limits: Limits,
) -> Estimate:
    """The estimate for these jobs.

    Args:
        agents: by policy label.
        judges: the model of each judge, once for each of its repeats.
        price_of: from a model's name to its price, `None` for an unknown one.
    """
    opening = _Openings(agents, mode, lite, limits)
    sums: dict[str, _Sum] = {}
    turns = 0
    for job in jobs:
        limit = limits.turns or job.task.scenario.turn_limit
        turns += limit
        seats = len(job.seats)
        at_once = job.task.scenario.turn_order is TurnOrder.SIMULTANEOUS
        record = 0
        for at, (seat, label) in enumerate(job.seats.items()):
            first = opening.tokens(job.task, seat, label)
            record = max(record, first)
            if agents[label].policy.model is None:
                continue  # nobody is asked
            mine = range(limit) if at_once else range(at, limit, seats)
            own, said = len(mine), seats if at_once else 1
            heard = sum(mine) * said * _TOKENS_A_TURN + sum(range(own)) * _TOKENS_ASKED_A_TURN
            of = sums.setdefault(agents[label].policy.model or "", _Sum())
            of.add(own, own * first + heard, own * _TOKENS_A_TURN)
        for judge in judges:
            told = limit * (seats if at_once else 1) * _TOKENS_A_TURN
            reads = seats * (record + told + _JUDGE_READS)
            sums.setdefault(judge, _Sum()).add(seats, reads, seats * _JUDGE_WRITES)
    prices = {model: price_of(model) for model in sums}
    unpriced = tuple(model for model, price in prices.items() if price is None)
    return Estimate(
        episodes=len(jobs),
        turns=turns,
        calls=sum(s.calls for s in sums.values()),
        prompt_tokens=sum(s.prompt for s in sums.values()),
        completion_tokens=sum(s.completion for s in sums.values()),
        cost=None if unpriced else sum(_cost(prices[model], s) for model, s in sums.items()),
        unpriced=unpriced,
    )


def _cost(price: Price | None, of: _Sum) -> float:
    return price.cost(of.prompt, 0, of.completion) if price else 0.0


class _Openings:
    """The length of first prompts, or of what there would be to tell where there is none, each rendered once."""

    def __init__(self, agents: Mapping[str, Agent], mode: Mode, lite: bool, limits: Limits) -> None:
        self._agents, self._mode, self._lite, self._limits = agents, mode, lite, limits
        self._known: dict[tuple[str, str, str], int] = {}

    def tokens(self, task: Task, seat: str, label: str) -> int:
        key = (task.id, seat, label)
        if key not in self._known:
            state = Environment().reset(task, seed=0, mode=self._mode, lite=self._lite, limits=self._limits)
            self._known[key] = _length(self._agents[label], view(state, seat)) // _CHARACTERS_A_TOKEN
        return self._known[key]


def _length(agent: Agent, seen: SeatView) -> int:
    if isinstance(agent, LLMAgent):
        return Prompt.of(agent.prompt(seen)).characters
    return len(briefing(seen))
