"""A model that keeps every prompt it is sent, and the check that the prompts of a seat only grow. For any test that plays an episode."""

import itertools
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from comity.agents.styles import style_named
from comity.models.protocol import Completion, Message, Sampling, Schema
from comity.models.scripted import Script

__all__ = ["Asked", "Growth", "RecordingModel", "assert_grown", "assert_prompts_grow", "following"]


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


_REASKS = tuple(
    style_named(name).template.texts["reask"].partition("{")[0] for name in ("chat", "transcript", "compact")
)


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
        for before, after in itertools.pairwise(model.prompts(session)):
            assert_grown(session, before, after)
            compared += 1
    return compared


class Growth:
    """The check for prompts that come one by one, of any number of episodes."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], tuple[Message, ...]] = {}
        self.broken: list[AssertionError] = []
        """Every error raised, so that none is lost where somebody catches it."""

    def anew(self) -> None:
        """Episodes of the ids seen so far are played again from their beginning, in another store."""
        self._last.clear()

    def note(self, session: str, style: str, messages: Sequence[Message]) -> None:
        """The next prompt of a seat. Raises where it does not begin with the one before; a view of no episode has none."""
        if session.startswith("/"):
            return
        before = self._last.get((session, style), ())
        self._last[session, style] = tuple(messages)
        try:
            assert_grown(session, before, messages)
        except AssertionError as error:
            self.broken.append(error)
            raise


def assert_grown(session: str, before: Sequence[Message], after: Sequence[Message]) -> None:
    """A prompt begins with the one before, message by message; the last one may have grown if it is still the last."""
    last_grew = len(before) == len(after) > 0 and before[-1].role == after[-1].role
    if last_grew and after[-1].content.startswith(before[-1].content):
        before, after = before[:-1], after[:-1]
    if tuple(after[: len(before)]) != tuple(before):
        raise AssertionError(f"{session}: a prompt does not begin with the one before: {_difference(before, after)}")


def _difference(before: Sequence[Message], after: Sequence[Message]) -> str:
    for at, (old, new) in enumerate(zip(before, after, strict=False)):
        if old.role != new.role:
            return f"message {at} was the {old.role}'s and is the {new.role}'s"
        if old != new:
            same = _shared(old.content, new.content)
            was, now = old.content[same : same + 200], new.content[same : same + 200]
            return f"message {at}, {old.role}, character {same}: it was {was!r} and is {now!r}"
    return f"it had {len(before)} messages and has {len(after)}"


def _shared(old: str, new: str) -> int:
    """How many characters the texts begin with in common."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (was, now) in pairs if was != now), min(len(old), len(new)))
