"""What a model is asked for a character."""

import json
from functools import cache
from typing import Literal

from pydantic import Field

from comity.generate.candidates import Draft
from comity.generate.ideas import Idea, Kind
from comity.generate.questions import Prose, Question, drawn, examples_for, line, object_of, prose, read_as, slug
from comity.library import starter
from comity.models.prompts import Block, Quoted, Template, load_template
from comity.models.protocol import Message, Schema
from comity.models.replies import UnusableReply
from comity.world.characters import BigFive, Character, Level, MoralValue, SchwartzValue
from comity.world.record import Name, Record

__all__ = ["CharacterQuestions"]

_AGES = (18, 90)
_MORALS, _VALUES = tuple(v.value for v in MoralValue), tuple(v.value for v in SchwartzValue)
_STYLES = ("directive", "analytical", "conceptual", "behavioral")
_NAME = r'^[A-Z][^ "\\\n0-9]{1,20}( [A-Z][^ "\\\n0-9]{1,20}){1,2}$'
"""What a small model is held to for a name."""
_LEVELS = ("low", "medium", "high")


class _Factors(Record):
    openness: Level
    conscientiousness: Level
    extraversion: Level
    agreeableness: Level
    neuroticism: Level


class _Reply(Record):
    name: Name
    age: int = Field(ge=_AGES[0], le=_AGES[1])
    gender: Name
    pronouns: Name
    occupation: Name
    public_info: Prose
    personality: Prose
    big_five: _Factors
    moral_values: tuple[MoralValue, ...] = Field(min_length=1, max_length=3)
    schwartz_values: tuple[SchwartzValue, ...] = Field(min_length=1, max_length=3)
    decision_style: Literal["directive", "analytical", "conceptual", "behavioral"]
    secret: Prose


class CharacterQuestions:
    """Asks for characters. `shown` and `brief` are as in `ScenarioQuestions`."""

    kind: Kind = "characters"

    def __init__(self, *, shown: int | None = None, brief: bool = False) -> None:
        self._shown, self._brief = examples_for(shown, brief=brief), brief

    @property
    def template(self) -> Template:
        """`prompts/character.toml`."""
        return load_template("comity.generate:character")

    def about(self, idea: Idea, seed: int) -> Question:
        """The question of an idea; see `Questions`."""
        candidate, t = idea.candidate(self.kind), self.template
        examples = drawn({who.id: who for who in starter().characters}, self._shown, "example", seed, candidate)
        told = [t.fill("example", number=n, reply=Block(_as_reply(who))) for n, who in enumerate(examples, 1)]
        shape = Block(t.fill("format"))
        asked = t.fill(
            "ask",
            examples=Block(t.fill("examples", shown=Block("\n".join(told)))) if told else "",
            idea=Quoted(idea.text),
            family=idea.family,
            format=shape,
        )
        system = t.fill("system", morals=", ".join(_MORALS), values=", ".join(_VALUES))
        return Question(
            messages=(Message("system", system), Message("user", asked)),
            schema=_schema(self._brief),
            read=lambda text: _read(text, candidate),
            reask=lambda problem: t.fill("reask", problem=problem, format=shape),
            examples=tuple(who.id for who in examples),
        )


@cache
def _schema(brief: bool) -> Schema:
    text, phrase = prose(brief=brief), prose(brief=brief, phrase=True)
    body = object_of(
        {
            "name": {"type": "string", "pattern": _NAME} if brief else phrase,
            "age": {"type": "integer", "minimum": _AGES[0], "maximum": _AGES[1]},
            "gender": phrase,
            "pronouns": phrase,
            "occupation": phrase,
            "public_info": text,
            "personality": text,
            "big_five": object_of({factor: {"type": "string", "enum": _LEVELS} for factor in BigFive.model_fields}),
            "moral_values": _some(_MORALS),
            "schwartz_values": _some(_VALUES),
            "decision_style": {"type": "string", "enum": _STYLES},
            "secret": text,
        }
    )
    return Schema("character", body)


def _some(words: tuple[str, ...]) -> dict[str, object]:
    return {"type": "array", "items": {"type": "string", "enum": words}, "minItems": 1, "maxItems": 3}


def _read(text: str, candidate: str) -> tuple[Draft, str]:
    reply, repaired = read_as(_Reply, text, big_five=_Factors)
    if len(reply.name.split()) < 2:
        raise UnusableReply(f"name: {reply.name!r} is one word; give a first name and a surname")
    told = reply.model_dump(mode="json")
    for values in ("moral_values", "schwartz_values"):
        told[values] = list(dict.fromkeys(told[values]))
    character = Character.model_validate({"id": slug(reply.name, f"character_{candidate}"), **told})
    return Draft(record=character), repaired


def _as_reply(who: Character) -> str:
    told = who.model_dump(mode="json", include=set(_Reply.model_fields))
    return line(json.dumps({name: told[name] for name in _Reply.model_fields}, ensure_ascii=False))
