"""What all questions to a model have in common, of whatever kind: a prompt, a schema for the reply, and how a reply becomes a draft."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol, TypeVar

from pydantic import BaseModel, StringConstraints, ValidationError

from comity.generate.candidates import Draft
from comity.generate.ideas import Idea, Kind
from comity.library.problems import problems_of
from comity.models.prompts import Template, inert
from comity.models.protocol import Message, Schema
from comity.models.replies import UnusableReply, read_object
from comity.models.sentences import SENTENCES
from comity.world.record import derive_seed

__all__ = [
    "EXAMPLES",
    "Prose",
    "Question",
    "Questions",
    "drawn",
    "examples_for",
    "line",
    "object_of",
    "prose",
    "read_as",
    "slug",
]

Prose = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
"""A text that a reply must hold."""

EXAMPLES = 3
"""So many records of the shipped library a prompt shows, unless said otherwise."""
_PHRASE = r'^[^"\\\n*_#<>{}\[\].!?]{2,60}$'
_SAID = 4
"""So many problems of one reply are told to its model."""

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Question:
    """One candidate's question."""

    messages: Sequence[Message]
    schema: Schema
    read: Callable[[str], tuple[Draft, str]]
    """From a reply to a draft and what had to be repaired. Raises `UnusableReply`."""
    reask: Callable[[str], str]
    examples: tuple[str, ...]
    """The records that were shown, by id."""
    people: tuple[str, ...] = ()
    """The characters to choose from, by id."""


class Questions(Protocol):
    """The questions of one kind."""

    @property
    def kind(self) -> Kind:
        """What is asked for."""
        ...

    @property
    def template(self) -> Template:
        """Its prompt."""
        ...

    def about(self, idea: Idea, seed: int) -> Question:
        """The question of an idea. It depends on the seed, the idea and the library, and on nothing else."""
        ...


def examples_for(shown: int | None, *, brief: bool) -> int:
    """How many examples are shown. A small model copies what it is shown: unless said otherwise it gets none."""
    return (0 if brief else EXAMPLES) if shown is None else shown


def drawn(things: Mapping[str, T], count: int, *parts: str | int) -> list[T]:
    """So many of them, each as likely as any other, by hash."""
    order = sorted(things, key=lambda id_: (derive_seed(*parts, id_), id_))
    return [things[id_] for id_ in order[:count]]


def read_as(shape: type[T], text: str, **inner: type[BaseModel]) -> tuple[T, str]:
    """The object in a reply, checked against a record. Raises `UnusableReply` with what is wrong, field by field."""
    found, repaired = read_object(text)
    try:
        return shape.model_validate(found), repaired
    except ValidationError as error:
        problems = problems_of(error, "", found, {"": shape, **inner})
    said = [f"{problem.field}: {problem.reason}" for problem in problems]
    more = f"; and {len(said) - _SAID} more" if len(said) > _SAID else ""
    raise UnusableReply("; ".join(said[:_SAID]) + more)


def slug(text: str, otherwise: str) -> str:
    """An id of a name: its letters and digits without accents, in small letters; another where nothing is left."""
    plain = (
        unicodedata.normalize("NFKD", text.replace("'", "").replace("\u2019", "")).encode("ascii", "ignore").decode()
    )
    return re.sub(r"[^a-z0-9]+", "_", plain.lower())[:60].strip("_") or otherwise


def line(text: str) -> str:
    """A text as one line of a prompt that holds no control token, such as an example's JSON."""
    return inert(" ".join(text.split("\n")))


def object_of(properties: Mapping[str, object]) -> dict[str, object]:
    """The schema of an object with all of these and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def prose(*, brief: bool, phrase: bool = False, begins: str = "") -> dict[str, object]:
    """The schema of a text. A small model, which may go on and on, is held to two sentences, or to a phrase, and to a first word."""
    if not brief:
        return {"type": "string"}
    pattern = _PHRASE if phrase else SENTENCES
    return {"type": "string", "pattern": f"^{begins} {pattern[1:]}" if begins else pattern}
