"""Whose licences a row is under, and files that are there whole or not at all."""

import json
from contextlib import suppress
from pathlib import Path

import pytest

from comity.interop.kept import ExportFailed, Kept, Written, json_line, written_whole
from interop.keeping import PROPOSE, card, kept, task

PEOPLE = "CC-BY-4.0"


@pytest.mark.parametrize(
    ("each", "licence"),
    [
        (kept(PROPOSE), "Apache-2.0"),
        (kept(PROPOSE, of=task("", "")), ""),
        (kept(PROPOSE, source="CaSiNo", licence=PEOPLE), "Apache-2.0 AND CC-BY-4.0"),
        (kept(PROPOSE, source="CaSiNo", licence=PEOPLE, of=task(PEOPLE, "CaSiNo")), PEOPLE),
        (kept(PROPOSE, source="Somewhere"), ""),
        (kept(PROPOSE, of=task("", "Somewhere"), source="CaSiNo", licence=PEOPLE), ""),
        (kept(PROPOSE, cards=(card("c1", 1, 2, source="A judge", licence="MIT"),)), "Apache-2.0 AND MIT"),
        (kept(PROPOSE, cards=(card("c1", 1, 2, source="A judge"),)), ""),
    ],
)
def test_a_row_is_under_all_licences_of_what_it_is_made_of_and_unknown_stays_unknown(each: Kept, licence: str) -> None:
    assert each.licence == licence


def test_the_source_of_an_episode_that_was_played_here_is_its_scenarios() -> None:
    assert (kept(PROPOSE).source, kept(PROPOSE, source="CaSiNo").source) == ("Comity", "CaSiNo")


def test_licences_are_counted_by_episode() -> None:
    written = Written()
    for licence in (PEOPLE, "", PEOPLE):
        written.note(kept(PROPOSE, source="X", licence=licence, of=task(PEOPLE)), examples=2)
    assert (written.rows, written.licences) == ({"episodes": 3, "examples": 6}, {PEOPLE: 2, "": 1})


def test_a_file_is_there_whole_or_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("before")
    with suppress(ZeroDivisionError), written_whole(path) as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert (path.read_text(), [each.name for each in tmp_path.iterdir()]) == ("before", ["out.jsonl"])
    with written_whole(path) as file:
        file.write(b"whole")
    assert (path.read_text(), [each.name for each in tmp_path.iterdir()]) == ("whole", ["out.jsonl"])


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(ExportFailed, match=r"out\.jsonl cannot be written \(No such file"),
        written_whole(tmp_path / "no" / "out.jsonl"),
    ):
        pass


@pytest.mark.parametrize("words", ["Zoë 🎷\u2028", "\ud800", "\0 \n"])
def test_a_line_holds_any_text_on_one_line_of_utf_8(words: str) -> None:
    line = json_line({"words": words})
    assert line.count(b"\n") == 1
    assert json.loads(line.decode()) == {"words": words}
