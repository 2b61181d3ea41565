"""The lint finds every planted fault, and nothing where the fault is mended; the good scenarios they are made from are clean."""

import tomllib
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from comity.library.lint import RULES, Finding, lint
from comity.world.characters import Character
from comity.world.collection import Collection, cast_task
from comity.world.relationships import Relationship
from comity.world.scenarios import Scenario

PLANTED = Path(__file__).parent / "planted"
FILES = sorted(file for file in PLANTED.glob("*.toml") if file.stem != "people")
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


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_planted_fault_is_found_and_its_mended_twin_is_not(file: Path) -> None:
    plan, rule = read(file), rule_of(file)
    assert rule in fired(lint(collection(plan["base"], plan["bad"])))
    assert rule not in fired(lint(collection(plan["base"], plan.get("good", {}))))


@pytest.mark.parametrize("file", BASES, ids=lambda file: file.stem)
def test_a_good_scenario_is_found_good(file: Path) -> None:
    assert lint(collection(file.stem, {})) == ()


def test_every_rule_has_a_planted_fault() -> None:
    assert len(FILES) >= 25
    assert {rule.name for rule in RULES} - {rule_of(file) for file in FILES} == {
        "same_meaning",  # needs an embedder
        "often_cast",  # need a whole library
        "never_cast",
        "stock_opening",
    }
