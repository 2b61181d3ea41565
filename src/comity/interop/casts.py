"""The task that an episode from elsewhere was a playing of: a known one where it is the same, else one made of what its row tells."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from pydantic import ValidationError

from comity.interop.contexts import NOT_STATED, UNKNOWN, Context, background, context, kind_shown, read_background
from comity.interop.remarks import Report
from comity.interop.texts import SEATS, Texts, read_texts
from comity.world.characters import Character
from comity.world.collection import Collection
from comity.world.relationships import RelationshipKind
from comity.world.scenarios import Scenario, Seat
from comity.world.tasks import Edge, Task
from comity.world.visibility import Mode

__all__ = ["Known", "Told", "task_of"]


@dataclass(frozen=True, slots=True)
class Told:
    """What a row tells of its scenario and cast, by participant in their order."""

    scenario: str
    goals: tuple[str, str]
    names: tuple[str, str]
    backgrounds: tuple[str, str]
    title: str = ""
    scenario_id: str = ""
    agent_ids: tuple[str, str] | tuple[()] = ()
    contexts: tuple[Context, ...] = ()
    """What each agent was told at the start, where the row has it and it could be read."""
    openings: tuple[str, ...] = ()
    """The same as it was worded, where it is all the row tells of scenario and cast: then goals have lost their marks."""
    source: str = ""
    licence: str = ""

    @property
    def mode(self) -> Mode:
        """`omniscient` where each was told the other's goal."""
        shown = [seen.goals[1 - i] != UNKNOWN for i, seen in enumerate(self.contexts)]
        return "omniscient" if shown and all(shown) else "asymmetric"


@dataclass(frozen=True)
class Known:
    """What was imported before, to be found by what a row tells."""

    collection: Collection

    @cached_property
    def characters(self) -> Mapping[str, Character]:
        """By id."""
        return {character.id: character for character in self.collection.characters}

    @cached_property
    def scenarios(self) -> Mapping[str, Scenario]:
        """By id."""
        return {scenario.id: scenario for scenario in self.collection.scenarios}

    @cached_property
    def tasks(self) -> Mapping[tuple[str, ...], Task]:
        """By the ids of scenario and cast."""
        return {_names(task.scenario, task.cast): task for task in self.collection.tasks}

    def opened(self, told: Told) -> Task | None:
        """The task of these ids, where its agents would be told what those of the row were."""
        scenario = self.scenarios.get(told.scenario_id)
        people = [self.characters.get(agent) for agent in told.agent_ids]
        if scenario is None or len(scenario.seats) != len(SEATS) or None in people:
            return None
        cast = {seat.id: character for seat, character in zip(scenario.seats, people, strict=True) if character}
        task = self.tasks.get(_names(scenario, cast)) or _task(scenario, cast, next(iter(scenario.relationships), None))
        worded = tuple(context(task, seat.id, told.mode) for seat in scenario.seats)
        return task if worded == told.openings else None

    def person(self, name: str, told: str) -> Character | None:
        """The character of this name with this background."""
        return next((c for c in self.characters.values() if c.name == name and background(c) == told), None)

    def setting(self, title: str, texts: Texts) -> Scenario | None:
        """The scenario of this title with these texts."""
        return next((s for s in self.scenarios.values() if s.title == title and texts.are_those_of(s)), None)


def task_of(report: Report, where: str, told: Told, known: Known) -> Task | None:
    """The task that a row tells of, or `None` where it cannot be had, which is a problem."""
    if told.openings and (same := known.opened(told)):
        return same
    texts = read_texts(report, where, told.scenario, told.goals)
    if texts is None:
        return None
    try:
        scenario = _scenario(report, where, told, texts, known)
        people = [_character(report, where, told, i, known) for i in range(len(SEATS))]
        cast = dict(zip(SEATS, people, strict=True))
        before = known.tasks.get(_names(scenario, cast))
        if before is not None and (before.scenario, before.cast) == (scenario, cast):
            return before
        return _task(scenario, cast, _kind(report, where, told, scenario))
    except ValidationError as error:
        report.invalid(where, error)
        return None


def _task(scenario: Scenario, cast: Mapping[str, Character], kind: RelationshipKind | None) -> Task:
    one, other = (seat.id for seat in scenario.seats)
    edges = (Edge(between=(one, other), kind=kind),) if kind is not None else ()
    return Task(id=".".join(_names(scenario, cast)), scenario=scenario, cast=cast, edges=edges)


def _names(scenario: Scenario, cast: Mapping[str, Character]) -> tuple[str, ...]:
    return (scenario.id, *(cast[seat.id].id for seat in scenario.seats))


def _scenario(report: Report, where: str, told: Told, texts: Texts, known: Known) -> Scenario:
    title = told.title.replace("_", " ")
    before = known.scenarios.get(told.scenario_id) if told.scenario_id else known.setting(title, texts)
    if before is not None and len(before.seats) == len(SEATS) and texts.are_those_of(before):
        return before
    if before is not None:
        report.remark(
            "scenario_differs", where, f"the texts are not those of {before.id} in the store; the episode keeps its own"
        )
    kept = before.model_dump(exclude={"seats"}) if before is not None else {}
    return Scenario.model_validate(
        {
            "id": told.scenario_id or _made_id(title, told.scenario, *told.goals),
            "title": title or told.scenario_id,
            "source": told.source,
            "licence": told.licence,
            **kept,
            "setting": texts.setting,
            "judge_note": texts.judge_note,
            "seats": tuple(Seat(id=seat, **aim) for seat, aim in zip(SEATS, texts.aims, strict=True)),
        }
    )


def _character(report: Report, where: str, told: Told, i: int, known: Known) -> Character:
    name, words = told.names[i], told.backgrounds[i]
    before = known.characters.get(told.agent_ids[i]) if told.agent_ids else known.person(name, words)
    if before is not None and background(before) == words:
        return before
    kept = before.model_dump() if before is not None else {"source": told.source, "licence": told.licence}
    fields = read_background(words, name)
    if before is not None:
        report.remark(
            "character_differs",
            where,
            f"the background of {before.id} is not that in the store; the episode keeps its own",
        )
    unstated = {**dict.fromkeys(("gender", "pronouns", "occupation"), NOT_STATED), "age": None, "public_info": words}
    id_ = told.agent_ids[i] if told.agent_ids else _made_id(name, words)
    return Character.model_validate({"id": id_, **kept, "name": name, **(fields or unstated)})


def _kind(report: Report, where: str, told: Told, scenario: Scenario) -> RelationshipKind | None:
    """How the two stand: as the scenario says, else as what they were told of each other shows."""
    if scenario.relationships:
        return scenario.relationships[0]
    if told.contexts and told.mode == "asymmetric":
        kind = kind_shown(told.contexts[0].backgrounds[1], told.names[1])
        if kind is RelationshipKind.FRIEND:
            report.remark(
                "relationship_unknown", where, "friends, couples and families are told the same; taken as friends"
            )
        return kind
    report.remark(
        "relationship_unknown", where, "the row does not tell how the two stand to each other; taken as strangers"
    )
    return None


def _made_id(name: str, *words: str) -> str:
    """An id made of the content, for a row that gives none."""
    slug = "".join(c if c.isascii() and c.isalnum() else "_" for c in name.lower()).strip("_")[:60]
    return f"{slug or 'row'}-{hashlib.sha256(chr(0).join(words).encode()).hexdigest()[:8]}"
