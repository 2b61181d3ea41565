"""What a model is asked for a scenario. It writes prose alone: seats, goals and reasons, no rules and no points, so that what it
makes is judged and never scored by moves.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from pydantic import Field

from comity.generate.candidates import Draft
from comity.generate.ideas import Idea, Kind
from comity.generate.questions import Prose, Question, drawn, examples_for, line, object_of, prose, read_as, slug
from comity.library import starter
from comity.library.sets import tasks_of
from comity.models.prompts import Block, Quoted, Template, load_template
from comity.models.protocol import Message, Schema
from comity.models.replies import UnusableReply
from comity.world.record import Name, Record
from comity.world.relationships import RelationshipKind
from comity.world.scenarios import Scenario, Seat

__all__ = ["ScenarioQuestions"]

_SEATS = (2, 5)
_YOU = re.compile(r"\byou(?:r|rs|rself)?\b", re.IGNORECASE)
_KINDS = tuple(kind.value for kind in RelationshipKind)


class _Seat(Record):
    seat: Prose
    role: Prose
    goal: Prose
    extra_info: Prose


class _Reply(Record):
    conflict: Prose
    way_out: Prose
    title: Name
    setting: Prose
    seats: tuple[_Seat, ...] = Field(min_length=_SEATS[0], max_length=_SEATS[1])
    relationships: tuple[RelationshipKind, ...]


class _Example(Record):
    id: str
    family: str
    reply: _Reply


class ScenarioQuestions:
    """Asks for scenarios.

    Args:
        shown: how many scenarios of the shipped library a prompt shows; three unless given, or none where `brief`.
        brief: hold each text to two sentences, for small models that may go on and on.
    """

    kind: Kind = "scenarios"

    def __init__(self, *, shown: int | None = None, brief: bool = False) -> None:
        self._shown, self._brief = examples_for(shown, brief=brief), brief

    @property
    def template(self) -> Template:
        """`prompts/scenario.toml`."""
        return load_template("comity.generate:scenario")

    def about(self, idea: Idea, seed: int) -> Question:
        """The question of an idea; see `Questions`."""
        candidate, t = idea.candidate(self.kind), self.template
        examples = drawn(_examples(), self._shown, "example", seed, candidate)
        told = [
            t.fill("example", number=number, family=each.family, reply=Block(_as_reply(each)))
            for number, each in enumerate(examples, 1)
        ]
        shape = Block(t.fill("format"))
        asked = t.fill(
            "ask",
            examples=Block(t.fill("examples", shown=Block("\n".join(told)))) if told else "",
            idea=Quoted(idea.text),
            family=idea.family,
            format=shape,
        )
        return Question(
            messages=(Message("system", t.fill("system", kinds=", ".join(_KINDS))), Message("user", asked)),
            schema=_schema(self._brief),
            read=lambda text: _read(text, idea, candidate),
            reask=lambda problem: t.fill("reask", problem=problem, format=shape),
            examples=tuple(each.id for each in examples),
        )


@cache
def _schema(brief: bool) -> Schema:
    text, phrase = prose(brief=brief), prose(brief=brief, phrase=True)
    told = prose(brief=brief, begins="You")
    seat = object_of({"seat": phrase, "role": phrase, "goal": text, "extra_info": told})
    most = _SEATS[0] if brief else _SEATS[1]  # a small model would say the same of each further seat
    kinds = {"type": "array", "items": {"type": "string", "enum": _KINDS}, "maxItems": len(_KINDS)}
    body = object_of(
        {
            "conflict": text,
            "way_out": text,
            "title": phrase,
            "setting": text,
            "seats": {"type": "array", "items": seat, "minItems": _SEATS[0], "maxItems": most},
            "relationships": kinds,
        }
    )
    return Schema("scenario", body)


def _read(text: str, idea: Idea, candidate: str) -> tuple[Draft, str]:
    reply, repaired = read_as(_Reply, text, seats=_Seat)
    kinds = tuple(kind for kind in RelationshipKind if kind in reply.relationships)
    scenario = Scenario(
        id=slug(reply.title, f"scenario_{candidate}"),
        title=reply.title,
        setting=reply.setting,
        seats=tuple(
            Seat(id=id_, role=each.role, goal=each.goal, extra_info=each.extra_info)
            for id_, each in _seated(reply.seats).items()
        ),
        family=idea.family,
        relationships=() if len(kinds) == len(RelationshipKind) else kinds,
        private_messages=len(reply.seats) > 2,
    )
    return Draft(record=scenario, notes={"Conflict": reply.conflict, "Way out": reply.way_out}), repaired


def _seated(seats: tuple[_Seat, ...]) -> dict[str, _Seat]:
    """The seats by their ids. Raises `UnusableReply` where two could not be told apart, or what one is told is not said to them."""
    found: dict[str, _Seat] = {}
    for number, each in enumerate(seats, 1):
        if not _YOU.search(each.extra_info):
            raise UnusableReply(f"seats.#{number}.extra_info: speaks to nobody; tell it to this person alone, as 'you'")
        id_ = slug(each.seat, f"seat{number}")[:24].strip("_")
        roles = [other.role.casefold() for other in found.values()]
        if id_ in found or each.role.casefold() in roles:
            raise UnusableReply(
                f"seats: two are {each.role!r}, or called {each.seat!r}; each needs a name and a role of its own"
            )
        found[id_] = each
    return found


@cache
def _examples() -> Mapping[str, _Example]:
    """The scenarios of the shipped library that are written as a model is to write: without a payoff, with their conflict and way
    out noted, and none that is kept for tests, which whoever learns from generated ones must not have seen.
    """
    kept = {task.scenario.id for task in tasks_of("test")}
    usable = (each for each in starter().scenarios if each.payoff is None and each.id not in kept)
    return {each.id: example for each in usable if (example := _example(each))}


def _example(scenario: Scenario) -> _Example | None:
    text = files("comity.library").joinpath("data", "scenarios", f"{scenario.id}.toml").read_text("utf-8")
    noted = dict(re.findall(r"^# (Conflict|Way out): (.+)$", text, re.MULTILINE))
    if len(noted) < 2:
        return None
    seats = tuple(_Seat(seat=s.id, role=s.role, goal=s.goal, extra_info=s.extra_info) for s in scenario.seats)
    reply = _Reply(
        conflict=noted["Conflict"],
        way_out=noted["Way out"],
        title=scenario.title,
        setting=scenario.setting,
        seats=seats,
        relationships=scenario.relationships,
    )
    return _Example(id=scenario.id, family=scenario.family, reply=reply)


def _as_reply(example: _Example) -> str:
    return line(json.dumps(example.reply.model_dump(mode="json"), ensure_ascii=False))
