"""An agent that is a model: a usable reply is played, an unusable one asked for once more, and what fails fails by name."""

from itertools import pairwise

import pytest
from worlds import NOTHING, Replies, flat, opened, played, reply, say, task

from comity.agents.llm import LLMAgent
from comity.models.conversation import Prompt
from comity.models.protocol import ContextExceeded, Sampling, Unreachable
from comity.models.scripted import scripted
from comity.simulate import simulate
from comity.world.actions import Action, ActionType
from comity.world.environment import EndReason
from comity.world.events import Failure
from comity.world.record import content_hash, derive_seed
from comity.world.scenarios import TurnOrder
from comity.world.tasks import Task
from comity.world.views import SeatView, view

pytestmark = pytest.mark.anyio
JUNK = "I am only a language model, and this is not JSON."


def first_view(of: Task | None = None) -> SeatView:
    return view(opened(of or task()), "a", episode="e")


def failing(*replies: str | Exception) -> Replies:
    return Replies(*replies, AssertionError("asked too often"))


@pytest.mark.parametrize(("style", "text"), [("chat", reply("speak", "hi")), ("transcript", '{"Ana": "hi"}')])
async def test_a_usable_reply_is_played_and_its_call_recorded(style: str, text: str) -> None:
    model = failing(text)
    acted = await LLMAgent(model, style=style).act(first_view())
    assert acted.action == say("hi")
    (call,) = acted.calls
    (asked,) = model.asked
    assert (call.outcome, call.problem, call.attempt, call.text, call.model) == ("ok", "", 1, text, "replies")
    assert call.prompt_hash == Prompt(list(asked.messages)).hash
    assert call.prompt_chars == sum(len(message.content) for message in asked.messages)
    assert asked.session == "e/a"
    assert asked.schema is not None


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ("chat", '```json\n{"action_type": "speak", "argument": "hi"}\n```'),
        ("chat", 'Sure! {"action_type": "speak", "argument": "hi",}'),
        ("chat", '{"action_type": "speak", "argument": "hi'),
        ("chat", "{'action_type': 'speak', 'argument': 'hi'}"),
        ("transcript", '{"Ana": "hi'),
        ("transcript", 'Ana thinks. {"Ana": "hi"} and that is it.'),
    ],
)
async def test_broken_json_is_repaired_and_counted(style: str, text: str) -> None:
    acted = await LLMAgent(failing(text), style=style).act(first_view())
    assert acted.action == say("hi")
    assert [call.outcome for call in acted.calls] == ["repaired"]
    assert acted.calls[0].problem.startswith("not valid JSON")
    assert acted.calls[0].text == text


@pytest.mark.parametrize("style", ["chat", "transcript", "compact"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n",
        JUNK,
        JUNK * 200,
        "null",
        "[]",
        "{}",
        "3",
        '{"thought": "hm"}',
        '{"action_type": null, "argument": "hi"}',
        '{"action_type": 5, "argument": "hi"}',
        '{"action_type": "shout", "argument": "hi"}',
        '{"action_type": "speak", "argument": ""}',
        '{"action_type": "speak", "argument": ["hi"]}',
        '{"action_type": "speak"}',
        '{"Ana": ""}',
        '{"Ana": 3}',
        '{"Ben": "I am not Ben"}',
        "[" * 10_000,
        '{"a":' * 10_000,
        "{" * 10_000,
    ],
)
async def test_an_unusable_reply_is_asked_for_once_more(style: str, text: str) -> None:
    model = failing(text, reply("speak", "sorry"))
    acted = await LLMAgent(model, style=style).act(first_view())
    assert acted.action == say("sorry")
    assert [(call.attempt, call.outcome) for call in acted.calls] == [(1, "unusable"), (2, "ok")]
    assert acted.calls[0].text == text
    first, second = (asked.messages for asked in model.asked)
    assert second[: len(first)] == first
    shown, told = second[len(first) :]
    assert shown.role == "assistant"
    assert shown.content
    assert told.role == "user"
    assert acted.calls[0].problem in told.content


@pytest.mark.parametrize("style", ["chat", "transcript", "compact"])
async def test_a_second_unusable_reply_is_the_agents_failure(style: str) -> None:
    acted = await LLMAgent(failing(JUNK, ""), style=style).act(first_view())
    assert acted.action == Failure(kind="unusable_reply", detail="it is empty")
    assert [call.outcome for call in acted.calls] == ["unusable", "unusable"]


@pytest.mark.parametrize("style", ["chat", "transcript", "compact"])
async def test_a_failure_ends_the_episode_with_both_calls_on_its_event(style: str) -> None:
    agents = {"a": LLMAgent(Replies(reply())), "b": LLMAgent(Replies(JUNK), style=style)}
    episode = await simulate(task(), agents)
    assert episode.end is not None
    assert (episode.end.reason, episode.end.seat) == (EndReason.AGENT_FAILURE, "b")
    assert episode.events[-1].failure == Failure(kind="unusable_reply", detail="it holds no JSON object")
    assert len(episode.events[-1].trace.calls) == 2


@pytest.mark.parametrize(
    ("of", "text", "detail"),
    [
        (task(actions=[ActionType.SPEAK]), reply("leave", ""), "'leave' is not possible now; allowed: speak"),
        (task(), reply("speak", "psst", to=["Ben"]), "private messages are not possible here"),
        (task("Ana", "Ben", "Cai", private=True), reply("speak", "psst", to=["Bob"]), "it can go to: Ben, Cai"),
        (task("Ana", "Ben", private=True), reply("speak", "psst", to="Ana"), "it can go to: Ben"),
        (task(), reply("speak", "x" * 40_000), "40,000 characters; at most 32,768"),
    ],
)
async def test_an_action_that_is_not_allowed_twice_is_an_illegal_action(of: Task, text: str, detail: str) -> None:
    model = failing(text, text)
    acted = await LLMAgent(model).act(first_view(of))
    assert isinstance(acted.action, Failure)
    assert acted.action.kind == "illegal_action"
    assert detail in acted.action.detail
    assert detail in model.asked[1].messages[-1].content


@pytest.mark.parametrize("kind", ["SPEAK", " Speak ", "speak\n"])
async def test_the_case_of_an_action_type_does_not_matter(kind: str) -> None:
    assert (await LLMAgent(failing(reply(kind, "hi"))).act(first_view())).action == say("hi")


async def test_recipients_may_be_one_name_in_any_case() -> None:
    of = task("Ana", "Ben", "Cai", private=True)
    for to in ("BEN", ["ben "], ["Ben", "Ben"]):
        acted = await LLMAgent(failing(reply("speak", "psst", to=to))).act(first_view(of))
        assert acted.action == say("psst", "b")


async def test_words_that_come_with_doing_nothing_are_dropped() -> None:
    assert (await LLMAgent(failing(reply("none", "..."))).act(first_view())).action == NOTHING


@pytest.mark.parametrize("style", ["chat", "transcript", "compact"])
async def test_a_reply_of_ten_thousand_characters_is_kept_whole(style: str) -> None:
    words = 'So, äh… "quoted" <b>bold</b> <3 \\ 王 😀\n' * 250
    acted = await LLMAgent(failing(reply("speak", words)), style=style).act(first_view())
    assert acted.action == say(words)


@pytest.mark.parametrize("style", ["chat", "transcript", "compact"])
async def test_half_a_character_is_replaced_so_that_the_episode_can_be_written(style: str) -> None:
    text = r'{"action_type": "speak", "argument": "hi \ud83d there \ud83d\ude00"}'
    episode = await simulate(
        task(turns=2), {"a": LLMAgent(Replies(text), style=style), "b": LLMAgent(Replies(reply()))}
    )
    assert episode.events[0].action == say("hi \ufffd there 😀")
    assert type(episode).model_validate_json(episode.model_dump_json()) == episode


@pytest.mark.parametrize("before", [(), (JUNK,)])
async def test_a_prompt_that_does_not_fit_is_the_agents_failure(before: tuple[str, ...]) -> None:
    acted = await LLMAgent(failing(*before, ContextExceeded("too long by 7"))).act(first_view())
    assert acted.action == Failure(kind="context_length", detail="too long by 7")
    assert len(acted.calls) == len(before)


async def test_a_model_that_cannot_be_asked_is_not_a_failure() -> None:
    with pytest.raises(Unreachable):
        await LLMAgent(failing(Unreachable("down"))).act(first_view())


async def test_the_sampling_seed_differs_by_turn_and_seat_and_attempt_and_is_reproducible() -> None:
    states = [opened(task()), played(opened(task()), say()), opened(task(), seed=1)]
    drawn: list[int | None] = []
    for _ in range(2):
        for state in states:
            for seat in "ab":
                model = failing(JUNK, JUNK)
                await LLMAgent(model, sampling=Sampling(temperature=0.3, seed=99)).act(view(state, seat))
                assert all(asked.sampling.temperature == 0.3 for asked in model.asked)
                drawn += [asked.sampling.seed for asked in model.asked]
    assert drawn[:12] == drawn[12:]
    assert len(set(drawn)) == 12
    assert drawn[0] == derive_seed(view(states[0], "a").seed, 1)


async def test_the_policy_says_who_plays_and_how() -> None:
    policy = LLMAgent(Replies(reply()), sampling=Sampling(temperature=0.5, seed=3, extra={"min_p": 0.1})).policy
    assert (policy.agent, policy.model, policy.style) == ("llm", "replies", "chat@2")
    assert dict(policy.sampling) == {"temperature": 0.5, "max_tokens": 1024, "extra": {"min_p": 0.1}}
    other = LLMAgent(Replies(reply()), style="transcript").policy
    assert other.style == "transcript@2"
    assert other.prompt_hash != policy.prompt_hash


@pytest.mark.parametrize(
    ("style", "was"),
    [
        ("chat", "a5c61cfebe4fb6541e3a432405736cd60272320ea54bcd975bdd39b85bdce1ff"),
        ("transcript", "734934a2b4f527aa3c529c32ab0c7a02c785c25d489afe2a4b492453e305b90e"),
    ],
)
def test_policies_from_before_replies_could_be_free_are_what_they_were(style: str, was: str) -> None:
    """Ids of episodes are made of them. A change of the prompts changes these, and raises their version."""
    sampling = Sampling(temperature=0.5, max_tokens=99)
    assert content_hash(LLMAgent(scripted("demo"), style=style, sampling=sampling).policy) == was


@pytest.mark.parametrize("style", ["chat", "transcript", "compact"])
async def test_free_replies_are_asked_for_without_a_schema_and_on_record(style: str) -> None:
    model = failing(JUNK, reply("speak", "hi"))
    agent = LLMAgent(model, style=style, sampling=Sampling(constrained=False))
    acted = await agent.act(first_view())
    assert acted.action == say("hi")
    assert [asked.schema for asked in model.asked] == [None, None]
    assert agent.policy.sampling["constrained"] is False
    assert Sampling.model_validate(agent.policy.sampling) == Sampling(constrained=False)


def test_an_unknown_style_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="unknown prompt style 'chta'; there are: chat, transcript, compact"):
        LLMAgent(Replies(reply()), style="chta")


async def test_who_listens_hears_the_words_grow_attempt_by_attempt() -> None:
    heard: list[tuple[int, int, str]] = []
    agent = LLMAgent(
        Replies(reply("shout", "no"), reply("speak", "Hi 😀")),
        hear=lambda v, n, words: heard.append((v.turn, n, words)),
    )
    await agent.act(first_view())
    assert {words for _, attempt, words in heard if attempt == 1} == {"n", "no"}
    said = [words for _, attempt, words in heard if attempt == 2]
    assert said[-1] == "Hi 😀"
    assert all(after.startswith(before) for before, after in pairwise(said))
    assert {turn for turn, _, _ in heard} == {1}


async def test_a_reply_is_streamed_only_to_who_listens() -> None:
    model = Replies(reply())
    await LLMAgent(model).act(first_view())
    await LLMAgent(model, hear=lambda view, attempt, words: None).act(first_view())
    assert [asked.streamed for asked in model.asked] == [False, True]


@pytest.mark.parametrize("style", ["chat", "transcript", "compact"])
async def test_a_side_branch_is_never_in_a_later_prompt(style: str) -> None:
    model = Replies(JUNK, reply("speak", "turn one"), reply("speak", "turn three"))
    episode = await simulate(task(turns=4), {"a": LLMAgent(model, style=style), "b": LLMAgent(Replies(reply()))})
    assert [len(event.trace.calls) for event in episode.events] == [2, 1, 1, 1]
    first, branch, later = (flat(asked.messages) for asked in model.asked)
    assert JUNK in branch
    assert branch.startswith(first)
    assert JUNK not in later
    assert "could not be used" not in later
    assert later.startswith(first)


@pytest.mark.parametrize("order", TurnOrder)
@pytest.mark.parametrize("style", ["chat", "transcript", "compact"])
async def test_the_scripted_demo_plays_in_every_order_and_style(order: TurnOrder, style: str) -> None:
    of = task("Ana", "Ana", order=order)
    episode = await simulate(of, {seat: LLMAgent(scripted("demo"), style=style) for seat in "ab"})
    assert all(isinstance(event.action, Action) for event in episode.events)
    assert len(episode.events) >= 7
    assert episode.end is not None
    assert episode.end.reason is not EndReason.AGENT_FAILURE
