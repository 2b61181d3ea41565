"""What the mock server answers: an instance of whatever schema a request carries, drawn from its messages and seed alone, so that
the same question always has the same answer. It finds what it needs in the raw request and parses no prompt.
"""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["Draw", "Question", "read_question", "reply_text"]

_SEED = re.compile(rb'"seed"\s*:\s*(\d+)')
_MODEL = re.compile(rb'"model"\s*:\s*"([^"]*)"')
_STREAMED = re.compile(rb'"stream"\s*:\s*true')
_FORMAT = re.compile(rb'"response_format"\s*:\s*')
_KEPT_SCHEMAS = 4096

_WORDS = (
    "I could take {n} of them today, if the rest can wait until Monday.",
    "Let me be plain, {n} is more than I had in mind for this.",
    "That is fair, and I would still feel better with {n} written down.",
    "You said {n} before, so tell me what has changed since then.",
    "I would rather hear it from you than guess for {n} more days.",
    "Give me {n} minutes and I will think of something that suits us both.",
    "I can move on the price, but not below {n}.",
    "Then we agree on {n}, and on everything that comes with it.",
)


class Draw:
    """Numbers that follow from the first one; a linear congruential generator, cheap and good enough to vary words."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = (seed * 2654435761 + 97) & 0xFFFF_FFFF_FFFF_FFFF

    def below(self, bound: int) -> int:
        """The next integer in [0, bound)."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) & 0xFFFF_FFFF_FFFF_FFFF
        return (self._state >> 33) % bound

    def chance(self) -> float:
        """The next number in [0, 1)."""
        return self.below(1_000_000) / 1_000_000


class Question(NamedTuple):
    """What a request asks for."""

    model: str
    digest: int
    """Of the messages as they were sent and the seed, and of nothing else."""
    prompt_tokens: int
    streamed: bool
    schema_name: str
    """Empty where no schema was sent."""
    schema: Mapping[str, Any] | None


_schemas: dict[bytes, tuple[str, Mapping[str, Any] | None]] = {}


def read_question(body: bytes) -> Question:
    """Find the parts of a Chat Completions request. A JSON string's quotes are escaped, so a key is never found inside one."""
    form = body.rfind(b'"response_format"')
    name, schema = _schema(body[form:]) if form >= 0 else ("", None)
    start = body.find(b'"messages"')
    end = body.rfind(b'"}]', 0, form) if form > start else body.rfind(b'"}]')
    messages = body[start:end]
    at = body.find(b'"seed"')
    seed = _SEED.match(body, at) if at >= 0 else None
    at = body.find(b'"stream"')
    model = _MODEL.match(body, max(0, body.find(b'"model"')))
    return Question(
        model=model[1].decode() if model else "mock",
        digest=zlib.crc32(messages, int(seed[1]) & 0xFFFF_FFFF if seed else 0),
        prompt_tokens=len(messages) // 4,
        streamed=at >= 0 and _STREAMED.match(body, at) is not None,
        schema_name=name,
        schema=schema,
    )


def _schema(tail: bytes) -> tuple[str, Mapping[str, Any] | None]:
    """Name and body of the schema at the front of these bytes; each is parsed once, whatever seed stands behind it."""
    key = _SEED.sub(b"", tail)
    found = _schemas.get(key)
    if found is None:
        start = _FORMAT.match(tail)
        form, _ = json.JSONDecoder().raw_decode(tail[start.end() if start else 0 :].decode())
        described = form.get("json_schema", {})
        found = str(described.get("name", "")), described.get("schema")
        if len(_schemas) >= _KEPT_SCHEMAS:
            _schemas.clear()
        _schemas[key] = found
    return found


def reply_text(question: Question, *, leave: float = 0.0, out_of_range: bool = False) -> str:
    """The reply: words, or JSON for the schema.

    Args:
        leave: the share of replies that leave where the schema lets them.
        out_of_range: a score is one that no range holds.
    """
    draw = Draw(question.digest)
    if question.schema is None:
        return _words(draw)
    leaving = draw.chance() < leave
    found = _instance(question.schema, draw, leaving)
    if out_of_range:
        found = _overdone(found)
    return json.dumps(found, ensure_ascii=False)


def _instance(schema: Mapping[str, Any], draw: Draw, leaving: bool) -> Any:
    if "anyOf" in schema:
        return _instance(schema["anyOf"][-1 if leaving else 0], draw, leaving)
    if "enum" in schema:
        return _chosen(schema["enum"], draw, leaving)
    match schema.get("type"):
        case "object":
            return {key: _instance(part, draw, leaving) for key, part in schema["properties"].items()}
        case "array" if "prefixItems" in schema:
            return [_instance(part, draw, leaving) for part in schema["prefixItems"]]
        case "array":
            return [_instance(schema["items"], draw, leaving) for _ in range(schema.get("minItems", 0))]
        case "string":
            return _words(draw)
        case "boolean":
            return draw.below(2) == 0
        case _:
            return schema.get("minimum", 0)


def _chosen(choices: Sequence[Any], draw: Draw, leaving: bool) -> Any:
    """One of them; of action types mostly `speak`, never `none`, and `leave` only where it is wanted."""
    if leaving and "leave" in choices:
        return "leave"
    if "speak" in choices and draw.below(8):
        return "speak"
    rest = [choice for choice in choices if choice not in ("none", "leave")] or choices
    return rest[draw.below(len(rest))]


def _words(draw: Draw) -> str:
    return _WORDS[draw.below(len(_WORDS))].format(n=draw.below(900) + 100)


def _overdone(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: 99 if key == "score" else _overdone(value) for key, value in found.items()}
    return found
