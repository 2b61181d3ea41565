"""Every scenario of the library with a payoff can be played by negotiators alone, to at least three different outcomes."""

from itertools import product

import pytest
from negotiating import ALL, outcome, playing, seated

from comity.library.loader import starter
from comity.world.tasks import Task

TASKS = {task.scenario.id: task for task in reversed(starter().tasks) if task.scenario.payoff}
"""The first cast of each."""
STYLES = ["linear", "pleaser", "bluffer", "firm", "conceder", "boulware", "tit-for-tat"]


def test_at_least_24_scenarios_have_a_payoff() -> None:
    assert len(TASKS) >= 24


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_scripted_play_reaches_three_different_outcomes(task: Task) -> None:
    found = set()
    for seed, (one, other) in enumerate(product(STYLES, STYLES)):
        result = outcome(playing(task, seated(task, one, other), seed))
        found.add((result.status, tuple(sorted(result.utilities.items()))))
        if len(found) >= 3:
            return
    raise AssertionError(f"{task.scenario.id}: only {found}")


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_the_held_out_pool_plays_it_too(task: Task) -> None:
    for spec in (spec for spec in ALL if "held-out" in spec):
        assert outcome(playing(task, seated(task, spec, "linear"))).status != "failed"
