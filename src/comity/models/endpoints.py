"""The one place that decides how many calls are in flight at one server, and when the next may go.

It puts together the pieces that know a window, a rate and an outage, and lets callers wait in the order in which they came. It
neither makes calls nor repeats them: `steady` does. It belongs to one event loop of asyncio, as the HTTP client below it does.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType

from pydantic import Field

from comity.models.breaker import Breaker
from comity.models.conversation import Prompt
from comity.models.protocol import (
    AuthenticationFailed,
    BadReply,
    BadRequest,
    Completion,
    Message,
    ModelNotFound,
    Overloaded,
    Sampling,
    ServerFailed,
    Unreachable,
)
from comity.models.rate import Forecast, Rate
from comity.models.window import Window
from comity.world.record import Record

__all__ = ["Endpoint", "EndpointLimits", "EndpointState", "GaveUp", "Place"]

_START = 128
_FAULTS = (Unreachable, ServerFailed, BadReply)
_ANSWERS = (AuthenticationFailed, ModelNotFound, BadRequest)
"""Refusals that a working server gives."""
_SHORTEST_TIMER = 0.001


class EndpointLimits(Record):
    """What a server allows, where its user knows. `None` sets no limit."""

    in_flight: int | None = Field(default=None, ge=1)
    """Calls in flight. They start at this number and never exceed it; without it they start at 128 and grow while all is well."""
    requests_per_minute: int | None = Field(default=None, ge=1)
    tokens_per_minute: int | None = Field(default=None, ge=1)
    """Of prompts and replies together."""


@dataclass(frozen=True, slots=True)
class EndpointState:
    """How an endpoint stands, for whoever watches."""

    address: str
    in_flight: int
    waiting: int
    window: int
    """How many calls may be in flight now."""
    open_for: float | None
    """For how many seconds the server has been out; `None` while it answers."""
    next_try: float | None
    """In how many seconds the next call may go, where the server is out or asked to come again later."""
    problem: str
    """The last failure, until a call succeeds; it tells nothing of prompts."""


class GaveUp(Unreachable):
    """The server was out, or asks to be left alone, for longer than the endpoint's patience. Not worth another attempt now."""


class Endpoint:
    """Leave to call one server.

    Calls in flight are bounded by a window that grows while calls succeed and is cut to 0.7, once a round trip at most, when the
    server says 429 or 503 or does not answer in time. A `Retry-After` holds everybody back. After 8 failures with no answer between
    them, calls wait while one at a time tries, after pauses from 1 to 60 s, whether the server is back. Being refused for overload
    counts as such a failure when the window has nothing more to give up.

    Args:
        address: the server's, for messages and the display.
        limits: what the server allows.
        patience: seconds an outage may last before those who wait get `GaveUp`. Until it ends, later calls get it at once,
            but for one every minute that tries.
        clock: seconds that never jump.
    """

    def __init__(
        self,
        address: str,
        limits: EndpointLimits | None = None,
        *,
        patience: float = 1800.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        limits = limits or EndpointLimits()
        self.address = address
        self._patience, self._clock = patience, clock
        self._window = Window(limits.in_flight or _START, limits.in_flight)
        self._breaker = Breaker()
        self._requests = Rate(limits.requests_per_minute) if limits.requests_per_minute else None
        self._tokens = Rate(limits.tokens_per_minute) if limits.tokens_per_minute else None
        self._forecast = Forecast()
        self._held_until = self._spaced_until = -math.inf
        self._problem = ""
        self._in_flight = 0
        self._admitted = 0
        self._waiting: OrderedDict[Place, asyncio.Future[bool]] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_out(self) -> bool:
        """Whether the server is taken to be out, so that calls wait for one that tries."""
        return self._breaker.opened_at is not None

    def place(self, messages: Sequence[Message], sampling: Sampling) -> "Place":
        """A place for one call, to be entered and left around it: `async with endpoint.place(...) as place`.

        Entering waits for leave, in the order of asking, and raises `GaveUp`. Leaving takes note of how the call ended.
        """
        return Place(self, messages, sampling)

    def state(self) -> EndpointState:
        """How it stands now."""
        now, opened_at = self._clock(), self._breaker.opened_at
        next_try = max(self._breaker.next_try, self._held_until)
        if opened_at is None and next_try <= now:
            pause = None
        else:
            pause = 0.0 if next_try == math.inf else max(0.0, next_try - now)
        return EndpointState(
            address=self.address,
            in_flight=self._in_flight,
            waiting=len(self._waiting),
            window=int(self._window.size),
            open_for=None if opened_at is None else now - opened_at,
            next_try=pause,
            problem=self._problem,
        )

    def _opens_at(self) -> float:
        """When the next call may go; infinity where that depends on how one under way ends."""
        opens = self._held_until
        if self._breaker.opened_at is not None:
            opens = max(opens, self._breaker.next_try)
        elif not self._window.has_room(self._in_flight):
            return math.inf
        elif self._window.spacing:
            opens = max(opens, self._spaced_until)
        if self._requests is not None:
            opens = max(opens, self._requests.opens_at)
        if self._tokens is not None:
            opens = max(opens, self._tokens.opens_at)
        return opens

    def _gives_up_at(self) -> float:
        """When those who wait are sent away."""
        if self._held_until - self._clock() > self._patience:
            return -math.inf
        return math.inf if self._breaker.opened_at is None else self._breaker.opened_at + self._patience

    async def _enter(self, place: "Place") -> None:
        if not self._waiting and self._opens_at() <= self._clock():
            self._admit(place)
            return
        future = self._waiting[place] = asyncio.get_running_loop().create_future()
        self._dispatch()
        try:
            admitted = await future
        except asyncio.CancelledError:
            if self._waiting.pop(place, None) is None and not future.cancelled() and future.result():
                self._leave(place, None, None)
            raise
        if not admitted:
            raise GaveUp(self._farewell())

    def _admit(self, place: "Place") -> None:
        self._in_flight += 1
        self._admitted += 1
        place.number = self._admitted
        if self._window.spacing:
            self._spaced_until = self._clock() + self._window.spacing
        if self._breaker.opened_at is not None:
            place.probe = True
            self._breaker.probe()
        if self._requests is not None:
            self._requests.spend(self._clock(), 1)
        if self._tokens is not None:
            place.tokens = self._forecast.tokens(place.characters, place.sampling.max_tokens)
            self._tokens.spend(self._clock(), place.tokens)

    def _leave(self, place: "Place", completion: Completion | None, error: BaseException | None) -> None:
        if completion is not None:
            self._succeeded(place, completion)
        elif isinstance(error, Overloaded):
            self._overloaded(place, error)
        elif isinstance(error, _FAULTS):
            self._broke(place, error)
        elif isinstance(error, _ANSWERS):
            self._breaker.answered()
        elif place.probe:
            self._breaker.abandoned(self._clock())
        self._in_flight -= 1
        if self._waiting:
            self._dispatch()

    def _succeeded(self, place: "Place", completion: Completion) -> None:
        self._problem = ""
        if self._breaker.answered():
            self._window.restart()
        else:
            self._window.grow(self._in_flight)
        if self._tokens is not None and completion.prompt_tokens is not None:
            prompt, reply = completion.prompt_tokens, completion.completion_tokens or 0
            self._tokens.correct(prompt + reply - place.tokens)
            self._forecast.learn(place.characters, prompt, reply)

    def _overloaded(self, place: "Place", error: Overloaded) -> None:
        self._problem = str(error)
        now, one_at_a_time = self._clock(), self._window.size < 2
        self._window.cut(place.number, self._admitted, self._in_flight)
        if error.retry_after:
            self._held_until = max(self._held_until, now + error.retry_after)
            self._window.restart()
        if place.probe or one_at_a_time:
            self._breaker.failed(now, probe=place.probe)

    def _broke(self, place: "Place", error: Unreachable | ServerFailed | BadReply) -> None:
        self._problem = str(error)
        if isinstance(error.__cause__, TimeoutError):
            self._window.cut(place.number, self._admitted, self._in_flight)
        self._breaker.failed(self._clock(), probe=place.probe)

    def _dispatch(self) -> None:
        """Let in those who may go now, send away those who waited too long, and come back when that changes by itself."""
        while self._waiting and self._opens_at() <= self._clock():
            place, future = self._waiting.popitem(last=False)
            if not future.done():
                self._admit(place)
                future.set_result(True)
        if self._waiting and self._gives_up_at() <= self._clock():
            for future in self._waiting.values():
                if not future.done():
                    future.set_result(False)
            self._waiting.clear()
        self._set_timer(min(self._opens_at(), self._gives_up_at()) if self._waiting else math.inf)

    def _set_timer(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if when < math.inf:
            delay = max(_SHORTEST_TIMER, when - self._clock())
            self._timer = asyncio.get_running_loop().call_later(delay, self._dispatch)

    def _farewell(self) -> str:
        now, opened_at = self._clock(), self._breaker.opened_at
        if opened_at is None:
            return (
                f"{self.address} asks to come again in {self._held_until - now:.0f} s; the last answer: {self._problem}"
            )
        return f"{self.address} has been out for {now - opened_at:.0f} s; the last failure: {self._problem}"


class Place:
    """One call's leave. Whoever holds it hands in what came back with `done`, or lets the error pass through."""

    __slots__ = ("_completion", "_endpoint", "_messages", "number", "probe", "sampling", "tokens")

    def __init__(self, endpoint: Endpoint, messages: Sequence[Message], sampling: Sampling) -> None:
        self._endpoint, self._messages, self.sampling = endpoint, messages, sampling
        self._completion: Completion | None = None
        self.number = 0
        """Of the calls that went out, from 1."""
        self.probe = False
        """Whether it goes out to try a server that is out."""
        self.tokens = 0.0
        """How many are expected to be used."""

    @property
    def characters(self) -> int:
        """The length of the prompt."""
        return Prompt.of(self._messages).characters

    def done(self, completion: Completion) -> Completion:
        """The call succeeded; gives the completion back."""
        self._completion = completion
        return completion

    async def __aenter__(self) -> "Place":
        await self._endpoint._enter(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._endpoint._leave(self, self._completion, error)
