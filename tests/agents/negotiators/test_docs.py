"""What docs/negotiators.md shows works as shown, and its tables are of the styles that there are and of what they do."""

import re
import shlex
import subprocess
import sys
from collections import Counter
from itertools import product
from pathlib import Path

import pytest
from negotiating import fixed, outcome, playing, seated

from comity.agents.negotiators import EXPERTS, HELD_OUT
from comity.library.fresh import FRESH_KINDS, fresh_worlds
from comity.run.plan import load_plan
from comity.world.moves import MoveKind

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


NAMES = {style.name: style.spec for style in (*EXPERTS.values(), *HELD_OUT["held-out@1"].values())}
SEEDS = range(12)


def claimed(kind: str, spec: str) -> Counter[str]:
    """How many true and false claims somebody makes in either seat, with time for it and a partner who mostly claims nothing."""
    found, game = Counter[str](), fixed(kind, turns=20)
    for seed, (seat, pair) in product(SEEDS, (("p1", (spec, "linear")), ("p2", ("linear", spec)))):
        honesty = outcome(playing(game, seated(game, *pair), seed)).honesty.get(seat)
        found += Counter(honesty.model_dump() if honesty else {})
    return found


def in_a_word(found: Counter[str]) -> str:
    return {(): "none", ("true",): "true", ("false",): "false"}.get(tuple(sorted(found)), "both")


def test_the_tables_say_of_every_style_what_it_claims_in_play() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \|.*\| ([\w ]+) \| ([\w ]+) \|$", PAGE, flags=re.M)
    assert [name for name, _, _ in rows] == list(NAMES)
    of_secrets = {"none": "nothing", "true": "the answer", "false": "something false", "both": "either"}
    for name, claims, keeper in rows:
        for kind in ("division", "price", "contract", "dilemma", "public_goods"):
            assert in_a_word(claimed(kind, NAMES[name])) == claims, f"{name} in a {kind}"
        assert of_secrets[in_a_word(claimed("secret", NAMES[name]))] == keeper, f"{name} of a secret"


def test_the_page_says_whose_promises_of_gifts_are_false_and_that_all_claim_in_a_selection() -> None:
    for name, spec in NAMES.items():
        assert in_a_word(claimed("gift", spec)) == ("false" if name == "bluffer" else "none")
        selection = claimed("selection", spec)
        assert selection["true"] > 0
        assert (selection["false"] > 0) is (name == "bluffer")
    assert "`bluffer` claims its cheapest thing to be as dear as its dearest" in PAGE


def given(spec: str, asked: int) -> float:
    """What somebody gives on average to who has asked so often before."""
    found = []
    for seed in range(150):
        end = playing(fixed("gift"), seated(fixed("gift"), spec, "linear"), seed)
        chosen = next(e for e in end.events if e.action and e.action.move and e.action.move.kind is MoveKind.CHOOSE)
        if sum(e.seat == "p2" for e in end.events[: chosen.index]) == asked:
            found.append(float(str(chosen.action.move.terms["amount"])))  # type: ignore[union-attr]
    assert len(found) >= 15
    return sum(found) / len(found)


def test_the_page_says_whose_gifts_grow_with_being_asked_for_and_whose_shrink() -> None:
    (parts,) = re.findall(r" That of ([^.]*) grows with[^.]* that of ([^.]*) shrinks", PAGE)
    grow, shrink = (re.findall(r"`([\w-]+)`", part) for part in parts)
    for name, spec in NAMES.items():
        change = given(spec, 3) - given(spec, 1)
        assert (change > 5, change < -5) == (name in grow, name in shrink), f"{name}: {change}"


def test_the_page_counts_the_worlds_of_every_kind() -> None:
    told = {
        kind: (int(count), names.split(", "))
        for kind, count, names in re.findall(r"^\| `(\w+)` \| (\d+): (.*) \|$", PAGE, flags=re.M)
    }
    assert told == {kind: (len(fresh_worlds(kind)), list(fresh_worlds(kind))) for kind in FRESH_KINDS}
