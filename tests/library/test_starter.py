"""The shipped library: that every file loads, and that its content keeps the rules of the page in docs/library.md."""

import re
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest

import comity.library
from comity.library import load_library, starter
from comity.world.characters import Character
from comity.world.relationships import RelationshipKind
from comity.world.scenarios import Scenario, Seat, TurnOrder
from comity.world.tasks import Task

DATA = Path(comity.library.__file__).parent / "data"
CHARACTERS = starter().characters
SCENARIOS = starter().scenarios
TASKS = starter().tasks


def _words(text: str) -> list[str]:
    return re.findall(r"[\w$']+", text.casefold())


def _runs(text: str, length: int = 5) -> set[tuple[str, ...]]:
    """Every run of so many words; a shorter text is one run."""
    words = _words(text)
    return {tuple(words[i : i + length]) for i in range(max(1, len(words) - length + 1))} if words else set()


def _sentences(text: str) -> int:
    return len(re.findall(r"[.!?](?:\"|'|\s|$)", text))


def _private(seat: Seat) -> str:
    return "\n".join((seat.goal, seat.extra_info, seat.clarification_hint, seat.strategy_hint))


def _texts() -> Iterator[tuple[str, str]]:
    """Every prose text of the library but the secrets, with where it stands."""
    for c in CHARACTERS:
        yield from ((f"{c.id}.{field}", text) for field, text in c if isinstance(text, str) and field != "secret")
    for r in starter().relationships:
        yield r.id, r.background
    for s in SCENARIOS:
        yield s.id, f"{s.title}\n{s.setting}\n{s.judge_note}"
        yield from ((f"{s.id}.{seat.id}", f"{seat.role}\n{_private(seat)}") for seat in s.seats)


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


def test_the_library_is_large_and_varied_enough() -> None:
    assert len(CHARACTERS) >= 10
    assert len(SCENARIOS) >= 7
    assert len({s.family for s in SCENARIOS}) >= 7
    assert {r.kind for r in starter().relationships} == set(RelationshipKind)
    assert {TurnOrder.ROUND_ROBIN, TurnOrder.SIMULTANEOUS} <= {s.turn_order for s in SCENARIOS}
    assert {e.kind for task in TASKS for e in task.edges} == set(RelationshipKind) - {RelationshipKind.STRANGER}
    assert any(not task.edges for task in TASKS)


def test_three_can_plan_with_private_messages() -> None:
    trios = [s for s in SCENARIOS if len(s.seats) == 3 and s.private_messages]
    assert any(s.turn_order is TurnOrder.ROUND_ROBIN for s in trios)


def test_characters_differ_in_gender_age_and_occupation() -> None:
    genders = [c.gender for c in CHARACTERS]
    assert {"woman", "man", "non-binary"} <= set(genders)
    assert abs(genders.count("woman") - genders.count("man")) <= 2
    assert {c.age // 10 for c in CHARACTERS} >= {2, 3, 4, 5, 6, 7}
    assert len({c.occupation for c in CHARACTERS}) == len(CHARACTERS)
    assert len({c.decision_style for c in CHARACTERS}) == 4
    names = [word for c in CHARACTERS for word in c.name.split()]
    assert len(set(names)) == len(names)


def test_every_character_plays() -> None:
    assert {c.id for task in TASKS for c in task.cast.values()} == {c.id for c in CHARACTERS}


@pytest.mark.parametrize("character", CHARACTERS, ids=lambda c: c.id)
def test_a_character_is_complete_and_short(character: Character) -> None:
    assert all(value for _, value in character)
    assert all(level is not None for _, level in character.big_five)
    assert character.source == "Comity"
    assert 1 <= _sentences(character.public_info) <= 2
    assert _sentences(character.personality) == 2
    assert _sentences(character.secret) == 1


@pytest.mark.parametrize("character", CHARACTERS, ids=lambda c: c.id)
def test_a_secret_stands_nowhere_else(character: Character) -> None:
    others = [(f"{c.id}.secret", c.secret) for c in CHARACTERS if c.id != character.id]
    shared = {where: both for where, text in [*_texts(), *others] if (both := _runs(character.secret) & _runs(text))}
    assert shared == {}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.id)
def test_private_texts_stand_neither_in_the_setting_nor_with_another_seat(scenario: Scenario) -> None:
    public = _runs(f"{scenario.title}\n{scenario.setting}\n{' '.join(seat.role for seat in scenario.seats)}")
    for seat in scenario.seats:
        assert _runs(_private(seat)) & public == set()
    for one, other in permutations(scenario.seats, 2):
        assert _runs(_private(one)) & _runs(_private(other)) == set()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.id)
def test_amounts_of_money_are_private_unless_the_setting_says_them(scenario: Scenario) -> None:
    def amounts(text: str) -> set[str]:
        return set(re.findall(r"\$[\d,]+", text))

    public = amounts(scenario.setting)
    for one, other in permutations(scenario.seats, 2):
        assert (amounts(_private(one)) & amounts(_private(other))) <= public


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.id)
def test_scenarios_fit_anyone(scenario: Scenario) -> None:
    texts = [scenario.title, scenario.setting, *(f"{seat.role}\n{_private(seat)}" for seat in scenario.seats)]
    words = set(re.findall(r"\w+", "\n".join(texts)))
    assert words & {word for c in CHARACTERS for word in c.name.split()} == set()
    gendered = {"he", "him", "his", "she", "her", "hers", "man", "woman", "husband", "wife", "brother", "sister"}
    public = _words(f"{scenario.setting}\n{' '.join(seat.role for seat in scenario.seats)}")
    assert set(public) & (gendered | {"you", "your"}) == set()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.id)
def test_a_scenario_is_complete_and_short(scenario: Scenario) -> None:
    assert 2 <= _sentences(scenario.setting) <= 3
    assert 8 <= scenario.turn_limit <= 14
    assert scenario.family
    assert scenario.relationships
    assert scenario.source == "Comity"
    for seat in scenario.seats:
        assert seat.role
        assert seat.extra_info
        assert 1 <= _sentences(seat.goal) <= 2
        assert {"you", "your"} & set(_words(seat.extra_info))
    assert 1 <= len([task for task in TASKS if task.scenario.id == scenario.id]) <= 3


@pytest.mark.parametrize("task", TASKS, ids=lambda t: t.id)
def test_a_cast_keeps_the_constraints_of_its_scenario(task: Task) -> None:
    assert task.violations() == []


def test_casts_of_one_scenario_differ_in_relationship() -> None:
    for scenario in SCENARIOS:
        casts = [task for task in TASKS if task.scenario.id == scenario.id]
        if len(scenario.relationships) > 1:
            assert len({tuple(e.kind for e in task.edges) for task in casts}) > 1, scenario.id


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
