"""The guard: what is evaluated must not be what was learned from. It looks at tasks and players, whole, before anything is played.

Two splits may not share a scenario, nor the world that fresh games are drawn in, nor, of written scenarios that rules decide, a family,
nor a game: the same rules with the same numbers under other words (`identity`). Nobody may learn from or against a partner that is held
out for evaluation, and nobody is tested with whom it learned from, or with itself for a partner.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from comity.agents.negotiators import refuse_held_out
from comity.library.fresh import world_of
from comity.run.plan import PlanError, PolicyPlan
from comity.train.identity import game_of, known_as, words_of
from comity.train.plan import Begin, TrainPlan
from comity.world.episodes import Policy
from comity.world.tasks import Task

__all__ = ["Overlap", "game_of", "guard", "guard_imported"]

_ANOTHER = "negotiator:held-out@1/splitter"
_Found = Callable[[Sequence[Task]], Mapping[str, str]]
"""By what may not be shared, the name to tell it by."""


class Overlap(PlanError):
    """Training and evaluation share what they must not; one line for each kind of overlap, with examples."""


def guard(plan: TrainPlan, splits: Mapping[str, Sequence[Task]]) -> None:
    """Raise `Overlap` or `HeldOutPartner`."""
    learned = _learned(plan)
    refuse_held_out(player.model for players in learned.values() for player in players.values())
    problems = list[str]()
    for (a, ours), (b, theirs) in combinations(splits.items(), 2):
        problems += _shared(f"tasks.{a}", ours, f"tasks.{b}", theirs)
    problems += _met_again(plan, _known(learned))
    if problems:
        raise Overlap("\n".join(problems))


def guard_imported(
    plan: TrainPlan, tasks: Sequence[Task], players: Iterable[Policy], splits: Mapping[str, Sequence[Task]]
) -> None:
    """The same of episodes that were brought in to learn from: of their tasks and of who played them.

    Args:
        splits: all of the plan's; imported episodes stand in for what is played of `train`.

    Raises:
        Overlap, HeldOutPartner: as `guard`.
    """
    players = list(players)
    refuse_held_out(players)
    problems = list[str]()
    for name, theirs in splits.items():
        if name != "train":
            problems += _shared("expert.imported", tasks, f"tasks.{name}", theirs)
    problems += _met_again(plan, {known_as(player): "expert.imported" for player in players})
    if problems:
        raise Overlap("\n".join(problems))


def _shared(a: str, ours: Sequence[Task], b: str, theirs: Sequence[Task]) -> Iterator[str]:
    kinds: tuple[tuple[str, _Found, str], ...] = (
        ("scenarios", _scenarios, "take other tasks for one of them"),
        ("worlds of fresh games", _worlds, "name other `worlds` for one of them"),
        ("families of scenarios with a payoff", _families, "take other `families` for one of them"),
        ("games (the same numbers under other words)", _games, "change the `seed` of one of them, or take other tasks"),
    )
    for what, found, fix in kinds:
        mine, others = found(ours), found(theirs)
        if common := sorted(mine.keys() & others.keys()):
            told = ", ".join(
                mine[key] if mine[key] == others[key] else f"{mine[key]} and {others[key]}" for key in common[:3]
            )
            more = f" and {len(common) - 3:,} more" if len(common) > 3 else ""
            yield f"{a} and {b} share {len(common):,} {what}: {told}{more}; {fix}"


def _scenarios(tasks: Sequence[Task]) -> dict[str, str]:
    """By what they say, whatever they are called."""
    return {words_of(task.scenario): task.scenario.id for task in tasks}


def _worlds(tasks: Sequence[Task]) -> dict[str, str]:
    return {world: world for task in tasks if (world := world_of(task.scenario))}


def _families(tasks: Sequence[Task]) -> dict[str, str]:
    """Of scenarios that rules decide and that somebody wrote; those of fresh games are too wide to tell, and have worlds."""
    written = (task.scenario for task in tasks if task.scenario.payoff and world_of(task.scenario) is None)
    return {scenario.family.strip().casefold(): scenario.family for scenario in written}


def _games(tasks: Sequence[Task]) -> dict[str, str]:
    return {game: task.scenario.id for task in tasks if (game := game_of(task.scenario))}


def _learned(plan: TrainPlan) -> dict[str, Mapping[str, PolicyPlan]]:
    """By table of the plan, whom it says to learn from."""
    pretrain = plan.policy.pretrain
    return {
        "expert": plan.expert.players if plan.expert else {},
        "policy.pretrain": pretrain.players if pretrain else {},
    }


def _known(learned: Mapping[str, Mapping[str, PolicyPlan]]) -> dict[str, str]:
    return {known_as(player): where for where, players in learned.items() for player in players.values()}


def _met_again(plan: TrainPlan, known: Mapping[str, str]) -> Iterator[str]:
    """Partners of an evaluation who were learned from, who are the policy itself, or who were tuned against."""
    why = dict.fromkeys(_own(plan.policy), "the policy itself, which its `self/` settings play with")
    why |= {who: f"which {where} learns from" for who, where in known.items()}
    for table, partners in (("test.partners", plan.test.partners), ("test.dev_partners", plan.test.dev_partners)):
        met = dict[str, str]()
        for name, partner in partners.items():
            who = known_as(partner)
            if who in why:
                yield f"{table}.{name} is {partner.model}, {why[who]}; take another partner, such as {_ANOTHER}"
            met[who] = f"whom {table}.{name} is too"
        why |= met


def _own(policy: Begin) -> set[str]:
    """The base, by where its weights come from and by the server that has it."""
    specs = (policy.model, None if policy.through in ("process", "llama.cpp") else policy.through)
    return {known_as(spec) for spec in specs if spec}
