"""`comity library fresh`: a folder of games that can be played at once, and more of them beside what is there."""

import errno
import shutil
from pathlib import Path

import pytest

from cli.command import Comity
from comity.cli.fresh import make_fresh
from comity.library.fresh import FRESH_KINDS, fresh, fresh_worlds
from comity.library.loader import load_library, starter


@pytest.mark.parametrize("kind", FRESH_KINDS)
def test_what_is_made_is_read_back_the_same_with_casts_that_keep_the_rules(
    comity: Comity, folder: Path, kind: str
) -> None:
    said = (
        comity("library", "fresh", kind, "--count", "6", "--seed", "3", "--casts", "2", "--into", "mine", "--json")
        .ok()
        .json
    )
    made = load_library(folder / "mine")
    assert {scenario.id: scenario for scenario in made.scenarios} == {s.id: s for s in fresh(kind, 6, seed=3)}
    assert {task.id for task in made.tasks} == set(said["tasks"])
    assert len(made.tasks) == 12
    assert said["worlds"] == fresh_worlds(kind, 6, seed=3)
    assert (len(said["worlds"]), sum(said["worlds"].values())) == (6, 6)
    assert {who.id: who for who in made.characters} == {who.id: who for who in starter().characters}
    assert {r.id: r for r in made.relationships} == {r.id: r for r in starter().relationships}


def test_more_are_added_with_the_folders_own_people_and_the_same_again_changes_nothing(
    comity: Comity, folder: Path
) -> None:
    comity("library", "fresh", "gift", "--count", "2", "--into", "mine").ok()
    before = contents(folder / "mine")
    comity("library", "fresh", "price", "--count", "2", "--into", "mine", "--json")
    after = contents(folder / "mine")
    assert {name for name in after if name not in before} == {
        "scenarios/fresh_price_0_0.toml",
        "scenarios/fresh_price_0_1.toml",
    }
    assert all(after[name] == text for name, text in before.items())


def contents(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text("utf-8") for file in folder.rglob("*.toml")}


def test_one_can_be_played_by_its_name(comity: Comity) -> None:
    said = comity("library", "fresh", "division", "--count", "2", "--into", "mine").ok().out
    assert "2 scenarios with 2 casts are in mine. Play one: --library mine fresh_division_0_0" in " ".join(said.split())
    record = (
        comity("simulate", "fresh_division_0_1", "--library", "mine", "--models", "negotiator:linear", "--json")
        .ok()
        .json
    )
    assert record["task"]["scenario"]["source"] == "Comity fresh@2 division 0/1"


def test_scenarios_alone_where_no_casts_are_wanted(comity: Comity, folder: Path) -> None:
    comity("library", "fresh", "secret", "--count", "3", "--casts", "0", "--into", "bare").ok()
    assert sorted(contents(folder / "bare")) == [f"scenarios/fresh_secret_0_{n}.toml" for n in range(3)]


def test_what_is_there_and_says_something_else_is_left_alone(comity: Comity, folder: Path) -> None:
    comity("library", "fresh", "gift", "--count", "1", "--into", "mine").ok()
    file = folder / "mine/scenarios/fresh_gift_0_0.toml"
    file.write_text(file.read_text("utf-8").replace("licence", "# licence"), "utf-8")
    mine = contents(folder / "mine")
    said = comity("library", "fresh", "gift", "--count", "2", "--into", "mine").complaint(code=1)
    assert "fresh_gift_0_0.toml is there already and says something else" in " ".join(said.split())
    assert contents(folder / "mine") == mine


@pytest.mark.parametrize("name", ["mine", "mine/scenarios", "mine/characters"])
def test_a_file_where_a_folder_should_be_is_said_in_a_line(comity: Comity, folder: Path, name: str) -> None:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("")
    said = comity("library", "fresh", "gift", "--count", "1", "--into", "mine").complaint()
    assert said.startswith("comity: mine/")
    assert said.endswith("cannot be written; a file stands where a folder should\n")
    assert file.read_bytes() == b""


def test_a_write_that_breaks_off_leaves_whole_files_and_the_same_command_goes_on(
    comity: Comity, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, left = Path.write_text, 44

    def full(file: Path, text: str, encoding: str) -> int:
        nonlocal left
        left -= 1
        if left:
            return write(file, text, encoding)
        write(file, text[:10], encoding)
        raise OSError(errno.ENOSPC, "No space left on device")

    command = ("library", "fresh", "gift", "--count", "4", "--into", "mine")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        assert "cannot be written (No space left on device)" in comity(*command).complaint()
    assert len(load_library(folder / "mine").scenarios) == 2
    assert not list((folder / "mine").rglob(".*"))
    comity(*command).ok()
    assert len(load_library(folder / "mine").scenarios) == 4


@pytest.mark.parametrize("at", [1, 2, 23, 40, 41, 42])
def test_a_kill_at_any_moment_leaves_no_part_of_a_cast(
    comity: Comity, folder: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Nothing is tidied up after a kill; `BaseException`s are what it looks like from inside."""
    command = ("library", "fresh", "gift", "--count", "2", "--casts", "2")
    comity(*command, "--into", "whole").ok()
    moved: list[Path] = []
    move, leave = Path.replace, Killed("now")

    def killed(file: Path, target: Path) -> Path:
        if len(moved) + 1 == at:
            raise leave
        moved.append(target)
        return move(file, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", killed)
        patched.setattr(shutil, "rmtree", lambda folder, **how: None)
        with pytest.raises(Killed):
            make_fresh("gift", folder / "mine", count=2, casts=2)
    comity(*command, "--into", "mine").ok()
    assert contents(folder / "mine") == contents(folder / "whole")


class Killed(BaseException):
    """The process is gone."""


def test_an_unknown_kind_is_refused(comity: Comity, folder: Path) -> None:
    said = comity("library", "fresh", "chess", "--into", "mine").complaint(code=2)
    assert "there are no fresh games of kind 'chess'; there are: division, price" in " ".join(said.split())
    assert not (folder / "mine").exists()
