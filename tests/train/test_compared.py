"""Comparing two policies over seeds: pairs by what both were given to do, and an interval as wide as tasks or seeds make it."""

import numpy as np
import pytest

from comity.train.compared import compared, table_of, values_compared
from comity.train.measures import Row


def row(task: str, reward: float | None, seed: int = 0, seat: str = "a", partner: str = "grim") -> Row:
    return Row(
        episode=f"{task}-{seed}", task=task, scenario=task, seat=seat, partner=partner, seed=seed, reward=reward, agreed=1.0,
        pareto=None, efficiency=None, failed=0.0, malformed=None, contradicted=None, leaked=None, words=3.0, turns=4, dimensions={"GOAL": reward},
    )  # fmt: skip


def test_rows_are_paired_where_both_were_given_the_same() -> None:
    before = {0: [row("t1", 1), row("t2", 2), row("t3", None), row("t4", 4)]}
    after = {0: [row("t1", 3), row("t2", 2), row("t3", 5), row("t4", 4, seat="b")]}
    found = compared("reward", before, after)
    assert (found.pairs, found.unpaired, found.mean) == (2, 3, 1.0)
    assert (found.before, found.after) == (1.5, 2.5)


def test_what_is_missing_on_one_side_is_no_zero() -> None:
    found = compared("reward", {0: [row("t1", None)]}, {0: [row("t1", 5)]})
    assert (found.pairs, found.mean, found.low) == (0, None, None)
    assert found.remark == "no item has a value on both sides"


def test_the_wider_of_two_intervals_is_given() -> None:
    random = np.random.default_rng(0)
    by_task = {t: random.normal(0, 3) for t in range(30)}
    alike_seeds = {
        (s, f"t{t}"): (0.0, by_task[t] + random.normal(0, 0.1), f"t{t}") for s in range(5) for t in range(30)
    }
    assert values_compared("m", alike_seeds).clustered_by == "tasks"
    by_seed = {s: random.normal(0, 3) for s in range(5)}
    alike_tasks = {
        (s, f"t{t}"): (0.0, by_seed[s] + random.normal(0, 0.1), f"t{t}") for s in range(5) for t in range(30)
    }
    found = values_compared("m", alike_tasks)
    assert found.clustered_by == "seeds"
    assert set(found.per_seed) == {"0", "1", "2", "3", "4"}
    one_seed = {key: value for key, value in alike_tasks.items() if key[0] == 0}
    assert values_compared("m", one_seed).clustered_by == "tasks"


def test_a_difference_between_seeds_is_not_taken_for_certain() -> None:
    """Of trainings that differ by chance alone, the interval excludes 0 about one time in twenty, not most of the time."""
    random = np.random.default_rng(1)
    wrong = 0
    for _ in range(200):
        seeds = random.normal(0, 1, 5)
        values = {(s, f"t{t}"): (0.0, seeds[s] + random.normal(0, 1), f"t{t}") for s in range(5) for t in range(20)}
        wrong += values_compared("m", values).excludes_zero
    assert 2 <= wrong <= 22


def test_small_enough_is_shown_only_by_a_margin_that_was_stated() -> None:
    values = {(0, f"t{t}"): (1.0, 1.0 + (-1) ** t * 0.01, f"t{t}") for t in range(40)}
    assert values_compared("m", values).equivalent is None
    assert values_compared("m", values, 0.1).equivalent is True
    assert values_compared("m", values, 0.001).equivalent is False


def test_judged_dimensions_stand_beside_the_measures_of_rules() -> None:
    told = table_of({0: [row("t1", 1), row("t2", 2)]}, {0: [row("t1", 3), row("t2", 3)]}, {"reward": 0.5})
    assert set(told) == {"reward", "agreed", "failed", "words", "GOAL"}
    assert told["GOAL"]["mean"] == pytest.approx(1.5)  # type: ignore[index,call-overload]
