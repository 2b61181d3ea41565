"""Scripted agents play lines or a function, as a function of their view."""

import pytest
from worlds import LEAVE, NOTHING, opened, played, say, task

from comity.agents.scripted import ScriptedAgent, lines
from comity.world.actions import ActionType
from comity.world.episodes import Policy
from comity.world.views import view

pytestmark = pytest.mark.anyio


async def test_words_are_spoken_and_actions_done() -> None:
    seen = view(opened(task()), "a")
    assert (await ScriptedAgent(lambda view: f"I am {view.me.name}").act(seen)).action == say("I am Ana")
    assert (await ScriptedAgent(lambda view: LEAVE).act(seen)).action == LEAVE


async def test_lines_are_spoken_one_after_the_other_and_then_the_seat_leaves() -> None:
    agent = ScriptedAgent(lines(["one", "two"]))
    state = opened(task())
    for expected in (say("one"), say("two"), LEAVE):
        assert (await agent.act(view(state, "a"))).action == expected
        state = played(state, say(), say()) if expected != LEAVE else state


async def test_the_next_line_follows_from_the_view_alone() -> None:
    agent = ScriptedAgent(lines(["one", "two"], then=ActionType.NONE))
    late = view(played(opened(task()), say(), say(), say(), say()), "a")
    assert (await agent.act(late)).action == NOTHING
    assert (await agent.act(view(opened(task()), "a"))).action == say("one")


def test_the_policy_carries_the_name() -> None:
    assert ScriptedAgent(lambda view: LEAVE, name="stubborn").policy == Policy(agent="stubborn")
