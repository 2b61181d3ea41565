"""`comity cache`: what is remembered is listed and measured, and forgotten by age, size and model; never shown."""

from hashlib import sha256
from pathlib import Path

import anyio
import pytest

from cli.command import SALE, Comity
from comity.agents.llm import LLMAgent
from comity.cli.output import print_replies
from comity.models.cache import Cached, ResponseCache
from comity.models.protocol import Completion
from comity.models.scripted import scripted
from comity.simulate import simulate
from comity.world.environment import Limits

SAID = "what the model said"


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the cache is, by the environment."""
    monkeypatch.setenv("COMITY_CACHE", str(tmp_path / "replies.db"))
    return tmp_path / "replies.db"


def remember(path: Path, number: int, model: str = "openai:gpt-4o", length: int = 100) -> None:
    with ResponseCache.open(path) as cache:
        for n in range(number):
            key = sha256(f"{model} {n}".encode()).digest()
            cache.put(
                key, model, "http://h/v1", Completion(text=SAID + "x" * length, finish_reason="stop", seconds=1.0)
            )


def entries(comity: Comity) -> int:
    return len(comity("cache", "list", "--limit", "999", "--json").ok().json)


def test_where_nothing_is_remembered_looking_makes_no_file(comity: Comity, path: Path) -> None:
    assert comity("cache", "list").ok().out == f"No replies are remembered in {path}.\n"
    assert comity("cache", "list", "--json").ok().json == []
    assert "0 replies in" in comity("cache").ok().out
    assert comity("cache", "size", "--json").ok().json == {
        "path": str(path),
        "entries": 0,
        "bytes": 0,
        "file_bytes": 0,
        "models": [],
    }
    assert comity("cache", "prune", "--older-than", "1").ok().out == "0 replies forgotten, 0 bytes.\n"
    assert not path.exists()


def test_the_replies_are_listed_without_what_they_say(comity: Comity, path: Path) -> None:
    remember(path, 3)
    remember(path, 2, "http://gpu:8000/v1#[b]mine[/b]")
    out = comity("cache", "list").ok().out
    assert out.count("openai:gpt-4o") == 3
    assert out.count("[b]mine[/b]") == 2
    listed = comity("cache", "list", "--model", "openai:gpt-4o", "--json").ok().json
    assert len(listed) == 3
    assert set(listed[0]) == {"key", "model", "endpoint", "size", "created", "used"}
    assert listed[0]["key"][:8] in out
    assert len(comity("cache", "list", "--limit", "1", "--json").ok().json) == 1
    assert SAID not in out + str(listed)


def test_the_size_is_told_in_all_and_by_model(comity: Comity, path: Path) -> None:
    remember(path, 3, length=2000)
    remember(path, 1, "small")
    found = comity("cache", "size", "--json").ok().json
    assert found["entries"] == 4
    assert [(model["model"], model["entries"]) for model in found["models"]] == [("openai:gpt-4o", 3), ("small", 1)]
    out = comity("cache", "size").ok().out
    assert f"4 replies in {path}: 6." in out.replace("\n", " ")
    assert "  small: 1 reply, " in out
    assert comity("cache").ok().out == out
    assert comity("cache", "--json").ok().json["entries"] == 4


def test_replies_are_forgotten_by_model_size_and_age(comity: Comity, path: Path) -> None:
    remember(path, 10, length=10_000)
    remember(path, 10, "other", length=10_000)
    assert comity("cache", "prune", "--model", "other").ok().out.startswith("10 replies forgotten, 10")
    assert entries(comity) == 10
    assert comity("cache", "prune", "--max-size", "0.0502", "--json").ok().json["entries"] == 6
    assert entries(comity) == 4
    assert comity("cache", "prune", "--older-than", "1", "--json").ok().json["entries"] == 0
    assert comity("cache", "prune", "--older-than", "0").ok().out.startswith("4 replies forgotten")
    assert entries(comity) == 0
    assert path.stat().st_size < 50_000


def test_what_to_forget_must_be_said(comity: Comity, path: Path) -> None:
    remember(path, 1)
    complaint = comity("cache", "prune").complaint(2)
    assert "--older-than DAYS, --max-size MB or --model NAME" in " ".join(complaint.replace("│", " ").split())
    assert "write --json after prune" in comity("cache", "--json", "prune", "--model", "m").complaint(2)
    assert entries(comity) == 1


@pytest.mark.parametrize("arguments", [["list"], ["size"], ["prune", "--model", "m"]])
def test_a_file_that_is_no_cache_is_refused_and_left_as_it_is(
    comity: Comity, tmp_path: Path, arguments: list[str]
) -> None:
    wrong = tmp_path / "notes.txt"
    wrong.write_text("These are notes. " * 99)
    complaint = comity("cache", *arguments, "--file", wrong).complaint()
    assert complaint == f"comity: {wrong}: is not a cache of replies; choose another file\n"
    assert wrong.read_text() == "These are notes. " * 99


def test_a_file_that_is_named_is_used_instead(comity: Comity, tmp_path: Path, path: Path) -> None:
    remember(tmp_path / "other.db", 2)
    assert comity("cache", "size", "--file", tmp_path / "other.db", "--json").ok().json["entries"] == 2
    assert not path.exists()


def test_the_count_of_an_episodes_replies_says_how_many_were_remembered(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def play() -> None:
        agents = dict.fromkeys(SALE.names, LLMAgent(model))
        print_replies(await simulate(SALE, agents, limits=Limits(turns=3), seed=1))

    with ResponseCache.open(path) as cache:
        model = Cached(scripted("demo"), cache, endpoint="e", repeat=0)
        anyio.run(play)
        assert capsys.readouterr().out == ""
        anyio.run(play)
    assert capsys.readouterr().out == "Replies: 3; re-asked 0, repaired 0, without schema 0, from the cache 3.\n"
