"""Replies held to a schema: always JSON of it, compact, and a schema that cannot be held to is refused with the reason."""

import json
from pathlib import Path

import pytest
from models.in_process.small import engine_of, reply_to, tokenizer
from models.in_process.test_engine import MOVE, held, prompt, request

from comity.models.in_process.engine import Reply
from comity.models.in_process.grammar import Grammars
from comity.models.in_process.sampling import Way
from comity.models.protocol import BadRequest, Schema


def grammars() -> Grammars:
    return Grammars(tokenizer(), 512, [0])


def text_of(reply: Reply) -> str:
    return str(tokenizer().decode(list(reply.tokens)))


def taken(text: str, schema: Schema = MOVE) -> bool:
    """Whether a reply may be this."""
    matcher, ids = grammars().matcher(schema), tokenizer().encode(text)
    return matcher.try_consume_tokens(ids) == len(ids) and matcher.is_stopped()


def test_compact_json_and_json_with_a_blank_are_taken_and_endless_blanks_are_not() -> None:
    move = {"do": "accept", "books": 2, "say": "Deal."}
    assert taken(json.dumps(move, separators=(",", ":")))
    assert taken(json.dumps(move))
    assert not taken(json.dumps(move, indent=4))
    assert not taken(json.dumps(move).replace(" ", "  "))


@pytest.mark.parametrize(
    "move",
    [
        {"do": "leave", "books": 2, "say": ""},
        {"do": "accept", "books": 1.5, "say": ""},
        {"do": "accept", "say": "", "books": 1},
        {"do": "accept", "books": 1},
    ],
)
def test_what_breaks_the_schema_is_not_taken(move: dict[str, object]) -> None:
    assert not taken(json.dumps(move))


def test_hot_replies_of_a_random_model_satisfy_the_schema(tiny: Path) -> None:
    body = {**MOVE.body, "properties": {**MOVE.body["properties"], "say": {"type": "string", "maxLength": 12}}}
    engine, whole = engine_of(tiny), 0
    for seed in range(12):
        asked = held(tiny, request(prompt(12, seed), Way(1.5, seed=seed), 120), Schema("move", body))
        reply = reply_to(engine, asked)
        assert 0 not in reply.tokens
        if reply.finish_reason == "stop":
            said = json.loads(text_of(reply))
            assert set(said) == {"do", "books", "say"}
            whole += 1
    assert whole > 6


def test_a_reply_that_could_go_on_may_end_with_the_end_token(tiny: Path) -> None:
    reply = reply_to(engine_of(tiny), held(tiny, request(prompt(12), Way(3.0), 100), Schema("n", {"type": "integer"})))
    assert reply.finish_reason == "stop"
    assert isinstance(json.loads(text_of(reply)), int)


@pytest.mark.parametrize(
    ("body", "reason"),
    [({"type": "object", "unevaluatedProperties": False}, "unevaluatedProperties"), ({"type": "strings"}, "type")],
)
def test_a_schema_that_cannot_be_held_to_is_refused_with_the_reason(body: dict[str, object], reason: str) -> None:
    with pytest.raises(BadRequest, match=rf"the schema odd: .*{reason}"):
        grammars().matcher(Schema("odd", body))


def test_many_masks_at_once_are_those_of_one_at_a_time() -> None:
    made = grammars()
    matchers = [made.matcher(MOVE) for _ in range(12)]
    for at, matcher in enumerate(matchers):
        matcher.consume_tokens(tokenizer().encode('{"do":"accept","books":1,"say":"Deal."}')[:at])
    together = made.allowed(matchers)
    for at, matcher in enumerate(matchers):
        assert together[at].equal(made.allowed([matcher])[0])
    assert 0 < together.sum() < together.numel()
