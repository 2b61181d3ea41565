"""`comity export`: SOTOPIA's profile and episode files from the store, by id, origin, form and judge."""

import json
from pathlib import Path

import pytest
from interop.episodes import Row, row

from cli.command import Comity

ID = "01H7ZMSDFM5CYCP2QHWV9XZGXW"


def rows(file: Path) -> list[Row]:
    return [json.loads(line) for line in file.read_text("utf-8").split("\n") if line]


@pytest.fixture
def imported(comity: Comity, folder: Path) -> Row:
    """One episode with two judges' scores is in the store."""
    given = row()
    file = folder / "rows.jsonl"
    file.write_text(json.dumps(given) + "\n" + json.dumps(row("evaluations", evaluator_model="other")) + "\n", "utf-8")
    comity("import", "sotopia-episodes", file).ok()
    return given


def test_an_imported_episode_goes_out_as_it_came_in(comity: Comity, folder: Path, imported: Row) -> None:
    found = comity("export", "sotopia-episodes", "out.jsonl", "--json").ok().json
    assert (found["episodes"], found["problems"]) == (1, [])
    (again,) = rows(folder / "out.jsonl")
    assert again == imported | {"licence": "Apache-2.0 AND CC-BY-SA-4.0"}


def test_one_of_several_by_id_in_the_form_and_of_the_judge_that_are_asked_for(
    comity: Comity, folder: Path, imported: Row
) -> None:
    comity("simulate", "--models", "scripted:demo", "--turns", "3").ok()
    comity("export", "sotopia-episodes", "one.json", ID[:12], "--form", "native", "--judge", "other").ok()
    native = json.loads((folder / "one.json").read_text("utf-8"))
    assert (native["pk"], native["models"][0]) == (ID, "other")
    comity("export", "sotopia-episodes", "both.jsonl", "--form", "text").ok()
    assert rows(folder / "both.jsonl")[0]["episode_id"] == ID
    assert len(rows(folder / "both.jsonl")) == 2
    comity("export", "sotopia-episodes", "scores.jsonl", ID, "--form", "evaluations").ok()
    assert [each["evaluator_model"] for each in rows(folder / "scores.jsonl")] == ["gpt-4", "other"]


def test_an_episode_of_our_own_goes_out_with_its_words_and_without_scores_it_has_not(
    comity: Comity, folder: Path
) -> None:
    record = comity("simulate", "--models", "scripted:demo", "--json").ok().json
    comity("export", "sotopia-episodes", "out.jsonl").ok()
    (own,) = rows(folder / "out.jsonl")
    assert own["rewards"] == own["raw_rewards"] == []
    assert own["experiment_model_name_pairs"] == ["", "scripted:demo", "scripted:demo"]
    assert own["licence"] == "Apache-2.0"
    spoken = [event["action"]["argument"] for event in record["events"] if event["action"]["type"] == "speak"]
    assert spoken
    assert all(words in own["social_interactions"] for words in spoken)
    comity("score", "last", "--judge", "scripted:demo").ok()
    comity("export", "sotopia-episodes", "out.jsonl").ok()
    (judged,) = rows(folder / "out.jsonl")
    assert set(judged["rewards"][0]) == set(row()["rewards"][0])


def test_a_judge_chooses_what_it_has_scored_and_what_is_named_and_unscored_is_told(
    comity: Comity, folder: Path, imported: Row
) -> None:
    comity("simulate", "--models", "scripted:demo", "--turns", "3").ok()
    comity("export", "sotopia-episodes", "out.jsonl", "--judge", "other").ok()
    assert [each["episode_id"] for each in rows(folder / "out.jsonl")] == [ID]
    found = comity("export", "sotopia-episodes", "out.jsonl", ID, "last", "--judge", "other")
    assert found.code == 1
    assert "other has not scored it" in found.err
    assert [each["episode_id"] for each in rows(folder / "out.jsonl")] == [ID]


def test_the_shipped_library_as_sotopias_profiles(comity: Comity, folder: Path) -> None:
    found = comity("export", "sotopia", "profiles", "--source", "library", "--json")
    assert found.code == 1  # scenarios of three and more seats are left out
    assert all("seats" in problem["message"] for problem in found.json["problems"])
    assert {each["licence"] for each in rows(folder / "profiles" / "environment_profiles.jsonl")} == {"Apache-2.0"}
    again = comity("import", "sotopia", folder / "profiles", "--json").ok().json
    counts = ("characters", "relationships", "scenarios", "tasks")
    assert [again[what] for what in counts] == [found.json[what] for what in counts]


def test_of_one_origin_with_who_is_cast_in_it(comity: Comity, folder: Path) -> None:
    comity("export", "sotopia", "profiles", "--source", "library")
    comity("import", "sotopia", folder / "profiles").ok()
    none = comity("export", "sotopia", "none", "--origin", "SOTOPIA release", "--json").ok().json
    assert (none["scenarios"], none["characters"]) == (0, 0)
    some = comity("export", "sotopia", "some", "--origin", "Comity", "--layout", "pi", "--json").ok().json
    assert some["characters"] == len(rows(folder / "some" / "agent_profiles.jsonl")) > 0
    assert (folder / "some" / "env_agent_combos.jsonl").is_file()
