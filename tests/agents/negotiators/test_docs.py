"""What docs/negotiators.md shows works as shown, and its tables are of the styles that there are."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from comity.agents.negotiators import EXPERTS, HELD_OUT
from comity.library.fresh import FRESH_KINDS, fresh_worlds
from comity.run.plan import load_plan

PAGE = (Path(__file__).parents[3] / "docs" / "negotiators.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.S | re.M)


def run(words: list[str], folder: Path, stdin: str = "") -> str:
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, input=stdin, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("block", blocks("bash"))
def test_the_commands_run(block: str, tmp_path: Path) -> None:
    for line in block.splitlines():
        program, *words = shlex.split(line)
        assert program == "comity"
        assert run(["-m", "comity", *words], tmp_path, stdin="Hello.\n/leave\n")


def test_the_python_prints_what_there_is(tmp_path: Path) -> None:
    held_out, fresh = (run(["-c", code], tmp_path) for code in blocks("python"))
    assert held_out == "splitter, late-folder, logroller, grim\nheld-out@1/grim\n"
    assert fresh.splitlines()[1] == "fresh_price_7_0 Apache-2.0 Comity fresh@2 price 7/0"


def test_the_plan_is_one_and_runs(tmp_path: Path) -> None:
    (text,) = blocks("toml")
    (tmp_path / "haggling.toml").write_text(text)
    assert load_plan(str(tmp_path / "haggling.toml")).tasks.outcomes
    assert "grim: negotiator held-out@1/grim@1" in run(["-m", "comity", "run", "haggling.toml", "--dry-run"], tmp_path)


def test_the_tables_name_every_style_and_whether_it_claims() -> None:
    told = dict(re.findall(r"^\| `([\w-]+)` \|.*\| (none|true|false) \|$", PAGE, flags=re.M))
    claims = {"nothing": "none", "truth": "true", "lies": "false"}
    styles = [*EXPERTS.values(), *HELD_OUT["held-out@1"].values()]
    assert told == {style.name: claims[style.claims] for style in styles}


def test_the_page_counts_the_worlds_of_every_kind() -> None:
    told = {
        kind: (int(count), names.split(", "))
        for kind, count, names in re.findall(r"^\| `(\w+)` \| (\d+): (.*) \|$", PAGE, flags=re.M)
    }
    assert told == {kind: (len(fresh_worlds(kind)), list(fresh_worlds(kind))) for kind in FRESH_KINDS}
