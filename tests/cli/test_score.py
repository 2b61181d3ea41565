"""`comity score`: every judging is kept, with the user's own rubric where one is given."""

from pathlib import Path

import pytest

from cli.command import FIRST, SECOND, Comity
from cli.model_server import ModelServer

RUBRIC = """\
id = "kindness"
version = 2
[[dimensions]]
id = "KIND"
name = "Kindness"
low = 0
high = 4
description = "Was the person kind?"
"""
JUDGE = ("--judge", "scripted:demo")


@pytest.fixture
def episode(comity: Comity) -> str:
    return str(comity("simulate", "--models", "scripted:demo", "--turns", "2", "--json").ok().json["id"])


def test_two_judgings_are_both_kept(comity: Comity, episode: str) -> None:
    cards = [comity("score", "last", *JUDGE, "--json").ok().json[0] for _ in range(2)]
    assert cards[0]["id"] != cards[1]["id"]
    assert [(card["episode"], card["rubric"]) for card in cards] == [(episode, "sotopia")] * 2
    assert comity("show", "--json").ok().json["scorecards"] == cards
    assert comity("show").ok().out.count("Judged by scripted:demo, rubric sotopia@1") == 2


def test_a_rubric_of_ones_own(comity: Comity, episode: str, folder: Path) -> None:
    (folder / "kind.toml").write_text(RUBRIC)
    (card,) = comity("score", episode[:10], *JUDGE, "--rubric", "kind.toml", "--json").ok().json
    assert (card["rubric"], card["rubric_version"]) == ("kindness", 2)
    assert {seat: score["KIND"]["score"] for seat, score in card["scores"].items()} == {FIRST: 2, SECOND: 2}
    assert card["overall"] == {FIRST: 2.0, SECOND: 2.0}
    assert "rubric kindness@2" in comity("show").ok().out


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("id = ", "is not TOML"),
        (RUBRIC.replace("version = 2\n", ""), "version: Field required"),
        (RUBRIC.replace("high = 4", "high = 0"), "the range of KIND must rise"),
        (None, "cannot be read"),
    ],
)
def test_a_bad_rubric_is_named_with_its_fault_and_nothing_is_judged(
    comity: Comity, episode: str, folder: Path, text: str | None, fault: str
) -> None:
    if text is not None:
        (folder / "mine.toml").write_text(text)
    said = comity("score", "last", *JUDGE, "--rubric", "mine.toml").complaint()
    assert said.startswith("comity: mine.toml: ")
    assert fault in said
    assert "mine.toml" in comity("simulate", "--models", "scripted:demo", *JUDGE, "--rubric", "mine.toml").complaint()
    assert [(listed["id"], listed["scorecards"]) for listed in comity("list", "--json").ok().json] == [(episode, 0)]


def test_several_episodes_are_each_judged_once(comity: Comity, episode: str) -> None:
    other = comity("simulate", "--models", "scripted:leaver", "--json").ok().json["id"]
    out = comity("score", episode, other, "last", *JUDGE).ok().out
    assert f"Judging {other[:8]} (2 of 2)..." in out
    assert [listed["scorecards"] for listed in comity("list", "--json").ok().json] == [1, 1]


def test_an_unfinished_episode_is_not_judged(comity: Comity) -> None:
    with ModelServer(dies_at=2) as server:
        comity("simulate", "--models", server.spec).complaint()
    short = comity("list", "--json").ok().json[0]["id"][:8]
    said = comity("score", "last", *JUDGE).complaint()
    assert said.endswith(f"play on first: comity simulate --continue {short}\n")


def test_a_judge_that_cannot_be_asked_leaves_no_scorecard(comity: Comity, episode: str) -> None:
    with ModelServer() as gone:
        pass
    assert "nothing answers" in comity("score", "last", "--judge", gone.spec).complaint()
    assert comity("list", "--json").ok().json[0]["scorecards"] == 0


def test_a_judge_that_talks_nonsense_gives_no_score_and_says_why(comity: Comity, episode: str) -> None:
    with ModelServer(lambda number, body: "Everyone was lovely.\x1b[2J") as server:
        (card,) = comity("score", "last", "--judge", server.spec, "--json").ok().json
    assert len(server.heard) == 4  # each of two people, and once more
    assert card["overall"] == {FIRST: None, SECOND: None}
    for score in card["scores"][SECOND].values():
        assert score["score"] is None
        assert score["cause"]
    out = comity("show").ok().out
    assert "none" in out
    assert "\x1b" not in out
