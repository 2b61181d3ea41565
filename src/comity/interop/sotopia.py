"""SOTOPIA's released profiles, and those of SOTOPIA-π, as comity's own records, with a report of all that did not fit.

This reads a folder and nothing else: it knows no store, and it changes no word of what it reads except where it says so.
Writing them is in `comity.interop.sotopia_files`, episodes are in `comity.interop.episode_logs`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from comity.interop.constraints import is_open, read_ages, read_occupations
from comity.interop.profiles import (
    AGENTS,
    ENVIRONMENTS,
    RELATIONSHIPS,
    AgentRow,
    ComboRow,
    EnvironmentRow,
    Reading,
    RelationshipRow,
    combos_file,
)
from comity.interop.remarks import ImportFailed, Problem, Remark, RemarkKind
from comity.interop.texts import SEATS, Texts, read_texts
from comity.interop.traits import read_big_five, read_moral_values, read_schwartz_values
from comity.world.characters import Character
from comity.world.collection import Collection
from comity.world.relationships import Relationship, RelationshipKind
from comity.world.scenarios import Scenario, Seat
from comity.world.tasks import Edge, Task

__all__ = ["ImportFailed", "Imported", "Problem", "Remark", "RemarkKind", "read_sotopia"]


@dataclass(frozen=True, slots=True)
class Imported:
    """What was read, and what there is to say of it."""

    collection: Collection
    report: tuple[Remark, ...]
    problems: tuple[Problem, ...] = ()
    """The lines that were left out, and why; empty where everything was read."""


def read_sotopia(folder: Path, *, licence: str = "") -> Imported:
    """Read the four files of a folder: characters, scenarios, relationships and tasks.

    Both layouts are understood, the release's (`env_agent_combo_storages.jsonl`) and SOTOPIA-π's (`env_agent_combos.jsonl`).
    A scenario's relationship governs its tasks; where the pair's own differs, the report says so. A line that does not fit
    is left out and is one of the `problems`; so is a line that refers to one of those.

    Args:
        folder: where the files are.
        licence: the licence of all of it, as an SPDX expression, where the lines do not say or say it wrongly.

    Raises `ImportFailed` where the folder does not hold the four files.
    """
    combos = combos_file(folder)
    reading = Reading(folder=folder, released=combos == "env_agent_combo_storages.jsonl", licence=licence)
    agents, environments = reading.rows(AGENTS, AgentRow), reading.rows(ENVIRONMENTS, EnvironmentRow)
    pairs, casts = reading.rows(RELATIONSHIPS, RelationshipRow), reading.rows(combos, ComboRow)
    characters = {c.id: c for where, row in agents if (c := _character(reading, where, row))}
    scenarios = {s.id: s for where, row in environments if (s := _scenario(reading, where, row))}
    relationships = [(where, r) for where, row in pairs if (r := _relationship(reading, where, row, characters))]
    known = _by_pair(reading, relationships)
    tasks = [t for where, row in casts if (t := _task(reading, where, row, scenarios, characters, known))]
    collection = Collection(
        characters=tuple(characters.values()),
        relationships=tuple(relationship for _, relationship in relationships),
        scenarios=tuple(scenarios.values()),
        tasks=tuple(tasks),
    )
    return Imported(collection, tuple(reading.remarks), tuple(reading.problems))


def _character(reading: Reading, where: str, row: AgentRow) -> Character | None:
    big_five, odd_traits = read_big_five(row.big_five)
    moral, odd_morals = read_moral_values(row.moral_values)
    schwartz, odd_values = read_schwartz_values(row.schwartz_personal_values)
    reading.remark_all("trait", where, (*odd_traits, *odd_morals, *odd_values))
    try:
        return Character(
            id=row.id,
            name=f"{row.first_name} {row.last_name}",
            age=row.age,
            gender=row.gender,
            pronouns=row.gender_pronoun,
            occupation=row.occupation,
            public_info=row.public_info,
            big_five=big_five,
            moral_values=moral,
            schwartz_values=schwartz,
            decision_style=row.decision_making_style,
            personality=row.personality_and_values,
            secret=row.secret,
            **reading.provenance(row),
        )
    except ValidationError as error:
        reading.invalid(where, error)
        return None


def _scenario(reading: Reading, where: str, row: EnvironmentRow) -> Scenario | None:
    texts = read_texts(reading, where, row.scenario, row.agent_goals)
    if texts is None:
        return None
    if not is_open(row.agent_constraint):
        reading.remark("agent_constraint", where, "agent_constraint is not understood; left open")
    try:
        return Scenario(
            id=row.id,
            title=row.codename.replace("_", " "),
            setting=texts.setting,
            seats=_seats(reading, where, row, texts),
            family=row.origin,
            relationships=(_kind(row.relationship),),
            judge_note=texts.judge_note,
            **reading.provenance(row),
        )
    except ValidationError as error:
        reading.invalid(where, error)
        return None


def _kind(code: int) -> RelationshipKind:
    return tuple(RelationshipKind)[code]


def _seats(reading: Reading, where: str, row: EnvironmentRow, texts: Texts) -> tuple[Seat, ...]:
    ages, odd_ages = read_ages(row.age_constraint, len(SEATS))
    occupations, odd_occupations = read_occupations(row.occupation_constraint, len(SEATS))
    reading.remark_all("ages", where, odd_ages)
    reading.remark_all("occupations", where, odd_occupations)
    return tuple(
        Seat(id=seat, role=f"Agent{i + 1}" if texts.named else "", ages=ages[i], occupations=occupations[i], **aim)
        for i, (seat, aim) in enumerate(zip(SEATS, texts.aims, strict=True))
    )


def _relationship(
    reading: Reading, where: str, row: RelationshipRow, characters: Mapping[str, Character]
) -> Relationship | None:
    if not _known(reading, where, {"agent1_id": row.one, "agent2_id": row.other}, characters, AGENTS):
        return None
    try:
        return Relationship(
            id=row.id,
            between=(row.one, row.other),
            kind=_kind(row.relationship),
            background=row.background_story,
            **reading.provenance(row),
        )
    except ValidationError as error:
        reading.invalid(where, error)
        return None


def _known(reading: Reading, where: str, ids: Mapping[str, str], there: Mapping[str, object], name: str) -> bool:
    dangling = {place: wanted for place, wanted in ids.items() if wanted not in there}
    for place, wanted in dangling.items():
        reading.problem(where, f"{place}: {wanted} was not read from {name}; mend it there, or remove the line")
    return not dangling


_Pairs = Mapping[frozenset[str], Sequence[Relationship]]


def _by_pair(reading: Reading, relationships: Iterable[tuple[str, Relationship]]) -> _Pairs:
    """The relationships of each pair in the order of the file."""
    known: dict[frozenset[str], list[Relationship]] = {}
    for where, relationship in relationships:
        before = known.setdefault(frozenset(relationship.between), [])
        if before:
            kinds = ", ".join(dict.fromkeys(other.kind.value for other in before))
            reading.remark(
                "pair_repeated",
                where,
                f"{relationship.id} makes {' and '.join(relationship.between)} {relationship.kind.value}; an earlier line has "
                f"{kinds}. Both are kept, and the last counts as their own",
            )
        before.append(relationship)
    return known


def _task(
    reading: Reading,
    where: str,
    row: ComboRow,
    scenarios: Mapping[str, Scenario],
    characters: Mapping[str, Character],
    pairs: _Pairs,
) -> Task | None:
    agents = {f"agent_ids.{i}": agent for i, agent in enumerate(row.agent_ids)}
    found = _known(reading, where, {"env_id": row.env_id}, scenarios, ENVIRONMENTS)
    if not (_known(reading, where, agents, characters, AGENTS) and found):
        return None
    if len(set(row.agent_ids)) < len(row.agent_ids):
        reading.problem(where, f"agent_ids: {row.agent_ids[0]} cannot sit in two seats; name two characters")
        return None
    scenario = scenarios[row.env_id]
    own = pairs.get(frozenset(row.agent_ids), ())
    kind = scenario.relationships[0]
    if own and own[-1].kind is not kind:
        reading.remark(
            "relationship_differs",
            where,
            f"task {row.id}: the scenario's {kind.value} governs; {own[-1].id} says that "
            f"{' and '.join(row.agent_ids)} are {own[-1].kind.value}",
        )
    background = next((r.background for r in reversed(own) if r.kind is kind), "")
    task = Task(
        id=row.id,
        scenario=scenario,
        cast={seat: characters[agent] for seat, agent in zip(SEATS, row.agent_ids, strict=True)},
        edges=(Edge(between=SEATS, kind=kind, background=background),),
    )
    reading.remark_all("cast", where, (f"task {row.id}: {violation}" for violation in task.violations()))
    return task
