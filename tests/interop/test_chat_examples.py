"""Training examples: what is in them and beside them. That they hold what their seat saw and no more is in `tests/privacy`."""

import gc
import json
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comity.agents.negotiators import negotiator
from comity.interop.chat_examples import examples_of, write_chat_examples
from comity.interop.kept import Kept
from comity.interop.remarks import Report
from comity.world.actions import Action, ActionType
from comity.world.environment import Environment
from comity.world.episodes import Policy
from comity.world.events import Failure
from comity.world.outcomes import OUTCOME_VERSION
from comity.world.scenarios import TurnOrder
from interop.keeping import ACCEPT, CLAIM, PROPOSE, card, kept, say, task


def examples(each: Kept) -> list[dict[str, Any]]:
    return [json.loads(json.dumps(example)) for example in examples_of(each)]


def test_every_action_is_learnt_once_after_all_that_its_seat_saw_before() -> None:
    found = examples(kept(CLAIM, say("And to me."), PROPOSE, ACCEPT))
    assert [example["metadata"]["seat"] for example in found] == ["a", "b", "a", "b"]
    roles = [[message["role"][0] for message in example["messages"]] for example in found]
    assert ["".join(each) for each in roles] == ["sua", "sua", "suaua", "suaua"]
    assert found[2]["messages"][:3] == found[0]["messages"]
    assert json.loads(found[2]["messages"][-1]["content"]) == {
        "action_type": "speak",
        "argument": "I take two.",
        "move": {"kind": "propose", "terms": {"hat": 2}},
    }


def test_beside_an_example_stand_the_seats_own_numbers_and_the_licence() -> None:
    cards = (card("c1", 1, 2, model="older"), card("c2", 7, None))
    first, second = (example["metadata"] for example in examples(kept(PROPOSE, ACCEPT, cards=cards)))
    assert {
        name: first[name] for name in ("episode", "event", "turn", "action", "move", "tag", "family", "payoff")
    } == {
        "episode": "e1",
        "event": 0,
        "turn": 1,
        "action": "speak",
        "move": "propose",
        "tag": "pilot",
        "family": "negotiation",
        "payoff": "division",
    }
    assert first["outcome"] == {
        "status": "agreed",
        "version": OUTCOME_VERSION,
        "utility": 6,
        "surplus": 6 / 7,
        "efficiency": 7 / 9,
        "pareto_efficient": True,
    }
    assert second["outcome"]["utility"] == 1
    assert first["scores"] == {
        "judge": "m2",
        "judge_style": None,
        "judge_prompt_hash": None,
        "rubric": "sotopia@1",
        "rubric_hash": cards[1].rubric_hash,
        "by_dimension": {"GOAL": 7, "BEL": 5},
        "overall": 6.0,
    }
    assert second["scores"]["by_dimension"] == {"GOAL": None, "BEL": 5}
    assert (first["licence"], first["source"], first["end"]) == ("Apache-2.0", "Comity", "settled")
    assert (first["policy"]["model"], second["policy"]["agent"]) == ("m1", "human")


def test_a_failure_makes_no_example_and_what_came_before_does() -> None:
    failed = kept(PROPOSE, Failure(kind="unusable_reply", detail="no JSON"))
    (only,) = examples(failed)
    assert (only["metadata"]["seat"], only["metadata"]["outcome"]["status"]) == ("a", "failed")


def test_an_episode_that_is_not_over_and_not_judged_says_so() -> None:
    metadata = examples(kept(PROPOSE))[0]["metadata"]
    assert (metadata["end"], metadata["outcome"], metadata["scores"]) == (None, None, None)


def test_doing_nothing_is_an_action_too() -> None:
    (only,) = examples(kept(Action(type=ActionType.NONE)))
    assert json.loads(only["messages"][-1]["content"])["action_type"] == "none"


def test_an_episode_that_does_not_follow_the_rules_is_reported_and_the_rest_is_written(tmp_path: Path) -> None:
    fine, report = kept(PROPOSE, ACCEPT), Report()
    jumped = fine.episode.model_copy(update={"id": "e2", "events": fine.episode.events[1:]})
    path = tmp_path / "chat.jsonl"
    written = write_chat_examples([Kept(jumped, None, ()), fine], path, report)
    (problem,) = report.problems
    assert problem.where == "episode e2"
    assert "do not follow the rules of this version" in problem.message
    assert written.rows == {"episodes": 1, "examples": 2}
    assert len(path.read_text().splitlines()) == 2


def test_one_episode_is_held_at_a_time(tmp_path: Path) -> None:
    alive: list[weakref.ref[Kept]] = []

    def stream() -> Iterator[Kept]:
        for number in range(20):
            gc.collect()
            assert sum(each() is not None for each in alive) <= 1
            of = kept(PROPOSE, ACCEPT, id_=f"e{number}")
            one = Watched(of.episode, of.outcome, of.cards)
            alive.append(weakref.ref(one))
            yield one
            del one

    assert write_chat_examples(stream(), tmp_path / "chat.jsonl", Report()).rows["episodes"] == 20


class Watched(Kept):
    """One that a weak reference can be had of: it has no slots."""


def between(first: Policy, second: Policy, *did: Action | Failure, id_: str = "e1") -> Kept:
    """An episode of these two."""
    of = kept(*did, id_=id_)
    return Kept(of.episode.model_copy(update={"policies": {"a": first, "b": second}}), of.outcome, of.cards)


MODEL = Policy(agent="llm", model="m1", style="chat@2")
LINEAR, GRIM = (negotiator(f"negotiator:{name}").policy for name in ("linear", "held-out@1/grim"))


@pytest.mark.parametrize("pair", [(MODEL, GRIM), (GRIM, MODEL), (GRIM, GRIM), (LINEAR, GRIM)])
def test_neither_what_a_held_out_partner_did_nor_what_was_played_against_it_is_learnt(
    tmp_path: Path, pair: tuple[Policy, Policy]
) -> None:
    path = tmp_path / "chat.jsonl"
    wanted = [between(*pair, CLAIM, say("No."), PROPOSE, ACCEPT), between(MODEL, LINEAR, PROPOSE, ACCEPT, id_="e2")]
    written = write_chat_examples(wanted, path, Report())
    assert written.rows == {"episodes": 1, "examples": 2, "held out": 4}
    assert sum(written.licences.values()) == 1
    assert [json.loads(line)["metadata"]["episode"] for line in path.read_text().splitlines()] == ["e2", "e2"]


def test_a_partner_of_a_pool_of_another_version_is_held_out_too(tmp_path: Path) -> None:
    newer = Policy(agent="negotiator", style="held-out@2/somebody@1")
    written = write_chat_examples([between(MODEL, newer, PROPOSE)], tmp_path / "chat.jsonl", Report())
    assert written.rows == {"held out": 1}


def test_for_analysis_they_are_written_where_that_is_asked_for_and_can_be_told_by_their_policies(
    tmp_path: Path,
) -> None:
    path = tmp_path / "chat.jsonl"
    written = write_chat_examples([between(MODEL, GRIM, PROPOSE, ACCEPT)], path, Report(), held_out=True)
    assert written.rows == {"episodes": 1, "examples": 2}
    mine, theirs = (json.loads(line)["metadata"] for line in path.read_text().splitlines())
    assert mine["partners"] == {"b": {"agent": "negotiator", "model": None, "adapter": None, "style": GRIM.style}}
    assert (theirs["policy"], theirs["partners"]) == (mine["partners"]["b"], {"a": mine["policy"]})


PASS = Action(type=ActionType.NONE)


def learnt(each: Kept) -> list[tuple[str, str]]:
    return [(example["metadata"]["seat"], example["metadata"]["action"]) for example in examples(each)]


def test_what_people_of_a_corpus_did_not_write_is_not_learnt(tmp_path: Path) -> None:
    did = (say("Hi"), PASS, say("And?"), say("Hello"))
    people = kept(*did, source="CaSiNo", licence="CC-BY-4.0")
    policies = dict.fromkeys(("a", "b"), Policy(agent="human"))
    people = Kept(people.episode.model_copy(update={"policies": policies}), people.outcome, ())
    assert learnt(people) == [("a", "speak"), ("a", "speak"), ("b", "speak")]
    written = write_chat_examples([people], tmp_path / "chat.jsonl", Report())
    assert written.rows == {"episodes": 1, "examples": 3, "turns left out": 1}
    assert len((tmp_path / "chat.jsonl").read_text().splitlines()) == 3


def test_a_silence_that_was_chosen_is_learnt() -> None:
    """By a person who played here, and by an agent of SOTOPIA whose turn it was."""
    assert learnt(kept(say("Hi"), PASS)) == [("a", "speak"), ("b", "none")]
    assert learnt(kept(PASS, say("Hi"), source="SOTOPIA")) == [("a", "none"), ("b", "speak")]


def test_an_imported_agent_whose_turn_it_was_not_did_not_choose_silence() -> None:
    of = task().model_copy(
        update={"scenario": task().scenario.model_copy(update={"turn_order": TurnOrder.SIMULTANEOUS, "payoff": None})}
    )
    state = Environment().reset(of, seed=0)
    for did in ({"a": say("Hi"), "b": PASS}, {"a": PASS, "b": PASS}, {"a": say("So?"), "b": say("What?")}):
        state = Environment().step(state, did)
    model = Policy(agent="SOTOPIA", model="m1")
    before = kept(say("Hi"), source="SOTOPIA", licence="MIT").episode
    changes = {"task": of, "events": state.events, "policies": {"a": model, "b": model}}
    assert learnt(Kept(before.model_copy(update=changes), None, ())) == [
        *(("a", "speak"), ("b", "none"), ("a", "speak"), ("b", "speak"))
    ]
