"""What a training plan refuses, with the field and the fix."""

import pytest
from pydantic import ValidationError
from train.plans import POOL, plan_of, step


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"steps": {"grim": step()}}, "grim: steps, test.reference, test.partners and test.dev_partners need"),
        (
            {"test": {"partners": POOL, "reference": {"base": {"model": "trivial:accept"}}}},
            "base: steps, test.reference",
        ),
        ({"seeds": [1, 1]}, "seeds must differ"),
        ({"steps": {"sr": step("self", "bc", "sr")}}, "'bc' is no step before it; there are: base"),
        ({"expert": None}, "steps.bc learns from an expert, and the plan names none"),
        ({"reward": {"terms": {"GOAL": 1}}}, "the reward asks for GOAL, which only a judge gives"),
        ({"aggregate": "trimmed"}, "a trimmed mean needs at least 3"),
        ({"policy": {"model": "hf:x", "nano": {}}}, "say where the policy's weights come from"),
        ({"policy": {"nano": {}}}, "`nano` has random weights and needs `pretrain`"),
        (
            {"policy": {"nano": {"heads": 5}, "pretrain": {"fit": {"preset": "nano"}}}},
            "5 heads do not divide hidden 192",
        ),
        ({"policy": {"model": "hf:x", "through": "http://me:pw@host/v1#m"}}, "an address holds no user or password"),
        ({"policy": {"model": "hf:x", "through": "ollama"}}, "through is process, llama.cpp or a server's"),
        ({"policy": {"model": "hf:x", "max_tokens": 20}}, "greater than or equal to 64"),
        ({"steps": {"bc": step(rounds=2)}}, "an expert's episodes stay the same"),
        ({"tasks": {"train": {"fresh": {"chess": 1}}, "test": {}}}, "there are no fresh games of kind chess"),
        (
            {"tasks": {"train": {"fresh": {"price": 1}, "worlds": {"division": ["cellar"]}}, "test": {}}},
            "worlds names division",
        ),
        (
            {"tasks": {"train": {"fresh": {"price": 1}, "set": "dev"}, "test": {}}},
            "fresh games are made here; leave out",
        ),
    ],
)
def test_a_plan_that_cannot_be_is_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as found:
        plan_of(**fields)
    assert said in str(found.value)


def test_where_a_policy_begins_is_told_in_order() -> None:
    plan = plan_of(steps={"bc": step(), "bcsr": step("self", "bc", "sr", rounds=2)})
    assert plan.policies == ("base", "bc", "bcsr")
