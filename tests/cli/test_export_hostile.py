"""Places that exports cannot write to: said in a line, and nothing is left behind."""

import json
from pathlib import Path

import pytest
from interop.episodes import row

from cli.command import Comity


@pytest.mark.parametrize(
    "command",
    [
        ("export", "sotopia", "taken/below"),
        ("export", "sotopia", "taken"),
        ("export", "sotopia-episodes", "taken/rows.jsonl"),
        ("export", "sotopia-episodes", "folder"),
        ("export", "jsonl", "--out", "taken/rows.jsonl"),
        ("export", "chat", "--out", "folder"),
    ],
)
def test_a_place_that_cannot_be_written_is_named(comity: Comity, tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(row()))
    comity("import", "sotopia-episodes", tmp_path / "rows.jsonl")
    (tmp_path / "taken").write_text("mine")
    (tmp_path / "folder").mkdir()
    *words, place = command
    complaint = comity(*words, tmp_path / place).complaint()
    assert "cannot be" in complaint
    assert "choose another" in complaint
    assert (tmp_path / "taken").read_text() == "mine"
    assert [*(tmp_path / "folder").iterdir()] == []
