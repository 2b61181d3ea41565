"""Losses as rows: the best, how long ago that was, and a picture."""

import sys
from pathlib import Path

import pytest

from comity.train.losses import Loss, best, draw, read_losses, since_best, write_losses


def rows(*dev: float | None) -> list[Loss]:
    return [
        Loss(step=step, loss=2.0 / step, dev_loss=value, learning_rate=1e-3, tokens=step * 10, seconds=step)
        for step, value in enumerate(dev, 1)
    ]


def test_the_best_is_the_first_of_the_lowest_on_dev() -> None:
    taken = rows(None, 3.0, None, 2.0, 2.0, None, 2.5)
    lowest = best(taken)
    assert lowest is not None
    assert lowest.step == 4
    assert since_best(taken) == 2
    assert since_best(taken[:4]) == 0


def test_without_dev_losses_there_is_no_best() -> None:
    assert best(rows(None, None)) is None
    assert since_best(rows(None, None)) == 0
    assert best([]) is None


def test_they_are_read_as_they_were_written(tmp_path: Path) -> None:
    taken = rows(None, 0.1 + 0.2)
    write_losses(taken, tmp_path / "losses.json")
    assert read_losses(tmp_path / "losses.json") == taken
    (tmp_path / "losses.json").write_text("[{}]")
    with pytest.raises(ValueError, match="step"):
        read_losses(tmp_path / "losses.json")


def test_the_picture_shows_both_curves(tmp_path: Path) -> None:
    assert draw(rows(None, 3.0, None, 2.0), tmp_path / "both.svg") == ""
    both = (tmp_path / "both.svg").read_text()
    assert "training" in both
    assert "dev" in both
    assert draw(rows(None, None), tmp_path / "one.svg") == ""
    assert "dev" not in (tmp_path / "one.svg").read_text()


def test_where_it_cannot_be_drawn_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "altair", None)
    assert "install comity[analysis]" in draw(rows(1.0), tmp_path / "losses.svg")
    assert not (tmp_path / "losses.svg").exists()
