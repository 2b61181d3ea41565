"""Players that need no model, one idea: named alike, taken up again alike, and told from models by their specification."""

import pytest
from worlds import Replies, reply

from comity.agents.by_rule import again_by_rule, is_by_rule, player_by_rule
from comity.agents.llm import LLMAgent
from comity.models.protocol import ModelNotFound

SPECS = ("negotiator:linear", "negotiator:held-out@1/grim", "trivial:accept", "trivial:noisy")


@pytest.mark.parametrize("spec", SPECS)
def test_a_record_leads_to_the_same_player(spec: str) -> None:
    player = player_by_rule(spec)
    again = again_by_rule(player.policy)
    assert again is not None
    assert again.policy == player.policy
    assert is_by_rule(spec)


@pytest.mark.parametrize(
    "spec", ["openai:gpt-4o", "scripted:demo", "negotiators:linear", "trivially", "hf:trivial:accept"]
)
def test_a_model_is_none(spec: str) -> None:
    assert not is_by_rule(spec)


def test_the_policy_of_a_model_leads_to_none() -> None:
    assert again_by_rule(LLMAgent(Replies(reply())).policy) is None


@pytest.mark.parametrize("spec", ["negotiator:none", "trivial:none"])
def test_what_is_not_there_is_said(spec: str) -> None:
    assert is_by_rule(spec)
    with pytest.raises(ModelNotFound, match=spec):
        player_by_rule(spec)
