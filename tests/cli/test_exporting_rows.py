"""`comity export jsonl`, `parquet` and `chat`: which episodes, what is said, and the licences that are counted."""

import json
import sqlite3
from pathlib import Path

import pytest
from interop.campers import AGREED, campers
from interop.keeping import ACCEPT, AT, PROPOSE, card, kept
from store_records import RUBRIC

from cli.command import Comity
from comity.cli.choose import open_store
from comity.library.loader import starter
from comity.store import Member, RunRecord

SALE = next(each.id for each in starter().scenarios if each.payoff and each.payoff.kind == "price")


@pytest.fixture
def filled(comity: Comity, tmp_path: Path) -> Comity:
    """A store with an imported talk and one that was played and judged here."""
    file = tmp_path / "casino_made_up.json"
    file.write_text(json.dumps([campers(*AGREED)]))
    comity("import", "casino", file).ok()
    with open_store(None) as store:
        store.begin(kept(PROPOSE, ACCEPT).episode)
        store.add_scorecard(card("c1", 7, 8), RUBRIC)
    return comity


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_jsonl_holds_every_episode_oldest_first_with_outcome_and_scorecards(filled: Comity, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    out = filled("export", "jsonl", "--out", path).ok().out
    found = {line["id"]: line for line in lines(path)}
    assert set(found) == {"casino_7", "e1"}
    assert found["casino_7"] == filled("show", "casino_7", "--json").ok().json | {"row_licence": "CC-BY-4.0"}
    assert [len(found[id_]["scorecards"]) for id_ in ("casino_7", "e1")] == [0, 1]  # type: ignore[arg-type]
    assert "2 episodes" in out
    assert "1 under CC-BY-4.0" in out
    assert "1 under Apache-2.0" in out
    assert "keep them apart" in out


def test_chat_holds_an_example_for_each_action(filled: Comity, tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    said = filled("export", "chat", "--out", path, "casino", "--json").ok().json
    assert (said["episodes"], said["examples"], said["licences"]) == (1, 4, {"CC-BY-4.0": 1})
    found = lines(path)
    assert all(line["metadata"]["licence"] == "CC-BY-4.0" for line in found)  # type: ignore[index]
    assert [line["metadata"]["seat"] for line in found] == ["first", "second", "first", "second"]  # type: ignore[index]


def test_chat_leaves_held_out_partners_out_and_says_how_much_that_was(filled: Comity, tmp_path: Path) -> None:
    models = "negotiator:held-out@1/grim,negotiator:linear"
    played = filled("simulate", SALE, "--models", models, "--turns", "5", "--json").ok().json
    path = tmp_path / "chat.jsonl"
    said = filled("export", "chat", "--out", path, "--json").ok().json
    assert (said["episodes"], said["examples"], said["held out"]) == (2, 6, len(played["events"]))
    assert {line["metadata"]["episode"] for line in lines(path)} == {"casino_7", "e1"}  # type: ignore[index]
    assert f"{len(played['events'])} held out" in filled("export", "chat", "--out", path).ok().out
    asked = filled("export", "chat", "--out", path, "--held-out", "--json").ok().json
    assert (asked["episodes"], asked["examples"]) == (3, 6 + len(played["events"]))
    assert "held out" not in asked


def test_parquet_has_a_column_for_each_dimension_of_the_stores_rubrics(filled: Comity, tmp_path: Path) -> None:
    reader = pytest.importorskip("pyarrow.parquet", reason="the extra `analysis` is not installed")
    said = filled("export", "parquet", "--out", tmp_path / "out.parquet", "--json").ok().json
    assert (said["episodes"], said["seats"], said["events"], said["scores"]) == (2, 4, 6, 4)
    rows = reader.read_table(tmp_path / "out.parquet").to_pylist()
    scores = {(row["episode"], row["seat"]): (row["score_GOAL"], row["score_BEL"], row["utility"]) for row in rows}
    assert scores == {
        ("casino_7", "first"): (None, None, 17.0),
        ("casino_7", "second"): (None, None, 19.0),
        ("e1", "a"): (7, 5, 6.0),
        ("e1", "b"): (8, 5, 1.0),
    }


def test_episodes_of_a_run_alone(filled: Comity, tmp_path: Path) -> None:
    members = [Member(episode=id_, task="hats-1", seats={}, repeat=0, seed=1) for id_ in ("e1", "not-begun")]
    with open_store(None) as store:
        store.begin_run(RunRecord(id="r", plan={}, created_at=AT, code_version="0.1.0"), members)
    filled("export", "jsonl", "--out", tmp_path / "out.jsonl", "--run", "r").ok()
    assert [line["id"] for line in lines(tmp_path / "out.jsonl")] == ["e1"]
    assert "no run 'q'" in filled("export", "jsonl", "--out", tmp_path / "x", "--run", "q").complaint()


def test_both_a_run_and_episodes_are_refused(filled: Comity, tmp_path: Path) -> None:
    said = filled("export", "jsonl", "--out", tmp_path / "x", "--run", "r", "e1").complaint(2)
    assert "not both" in said


def test_an_episode_that_is_not_there_is_said_before_anything_is_written(filled: Comity, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    assert "did you mean casino_7" in filled("export", "jsonl", "--out", path, "casino_8").complaint()
    assert not path.exists()


def test_a_store_without_episodes_has_nothing_to_export(comity: Comity, tmp_path: Path) -> None:
    assert "nothing to export" in comity("export", "chat", "--out", tmp_path / "x").complaint()


def test_a_damaged_episode_is_left_out_and_said(filled: Comity, tmp_path: Path) -> None:
    with sqlite3.connect("comity.db") as database:
        database.execute("UPDATE events SET body = 'x' WHERE episode = 'e1' AND position = 0")
    database.close()
    complaint = filled("export", "jsonl", "--out", tmp_path / "out.jsonl").complaint()
    assert "episode e1" in complaint
    assert [line["id"] for line in lines(tmp_path / "out.jsonl")] == ["casino_7"]
