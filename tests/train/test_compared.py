"""Comparing two policies over seeds: pairs by what both were given to do, and an interval as wide as tasks or seeds make it."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import JsonValue

from comity.train.compared import Compared, against_floor, compared, table_of, values_compared
from comity.train.evaluate import Evaluated
from comity.train.measures import Row
from comity.train.record import costs_compared
from comity.train.told import told_results
from comity.train.work import Done


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


def crossed(
    random: np.random.Generator, seeds: int, tasks: int, by_seed: float, by_task: float
) -> dict[tuple[int, str], tuple[float, float, str]]:
    """Differences of mean 0 in which seeds, tasks and single rows differ by chance."""
    s, t = random.normal(0, by_seed, seeds), random.normal(0, by_task, tasks)
    return {
        (a, f"t{b}"): (0.0, float(s[a] + t[b] + random.normal(0, 1)), f"t{b}")
        for a in range(seeds)
        for b in range(tasks)
    }


def test_with_one_seed_rows_are_clustered_by_task_and_with_several_by_both() -> None:
    random = np.random.default_rng(0)
    several = crossed(random, 5, 20, 1, 1)
    found = values_compared("m", several)
    assert found.clustered_by == "tasks and seeds"
    assert set(found.per_seed) == {"0", "1", "2", "3", "4"}
    assert values_compared("m", {key: value for key, value in several.items() if key[0] == 0}).clustered_by == "tasks"


@pytest.mark.parametrize(("by_seed", "by_task"), [(1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)])
def test_the_interval_covers_what_it_should_where_seeds_and_tasks_cross(by_seed: float, by_task: float) -> None:
    """Of 300 data sets 285 are expected in it, give or take about 8."""
    random = np.random.default_rng(1)
    covered = sum(not values_compared("m", crossed(random, 5, 30, by_seed, by_task)).excludes_zero for _ in range(300))
    assert 275 <= covered <= 299


def test_small_enough_is_shown_only_by_a_margin_that_was_stated() -> None:
    values = {(0, f"t{t}"): (1.0, 1.0 + (-1) ** t * 0.01, f"t{t}") for t in range(40)}
    assert values_compared("m", values).equivalent is None
    assert values_compared("m", values, 0.1).equivalent is True
    assert values_compared("m", values, 0.001).equivalent is False


def alike(measure: str, mean: float) -> Compared:
    """So little apart that it is shown to be small enough."""
    values = {(0, f"t{n}"): (mean, mean + (-1) ** n * 0.01, f"t{n}") for n in range(40)}
    return values_compared(measure, values, 0.1)


@pytest.mark.parametrize(
    ("engaged", "prevented", "marked"),
    [
        (0.0, 0.0, {"prevent.engaged", "prevent.prevented", "prevent.harmed"}),
        (0.5, 0.0, {"prevent.prevented"}),
        (0.5, 0.2, {"prevent.prevented"}),
        (0.5, 0.5, set()),
    ],
)
def test_nothing_is_shown_small_enough_at_the_floor(engaged: float, prevented: float, marked: set[str]) -> None:
    of = {"prevent.engaged": engaged, "prevent.prevented": prevented, "prevent.harmed": 0.0, "prevent.toxic_texts": 0.0}
    found = {measure: alike(measure, value) for measure, value in of.items()}
    assert all(one.equivalent for one in found.values())
    floored = against_floor(found, {"prevent.engaged": 0.1, "prevent.prevented": 0.2})
    assert {measure for measure, one in floored.items() if "at the floor" in one.remark} == marked
    assert {measure for measure, one in floored.items() if one.equivalent is None} == marked
    assert against_floor(found, {}) == found


def test_the_record_marks_what_stands_at_the_floor_and_tables_show_the_floor(tmp_path: Path) -> None:
    def evaluated(name: str) -> Evaluated:
        items: dict[str, JsonValue] = {f"i{n}": 0.0 for n in range(20)}
        told: dict[str, JsonValue] = {
            "summary": {"prevent": {"rates": {"prevented": {"mean": {"value": 0.0}}}}, "floor": {"prevent.prevented": {"value": 0.0, "player": "silent"}}},
            "values": {"prevent.prevented": items},
            "clusters": {item: item for item in items},
        }  # fmt: skip
        return Evaluated(name, 1, "m", {}, {"safety": Done(tmp_path, "0", {}, told)})

    before, after = evaluated("base"), evaluated("bc")
    found = costs_compared({1: before}, {1: after}, "safety", 0.1)
    one = Compared.model_validate(found["prevent.prevented"])
    assert one.equivalent is None
    assert one.remark.endswith("; at the floor (0) before: shows nothing")
    results = {each.name: {"games": {}, "costs": {"safety": {"1": each.costs["safety"].result["summary"]}}} for each in (before, after)}  # fmt: skip
    told = told_results({"results": results, "split": "test", "differences": {"bc_minus_base": {"safety": found}}})  # type: ignore[dict-item]
    assert told[0].columns == ("policy", "prevent.prevented", "floor.prevent.prevented")
    assert told[0].rows == (("base", "0.000", "0.000"), ("bc", "0.000", "0.000"))
    assert told[1].rows[0][-2:] == ("", one.remark)


def test_judged_dimensions_stand_beside_the_measures_of_rules() -> None:
    told = table_of({0: [row("t1", 1), row("t2", 2)]}, {0: [row("t1", 3), row("t2", 3)]}, {"reward": 0.5})
    assert set(told) == {"reward", "agreed", "failed", "words", "GOAL"}
    unlike = table_of({0: [row("t1", 1)]}, {0: [row("t2", 3)]}, {})
    assert unlike["reward"]["pairs"] == 0  # type: ignore[index,call-overload]
    assert unlike["reward"]["remark"] == "no item has a value on both sides"  # type: ignore[index,call-overload]
    assert told["GOAL"]["mean"] == pytest.approx(1.5)  # type: ignore[index,call-overload]
