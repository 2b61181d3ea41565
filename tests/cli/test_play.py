"""`comity play`: a person's lines against models, through standard input as a terminal gives it."""

import json
from pathlib import Path

import pytest

from cli.command import FIRST, ONE, OTHER, SALE, SECOND, Comity
from cli.model_server import ModelServer

PLAY = ("play", "--as", OTHER, "--models", "scripted:demo")


def test_a_person_speaks_shows_does_and_leaves(comity: Comity) -> None:
    lines = "Hello there.\n/show smiles\n/do rings the bell\n/leave Goodbye.\n"
    record = comity(*PLAY, "--json", stdin=lines)
    assert record.code == 0
    mine = [event["action"] for event in record.json["events"] if event["seat"] == SECOND]
    assert [(action["type"], action["argument"]) for action in mine] == [
        ("speak", "Hello there."),
        ("non-verbal communication", "smiles"),
        ("action", "rings the bell"),
        ("leave", "Goodbye."),
    ]
    assert record.json["policies"][SECOND]["agent"] == "human"
    assert record.json["policies"][FIRST]["model"] == "scripted:demo"
    assert record.json["end"]["reason"] == "too_few_left"
    assert f"{ONE}: Thank you for making the time." in record.err  # the talk is beside the record


def test_a_person_may_pass_where_the_scenario_lets_them(comity: Comity) -> None:
    comity("play", "three_things_left", "--models", "scripted:demo", "--turns", "1", stdin="/pass\n").ok()
    first = comity("show", "--json").json["events"][0]["action"]
    assert (first["type"], first["argument"]) == ("none", "")


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/help", "Type what you say and press Enter."),
        ("", "Type what you say and press Enter."),
        ("/dance wildly", "there is no /dance"),
        ("/pass", "'none' is not possible now; allowed: speak"),
        ("/show", "needs"),
        ("/to Someone: psst", "private"),
    ],
)
def test_what_cannot_be_done_is_answered_and_asked_again(comity: Comity, line: str, answer: str) -> None:
    out = comity(*PLAY, "--turns", "2", stdin=f"{line}\nHello.\n").ok().out
    assert out.count(f"{OTHER}, turn 2 of 2> ") == 2
    assert answer in out.split(f"{OTHER}, turn 2 of 2> ")[1]
    assert comity("show", "--json").json["events"][1]["action"]["argument"] == "Hello."


def test_a_person_reads_their_own_part_and_nobody_elses(comity: Comity) -> None:
    out = comity(*PLAY, "--turns", "2", stdin="Hello.\n").ok().out
    task = comity("show", "--json").json["task"]
    seats = {seat["id"]: seat for seat in task["scenario"]["seats"]}
    assert seats[SECOND]["goal"] in out
    assert task["cast"][SECOND]["secret"] in out
    for private in (seats[FIRST]["goal"], seats[FIRST]["extra_info"], task["cast"][FIRST]["secret"]):
        assert private not in out


def test_a_person_reads_what_happened_after_their_last_words(comity: Comity) -> None:
    out = comity("play", "--models", "scripted:demo", "--turns", "2", stdin="Hello.\n").ok().out
    assert f"{OTHER}: Please do." in out.split("turn 1 of 2> ")[1]
    assert "the last turn was played" in out


def test_who_closes_the_input_can_go_on_later_in_their_own_seat(comity: Comity) -> None:
    ran = comity(*PLAY, stdin="Hello.\nStill here.\n")
    assert "go on with: comity play --continue " in ran.complaint()
    (listed,) = comity("list", "--json").json
    assert (listed["status"], listed["turns"]) == ("interrupted", 5)
    before = comity("show", "--json").json["events"]

    ran = comity("play", "--continue", "last", "--json", stdin="I am back.\n/leave\n")
    assert ran.code == 0
    assert ran.json["id"] == listed["id"]
    assert ran.json["events"][:5] == before
    assert ran.json["events"][5]["action"]["argument"] == "I am back."
    assert f"{OTHER}: Still here." in ran.err  # they need not remember
    assert ran.json["end"]["reason"] == "too_few_left"


def test_only_the_seat_that_was_a_persons_goes_on_as_one(comity: Comity) -> None:
    comity(*PLAY, "--turns", "2", stdin="").complaint()
    assert f"a person plays {SECOND}, not {FIRST}" in comity("play", "--continue", "last", "--as", ONE).complaint(
        code=2
    )
    said = comity("play", "--continue", "last", "--models", "scripted:demo", "--seed", "0").complaint(code=2)
    assert "leave out --models, --seed" in said
    comity("play", "--continue", "last", "--as", OTHER, stdin="Hello.\n").ok()


def test_what_nobody_plays_in_person_goes_on_by_the_other_command(comity: Comity) -> None:
    short = comity("simulate", "--models", "scripted:demo", "--json").ok().json["id"][:8]
    said = comity("play", "--continue", short).complaint(code=2)
    assert f"no person plays in this episode; go on with: comity simulate --continue {short}" in said


def test_the_others_temperature_is_the_users(comity: Comity) -> None:
    with ModelServer() as server:
        comity("play", "--models", server.spec, "--temperature", "none", "--turns", "2", stdin="Hello.\n").ok()
    assert ["temperature" in request.body for request in server.heard] == [False]


def test_a_person_may_read_their_briefing_again(comity: Comity) -> None:
    out = comity(*PLAY, "--turns", "2", stdin="/brief\nHello.\n").ok().out
    goal = SALE.scenario.seat(SECOND).goal
    before, after = out.split(f"{OTHER}, turn 2 of 2> ")[:2]
    assert (before.count(goal), after.count(goal)) == (1, 1)
    assert f"{ONE}: Thank you" in after


def test_a_server_that_dies_keeps_what_the_person_said(comity: Comity) -> None:
    with ModelServer(dies_at=2) as server:
        ran = comity("play", "--models", server.spec, stdin="Hello.\nAnd more.\n")
    assert "the connection to" in ran.complaint()
    with ModelServer(port=server.port) as back:
        ran = comity("play", "--continue", "last", "--json", stdin="/leave\n")
    words = [event["action"]["argument"] for event in ran.json["events"]]
    assert words[:3] == ["Hello.", "line 1", "And more."]
    assert [len(server.heard), len(back.heard)] == [2, 1]


def test_a_judge_judges_at_the_end(comity: Comity) -> None:
    out = comity(*PLAY, "--turns", "2", "--judge", "scripted:demo", stdin="Hello.\n").ok().out
    assert "Judged by scripted:demo" in out
    assert comity("list", "--json").json[0]["scorecards"] == 1


def test_what_a_person_types_cannot_command_a_terminal(comity: Comity) -> None:
    out = comity("play", "--models", "scripted:demo", "--turns", "2", stdin="\x1b[2J[bold]x[/bold]\n").ok().out
    out += comity("show").ok().out
    assert "\x1b" not in out
    assert "[2J[bold]x[/bold]" in out


def test_a_character_who_is_not_there(comity: Comity, folder: Path) -> None:
    said = comity("play", "--as", "Santa", "--models", "scripted:demo").complaint(code=2)
    assert f"'santa' names nobody here; there are: {ONE} ({FIRST}), {OTHER} ({SECOND})" in said
    assert json.loads(comity("list", "--json").out) == []
