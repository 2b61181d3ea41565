"""Every scenario of the library with a payoff can be played by negotiators alone, to at least three different outcomes; and what they
claim by moves there is found true of honest styles and false of bluffers.
"""

from collections import Counter
from itertools import product

import pytest
from negotiating import ALL, outcome, playing, seated

from comity.library.loader import starter
from comity.world.outcomes import Outcome
from comity.world.tasks import Task

TASKS = {task.scenario.id: task for task in reversed(starter().tasks) if task.scenario.payoff}
"""The first cast of each."""
STYLES = ["linear", "pleaser", "bluffer", "firm", "conceder", "boulware", "tit-for-tat"]
SEEDS = range(4)
HURRIED = {"tin_under_the_tree", "cockle_beds"}
"""Many act at once there, which nobody can see in the first turn: it looks as if there were no time to talk, so nothing is claimed."""


def test_every_scenario_with_a_payoff_is_here_and_they_are_forty() -> None:
    assert set(TASKS) == {scenario.id for scenario in starter().scenarios if scenario.payoff}
    assert len(TASKS) == 40


def what_differs(result: Outcome) -> tuple[object, ...]:
    """Two outcomes are different where they differ in status or in any seat's points: other words, terms or turns are no difference."""
    return result.status, *sorted(result.utilities.items())


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_scripted_play_reaches_three_different_outcomes(task: Task) -> None:
    found = set()
    for seed, (one, other) in enumerate(product(STYLES, STYLES)):
        found.add(what_differs(outcome(playing(task, seated(task, one, other), seed))))
        if len(found) >= 3:
            return
    raise AssertionError(f"{task.scenario.id}: only {found}")


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_the_held_out_pool_plays_it_too(task: Task) -> None:
    for spec in (spec for spec in ALL if "held-out" in spec):
        assert outcome(playing(task, seated(task, spec, "linear"))).status != "failed"


def claims(task: Task, style: str) -> Counter[str]:
    """How many of the claims were true and false where every seat is of one style."""
    found: Counter[str] = Counter()
    for seed in SEEDS:
        for honesty in outcome(playing(task, seated(task, style), seed)).honesty.values():
            found += Counter(honesty.model_dump())
    return found


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_honest_styles_claim_what_is_true_and_bluffers_what_is_not(task: Task) -> None:
    assert task.scenario.payoff is not None
    honest, bluffing = claims(task, "conceder") + claims(task, "pleaser"), claims(task, "bluffer")
    assert honest["false"] == 0
    if task.scenario.id in HURRIED:
        assert not honest + bluffing
        return
    match task.scenario.payoff.kind:
        case "mutual_friend":  # nothing can be claimed there by moves
            assert not honest + bluffing
        case "gift":  # nobody honest promises what can be given at once
            assert not honest
            assert bluffing["false"] > bluffing["true"] == 0
        case kind:
            assert honest["true"] > 0 < bluffing["false"]
            assert (
                bluffing["true"] == 0 or kind == "division"
            )  # in some of them all values are claimed, and one of them is a lie
