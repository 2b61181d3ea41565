"""What happened, in words: one line an action, the words quoted exactly."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import LEAVE, NOTHING, say

from comity.agents.narration import told_action, told_facts
from comity.models.prompts import load_template
from comity.world.actions import Action, ActionType

TEMPLATE = load_template("comity.agents:chat", "comity.agents:narration")


@pytest.mark.parametrize(
    ("action", "to", "told"),
    [
        (say("hi"), (), 'Ana says: "hi"'),
        (say("hi"), ("Ben", "Cai"), '(To Ben, Cai alone) Ana says: "hi"'),
        (Action(type=ActionType.NON_VERBAL, argument="smiles"), (), 'Ana, without words: "smiles"'),
        (Action(type=ActionType.ACTION, argument="sits"), (), 'Ana does this: "sits"'),
        (LEAVE, (), "Ana leaves."),
        (Action(type=ActionType.LEAVE, argument="Bye."), (), 'Ana leaves, with these words: "Bye."'),
        (NOTHING, (), "Ana does nothing."),
    ],
)
def test_each_action_has_its_line(action: Action, to: tuple[str, ...], told: str) -> None:
    assert told_action(TEMPLATE, "Ana", action, to) == told


@given(st.text(min_size=1).filter(str.strip))
def test_words_are_one_line_and_come_back_exactly(words: str) -> None:
    told = told_action(TEMPLATE, "Ana", say(words), ())
    assert len(told.splitlines()) == 1
    assert json.loads(told.removeprefix("Ana says: ")) == words


def test_facts_are_labelled_lines() -> None:
    told = told_facts(TEMPLATE, {"age": "30", "decision_style": "quick\nand easy"}, "  ")
    assert told == "  Age: 30\n  Decision style: quick and easy"
    assert told_facts(TEMPLATE, {}) == ""
