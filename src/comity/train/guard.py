"""The guard: what is evaluated must not be what was learned from. It looks at tasks and players, whole, before anything is played.

Two splits may not share a scenario, nor the world that fresh games are drawn in, nor, of written scenarios that rules decide, a family,
nor a game: the same rules with the same numbers under other words. Nobody may learn from or against a partner that is held out for evaluation.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, permutations

from comity.agents.negotiators import refuse_held_out
from comity.library.fresh import world_of
from comity.run.plan import PlanError
from comity.train.plan import TrainPlan
from comity.world.deals import Contract, Division, Price
from comity.world.payoffs import Payoff
from comity.world.record import content_hash
from comity.world.scenarios import Scenario
from comity.world.tasks import Task

__all__ = ["Overlap", "game_of", "guard"]


class Overlap(PlanError):
    """Training and evaluation share what they must not; one line for each kind of overlap, with examples."""


def guard(plan: TrainPlan, splits: Mapping[str, Sequence[Task]]) -> None:
    """Raise `Overlap` or `HeldOutPartner`."""
    learned = {
        **(plan.expert.players if plan.expert else {}),
        **(plan.policy.pretrain.players if plan.policy.pretrain else {}),
    }
    refuse_held_out(player.model for player in learned.values())
    problems = [line for (a, of), (b, others) in combinations(splits.items(), 2) for line in _shared(a, of, b, others)]
    problems += _same_players(plan)
    if problems:
        raise Overlap("\n".join(problems))


def game_of(scenario: Scenario) -> str | None:
    """A hash of a game once names and words are taken away: its numbers, whichever seat they are dealt to and in whatever order its things
    stand; `None` where there is no payoff.
    """
    if scenario.payoff is None:
        return None
    orders = permutations([seat.id for seat in scenario.seats])
    body = min(json.dumps(_numbers(scenario.payoff, order), sort_keys=True) for order in orders)
    return hashlib.sha256(body.encode()).hexdigest()


def _numbers(payoff: Payoff, order: Sequence[str]) -> object:
    match payoff:
        case Division(items=items, values=values):
            things = sorted([count, *(values[seat][item] for seat in order)] for item, count in items.items())
            return [payoff.kind, payoff.settled_by, things, [payoff.fallback(seat) for seat in order]]
        case Contract(issues=issues, points=points):
            each = sorted([list(points[seat][issue]) for seat in order] for issue in issues)
            return [payoff.kind, each, [payoff.fallback(seat) for seat in order]]
        case Price(reserves=reserves):
            return [payoff.kind, payoff.range, payoff.step, reserves[payoff.buyer], reserves[payoff.seller]]
        case _:
            return payoff.model_dump(mode="json")


def _shared(a: str, ours: Sequence[Task], b: str, theirs: Sequence[Task]) -> Iterator[str]:
    for what, ids, fix in (
        ("scenarios", _scenarios, "take other tasks for one of them"),
        ("worlds of fresh games", _worlds, "name other `worlds` for one of them"),
        ("families of scenarios with a payoff", _families, "take other `families` for one of them"),
        ("games (the same numbers under other words)", _games, "change the `seed` of one of them"),
    ):
        mine, others = ids(ours), ids(theirs)
        if common := sorted(mine.keys() & others.keys()):
            told = ", ".join(
                mine[key] if mine[key] == others[key] else f"{mine[key]} and {others[key]}" for key in common[:3]
            )
            more = f" and {len(common) - 3:,} more" if len(common) > 3 else ""
            yield f"tasks.{a} and tasks.{b} share {len(common):,} {what}: {told}{more}; {fix}"


def _scenarios(tasks: Sequence[Task]) -> dict[str, str]:
    """By content, whatever they are called."""
    return {content_hash(_unnamed(task.scenario)): task.scenario.id for task in tasks}


def _unnamed(scenario: Scenario) -> Scenario:
    return scenario.model_copy(update={"id": "x", "title": "", "source": "", "licence": ""})


def _worlds(tasks: Sequence[Task]) -> dict[str, str]:
    return {world: world for task in tasks if (world := world_of(task.scenario))}


def _families(tasks: Sequence[Task]) -> dict[str, str]:
    """Of scenarios that rules decide and that somebody wrote; those of fresh games are too wide to tell, and have worlds."""
    written = (task.scenario for task in tasks if task.scenario.payoff and world_of(task.scenario) is None)
    return {scenario.family: scenario.family for scenario in written}


def _games(tasks: Sequence[Task]) -> dict[str, str]:
    return {game: task.scenario.id for task in tasks if (game := game_of(task.scenario))}


def _same_players(plan: TrainPlan) -> list[str]:
    """Partners in the test that were played with in training."""
    pretrain = plan.policy.pretrain.players if plan.policy.pretrain else {}
    learned = {
        p.model: where
        for where, of in (("expert", plan.expert.players if plan.expert else {}), ("policy.pretrain", pretrain))
        for p in of.values()
    }
    return [
        f"test.partners.{name} is {partner.model}, which {learned[partner.model]} learns from; take another partner, such as negotiator:held-out@1/splitter"
        for name, partner in plan.test.partners.items()
        if partner.model in learned
    ]
