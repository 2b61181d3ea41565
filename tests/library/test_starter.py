"""The shipped library: that every file loads, and that its content is what it promises. What a lint finds is for the lint to say."""

import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

import comity.library
from comity.library import load_library, starter
from comity.library.lint import lint
from comity.world.characters import Character
from comity.world.deals import Price
from comity.world.relationships import RelationshipKind
from comity.world.scenarios import Scenario, TurnOrder
from comity.world.tasks import Task

DATA = Path(comity.library.__file__).parent / "data"
CHARACTERS = starter().characters
SCENARIOS = starter().scenarios
TASKS = starter().tasks
FAMILIES = {
    "negotiation", "exchange", "persuasion", "cooperation", "competition", "social norms", "support", "secrets and privacy",
    "mutual friends", "shared plans", "conflict",
}  # fmt: skip


def _words(text: str) -> list[str]:
    return re.findall(r"[\w$']+", text.casefold())


def _sentences(text: str) -> int:
    return len(re.findall(r"[.!?](?:\"|'|\s|$)", text))


def _file(scenario: Scenario) -> str:
    return (DATA / "scenarios" / f"{scenario.id}.toml").read_text(encoding="utf-8")


def test_every_shipped_file_is_loaded() -> None:
    assert sorted(c.id for c in CHARACTERS) == sorted(file.stem for file in (DATA / "characters").iterdir())
    assert sorted(s.id for s in SCENARIOS) == sorted(file.stem for file in (DATA / "scenarios").iterdir())
    rows = (DATA / "relationships.toml").read_text(encoding="utf-8").count("[[relationship]]")
    assert len(starter().relationships) == rows
    casts = sum(file.read_text(encoding="utf-8").count("[[casts]]") for file in (DATA / "scenarios").iterdir())
    assert len(TASKS) == casts


def test_the_shipped_folder_loads_as_a_users_own_would() -> None:
    assert load_library(DATA) == starter()


def test_the_starter_library_is_read_once() -> None:
    assert starter() is starter()


def test_every_row_says_where_it_comes_from_and_under_what_licence() -> None:
    rows = [*((c.source, c.licence) for c in CHARACTERS), *((s.source, s.licence) for s in SCENARIOS)]
    rows += [(r.source, r.licence) for r in starter().relationships]
    assert set(rows) == {("Comity", "Apache-2.0")}


def test_the_lint_finds_no_error_and_nothing_to_warn_of() -> None:
    assert [str(finding) for finding in lint(starter())] == []


def test_the_library_is_as_large_and_varied_as_it_says() -> None:
    assert len(CHARACTERS) == 40
    assert len(SCENARIOS) == 100
    assert {s.family for s in SCENARIOS} == FAMILIES
    assert min(Counter(s.family for s in SCENARIOS).values()) >= 5
    assert {r.kind for r in starter().relationships} == set(RelationshipKind)
    assert {s.turn_order for s in SCENARIOS} == set(TurnOrder)
    assert {e.kind for task in TASKS for e in task.edges} == set(RelationshipKind) - {RelationshipKind.STRANGER}
    assert any(not task.edges for task in TASKS)


def test_several_can_meet_and_whisper() -> None:
    many = [s for s in SCENARIOS if len(s.seats) > 2]
    assert len(many) >= 8
    assert {len(s.seats) for s in many} == {3, 4, 5}
    assert all(s.private_messages for s in many)


def test_outcomes_are_of_every_kind_and_prices_have_wide_narrow_and_no_zones() -> None:
    kinds = Counter(s.payoff.kind for s in SCENARIOS if s.payoff)
    assert kinds.total() >= 24
    assert len(kinds) == 8
    prices = [s.payoff for s in SCENARIOS if isinstance(s.payoff, Price)]
    zones = [(p.reserves[p.buyer] - p.reserves[p.seller]) / (p.range[1] - p.range[0]) for p in prices]
    assert min(zones) < 0
    assert any(0 <= zone < 0.15 for zone in zones)
    assert max(zones) > 0.3


def test_characters_differ_in_gender_age_and_occupation() -> None:
    genders = Counter(c.gender for c in CHARACTERS)
    assert abs(genders["woman"] - genders["man"]) <= 3
    assert genders["non-binary"] >= 4
    ages = [c.age for c in CHARACTERS if c.age is not None]
    assert (len(ages), min(ages), max(ages)) == (40, 18, 75)
    assert {age // 10 for age in ages} == {1, 2, 3, 4, 5, 6, 7}
    assert len({c.occupation for c in CHARACTERS}) == len(CHARACTERS)
    assert len({c.decision_style for c in CHARACTERS}) == 4
    assert len({c.name.split()[0] for c in CHARACTERS}) == len(CHARACTERS)


def test_every_character_plays_and_nobody_plays_everywhere() -> None:
    plays = Counter(c.id for task in TASKS for c in task.cast.values())
    assert plays.keys() == {c.id for c in CHARACTERS}
    assert max(plays.values()) <= len(TASKS) / 10
    assert min(plays.values()) >= 5


@pytest.mark.parametrize("character", CHARACTERS, ids=lambda c: c.id)
def test_a_character_is_complete_and_short(character: Character) -> None:
    assert all(value for _, value in character)
    assert all(level is not None for _, level in character.big_five)
    assert 1 <= _sentences(character.public_info) <= 3
    assert 1 <= _sentences(character.personality) <= 4
    assert 1 <= _sentences(character.secret) <= 2


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.id)
def test_a_scenario_is_complete(scenario: Scenario) -> None:
    assert 1 <= _sentences(scenario.setting) <= 5
    assert 8 <= scenario.turn_limit <= 24
    for seat in scenario.seats:
        assert seat.role
        assert seat.extra_info
        assert 1 <= _sentences(seat.goal) <= 3
        assert {"you", "your", "yours", "yourself"} & set(_words(f"{seat.goal} {seat.extra_info}"))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.id)
def test_a_scenario_has_five_casts_that_keep_its_constraints(scenario: Scenario) -> None:
    tasks = [task for task in TASKS if task.scenario.id == scenario.id]
    assert [task.violations() for task in tasks] == [[]] * 5
    for one, other in combinations(tasks, 2):
        assert one.cast != other.cast


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.id)
def test_a_scenario_says_for_its_readers_what_the_conflict_is_and_where_the_way_out(scenario: Scenario) -> None:
    assert _file(scenario).count("\nnote = ") == 5
    head = _file(scenario).partition("\ntitle =")[0]
    assert head.startswith("# Conflict: ")
    assert "\n# Way out: " in head


@pytest.mark.parametrize("task", TASKS, ids=lambda t: t.id)
def test_everybody_in_a_cast_is_another(task: Task) -> None:
    assert len({who.id for who in task.cast.values()}) == len(task.scenario.seats)


def test_the_demo_is_small_enough_for_a_small_model() -> None:
    demo = next(task for task in TASKS if task.scenario.id == "bicycle_sale")
    assert demo.id == "bicycle_sale.maria_daniel"
    for seat in demo.scenario.seats:
        assert len(_words(f"{demo.scenario.setting} {seat.goal} {seat.extra_info}")) < 120


def test_the_sale_leaves_room_for_a_deal() -> None:
    sale = next(s for s in SCENARIOS if s.id == "bicycle_sale")
    floor = re.search(r"Below \$(\d+) you keep it", sale.seat("seller").goal)
    ceiling = re.search(r"Above \$(\d+) you walk away", sale.seat("buyer").goal)
    assert floor
    assert ceiling
    assert int(floor[1]) < int(ceiling[1])


def test_the_demo_pair_are_not_close() -> None:
    demo = next(task for task in TASKS if task.scenario.id == "bicycle_sale")
    assert demo.edge("seller", "buyer").kind in {RelationshipKind.STRANGER, RelationshipKind.ACQUAINTANCE}
