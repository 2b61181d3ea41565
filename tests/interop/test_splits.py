"""The lists that divide SOTOPIA's scenarios: what they name, what of it is there, and a task set of it."""

import json
import tomllib
from pathlib import Path

import pytest

from comity.interop.remarks import ImportFailed
from comity.interop.sotopia import read_sotopia
from comity.interop.splits import read_splits, resolve_split, task_set
from comity.run.plan import TaskSet
from comity.world.collection import Collection
from interop.episodes import known, task

DATA = Path(__file__).parents[2].parent / "shared" / "data"


def test_a_list_of_scenarios(tmp_path: Path) -> None:
    (tmp_path / "used_env.json").write_text(
        json.dumps({"dev": ["deck", "gone"], "odd": [1], "none": ["gone"]}), "utf-8"
    )
    (dev, odd, none), problems = read_splits(tmp_path)
    assert [str(problem) for problem in problems] == [
        "used_env.json, odd[0]: not an id, which is text; correct it, or remove it"
    ]
    assert odd.scenarios == ()
    found = resolve_split(dev, known(task()))
    assert (found.split.name, found.scenarios, found.tasks) == ("dev", ("deck",), ("t1",))
    assert resolve_split(none, known(task())).tasks == ()


@pytest.mark.parametrize("name", ["../up", "a b", "a\nb", "", ".hidden", "x" * 101, "\0"])
def test_a_list_whose_name_is_none_for_a_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "used_env.json").write_text(json.dumps({name: ["deck"], "dev": "deck", "ok": []}), "utf-8")
    (ok,), problems = read_splits(tmp_path)
    assert ok.name == "ok"
    assert [problem.where for problem in problems] == [f"used_env.json, {name!r}", "used_env.json, dev"]


def test_a_list_of_places_among_the_combinations(tmp_path: Path) -> None:
    (tmp_path / "ampo_env_agent_combos_450.json").write_text(json.dumps([{"pk": "t0"}, {"pk": "t1"}]), "utf-8")
    (tmp_path / "ampo_hard_indices.json").write_text("[1, 2, true, null]", "utf-8")
    (hard,), problems = read_splits(tmp_path)
    assert hard.tasks == ("t1",)
    assert [problem.where for problem in problems] == [f"ampo_hard_indices.json[{at}]" for at in (1, 2, 3)]
    assert problems[0].message.startswith("is no place of a combination in ampo_env_agent_combos_450.json")
    assert resolve_split(hard, known(task())).scenarios == ("deck",)


def test_a_file_that_is_no_list_is_named(tmp_path: Path) -> None:
    (tmp_path / "used_env.json").write_text("[]", "utf-8")
    (tmp_path / "env_ids.json").write_text("{", "utf-8")
    assert [problem.where for problem in read_splits(tmp_path)[1]] == ["used_env.json", "env_ids.json"]
    with pytest.raises(ImportFailed, match="none of the lists we know"):
        read_splits(tmp_path / "nowhere")


def test_a_task_set_is_the_table_of_a_plan(tmp_path: Path) -> None:
    (tmp_path / "used_env.json").write_text(json.dumps({"dev": ["deck", "gone"]}), "utf-8")
    (dev,), _ = read_splits(tmp_path)
    text = task_set(resolve_split(dev, known(task())))
    assert text.startswith("# dev of used_env.json: 1 scenarios of the 2 listed; 1 tasks in all\n")
    assert TaskSet.model_validate(tomllib.loads(text)["tasks"]) == TaskSet(source="store", scenarios=("deck",), count=1)


@pytest.fixture(scope="module")
def both() -> Collection:
    """The release and SOTOPIA-π together, as a store has them after both imports."""
    for name in ("sotopia", "sotopia_pi_scenarios", "sotopia_hard"):
        if not (DATA / name).is_dir():
            pytest.skip(f"the released data is not beside the repository: no {DATA / name}")
    one, other = (read_sotopia(DATA / name).collection for name in ("sotopia", "sotopia_pi_scenarios"))
    return Collection(scenarios=(*one.scenarios, *other.scenarios), tasks=(*one.tasks, *other.tasks))


def test_of_pis_lists_those_of_the_release_are_there_and_no_other(both: Collection) -> None:
    splits, problems = read_splits(DATA / "sotopia_pi_scenarios")
    assert problems == ()
    found = {split.name: resolve_split(split, both) for split in splits}
    counts = {name: (len(each.split.scenarios), len(each.scenarios), len(each.tasks)) for name, each in found.items()}
    assert counts == {
        "sotopia_env": (90, 90, 450),
        "SFT-round-1": (100, 0, 0),
        "dev-round-1": (10, 0, 0),
        "selftrain-round-2": (100, 0, 0),
        "selftrain-round-3": (100, 0, 0),
        "selftrain-round-4": (100, 0, 0),
        "sotopia_hard_env": (14, 14, 70),
        "pilot-3_dev": (2, 0, 0),
        "sotopia_hard_env_id": (14, 14, 70),
        "sotopia_env_id": (90, 90, 450),
        "sft_round_1": (100, 0, 0),
        "selftrain_dev_1": (10, 0, 0),
    }


def test_the_hard_lists_agree(both: Collection) -> None:
    (hard,), problems = read_splits(DATA / "sotopia_hard")
    assert problems == ()
    by_place = resolve_split(hard, both)
    splits, _ = read_splits(DATA / "sotopia_pi_scenarios")
    by_name = resolve_split(next(split for split in splits if split.name == "sotopia_hard_env"), both)
    assert (len(by_place.scenarios), len(by_place.tasks)) == (14, 70)
    assert set(by_place.tasks) == set(by_name.tasks)
