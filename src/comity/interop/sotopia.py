"""SOTOPIA's released profiles, and those of SOTOPIA-π, as comity's own records, with a report of all that did not fit.

This reads a folder and nothing else: it knows no store, and it changes no word of what it reads except where it says so.
Episodes are not its business.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from comity.interop.constraints import is_open, read_ages, read_occupations
from comity.interop.marks import Marked, read_marks
from comity.interop.profiles import (
    AGENTS,
    ENVIRONMENTS,
    RELATIONSHIPS,
    AgentRow,
    ComboRow,
    EnvironmentRow,
    ImportFailed,
    Reading,
    RelationshipRow,
    Remark,
    RemarkKind,
    combos_file,
)
from comity.interop.traits import read_big_five, read_moral_values, read_schwartz_values
from comity.world.characters import Character
from comity.world.collection import Collection
from comity.world.relationships import Relationship, RelationshipKind
from comity.world.scenarios import Scenario, Seat
from comity.world.tasks import Edge, Task

__all__ = ["ImportFailed", "Imported", "Remark", "RemarkKind", "read_sotopia"]


@dataclass(frozen=True, slots=True)
class Imported:
    """What was read, and what there is to say of it."""

    collection: Collection
    report: tuple[Remark, ...]


def read_sotopia(folder: Path) -> Imported:
    """Read the four files of a folder: characters, scenarios, relationships and tasks.

    Both layouts are understood, the release's (`env_agent_combo_storages.jsonl`) and SOTOPIA-π's (`env_agent_combos.jsonl`).
    A scenario's relationship governs its tasks; where the pair's own differs, the report says so. Raises `ImportFailed`
    with all that is wrong, and then nothing is imported.
    """
    combos = combos_file(folder)
    reading = Reading(folder, released=combos == "env_agent_combo_storages.jsonl")
    agents = reading.rows(AGENTS, AgentRow)
    environments = reading.rows(ENVIRONMENTS, EnvironmentRow)
    pairs = reading.rows(RELATIONSHIPS, RelationshipRow)
    casts = reading.rows(combos, ComboRow)
    reading.check()
    characters = {c.id: c for where, row in agents if (c := _character(reading, where, row))}
    scenarios = {s.id: s for where, row in environments if (s := _scenario(reading, where, row))}
    reading.check()
    relationships = [(where, r) for where, row in pairs if (r := _relationship(reading, where, row, characters))]
    known = _by_pair(reading, relationships)
    tasks = [t for where, row in casts if (t := _task(reading, where, row, scenarios, characters, known))]
    reading.check()
    collection = Collection(
        characters=tuple(characters.values()),
        relationships=tuple(relationship for _, relationship in relationships),
        scenarios=tuple(scenarios.values()),
        tasks=tuple(tasks),
    )
    return Imported(collection, tuple(reading.remarks))


def _character(reading: Reading, where: str, row: AgentRow) -> Character | None:
    big_five, odd_traits = read_big_five(row.big_five)
    moral, odd_morals = read_moral_values(row.moral_values)
    schwartz, odd_values = read_schwartz_values(row.schwartz_personal_values)
    for message in (*odd_traits, *odd_morals, *odd_values):
        reading.remark("trait", where, message)
    try:
        return Character(
            id=row.id,
            name=f"{row.first_name} {row.last_name}",
            age=row.age,
            gender=row.gender,
            pronouns=row.gender_pronoun,
            occupation=row.occupation,
            public_info=row.public_info.strip(),
            big_five=big_five,
            moral_values=moral,
            schwartz_values=schwartz,
            decision_style=row.decision_making_style.strip(),
            personality=row.personality_and_values.strip(),
            secret=row.secret.strip(),
            source=reading.source(row),
        )
    except ValidationError as error:
        reading.invalid(where, error)
        return None


_SEATS = ("agent_1", "agent_2")


def _scenario(reading: Reading, where: str, row: EnvironmentRow) -> Scenario | None:
    setting, *goals = [read_marks(text) for text in (row.scenario, *row.agent_goals)]
    _remark_on_marks(reading, where, dict(zip(("scenario", *_SEATS), (setting, *goals), strict=True)))
    if any(_BROKEN_VIEWER.search(words) for marked in (setting, *goals) for words in marked.words()):
        reading.problem(where, 'a viewer\'s mark is broken, and what it hides would be told; write <p viewer="...">')
        return None
    heard = _by_viewer(reading, where, [words for marked in (setting, *goals) for words in marked.viewers])
    if not is_open(row.agent_constraint):
        reading.remark("agent_constraint", where, "agent_constraint is not understood; left open")
    try:
        return Scenario(
            id=row.id,
            title=row.codename.replace("_", " "),
            setting=_public(reading, where, setting),
            seats=_seats(reading, where, row, goals, heard),
            family=row.origin,
            relationships=(_kind(row.relationship),),
            judge_note="\n".join(heard["environment"]),
            source=reading.source(row),
        )
    except ValidationError as error:
        reading.invalid(where, error)
        return None


_BROKEN_VIEWER = re.compile(r"<\s*[a-z][\w-]*\s[^<>]*\bviewer\s*=", re.IGNORECASE)
_AGENT_NAMED = re.compile(r"\bagent ?[12]\b", re.IGNORECASE)
_UNMARKED_LABEL = re.compile(r"\b(?:extra information|hint)\s*:", re.IGNORECASE)


def _kind(code: int) -> RelationshipKind:
    return tuple(RelationshipKind)[code]


def _remark_on_marks(reading: Reading, where: str, texts: Mapping[str, Marked]) -> None:
    for name, marked in texts.items():
        for oddity in marked.oddities:
            reading.remark(oddity.kind, where, f"{name}: {oddity.message}")
        if _UNMARKED_LABEL.search(marked.text):
            reading.remark(
                "unmarked_label", where, f"{name}: extra information or a hint without a mark; left where it is"
            )


def _by_viewer(reading: Reading, where: str, viewers: Sequence[tuple[str, str]]) -> Mapping[str, list[str]]:
    """Words by who may see them: a seat, or `environment`, which is the judge. Seats may be counted from 0 or from 1."""
    heard: dict[str, list[str]] = {"environment": [], **{seat: [] for seat in _SEATS}}
    first = 0 if any(viewer == "agent_0" for viewer, _ in viewers) else 1
    seats = {f"agent_{first + i}": seat for i, seat in enumerate(_SEATS)}
    for viewer, words in viewers:
        if viewer in seats:
            reading.remark(
                "viewer", where, f"words for viewer {viewer!r} are now extra information of seat {seats[viewer]!r}"
            )
        elif viewer != "environment":
            reading.remark(
                "viewer", where, f"words for viewer {viewer!r}, whom there is not, are told to the judge alone"
            )
        heard[seats.get(viewer, "environment")].append(words)
    return heard


def _public(reading: Reading, where: str, setting: Marked) -> str:
    marked = [words for words in (setting.extra_info, setting.clarification_hint, setting.strategy_hint) if words]
    if marked:
        reading.remark("mark_in_setting", where, "marks in the scenario's text belong to no seat; told to everyone")
    return "\n".join([setting.text.strip(), *marked])


def _seats(
    reading: Reading, where: str, row: EnvironmentRow, goals: Sequence[Marked], heard: Mapping[str, list[str]]
) -> tuple[Seat, ...]:
    ages, odd_ages = read_ages(row.age_constraint, len(_SEATS))
    occupations, odd_occupations = read_occupations(row.occupation_constraint, len(_SEATS))
    for message in odd_ages:
        reading.remark("ages", where, message)
    for message in odd_occupations:
        reading.remark("occupations", where, message)
    named = any(_AGENT_NAMED.search(text) for text in (row.scenario, *row.agent_goals))
    if named:
        reading.remark("role_given", where, "the text speaks of Agent1 and Agent2; these are now the seats' roles")
    return tuple(
        Seat(
            id=seat,
            role=f"Agent{number}" if named else "",
            ages=ages[number - 1],
            occupations=occupations[number - 1],
            **_aim(reading, where, seat, goal, heard[seat]),
        )
        for number, (seat, goal) in enumerate(zip(_SEATS, goals, strict=True), 1)
    )


def _aim(reading: Reading, where: str, seat: str, goal: Marked, heard: Sequence[str]) -> dict[str, str]:
    """The goal and what belongs to it. A seat without a goal of its own takes the first of the rest for its goal."""
    aim = {
        "goal": goal.text.strip(),
        "extra_info": "\n".join(filter(None, [goal.extra_info, *heard])),
        "clarification_hint": goal.clarification_hint,
        "strategy_hint": goal.strategy_hint,
    }
    if not re.search(r"\w", aim["goal"]):
        moved = next((name for name, words in aim.items() if name != "goal" and words), None)
        if moved:
            reading.remark("goal_moved", where, f"{seat}: no goal outside the marks; its {moved} is now its goal")
            aim |= {"goal": aim[moved], moved: ""}
    return aim


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
            background=row.background_story.strip(),
            source=reading.source(row),
        )
    except ValidationError as error:
        reading.invalid(where, error)
        return None


def _known(reading: Reading, where: str, ids: Mapping[str, str], there: Mapping[str, object], name: str) -> bool:
    dangling = {place: wanted for place, wanted in ids.items() if wanted not in there}
    for place, wanted in dangling.items():
        reading.problem(where, f"{place}: {wanted} is not in {name}; add it there, or remove the line")
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
        cast={seat: characters[agent] for seat, agent in zip(_SEATS, row.agent_ids, strict=True)},
        edges=(Edge(between=_SEATS, kind=kind, background=background),),
    )
    for violation in task.violations():
        reading.remark("cast", where, f"task {row.id}: {violation}")
    return task
