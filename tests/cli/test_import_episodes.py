"""`comity import sotopia-episodes` and `sotopia-splits`: what is kept, what is said, and that it can be shown, listed and scored."""

import json
from pathlib import Path

import pytest
from interop.episodes import Row, row

from cli.command import Comity

RELEASED = Path(__file__).parents[3] / "shared" / "data"
ID = "01H7ZMSDFM5CYCP2QHWV9XZGXW"


def write(folder: Path, *rows: Row, name: str = "rows.jsonl") -> Path:
    file = folder / name
    file.write_text("".join(json.dumps(each) + "\n" for each in rows), "utf-8")
    return file


def test_an_imported_episode_is_listed_shown_and_scored(comity: Comity, folder: Path) -> None:
    out = comity("import", "sotopia-episodes", write(folder, row())).ok().out
    assert out.startswith("Imported into comity.db: 1 episodes, 1 scorecards.\n")
    (listed,) = comity("list", "episodes", "--json").ok().json
    assert (listed["id"], listed["scorecards"], listed["end"]) == (ID, 1, "too_few_left")
    record = comity("show", "last", "--json").ok().json
    assert (record["licence"], record["source"], record["tag"]) == (
        "Apache-2.0 AND CC-BY-SA-4.0",
        "sotopia-lab/sotopia-rl:file",
        "pilot",
    )
    assert record["scorecards"][0]["overall"] == {"agent_1": 3.0, "agent_2": 3.0}
    shown = comity("show", "last").ok().out
    assert "[1] Ann Hart: Hello." in shown
    assert "Judged by gpt-4, rubric sotopia-eval@1" in shown
    as_bo = comity("show", "last", "--as", "Bo O'Hara").ok().out
    assert "Ann hates food" not in as_bo
    assert "Stay dry" not in as_bo
    comity("score", "last", "--judge", "scripted:demo").ok()
    assert len(comity("show", "last", "--json").ok().json["scorecards"]) == 2


def test_to_import_again_changes_nothing(comity: Comity, folder: Path) -> None:
    file = write(folder, row(), row("evaluations", evaluator_model="other"))
    first = comity("import", "sotopia-episodes", file, "--json").ok().json
    assert (first["episodes"], first["scorecards"]) == (1, 2)
    before = comity("show", "last", "--json").ok().json
    again = comity("import", "sotopia-episodes", file, "--json").ok().json
    assert (again["episodes"], again["scorecards"], again["episodes already there"]) == (0, 0, 1)
    assert comity("show", "last", "--json").ok().json == before


def test_second_judges_scores_may_come_later_and_in_a_file_of_their_own(comity: Comity, folder: Path) -> None:
    comity("import", "sotopia-episodes", write(folder, row())).ok()
    later = write(folder, row("evaluations", evaluator_model="other"), name="scores.jsonl")
    assert comity("import", "sotopia-episodes", later, "--json").ok().json["scorecards"] == 1
    cards = comity("show", "last", "--json").ok().json["scorecards"]
    assert [card["judge"]["model"] for card in cards] == ["gpt-4", "other"]


def test_another_episode_or_other_scores_of_the_same_name_are_refused(comity: Comity, folder: Path) -> None:
    comity("import", "sotopia-episodes", write(folder, row())).ok()
    other = comity("import", "sotopia-episodes", write(folder, row(experiment_tag="another")))
    assert other.code == 1
    assert f"rows.jsonl:1: episode {ID} is in the store already and is another" in other.err
    rescored = row()
    rescored["rewards"][0] = dict.fromkeys(rescored["rewards"][0], 0.0)
    found = comity("import", "sotopia-episodes", write(folder, rescored))
    assert found.code == 1
    assert f"rows.jsonl:1: the store has other scores of episode {ID} by this judge" in found.err
    assert len(comity("show", "last", "--json").ok().json["scorecards"]) == 1


def test_a_row_that_does_not_fit_is_told_and_the_rest_is_imported(comity: Comity, folder: Path) -> None:
    file = write(folder, row(episode_id=...), {"secret": "SECRET"}, row(), row("evaluations", episode_id="gone"))
    found = comity("import", "sotopia-episodes", file, "--json")
    assert (found.code, found.json["episodes"]) == (1, 1)
    assert [problem["where"] for problem in found.json["problems"]] == [f"rows.jsonl:{n}" for n in (1, 2, 4)]
    assert found.err.startswith("comity: 3 left out:\nrows.jsonl:1: episode_id: field required")
    assert "SECRET" not in found.out + found.err


def test_a_file_that_is_not_there_makes_no_store(comity: Comity, folder: Path) -> None:
    assert "is not a file" in comity("import", "sotopia-episodes", folder / "gone.jsonl").complaint()
    assert list(folder.iterdir()) == []


def test_splits_of_what_is_in_the_store(comity: Comity, folder: Path) -> None:
    lists = folder / "lists"
    lists.mkdir()
    (lists / "used_env.json").write_text(json.dumps({"dev": ["deck", "gone"], "odd": 1}), "utf-8")
    found = comity("import", "sotopia-splits", lists, "--out", folder / "sets")
    assert found.code == 1
    assert found.out == "dev: 2 scenarios listed; here are 0 scenarios, 0 tasks\n"
    assert "used_env.json, odd: not a list of ids" in found.err
    assert list((folder / "sets").iterdir()) == []


DATA = pytest.mark.skipif(
    not (RELEASED / "sotopia_episodes_scored").is_dir() or not (RELEASED / "sotopia_hard").is_dir(),
    reason="SOTOPIA's released data is not in shared/data beside the repository",
)


@DATA
def test_the_released_episodes(comity: Comity) -> None:
    comity("import", "sotopia", RELEASED / "sotopia").ok()
    files = sorted((RELEASED / "sotopia_episodes_scored").glob("*.json*"))
    found = comity("import", "sotopia-episodes", *files, "--json").ok().json
    assert (found["episodes"], found["scorecards"], found["problems"]) == (54, 57, [])
    assert found["reported"] == {
        "licence_unknown": 34,
        "written_otherwise": 28,
        "relationship_unknown": 1,
    }
    assert len(comity("list", "episodes", "--limit", "100", "--json").ok().json) == 54


@DATA
def test_the_hard_split_is_a_task_set(comity: Comity, folder: Path) -> None:
    comity("import", "sotopia", RELEASED / "sotopia").ok()
    found = comity("import", "sotopia-splits", RELEASED / "sotopia_hard", "--out", folder / "sets", "--json").ok().json
    assert found["splits"] == [
        {"name": "hard", "file": "ampo_hard_indices.json", "listed": 70, "scenarios": 14, "tasks": 70}
    ]
    plan = folder / "plan.toml"
    plan.write_text((folder / "sets" / "hard.toml").read_text("utf-8") + '\n[policies.demo]\nmodel = "scripted:demo"\n')
    assert "70 tasks" in comity("run", plan, "--dry-run").ok().out
