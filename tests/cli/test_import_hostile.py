"""Rows and places that are not as they should be, from the command: what is good is stored, what is not is named, and the exit code says so."""

import gzip
import json
from pathlib import Path

import pytest
from interop.campers import AGREED, campers, entry
from interop.episodes import row

from cli.command import Comity

OTHER = (entry(1, "Good day"), *AGREED[1:])


def stored(comity: Comity) -> list[str]:
    return sorted(each["id"] for each in comity("list", "episodes", "--json").ok().json)


def test_two_dialogues_of_one_id_in_one_file_are_no_reason_to_stop(comity: Comity, tmp_path: Path) -> None:
    file = tmp_path / "casino.json"
    rows = [campers(*AGREED), campers(*OTHER), campers(*AGREED), campers(*AGREED, number=8)]
    file.write_text(json.dumps(rows))
    ran = comity("import", "casino", file, "--json")
    assert ran.code == 1
    said = json.loads(ran.out)
    assert (said["episodes"], said["episodes already there"]) == (2, 1)
    assert [problem["where"] for problem in said["problems"]] == ["casino.json[1]"]
    assert stored(comity) == ["casino_7", "casino_8"]


def test_what_the_store_refuses_is_a_problem_of_its_row(
    comity: Comity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from comity.store import Store
    from comity.store.errors import Conflict

    begin = Store.begin

    def refuse(store: Store, episode: object) -> None:
        if getattr(episode, "id") == "casino_7":  # noqa: B009
            raise Conflict("episode 'casino_7' has begun already")
        begin(store, episode)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "begin", refuse)
    file = tmp_path / "casino.json"
    file.write_text(json.dumps([campers(*AGREED), campers(*AGREED, number=8)]))
    assert "casino.json[0]: episode 'casino_7' has begun already" in comity("import", "casino", file).complaint()
    assert stored(comity) == ["casino_8"]


@pytest.mark.parametrize("score", ["Infinity", "-Infinity", "NaN", "1e400", "9" * 400, "9" * 5000, "11", "-1", "0.5"])
def test_a_score_that_is_none_is_a_problem_of_its_row(comity: Comity, tmp_path: Path, score: str) -> None:
    good = row()
    bad = row() | {"episode_id": "bad"}
    bad["raw_rewards"][0][1]["believability"] = bad["rewards"][0]["believability"] = "here"
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join((json.dumps(bad).replace('"here"', score), json.dumps(good))))
    complaint = comity("import", "sotopia-episodes", file).complaint()
    assert "1 left out:" in complaint
    assert "rows.jsonl:1: " in complaint
    assert stored(comity) == [good["episode_id"]]


def test_a_row_with_several_faults_is_one_row(comity: Comity, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(row(scenario=None, codename=None, social_goals={})))
    complaint = comity("import", "sotopia-episodes", file).complaint()
    assert "1 left out:" in complaint
    assert complaint.count("rows.jsonl:1: ") == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no JSON list"),
        (b"[]", ""),
        (b"[" * 9000, "is not JSON"),
        (json.dumps([campers(*AGREED)]).encode("utf-16"), "holds no JSON list"),
        (gzip.compress(b"[]", mtime=0), "holds no JSON list"),
    ],
)
def test_a_file_that_is_none_of_the_corpus_is_named(comity: Comity, tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "casino.json"
    file.write_bytes(content)
    ran = comity("import", "casino", file)
    assert ran.code == (1 if said else 0)
    assert said in ran.err


def test_a_file_that_may_not_be_read_is_named_and_the_others_are_read(
    comity: Comity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (7, 8):
        (tmp_path / f"casino_{number}.json").write_text(json.dumps([campers(*AGREED, number=number)]))
    read = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "casino_7.json":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    complaint = comity("import", "casino", tmp_path).complaint()
    assert "casino_7.json: cannot be read (Permission denied)" in complaint
    assert stored(comity) == ["casino_8"]
