"""Negotiators on the command line: named where a model can be named for a seat, gone on with by their record, and refused as judges."""

from pathlib import Path

import pytest

from cli.command import Comity
from comity.agents.llm import LLMAgent
from comity.agents.negotiators import named_styles
from comity.cli.choose import Models
from comity.library.loader import starter
from comity.models.protocol import Sampling
from comity.models.scripted import scripted
from comity.store import Store

SALE = next(task for task in starter().tasks if task.scenario.payoff and task.scenario.payoff.kind == "price")
SCENARIO = SALE.scenario.id


def test_two_of_them_play_an_episode_with_no_model(comity: Comity) -> None:
    models = "negotiator:linear,negotiator:held-out@1/splitter"
    record = comity("simulate", SCENARIO, "--models", models, "--seed", "4", "--json").ok().json
    assert [policy["style"] for policy in record["policies"].values()] == [
        "linear@1",
        "held-out@1/splitter@1",
    ]
    again = comity("simulate", SCENARIO, "--models", models, "--seed", "4", "--json").ok().json
    assert [e["action"] for e in again["events"]] == [e["action"] for e in record["events"]]
    assert "negotiator" not in comity("simulate", SCENARIO, "--models", "negotiator:firm").ok().out.split("Kept in")[0]


def test_one_plays_against_a_person(comity: Comity) -> None:
    record = comity("play", SCENARIO, "--models", "negotiator:conceder", "--json", stdin="Hello.\n/leave Bye.\n").json
    agents = sorted(policy["agent"] for policy in record["policies"].values())
    assert agents == ["human", "negotiator"]


def test_an_episode_goes_on_by_its_record_alone(comity: Comity) -> None:
    whole = comity("simulate", SCENARIO, "--models", "negotiator:linear,negotiator:boulware", "--json").ok().json
    with Store.open("comity.db") as store:
        kept = store.episode(whole["id"])
        begun = kept.model_copy(update={"id": "begun", "events": (), "end": None, "finished_at": None})
        store.begin(begun)
        store.append("begun", kept.events[:3])
    on = comity("simulate", "--continue", "begun", "--json").ok().json
    assert [e["action"] for e in on["events"]] == [e["action"] for e in whole["events"]]


@pytest.mark.parametrize("command", ["simulate", "play"])
def test_a_scenario_without_a_payoff_is_refused_and_nothing_is_kept(comity: Comity, command: str) -> None:
    said = comity(command, "gas_bill", "--models", "negotiator:linear").complaint(code=2)
    assert (
        "scenario 'gas_bill' has no payoff, so negotiator:linear cannot play in it; choose a scenario with one"
        in " ".join(said.split())
    )
    assert comity("list", "--json").ok().json == []


def test_an_unknown_one_is_refused_with_those_that_there_are(comity: Comity) -> None:
    said = comity("simulate", SCENARIO, "--models", "negotiator:liner").complaint()
    assert all(spec in said for spec in named_styles())
    forms = comity("simulate", SCENARIO, "--models", "nonsense").complaint()
    assert "negotiator:STYLE" in forms


def test_it_judges_nothing(comity: Comity) -> None:
    said = comity("simulate", SCENARIO, "--models", "negotiator:linear", "--judge", "negotiator:linear").complaint()
    assert "negotiator:linear plays a seat and is no model: it can neither judge nor be asked" in said


def test_what_it_has_none_of_is_refused_where_nobody_else_could_have_it(comity: Comity) -> None:
    said = comity("simulate", SCENARIO, "--models", "negotiator:linear", "--temperature", "0.5").complaint(code=2)
    assert "neither a negotiator nor a trivial player takes a style, temperature or tokens of yours" in " ".join(
        said.split()
    )
    mixed = "negotiator:linear,scripted:demo"
    comity("simulate", SCENARIO, "--models", mixed, "--temperature", "0.5", "--json").ok()


def test_a_run_says_who_they_are(comity: Comity, folder: object) -> None:
    plan = f'[tasks]\ntasks = ["{SALE.id}"]\n[policies.hard]\nmodel = "negotiator:boulware"\n'
    Path("pilot.toml").write_text(plan)
    said = comity("run", "pilot.toml", "--dry-run").ok().out
    assert "hard: negotiator boulware@1 (evaluated and partner)" in said
    assert "0 calls" in said


def test_trivial_players_are_named_taken_up_again_and_refused_alike(comity: Comity) -> None:
    models = "trivial:noisy,trivial:random"
    whole = comity("simulate", SCENARIO, "--models", models, "--seed", "4", "--json").ok().json
    assert [policy["style"] for policy in whole["policies"].values()] == ["noisy@1", "random@1"]
    with Store.open("comity.db") as store:
        kept = store.episode(whole["id"])
        store.begin(kept.model_copy(update={"id": "begun", "events": (), "end": None, "finished_at": None}))
        store.append("begun", kept.events[:2])
    on = comity("simulate", "--continue", "begun", "--json").ok().json
    assert [e["action"] for e in on["events"]] == [e["action"] for e in whole["events"]]
    assert "trivial:WAY" in comity("simulate", SCENARIO, "--models", "nonsense").complaint()
    assert "there are: trivial:accept" in comity("simulate", SCENARIO, "--models", "trivial:acept").complaint()
    assert (
        "trivial:noisy plays a seat"
        in comity("simulate", SCENARIO, "--models", models, "--judge", "trivial:noisy").complaint()
    )


def test_free_replies_are_asked_for_again_where_an_episode_goes_on() -> None:
    free = LLMAgent(scripted("demo"), style="compact", sampling=Sampling(constrained=False, max_tokens=96))
    again = Models().agent_again(free.policy)
    assert again.policy == free.policy
