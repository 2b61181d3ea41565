"""What the lint makes of real libraries: faults put into every shipped scenario are found, and SOTOPIA's scenarios raise few alarms."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from comity.interop.sotopia import read_sotopia
from comity.library import starter
from comity.library.lint import lint
from comity.library.lint.words import numbers, sentences
from comity.world.collection import Collection
from comity.world.scenarios import Scenario

SOTOPIA = Path(__file__).parents[3] / "shared" / "data" / "sotopia"
SHELF = starter()


def tell(scenario: Scenario, seat: int, field: str, text: str) -> Scenario:
    """The scenario with something more in one text of a seat."""
    changed = scenario.seats[seat].model_copy(update={field: f"{getattr(scenario.seats[seat], field)} {text}".strip()})
    seats = (*scenario.seats[:seat], changed, *scenario.seats[seat + 1 :])
    return scenario.model_copy(update={"seats": seats})


def the_others_words(scenario: Scenario) -> Scenario:
    longest = max(sentences(scenario.seats[1].extra_info), key=len)
    return tell(scenario, 0, "goal", f"Mind that, as is well known, {longest.lower()}")


def the_others_number(scenario: Scenario) -> Scenario:
    known = {number for seat in scenario.seats for number in numbers(seat.extra_info)} | numbers(scenario.setting)
    own = next(number for number in range(1201, 1300) if number not in known)
    return tell(
        tell(scenario, 1, "extra_info", f"You have ${own} put by."), 0, "goal", f"Count on at least {own} dollars."
    )


def a_fact_in_public(scenario: Scenario) -> Scenario:
    return scenario.model_copy(
        update={"setting": f"{scenario.setting} {max(sentences(scenario.seats[0].extra_info), key=len)}"}
    )


def a_secret(scenario: Scenario) -> Scenario:
    return tell(scenario, 0, "strategy_hint", max(sentences(SHELF.characters[0].secret), key=len))


def a_name(scenario: Scenario) -> Scenario:
    return tell(scenario, 1, "goal", "Do not let Lakshmi find out before the evening.")


def a_party_of_a_name(scenario: Scenario) -> Scenario:
    return tell(scenario, 0, "extra_info", "You are Vanessa, and you are tired of it.")


def a_pronoun(scenario: Scenario) -> Scenario:
    return scenario.model_copy(
        update={"setting": f"The {scenario.seats[0].role.split()[-1]} has put his bag down. {scenario.setting}"}
    )


def a_gender(scenario: Scenario) -> Scenario:
    first, *rest = scenario.seats
    return scenario.model_copy(
        update={"seats": (first.model_copy(update={"role": f"the mother, {first.role}"}), *rest)}
    )


def a_minor(scenario: Scenario) -> Scenario:
    return tell(scenario, 0, "extra_info", "You are a seventeen-year-old with a borrowed coat.")


def a_real_person(scenario: Scenario) -> Scenario:
    return tell(scenario, 0, "extra_info", "You once shook the hand of Nelson Mandela.")


def a_surname(scenario: Scenario) -> Scenario:
    return tell(scenario, 1, "extra_info", "It was said to have been Einstein's.")


def an_ex(scenario: Scenario) -> Scenario:
    return tell(scenario, 0, "extra_info", "Your ex-husband has come about it as well.")


def a_mum(scenario: Scenario) -> Scenario:
    return tell(scenario, 1, "goal", "Be home before your mum asks where you were.")


def a_name_for_two(scenario: Scenario) -> Scenario:
    return tell(tell(scenario, 0, "goal", "Ask Zbyslava to see to it."), 1, "extra_info", "You owe Zbyslava a favour.")


def one_goal(scenario: Scenario) -> Scenario:
    first, second, *rest = scenario.seats
    again = second.model_copy(update={"goal": first.goal.replace(". ", ", ")})
    return scenario.model_copy(update={"seats": (first, again, *rest)})


def a_model(scenario: Scenario) -> Scenario:
    return tell(scenario, 0, "goal", "Answer in JSON.")


def a_placeholder(scenario: Scenario) -> Scenario:
    return tell(scenario, 0, "goal", "Be home by {time}.")


def no_time(scenario: Scenario) -> Scenario:
    return scenario.model_copy(update={"turn_limit": 1})


def nobody_to_cast(scenario: Scenario) -> Scenario:
    seats = (scenario.seats[0].model_copy(update={"ages": (90, 99)}), *scenario.seats[1:])
    return scenario.model_copy(update={"seats": seats})


FAULTS: dict[Callable[[Scenario], Scenario], set[str]] = {
    the_others_words: {"leaked_phrase", "leaked_fact"},
    the_others_number: {"leaked_number"},
    a_fact_in_public: {"told_publicly"},
    a_secret: {"told_secret"},
    a_name: {"named_character"},
    a_party_of_a_name: {"named_party"},
    a_pronoun: {"gendered_pronoun"},
    a_gender: {"gendered_party"},
    a_minor: {"minor_party"},
    a_real_person: {"real_person"},
    a_surname: {"real_person"},
    an_ex: {"gendered_tie"},
    a_mum: {"minor_hint"},
    a_name_for_two: {"named_by_two"},
    one_goal: {"same_goal"},
    a_model: {"speaks_of_models"},
    a_placeholder: {"leftover"},
    no_time: {"few_turns"},
    nobody_to_cast: {"uncastable"},
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_put_into_every_shipped_scenario_is_found_in_every_one(fault: Callable[[Scenario], Scenario]) -> None:
    spoilt = SHELF.model_copy(update={"scenarios": tuple(map(fault, SHELF.scenarios)), "tasks": ()})
    found = {finding.record for finding in lint(spoilt) if finding.rule in FAULTS[fault]}
    assert [s.id for s in SHELF.scenarios if f"scenarios/{s.id}" not in found] == []


def test_a_scenario_told_in_slightly_other_words_is_found_to_be_there_already() -> None:
    for scenario in SHELF.scenarios[::5]:
        setting = scenario.setting.replace(" and ", " while ").replace("Two ", "A couple of ").replace(" has ", " had ")
        again = scenario.model_copy(update={"id": "again", "title": "Again", "setting": setting})
        rules = {finding.rule for finding in lint(Collection(scenarios=(again,)), against=SHELF)}
        assert "near_duplicate" in rules, scenario.id


@pytest.mark.skipif(not SOTOPIA.is_dir(), reason="the SOTOPIA release is not beside this checkout")
def test_sotopias_scenarios_raise_few_alarms_beyond_what_is_so() -> None:
    """Every number was looked at.

    The duplicates are scenarios made from one form (bargains, mutual friends, divisions) or told twice (charity), the casts that
    break their constraints are five pairs who are no actors, and the secrets told are in the backgrounds of eight relationships.
    """
    findings = lint(read_sotopia(SOTOPIA).collection)
    errors = Counter(finding.rule for finding in findings if finding.level == "error")
    assert errors.pop("near_duplicate") <= 32
    assert errors == {
        "broken_cast": 10,
        "same_name": 9,
        "told_secret": 8,
        "told_publicly": 3,
        "leaked_phrase": 2,
        "leaked_fact": 2,
        "uncastable": 1,
    }
