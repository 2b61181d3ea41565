"""`comity show`: the whole record, or exactly what one character saw, in text and in JSON."""

import sqlite3
from pathlib import Path

import pytest

from cli.command import FIRST, ONE, OTHER, SALE, SECOND, Comity
from cli.model_server import ModelServer, spoken
from comity.library import starter
from comity.world.scenarios import Scenario

TASKS = {task.scenario.id: task for task in starter().tasks}


def private_of(scenario: Scenario, seat: str) -> list[str]:
    aim = scenario.seat(seat)
    return [text for text in (aim.goal, aim.extra_info, aim.clarification_hint, aim.strategy_hint) if text]


@pytest.mark.parametrize("scenario", sorted(TASKS))
def test_a_character_sees_their_own_secrets_and_no_others(comity: Comity, scenario: str) -> None:
    task = TASKS[scenario]
    comity("simulate", task.id, "--models", "scripted:demo", "--judge", "scripted:demo", "--json").ok()
    record = comity("show", "--json").ok().out
    for seat, name in task.names.items():
        for form in ((), ("--json",)):
            seen = comity("show", "--as", name, *form).ok().out.replace('\\"', '"')
            own = [task.cast[seat].secret, *private_of(task.scenario, seat)]
            assert [text for text in own if text not in seen] == []
            for other in task.names.keys() - {seat}:
                hidden = [task.cast[other].secret, *private_of(task.scenario, other)]
                assert hidden[0]
                assert [text for text in hidden if text in seen] == []
                assert hidden[0] in record


def test_what_is_seen_is_what_was_perceived_in_text_and_json(comity: Comity) -> None:
    comity("simulate", "--models", "scripted:demo", "--turns", "3", "--json").ok()
    seen = comity("show", "--as", SECOND, "--json").ok().json
    assert (seen["me"]["name"], [other["name"] for other in seen["others"]]) == (OTHER, [ONE])
    assert seen["others"][0]["aim"] is None
    bond = SALE.edge(FIRST, SECOND)
    assert seen["others"][0]["relationship"] == (bond.kind if bond else None)
    assert "secret" not in seen["others"][0]["facts"]
    text = comity("show", "--as", SECOND).ok().out
    assert f"You meet {ONE}, " in text
    for happened in seen["history"]:
        assert f"{happened['name']}: {happened['action']['argument']}" in text
    assert [happened["turn"] for happened in seen["history"]] == [1, 2, 3]


def test_a_private_message_is_shown_to_sender_and_recipient_alone(comity: Comity) -> None:
    private = next(task for task in TASKS.values() if task.scenario.private_messages and len(task.names) > 2)
    sender, recipient, third = list(private.names)[:3]
    to = f', "to": ["{private.names[recipient]}"]}}'
    with ModelServer(lambda number, body: spoken("psst, a fox")[:-1] + to) as server:
        comity("simulate", private.id, "--models", server.spec, "--turns", "1", "--json").ok()
    saw = {seat: "psst, a fox" in comity("show", "--as", seat).ok().out for seat in private.names}
    assert saw == {seat: seat in (sender, recipient) for seat in private.names}
    assert "psst" not in comity("show", "--as", third, "--json").ok().out
    assert "psst" in comity("show").ok().out


def test_an_episode_is_found_by_its_id_its_beginning_and_as_the_last(comity: Comity) -> None:
    ids = [comity("simulate", "--models", "scripted:leaver", "--json").ok().json["id"] for _ in range(2)]
    assert [comity("show", wanted, "--json").ok().json["id"] for wanted in (ids[0], ids[0][:12], "last")] == [
        ids[0],
        ids[0],
        ids[1],
    ]


def test_an_episode_that_is_not_there_is_one_line(comity: Comity) -> None:
    assert comity("show").complaint() == "comity: there is no last episode: the store holds none yet\n"
    known = comity("simulate", "--models", "scripted:leaver", "--json").ok().json["id"]
    wrong = known[:-1] + ("0" if known[-1] != "0" else "1")
    assert comity("show", wrong).complaint() == f"comity: there is no episode '{wrong}'; did you mean {known}?\n"


def test_a_failure_is_shown_where_it_happened(comity: Comity) -> None:
    comity("simulate", "--models", "scripted:demo,scripted:silent", "--json").ok()
    out = comity("show").ok().out
    assert f"[2] the agent of {OTHER} failed: " in out
    assert "failed" not in comity("show", "--as", FIRST).ok().out


def test_an_episode_that_breaks_the_rules_of_this_version_is_shown_and_says_so(comity: Comity, tmp_path: Path) -> None:
    haggling = next(task for task in TASKS.values() if task.scenario.payoff and task.scenario.payoff.kind == "price")
    for _ in range(2):
        comity("simulate", haggling.id, "--models", "negotiator:linear,negotiator:conceder", "--json").ok()
    broken, whole = (str(row["id"]) for row in comity("list", "episodes", "--json").ok().json)
    with sqlite3.connect("comity.db") as raw:
        raw.execute(
            'UPDATE events SET body = replace(body, \'"propose","terms":{"price":\', \'"propose","terms":{"price":7777\')'
            " WHERE episode = ?",
            (broken,),
        )
        raw.execute("UPDATE outcomes SET version = 0")
    shown = comity("show", broken)
    assert shown.code == 0
    assert "[1]" in shown.out
    assert "by the rules of this version" in shown.err
    assert "By the rules" in comity("show", whole).ok().out
    assert "price" in comity("show", broken, "--as", haggling.scenario.seats[0].id).complaint()
    exported = comity("export", "jsonl", "--out", tmp_path / "all.jsonl", "--json")
    assert exported.code == 1
    assert [broken in str(problem) for problem in exported.json["problems"]] == [True]
    assert whole in (tmp_path / "all.jsonl").read_text("utf-8")
