"""Checkpoints are there whole or not at all, and the newest that is whole is found."""

from pathlib import Path

import pytest

from comity.train.checkpoints import Checkpoints


def write(checkpoints: Checkpoints, *steps: int) -> None:
    for step in steps:
        with checkpoints.writing(step) as folder:
            (folder / "weights").write_text(f"of {step}")


def write_half(checkpoints: Checkpoints) -> None:
    with checkpoints.writing(2) as folder:
        (folder / "weights").write_text("half")
        folder.write_text("and this fails")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_is_found_by_number_and_not_by_name(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, 3)
    assert checkpoints.newest() is None
    write(checkpoints, 8, 9, 10)
    assert checkpoints.newest() == 10
    assert (checkpoints.at(10) / "weights").read_text() == "of 10"


def test_the_newest_are_kept_and_the_best(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, 2)
    write(checkpoints, 1, 2, 3, 4)
    checkpoints.prune(1)
    assert names(tmp_path) == ["checkpoint-1", "checkpoint-3", "checkpoint-4"]
    checkpoints.prune(None)
    assert names(tmp_path) == ["checkpoint-3", "checkpoint-4"]


def test_one_that_could_not_be_written_to_the_end_is_none(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, 2)
    write(checkpoints, 1)
    with pytest.raises(IsADirectoryError):
        write_half(checkpoints)
    assert names(tmp_path) == ["checkpoint-1"]
    (tmp_path / "checkpoint.part").mkdir()  # as a kill leaves it
    (tmp_path / "checkpoint.part" / "weights").write_text("half")
    write(checkpoints, 2)
    assert (checkpoints.newest(), names(tmp_path)) == (2, ["checkpoint-1", "checkpoint-2"])


def damage_longer(folder: Path) -> None:
    (folder / "weights").write_text("of 2 and more")


def damage_missing(folder: Path) -> None:
    (folder / "weights").unlink()


def damage_list(folder: Path) -> None:
    (folder / "files.json").write_text("{")


def damage_unlisted(folder: Path) -> None:
    (folder / "files.json").unlink()


@pytest.mark.parametrize("damage", [damage_longer, damage_missing, damage_list, damage_unlisted])
def test_a_damaged_one_is_passed_over_and_named(tmp_path: Path, damage: object) -> None:
    checkpoints = Checkpoints(tmp_path, 3)
    write(checkpoints, 1, 2)
    assert callable(damage)
    damage(checkpoints.at(2))
    assert checkpoints.newest() == 1
    (said,) = checkpoints.damaged
    assert said.startswith("checkpoint-2 is damaged (")
    assert "weights" in said or "files.json" in said
