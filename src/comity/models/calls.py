"""The record of one call, made from what was sent and what came back. Agents and judges keep the same one."""

from collections.abc import Sequence
from typing import Literal

from comity.models.conversation import Prompt
from comity.models.protocol import ChatModel, Completion, Message
from comity.world.events import Call

__all__ = ["recorded"]


def recorded(
    model: ChatModel,
    messages: Sequence[Message],
    completion: Completion,
    attempt: int,
    outcome: Literal["ok", "unusable"],
    problem: str = "",
) -> Call:
    """The call as it is kept: the reply whole, the prompt by its hash and length in characters.

    A usable reply with a problem is one that was repaired.
    """
    prompt = Prompt.of(messages)
    return Call(
        model=model.name,
        attempt=attempt,
        outcome="repaired" if outcome == "ok" and problem else outcome,
        text=completion.text,
        problem=problem,
        prompt_hash=prompt.hash,
        prompt_chars=prompt.characters,
        constrained=completion.constrained,
        finish_reason=completion.finish_reason,
        prompt_tokens=completion.prompt_tokens,
        cached_tokens=completion.cached_tokens,
        completion_tokens=completion.completion_tokens,
        seconds=completion.seconds,
        first_token_seconds=completion.first_token_seconds,
        served_by=completion.model,
        from_cache=completion.from_cache,
    )
