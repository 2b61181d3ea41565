"""What a candidate keeps private stands in the folder's journal, and in nothing else that is written while it is made."""

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from generate.written import CHARACTERS, REFUSAL, SCENARIOS, changed, ideas_file

from cli.command import Comity
from cli.model_server import ModelServer

CANARY = "zinnober"
"""Stands in every private text of every reply below, and nowhere else."""
SCENARIO, CHARACTER = SCENARIOS["a piano on the stairs"], CHARACTERS["a singer at weddings"]


def secretive() -> dict[str, Any]:
    reply = changed(SCENARIO)
    for number, seat in enumerate(reply["seats"]):
        seat["goal"] += f" {CANARY}goal{number}."
        seat["extra_info"] += f" Your {CANARY}info{number} is hidden."
    return reply


REPLIES: Mapping[str, tuple[str, object]] = {
    "passed": ("scenarios", secretive()),
    "leaking": ("scenarios", changed(secretive(), setting=f"{SCENARIO['setting']} Your {CANARY}info0 is hidden.")),
    "ill-typed": ("scenarios", {CANARY: secretive()}),
    "refused": ("scenarios", f"{REFUSAL} {CANARY}"),
    "character": ("characters", changed(CHARACTER, secret=f"She hides a {CANARY} under the floor.")),
    "minor": ("characters", changed(CHARACTER, age=16, secret=f"She hides a {CANARY} under the floor.")),
}


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """All that any part of the program logs, of whatever level."""
    with caplog.at_level(logging.NOTSET):
        yield caplog


@pytest.mark.parametrize("case", REPLIES)
def test_private_texts_are_in_the_journal_alone(
    comity: Comity, folder: Path, logged: pytest.LogCaptureFixture, case: str
) -> None:
    kind, reply = REPLIES[case]
    ideas = ideas_file(folder, [case])
    text = reply if isinstance(reply, str) else json.dumps(reply)
    with ModelServer(lambda number, body: text) as server:
        ran = comity("generate", kind, "--model", server.spec, "--into", "mine", "--ideas", ideas, "--count", "1")
    assert "1 of 1 answered" in ran.ok().out
    assert CANARY not in ran.out + ran.err + logged.text
    holding = {file.relative_to(folder.parent) for file in files(folder.parent) if CANARY in file.read_text("utf-8")}
    assert holding == {Path("here/mine/candidates.jsonl")}


@pytest.mark.parametrize(
    "damage", [('"seats"', '"chairs"'), ('"goal":"', '"goal":""'), ('"extra_info":"', '"extra_info":1,"x":"')]
)
def test_a_damaged_journal_is_said_without_what_it_holds(comity: Comity, folder: Path, damage: tuple[str, str]) -> None:
    with ModelServer(lambda number, body: json.dumps(secretive())) as server:
        ideas = ideas_file(folder, ["passed"])
        comity("generate", "scenarios", "--model", server.spec, "--into", "mine", "--ideas", ideas, "--count", "1").ok()
    journal = folder / "mine" / "candidates.jsonl"
    journal.write_text(journal.read_text("utf-8").replace(*damage), "utf-8")
    ran = comity("generate", "review", "mine", "--list")
    assert "line 1: is no row of this version's" in ran.complaint()
    assert CANARY not in ran.out + ran.err
    assert len(ran.err.splitlines()) == 1


def files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]
