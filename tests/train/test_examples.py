"""What is learned from an episode: one conversation a seat, weighed reply by reply, and only what may be."""

import json
from pathlib import Path
from typing import Any

import pytest
from interop.keeping import ACCEPT, CALL, CLAIM, PROPOSE, kept, say
from pydantic import ValidationError

from comity.agents.negotiators import HeldOutPartner, negotiator
from comity.agents.styles import style_named
from comity.interop.chat_examples import NoReplies, examples_of, turns_of
from comity.interop.kept import Kept
from comity.train.examples import (
    Example,
    ExamplesError,
    Said,
    Weights,
    example_of_text,
    examples_hash,
    examples_of_seat,
    read_examples,
    write_examples,
)
from comity.world.actions import Action, ActionType
from comity.world.episodes import Policy
from comity.world.events import Failure, Trace

STYLES = ("chat", "compact")


def learned(each: Kept, seat: str = "a", style: str = "chat", **weights: Any) -> Example:
    example = examples_of_seat(each, seat, style, weights=Weights(**weights))
    assert example is not None
    return example


@pytest.mark.parametrize("style", STYLES)
def test_a_seats_turns_make_one_conversation_with_a_weight_on_each_reply(style: str) -> None:
    each = kept(CLAIM, say("And to me."), PROPOSE, ACCEPT)
    example = learned(each, "a", style)
    roles = "".join(said.role[0] for said in example.messages)
    assert roles == "suaua"
    assert example.weights == (0, 0, 1, 0, 1)
    assert (example.learned, example.source.events) == (2, (0, 2))
    *_, last = (one for one in examples_of(each, style) if one["metadata"]["seat"] == "a")  # type: ignore[index]
    assert [said.model_dump() for said in example.messages] == last["messages"]


@pytest.mark.parametrize("style", STYLES)
def test_where_the_words_of_a_reply_stand_is_told_where_they_weigh_otherwise(style: str) -> None:
    each = kept(CLAIM, say('And "to" me.\nSo.'), PROPOSE, ACCEPT)
    assert learned(each, "b", style).spoken_at == ()
    example = learned(each, "b", style, words=0.2)
    places = [
        said.content[start:end]
        for said, (start, end) in zip(example.messages, example.spoken_at, strict=True)
        if said.role == "assistant"
    ]
    assert json.loads(places[0]) == 'And "to" me.\nSo.'
    assert all(
        start == end
        for said, (start, end) in zip(example.messages, example.spoken_at, strict=True)
        if said.role != "assistant"
    )


@pytest.mark.parametrize("style", STYLES)
def test_a_reply_that_is_learned_is_read_as_the_action_it_was(style: str) -> None:
    """In the seat's own prompt of that turn, by the style that a model of it would be asked in."""
    each = kept(CLAIM, say("And to me."), PROPOSE, ACCEPT)
    for turn in turns_of(each.episode, style_named(style)):
        example = learned(each, turn.event.seat, style)
        at = len(turn.prompt)
        assert example.spoken[:at] == tuple(turn.prompt)
        assert (example.spoken[at], example.weights[at]) == (turn.reply, 1.0)


def test_where_it_comes_from_stands_beside_it() -> None:
    source = learned(kept(PROPOSE, ACCEPT), "b").source
    assert (source.episode, source.seat, source.events) == ("e1", "b", (1,))
    assert (source.task, source.scenario, source.family) == ("hats-1", "hats", "negotiation")
    assert (source.origin, source.licence) == ("Comity", "Apache-2.0")
    assert source.style == style_named("chat").template.label
    assert source.prompt_hash == style_named("chat").template.hash


def test_accepting_counts_as_much_as_is_said() -> None:
    each = kept(CLAIM, say("And to me."), PROPOSE, ACCEPT)
    assert learned(each, "b", accept=3.0).weights == (0, 0, 1, 0, 3)
    assert learned(each, "a", accept=3.0).weights == (0, 0, 1, 0, 1)
    none = learned(each, "b", accept=0.0)
    assert (none.weights, none.source.events) == ((0, 0, 1, 0, 0), (1,))


def test_a_turn_that_was_asked_again_or_repaired_is_shown_and_not_learned() -> None:
    again = (CALL.model_copy(update={"outcome": "unusable"}), CALL.model_copy(update={"attempt": 2}))
    repaired = (CALL.model_copy(update={"outcome": "repaired"}),)
    for calls in (again, repaired):
        each = kept(CLAIM, say("And to me."), PROPOSE, ACCEPT)
        events = list(each.episode.events)
        events[0] = events[0].model_copy(update={"trace": Trace(calls=calls)})
        each = Kept(each.episode.model_copy(update={"events": tuple(events)}), None, ())
        assert learned(each).weights == (0, 0, 0, 0, 1)
        assert learned(each).source.events == (2,)
        assert learned(each, drop_malformed=False).weights == (0, 0, 1, 0, 1)


def test_what_nobody_chose_is_not_learned() -> None:
    """Neither a failure, which ends the conversation before it, nor a silence that an import put in."""
    failed = kept(CLAIM, say("No."), Failure(kind="unusable_reply", detail="no JSON"))
    assert learned(failed).weights == (0, 0, 1)
    assert examples_of_seat(kept(Failure(kind="unusable_reply", detail="no JSON")), "a", "chat") is None
    people = kept(say("Hi"), Action(type=ActionType.NONE), say("And?"), source="CaSiNo", licence="CC-BY-4.0")
    policies = dict.fromkeys(("a", "b"), Policy(agent="human"))
    people = Kept(people.episode.model_copy(update={"policies": policies}), None, ())
    assert learned(people).source.events == (0, 2)
    assert examples_of_seat(people, "b", "chat") is None


def test_nothing_is_learned_from_or_against_a_held_out_partner() -> None:
    of = kept(PROPOSE, ACCEPT)
    grim = negotiator("negotiator:held-out@1/grim").policy
    policies = {"a": Policy(agent="llm", model="m1"), "b": grim}
    held = Kept(of.episode.model_copy(update={"policies": policies}), of.outcome, ())
    for seat in ("a", "b"):
        with pytest.raises(HeldOutPartner, match="held out for evaluation"):
            examples_of_seat(held, seat, "chat")


def test_a_style_without_replies_is_refused() -> None:
    with pytest.raises(NoReplies, match="the style transcript@"):
        examples_of_seat(kept(PROPOSE, ACCEPT), "a", "transcript")


def test_an_episode_that_does_not_follow_the_rules_is_refused() -> None:
    fine = kept(PROPOSE, ACCEPT)
    jumped = Kept(fine.episode.model_copy(update={"events": fine.episode.events[1:]}), None, ())
    with pytest.raises(ValueError, match="turn 1 is for a, not b"):
        examples_of_seat(jumped, "b", "chat")


@pytest.mark.parametrize("style", STYLES)
def test_it_holds_nothing_that_is_the_others_alone(style: str) -> None:
    each = kept(CLAIM, say("And to me."), PROPOSE, ACCEPT)
    mine = learned(each, "a", style).model_dump_json()
    assert "Take hats" in mine
    assert "Keep hats" not in mine
    theirs = learned(each, "b", style).model_dump_json()
    assert "Keep hats" in theirs
    assert "Take hats" not in theirs
    assert "Cold head" not in theirs


def test_a_file_of_examples_is_read_as_it_was_written(tmp_path: Path) -> None:
    examples = (
        learned(kept(PROPOSE, ACCEPT)),
        example_of_text("2 + 2 = 4 \u2028 🎩", origin="quiz", licence="CC0-1.0"),
    )
    path = tmp_path / "train.jsonl"
    assert write_examples(examples, path) == 2
    assert read_examples(path) == examples
    first = json.loads(path.read_bytes().split(b"\n")[0])
    assert first["messages"][0]["role"] == "system"
    assert first["weights"] == [0.0, 0.0, 1.0]
    assert examples_hash(read_examples(path)) == examples_hash(examples) != examples_hash(examples[:1])
    assert write_examples((), path) == 0
    assert read_examples(path) == ()


def test_a_file_that_holds_something_else_is_named_with_line_and_field(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    write_examples([example_of_text("a")], path)
    with path.open("a") as file:
        file.write('{"text": "b", "sources": {}}\n')
    with pytest.raises(ExamplesError, match=r"train\.jsonl: line 2: sources: "):
        read_examples(path)
    with pytest.raises(ExamplesError, match="cannot be read"):
        read_examples(tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "a conversation or a text"),
        ({"text": "a", "messages": (Said(role="user", content="b"),), "weights": (0,)}, "not both"),
        ({"messages": (Said(role="user", content="b"),)}, "1 messages have 0 weights"),
        ({"messages": (Said(role="user", content="b"),), "weights": (1,)}, "only a reply has one above 0"),
        ({"messages": (Said(role="assistant", content="b"),), "weights": (-1,)}, "is -1"),
        ({"messages": (Said(role="assistant", content="b"),), "weights": (float("nan"),)}, "is nan"),
    ],
)
def test_what_is_no_example_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Example.model_validate(fields)
