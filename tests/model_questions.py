"""Questions to a model, and pairs of them that differ in one thing that can change the answer. For tests of what counts as the same."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from hypothesis import strategies as st
from pydantic import JsonValue

from comity.models.cache import reply_key
from comity.models.protocol import Message, Sampling, Schema

__all__ = ["CHANGES", "Question", "pairs", "questions"]

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Question:
    """All that can change an answer."""

    messages: tuple[Message, ...]
    schema: Schema | None
    sampling: Sampling
    model: str
    endpoint: str
    repeat: int

    @property
    def key(self) -> bytes:
        """Its key."""
        return reply_key(
            self.messages,
            schema=self.schema,
            sampling=self.sampling,
            model=self.model,
            endpoint=self.endpoint,
            repeat=self.repeat,
        )

    def again(self) -> "Question":
        """The same, made anew from what it is made of."""
        schema = self.schema and Schema(self.schema.name, dict(self.schema.body))
        sampling = Sampling.model_validate_json(self.sampling.model_dump_json())
        return replace(self, messages=tuple(Message(*m) for m in self.messages), schema=schema, sampling=sampling)

    def sampled(self, **fields: object) -> "Question":
        """The same with other sampling."""
        return replace(self, sampling=self.sampling.model_copy(update=fields))


_roles: st.SearchStrategy[Role] = st.sampled_from(("system", "user", "assistant"))
_texts = st.text(st.sampled_from('ab "\\\n\r,:0{}[]é\u2028😀'), max_size=4)
_scalars: st.SearchStrategy[JsonValue] = st.sampled_from(
    [None, True, False, 0, 1, -1, 0.0, 1.0, 0.5, "", "0", "1", "None"]
)
_json: st.SearchStrategy[JsonValue] = (
    _scalars | st.lists(_scalars, max_size=2) | st.dictionaries(_texts, _scalars, max_size=2) | _texts
)
_objects = st.dictionaries(_texts, _json, max_size=2)
_schemas = st.builds(Schema, _texts, _objects)
_messages = st.builds(Message, _roles, _texts)
_samplings = st.builds(
    Sampling,
    temperature=st.sampled_from([None, 0.0, 0.5, 1.0]),
    top_p=st.sampled_from([None, 0.5, 1.0]),
    max_tokens=st.sampled_from([None, 1, 2]),
    seed=st.sampled_from([None, 0, 1]),
    extra=_objects,
    constrained=st.booleans(),
)
questions = st.builds(
    Question,
    messages=st.lists(_messages, min_size=1, max_size=3).map(tuple),
    schema=st.none() | _schemas,
    sampling=_samplings,
    model=_texts,
    endpoint=_texts,
    repeat=st.integers(0, 3),
)

Pair = tuple[Question, Question]


@st.composite
def pairs(draw: st.DrawFn, change: str) -> Pair:
    """Two questions that differ in this one thing; see `CHANGES`."""
    return CHANGES[change](draw, draw(questions))


def _two(draw: st.DrawFn, strategy: st.SearchStrategy[Any]) -> tuple[Any, Any]:
    """Two values that are not the same: 1, 1.0 and true are three."""
    one = draw(strategy)
    return one, draw(strategy.filter(lambda other: repr(other) != repr(one)))


def _field(name: str, strategy: st.SearchStrategy[Any]) -> Callable[[Any, Question], Pair]:
    def change(draw: st.DrawFn, asked: Question) -> Pair:
        one, other = _two(draw, strategy)
        return replace(asked, **{name: one}), replace(asked, **{name: other})

    return change


def _sampling(name: str) -> Callable[[Any, Question], Pair]:
    def change(draw: st.DrawFn, asked: Question) -> Pair:
        one, other = _two(draw, _samplings.map(lambda sampling: dict(sampling)[name]))
        return asked.sampled(**{name: one}), asked.sampled(**{name: other})

    return change


def _inside_extra(draw: st.DrawFn, asked: Question) -> Pair:
    one, other = _two(draw, _json)
    for _ in range(draw(st.integers(1, 4))):
        one, other = {"in": [one]}, {"in": [other]}
    return asked.sampled(extra=one), asked.sampled(extra=other)


def _inside_schema(draw: st.DrawFn, asked: Question) -> Pair:
    one, other = _two(draw, _json)
    body = {"type": "object", "properties": {"argument": {"enum": [one]}}}
    changed = {"type": "object", "properties": {"argument": {"enum": [other]}}}
    return replace(asked, schema=Schema("s", body)), replace(asked, schema=Schema("s", changed))


def _schema_name(draw: st.DrawFn, asked: Question) -> Pair:
    (one, other), body = _two(draw, _texts), draw(_objects)
    return replace(asked, schema=Schema(one, body)), replace(asked, schema=Schema(other, body))


def _message(part: str, strategy: st.SearchStrategy[Any]) -> Callable[[Any, Question], Pair]:
    def change(draw: st.DrawFn, asked: Question) -> Pair:
        (one, other), at = _two(draw, strategy), draw(st.integers(0, len(asked.messages) - 1))
        before, it, after = asked.messages[:at], asked.messages[at], asked.messages[at + 1 :]
        first, second = ((*before, it._replace(**{part: value}), *after) for value in (one, other))
        return replace(asked, messages=first), replace(asked, messages=second)

    return change


def _cut(draw: st.DrawFn, asked: Question) -> Pair:
    """The same words, cut elsewhere into two messages."""
    role, words = draw(_roles), draw(_texts.filter(bool))
    one, other = _two(draw, st.integers(0, len(words)))
    first, second = ((Message(role, words[:at]), Message(role, words[at:])) for at in (one, other))
    return replace(asked, messages=asked.messages + first), replace(asked, messages=asked.messages + second)


def _one_more(draw: st.DrawFn, asked: Question) -> Pair:
    at = draw(st.integers(0, len(asked.messages)))
    return asked, replace(asked, messages=(*asked.messages[:at], draw(_messages), *asked.messages[at:]))


CHANGES: dict[str, Callable[[Any, Question], Pair]] = {
    "role": _message("role", _roles),
    "content": _message("content", _texts),
    "where a message ends": _cut,
    "one message more": _one_more,
    "schema": _field("schema", st.none() | _schemas),
    "schema name": _schema_name,
    "inside schema": _inside_schema,
    "model": _field("model", _texts),
    "endpoint": _field("endpoint", _texts),
    "repeat": _field("repeat", st.integers(0, 99)),
    "inside extra": _inside_extra,
    **{f"sampling {name}": _sampling(name) for name in Sampling.model_fields},
}
"""By what changes. A field that sampling gets later is among them; the test of it fails until its values are drawn here."""
