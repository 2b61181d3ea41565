"""Negotiators in a run: partners in a plan's matrix as others are, but nobody is asked, and none of them judges."""

from pathlib import Path

import pytest
from run.runs import opened, results, start

from comity.library.loader import starter
from comity.models.protocol import ModelNotFound
from comity.run.plan import Plan, PlanError, load_plan
from comity.run.prepare import prepare

pytestmark = pytest.mark.anyio

PRICED = next(task for task in starter().tasks if task.scenario.payoff and task.scenario.payoff.kind == "price")
PLAIN = next(task.id for task in starter().tasks if task.scenario.payoff is None)
MATRIX = {
    "name": "test",
    "tasks": {"tasks": [PRICED.id]},
    "policies": {
        "demo": {"model": "scripted:demo"},
        "linear": {"model": "negotiator:linear"},
        "grim": {"model": "negotiator:held-out@1/grim"},
    },
    "evaluated": ["demo", "linear"],
    "partners": ["linear", "grim"],
    "repeats": 2,
}


def plan(**fields: object) -> Plan:
    return Plan.model_validate(MATRIX | fields)


async def test_they_meet_models_and_each_other_in_every_seat_and_are_recorded_by_style(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        started = await start(plan(), store)
        assert (started.progress.done, started.progress.failed) == (
            14,
            {},
        )  # of 16, two by two the same: linear with itself
        episodes = [store.episode(member.episode) for member in store.members("test")]
        assert {p.style for e in episodes for p in e.policies.values() if p.agent == "negotiator"} == {
            "linear@1",
            "held-out@1/grim@1",
        }
        assert all(
            not call
            for e in episodes
            for ev in e.events
            if e.policies[ev.seat].agent == "negotiator"
            for call in ev.trace.calls
        )
        seatings = {tuple(p.style or p.model for p in e.policies.values()) for e in episodes}
        assert len(seatings) == 7
        talks = [e for e in episodes if {p.agent for p in e.policies.values()} == {"negotiator"}]
        outcomes = [store.outcome(e.id) for e in talks]
        assert {each.status for each in outcomes if each} <= {"agreed", "no_deal"}
        assert len(outcomes) == len(talks) == 6


async def test_another_repeat_is_another_talk_and_the_same_run_the_same(tmp_path: Path) -> None:
    alone = plan(evaluated=["linear"], partners=["grim"])
    with opened(tmp_path, "one.db") as one, opened(tmp_path, "two.db") as two:
        await start(alone, one)
        await start(alone, two)
        assert results(one) == results(two)
        logs = [str(result.did) for result in results(one).values()]
        assert len(set(logs)) == len(logs) == 4


async def test_the_estimate_knows_that_nobody_is_asked(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        for wanted, calls in (
            (plan(evaluated=["linear"], partners=["grim"]), 0),
            (plan(evaluated=["demo"], partners=["grim"]), 24),
        ):
            prepared = prepare(wanted, store, Path())
            found = prepared.estimate()
            await prepared.aclose()
            assert (found.calls, found.episodes) == (calls, 4)
            assert found.cost == 0
            assert (found.prompt_tokens > 0) is (calls > 0)


async def test_an_episode_does_not_wait_for_a_server_on_their_account(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        served = {"demo": {"model": "http://127.0.0.1:9/v1#m"}, "linear": {"model": "negotiator:linear"}}
        prepared = prepare(plan(policies=served, evaluated=["demo"], partners=["linear"]), store, Path())
        players = prepared.players
        assert (players.endpoint("demo"), players.endpoint("linear")) == ("http://127.0.0.1:9/v1", "")
        assert players.models == ["http://127.0.0.1:9/v1#m"]
        await prepared.aclose()


async def test_a_judge_of_a_talk_between_negotiators_has_something_to_read(tmp_path: Path) -> None:
    judged = plan(evaluated=["linear"], partners=["grim"], judges=[{"model": "scripted:demo"}])
    with opened(tmp_path) as store:
        prepared = prepare(judged, store, Path())
        found = prepared.estimate()
        await prepared.aclose()
        assert found.calls == 8  # each seat of four episodes
        assert found.prompt_tokens / found.calls > 1_200 + 12 * 60 + 100


async def test_tasks_without_a_payoff_are_refused_before_anything_is_played(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        with pytest.raises(
            PlanError, match=r"policies.linear: scenario 'gas_bill' has no payoff.* \d+ of \d+ tasks; .*outcomes = true"
        ):
            prepare(plan(tasks={"scenarios": ["gas_bill", PRICED.scenario.id]}), store, Path())
        whole = prepare(plan(tasks={"outcomes": True}), store, Path())
        await whole.aclose()
        assert {job.task.scenario.payoff is None for job in whole.jobs} == {False}
        unused = prepare(plan(tasks={"scenarios": ["gas_bill"]}, evaluated=["demo"], partners=["demo"]), store, Path())
        await unused.aclose()


async def test_tasks_with_outcomes_alone_where_there_are_none_is_said(tmp_path: Path) -> None:
    with opened(tmp_path) as store, pytest.raises(PlanError, match="'store' holds no task with a payoff"):
        prepare(plan(tasks={"source": "store", "outcomes": True}), store, Path())


async def test_none_of_them_judges_and_an_unknown_one_is_named(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        with pytest.raises(ModelNotFound, match="negotiator:linear plays a seat and is no model: it can neither judge"):
            await start(plan(judges=[{"model": "negotiator:linear"}]), store)
        with pytest.raises(ModelNotFound, match="'negotiator:liner' names no negotiator"):
            prepare(
                plan(policies={"mine": {"model": "negotiator:liner"}}, evaluated=["mine"], partners=[]), store, Path()
            )


def test_a_negotiator_has_no_temperature(tmp_path: Path) -> None:
    file = tmp_path / "pilot.toml"
    file.write_text('[policies.mine]\nmodel = "negotiator:linear"\ntemperature = 0.5\nmax_tokens = 3\n')
    with pytest.raises(
        PlanError, match=r"policies.mine: a negotiator has none of max_tokens, temperature; its style says all"
    ):
        load_plan(str(file))


async def test_trivial_players_are_partners_as_negotiators_are(tmp_path: Path) -> None:
    policies = {way: {"model": f"trivial:{way}"} for way in ("accept", "random", "noisy")}
    with opened(tmp_path) as store:
        wanted = plan(policies=policies, evaluated=["accept", "random"], partners=["noisy"])
        started = await start(wanted, store)
        assert (started.progress.done, started.progress.failed) == (8, {})
        assert started.prepared.estimate().calls == 0
        with pytest.raises(PlanError, match="so trivial:accept cannot play in it"):
            prepare(
                plan(policies=policies, evaluated=["accept"], partners=["noisy"], tasks={"tasks": [PLAIN]}),
                store,
                Path(),
            )


async def test_free_and_constrained_replies_are_of_two_policies(tmp_path: Path) -> None:
    policies = {
        "held": {"model": "scripted:demo", "style": "compact"},
        "free": {"model": "scripted:demo", "style": "compact", "constrained": False},
    }
    with opened(tmp_path) as store:
        prepared = prepare(plan(policies=policies, evaluated=["held", "free"], partners=["held"]), store, Path())
        held, free = (prepared.players.policies[label] for label in ("held", "free"))
        await prepared.aclose()
    assert "constrained" not in held.sampling
    assert free.sampling == {**held.sampling, "constrained": False}
