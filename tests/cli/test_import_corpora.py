"""`comity import casino` and the others: what is kept, what is said, and that it can be listed and shown with its outcome."""

import json
from pathlib import Path

import pytest
from interop.campers import AGREED, Row, campers, entry

from cli.command import Comity
from comity.cli.counting import counted


def write(folder: Path, *rows: Row) -> Path:
    file = folder / "casino_made_up.json"
    file.write_text(json.dumps(rows))
    return file


def test_an_imported_talk_is_listed_and_shown_with_its_outcome(comity: Comity, tmp_path: Path) -> None:
    out = comity("import", "casino", write(tmp_path, campers(*AGREED))).ok().out
    assert out.startswith("Imported into comity.db: 1 episodes.\n")
    (listed,) = comity("list", "episodes", "--json").ok().json
    assert (listed["id"], listed["outcome"], listed["end"]) == ("casino_7", "agreed", "settled")
    record = comity("show", "casino_7", "--json").ok().json
    assert (record["licence"], record["tag"], record["lite"]) == ("CC-BY-4.0", "casino_made_up", True)
    assert record["outcome"]["utilities"] == {"first": 17, "second": 19}
    assert {policy["agent"] for policy in record["policies"].values()} == {"human"}
    seen = comity("show", "casino_7", "--as", "Participant 2").ok().out
    assert "You need firewood most" in seen
    assert "not stated" not in seen


def test_what_does_not_fit_is_said_and_the_rest_is_kept(comity: Comity, tmp_path: Path) -> None:
    file = write(tmp_path, campers(*AGREED), campers(*AGREED, number=8, points=(1, 19)), campers(*AGREED, number=9))
    complaint = comity("import", "casino", file).complaint()
    assert "1 left out:" in complaint
    assert (
        "casino_made_up.json[1]: the recorded points are not those of the moves: first has 1, by the rules 17"
        in complaint
    )
    assert [each["id"] for each in comity("list", "episodes", "--json").ok().json] == ["casino_9", "casino_7"]
    said = json.loads(comity("import", "casino", file, "--json").out)
    assert (said["episodes"], said["episodes already there"], len(said["problems"])) == (0, 2, 1)


def test_a_talk_that_is_there_and_differs_is_refused(comity: Comity, tmp_path: Path) -> None:
    comity("import", "casino", write(tmp_path, campers(*AGREED))).ok()
    other = campers(entry(1, "Good day"), *AGREED[1:])
    complaint = comity("import", "casino", write(tmp_path, other)).complaint()
    assert "casino_made_up.json[0]: episode casino_7 is in the store already and is another" in complaint


def test_annotations_go_to_a_file(comity: Comity, tmp_path: Path) -> None:
    row = campers(*AGREED, annotations=[["Hello", "small-talk"]])
    file = tmp_path / "notes.jsonl"
    said = comity("import", "casino", write(tmp_path, row), "--annotations", file, "--json").ok().json
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert said["annotations"] == len(lines) == 7
    assert {"episode": "casino_7", "seat": "second", "name": "tactic", "value": "small-talk", "event": 1} in lines
    assert {
        "episode": "casino_7",
        "seat": "first",
        "name": "satisfaction",
        "value": "Undecided",
        "event": None,
    } in lines


def test_a_file_for_annotations_that_cannot_be_is_refused(comity: Comity, tmp_path: Path) -> None:
    file = write(tmp_path, campers(*AGREED))
    complaint = comity("import", "casino", file, "--annotations", tmp_path / "no" / "notes").complaint(2)
    assert "cannot be written" in " ".join(complaint.split())


@pytest.mark.parametrize("corpus", ["casino", "deal-or-no-deal", "persuasion-for-good"])
def test_a_place_without_the_corpus_says_what_is_expected(comity: Comity, tmp_path: Path, corpus: str) -> None:
    assert "expected" in (said := comity("import", corpus, tmp_path).complaint()) or "give the folder" in said


def test_long_work_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter(range(0, 1000, 4))
    assert list(counted(range(6), "episodes", total=6, clock=lambda: next(times))) == list(range(6))
    assert capsys.readouterr().err.splitlines() == ["2 of 6 episodes ...", "5 of 6 episodes ..."]
    assert list(counted(range(6), "episodes", clock=lambda: 1.0)) == list(range(6))
    assert capsys.readouterr().err == ""
