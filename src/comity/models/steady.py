"""A model that is asked again when its server fails, never more than the server bears: the one layer of retries.

Only faults of the infrastructure are retried. What the model says, and what the server refuses for good, goes through as it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import stamina
from pydantic import Field

from comity.models.endpoints import Endpoint, GaveUp
from comity.models.protocol import (
    BadReply,
    ChatModel,
    Completion,
    Message,
    ModelError,
    Overloaded,
    Sampling,
    Schema,
    ServerFailed,
    Unreachable,
)
from comity.world.record import Record

__all__ = ["Retries", "Steady"]

_FAULTS = (Unreachable, Overloaded, ServerFailed, BadReply)


class Retries(Record):
    """How often a call is tried, and how long between. The pauses double, with a random part, up to the longest."""

    attempts: int = Field(default=6, ge=1)
    """All of them, the first included. Those that fail while the whole server is out do not count."""
    wait_initial: float = Field(default=0.5, gt=0)
    """Seconds before the second attempt, and as much again at most by chance."""
    wait_max: float = Field(default=60.0, gt=0)
    """Seconds between two attempts at most."""


class Steady:
    """A model whose calls wait for their endpoint's leave and are tried again after faults of the infrastructure.

    `Unreachable`, `Overloaded`, `ServerFailed` and `BadReply` are faults; every other error passes through at once. The last fault
    passes through after all attempts. While the endpoint takes the server to be out, a call waits there for as long as the
    endpoint's patience lasts, and trying whether it is back costs no attempts. A `Retry-After` is honoured by the endpoint.

    A call whose `stream` has heard anything is not tried again: the second reply would be another, and whoever listens would
    hear words that nobody said. Its fault passes through, and the caller asks again when it sees fit.
    """

    def __init__(self, model: ChatModel, endpoint: Endpoint, retries: Retries | None = None) -> None:
        self._model, self._endpoint, self._retries = model, endpoint, retries or Retries()

    @property
    def name(self) -> str:
        """The wrapped model's."""
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
        """Answer; see `ChatModel`. Raises `GaveUp` when the server has been out for longer than the endpoint's patience."""
        listener = None if stream is None else _Listener(stream)
        call = _Call(self._model, self._endpoint, messages, schema, sampling, session, listener)
        try:
            return await call.attempt()
        except _FAULTS as fault:
            if not call.may_repeat(fault):
                raise
            first = fault
        return await self._again(call, first)

    async def aclose(self) -> None:
        """Close the wrapped model."""
        await self._model.aclose()

    async def _again(self, call: "_Call", first: ModelError) -> Completion:
        """Every attempt after the first. stamina is told of that one, but did not take part in it: it costs more than the rest of this file."""
        async for attempt in stamina.retry_context(
            on=call.may_repeat,
            attempts=self._retries.attempts,
            timeout=None,
            wait_initial=self._retries.wait_initial,
            wait_max=self._retries.wait_max,
            wait_jitter=self._retries.wait_initial,
        ):
            with attempt:
                if attempt.num == 1:
                    raise first
                return await call.attempt()
        raise AssertionError("stamina ends with a result or an error")


@dataclass(slots=True)
class _Call:
    """One call, to be made as often as it takes."""

    model: ChatModel
    endpoint: Endpoint
    messages: Sequence[Message]
    schema: Schema | None
    sampling: Sampling
    session: str
    listener: "_Listener | None"

    async def attempt(self) -> Completion:
        """One attempt, and as many more as find the server out."""
        while True:
            try:
                async with self.endpoint.place(self.messages, self.sampling) as place:
                    return place.done(
                        await self.model.complete(
                            self.messages,
                            schema=self.schema,
                            sampling=self.sampling,
                            session=self.session,
                            stream=self.listener,
                        )
                    )
            except _FAULTS as fault:
                if not self.endpoint.is_out or not self.may_repeat(fault):
                    raise

    def may_repeat(self, fault: Exception) -> bool:
        heard = self.listener is not None and self.listener.heard
        return isinstance(fault, _FAULTS) and not isinstance(fault, GaveUp) and not heard


@dataclass(slots=True)
class _Listener:
    """Passes pieces on and knows whether there was one."""

    stream: Callable[[str], None]
    heard: bool = False

    def __call__(self, piece: str) -> None:
        self.heard = True
        self.stream(piece)
