"""One question's way from the event loop to the engine's thread and back, with its text as it comes."""

import asyncio
from collections.abc import Callable, Sequence

from llguidance import LLMatcher

from comity.models.in_process.engine import Reply, Request
from comity.models.in_process.sampling import Way
from comity.models.in_process.worker import Worker
from comity.models.protocol import ModelError

__all__ = ["answered"]


async def answered(
    worker: Worker,
    prompt: Sequence[int],
    way: Way,
    limit: int,
    *,
    matcher: LLMatcher | None,
    decode: Callable[[Sequence[int]], str],
    stream: Callable[[str], None] | None,
) -> Reply:
    """The reply. Whoever is cancelled while waiting leaves its row. Raises `ModelError`."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Reply] = loop.create_future()

    def settle(result: Reply | ModelError) -> None:
        if future.done():
            return
        if isinstance(result, ModelError):
            future.set_exception(result)
        else:
            future.set_result(result)

    def on_loop(call: Callable[..., None], *args: object) -> None:
        try:
            loop.call_soon_threadsafe(call, *args)
        except RuntimeError:
            if not loop.is_closed():  # else whoever asked is gone with the loop
                raise

    pieces = None if stream is None else _Pieces(decode, lambda piece: on_loop(stream, piece))
    hear = None if pieces is None else pieces.hear
    request = Request(prompt, way, limit, lambda result: on_loop(settle, result), matcher, hear)
    worker.submit(request)
    try:
        reply = await future
    finally:
        request.cancelled = True
    if pieces is not None and stream is not None and (rest := pieces.rest(reply.tokens)):
        stream(rest)
    return reply


class _Pieces:
    """Text as it grows: a character whose bytes are spread over tokens is told once, when it is whole."""

    def __init__(self, decode: Callable[[Sequence[int]], str], tell: Callable[[str], None]) -> None:
        self._decode, self._tell, self._told = decode, tell, 0

    def hear(self, tokens: Sequence[int]) -> None:
        """All tokens so far."""
        text = self._decode(tokens)
        if not text.endswith("\N{REPLACEMENT CHARACTER}") and len(text) > self._told:
            self._tell(text[self._told :])
            self._told = len(text)

    def rest(self, tokens: Sequence[int]) -> str:
        """What of the whole reply was not told: a character that the reply broke off in."""
        return self._decode(tokens)[self._told :]
