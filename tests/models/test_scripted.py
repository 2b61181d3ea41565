"""Scripted models answer by a script and say so by their name."""

import json

import pytest

from comity.models.protocol import Message, ModelNotFound, Sampling, Schema
from comity.models.scripted import SCRIPTS, ScriptedModel, scripted

pytestmark = pytest.mark.anyio

PROMPT = [Message("system", "You are Ana."), Message("user", "Turn 1 of 20.")]
ACTION = Schema("action", {"properties": {"action_type": {"enum": ["speak", "leave"]}, "argument": {"type": "string"}}})


async def say(model: ScriptedModel, prompt: list[Message], schema: Schema | None = ACTION) -> str:
    return (await model.complete(prompt, schema=schema, sampling=Sampling(), session="s")).text


async def test_the_script_gets_what_was_sent_and_its_text_comes_back() -> None:
    sent: list[object] = []

    def script(*given: object) -> str:
        sent.extend(given)
        return "done"

    model = ScriptedModel(script, name="scripted:mine")
    heard: list[str] = []
    sampling = Sampling(seed=7)
    completion = await model.complete(PROMPT, schema=ACTION, sampling=sampling, session="s", stream=heard.append)
    assert sent == [PROMPT, ACTION, sampling]
    assert (completion.text, completion.finish_reason, completion.model) == ("done", "stop", "scripted:mine")
    assert heard == ["done"]
    assert (completion.prompt_tokens, completion.completion_tokens, completion.constrained) == (None, None, False)


async def test_the_demo_speaks_ten_lines_and_leaves() -> None:
    prompt, kinds = list(PROMPT), []
    for _ in range(11):
        text = await say(scripted("demo"), prompt)
        kinds.append(json.loads(text)["action_type"])
        prompt += [Message("assistant", text), Message("user", "Next.")]
    assert kinds == ["speak"] * 10 + ["leave"]


async def test_the_demo_judge_gives_the_middle_of_every_range() -> None:
    said = {"score": {"enum": [0, 1, 2, 3, 4]}, "turns": {"items": {"enum": [1, 2]}}, "reason": {}}
    schema = Schema("scorecard", {"properties": {"GOAL": {"properties": said}}})
    assert json.loads(await say(scripted("demo"), PROMPT, schema))["GOAL"]["score"] == 2


async def test_the_silent_one_says_nothing_and_the_leaver_leaves() -> None:
    assert await say(scripted("silent"), PROMPT) == ""
    assert json.loads(await say(scripted("leaver"), PROMPT)) == {"action_type": "leave", "argument": ""}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_named_as_it_is_asked_for(name: str) -> None:
    assert scripted(name).name == f"scripted:{name}"


def test_an_unknown_script_is_an_error_that_lists_those_there_are() -> None:
    with pytest.raises(ModelNotFound, match="no model scripted:dmeo; there are: scripted:demo, "):
        scripted("dmeo")
