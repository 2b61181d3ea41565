"""Task sets: what a plan names is found, or the name is said with what it resembles."""

from collections import Counter
from pathlib import Path

import pytest

from comity.interop.sotopia import read_sotopia
from comity.library import sets, starter
from comity.run.plan import PRESETS, PlanError, TaskSet, load_plan
from comity.run.tasks import tasks_of
from comity.store import Store
from comity.world.tasks import Task

RELEASE = Path(__file__).parents[3] / "shared" / "data" / "sotopia"


def found(store: Store, **wanted: object) -> tuple[Task, ...]:
    return tasks_of(TaskSet.model_validate(wanted), store, Path())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(str(tmp_path / "s.db"))


def test_the_library_is_played_whole_unless_something_of_it_is_named(store: Store) -> None:
    assert found(store) == starter().tasks
    gas = [task for task in starter().tasks if task.scenario.id == "gas_bill"]
    assert list(found(store, scenarios=["gas_bill"])) == gas
    assert list(found(store, scenarios=["The gas bill"])) == gas
    assert list(found(store, tasks=[gas[0].id])) == gas[:1]
    family = gas[0].scenario.family
    assert list(found(store, families=[family])) == [t for t in starter().tasks if t.scenario.family == family]


def test_a_name_that_is_not_there_is_said_with_the_one_it_resembles(store: Store) -> None:
    with pytest.raises(PlanError, match=r"tasks\.scenarios: there is no 'gas_bil'; did you mean 'gas_bill'\?"):
        found(store, scenarios=["gas_bil"])
    with pytest.raises(PlanError, match=r"tasks\.families: there is no 'nonsense'"):
        found(store, families=["nonsense"])


def test_another_number_of_tasks_than_the_plan_counts_on_is_refused(store: Store) -> None:
    with pytest.raises(PlanError, match=f"{len(starter().tasks)} tasks were found and 450 are wanted"):
        found(store, count=450)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_without_the_release_says_how_to_bring_it_in(store: Store, preset: str) -> None:
    plan = load_plan(preset, policies={"mine": {"model": "scripted:demo"}})
    with pytest.raises(PlanError, match="comity import sotopia FOLDER"):
        tasks_of(plan.tasks, store, Path())


@pytest.mark.skipif(not RELEASE.is_dir(), reason="the SOTOPIA release is not beside this checkout")
@pytest.mark.parametrize(("preset", "scenarios", "tasks"), [("sotopia-all", 90, 450), ("sotopia-hard", 14, 70)])
def test_the_presets_find_the_papers_tasks_among_others(store: Store, preset: str, scenarios: int, tasks: int) -> None:
    store.add(starter())
    store.add(read_sotopia(RELEASE).collection)
    plan = load_plan(preset, policies={"mine": {"model": "scripted:demo"}})
    casts = Counter(task.scenario.id for task in tasks_of(plan.tasks, store, Path()))
    assert len(casts) == scenarios
    assert set(casts.values()) == {5}
    assert casts.total() == tasks


def test_a_set_of_the_library_is_played_and_can_be_narrowed(store: Store) -> None:
    assert found(store, set="dev", count=250) == sets.tasks_of("dev")
    scenario = sets.tasks_of("dev")[0].scenario.id
    narrowed = found(store, set="dev", scenarios=[scenario])
    assert len(narrowed) == 5
    assert {task.scenario.id for task in narrowed} == {scenario}
    other = sets.tasks_of("test")[0].scenario.id
    with pytest.raises(PlanError, match=f"there is no '{other}'"):
        found(store, set="dev", scenarios=[other])


def test_a_set_that_is_not_there_or_not_of_the_library_is_refused(store: Store) -> None:
    with pytest.raises(PlanError, match=r"tasks\.set: there is no task set 'tets'; did you mean 'test'\?"):
        found(store, set="tets")
    with pytest.raises(PlanError, match=r"tasks\.set: 'hard' is a set of the library, and the source is 'store'"):
        found(store, set="hard", source="store")
