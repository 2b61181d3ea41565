"""What a training plan names is looked for first, all of it; and dev is kept apart from what the test has."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from train.plans import POOL, plan_of, step

from comity.models.budget import Spent
from comity.run.plan import JudgePlan, PlanError, PolicyPlan
from comity.store import RunRecord, Spending, Store
from comity.train.plan import TrainPlan
from comity.train.playing import Playground
from comity.train.preflight import preflight
from comity.train.work import TrainError

RUBRIC = """id = "calm"
version = 1
[[dimensions]]
id = "CALM"
name = "Calm"
low = 0
high = 10
description = "{}"
"""
DEV = {"fresh": {"division": 3}, "worlds": {"division": ["allotment"]}}


def looked(plan: TrainPlan, folder: Path, split: str = "test") -> None:
    with Store.open(str(folder / "c.db")) as store:
        preflight(Playground(plan, store, folder), split)


def test_everything_that_is_missing_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    plan = plan_of(
        policy={"model": "hf:weights"},
        steps={"bc": step(fit={"preset": "sotopia-pi"})},
        test={
            "partners": POOL,
            "judge": "openai:gpt-4o",
            "qa": ["no.jsonl"],
            "refusals": "no.csv",
            "safety": False,
        },
    )
    with pytest.raises(PlanError) as found:
        looked(plan, tmp_path)
    lines = str(found.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "policy.model",
        "players and judges",
        "test.qa",
        "test.refusals",
        "fit",
    ]
    assert "OPENAI_API_KEY" in lines[1]
    assert "method qlora needs a GPU" in lines[4]


def test_what_no_stage_that_is_asked_for_needs_is_not_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    test = {"partners": {"other": {"model": "openai:gpt-4o"}}, "qa": ["no.jsonl"]}
    plan = plan_of(steps={"bc": step(fit={"preset": "sotopia-pi"})}, test=test)
    with Store.open(str(tmp_path / "c.db")) as store:
        ground = Playground(plan, store, tmp_path)
        preflight(ground, "test", ("tasks", "collect", "filter", "examples"))
        with pytest.raises(PlanError, match=r"^fit: method qlora needs a GPU[^\n]*$"):
            preflight(ground, "test", ("fit",))
        with pytest.raises(PlanError, match=r"OPENAI_API_KEY\ntest\.qa: "):
            preflight(ground, "test", ("evaluate",))


def test_a_whole_plan_passes(tmp_path: Path) -> None:
    looked(plan_of(), tmp_path)


def test_more_questions_than_there_are_is_said(tmp_path: Path) -> None:
    plan = plan_of(test={"partners": POOL, "qa": ["quiz"], "qa_count": 10**6})
    with pytest.raises(PlanError, match=r"^test\.qa_count: the part 'test' has \d+ questions"):
        looked(plan, tmp_path)


def test_nobody_tunes_against_the_partners_of_the_test(tmp_path: Path) -> None:
    tasks = {**plan_of().tasks.model_dump(mode="json", exclude_unset=True), "dev": DEV}
    with pytest.raises(PlanError, match=r"^tasks\.dev: the plan has no such tasks"):
        looked(plan_of(), tmp_path, "dev")
    with pytest.raises(PlanError, match=r"test\.dev_partners: who tunes against test\.partners has spent them"):
        looked(plan_of(tasks=tasks), tmp_path, "dev")
    mirror = {"mirror": {"model": "negotiator:tit-for-tat"}}
    looked(plan_of(tasks=tasks, test={"partners": POOL, "dev_partners": mirror}), tmp_path, "dev")


def test_weights_prompts_and_judges_are_what_settles_a_stage_and_not_where_they_lie(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "c.db")) as store:
        ground = Playground(plan_of(), store, tmp_path)
        players = plan_of().expert
        assert players is not None
        told = ground.settled(players.players)["players"]
        assert told["linear"]["prompt_hash"]  # type: ignore[index,call-overload]
        mine = {"bc": next(iter(players.players.values())).model_copy(update={"model": "adapter:here@aaa"})}
        there = {"bc": mine["bc"].model_copy(update={"model": "adapter:there@aaa"})}
        same = ground.settled(mine, weights="adapter:here@aaa", own="bc")
        assert same == ground.settled(there, weights="adapter:there@aaa", own="bc")
        assert same != ground.settled(mine, weights="adapter:here@bbb", own="bc")


def test_a_rubric_that_reads_otherwise_is_another(tmp_path: Path) -> None:
    judge = JudgePlan(model="scripted:demo", rubric="calm.toml")
    players = {"linear": PolicyPlan(model="negotiator:linear")}
    with Store.open(str(tmp_path / "c.db")) as store:
        ground = Playground(plan_of(), store, tmp_path)
        told = []
        for said in ("Stays calm.", "Stays calm whatever is said."):
            (tmp_path / "calm.toml").write_text(RUBRIC.format(said), "utf-8")
            told.append(ground.settled(players, judges=[judge]))
    assert told[0]["players"] == told[1]["players"]
    assert told[0]["judges"] != told[1]["judges"]


def test_one_budget_holds_for_all_runs_of_a_plan(tmp_path: Path) -> None:
    plan = plan_of(budget={"calls": 100})
    with Store.open(str(tmp_path / "c.db")) as store:
        ground = Playground(plan, store, tmp_path)
        for run, calls in (("small.weak", 60), ("small.er.weak", 1000), ("small.own", 30)):
            notes = (
                "Made by the training plan small." if run != "small.er.weak" else "Made by the training plan small.er."
            )
            store.begin_run(
                RunRecord(id=run, plan={"notes": notes}, created_at=datetime.now(UTC), code_version="x"), []
            )
            store.set_spending(run, "w", {"m": Spending(calls=calls)})
        assert ground.left_of_budget().calls == 10
        assert ground.left_of_budget("small.own").calls == 40
        ground.aside.append(Spent(calls=3))
        assert ground.left_of_budget().calls == 7
        store.set_spending("small.own", "w", {"m": Spending(calls=40)})
        with pytest.raises(
            TrainError,
            match=r"the plan's budget of calls is spent by its 2 runs and what is asked beside them; raise \[budget\]",
        ):
            ground.left_of_budget()
