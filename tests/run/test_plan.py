"""Plans: what a file may say, and how each mistake in one is named with its place and its fix."""

from pathlib import Path

import pytest

from comity.models.protocol import Sampling
from comity.run.plan import PRESETS, PlanError, load_plan

WHOLE = """
name = "pilot"
evaluated = ["small"]
partners = ["large"]
repeats = 2
seeds = [1, 2]
in_flight = 32

[tasks]
source = "library"
scenarios = ["gas_bill"]

[policies.small]
model = "http://127.0.0.1:8000/v1#qwen"
adapter = "polite"
temperature = "none"

[policies.large]
model = "scripted:demo"
style = "chat"
temperature = 0.7
extra = { min_p = 0.1 }

[[judges]]
model = "scripted:demo"
repeats = 2

[limits]
turns = 6

[endpoints."http://127.0.0.1:8000/v1"]
in_flight = 8
requests_per_minute = 500

[timeouts]
first_token = 30

[budget]
calls = 1000
money = 2.5
"""


def written(folder: Path, text: str, name: str = "pilot.toml") -> str:
    file = folder / name
    file.write_text(text)
    return str(file)


def refused(folder: Path, text: str) -> str:
    with pytest.raises(PlanError) as caught:
        load_plan(written(folder, text))
    return str(caught.value)


def test_a_plan_says_who_plays_what_against_whom_and_within_which_limits(tmp_path: Path) -> None:
    plan = load_plan(written(tmp_path, WHOLE))
    assert plan.who_is_evaluated == ("small",)
    assert plan.who_they_meet == ("large",)
    assert plan.policies["small"].temperature is None
    assert plan.policies["small"].adapter == "polite"
    assert plan.policies["large"].extra == {"min_p": 0.1}
    assert plan.endpoints["http://127.0.0.1:8000/v1"].requests_per_minute == 500
    assert plan.timeouts.first_token == 30
    assert plan.budget.money == 2.5


def test_what_a_plan_leaves_out_is_the_full_matrix_of_its_policies_and_its_file_names_the_run(tmp_path: Path) -> None:
    plan = load_plan(written(tmp_path, '[policies.a]\nmodel = "scripted:demo"\n[policies.b]\nmodel = "scripted:demo"'))
    assert plan.name == "pilot"
    assert plan.who_is_evaluated == plan.who_they_meet == ("a", "b")
    assert plan.swap_seats


@pytest.mark.parametrize(
    ("said", "constrained"), [("", True), ("constrained = true", True), ("constrained = false", False)]
)
def test_a_policy_may_be_asked_for_free_replies(tmp_path: Path, said: str, constrained: bool) -> None:
    plan = load_plan(written(tmp_path, f'[policies.a]\nmodel = "scripted:demo"\nstyle = "compact"\n{said}'))
    assert plan.policies["a"].sampling(Sampling(temperature=0.5)) == Sampling(temperature=0.5, constrained=constrained)


@pytest.mark.parametrize("who", ["negotiator:linear", "trivial:noisy"])
@pytest.mark.parametrize(
    "field", ['style = "compact"', "temperature = 0.5", "constrained = false", 'adapter = "polite"']
)
def test_a_player_by_rule_takes_nothing_but_its_name(tmp_path: Path, who: str, field: str) -> None:
    said = refused(tmp_path, f'[policies.a]\nmodel = "{who}"\n{field}')
    kind = {"negotiator:linear": "a negotiator", "trivial:noisy": "a trivial player"}[who]
    assert f"{kind} has none of {field.partition(' ')[0]}; its style says all, so leave them out" in said


def test_how_much_at_once_and_budgets_are_no_part_of_what_is_played(tmp_path: Path) -> None:
    plan = load_plan(written(tmp_path, WHOLE))
    other = load_plan(written(tmp_path, WHOLE.replace("in_flight = 32", "in_flight = 8").replace("money = 2.5", "")))
    assert plan.what() == other.what()
    assert plan.what() != load_plan(written(tmp_path, WHOLE.replace("repeats = 2\nseeds", "repeats = 3\nseeds"))).what()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "pilot.toml: policies: is missing"),
        ("[policies", "pilot.toml: is not TOML"),
        ('[policies.a]\nmodle = "x"', "pilot.toml: policies.a.modle: unknown field"),
        ('[policies.a]\nmodle = "x"', "pilot.toml: policies.a.model: is missing"),
        ('partners = ["b"]\n[policies.a]\nmodel = "x"', "partners names b, which is no policy of this plan (a)"),
        ('repeats = 0\n[policies.a]\nmodel = "x"', "pilot.toml: repeats: should be greater than or equal to 1"),
        ('seeds = [1, 1]\n[policies.a]\nmodel = "x"', "seeds must differ"),
        ('mode = "open"\n[policies.a]\nmodel = "x"', "pilot.toml: mode:"),
        ('[policies.a]\nmodel = "x"\n[budget]\nmoney = -1', "pilot.toml: budget.money: should be greater than 0"),
        ('[policies.a]\nmodel = "x"\n[endpoints."http://h/v1"]\nin_flight = 0', "endpoints.http://h/v1.in_flight"),
        ('preset = "sotopia-easy"\n[policies.a]\nmodel = "x"', "there are: sotopia-all, sotopia-hard"),
        ('mode = "script"\npartners = ["a"]\n[policies.a]\nmodel = "x"', "in script mode"),
    ],
)
def test_a_mistake_is_named_with_its_file_its_field_and_its_fix(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(tmp_path, text)


def test_every_mistake_of_a_plan_is_named_at_once(tmp_path: Path) -> None:
    said = refused(tmp_path, 'repeats = 0\nin_flight = 0\n[policies.a]\nmodel = "x"\nadaptor = "y"')
    assert {line.split(": ")[1] for line in said.splitlines()} == {"repeats", "in_flight", "policies.a.adaptor"}
    assert "did you mean 'adapter'?" in said


def test_a_plan_that_is_not_there_names_those_that_ship() -> None:
    with pytest.raises(PlanError, match="no such file, and no such preset; there are: sotopia-all, sotopia-hard"):
        load_plan("sotopia-hrad")


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_says_what_differs_from_the_papers_and_that_scores_are_not_comparable(name: str) -> None:
    plan = load_plan(name, policies={"mine": {"model": "scripted:demo"}})
    assert plan.name == plan.preset == name
    assert "not comparable" in plan.notes
    assert plan.limits.turns == 20
    assert plan.swap_seats


def test_a_preset_without_policies_says_how_to_name_one() -> None:
    with pytest.raises(PlanError, match="--policy NAME=MODEL"):
        load_plan("sotopia-hard")


def test_a_plan_can_begin_from_a_preset_and_change_a_table_of_it(tmp_path: Path) -> None:
    text = 'preset = "sotopia-hard"\n[policies.a]\nmodel = "x"\n[tasks]\nscenarios = ["revenge_plot"]\ncount = 5'
    plan = load_plan(written(tmp_path, text, "mine.toml"))
    assert plan.name == "mine"
    assert plan.tasks.scenarios == ("revenge_plot",)
    assert plan.tasks.origin == "SOTOPIA release"
    assert "not comparable" in plan.notes
