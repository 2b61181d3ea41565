"""A model that keeps every prompt it is sent, and the check that the prompts of a seat only grow. For any test that plays an episode."""

import itertools
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from comity.agents.styles import style_named
from comity.models.protocol import Completion, Message, Sampling, Schema
from comity.models.scripted import Script

__all__ = ["Asked", "RecordingModel", "assert_prompts_grow", "following"]


class Asked(NamedTuple):
    """One call of the model."""

    session: str
    messages: tuple[Message, ...]
    schema: Schema | None
    sampling: Sampling

    @property
    def text(self) -> str:
        """All that was sent as messages."""
        return "\n".join(message.content for message in self.messages)

    @property
    def again(self) -> bool:
        """Whether this is a re-ask: a side branch, which later prompts do not continue."""
        return self.messages[-1].content.startswith(_REASKS)


_REASKS = tuple(style_named(name).template.texts["reask"].partition("{")[0] for name in ("chat", "transcript"))


class RecordingModel:
    """Answers with a function of what is asked and keeps all of it."""

    def __init__(self, answer: Callable[[Asked], str]) -> None:
        self._answer = answer
        self.asked: list[Asked] = []
        """Every call, re-asks included, in order."""

    @property
    def name(self) -> str:
        """Goes into records."""
        return "recording"

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None,
        sampling: Sampling,
        session: str,
        stream: Callable[[str], None] | None = None,
    ) -> Completion:
        """Keep the call and answer it."""
        started = time.perf_counter()
        asked = Asked(session, tuple(messages), schema, sampling)
        self.asked.append(asked)
        text = self._answer(asked)
        if stream is not None:
            stream(text)
        return Completion(text=text, finish_reason="stop", seconds=time.perf_counter() - started)

    async def aclose(self) -> None:
        """Nothing to release."""

    def prompts(self, session: str) -> list[tuple[Message, ...]]:
        """The prompts of a session in order, without its re-asks."""
        return [asked.messages for asked in self.asked if asked.session == session and not asked.again]

    @property
    def sessions(self) -> list[str]:
        """The sessions of seats, in order of appearance; a judge's is none of them."""
        return list(dict.fromkeys(a.session for a in self.asked if not a.session.endswith("/judge")))


def following(script: Script) -> RecordingModel:
    """A recording model that answers by a script of `comity.models.scripted`."""
    return RecordingModel(lambda asked: script(asked.messages, asked.schema, asked.sampling))


def assert_prompts_grow(model: RecordingModel) -> int:
    """Every prompt of a seat but its first begins with the whole of its previous one. Gives the number of pairs compared."""
    compared = 0
    for session in model.sessions:
        prompts = model.prompts(session)
        for before, after in itertools.pairwise(prompts):
            assert _begins_with(after, before), (
                f"{session}: a prompt does not begin with the one before:\n{before}\n{after}"
            )
            compared += 1
    return compared


def _begins_with(after: Sequence[Message], before: Sequence[Message]) -> bool:
    """Message by message, where the last one may have grown if it is still the last."""
    if len(after) > len(before):
        return tuple(after[: len(before)]) == tuple(before)
    last, grown = before[-1], after[-1]
    same = len(after) == len(before) and tuple(after[:-1]) == tuple(before[:-1]) and last.role == grown.role
    return same and grown.content.startswith(last.content)
