"""Asking, and asking once more: what counts as an answer."""

import json
from collections.abc import Callable, Sequence

import pytest

from comity.models.asking import Answer, ask
from comity.models.protocol import Completion, ContextExceeded, Message, Sampling, Schema
from comity.models.replies import UnusableReply, read_object

pytestmark = pytest.mark.anyio

SCHEMA = Schema("word", {"type": "object"})


class Replies:
    """A model that gives these replies in turn, and keeps what it was sent."""

    name = "replies"

    def __init__(self, *replies: tuple[str, str] | Exception) -> None:
        self._replies = list(replies)
        self.sent: list[Sequence[Message]] = []

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None,
        sampling: Sampling,
        session: str,
        stream: Callable[[str], None] | None = None,
    ) -> Completion:
        self.sent.append(messages)
        reply = self._replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return Completion(text=reply[0], finish_reason=reply[1], seconds=0.0, completion_tokens=9)

    async def aclose(self) -> None: ...


def read(text: str) -> tuple[str, str]:
    found, repaired = read_object(text)
    if not isinstance(found.get("word"), str):
        raise UnusableReply("there is no word")
    return str(found["word"]), repaired


async def asked(model: Replies) -> Answer[str]:
    question = [Message("user", "A word?")]
    return await ask(
        model, question, read, lambda p: f"Again: {p}", schema=SCHEMA, sampling=lambda n: Sampling(seed=n), session="s"
    )


GOOD = (json.dumps({"word": "yes"}), "stop")


async def test_a_good_reply_is_one_call() -> None:
    answer = await asked(Replies(GOOD))
    assert (answer.value, answer.problem, [call.outcome for call in answer.calls]) == ("yes", None, ["ok"])


async def test_what_was_cut_off_is_asked_for_again_and_never_mended() -> None:
    model = Replies(('{"word": "I think we sho', "length"), GOOD)
    answer = await asked(model)
    assert answer.value == "yes"
    assert [call.outcome for call in answer.calls] == ["unusable", "ok"]
    assert "cut off after 9 tokens" in answer.calls[0].problem
    assert [message.content for message in model.sent[1]][1:] == ["(too long)", f"Again: {answer.calls[0].problem}"]


async def test_a_whole_object_counts_also_where_the_text_after_it_was_cut_off() -> None:
    answer = await asked(Replies(('{"word": "yes"} and moreover', "length")))
    assert (answer.value, answer.calls[0].outcome) == ("yes", "repaired")


async def test_the_first_object_is_the_answer_whatever_the_model_adds() -> None:
    answer = await asked(Replies(('{"word": "120"}\n{"word": "I accept your offer"}', "stop")))
    assert answer.value == "120"


@pytest.mark.parametrize("thoughts", ['<think>Draft: {"word": "secret"} no.', '  <think>{"word": "secret"}'])
async def test_thoughts_that_do_not_end_are_no_answer(thoughts: str) -> None:
    answer = await asked(Replies((thoughts, "stop"), GOOD))
    assert answer.value == "yes"
    assert "reasoning" in answer.calls[0].problem


async def test_thoughts_that_end_are_left_out() -> None:
    answer = await asked(Replies(('<think>{"word": "secret"}</think>\n{"word": "yes"}', "stop")))
    assert (answer.value, answer.calls[0].outcome) == ("yes", "repaired")


async def test_after_two_unusable_replies_the_problem_is_the_answer() -> None:
    answer = await asked(Replies(("no", "stop"), ('{"verb": "go"}', "stop")))
    assert answer.value is None
    assert str(answer.problem) == "there is no word"
    assert [call.attempt for call in answer.calls] == [1, 2]


async def test_a_prompt_that_does_not_fit_is_a_problem_and_keeps_the_calls_before_it() -> None:
    answer = await asked(Replies(("no", "stop"), ContextExceeded("too many tokens")))
    assert isinstance(answer.problem, ContextExceeded)
    assert len(answer.calls) == 1
