"""`comity simulate`: what is played is kept with everything it came from, and what goes wrong is one line with its fix."""

import json
import re
import shlex
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.command import FIRST, LIMIT, ONE, OTHER, SALE, SECOND, Comity, said
from cli.model_server import ModelServer, spoken
from comity import __version__

DEMO = ("--models", "scripted:demo")
HEX = re.compile(r"[0-9a-f]{64}")


def test_the_record_has_events_scorecards_and_where_it_all_came_from(comity: Comity) -> None:
    record = comity("simulate", *DEMO, "--judge", "scripted:demo", "--seed", "3", "--json").ok().json
    assert (record["seed"], record["mode"], record["lite"], record["code_version"]) == (
        3,
        "asymmetric",
        False,
        __version__,
    )
    assert [event["seat"] for event in record["events"][:4]] == [FIRST, SECOND, FIRST, SECOND]
    assert record["events"][0]["action"]["argument"].startswith("Thank you")
    assert record["end"]["reason"] == "turn_limit"
    for policy in record["policies"].values():
        assert (policy["agent"], policy["model"], policy["style"]) == ("llm", "scripted:demo", "chat@2")
        assert HEX.fullmatch(policy["prompt_hash"])
        assert policy["sampling"]["temperature"] == 1.0
    for event in record["events"]:
        (call,) = event["trace"]["calls"]
        assert HEX.fullmatch(call["prompt_hash"])
    (card,) = record["scorecards"]
    assert card["episode"] == record["id"]
    assert card["judge"]["model"] == "scripted:demo"
    assert HEX.fullmatch(card["judge"]["prompt_hash"])
    assert card["scores"][FIRST]["GOAL"]["score"] == 5
    assert card["overall"][FIRST] == pytest.approx((5 + 5 + 5 - 5 + 0 - 5 + 0) / 7)


def test_the_same_seed_gives_the_same_events_and_another_seed_reaches_the_model(comity: Comity) -> None:
    def by_seed(number: int, body: Mapping[str, Any]) -> str:
        return spoken(f"rolled {body['seed']}")

    with ModelServer(by_seed) as server:
        seeds = ("5", "5", "6")
        one, same, other = (comity("simulate", "--models", server.spec, "--seed", s, "--json").ok().json for s in seeds)
    assert one["id"] != same["id"]
    assert said(one) == said(same)
    assert said(one) != said(other)


def test_people_read_who_wants_what_what_was_said_and_how_to_see_it_again(comity: Comity) -> None:
    out = comity("simulate", *DEMO, "--judge", "scripted:demo").ok().out
    for seat in SALE.scenario.seats:
        assert f"{SALE.names[seat.id]}, {seat.role}. Goal: {seat.goal}" in out
    assert f"{OTHER}: Please do." in out
    assert "scripted:demo is a demonstration, not a judge to rely on." in out
    again = re.search(r"comity show (\w{8})", out)
    assert again is not None
    assert f"{OTHER}: Please do." in comity("show", again[1]).ok().out


def test_what_is_streamed_is_printed_once_and_as_it_is_kept(comity: Comity) -> None:
    with ModelServer(lambda number, body: spoken("smiles", "action" if number == 2 else "speak")) as server:
        out = comity("simulate", "--turns", "3", "--models", server.spec).ok().out
    assert all(request.body["stream"] for request in server.heard)
    assert out.count("smiles") == 3
    assert f"{OTHER}: smiles  (action)" in out


@pytest.mark.parametrize("mode", ["asymmetric", "omniscient", "script"])
def test_the_mode_is_kept_and_what_was_begun_in_it_goes_on_in_it(comity: Comity, mode: str) -> None:
    record = comity("simulate", *DEMO, "--mode", mode, "--turns", "2", "--json").ok().json
    assert record["mode"] == mode
    assert comity("simulate", "--continue", record["id"], "--json").ok().json == record


def test_lite_tells_nobody_a_profile(comity: Comity) -> None:
    with ModelServer() as server:
        record = comity("simulate", "--lite", "--turns", "2", "--models", server.spec, "--json").ok().json
    assert record["lite"] is True
    prompts = json.dumps([request.body["messages"] for request in server.heard])
    assert json.dumps(SALE.scenario.seats[0].goal)[1:-1] in prompts
    assert not [character for character in SALE.cast.values() if character.occupation in prompts]


def test_each_seat_can_have_a_model_of_its_own(comity: Comity) -> None:
    record = comity("simulate", "--models", "scripted:demo, scripted:leaver", "--json").ok().json
    assert {seat: policy["model"] for seat, policy in record["policies"].items()} == {
        FIRST: "scripted:demo",
        SECOND: "scripted:leaver",
    }
    assert record["end"]["reason"] == "too_few_left"


def test_style_and_sampling_are_the_users_and_are_kept(comity: Comity) -> None:
    wishes = ("--style", "transcript", "--temperature", "0.3", "--max-tokens", "99")
    with ModelServer(lambda number, body: json.dumps({ONE if number % 2 else OTHER: "hi"})) as server:
        record = comity("simulate", "--models", server.spec, "--turns", "2", *wishes, "--json").ok().json
    assert {(r.body["temperature"], r.body["max_tokens"]) for r in server.heard} == {(0.3, 99)}
    assert record["policies"][FIRST]["style"].startswith("transcript@")
    assert record["policies"][FIRST]["sampling"] == {"temperature": 0.3, "max_tokens": 99, "extra": {}}


def test_an_agent_that_fails_ends_the_episode_and_is_not_scored(comity: Comity) -> None:
    models = ("--models", "scripted:demo,scripted:silent")
    record = comity("simulate", *models, "--judge", "scripted:demo", "--json").ok().json
    assert record["end"] == {"reason": "agent_failure", "seat": SECOND}
    assert record["events"][-1]["failure"]["kind"] == "unusable_reply"
    (card,) = record["scorecards"]
    assert {score["score"] for scores in card["scores"].values() for score in scores.values()} == {None}
    assert "an agent failed, so the episode is not judged" in comity("simulate", *models).ok().out


# Where it is kept


def test_the_store_is_the_option_else_the_variable_else_a_file_here(
    comity: Comity, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    comity("simulate", *DEMO, "--json").ok()
    monkeypatch.setenv("COMITY_STORE", "sqlite:///variable.db")
    comity("simulate", *DEMO, "--json").ok()
    comity("simulate", *DEMO, "--json", "--store", "option.db").ok()
    assert {file.name for file in folder.iterdir()} == {"comity.db", "variable.db", "option.db"}
    counts = [
        len(comity("list", "--json", "--store", name).ok().json) for name in ("comity.db", "variable.db", "option.db")
    ]
    assert counts == [1, 1, 1]


def test_a_store_that_cannot_be_is_one_line_that_tells_no_password(comity: Comity) -> None:
    assert "the folder nowhere does not exist" in comity("simulate", *DEMO, "--store", "nowhere/x.db").complaint()
    for url, told in (
        ("mysql://me:hunter2@host/db", "'mysql'"),
        (
            "postgresql://me:hunter2@127.0.0.1:9/db",
            "postgresql://127.0.0.1:9/db: the database server cannot be reached",
        ),
    ):
        said = comity("list", "--store", url).complaint()
        assert told in said
        assert "hunter2" not in said


# What cannot be played


def line(complaint: str) -> str:
    assert complaint.count("\n") == 1, complaint
    return complaint


def test_a_model_that_is_not_here_is_one_line_with_the_fix(comity: Comity) -> None:
    said = line(comity("simulate").complaint().split("What was played")[0])
    assert "local:qwen2.5-coder-1.5b is not in" in said
    assert "`comity models pull qwen2.5-coder-1.5b`" in said


@pytest.mark.parametrize(
    ("spec", "fix"),
    [
        ("openai:gpt-4o", "set OPENAI_API_KEY"),
        ("http://127.0.0.1:9/v1#m&key_env=MY_KEY", "set MY_KEY"),
        ("http://127.0.0.1:9/v1", "write http://HOST:PORT/v1#NAME"),
        ("local:nope", "there is no local model 'nope'; there are: qwen2.5-coder-1.5b, smollm2-135m"),
        ("scripted:nope", "there are: scripted:demo, scripted:silent, scripted:leaver"),
    ],
)
def test_a_model_or_key_that_is_missing_is_one_line_and_begins_nothing(comity: Comity, spec: str, fix: str) -> None:
    assert fix in line(comity("simulate", "--models", spec).complaint())
    assert fix in line(comity("simulate", "--models", spec, "--json").complaint())
    assert comity("list", "--json").json == []


def test_what_is_no_specification_says_what_is(comity: Comity) -> None:
    said = comity("simulate", "--models", "gpt-4o").complaint()
    assert "'gpt-4o' does not name a model" in said
    assert all(form in said for form in ("openai:NAME", "http://HOST:PORT/v1#NAME", "local:ALIAS", "scripted:NAME"))


def test_a_server_that_is_not_there_is_named_and_nothing_is_lost(comity: Comity) -> None:
    with ModelServer() as gone:
        pass
    ran = comity("simulate", "--models", gone.spec)
    assert f"nothing answers at http://127.0.0.1:{gone.port}/v1" in ran.complaint()
    assert f"go on with: comity simulate --continue {comity('list', '--json').json[0]['id'][:8]}\n" in ran.err


def test_a_scenario_that_is_not_there_says_which_are(comity: Comity) -> None:
    said = line(comity("simulate", "bicycle_theft", *DEMO).complaint())
    assert "'bicycle_theft'" in said
    assert "did you mean 'bicycle_sale'?; see them all: comity list tasks" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--mode", "telepathic"), "'telepathic' is not a mode; there are: asymmetric, omniscient, script"),
        (("--models", "scripted:demo,scripted:demo,scripted:demo"), f"3 models for the seats {FIRST}, {SECOND}"),
        (("--style", "rhymes"), "unknown prompt style 'rhymes'; there are: chat, transcript"),
        (("--turns", "0"), "--turns"),
        (("--nonsense",), "--nonsense"),
    ],
)
def test_a_wrong_option_is_a_clear_line_and_exit_code_2(
    comity: Comity, arguments: tuple[str, ...], message: str
) -> None:
    said = comity("simulate", *DEMO, *arguments).complaint(code=2)
    (error,) = [row for row in said.splitlines() if row.startswith("Error: ")]
    assert message in error


# A library of one's own

_SCENARIO = """\
title = "[b]Tea[/b]"
setting = "A kitchen."
[[seats]]
id = "host"
goal = "Serve tea."
[[seats]]
id = "guest"
goal = "Get coffee."
[[casts]]
id = "cast"
seats = { host = "ana", guest = "ben" }
"""


def write_library(folder: Path, scenario: str = _SCENARIO) -> Path:
    for id_, name in (("ana", "Ana [red]"), ("ben", "Ben [/]")):
        file = folder / "characters" / f"{id_}.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'name = "{name}"\nage = 30\ngender = "x"\npronouns = "they/them"\noccupation = "cook"\n')
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "tea.toml").write_text(scenario)
    return folder


def test_a_library_of_ones_own_is_played_and_its_names_are_no_markup(comity: Comity, folder: Path) -> None:
    library = write_library(folder / "mine")
    out = comity("simulate", "tea", "--library", library, "--turns", "2", *DEMO).ok().out
    assert "[b]Tea[/b]" in out
    assert "Ana [red]: Thank you" in out
    assert "Ben [/]: Please do" in out
    listed = comity("list").ok().out
    assert "[b]Tea[/b]" in " ".join(listed.split())
    assert "Ana [red]" in comity("list", "tasks", "--library", library).ok().out
    assert "Ben [/]: Please do" in comity("show").ok().out


def test_a_library_that_is_wrong_is_told_file_by_file(comity: Comity, folder: Path) -> None:
    library = write_library(
        folder / "mine", _SCENARIO.replace('goal = "Get coffee."', 'gaol = "x"').replace("ben", "bob")
    )
    said = comity("simulate", "tea", "--library", library, *DEMO).complaint()
    assert "tea.toml" in said
    assert "gaol" in said
    assert "goal" in said


def test_a_library_that_is_not_there(comity: Comity, folder: Path) -> None:
    assert "nowhere" in line(comity("simulate", *DEMO, "--library", folder / "nowhere").complaint())


# What is sent, and to whom


def test_nothing_goes_to_a_server_that_was_not_named(comity: Comity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-precious")
    with ModelServer() as named, ModelServer() as bystander:
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{bystander.port}/v1")
        for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(variable, f"http://127.0.0.1:{bystander.port}")
        comity("simulate", "--turns", "2", "--models", named.spec, "--json").ok()
    assert bystander.heard == []
    assert {request.path for request in named.heard} == {"/v1/chat/completions"}
    assert "sk-precious" not in repr(named.heard)
    assert not [request for request in named.heard if "Authorization" in request.headers]


def test_a_key_goes_to_the_server_it_was_named_for_and_into_no_record(
    comity: Comity, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-precious")
    with ModelServer() as server:
        ran = comity("simulate", "--turns", "2", "--models", f"{server.spec}&key_env=MY_KEY", "--json").ok()
    assert {request.headers["Authorization"] for request in server.heard} == {"Bearer sk-precious"}
    assert "sk-precious" not in ran.out
    assert b"sk-precious" not in (folder / "comity.db").read_bytes()


def test_an_agents_prompt_holds_no_others_goal_or_secret(comity: Comity) -> None:
    with ModelServer() as server:
        record = comity("simulate", "--turns", "4", "--models", server.spec, "--json").ok().json
    seats, cast = {seat["id"]: seat for seat in record["task"]["scenario"]["seats"]}, record["task"]["cast"]
    prompts = ["\n".join(message["content"] for message in request.body["messages"]) for request in server.heard]
    for mine, other, heard in ((FIRST, SECOND, prompts[::2]), (SECOND, FIRST, prompts[1::2])):
        assert all(cast[mine]["secret"] in prompt and seats[mine]["goal"] in prompt for prompt in heard)
        private = (cast[other]["secret"], seats[other]["goal"], seats[other]["extra_info"])
        assert not [prompt for prompt in heard for words in private if words in prompt]


# What is printed is text


def test_an_utterance_cannot_command_the_terminal(comity: Comity) -> None:
    hostile = "\x1b[2J\x9b31m\u202e[bold]x[/bold]\x07"
    with ModelServer(lambda number, body: spoken(hostile)) as server:
        record = comity("simulate", "--turns", "2", "--models", server.spec, "--json").ok()
        outs = [record.out, comity("simulate", "--turns", "2", "--models", server.spec).ok().out]
    outs += [comity("show").ok().out, comity("show", "--as", SECOND).ok().out, comity("show", "--json").ok().out]
    for out in outs:
        assert not re.search("[\x1b\x9b\x07\u202e]", out)
        assert "[bold]x[/bold]" in out
    assert record.json["events"][0]["action"]["argument"] == hostile
    assert r"\x1b[2J\x9b31m" in outs[1]


# Going on


def test_what_a_dead_server_cut_off_goes_on_where_it_stopped(comity: Comity) -> None:
    with ModelServer(dies_at=4) as server:
        ran = comity("simulate", "--models", server.spec, "--json")
        assert "the connection to http://127.0.0.1" in ran.complaint()
    (listed,) = comity("list", "--json").ok().json
    assert (listed["status"], listed["turns"]) == ("interrupted", 3)
    assert (listed["interrupted"]["kind"], listed["interrupted"]["error"]) == ("infrastructure", "Unreachable")
    assert f"go on with: comity simulate --continue {listed['id'][:8]}\n" in ran.err
    before = comity("show", "--json").ok().json["events"]

    with ModelServer(lambda number, body: spoken(f"line {number + 3}"), port=server.port) as back:
        record = comity("simulate", "--continue", listed["id"][:8], "--json").ok().json
    assert record["id"] == listed["id"]
    assert record["events"][:3] == before
    assert [event["action"]["argument"] for event in record["events"]] == [f"line {n}" for n in range(1, LIMIT + 1)]
    assert len(back.heard) == LIMIT - 3
    first = json.dumps(server.heard[-1].body["messages"])
    assert json.dumps(back.heard[0].body["messages"]) == first  # the call that failed is asked again, word for word
    assert comity("list", "--json").ok().json[0]["status"] == "finished"


def cut_off(comity: Comity, *options: str) -> dict[str, Any]:
    """The record of an episode of which one turn is played, with these options."""
    with ModelServer(dies_at=2) as server:
        comity("simulate", "--models", server.spec, *options).complaint()
    record: dict[str, Any] = comity("show", "--json").ok().json
    assert len(record["events"]) == 1
    return record


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ((), {"temperature": 1.0, "max_tokens": 1024}),
        (("--temperature", "none"), {"temperature": None, "max_tokens": 1024}),
        (("--temperature", "0.3", "--max-tokens", "99"), {"temperature": 0.3, "max_tokens": 99}),
    ],
)
def test_the_record_alone_says_how_it_goes_on(
    comity: Comity, options: tuple[str, ...], sent: Mapping[str, object]
) -> None:
    begun = cut_off(comity, "--seed", "7", "--lite", "--turns", "3", "--mode", "omniscient", *options)
    port = int(re.findall(r":(\d+)/", begun["policies"][FIRST]["model"])[0])
    with ModelServer(port=port) as back:
        record = comity("simulate", "--continue", "last", "--json").ok().json
    assert [request.body.get("temperature") for request in back.heard] == [sent["temperature"]] * 2
    assert [request.body.get("max_tokens") for request in back.heard] == [sent["max_tokens"]] * 2
    same = ("id", "seed", "lite", "mode", "limits", "policies", "task")
    assert {key: record[key] for key in same} == {key: begun[key] for key in same}
    assert record["end"]["reason"] == "turn_limit"


def test_the_prompt_style_goes_on_though_another_suits_the_model(comity: Comity) -> None:
    begun = cut_off(comity, "--turns", "2", "--style", "chat")
    assert begun["policies"][SECOND]["style"].startswith("chat@")
    with ModelServer(lambda number, body: json.dumps({ONE: "hi"}), dies_at=2) as server:
        comity("simulate", "--models", server.spec, "--style", "transcript", "--turns", "2").complaint()
    with ModelServer(lambda number, body: json.dumps({OTHER: "hello"}), port=server.port):
        record = comity("simulate", "--continue", "last", "--json").ok().json
    assert [event["action"]["argument"] for event in record["events"]] == ["hi", "hello"]


def test_one_writer_goes_on_writing_every_part(comity: Comity) -> None:
    begun = cut_off(comity, "--mode", "script", "--turns", "2")
    with ModelServer(port=int(re.findall(r":(\d+)/", begun["policies"][FIRST]["model"])[0])) as back:
        record = comity("simulate", "--continue", "last", "--json").ok().json
    assert (record["mode"], len(record["events"]), len(back.heard)) == ("script", 2, 1)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (DEMO, "--models"),
        (("--seed", "0"), "--seed"),
        (("--mode", "asymmetric"), "--mode"),
        (("--lite", "--turns", "20"), "--lite, --turns"),
        (("bicycle_sale",), "scenario"),
        (("--task", "x"), "--task"),
        (("--style", "chat", "--temperature", "1"), "--style, --temperature"),
        (("--max-tokens", "9", "--library", "x"), "--max-tokens, --library"),
    ],
)
def test_what_the_record_already_says_may_not_be_given_again(
    comity: Comity, given: tuple[str, ...], named: str
) -> None:
    begun = comity("simulate", *DEMO, "--json").ok().json
    said = comity("simulate", "--continue", begun["id"], *given).complaint(code=2)
    assert f"the record says how the episode goes on; leave out {named}\n" in said


def test_what_says_nothing_of_the_record_may_be_given(comity: Comity, folder: Path) -> None:
    rubric = 'id = "r"\nversion = 1\n[[dimensions]]\nid = "KIND"\nname = "k"\nlow = 0\nhigh = 4\ndescription = "?"\n'
    (folder / "r.toml").write_text(rubric)
    store = ("--store", "mine.db")
    begun = comity("simulate", *DEMO, *store, "--json").ok().json
    judging = ("--judge", "scripted:demo", "--judge-temperature", "none", "--rubric", "r.toml")
    (card,) = comity("simulate", "--continue", begun["id"], *judging, *store, "--json").ok().json["scorecards"]
    assert (card["rubric"], "temperature" in card["judge"]["sampling"]) == ("r", False)


def edit(folder: Path, old: str, new: str) -> None:
    """Change the record, as another version of Comity would have written it."""
    with sqlite3.connect(folder / "comity.db") as database:
        changed = database.execute("UPDATE episodes SET body = replace(body, ?, ?)", (old, new))
    database.close()
    assert changed.rowcount == 1


def test_prompts_that_have_changed_since_are_refused_by_name(comity: Comity, folder: Path) -> None:
    begun = cut_off(comity)
    label, digest = (begun["policies"][FIRST][key] for key in ("style", "prompt_hash"))
    edit(folder, digest, "0" * 64)
    said = comity("simulate", "--continue", "last").complaint(code=2)
    assert f"begun, with Comity {begun['code_version']}: " in said
    assert f"its prompts were {label} (00000000) and are now {label} ({digest[:8]})" in said


def test_an_agent_of_anothers_program_is_refused_by_name(comity: Comity, folder: Path) -> None:
    cut_off(comity)
    edit(folder, '"agent":"llm"', '"agent":"robot"')
    said = comity("simulate", "--continue", "last").complaint(code=2)
    assert f"seat '{FIRST}' is played by 'robot'; only the program that made it can play it on" in said


def test_a_person_goes_on_by_the_other_command(comity: Comity) -> None:
    comity("play", *DEMO, "--store", "a b.db", stdin="Hello.\n").complaint()
    said = comity("simulate", "--continue", "last", "--store", "a b.db").complaint(code=2)
    short = comity("list", "--store", "a b.db", "--json").ok().json[0]["id"][:8]
    assert f"a person plays in this episode; go on with: comity play --continue {short} --store 'a b.db'" in said


def test_openai_elsewhere_is_recorded_by_its_address_and_goes_on_there(
    comity: Comity, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-precious")
    with ModelServer(dies_at=2) as server:
        address = f"http://127.0.0.1:{server.port}/v1"
        monkeypatch.setenv("OPENAI_BASE_URL", address)
        comity("simulate", "--models", "openai:tiny", "--turns", "2").complaint()
    monkeypatch.delenv("OPENAI_BASE_URL")
    with ModelServer(port=server.port) as back:
        record = comity("simulate", "--continue", "last", "--json").ok().json
    assert record["policies"][FIRST]["model"] == f"{address}#tiny&key_env=OPENAI_API_KEY"
    assert [request.headers["Authorization"] for request in back.heard] == ["Bearer sk-precious"]
    assert b"sk-precious" not in (folder / "comity.db").read_bytes()


def test_openai_that_has_moved_since_is_refused(comity: Comity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-precious")
    with ModelServer() as elsewhere:
        begun = comity("simulate", *DEMO, "--json").ok().json
        edit(Path(), "scripted:demo", "openai:tiny")
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{elsewhere.port}/v1")
        said = comity("simulate", "--continue", begun["id"]).complaint(code=2)
    assert f"openai:tiny now leads to http://127.0.0.1:{elsewhere.port}/v1#tiny&key_env=OPENAI_API_KEY" in said
    assert elsewhere.heard == []


# Judging


@pytest.mark.parametrize(
    ("options", "sent"), [((), 0.0), (("--judge-temperature", "0.5"), 0.5), (("--judge-temperature", "none"), None)]
)
def test_the_judges_temperature_is_the_users(comity: Comity, options: tuple[str, ...], sent: float | None) -> None:
    for command in (("simulate", *DEMO, "--turns", "2"), ("score", "last")):
        with ModelServer(lambda number, body: "{}") as server:
            comity(*command, "--judge", server.spec, *options, "--json").ok()
        assert {request.body.get("temperature") for request in server.heard} == {sent}


@pytest.mark.parametrize("option", ["--temperature", "--judge-temperature"])
@pytest.mark.parametrize("value", ["-1", "warm", "nan", "inf"])
def test_a_temperature_that_cannot_be_begins_nothing(comity: Comity, option: str, value: str) -> None:
    said = comity("simulate", *DEMO, "--judge", "scripted:demo", option, value).complaint(code=2)
    assert f"'{value}' is not a temperature; give a number from 0 on, or none" in said
    assert comity("list", "--json").ok().json == []


def test_a_judge_that_was_away_judges_when_it_is_back_and_nothing_is_played_again(comity: Comity) -> None:
    with ModelServer() as gone:
        pass
    judge = ("--judge", f"{gone.spec}", "--judge-temperature", "none", "--store", "mine.db")
    ran = comity("simulate", *DEMO, *judge, "--json")
    assert "nothing answers" in ran.complaint()
    (listed,) = comity("list", "--store", "mine.db", "--json").ok().json
    assert (listed["status"], listed["scorecards"]) == ("finished", 0)
    (hint,) = re.findall("the episode is finished and kept; judge it with: comity (.*)\n", ran.err)
    assert "--continue" not in ran.err
    with ModelServer(lambda number, body: "{}", port=gone.port) as back:
        (card,) = comity(*shlex.split(hint), "--json").ok().json
    assert (card["episode"], card["judge"]["model"]) == (listed["id"], gone.spec)
    assert {request.body.get("temperature") for request in back.heard} == {None}


def test_what_was_not_had_and_what_was_not_plain_is_counted(comity: Comity) -> None:
    def half(number: int, body: Mapping[str, Any]) -> str:
        return json.dumps({"GOAL": {"reason": "so", "turns": [1], "score": 5}})

    def mumbles(number: int, body: Mapping[str, Any]) -> str:
        return "Hm?" if number == 1 else spoken()

    with ModelServer(half) as judge, ModelServer(mumbles) as server:
        out = comity("simulate", "--models", server.spec, "--turns", "2", "--judge", judge.spec).ok().out
    assert "Scores had: 2 of 14.\n" in out
    assert "Replies: 3; re-asked 1, repaired 0, without schema 0.\n" in out
    assert "Replies: 3; re-asked 1, repaired 0, without schema 0.\n" in comity("show").ok().out


def test_what_was_whole_and_plain_is_not_counted(comity: Comity) -> None:
    with ModelServer() as server:
        out = comity("simulate", "--models", server.spec, "--turns", "2", "--judge", "scripted:demo").ok().out
    assert "Scores had" not in out
    assert "Replies:" not in out


# Going on, where there is nothing


def test_an_episode_that_is_not_there_cannot_go_on(comity: Comity) -> None:
    assert "there is no last episode" in line(comity("simulate", "--continue", "last").complaint())
