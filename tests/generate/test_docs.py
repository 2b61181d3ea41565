"""What docs/generating.md shows works as shown. MODEL is a server here that writes what the tests have; TASK and ID are what there is."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from cli.model_server import ModelServer
from generate.written import BACKGROUNDS, CHARACTERS, SCENARIOS

from comity.generate.ideas import Kind, load_ideas
from comity.generate.journal import JOURNAL
from comity.library import load_library
from comity.library.lint import RULES

PAGE = (Path(__file__).parents[2] / "docs" / "generating.md").read_text("utf-8")


KINDS: Sequence[Kind] = ("scenarios", "characters", "relationships")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.S | re.M)


def answer(number: int, body: Mapping[str, Any]) -> str:
    schema = body["response_format"]["json_schema"]
    match schema["name"]:
        case "scenario":
            return json.dumps(list(SCENARIOS.values())[number % len(SCENARIOS)])
        case "character":
            return json.dumps(list(CHARACTERS.values())[number % len(CHARACTERS)])
        case _:
            fields = schema["schema"]["properties"]
            reply = {"pair": fields["pair"]["enum"][0], "kind": fields["kind"]["enum"][0]}
            return json.dumps(reply | {"background": list(BACKGROUNDS.values())[number % len(BACKGROUNDS)]})


@pytest.fixture
def model() -> Iterator[str]:
    with ModelServer(answer) as server:
        yield server.spec


def run(words: list[str], folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "comity", *words],
        cwd=folder,
        input="q\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_commands_make_a_library_that_is_played(model: str, tmp_path: Path) -> None:
    filled = {"MODEL": model}
    said = ""
    for line in "".join(blocks("bash")).splitlines():
        program, *words = shlex.split(line)
        assert program == "comity"
        if "ID" in words:
            listed = json.loads(run(["generate", "review", "mine", "--list", "--json"], tmp_path))
            filled["ID"] = next(each["id"] for each in listed if each["state"] == "rejected")
        if "TASK" in words:
            filled["TASK"] = load_library(tmp_path / "mine").tasks[0].id
        said = run([filled.get(word, word) for word in words], tmp_path)
    assert load_library(tmp_path / "mine").scenarios
    assert said


def test_the_ideas_are_a_file_of_ideas(tmp_path: Path) -> None:
    (block,) = blocks("toml")
    (tmp_path / "ideas.toml").write_text(block, "utf-8")
    assert [idea.family for idea in load_ideas("scenarios", tmp_path / "ideas.toml")] == [
        "negotiation",
        "secrets and privacy",
    ]


def test_as_many_ideas_ship_as_the_page_says() -> None:
    told = re.search(r"(\d+) ideas for scenarios, (\d+) for characters and (\d+) for relationships", PAGE)
    assert told
    assert [int(number) for number in told.groups()] == [len(load_ideas(kind)) for kind in KINDS]


def test_the_rules_of_the_table_are_those_there_are() -> None:
    named = {rule for row in re.findall(r"^\| (`.*?`) \|", PAGE, flags=re.M) for rule in re.findall(r"`(\w+)`", row)}
    own = {"taken_pair", "unknown_character"}
    assert own < named <= own | {rule.name for rule in RULES if rule.level == "error"}


def test_the_journal_is_called_as_the_page_says() -> None:
    assert f"mine/{JOURNAL}" in PAGE
