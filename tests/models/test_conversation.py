"""A prompt's hash and length, whole or grown."""

import hashlib

from hypothesis import example, given
from hypothesis import strategies as st

from comity.models.conversation import Prompt
from comity.models.protocol import Message

messages = st.builds(Message, st.sampled_from(["user", "assistant"]), st.text("xy 1é\n\ud83d\ude00", max_size=12))
prompts = st.lists(messages, max_size=3)


def test_the_hash_is_of_role_length_and_content() -> None:
    said = Prompt([Message("system", "é"), Message("user", "\ud83d")])
    assert said.hash == hashlib.sha256(b"system 1\n\xc3\xa9\nuser 1\n\xed\xa0\xbd\n").hexdigest()
    assert Prompt([Message("user", "x")]).hash != Prompt([Message("system", "x")]).hash


@given(prompts, prompts)
@example([Message("user", "x\nuser 1\ny")], [Message("user", "x"), Message("user", "y")])
@example([Message("user", "x"), Message("user", "")], [Message("user", "x\nuser 0\n")])
def test_no_two_prompts_are_hashed_alike(one: list[Message], other: list[Message]) -> None:
    assert (Prompt(one).hash == Prompt(other).hash) == (one == other)


@given(prompts, prompts, prompts)
def test_a_prompt_that_grew_is_the_one_made_whole(
    one: list[Message], more: list[Message], other: list[Message]
) -> None:
    begun = Prompt(one)
    grown, beside = begun.then(*more), begun.then(*other)  # two that go on from one leave each other alone
    for prompt, made in ((begun, one), (grown, [*one, *more]), (beside, [*one, *other])):
        assert list(prompt) == made
        assert prompt.hash == Prompt(made).hash
        assert prompt.characters == sum(len(message.content) for message in made)


def test_a_prompt_is_taken_as_it_is() -> None:
    prompt = Prompt([Message("user", "x")])
    assert Prompt.of(prompt) is prompt
    assert Prompt.of([*prompt]) == prompt
