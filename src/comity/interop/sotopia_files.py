"""Comity's characters, relationships, scenarios and tasks as SOTOPIA's profile files, in the layout of the release or of SOTOPIA-π.

Every row is made from typed fields alone. What SOTOPIA's form has no place for is reported; a record that cannot be said
in it at all is left out and is a problem. Which released values come out otherwise than they were is in `docs/interop.md`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from comity.interop.constraints import write_ages, write_occupations
from comity.interop.kept import json_line, made, written_whole
from comity.interop.licences import origins_of, together
from comity.interop.profiles import AGENTS, COMBOS, ENVIRONMENTS, RELATIONSHIPS
from comity.interop.remarks import Problem, Remark, Report
from comity.interop.texts import write_goal, write_setting
from comity.interop.traits import write_big_five, write_moral_values, write_schwartz_values
from comity.world.characters import Character
from comity.world.collection import Collection
from comity.world.relationships import Relationship, RelationshipKind
from comity.world.scenarios import Scenario
from comity.world.tasks import Task

__all__ = ["Exported", "Layout", "write_sotopia"]

Layout = Literal["release", "pi"]
"""`release`: `agent_id`, `env_id`, ..., codes as text. `pi`: `pk`, codes as numbers, as SOTOPIA-π's dump has them."""

_Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and what there is to say of it."""

    counts: Mapping[str, int]
    report: tuple[Remark, ...]
    problems: tuple[Problem, ...]
    """What was left out, and why; empty where everything was written."""


def write_sotopia(collection: Collection, folder: Path, layout: Layout = "release") -> Exported:
    """Write a collection as the four files of SOTOPIA's form. The folder is made; files of these names are replaced.

    Every row has, beside SOTOPIA's own fields, its `licence` and, in `_source`, where it comes from. Raises `ExportFailed`.
    """
    report = Report()
    scenarios = [scenario for scenario in collection.scenarios if _fits(report, scenario)]
    fitting = {scenario.id for scenario in scenarios}
    tasks = [task for task in collection.tasks if task.scenario.id in fitting]
    standing = _standing(report, scenarios, tasks)
    files = {
        AGENTS: [_agent_row(character, layout) for character in collection.characters],
        ENVIRONMENTS: [
            _environment_row(scenario, kind, id_, layout)
            for scenario in scenarios
            for kind, id_ in standing[scenario.id].items()
        ],
        RELATIONSHIPS: [_relationship_row(relationship, layout) for relationship in collection.relationships],
        COMBOS[layout == "pi"]: [_combo_row(task, standing[task.scenario.id][_kind(task)], layout) for task in tasks],
    }
    made(folder)
    for name, rows in files.items():
        if unknown := sum(not row["licence"] for row in rows):
            report.remark("licence_unknown", name, f"the licence of {unknown:,} lines is not known")
        with written_whole(folder / name) as file:
            file.writelines(map(json_line, rows))
    _remark_on_lost(report, scenarios)
    counts = dict(zip(("characters", "scenarios", "relationships", "tasks"), map(len, files.values()), strict=True))
    return Exported(counts, tuple(report.remarks), tuple(report.problems))


def _fits(report: Report, scenario: Scenario) -> bool:
    if len(scenario.seats) != 2:
        message = f"it has {len(scenario.seats)} seats, and SOTOPIA's form has two goals; its tasks are left out too"
        report.problem(f"scenario {scenario.id}", message)
    return len(scenario.seats) == 2


def _standing(
    report: Report, scenarios: Iterable[Scenario], tasks: Iterable[Task]
) -> Mapping[str, Mapping[RelationshipKind, str]]:
    """For each scenario, how those it is cast with stand to each other, and the id it is written under for these casts.

    In SOTOPIA's form a scenario has one relationship for all its casts, so one with several is written several times.
    """
    kinds: dict[str, dict[RelationshipKind, None]] = {}
    for task in tasks:
        kinds.setdefault(task.scenario.id, {})[_kind(task)] = None
    standing: dict[str, Mapping[RelationshipKind, str]] = {}
    for scenario in scenarios:
        found = kinds.get(scenario.id) or dict.fromkeys(scenario.relationships[:1] or (RelationshipKind.STRANGER,))
        several = len(found) > 1
        standing[scenario.id] = {kind: f"{scenario.id}.{kind.value}" if several else scenario.id for kind in found}
        if several:
            named = ", ".join(standing[scenario.id].values())
            report.remark(
                "scenario_repeated", f"scenario {scenario.id}", f"written once for each relationship: {named}"
            )
    return standing


def _kind(task: Task) -> RelationshipKind:
    one, other = (seat.id for seat in task.scenario.seats)
    return task.edge(one, other).kind


def _agent_row(character: Character, layout: Layout) -> _Row:
    first, _, last = character.name.partition(" ")
    return {
        _key(layout, "agent_id"): character.id,
        "first_name": first,
        "last_name": last,
        **({} if character.age is None else {"age": character.age}),
        "occupation": character.occupation,
        "gender": character.gender,
        "gender_pronoun": character.pronouns,
        "public_info": character.public_info,
        "big_five": write_big_five(character.big_five),
        "moral_values": _values(layout, write_moral_values(character.moral_values)),
        "schwartz_personal_values": _values(layout, write_schwartz_values(character.schwartz_values)),
        "personality_and_values": character.personality,
        "decision_making_style": character.decision_style,
        "secret": character.secret,
        **({"model_id": "nan"} if layout == "pi" else {}),
        **_provenance(character.source, character.licence),
    }


def _environment_row(scenario: Scenario, kind: RelationshipKind, id_: str, layout: Layout) -> _Row:
    return {
        _key(layout, "env_id"): id_,
        "codename": scenario.title.replace(" ", "_"),
        "source": scenario.family,
        "scenario": write_setting(scenario),
        "agent_goals": [write_goal(seat) for seat in scenario.seats],
        "relationship": _code(layout, kind),
        "age_constraint": write_ages([seat.ages for seat in scenario.seats]),
        "occupation_constraint": write_occupations([seat.occupations for seat in scenario.seats]),
        "agent_constraint": None if layout == "pi" else "none",
        **_provenance(scenario.source, scenario.licence),
    }


def _relationship_row(relationship: Relationship, layout: Layout) -> _Row:
    first, second = ("agent_1_id", "agent_2_id") if layout == "pi" else ("agent1_id", "agent2_id")
    return {
        _key(layout, "relationship_id"): relationship.id,
        first: relationship.between[0],
        second: relationship.between[1],
        "relationship": _code(layout, relationship.kind),
        "background_story": relationship.background,
        **_provenance(relationship.source, relationship.licence),
    }


def _combo_row(task: Task, env_id: str, layout: Layout) -> _Row:
    return {
        _key(layout, "combo_id"): task.id,
        "env_id": env_id,
        "agent_ids": [task.cast[seat.id].id for seat in task.scenario.seats],
        **_provenance(
            task.scenario.source,
            together([task.scenario.licence, *(character.licence for character in task.cast.values())]),
        ),
    }


def _key(layout: Layout, name: str) -> str:
    return "pk" if layout == "pi" else name


def _code(layout: Layout, kind: RelationshipKind) -> str | int:
    code = list(RelationshipKind).index(kind)
    return code if layout == "pi" else str(code)


def _values(layout: Layout, values: list[str]) -> list[str]:
    """SOTOPIA-π's dump has what Python prints of the list, cut at its commas."""
    return str(values).split(",") if layout == "pi" else values


def _provenance(source: str, licence: str) -> _Row:
    return {"_source": origins_of(source), "licence": licence}


def _remark_on_lost(report: Report, scenarios: Iterable[Scenario]) -> None:
    plain = {name: Scenario.model_fields[name].default for name in _UNSAID}
    lost = Counter(
        name
        for scenario in scenarios
        for name, value in scenario.model_dump(include=_UNSAID).items()
        if value != plain[name]
    )
    for name, count in sorted(lost.items()):
        report.remark("field_dropped", ENVIRONMENTS, f"{name}: SOTOPIA's form has no place for it; {count:,} scenarios")


_UNSAID = {"turn_limit", "turn_order", "actions", "private_messages", "payoff"}
