"""`comity doctor`: says what there is, changes nothing, tells no secret, and contacts only who is named."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.command import Comity
from cli.model_server import ModelServer
from comity import __version__
from comity.store.tables import HEAD


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(lambda number, body: json.dumps({"answer": "ready"})) as running:
        yield running


def test_in_an_empty_folder_all_is_well_and_stays_empty(comity: Comity, folder: Path, tmp_path: Path) -> None:
    found = comity("doctor", "--json").ok().json
    assert (found["comity"], found["models"], found["openai_api_key_set"]) == (__version__, [], False)
    assert set(found["extras"]) == {"local", "postgres", "ray", "analysis", "embed", "pettingzoo"}
    assert found["store"] == {"path": "comity.db", "state": "absent", "episodes": None, "problem": ""}
    assert found["local_models"]["directory"] == str(tmp_path / "models")
    assert found["local_models"]["free_bytes"] > 0
    assert found["local_models"]["pulled"] == {"qwen2.5-coder-1.5b": False, "smollm2-135m": False}
    out = comity("doctor").ok().out
    assert f"Comity {__version__}, Python 3." in out
    assert "store: comity.db, not there yet" in out
    assert "smollm2-135m: not pulled (comity models pull smollm2-135m)" in out
    assert "OPENAI_API_KEY: not set" in out
    assert list(folder.iterdir()) == []
    assert not (tmp_path / "models").exists()


def test_what_is_missing_is_named_with_its_fix(comity: Comity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("comity.cli.doctor._EXTRAS", {"local": "no-such-package"})
    assert comity("doctor", "--json").ok().json["extras"] == {"local": None}
    assert "no-such-package: not installed: pip install 'comity[local]'" in comity("doctor").ok().out


def test_the_store_that_would_be_used_is_counted(comity: Comity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMITY_STORE", "sqlite:///mine.db")
    for _ in range(2):
        comity("simulate", "--models", "scripted:leaver", "--json").ok()
    assert comity("doctor", "--json").ok().json["store"] == {
        "path": "mine.db",
        "state": "current",
        "episodes": 2,
        "problem": "",
    }
    assert "store: mine.db, episodes: 2" in comity("doctor").ok().out
    assert "store: comity.db, not there yet" in comity("doctor", "--store", "comity.db").ok().out


def test_a_store_of_another_schema_is_said_and_left_as_it_is(comity: Comity, folder: Path) -> None:
    comity("list").ok()
    with sqlite3.connect("comity.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    before = (folder / "comity.db").read_bytes()
    assert comity("doctor", "--json").ok().json["store"]["state"] == "other_schema"
    assert f"not current: its schema is '9999', this version's is {HEAD!r}" in comity("doctor").ok().out
    assert (folder / "comity.db").read_bytes() == before


def test_an_empty_file_stays_empty(comity: Comity, folder: Path) -> None:
    (folder / "comity.db").touch()
    assert comity("doctor", "--json").ok().json["store"]["state"] == "empty"
    assert (folder / "comity.db").read_bytes() == b""


def test_what_is_no_store_is_a_problem_and_is_left_as_it_is(comity: Comity, folder: Path) -> None:
    (folder / "notes.txt").write_text("Dear diary")
    with sqlite3.connect("theirs.db") as database:
        database.execute("CREATE TABLE cats (name TEXT)")
    database.close()
    comity("list", "--store", "spoilt.db").ok()
    spoilt = bytearray((folder / "spoilt.db").read_bytes())
    spoilt[100:4096] = b"\xff" * 3996
    (folder / "spoilt.db").write_bytes(spoilt)
    for name in ("notes.txt", "theirs.db", "spoilt.db", "nowhere/x.db", "/dev/null", "x" * 300):
        before = (folder / name).read_bytes() if name.endswith((".txt", ".db")) and "/" not in name else b""
        ran = comity("doctor", "--store", name, "--json")
        assert (ran.code, ran.err) == (1, "")
        assert (ran.json["store"]["state"], ran.json["store"]["path"]) == ("unusable", name)
        assert ran.json["store"]["problem"]
        assert not before or (folder / name).read_bytes() == before
    assert {file.name for file in folder.iterdir()} == {"notes.txt", "theirs.db", "spoilt.db"}


def test_no_key_password_or_token_is_told(comity: Comity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-precious")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://me:hunter2@proxy.example/v1?token=precious")
    monkeypatch.setenv("COMITY_STORE", "postgresql://me:hunter2@127.0.0.1:9/comity")
    outs = [comity("doctor", *form, "--models", "http://me:hunter2@127.0.0.1:9/v1#m").out for form in ((), ("--json",))]
    for out in outs:
        assert "precious" not in out
        assert "hunter2" not in out
        assert "https://proxy.example/v1" in out
        assert "postgresql://127.0.0.1:9/comity: the database server cannot be reached" in out
    assert "OPENAI_API_KEY: set\n" in outs[0]


def test_nobody_is_contacted_who_is_not_named(
    comity: Comity, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-precious")
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.port}/v1")
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.port}")
    comity("doctor").ok()
    comity("doctor", "--models", "scripted:demo").ok()
    assert server.heard == []
    comity("doctor", "--models", "openai:gpt-4o").ok()
    assert [request.headers["Authorization"] for request in server.heard] == ["Bearer sk-precious"]


def test_a_named_model_is_asked_once_for_little(comity: Comity, server: ModelServer) -> None:
    found = comity("doctor", "--models", server.spec, "--json").ok().json["models"]
    (request,) = server.heard
    assert request.body["max_tokens"] == 20
    assert request.body["response_format"]["type"] == "json_schema"
    assert [(answer["model"], answer["as_asked"], answer["problem"]) for answer in found] == [(server.spec, True, "")]
    assert 0 < found[0]["seconds"] < 10
    assert f"{server.spec}: answers in 0." in comity("doctor", "--models", server.spec).ok().out


def test_each_model_that_does_not_answer_says_why_in_a_line(comity: Comity, server: ModelServer) -> None:
    with ModelServer() as gone:
        pass
    specs = [server.spec, gone.spec, "openai:gpt-4o", "local:smollm2-135m", "gpt-4o"]
    ran = comity("doctor", "--models", ",".join(specs))
    assert (ran.code, ran.err) == (1, "")
    lines = ran.out.splitlines()[-len(specs) :]
    starts = ("answers in ", "Unreachable: ", "AuthenticationFailed: ", "ModelNotFound: ", "ModelNotFound: ")
    for line, spec, start in zip(lines, specs, starts, strict=True):
        assert line.startswith(f"{spec}: {start}")
    assert lines[1].endswith("is the server running?")
    assert "comity models pull smollm2-135m" in lines[3]
    found = comity("doctor", "--models", ",".join(specs), "--json")
    assert found.code == 1
    assert [bool(answer["problem"]) for answer in found.json["models"]] == [False, True, True, True, True]


def test_a_reply_that_is_not_what_was_asked_for_is_an_answer_with_a_doubt(comity: Comity) -> None:
    with ModelServer(lambda number, body: "Sure! \x1b[2J") as server:
        out = comity("doctor", "--models", server.spec).ok().out
    assert "; its reply is not the JSON that was asked for" in out
    assert "\x1b" not in out


def test_a_list_of_models_that_is_wrong_is_named(comity: Comity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMITY_MODELS_FILE", "nowhere.toml")
    ran = comity("doctor")
    assert (ran.code, ran.err) == (1, "")
    assert "nowhere.toml: there is no such file; correct or unset COMITY_MODELS_FILE" in ran.out
