"""Asking a model for something that can be read, and once more with the problem when it cannot. Agents and judges ask alike.

The second ask is a side branch: whoever asks next renders a prompt that never holds it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from comity.models.calls import recorded
from comity.models.prompts import inert
from comity.models.protocol import ChatModel, Completion, ContextExceeded, Message, Sampling, Schema
from comity.models.replies import UnusableReply, is_whole
from comity.world.events import Call

__all__ = ["Answer", "ask"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What was read, or why nothing could be; and every call that was answered."""

    value: T | None
    problem: UnusableReply | ContextExceeded | None
    calls: tuple[Call, ...]


async def ask(
    model: ChatModel,
    messages: Sequence[Message],
    read: Callable[[str], tuple[T, str]],
    reask: Callable[[str], str],
    *,
    schema: Schema | None,
    sampling: Callable[[int], Sampling],
    session: str,
    listen: Callable[[int], Callable[[str], None] | None] = lambda attempt: None,
) -> Answer[T]:
    """Ask, twice at most.

    Args:
        read: from a reply to what it says and what had to be repaired; raises `UnusableReply`.
        reask: from the problem to what is said before the second ask.
        sampling, listen: by attempt, 1 or 2.

    Raises `ModelError` when the model cannot be asked, but for a prompt that does not fit: that is a problem of the asker's.
    """
    calls: list[Call] = []
    while True:
        attempt = len(calls) + 1
        try:
            completion = await model.complete(
                messages, schema=schema, sampling=sampling(attempt), session=session, stream=listen(attempt)
            )
        except ContextExceeded as problem:
            return Answer(None, problem, tuple(calls))
        try:
            value, repaired = _read_whole(completion, read)
        except UnusableReply as problem:
            calls.append(recorded(model, messages, completion, attempt, "unusable", str(problem)))
            if attempt == 2:
                return Answer(None, problem, tuple(calls))
            messages = [*messages, _echo(completion), Message("user", reask(str(problem)))]
        else:
            calls.append(recorded(model, messages, completion, attempt, "ok", repaired))
            return Answer(value, None, tuple(calls))


def _read_whole(completion: Completion, read: Callable[[str], tuple[T, str]]) -> tuple[T, str]:
    """Read a reply, unless it was cut off: half a sentence mended into a whole one is not what was meant."""
    if completion.finish_reason == "length" and not is_whole(completion.text):
        spent = f" after {completion.completion_tokens} tokens" if completion.completion_tokens else ""
        raise UnusableReply(f"it was cut off{spent}; answer more briefly")
    return read(completion.text)


def _echo(completion: Completion) -> Message:
    """The model's own reply, shown to it again; a ruin that filled its room is left out."""
    if completion.finish_reason == "length":
        return Message("assistant", "(too long)")
    return Message("assistant", inert(completion.text) if completion.text.strip() else "(nothing)")
