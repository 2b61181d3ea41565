"""Models around the client that the benchmarks measure with: one that lets all episodes take each turn together, one that notes prompts."""

import time
from collections.abc import Callable, Sequence

import anyio

from comity.models.protocol import ChatModel, Completion, Message, Sampling, Schema

__all__ = ["Lockstep", "Noted"]


class Lockstep:
    """Holds every call until so many have come, then lets all go; notes the process's CPU time at each such moment."""

    def __init__(self, model: ChatModel, parties: int) -> None:
        self._model, self._parties = model, parties
        self._gate, self._waiting = anyio.Event(), 0
        self.marks: list[float] = []
        """CPU seconds of this process when all had come, turn by turn."""

    @property
    def name(self) -> str:
        """The model's own."""
        return self._model.name

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None,
        sampling: Sampling,
        session: str,
        stream: Callable[[str], None] | None = None,
    ) -> Completion:
        """Answer; see `ChatModel`."""
        self._waiting += 1
        if self._waiting == self._parties:
            self.marks.append(time.process_time())
            opened, self._gate, self._waiting = self._gate, anyio.Event(), 0
            opened.set()
        else:
            await self._gate.wait()
        return await self._model.complete(messages, schema=schema, sampling=sampling, session=session, stream=stream)

    async def aclose(self) -> None:
        """Close the model."""
        await self._model.aclose()


class Noted:
    """Notes what is asked, as text, by session."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model
        self.prompts: dict[str, list[str]] = {}

    @property
    def name(self) -> str:
        """The model's own."""
        return self._model.name

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None,
        sampling: Sampling,
        session: str,
        stream: Callable[[str], None] | None = None,
    ) -> Completion:
        """Answer; see `ChatModel`."""
        text = "".join(f"\0{message.role}\0{message.content}" for message in messages)
        self.prompts.setdefault(session, []).append(text)
        return await self._model.complete(messages, schema=schema, sampling=sampling, session=session, stream=stream)

    async def aclose(self) -> None:
        """Close the model."""
        await self._model.aclose()
