"""`comity generate` with servers that fail, die and come back, and killed and gone on with: nothing is asked twice, nothing is lost."""

import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from generate.written import SCENARIOS, answering, asked_about, ideas_file
from mock_faults import Fault, Transport
from mock_server import MockServer, mock_server

from cli.command import Comity, Ran, begin, finished
from cli.model_server import ModelServer


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    with mock_server() as made:
        yield made


@pytest.fixture
def healthy(mock: MockServer) -> MockServer:
    mock.set(faults=(), latency=0.0)
    mock.forget()
    return mock


def made_of(ran: Ran) -> dict[str, Any]:
    """What the candidates are, without their times. Which of several twins a finding names is not the same in every process."""
    names = ("state", "record", "notes", "examples", "idea", "seed")
    return {
        each["id"]: {name: each[name] for name in names}
        | {"found": [(f["rule"], f["field"]) for f in each["findings"]]}
        for each in ran.json["candidates"]
    }


def test_faults_of_the_server_are_retried_and_change_nothing(comity: Comity, healthy: MockServer) -> None:
    command = ("generate", "relationships", "--model", healthy.spec, "--count", "20", "--json")
    expected = made_of(comity(*command, "--into", "whole").ok())
    assert len(expected) == 20
    kinds: tuple[Transport, ...] = ("500", "429", "reset", "html", "truncated_body")
    healthy.set(faults=[Fault(kind, 0.2, seed=n, limit=2) for n, kind in enumerate(kinds)])
    assert made_of(comity(*command, "--into", "shaken").ok()) == expected
    assert len(healthy.counts().faults) >= 3


@pytest.mark.parametrize("kind", ["truncated_json", "empty", "null", "wrong_schema", "fenced"])
def test_faults_of_the_reply_are_the_models_own(comity: Comity, healthy: MockServer, kind: Any) -> None:
    healthy.set(faults=[Fault(kind)])
    record = (
        comity("generate", "characters", "--model", healthy.spec, "--into", kind, "--count", "3", "--json").ok().json
    )
    assert record["answered"] == 3
    if kind in ("fenced", "truncated_json"):  # what can be mended is
        return
    assert record["unusable"] == 3
    assert record["spent"]["calls"] == 6


def test_a_server_that_is_down_is_nobodys_answer_and_the_same_command_goes_on(
    comity: Comity, healthy: MockServer
) -> None:
    command = ("generate", "scenarios", "--model", healthy.spec, "--into", "mine", "--count", "12")
    healthy.set(faults=[Fault("500")])
    ran = comity(*command, "--patience", "0.2")
    assert ran.code == 1
    assert "12 left. What was answered is kept; go on with: comity generate scenarios" in ran.out
    assert "could not be asked: GaveUp: " in ran.out
    assert comity("generate", "review", "mine", "--list", "--json").ok().json == []
    healthy.set(faults=[])
    assert comity(*command, "--json").ok().json["answered"] == 12


def test_killed_again_and_again_it_comes_to_what_it_would_have_come_to_and_asks_nothing_twice(
    comity: Comity, healthy: MockServer
) -> None:
    command = ("generate", "relationships", "--model", healthy.spec, "--count", "40", "--json")
    ran = comity(*command, "--into", "whole").ok()
    expected, calls = made_of(ran), ran.json["spent"]["calls"]
    assert min(ran.json["states"][state] for state in ("passed", "rejected")) >= 10
    healthy.set(latency=0.05)
    healthy.forget()
    lost = 0
    for wanted in (5, 14, 23):
        process = begin(*command, "--into", "mine", "--in-flight", "4")
        anyio.run(healthy.until, lambda counts, wanted=wanted: counts.calls >= wanted)
        process.kill()
        assert finished(process).code == -signal.SIGKILL
        lost += 4  # at most: what was asked and not answered yet
    healthy.set(latency=0.0)
    ran = finished(begin(*command, "--into", "mine")).ok()
    assert made_of(ran) == expected
    assert 0 < ran.json["before"] < 40
    assert calls < healthy.counts().calls <= calls + lost


def test_ctrl_c_leaves_what_was_answered_and_says_how_to_go_on(healthy: MockServer) -> None:
    healthy.set(latency=0.05)
    command = (
        "generate",
        "relationships",
        "--model",
        healthy.spec,
        "--into",
        "mine",
        "--count",
        "40",
        "--in-flight",
        "4",
    )
    process = begin(*command)
    anyio.run(healthy.until, lambda counts: counts.calls > 20)
    process.send_signal(signal.SIGINT)
    ran = finished(process)
    assert ran.code == 130, ran
    assert "comity: stopped. What was answered is kept in mine; go on with: " in ran.err
    assert "Traceback" not in ran.err
    healthy.set(latency=0.0)
    record = finished(begin(*command, "--json")).ok().json
    assert record["before"] >= 8  # of 21 calls four at most were in flight, and an idea takes two at most
    assert record["answered"] == 40


def test_a_second_process_is_told_of_the_first(comity: Comity, healthy: MockServer) -> None:
    healthy.set(latency=5.0)
    command = ("generate", "scenarios", "--model", healthy.spec, "--into", "mine")
    process = begin(*command)
    anyio.run(healthy.until, lambda counts: counts.calls > 0)
    assert "another process works on it" in comity(*command).complaint()
    assert "another process works on it" in comity("generate", "review", "mine").complaint()
    process.kill()
    finished(process)


def test_a_server_that_is_gone_is_said_and_the_same_command_goes_on(comity: Comity, folder: Path) -> None:
    """The third request is never answered, and nobody answers until another server stands at the same address."""

    def answer(number: int, body: Mapping[str, Any]) -> str:
        return answering(SCENARIOS)(asked_about(body["messages"][1]["content"]), 1)

    ideas = str(ideas_file(folder, list(SCENARIOS)))
    options = ["--into", "mine", "--ideas", ideas, "--count", "4", "--in-flight", "1", "--patience", "0.2"]
    with ModelServer(answer, dies_at=3) as gone:
        command = ("generate", "scenarios", "--model", gone.spec, *options)
        ran = comity(*command, "--json")
    assert ran.code == 1
    assert (ran.json["answered"], ran.json["left"], ran.json["states"]) == (2, 2, {"passed": 2})
    assert ran.json["stopped"].startswith("GaveUp: ")
    with ModelServer(answer, port=gone.port) as back:
        record = comity(*command, "--json").ok().json
    assert (record["before"], record["states"]) == (2, {"passed": 4})
    asked = Counter(asked_about(heard.body["messages"][1]["content"]) for heard in (*gone.heard[:2], *back.heard))
    assert asked == dict.fromkeys(SCENARIOS, 1)
