"""The whole loop with a model of a few thousand parameters: every stage, its record, and what happens when it is done again or stopped.

What the policies come to means nothing at this size; that it is the same each time, and where it came from, is what is tested.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from train.plans import plan_of, step

from comity.agents.compact import CompactStyle
from comity.interop.kept import Kept
from comity.run.plan import Plan, PolicyPlan
from comity.run.prepare import prepare
from comity.store import Store
from comity.train.cards import card_of, write_cards
from comity.train.collect import collected_in
from comity.train.filter import NothingKept, filter_collected, kept_seats
from comity.train.loop import Trained, train
from comity.train.plan import FilterPlan, TrainPlan
from comity.train.record import learned_from, record_of, write_record
from comity.train.reward import RewardPlan
from comity.train.work import Done, TrainError, Work, mark_of

PLAN = plan_of(
    collect={"repeats": 1},
    steps={"sr": step("self", rule="sr"), "bc": step(), "bcsr": step("self", "bc", "sr", rounds=2)},
    limits={"turns": 4},
)


class Bench:
    """A folder and a store of their own, and what was said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []

    def train(self, plan: TrainPlan = PLAN, **work: object) -> Trained:
        with Store.open(str(self.folder / "c.db")) as store:
            return train(plan, Work(self.folder / "w", note=self.said.append, **work), store, self.folder)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, Trained]:
    bench = Bench(tmp_path_factory.mktemp("loop"))
    return bench, bench.train()


def test_every_policy_is_made_and_evaluated_in_every_setting(done: tuple[Bench, Trained]) -> None:
    _, trained = done
    assert [(each.name, each.seed) for each in trained.lineages] == [(name, 0) for name in ("base", "sr", "bc", "bcsr")]
    stages = trained.lineage("bcsr", 0).stages
    assert [stage.folder.parent.name for stage in stages] == ["collect", "filter", "examples", "fit"] * 2
    assert trained.lineage("bcsr", 0).begin == trained.lineage("bc", 0).model != trained.lineage("base", 0).model
    for each in trained.evaluated:
        assert list(each.games) == ["pool/schema", "pool/free", "self/schema", "self/free"]
        assert [len(of.result["rows"]) for of in each.games.values()] == [4, 4, 8, 8]  # type: ignore[arg-type]


def test_the_record_leads_from_each_policy_to_events_rewards_and_decisions(done: tuple[Bench, Trained]) -> None:
    bench, trained = done
    told, path = write_record(trained, bench.folder)
    record = json.loads(json.dumps(told))
    assert path == bench.folder / "record.json"
    assert json.loads(path.read_text()) == record
    assert {"sr_minus_base", "bc_minus_base", "bc_minus_sr", "bcsr_minus_bc", "bcsr_minus_base"} < set(
        record["differences"]
    )
    assert record["differences"]["bc_minus_base"]["self/schema"]["reward"]["pairs"] == 8
    assert {stage["code_version"] for stage in record["policies"]["bc"]["0"]["stages"]} == {record["code_version"]}
    told = record["policies"]["bc"]["0"]
    assert told["model"].startswith("adapter:")
    assert told["begins_from"] == record["policies"]["base"]["0"]["model"]
    assert str(bench.folder) not in json.dumps(record)
    columns = told["learned_from_columns"]
    with Store.open(str(bench.folder / "c.db")) as store:
        for row in told["learned_from"]:
            learned = dict(zip(columns, row, strict=True))
            kept = Kept(store.episode(learned["episode"]), store.outcome(learned["episode"]), ())
            done_by = {event.index for event in kept.episode.events if event.seat == learned["seat"] and event.action}
            assert set(learned["events"]) <= done_by
            assert learned["reward"] is not None
            assert "top 2" in learned["why"] or "pass" in learned["why"]
    assert {stage["result"]["licence"] for stage in told["stages"] if stage["stage"] == "examples"} == {"Apache-2.0"}


def test_each_round_plays_with_what_the_one_before_became(done: tuple[Bench, Trained]) -> None:
    bench, trained = done
    stages = trained.lineage("bcsr", 0).stages
    with Store.open(str(bench.folder / "c.db")) as store:
        runs = [store.run(str(stage.result["run"])).plan["policies"] for stage in (stages[0], stages[4])]
    weights = [next(iter(policies.values()))["model"].rpartition("@")[2] for policies in runs]  # type: ignore[union-attr,index,call-overload]
    assert weights == [mark_of(trained.lineage("bc", 0).model), mark_of(str(stages[3].result["model"]))]
    assert stages[7].inputs["weights"] == weights[1] != mark_of(trained.lineage("bcsr", 0).model)


def test_what_is_learned_from_is_what_the_filter_kept(done: tuple[Bench, Trained]) -> None:
    _, trained = done
    lineage = trained.lineage("sr", 0)
    kept = kept_seats(next(stage for stage in lineage.stages if stage.folder.parent.name == "filter"))
    learned = {(str(row["episode"]), str(row["seat"])) for row in learned_from(lineage)}
    assert learned <= {(e, s) for e, seats in kept.items() for s in seats}
    examples = next(stage for stage in lineage.stages if stage.folder.parent.name == "examples")
    assert len(learned) + examples.result["kept_with_nothing_to_learn"] == sum(map(len, kept.values()))  # type: ignore[operator]


def test_a_second_call_does_nothing_and_comes_to_the_same(done: tuple[Bench, Trained]) -> None:
    bench, trained = done
    bench.said.clear()
    again = bench.train()
    assert all("done before" in line or line.startswith("  kept") for line in bench.said)
    assert record_of(again) == record_of(trained)


def test_the_same_seed_makes_the_same_decisions_and_weights_elsewhere(
    done: tuple[Bench, Trained], tmp_path: Path
) -> None:
    _, trained = done
    only_sr = PLAN.model_copy(update={"steps": {"sr": PLAN.steps["sr"]}})
    other = Bench(tmp_path).train(only_sr, stages=("tasks", "collect", "filter", "examples", "fit"))
    for before, after in zip(trained.lineage("sr", 0).stages, other.lineage("sr", 0).stages, strict=True):
        if before.folder.parent.name == "filter":
            assert decided(after) == decided(before)
    assert other.lineage("sr", 0).model.rpartition("@")[2] == trained.lineage("sr", 0).model.rpartition("@")[2]


def test_a_work_folder_that_was_moved_goes_on_where_it_is(done: tuple[Bench, Trained], tmp_path: Path) -> None:
    bench, trained = done
    shutil.copytree(bench.folder, tmp_path / "moved")
    moved = Bench(tmp_path / "moved")
    again = moved.train()
    assert all("done before" in line or line.startswith("  kept") for line in moved.said), moved.said
    assert again.lineage("bc", 0).model.startswith(f"adapter:{tmp_path}")
    assert record_of(again)["differences"] == record_of(trained)["differences"]


def test_a_folder_that_was_moved_in_the_middle_of_a_run_plays_it_there(tmp_path: Path) -> None:
    """Episodes are named by who plays, and weights that are made here by where they lie: so another place has another run."""
    only_sr = PLAN.model_copy(update={"steps": {"sr": PLAN.steps["sr"]}})
    here = Bench(tmp_path / "here")
    here.folder.mkdir()
    base = here.train(only_sr, stages=("tasks", "collect", "examples", "fit")).lineage("base", 0)
    shutil.rmtree(next((here.folder / "w" / "collect").glob("own-sr-*")))
    shutil.move(here.folder, tmp_path / "there")
    there = Bench(tmp_path / "there")
    again = there.train(only_sr, stages=("tasks", "collect", "filter", "examples", "fit"))
    assert mark_of(again.lineage("base", 0).model) == mark_of(base.model)
    with Store.open(str(there.folder / "c.db")) as store:
        runs = [each.id for each in store.runs() if ".own-sr-" in each.id]
        assert len(runs) == 2
        assert len({id_.rpartition(".")[0] for id_ in runs}) == 1


def test_examples_are_made_anew_where_prompts_have_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path)
    bench.train(stages=("tasks", "collect", "examples"))
    bench.said.clear()
    template = replace(CompactStyle().template, hash="0" * 64)
    monkeypatch.setattr(CompactStyle, "template", property(lambda style: template))
    bench.train(stages=("tasks", "collect", "examples"))
    assert "examples base-seed0" in bench.said
    assert any(line.startswith("collect weak-seed0: done before") for line in bench.said)


def test_a_store_without_what_was_played_is_told(done: tuple[Bench, Trained], tmp_path: Path) -> None:
    bench, _ = done
    shutil.copytree(bench.folder / "w", tmp_path / "w")
    shutil.rmtree(next((tmp_path / "w" / "filter").glob("bc-seed0-*")))
    with pytest.raises(TrainError, match=r"the store holds no run small\.expert.*--store"):
        Bench(tmp_path).train()


def test_two_processes_do_not_work_in_one_folder(tmp_path: Path) -> None:
    def work() -> Work:
        return Work(tmp_path, note=print)

    with work().held(), pytest.raises(TrainError, match="is worked in by another process"), work().held():
        pass
    with work().held():
        pass


def decided(filtered: Done) -> list[dict[str, object]]:
    """The decisions without the ids of episodes, which tell where the weights lie."""
    lines = (filtered.folder / "decisions.jsonl").read_text().splitlines()
    return [{key: value for key, value in json.loads(line).items() if key != "episode"} for line in lines]


def test_each_adapter_has_a_card_with_its_licence_and_limits(done: tuple[Bench, Trained]) -> None:
    _, trained = done
    cards = write_cards(trained, record_of(trained))
    assert len(cards) == 4
    text = cards[2].read_text()
    for said in ("license: apache-2.0", "## Limits", "comity simulate --models adapter:", "bc minus base", "malformed"):
        assert said in text


def test_only_the_stages_that_are_asked_for_are_done_and_what_is_left_is_said(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    trained = bench.train(stages=("tasks",))
    assert trained.lineages == []
    assert "left: collect weak-seed0 has not been done with this plan; do it first: --stages collect" in bench.said
    bench.said.clear()
    trained = bench.train(stages=("collect", "filter", "examples"))
    assert [line for line in bench.said if line.startswith("examples")] == ["examples base-seed0", "examples bc-seed0"]
    assert "left: bc goes on from base, which is not there yet; do it first: --stages fit" in bench.said
    assert write_record(trained, tmp_path)[1] is None
    assert not (tmp_path / "record.json").exists()


def test_what_another_plan_came_to_in_the_folder_is_put_aside(done: tuple[Bench, Trained], tmp_path: Path) -> None:
    _, trained = done
    before, _ = write_record(trained, tmp_path)
    trained.plan, kept = trained.plan.model_copy(update={"notes": "Another."}), trained.plan
    try:
        write_record(trained, tmp_path)
    finally:
        trained.plan = kept
    aside = tmp_path / f"record-{str(before['plan_sha256'])[:10]}.json"
    assert json.loads(aside.read_text())["plan"]["notes"] == ""
    assert json.loads((tmp_path / "record.json").read_text())["plan"]["notes"] == "Another."


def test_no_more_are_in_play_than_are_answered_together(done: tuple[Bench, Trained]) -> None:
    """With more, what is kept of each one's prompt would be gone when its turn comes again."""
    bench, trained = done
    players = {"base": PolicyPlan(model=trained.lineage("base", 0).model)}
    partner = {"linear": PolicyPlan(model="negotiator:linear")}
    with Store.open(str(bench.folder / "c.db")) as store:
        for policies, together in ((players, 32), (partner, 256)):
            prepared = prepare(
                Plan(name="x", tasks=trained.splits["test"].named, policies=policies), store, bench.folder
            )
            assert prepared.plan.in_flight == together
            anyio.run(prepared.aclose)


def test_a_licence_rides_on_through_every_step(done: tuple[Bench, Trained], monkeypatch: pytest.MonkeyPatch) -> None:
    _, trained = done
    examples = next(s for s in trained.lineage("bc", 0).stages if s.folder.parent.name == "examples")
    monkeypatch.setitem(examples.result, "licence", "CC-BY-NC-4.0")
    text = card_of(trained, trained.lineage("bcsr", 0), record_of(trained))
    assert "Licences of what it learned from: Apache-2.0 AND CC-BY-NC-4.0" in text
    assert "license: other" in text


def test_an_empty_filter_is_said_and_what_was_collected_is_kept(done: tuple[Bench, Trained]) -> None:
    bench, trained = done
    collected = trained.lineage("bc", 0).stages[0]
    judged = RewardPlan(terms={"GOAL": 1})
    with Store.open(str(bench.folder / "c.db")) as store:
        work = Work(bench.folder / "w", note=bench.said.append)
        with pytest.raises(
            NothingKept, match=r"no reward: GOAL: nobody has judged it\); none has a reward: collect other"
        ):
            filter_collected(work, store, collected, FilterPlan(rule="bc"), judged, "bc", 0)
        assert sum(1 for _ in collected_in(store, collected)) == collected.result["episodes"]


def test_policies_play_through_llama_cpp_from_weights_written_as_gguf(tmp_path: Path) -> None:
    nano = PLAN.policy.model_copy(update={"through": "llama.cpp"})
    test = PLAN.test.model_copy(update={"settings": ("pool/schema",)})
    plan = PLAN.model_copy(update={"policy": nano, "test": test, "steps": {"bc": PLAN.steps["bc"]}})
    trained = Bench(tmp_path).train(plan)
    with Store.open(str(tmp_path / "c.db")) as store:
        for each in trained.evaluated:
            run = str(each.games["pool/schema"].result["run"])
            policies = store.run(run).plan["policies"]
            assert policies[each.name]["model"].startswith(f"{each.model}#llama.cpp"), policies  # type: ignore[index,call-overload,union-attr]
            assert len(each.games["pool/schema"].result["rows"]) == 4  # type: ignore[arg-type]
