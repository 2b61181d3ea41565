"""`comity import sotopia`: a small folder of the same form, and the released data where it is beside the repository."""

import json
from collections import Counter
from pathlib import Path

import pytest

from cli.command import Comity

RELEASED = Path(__file__).parents[3] / "shared" / "data" / "sotopia"


def agent(key: str, **changes: object) -> dict[str, object]:
    return {
        "agent_id": key,
        "first_name": key.title(),
        "last_name": "Hart",
        "age": 30,
        "occupation": "Chef",
        "gender": "Woman",
        "gender_pronoun": "She/her",
        "public_info": "Cooks.",
        "big_five": "Openness - High",
        "moral_values": ["Courage", "Wit", "Cheer", "Thrift"],
        "schwartz_personal_values": ["Power"],
        "personality_and_values": "Calm.",
        "decision_making_style": "Analytical",
        "secret": f"{key} hates food",
    } | changes


@pytest.fixture
def small(tmp_path: Path) -> Path:
    files: dict[str, list[dict[str, object]]] = {
        "agent_profiles": [agent("ann"), agent("bea")],
        "environment_profiles": [
            {
                "env_id": "dinner",
                "codename": "late_dinner",
                "source": "hand-craft",
                "scenario": "Two friends at dinner.",
                "agent_goals": ["Pay", "Leave"],
                "relationship": "3",
                "age_constraint": "[(18, 70), (18, 70)]",
                "occupation_constraint": "nan",
                "agent_constraint": "none",
            }
        ],
        "relationship_profiles": [
            {
                "relationship_id": "r1",
                "agent1_id": "ann",
                "agent2_id": "bea",
                "relationship": "3",
                "background_story": "They met at work.",
            }
        ],
        "env_agent_combo_storages": [{"combo_id": "c1", "env_id": "dinner", "agent_ids": ["bea", "ann"]}],
    }
    folder = tmp_path / "sotopia"
    folder.mkdir()
    for name, rows in files.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_what_was_read_and_what_did_not_fit_is_said(comity: Comity, small: Path) -> None:
    found = comity("import", "sotopia", small, "--json").ok().json
    counts = {what: found[what] for what in ("scenarios", "characters", "relationships", "tasks", "reported")}
    assert counts == {"scenarios": 1, "characters": 2, "relationships": 1, "tasks": 1, "reported": {"trait": 8}}
    assert Counter(remark["kind"] for remark in found["remarks"]) == found["reported"]
    assert found["remarks"][0]["where"] == "agent_profiles.jsonl:1"
    assert "'Courage'" in found["remarks"][0]["message"]


def test_people_read_a_few_examples_and_how_to_play(comity: Comity, small: Path) -> None:
    out = comity("import", "sotopia", small, "--store", "mine.db").ok().out
    assert out.startswith("Imported into mine.db: 1 scenarios, 2 characters, 1 relationships, 1 tasks.\n")
    assert "trait: 8\n" in out
    assert out.count("  agent_profiles.jsonl:") == 3
    assert "and 5 more; --json shows all" in out
    assert "Play one: comity simulate --task c1" in out
    assert "hates food" not in out


def test_what_was_imported_is_played_by_task_and_by_scenario(comity: Comity, small: Path) -> None:
    comity("import", "sotopia", small).ok()
    models = ("--models", "scripted:demo", "--json")
    for wanted in (("--task", "c1"), ("c1",), ("dinner",)):
        record = comity("simulate", *wanted, *models).ok().json
        assert [record["task"]["cast"][seat]["name"] for seat in ("agent_1", "agent_2")] == ["Bea Hart", "Ann Hart"]
    assert "c1" in {task["id"] for task in comity("list", "tasks", "--json").ok().json}


def test_to_import_again_changes_nothing(comity: Comity, small: Path) -> None:
    first = comity("import", "sotopia", small, "--json").ok().json
    tasks = comity("list", "tasks", "--json").ok().json
    assert comity("import", "sotopia", small, "--json").ok().json == first
    assert comity("list", "tasks", "--json").ok().json == tasks


def test_a_line_that_does_not_fit_is_told_and_the_rest_is_imported(comity: Comity, small: Path) -> None:
    lines = [agent("ann"), agent("cat", age="old"), agent("bea")]
    (small / "agent_profiles.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + "not json\n")
    found = comity("import", "sotopia", small)
    assert found.code == 1
    assert found.out.startswith("Imported into comity.db: 1 scenarios, 2 characters, 1 relationships, 1 tasks.\n")
    assert "2 left out" in found.err
    assert "agent_profiles.jsonl:2: age: " in found.err
    assert "agent_profiles.jsonl:4: the line: " in found.err
    assert [task["id"] for task in comity("list", "tasks", "--json").ok().json if task["scenario"] == "dinner"] == [
        "c1"
    ]


def test_what_was_left_out_is_in_the_json_too(comity: Comity, small: Path) -> None:
    (small / "agent_profiles.jsonl").write_text(json.dumps(agent("ann", age="old")) + "\n")
    found = comity("import", "sotopia", small, "--json")
    assert (found.code, found.json["characters"], found.json["tasks"]) == (1, 0, 0)
    wheres = [problem["where"] for problem in found.json["problems"]]
    assert wheres == [
        "agent_profiles.jsonl:1",
        *["relationship_profiles.jsonl:1"] * 2,
        *["env_agent_combo_storages.jsonl:1"] * 2,
    ]
    assert "hates food" not in found.out + found.err


def test_a_folder_that_is_not_there_makes_no_store(comity: Comity, small: Path, folder: Path) -> None:
    assert "is not a folder" in comity("import", "sotopia", small / "nowhere", "--json").complaint()
    assert list(folder.iterdir()) == []


def test_the_licence_is_the_users_to_say(comity: Comity, small: Path) -> None:
    comity("import", "sotopia", small, "--licence", "CC0-1.0").ok()
    record = comity("simulate", "c1", "--models", "scripted:demo", "--json").ok().json
    assert record["task"]["scenario"]["licence"] == "CC0-1.0"
    assert {character["licence"] for character in record["task"]["cast"].values()} == {"CC0-1.0"}


@pytest.mark.skipif(
    not RELEASED.is_dir(), reason="SOTOPIA's released data is not in shared/data/sotopia beside the repository"
)
def test_the_released_data(comity: Comity) -> None:
    found = comity("import", "sotopia", RELEASED, "--json").ok().json
    counts = {what: found[what] for what in ("scenarios", "characters", "relationships", "tasks")}
    assert counts == {"scenarios": 90, "characters": 40, "relationships": 120, "tasks": 450}
    assert found["reported"]["relationship_differs"] == 10
    assert sum(found["reported"].values()) == len(found["remarks"])
    task = comity("list", "tasks", "--json").ok().json[-1]["id"]
    record = comity("simulate", "--task", task, "--models", "scripted:demo", "--json").ok().json
    assert record["task"]["id"] == task
    assert record["end"]["reason"] in ("turn_limit", "too_few_left")
    for seat, other in (("agent_1", "agent_2"), ("agent_2", "agent_1")):
        seen = comity("show", "--as", seat).ok().out
        assert record["task"]["cast"][seat]["secret"] in seen
        assert record["task"]["cast"][other]["secret"] not in seen
