"""A steady model: which faults it asks again after, how often and when, and that it finds what a server can bear. Time is virtual."""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import anyio
import pytest
import stamina
from pydantic import ValidationError
from virtual_time import VirtualLoop, seconds_of

from comity.models.endpoints import Endpoint, EndpointLimits, GaveUp
from comity.models.protocol import (
    AuthenticationFailed,
    BadReply,
    BadRequest,
    ChatModel,
    Completion,
    ContextExceeded,
    Message,
    ModelError,
    ModelNotFound,
    Overloaded,
    Sampling,
    Schema,
    ServerFailed,
    Unreachable,
)
from comity.models.steady import Retries, Steady

pytestmark = pytest.mark.anyio

DONE = Completion("Hello.", "stop", 1.0)
FAULTS = [Unreachable("gone"), Overloaded("busy"), ServerFailed("broken"), BadReply("html")]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Callable[[], VirtualLoop]]]:
    return "asyncio", {"loop_factory": VirtualLoop}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    stamina.instrumentation.set_on_retry_hooks(())
    yield
    stamina.instrumentation.set_on_retry_hooks(None)


@dataclass
class Answers:
    """A model that gives these, the last one again and again, and knows when it was asked."""

    ends: Sequence[Completion | Exception]
    pieces: Sequence[str] = ()
    asked: list[float] = field(default_factory=list)
    closed: bool = False
    name: str = "test:answers"

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None,
        sampling: Sampling,
        session: str,
        stream: Callable[[str], None] | None = None,
    ) -> Completion:
        self.asked.append(seconds_of()())
        for piece in self.pieces if stream is not None else ():
            assert stream is not None
            stream(piece)
        end = self.ends[min(len(self.asked), len(self.ends)) - 1]
        if isinstance(end, Exception):
            raise end
        return end

    async def aclose(self) -> None:
        self.closed = True


def steady(model: ChatModel, retries: Retries | None = None, *, patience: float = 1800.0) -> Steady:
    return Steady(model, Endpoint("http://model/v1", patience=patience, clock=seconds_of()), retries)


async def ask(model: ChatModel, session: str = "s", stream: Callable[[str], None] | None = None) -> Completion:
    return await model.complete([], schema=None, sampling=Sampling(), session=session, stream=stream)


async def test_what_goes_well_is_asked_once_and_passed_on_as_it_is() -> None:
    model = Answers([DONE], pieces=["Hel", "lo."])
    heard: list[str] = []
    assert await ask(steady(model), stream=heard.append) is DONE
    assert (model.asked, heard) == ([0.0], ["Hel", "lo."])


async def test_it_is_the_model_it_wraps() -> None:
    model = Answers([DONE])
    wrapped = steady(model)
    assert wrapped.name == "test:answers"
    await wrapped.aclose()
    assert model.closed


@pytest.mark.parametrize("fault", FAULTS)
async def test_after_a_fault_it_is_asked_again(fault: ModelError) -> None:
    model = Answers([fault, fault, fault, DONE])
    assert await ask(steady(model)) is DONE
    assert len(model.asked) == 4


@pytest.mark.parametrize("fault", [Unreachable("gone"), ServerFailed("broken"), BadReply("html")])
async def test_the_pauses_double_with_a_random_part(fault: ModelError) -> None:
    firsts = set()
    for _ in range(20):
        model = Answers([fault])
        with pytest.raises(type(fault)):
            await ask(steady(model))
        pauses = [after - before for before, after in zip(model.asked, model.asked[1:], strict=False)]
        assert len(pauses) == 5
        for number, pause in enumerate(pauses):
            assert 0.5 * 2**number <= pause <= 0.5 * 2**number + 0.5 + 1e-6
        firsts.add(round(pauses[0], 6))
    assert len(firsts) > 10


async def test_no_pause_is_longer_than_the_longest() -> None:
    model = Answers([BadReply("html")])
    with pytest.raises(BadReply):
        await ask(steady(model, Retries(attempts=7, wait_initial=1.0, wait_max=3.0)))
    assert model.asked[-1] <= 6 * 3.0


async def test_retry_after_is_waited_for() -> None:
    model = Answers([Overloaded("busy", 42.0), DONE])
    await ask(steady(model))
    assert model.asked == [0.0, 42.0]


async def test_however_long_it_takes_the_attempts_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.monotonic", seconds_of())  # by which stamina would know
    model = Answers([Overloaded("busy", 500.0)] * 5 + [DONE])
    await ask(steady(model))
    assert model.asked[-1] == 2500.0


async def test_one_attempt_is_one_attempt() -> None:
    model = Answers([ServerFailed("broken"), DONE])
    with pytest.raises(ServerFailed, match="broken"):
        await ask(steady(model, Retries(attempts=1)))
    assert len(model.asked) == 1


@pytest.mark.parametrize("field", ["attempts", "wait_initial", "wait_max"])
def test_retries_that_make_no_sense_are_refused(field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        Retries.model_validate({field: 0})


@pytest.mark.parametrize(
    "refusal",
    [
        AuthenticationFailed("key"),
        ModelNotFound("model"),
        BadRequest("no"),
        ContextExceeded("long"),
        ModelError("the budget is spent"),
        ValueError("a fault of our own"),
    ],
)
async def test_what_another_attempt_would_not_mend_passes_through_at_once(refusal: Exception) -> None:
    model = Answers([refusal])
    with pytest.raises(type(refusal)) as raised:
        await ask(steady(model))
    assert raised.value is refusal
    assert len(model.asked) == 1


async def test_a_refusal_after_a_fault_ends_it() -> None:
    model = Answers([ServerFailed("broken"), ContextExceeded("long"), DONE])
    with pytest.raises(ContextExceeded):
        await ask(steady(model))
    assert len(model.asked) == 2


@pytest.mark.parametrize("fault", FAULTS)
async def test_once_words_were_heard_it_is_not_asked_again(fault: ModelError) -> None:
    model, heard = Answers([fault, DONE], pieces=["Hel"]), list[str]()
    with pytest.raises(type(fault)):
        await ask(steady(model), stream=heard.append)
    assert heard == ["Hel"]
    assert len(model.asked) == 1


async def test_before_anything_was_heard_a_listener_changes_nothing() -> None:
    model = Answers([ServerFailed("broken"), DONE])
    assert await ask(steady(model), stream=lambda piece: None) is DONE


async def test_words_heard_from_a_server_that_is_then_out_are_not_said_again() -> None:
    model, heard = Answers([Unreachable("gone")] * 8, pieces=["Hel"]), list[str]()
    wrapped = steady(model)
    async with anyio.create_task_group() as tasks:

        async def asks() -> None:
            with pytest.raises(Unreachable):
                await ask(wrapped, stream=heard.append)

        for _ in range(8):
            tasks.start_soon(asks)
    assert len(heard) == len(model.asked) == 8


@dataclass
class Hidden:
    """A server that takes so many calls at once and answers 429 to the rest. It can be out for a time, and knows who asked how often."""

    capacity: int
    seconds: float = 1.0
    retry_after: float | None = None
    out: tuple[float, float] = (math.inf, math.inf)
    a_minute: float = math.inf
    in_flight: int = 0
    served: int = 0
    refused: int = 0
    while_out: int = 0
    attempts: Counter[str] = field(default_factory=Counter)
    name: str = "test:hidden"

    def __post_init__(self) -> None:
        self._random = random.Random(1)
        self._allowed, self._seen = self.a_minute, 0.0

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None,
        sampling: Sampling,
        session: str,
        stream: Callable[[str], None] | None = None,
    ) -> Completion:
        self.attempts[session] += 1
        await anyio.sleep(0.002)
        if self._is_out():
            self.while_out += 1
            raise Unreachable("nothing answers")
        if self.in_flight >= self.capacity or not self._allows():
            self.refused += 1
            raise Overloaded("busy", self.retry_after)
        self.in_flight += 1
        try:
            await anyio.sleep(self.seconds * self._random.uniform(0.5, 1.5))
        finally:
            self.in_flight -= 1
        if self._is_out():
            raise Unreachable("the connection broke")
        self.served += 1
        return DONE

    def _is_out(self) -> bool:
        return self.out[0] <= seconds_of()() < self.out[1]

    def _allows(self) -> bool:
        now = seconds_of()()
        self._allowed = min(self.a_minute, self._allowed + (now - self._seen) * self.a_minute / 60)
        self._seen = now
        if self._allowed < 1:
            return False
        self._allowed -= 1
        return True

    async def aclose(self) -> None: ...


@dataclass
class Crowd:
    """Callers that ask again and again for a time, and what became of it after the first third."""

    server: Hidden
    limits: EndpointLimits | None = None
    lost: int = 0
    windows: list[int] = field(default_factory=list)
    rate: float = 0.0

    async def asks(self, callers: int, seconds: float) -> "Crowd":
        clock = seconds_of()
        endpoint = Endpoint("http://model/v1", self.limits, clock=clock)
        model, ends = Steady(self.server, endpoint), clock() + seconds

        async def caller(number: int) -> None:
            turn = 0
            while clock() < ends:
                turn += 1
                try:
                    await ask(model, f"{number}.{turn}")
                except ModelError:
                    self.lost += 1

        async with anyio.create_task_group() as tasks:
            for number in range(callers):
                tasks.start_soon(caller, number)
            await anyio.sleep(seconds / 3)
            before, since = self.server.served, clock()
            while clock() < ends:
                await anyio.sleep(self.server.seconds)
                self.windows.append(endpoint.state().window)
            self.rate = (self.server.served - before) / (clock() - since)
        assert (endpoint.state().in_flight, endpoint.state().waiting) == (0, 0)
        return self


@pytest.mark.parametrize(("capacity", "callers"), [(1, 64), (3, 100), (8, 1000), (64, 1000), (300, 600)])
@pytest.mark.parametrize("retry_after", [None, 1.0])
async def test_it_finds_what_a_server_bears_keeps_to_it_and_loses_nothing(
    capacity: int, callers: int, retry_after: float | None
) -> None:
    server = Hidden(capacity, retry_after=retry_after)
    crowd = await Crowd(server).asks(callers, 150)
    assert crowd.rate >= (0.9 if capacity > 16 and retry_after is None else 0.8) * capacity
    assert min(crowd.windows) >= (0.5 * capacity if retry_after is None else 1)
    assert max(crowd.windows) <= 1.1 * capacity + 1
    assert sum(crowd.windows) / len(crowd.windows) >= 0.8 * capacity
    assert crowd.lost == 0
    assert server.refused <= 0.1 * server.served + callers + 128


async def test_where_nothing_is_refused_everybody_is_served_at_once() -> None:
    server = Hidden(10_000)
    crowd = await Crowd(server).asks(500, 30)
    assert crowd.rate >= 0.95 * 500
    assert (crowd.lost, server.refused) == (0, 0)


@pytest.mark.parametrize("retry_after", [None, 0.5, 3.0])
@pytest.mark.parametrize("a_minute", [20, 60, 600])
async def test_a_server_that_counts_requests_is_used_up_without_losing_any(
    a_minute: int, retry_after: float | None
) -> None:
    crowd = await Crowd(Hidden(10_000, a_minute=a_minute, retry_after=retry_after)).asks(200, 600)
    assert crowd.rate >= 0.8 * a_minute / 60
    assert crowd.lost == 0


async def test_a_limit_that_is_known_is_kept_without_a_refusal() -> None:
    server = Hidden(10_000, a_minute=60)
    crowd = await Crowd(server, EndpointLimits(requests_per_minute=60)).asks(200, 600)
    assert crowd.rate >= 0.95
    assert (crowd.lost, server.refused) == (0, 0)


@pytest.mark.parametrize("callers", [2, 20, 500])
@pytest.mark.parametrize("outage", [5.0, 300.0, 1700.0])
async def test_a_server_that_is_out_for_a_while_costs_no_call_and_few_requests(callers: int, outage: float) -> None:
    server = Hidden(10_000, out=(10.0, 10.0 + outage))
    crowd = await Crowd(server).asks(callers, outage + 100)
    assert crowd.lost == 0
    pauses = [1, 2, 4, 8, 16, 32] + [60] * 40
    tries = next(n for n in range(len(pauses)) if sum(pauses[:n]) > outage)
    assert server.while_out <= callers + 8 + tries
    assert crowd.rate > 0


async def test_a_server_that_stays_out_ends_every_call_when_patience_does() -> None:
    server, ends = Hidden(100, out=(0.0, math.inf)), list[float]()
    model = steady(server, patience=600)

    async def asks() -> None:
        with pytest.raises(GaveUp, match="has been out for 600 s; the last failure: nothing answers"):
            await ask(model)
        ends.append(seconds_of()())

    async with anyio.create_task_group() as tasks:
        for _ in range(200):
            tasks.start_soon(asks)
    assert len(ends) == 200
    assert max(ends) < 601
    assert server.while_out <= 128 + 7 + 15


@pytest.mark.parametrize("steps", range(0, 60, 3))
async def test_wherever_callers_are_cancelled_the_rest_is_served_and_no_place_is_lost(steps: int) -> None:
    server = Hidden(5, out=(3.0, 8.0))
    endpoint = Endpoint("http://model/v1", EndpointLimits(in_flight=8), clock=seconds_of())
    model, served = Steady(server, endpoint), 0

    async def asks(number: int) -> None:
        nonlocal served
        await ask(model, str(number))
        served += 1

    async with anyio.create_task_group() as tasks:
        for number in range(30):
            tasks.start_soon(asks, number)
        async with anyio.create_task_group() as cancelled:
            for number in range(30, 60):
                cancelled.start_soon(asks, number)
            await anyio.sleep(steps * 0.17)
            before = served
            cancelled.cancel_scope.cancel()
    assert served >= max(30, before)
    assert (endpoint.state().in_flight, endpoint.state().waiting, server.in_flight) == (0, 0, 0)
    assert await ask(model) is DONE
