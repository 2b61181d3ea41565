"""The numbers of a fit: the paper's by name, in a plan's own words, and refused where they say nothing."""

import json
import subprocess
import sys

import pytest
from pydantic import ValidationError

from comity.train.settings import PRESETS, FitPlan


def plan_of(text: str) -> FitPlan:
    """As from a TOML plan, which is checked strictly."""
    return FitPlan.model_validate_json(text, strict=True)


def test_the_papers_settings_are_a_preset() -> None:
    """arXiv 2403.08715, and its repository."""
    plan = plan_of('{"preset": "sotopia-pi"}')
    assert (plan.method, plan.rank, plan.alpha, plan.dropout) == ("qlora", 8, 16, 0.05)
    assert plan.targets == ("q_proj", "v_proj")
    assert (plan.learning_rate, plan.schedule, plan.warmup) == (5e-5, "cosine", 0.03)
    assert (plan.batch, plan.accumulate, plan.cutoff, plan.epochs) == (4, 1, 4096, 20)


@pytest.mark.parametrize("preset", PRESETS)
def test_what_is_said_beside_a_preset_stands(preset: str) -> None:
    plan = plan_of(json.dumps({"preset": preset, "epochs": 7, "targets": ["k_proj"]}))
    assert (plan.epochs, plan.targets) == (7, ("k_proj",))
    assert plan.learning_rate == PRESETS[preset]["learning_rate"]
    assert FitPlan.model_validate_json(plan.model_dump_json(), strict=True) == plan


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"preset": "sotopia"}', "there are: sotopia-pi, lora-cpu, nano"),
        ('{"learning_rate": 1e-3}', "method"),
        ('{"method": "full"}', "learning_rate"),
        ('{"method": "lora", "learning_rate": 1e-3, "targets": []}', "an adapter needs targets"),
        ('{"preset": "nano", "epoch": 2}', "epoch"),
        ('{"preset": "nano", "learning_rate": 0}', "learning_rate"),
        ('{"preset": "nano", "evaluate_every": 0}', "evaluate_every"),
    ],
)
def test_what_says_nothing_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        plan_of(text)


def test_a_plan_is_read_without_torch() -> None:
    """`comity train` says what it will do before it loads anything."""
    code = "import sys, comity.train.fit, comity.train.nano; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
