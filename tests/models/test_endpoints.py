"""Leave to call a server: who goes when, after every kind of end, however callers are cancelled. Time is virtual."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_time import VirtualLoop, seconds_of

from comity.models.endpoints import Endpoint, EndpointLimits, GaveUp
from comity.models.protocol import (
    AuthenticationFailed,
    BadReply,
    BadRequest,
    Completion,
    ContextExceeded,
    Message,
    ModelError,
    ModelNotFound,
    Overloaded,
    Sampling,
    ServerFailed,
    Unreachable,
)

pytestmark = pytest.mark.anyio

DONE = Completion("Hello.", "stop", 1.0, prompt_tokens=100, completion_tokens=20)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Callable[[], VirtualLoop]]]:
    return "asyncio", {"loop_factory": VirtualLoop}


def timed_out() -> Unreachable:
    try:
        raise Unreachable("no answer in time") from TimeoutError()
    except Unreachable as error:
        return error


def endpoint(limits: EndpointLimits | None = None, *, patience: float = 1800.0) -> Endpoint:
    return Endpoint("http://model/v1", limits, patience=patience, clock=seconds_of())


async def call(
    at: Endpoint, ends: BaseException | Completion = DONE, *, lasts: float = 0.0, prompt: str = "", most: int = 1024
) -> float:
    """Make a call that ends so. Gives the time at which it went out."""
    async with at.place([Message("user", prompt)], Sampling(max_tokens=most)) as place:
        went = seconds_of()()
        await anyio.sleep(lasts)
        if isinstance(ends, BaseException):
            raise ends
        place.done(ends)
    return went


async def fails(at: Endpoint, error: BaseException, *, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(type(error)):
            await call(at, error)


async def out(at: Endpoint) -> Endpoint:
    await fails(at, Unreachable("gone"), times=8)
    assert at.is_out
    return at


async def settle() -> None:
    """Let every task go as far as it can at this moment."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_no_more_are_in_flight_than_the_window_and_they_go_in_the_order_in_which_they_came() -> None:
    at, went = endpoint(EndpointLimits(in_flight=3)), list[int]()

    async def numbered(number: int) -> None:
        async with at.place([], Sampling()) as place:
            went.append(number)
            assert at.state().in_flight <= 3
            await anyio.sleep(1 + number % 2)
            place.done(DONE)

    async with anyio.create_task_group() as tasks:
        for number in range(50):
            tasks.start_soon(numbered, number)
        await settle()
        assert (at.state().in_flight, at.state().waiting) == (3, 47)
    assert went == list(range(50))
    assert (at.state().in_flight, at.state().waiting, at.state().problem) == (0, 0, "")


async def test_who_comes_at_the_moment_it_opens_does_not_overtake_who_waits() -> None:
    now, went = 0.0, list[str]()
    at = Endpoint("http://model/v1", clock=lambda: now)
    await fails(at, Overloaded("busy", 30.0))

    async def calls(name: str) -> None:
        await call(at)
        went.append(name)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(calls, "early")
        await settle()
        now = 30.0  # its timer has not fired yet
        await calls("late")
    assert went == ["early", "late"]


async def test_a_fixed_number_is_never_exceeded_and_comes_back_after_a_cut() -> None:
    at = endpoint(EndpointLimits(in_flight=4))
    for _ in range(100):
        await call(at)
    assert at.state().window == 4
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(lambda: call(at, lasts=1))
        await settle()
        await fails(at, Overloaded("busy"))
        assert at.state().window == 2
    for _ in range(3):
        async with anyio.create_task_group() as tasks:
            for _ in range(30):
                tasks.start_soon(lambda: call(at, lasts=1))
    assert at.state().window == 4


async def test_a_call_that_is_too_slow_cuts_the_window_and_one_that_broke_does_not() -> None:
    at = endpoint(EndpointLimits(in_flight=10))
    async with anyio.create_task_group() as tasks:
        for _ in range(9):
            tasks.start_soon(lambda: call(at, lasts=1))
        await settle()
        await fails(at, Unreachable("reset"))
        assert at.state().window == 10
        await fails(at, timed_out())
        assert at.state().window == 7


async def test_retry_after_holds_everybody_back() -> None:
    at = endpoint()
    await fails(at, Overloaded("busy: later", 30.0))
    state = at.state()
    assert (state.next_try, state.open_for, state.problem) == (30.0, None, "busy: later")
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(lambda: call(at))
        await anyio.sleep(29.9)
        assert at.state().waiting == 5
        await anyio.sleep(0.2)
        assert at.state().waiting == 0
    assert at.state().next_try is None


async def test_after_a_hold_not_all_who_wait_go_at_once() -> None:
    at = endpoint()
    await fails(at, Overloaded("busy", 30.0))
    async with anyio.create_task_group() as tasks:
        for _ in range(100):
            tasks.start_soon(lambda: call(at, lasts=1))
        await anyio.sleep(30.1)
        assert at.state().in_flight <= 8


async def test_a_shorter_retry_after_does_not_end_a_longer_one() -> None:
    at = endpoint()
    async with anyio.create_task_group() as tasks:
        for seconds in (30.0, 1.0):
            tasks.start_soon(fails, at, Overloaded("busy", seconds))
    assert await call(at) == 30.0


async def test_who_is_told_to_come_again_beyond_all_patience_hears_of_it_at_once() -> None:
    at = endpoint(patience=100)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(fails, at, Overloaded("the day's quota is spent", 86_400.0))
        await settle()
    with pytest.raises(GaveUp, match=r"asks to come again in 86400 s; the last answer: the day's quota is spent"):
        await call(at)
    assert seconds_of()() < 1


@pytest.mark.parametrize("fault", [Unreachable("gone"), ServerFailed("broken"), BadReply("html")])
async def test_after_eight_faults_calls_wait_and_one_at_a_time_tries(fault: ModelError) -> None:
    at = endpoint()
    await fails(at, fault, times=7)
    assert at.state().open_for is None
    await fails(at, fault)
    assert (at.state().open_for, at.state().next_try, at.state().problem) == (0.0, 1.0, str(fault))
    went: list[float] = []

    async def tries() -> None:
        with suppress(type(fault)):
            async with at.place([], Sampling()):
                went.append(seconds_of()())
                assert at.state().in_flight == 1
                assert at.state().next_try == 0.0
                raise fault

    async with anyio.create_task_group() as tasks:
        for _ in range(9):
            tasks.start_soon(tries)
    assert went == [1, 3, 7, 15, 31, 63, 123, 183, 243]


async def test_the_first_success_closes_it_and_the_window_begins_small() -> None:
    at, went = await out(endpoint()), list[float]()

    async def calls() -> None:
        went.append(await call(at, lasts=0.1))

    async with anyio.create_task_group() as tasks:
        for _ in range(200):
            tasks.start_soon(calls)
        await anyio.sleep(1.15)
        assert at.state().in_flight == 8
    assert went.count(went[0]) == 1
    assert went[-1] < 2
    assert (at.state().open_for, at.state().next_try, at.state().problem) == (None, None, "")


@pytest.mark.parametrize("refusal", [AuthenticationFailed("key"), ModelNotFound("model"), ContextExceeded("long")])
async def test_a_server_that_refuses_is_there(refusal: ModelError) -> None:
    at = await out(endpoint())
    await fails(at, refusal)
    assert not at.is_out


async def test_a_server_too_busy_for_one_call_is_out_after_eight_refusals() -> None:
    at = endpoint()
    await fails(at, Overloaded("loading"), times=30)
    assert at.is_out
    await fails(at, Overloaded("still loading"))
    assert at.is_out
    assert at.state().window == 1


async def test_being_busy_is_no_outage_while_the_window_can_give_up_more() -> None:
    at = endpoint()
    async with anyio.create_task_group() as tasks:
        for _ in range(128):
            tasks.start_soon(fails, at, Overloaded("busy"))
    assert not at.is_out
    assert at.state().window == 89


async def test_a_server_that_is_back_but_busy_is_tried_again_after_the_next_pause() -> None:
    at = await out(endpoint())
    await fails(at, Overloaded("loading"))
    assert await call(at) == 3.0


class BudgetGone(ModelError):
    """An error of a wrapper below, which never reached the server."""


@pytest.mark.parametrize("neutral", [BudgetGone("spent"), ValueError("a fault of our own")])
async def test_what_tells_nothing_of_the_server_changes_nothing(neutral: Exception) -> None:
    at = await out(endpoint())
    await fails(at, neutral)
    assert at.is_out
    assert await call(at) == 1.0


async def test_after_its_patience_all_who_wait_hear_the_last_failure() -> None:
    at, ends = await out(endpoint(patience=100)), list[tuple[str, float]]()

    async def waits() -> None:
        try:
            await call(at, ServerFailed("out of memory"))
        except ModelError as error:
            ends.append((f"{type(error).__name__}: {error}", seconds_of()()))

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(waits)
    tried = [at for said, at in ends if said.startswith("ServerFailed")]
    gave_up = [end for end in ends if end[0].startswith("GaveUp")]
    assert tried == [1, 3, 7, 15, 31, 63]
    assert {said for said, _ in gave_up} == {
        "GaveUp: http://model/v1 has been out for 100 s; the last failure: out of memory"
    }
    assert [at for _, at in gave_up] == [pytest.approx(100)] * 14


async def test_after_its_patience_callers_are_told_at_once_but_one_a_minute_tries() -> None:
    at, tried = await out(endpoint(patience=10)), 0
    for _ in range(600):
        try:
            await call(at, Unreachable("gone"))
        except GaveUp:
            await anyio.sleep(1)
        except Unreachable:
            tried += 1
    assert 11 <= tried <= 16
    await anyio.sleep(60)
    await call(at)
    assert not at.is_out


async def test_requests_are_spread_over_the_minute() -> None:
    at, went = endpoint(EndpointLimits(requests_per_minute=60)), list[float]()

    async def calls() -> None:
        went.append(await call(at))

    async with anyio.create_task_group() as tasks:
        for _ in range(240):
            tasks.start_soon(calls)
    assert 238 <= went[-1] <= 240
    assert max(sum(start <= at < start + 60 for at in went) for start in went) <= 62


async def test_tokens_are_spread_over_the_minute_by_what_calls_used() -> None:
    at = endpoint(EndpointLimits(tokens_per_minute=12_000))
    async with anyio.create_task_group() as tasks:
        for _ in range(500):
            tasks.start_soon(lambda: call(at, prompt="x" * 10_000))  # it looks like 3,256 tokens and uses 120
    assert seconds_of()() == pytest.approx(300, rel=0.2)  # 500 calls of 120 tokens at 12,000 a minute


async def test_without_a_word_of_usage_the_forecast_stands() -> None:
    at, silent = endpoint(EndpointLimits(tokens_per_minute=60_000)), Completion("Hello.", "stop", 1.0)
    await call(at, silent, prompt="x" * 10_000, most=1)  # 3,001 tokens
    assert await call(at, silent) == pytest.approx(2, rel=0.01)


async def test_a_waiter_that_is_cancelled_takes_no_place() -> None:
    at = endpoint(EndpointLimits(in_flight=1))
    async with at.place([], Sampling()):
        waits = asyncio.create_task(call(at))
        await settle()
        assert at.state().waiting == 1
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits
        assert (at.state().in_flight, at.state().waiting) == (1, 0)
    assert (at.state().in_flight, at.state().waiting) == (0, 0)
    assert await call(at) == seconds_of()()


async def test_a_waiter_that_is_cancelled_at_the_moment_it_is_let_in_gives_its_place_back() -> None:
    at = endpoint(EndpointLimits(in_flight=1))
    async with at.place([], Sampling()):
        waits = asyncio.create_task(call(at))
        behind = asyncio.create_task(call(at))
        await settle()
    assert at.state().in_flight == 1  # let in, but it does not know yet
    waits.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waits
    await behind
    assert (at.state().in_flight, at.state().waiting) == (0, 0)


async def test_a_waiter_that_is_cancelled_at_the_moment_it_is_sent_away_is_cancelled() -> None:
    at = await out(endpoint(patience=0.5))
    waits = asyncio.create_task(call(at))
    await anyio.sleep(0.4)
    asyncio.get_running_loop().call_later(0.1, waits.cancel)
    with pytest.raises((asyncio.CancelledError, GaveUp)):
        await waits
    assert (at.state().in_flight, at.state().waiting) == (0, 0)


async def test_a_try_that_is_cancelled_lets_the_next_try() -> None:
    at = await out(endpoint())
    with anyio.move_on_after(5):
        await call(at, lasts=100)
    assert await call(at) == 5.0
    assert not at.is_out


@dataclass(frozen=True)
class Caller:
    """One who comes at a time, whose call lasts so long and ends so, and who is cancelled at a time, if ever."""

    comes: int
    lasts: int
    ends: str
    cancelled: int | None


ENDS: dict[str, Callable[[], BaseException | Completion]] = {
    "success": lambda: DONE,
    "busy": lambda: Overloaded("busy"),
    "later": lambda: Overloaded("busy", 2.0),
    "gone": lambda: Unreachable("gone"),
    "slow": timed_out,
    "broken": lambda: ServerFailed("broken"),
    "refused": lambda: BadRequest("no"),
    "ours": lambda: ValueError("ours"),
}
callers = st.builds(
    Caller,
    comes=st.integers(0, 8),
    lasts=st.integers(0, 4),
    ends=st.sampled_from(sorted(ENDS)),
    cancelled=st.none() | st.integers(0, 10),
)
limits = st.builds(
    EndpointLimits,
    in_flight=st.integers(1, 4),
    requests_per_minute=st.none() | st.integers(20, 600),
    tokens_per_minute=st.none() | st.integers(10_000, 1_000_000),
)


@given(crowd=st.lists(callers, max_size=40), limits=limits, patience=st.integers(1, 2000))
@settings(max_examples=300)
async def test_however_calls_end_and_are_cancelled_no_place_is_lost_and_everybody_goes(
    crowd: list[Caller], limits: EndpointLimits, patience: int
) -> None:
    at, ended = endpoint(limits, patience=patience), 0

    async def comes(caller: Caller) -> None:
        nonlocal ended
        await anyio.sleep(caller.comes)
        with anyio.CancelScope() as scope:
            if caller.cancelled is not None:
                scope.deadline = anyio.current_time() + caller.cancelled
            try:
                async with at.place([], Sampling()) as place:
                    assert 1 <= at.state().in_flight <= 4 + 1  # a try goes beside those from before the outage
                    await anyio.sleep(caller.lasts)
                    result = ENDS[caller.ends]()
                    if isinstance(result, BaseException):
                        raise result
                    place.done(result)
            except (ModelError, ValueError):
                pass
        ended += 1

    async with anyio.create_task_group() as tasks:
        for caller in crowd:
            tasks.start_soon(comes, caller)
    assert ended == len(crowd)
    assert (at.state().in_flight, at.state().waiting) == (0, 0)
    await anyio.sleep(200)
    asked = anyio.current_time()
    assert await call(at) == asked
