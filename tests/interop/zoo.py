"""Tasks of every kind as PettingZoo environments, and random legal play of them."""

from collections.abc import Mapping
from random import Random

from games import KINDS, a_payoff, a_task, orders_of, seats_of
from worlds import task

from comity.interop.pettingzoo import ComityEnv, ComityParallelEnv, parallel_env
from comity.world.actions import Action, ActionType
from comity.world.payoffs import Payoff
from comity.world.scenarios import TurnOrder
from comity.world.tasks import Task

__all__ = ["PLAYABLE", "TALK", "Zoo", "doing", "drawn", "game", "judged_only", "of_five", "played", "seeded"]

Zoo = ComityParallelEnv | ComityEnv
TALK = [action for action in ActionType if action is not ActionType.LEAVE]


def judged_only(seats: int, order: TurnOrder = TurnOrder.ROUND_ROBIN) -> Task:
    """A scenario without a payoff that nobody leaves, with private messages where there is somebody to keep them from."""
    return task(*("Ana", "Ben", "Cem", "Dan", "Eve")[:seats], order=order, private=seats > 2, turns=12, actions=TALK)


def game(kind: str, order: TurnOrder = TurnOrder.ROUND_ROBIN, *, seed: int = 0, private: bool = False) -> Task:
    """A scenario with a random payoff of this kind, the first from this seed on that can be played in this order."""
    payoff, seats = next(found for n in range(99) if order in orders_of((found := _random(kind, seed + 1000 * n))[0]))
    made = a_task(payoff, seats, order)
    return made.model_copy(update={"scenario": made.scenario.model_copy(update={"private_messages": private})})


def _random(kind: str, seed: int) -> tuple[Payoff, tuple[str, ...]]:
    chance = Random(f"{kind} {seed}")
    seats = seats_of(kind, chance)
    return a_payoff(kind, seats, chance), seats


PLAYABLE = [
    (kind, order)
    for kind in KINDS
    for order in TurnOrder
    if any(order in orders_of(_random(kind, seed)[0]) for seed in range(20))
]
"""The kinds of payoff, each with the orders of turns in which some of it can be played."""


def of_five(kind: str, order: TurnOrder = TurnOrder.ROUND_ROBIN) -> Task:
    """The same with five seats and private messages."""
    return next(made for made in (game(kind, order, seed=n, private=True) for n in range(99)) if len(made.cast) == 5)


def seeded(zoo: Zoo, seed: int) -> None:
    """Let the samples follow from the seed."""
    for at, agent in enumerate(zoo.possible_agents):
        zoo.action_space(agent).seed(100 * seed + at)


def drawn(zoo: Zoo, agent: str, infos: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """A legal action at random."""
    return zoo.action_space(agent).sample(infos[agent]["action_mask"])  # type: ignore[arg-type]


def played(of: Task, seed: int) -> ComityParallelEnv:
    """An episode of legal actions at random, all at once."""
    zoo = parallel_env(of)
    seeded(zoo, seed)
    _, infos = zoo.reset(seed=seed)
    while zoo.agents:
        *_, infos = zoo.step({agent: drawn(zoo, agent, infos) for agent in zoo.agents})
    return zoo


def doing(zoo: Zoo, agent: str, action: Action) -> dict[str, object]:
    """The action as this agent does it."""
    return zoo.action_space(agent).encode(action)
