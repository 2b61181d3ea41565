"""The benchmarks measure what they say: limits are kept by the exit code, a lost or doubled episode is seen, parts can be measured alone."""

import json
from dataclasses import replace
from pathlib import Path

import bench
import negotiators
import pytest
from children import ChildFailed, playing_child, run_child
from figures import Figure, skipped
from kills import Result, difference, results
from mock_server import mock_server
from playing import Load, tasks
from report import read_results

from comity.world.episodes import Episode


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    """Sixteen episodes that were killed at once, and then played to their end."""
    store = str(tmp_path_factory.mktemp("bench") / "bench.db")
    with mock_server() as server:
        load = Load(server.url, repeats=1, in_flight=8, turns=2, store=store, judged=True)
        with playing_child(load):
            pass
        assert run_child("play", load) == {}
    return results(store)


def test_everything_is_played_once_to_its_end_and_judged(played: list[Result]) -> None:
    assert sorted(result.episode.task.id for result in played) == sorted(task.id for task in tasks())
    assert {result.episode.turns for result in played} == {2}
    assert {len(result.scores) for result in played} == {1}
    assert not difference(played, played).all


def test_what_is_missing_doubled_or_different_is_seen(played: list[Result]) -> None:
    first, *rest = played
    assert difference(played, rest).missing == 1
    assert difference(played, [first, *played]).doubled == 1
    assert difference(played, [replace(first, scores=first.scores * 2), *rest]).doubled == 1
    for changed in (_cut(first.episode), first.episode.model_copy(update={"end": None})):
        assert difference(played, [replace(first, episode=changed), *rest]).other == 1
    assert difference(played, [replace(first, scores=()), *rest]).other == 1


def _cut(episode: Episode) -> Episode:
    return episode.model_copy(update={"events": episode.events[:-1]})


def test_a_child_that_fails_says_why() -> None:
    with pytest.raises(ChildFailed, match="no work is called 'nothing'"):
        run_child("nothing")


def test_growth_and_prompts_are_measured_turn_by_turn() -> None:
    with mock_server() as server:
        turns = run_child("growth", Load(server.url, repeats=1, in_flight=16, turns=4))
        found = run_child("prompts", Load(server.url, repeats=1, in_flight=16, turns=6))
    assert len(turns["cpu_ms"]) == 3
    assert all(turn > 0 for turn in turns["cpu_ms"])
    assert found["prompts_a_session"] == [3.0] * 32
    assert found["common"] == found["previous"]
    assert len(found["every"]) == 96


@pytest.mark.parametrize(
    ("bound", "value", "broken"),
    [("at most", 2.0, False), ("at most", 2.1, True), ("at least", 2.0, False), ("at least", 1.9, True)],
)
def test_a_broken_limit_is_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bound: str, value: float, broken: bool
) -> None:
    figure = Figure(
        "cost", value, "ms", "By looking.", limit=2.0, bound="at most" if bound == "at most" else "at least"
    )
    monkeypatch.setattr(bench, "MEASURED", {"cost": lambda: [figure]})
    assert bench.main([], tmp_path) == int(broken)
    assert ("broken" in (tmp_path / "README.md").read_text().partition("| `cost`")[2].partition("\n")[0]) is broken
    assert json.loads((tmp_path / "results.json").read_text())["cost"]["broken"] is broken


def test_what_is_not_measured_now_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    figures = {
        "one": lambda: [Figure("one", 1.0, "ms", "By looking.")],
        "two": lambda: [skipped("two", "ms", "no model")],
    }
    monkeypatch.setattr(bench, "MEASURED", figures)
    assert bench.main([], tmp_path) == 0
    before = read_results(tmp_path / "results.json")
    figures["one"] = lambda: [Figure("one", 3.0, "ms", "By looking.")]
    assert bench.main(["one"], tmp_path) == 0
    after = read_results(tmp_path / "results.json")
    assert (after["one"].figure.value, after["two"]) == (3.0, before["two"])
    assert "| `two` | not measured |" in (tmp_path / "README.md").read_text()
    assert bench.main(["three"], tmp_path) == 2


def test_the_row_of_negotiators_is_of_checked_games(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(negotiators, "GAMES", 40)
    assert bench.main(["negotiators"], tmp_path) == 0
    (figure,) = (taken.figure for taken in read_results(tmp_path / "results.json").values())
    assert (figure.name, figure.unit, figure.limit) == ("cpu_s_10000_divisions", "s", 60.0)
    assert (figure.details["games"], figure.details["wrong"]) == (40, 0)
    assert figure.value is not None
    assert 0 < figure.value < 60
    assert "| `cpu_s_10000_divisions` |" in (tmp_path / "README.md").read_text()


def test_no_row_is_written_of_games_that_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(negotiators, "GAMES", "none")
    assert bench.main(["negotiators"], tmp_path) == 1
    assert read_results(tmp_path / "results.json") == {}
    assert "negotiators: " in capsys.readouterr().err
