"""Prompts only grow: in every episode played here, each prompt of a seat begins with the whole of the one before."""

import json

import anyio
import pytest
from hypothesis import HealthCheck, given, settings

from comity.agents.chat import ChatStyle
from comity.agents.llm import LLMAgent
from comity.models.prompts import Block, quote
from comity.models.protocol import Message
from comity.models.scripted import SCRIPTS
from comity.simulate import simulate
from comity.world.environment import EndReason, Environment
from comity.world.episodes import Episode
from comity.world.tasks import Task
from comity.world.views import SeatView, view
from privacy.recording import Growth, RecordingModel, assert_prompts_grow, following
from privacy.search import now
from privacy.test_prompt_structure import STYLES, task
from privacy.worlds import World, worlds


def play(of: Task, model: RecordingModel, style: str = "chat", seed: int = 0) -> Episode:
    agent = LLMAgent(model, style=style)

    async def run() -> Episode:
        return await simulate(of, dict.fromkeys(of.cast, agent), seed=seed)

    return anyio.run(run)


def spoken(words: str) -> str:
    return json.dumps({"action_type": "speak", "argument": words})


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("order", ["round-robin", "simultaneous", "random"])
@pytest.mark.parametrize("names", [("Ana", "Bo"), ("Ana", "Bo", "Cy", "Di", "Ed")])
def test_the_demo_only_grows(names: tuple[str, ...], order: str, style: str) -> None:
    model = following(SCRIPTS["demo"])
    episode = play(task(names, turn_order=order, turns=14), model, style)
    assert assert_prompts_grow(model) == len(model.asked) - len(names)
    assert len(episode.events) == len(model.asked) > 2 * len(names)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(worlds())
def test_random_worlds_only_grow(world: World) -> None:
    """Episodes in which people leave, speak in private, do nothing, and have to be asked twice."""
    model = RecordingModel(lambda asked: world.answer(asked.schema, asked.session, asked.again, len(asked.text)))
    agents = dict.fromkeys(world.seats, LLMAgent(model, style=world.style))
    scenario = world.task.scenario.model_copy(update={"turn_limit": 12})
    of = world.task.model_copy(update={"scenario": scenario})

    async def run() -> Episode:
        return await simulate(of, agents, seed=world.seed, mode=world.mode, lite=world.lite)

    episode = anyio.run(run)
    asked = sum(len(event.trace.calls) for event in episode.events)
    assert asked == len(model.asked)
    assert assert_prompts_grow(model) == len(episode.events) - len(model.sessions)


@pytest.mark.parametrize("style", STYLES)
def test_prompts_grow_on_when_somebody_leaves_who_could_be_written_to(style: str) -> None:
    model = RecordingModel(lambda asked: LEAVES if asked.session.endswith("/s1") else spoken("hello"))
    episode = play(task(("Ana", "Bo", "Cy"), turns=9), model, style)
    assert [event.seat for event in episode.events][:4] == ["s0", "s1", "s2", "s0"]
    assert assert_prompts_grow(model) == 9 - 3


LEAVES = json.dumps({"action_type": "leave", "argument": ""})


@pytest.mark.parametrize("style", STYLES)
def test_a_reask_is_a_side_branch(style: str) -> None:
    odd = iter(range(100))
    model = RecordingModel(lambda asked: spoken("hello") if next(odd) % 2 else "no")
    play(task(("Ana", "Bo"), turns=6), model, style)
    assert [asked.again for asked in model.asked] == [False, True] * 6
    assert assert_prompts_grow(model) == 6 - 2


@pytest.mark.parametrize("style", STYLES)
def test_a_model_that_leaves_at_once_ends_the_episode_of_two(style: str) -> None:
    model = following(SCRIPTS["leaver"])
    episode = play(task(("Ana", "Bo")), model, style)
    assert episode.end is not None
    assert (episode.end.reason, episode.end.seat) == (EndReason.TOO_FEW_LEFT, "s0")
    assert len(model.asked) == 1


@pytest.mark.parametrize("style", STYLES)
def test_a_model_that_says_nothing_fails_for_itself(style: str) -> None:
    model = following(SCRIPTS["silent"])
    episode = play(task(("Ana", "Bo")), model, style)
    assert episode.end is not None
    assert (episode.end.reason, episode.end.seat) == (EndReason.AGENT_FAILURE, "s0")


def test_the_check_fails_where_a_prompt_names_only_who_is_there(
    prompts_only_grow: Growth, monkeypatch: pytest.MonkeyPatch
) -> None:
    def private(self: ChatStyle, view: SeatView) -> str:
        names = ", ".join(quote(name) for _, name in view.spec.recipients)
        return self.template.fill("means_private", recipients=Block(names)) if names else ""

    monkeypatch.setattr(ChatStyle, "_private", private)
    with pytest.raises(AssertionError, match="does not begin with the one before"):
        test_prompts_grow_on_when_somebody_leaves_who_could_be_written_to("chat")
    prompts_only_grow.broken.clear()


def test_every_test_fails_where_a_style_does_not_grow(
    prompts_only_grow: Growth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The turn's number at the head of the prompt: the check of all tests stops the episode, and says so again at the end."""

    def counting(self: ChatStyle, view: SeatView) -> list[Message]:
        return [Message("system", f"It is turn {view.turn}."), *messages(self, view)]

    messages = ChatStyle.messages
    monkeypatch.setattr(ChatStyle, "messages", counting)
    with pytest.raises(AssertionError, match=r"/s0: .* message 0, system, character 11: it was '1\.' and is '3\.'"):
        play(task(("Ana", "Bo")), following(SCRIPTS["demo"]))
    assert len(prompts_only_grow.broken) == 1
    prompts_only_grow.broken.clear()


def test_the_check_of_every_test_knows_episodes_and_styles_apart() -> None:
    growth, hello, bye = Growth(), [Message("user", "hello")], [Message("user", "bye")]
    for session, style, messages in (("e/a", "chat", hello), ("e/b", "chat", bye), ("e/a", "transcript", bye)):
        growth.note(session, style, messages)
    growth.note("/a", "chat", hello)
    growth.note("/a", "chat", bye)
    growth.note("e/a", "chat", [*hello, *bye])
    for worse in ([], hello, [*bye, *hello], [Message("system", "hello"), *bye]):
        with pytest.raises(AssertionError, match="e/a: a prompt does not begin"):
            growth.note("e/a", "chat", worse)
        growth = Growth()
        growth.note("e/a", "chat", [*hello, *bye])


def test_the_check_fails_where_another_prompt_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = iter(range(100))
    monkeypatch.setattr(ChatStyle, "messages", lambda self, view: [Message("user", f"{next(odd)}")])
    with pytest.raises(AssertionError, match="another prompt was sent"):
        now(LLMAgent(following(SCRIPTS["demo"])).act(view(Environment().reset(task(), seed=0), "s0")))


def test_the_check_fails_where_a_reask_stays() -> None:
    model = following(SCRIPTS["demo"])
    play(task(("Ana", "Bo"), turns=4), model)
    first = model.asked[0]
    model.asked.insert(
        1, first._replace(messages=(*first.messages, Message("assistant", "no"), Message("user", "well?")))
    )
    with pytest.raises(AssertionError, match="does not begin with the one before"):
        assert_prompts_grow(model)
