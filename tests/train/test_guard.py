"""The guard: no plan is played whose evaluation holds anything that training saw, and each refusal names what and where."""

from pathlib import Path

import pytest
from store_records import episode
from train.plans import POOL, plan_of

from comity.agents.negotiators import HeldOutPartner
from comity.library import sets, starter
from comity.library.fresh import fresh, fresh_one, world_of
from comity.run.plan import PlanError, TaskSet
from comity.store import Store
from comity.train.collect import collect_expert
from comity.train.guard import Overlap, game_of, guard, guard_imported
from comity.train.playing import Playground
from comity.train.tasks import Chosen, choose_tasks
from comity.train.work import Work
from comity.world.deals import Contract, Division
from comity.world.episodes import Policy
from comity.world.scenarios import Scenario
from comity.world.tasks import Task

ALL = sets.tasks_of("all")


def of(scenario: Scenario) -> Task:
    people = starter().characters
    cast = {seat.id: who for seat, who in zip(scenario.seats, people, strict=False)}
    return Task(id=f"{scenario.id}.x", scenario=scenario, cast=cast)


def test_a_shared_scenario_is_refused_even_with_another_cast() -> None:
    one, other = ALL[0], ALL[1]
    assert one.scenario == other.scenario
    assert one.cast != other.cast
    with pytest.raises(
        Overlap, match=rf"tasks.train and tasks.test share 1 scenarios: {one.scenario.id}; take other tasks"
    ):
        guard(plan_of(), {"train": [one], "test": [other]})


def test_a_scenario_under_another_name_is_refused() -> None:
    task = next(task for task in ALL if task.scenario.payoff is None)
    renamed = task.model_copy(update={"scenario": task.scenario.model_copy(update={"id": "other", "title": "Another"})})
    with pytest.raises(Overlap, match="share 1 scenarios"):
        guard(plan_of(), {"train": [task], "test": [renamed]})


def test_a_scenario_of_another_family_and_spelling_is_refused() -> None:
    task = next(task for task in ALL if task.scenario.payoff is None)
    there = task.scenario
    update = {"id": "other", "family": "other", "setting": f" {there.setting.upper()}\n", "turn_limit": 7}
    with pytest.raises(Overlap, match=rf"share 1 scenarios: {there.id} and other"):
        guard(plan_of(), {"train": [task], "test": [of(there.model_copy(update=update))]})


def test_a_shared_world_of_fresh_games_is_refused() -> None:
    worlds = {str(s.payoff): s for s in fresh("division", 40, 5)}
    first = next(iter(worlds.values()))
    guard(plan_of(), {"train": [of(first)], "test": [of(fresh_one("price", 0, 5))]})
    twin = next(
        s for s in fresh("division", 40, 6) if s.title.partition(" (")[0][:12] == first.title.partition(" (")[0][:12]
    )
    with pytest.raises(Overlap, match="share 1 worlds of fresh games: division/"):
        guard(plan_of(), {"train": [of(first)], "test": [of(twin)]})


def test_a_shared_family_of_written_games_is_refused_and_of_judged_scenarios_it_is_not() -> None:
    games = [task for task in ALL if task.scenario.payoff is not None]
    one = games[0]
    other = next(t for t in games if t.scenario.family == one.scenario.family and t.scenario.id != one.scenario.id)
    with pytest.raises(Overlap, match=f"share 1 families of scenarios with a payoff: {one.scenario.family}"):
        guard(plan_of(), {"train": [one], "test": [other]})
    judged = [task for task in ALL if task.scenario.payoff is None]
    first = judged[0]
    second = next(
        t for t in judged if t.scenario.family == first.scenario.family and t.scenario.id != first.scenario.id
    )
    guard(plan_of(), {"train": [first], "test": [second]})


def test_the_librarys_own_parts_pass() -> None:
    guard(plan_of(), {"train": sets.tasks_of("dev"), "test": sets.tasks_of("test")})


def test_the_same_numbers_under_other_words_are_one_game() -> None:
    scenario = next(s for s in fresh("division", 20, 5) if isinstance(s.payoff, Division))
    payoff = scenario.payoff
    assert isinstance(payoff, Division)
    names = {item: f"thing{n}" for n, item in enumerate(list(payoff.items)[::-1])}
    one, other = payoff.values
    renamed = payoff.model_copy(
        update={
            "items": {names[item]: payoff.items[item] for item in list(payoff.items)[::-1]},
            "values": {s: {names[i]: v for i, v in payoff.values[o].items()} for s, o in ((one, other), (other, one))},
            "disagreement": {one: payoff.fallback(other), other: payoff.fallback(one)},
        }
    )
    copy = scenario.model_copy(update={"id": "x", "source": "", "family": "elsewhere", "payoff": renamed})
    assert game_of(copy) == game_of(scenario)
    dearer = renamed.model_copy(
        update={"values": {**renamed.values, one: {i: v + 1 for i, v in renamed.values[one].items()}}}
    )
    assert game_of(copy.model_copy(update={"payoff": dearer})) != game_of(scenario)
    with pytest.raises(Overlap, match=r"share 1 games \(the same numbers under other words\)"):
        guard(plan_of(), {"train": [of(scenario)], "test": [of(copy)]})


def test_the_order_of_a_contracts_issues_does_not_matter_and_its_points_do() -> None:
    scenario = next(s for s in fresh("contract", 20, 5) if isinstance(s.payoff, Contract) and len(s.seats) == 2)
    payoff = scenario.payoff
    assert isinstance(payoff, Contract)
    turned = payoff.model_copy(update={"issues": dict(list(payoff.issues.items())[::-1])})
    assert game_of(scenario.model_copy(update={"payoff": turned})) == game_of(scenario)
    assert game_of(fresh_one("contract", 1, 9)) != game_of(scenario)
    assert game_of(next(task.scenario for task in ALL if task.scenario.payoff is None)) is None


def test_nobody_learns_from_a_held_out_partner() -> None:
    with pytest.raises(HeldOutPartner, match="held-out@1/grim"):
        guard(plan_of(expert={"players": {"grim": {"model": "negotiator:held-out@1/grim"}}}), {})
    weak = {"players": {"x": {"model": "Negotiator: held-out@1/grim"}}, "fit": {"preset": "nano"}}
    with pytest.raises(HeldOutPartner):
        guard(plan_of(policy={"nano": {}, "pretrain": weak}), {})


@pytest.mark.parametrize("model", ["negotiator:linear", "negotiator:linear@1"])
@pytest.mark.parametrize("table", ["partners", "dev_partners"])
def test_a_partner_who_was_learned_from_is_refused_by_every_name(table: str, model: str) -> None:
    test = {"partners": POOL, table: {"mean": {"model": model}}}
    with pytest.raises(
        Overlap, match=rf"test\.{table}\.mean is {model}, which expert learns from; take another partner"
    ):
        guard(plan_of(test=test), {})
    weak = {"nano": {}, "pretrain": {"players": {"mean": {"model": "negotiator:linear"}}, "fit": {"preset": "nano"}}}
    with pytest.raises(Overlap, match=r"which policy\.pretrain learns from"):
        guard(plan_of(test=test, policy=weak, expert={"players": {"x": {"model": "trivial:accept"}}}), {})


@pytest.mark.parametrize(
    ("policy", "partner"),
    [
        ({"model": "hf:m"}, {"model": "hf:m"}),
        ({"model": "hf:m"}, {"model": "adapter:./m@0123456789ab"}),
        ({"model": "local:smollm2-135m"}, {"model": "local:smollm2-135m", "temperature": 0.1}),
        ({"model": "hf:m", "through": "http://host:1/v1#base"}, {"model": "http://host:1/v1/#base&key_env=KEY"}),
    ],
)
def test_a_policy_is_no_partner_of_its_own_test(policy: dict[str, str], partner: dict[str, object]) -> None:
    with pytest.raises(Overlap, match=r"test\.partners\.itself is .*, the policy itself, which its `self/` settings"):
        guard(plan_of(policy=policy, test={"partners": {"itself": partner}}), {})
    guard(plan_of(policy=policy, test={"partners": {"another": {"model": "hf:another"}}}), {})


def test_tuning_and_testing_need_different_partners() -> None:
    test = {"partners": POOL, "dev_partners": {"again": {"model": "negotiator:held-out@1/grim@1"}}}
    with pytest.raises(Overlap, match=r"test\.dev_partners\.again is .*grim@1, whom test\.partners\.grim is too"):
        guard(plan_of(test=test), {})
    guard(plan_of(test={"partners": POOL, "dev_partners": {"soft": {"model": "negotiator:conceder"}}}), {})


def imported(*scenarios: Scenario, **policy: str) -> tuple[list[Task], list[Policy]]:
    """Tasks that were brought in with who played them: people, or an agent."""
    return [of(scenario) for scenario in scenarios], [Policy(agent="human"), *([Policy(**policy)] if policy else [])]


def test_imported_episodes_pass_the_whole_guard() -> None:
    game = next(task.scenario for task in ALL if isinstance(task.scenario.payoff, Division))
    assert isinstance(game.payoff, Division)
    dearer = game.payoff.model_copy(update={"disagreement": {game.seats[0].id: 1}})
    other = next(task for task in ALL if task.scenario.payoff is None)
    ours = game.model_copy(update={"id": "theirs", "setting": "Somewhere.", "family": "imported"})
    said = game.model_copy(update={"id": "theirs", "payoff": dearer})
    guard_imported(plan_of(), *imported(ours), {"train": [of(game)], "test": [other]})
    for there, what in ((ours, "games"), (said, "scenarios"), (said, "families of scenarios")):
        for split in ("dev", "test"):
            with pytest.raises(Overlap, match=rf"expert\.imported and tasks\.{split} share 1 {what}"):
                guard_imported(plan_of(), *imported(there), {"train": [], split: [of(game)]})
    world = fresh_one("division", 0, 5)
    twin = next(s for s in fresh("division", 60, 6) if world_of(s) == world_of(world))
    with pytest.raises(Overlap, match="share 1 worlds of fresh games"):
        guard_imported(plan_of(), *imported(world), {"test": [of(twin)]})


def test_who_played_imported_episodes_is_no_partner_of_the_test_and_none_of_a_held_out_pool() -> None:
    test = {"partners": {"gpt": {"model": "openai:gpt-4"}}}
    guard_imported(plan_of(test=test), *imported(agent="llm", model="gpt-3.5"), {})
    with pytest.raises(Overlap, match=r"test\.partners\.gpt is openai:gpt-4, which expert\.imported learns from"):
        guard_imported(plan_of(test=test), *imported(agent="llm", model="gpt-4"), {})
    with pytest.raises(HeldOutPartner):
        guard_imported(plan_of(), *imported(agent="negotiator", style="held-out@1/grim@1"), {})


def test_collecting_from_imported_episodes_asks_the_guard(tmp_path: Path) -> None:
    task, other = ALL[0], ALL[-1]
    reworded = task.scenario.model_copy(update={"id": "theirs", "setting": task.scenario.setting.upper()})
    plan = plan_of(expert={"imported": "Corpus"})
    with Store.open(str(tmp_path / "s.db")) as store:
        store.begin(episode("brought-in", of=of(reworded)).model_copy(update={"source": "Corpus 1"}))
        ground, work = Playground(plan, store, tmp_path), Work(tmp_path / "w", note=lambda line: None)
        for split in ("dev", "test"):
            with pytest.raises(Overlap, match=f"expert.imported and tasks.{split} share 1 scenarios: theirs and "):
                collect_expert(work, ground, {split: Chosen((task,), TaskSet())}, 0)
        done = collect_expert(work, ground, {"test": Chosen((other,), TaskSet())}, 0)
    assert done.result["episodes_named"] == ["brought-in"]


def test_fresh_games_are_made_as_a_library_and_a_repeated_game_is_passed_over(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "s.db")) as store:
        made = choose_tasks(plan_of(), Work(tmp_path, note=print), store, tmp_path)
        again = choose_tasks(plan_of(), Work(tmp_path, note=print), store, tmp_path)
    assert {name: len(chosen.tasks) for name, chosen in made.items()} == {"train": 6, "test": 4}
    assert {name: chosen.hashes for name, chosen in made.items()} == {
        name: chosen.hashes for name, chosen in again.items()
    }
    games = [game_of(task.scenario) for chosen in made.values() for task in chosen.tasks]
    assert len(set(games)) == len(games)


def test_other_tasks_are_made_beside_those_that_are_there(tmp_path: Path) -> None:
    work = Work(tmp_path, note=print)
    with Store.open(str(tmp_path / "s.db")) as store:
        made = choose_tasks(plan_of(), work, store, tmp_path)
        tasks = plan_of().tasks.model_dump(mode="json")
        fewer = {
            "train": {"fresh": {"division": 3}, "worlds": tasks["train"]["worlds"], "seed": 1},
            "test": {"fresh": {"division": 4}, "worlds": tasks["test"]["worlds"], "seed": 2},
        }
        assert len(choose_tasks(plan_of(tasks=fewer), work, store, tmp_path)["train"].tasks) == 3
        assert choose_tasks(plan_of(), work, store, tmp_path)["train"].hashes == made["train"].hashes


def test_tasks_that_were_tampered_with_are_told(tmp_path: Path) -> None:
    work = Work(tmp_path, note=print)
    with Store.open(str(tmp_path / "s.db")) as store:
        made = choose_tasks(plan_of(), work, store, tmp_path)
        next((Path(made["test"].named.source) / "scenarios").glob("*.toml")).unlink()
        with pytest.raises(PlanError, match="does not hold the tasks that were made there"):
            choose_tasks(plan_of(), work, store, tmp_path)


def test_a_world_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    tasks = {"train": {"fresh": {"division": 3}, "worlds": {"division": ["moon"]}}, "test": {"fresh": {"price": 3}}}
    with (
        Store.open(str(tmp_path / "s.db")) as store,
        pytest.raises(
            PlanError, match=r"tasks\.train\.worlds: moon: games of kind 'division' are set in: allotment, cellar"
        ),
    ):
        choose_tasks(plan_of(tasks=tasks), Work(tmp_path, note=print), store, tmp_path)
