"""What is spent is counted, and a budget holds: the overrun is bounded, nobody is turned away who might still have room."""

from collections.abc import Callable, Sequence
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.models.budget import Budget, BudgetExhausted, Meter, Metered, Spent, UnknownPrice
from comity.models.prices import Price, Prices
from comity.models.protocol import Completion, Message, Sampling, Schema, ServerFailed

pytestmark = pytest.mark.anyio

PRICES = Prices({"paid": Price(prompt=1, cached=0.5, completion=4)}, Path("prices.toml"))
PROMPT = (Message("user", "x" * 4000),)


class Model:
    """Answers with these token counts once it is let go, which it is at once unless the test holds it."""

    def __init__(
        self, name: str = "paid", prompt: int | None = 1000, cached: int | None = 0, completion: int | None = 100
    ) -> None:
        self.name = name
        self.tokens = (prompt, cached, completion)
        self.free = anyio.Event()
        self.free.set()
        self.in_flight = self.asked = 0
        self.fails = False

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None,
        sampling: Sampling,
        session: str,
        stream: Callable[[str], None] | None = None,
    ) -> Completion:
        self.asked += 1
        self.in_flight += 1
        try:
            await self.free.wait()
        finally:
            self.in_flight -= 1
        if self.fails:
            raise ServerFailed("broke")
        prompt, cached, completion = self.tokens
        return Completion(
            text="hello",
            finish_reason="stop",
            seconds=1.0,
            prompt_tokens=prompt,
            cached_tokens=cached,
            completion_tokens=completion,
            from_cache=session == "remembered",
        )

    async def aclose(self) -> None:
        self.asked = -1


def meter(calls: int | None = None, tokens: int | None = None, money: float | None = None) -> Meter:
    return Meter(Budget(calls=calls, tokens=tokens, money=money), PRICES)


async def ask(model: Metered, messages: Sequence[Message] = PROMPT, session: str = "s") -> Completion:
    return await model.complete(messages, schema=None, sampling=Sampling(), session=session)


async def ask_many(model: Metered, number: int) -> list[str]:
    """Ask so many times at once. Gives how each ended, in the order of asking."""
    ends = [""] * number

    async def one(at: int) -> None:
        try:
            await ask(model)
        except (BudgetExhausted, ServerFailed) as error:
            ends[at] = type(error).__name__
        else:
            ends[at] = "answered"

    async with anyio.create_task_group() as tasks:
        for at in range(number):
            tasks.start_soon(one, at)
    return ends


async def test_what_is_spent_is_counted_by_model_and_in_all() -> None:
    counting = meter()
    paid, local, other = (Metered(Model(name), counting) for name in ("paid", "local:small", "http://h/v1#own"))
    for model in (paid, paid, local, other):
        await ask(model)
    assert counting.spent == {
        "paid": Spent(2, 2000, 0, 200, cost=0.0028),
        "local:small": Spent(1, 1000, 0, 100),
        "http://h/v1#own": Spent(1, 1000, 0, 100, unpriced_calls=1),
    }
    assert counting.total == Spent(4, 4000, 0, 400, cost=0.0028, unpriced_calls=1)
    assert counting.total.tokens == 4400


async def test_cached_tokens_cost_what_the_price_says() -> None:
    counting = meter()
    await ask(Metered(Model(cached=600), counting))
    assert counting.total == Spent(1, 1000, 600, 100, cost=0.0011)


@pytest.mark.parametrize("name", ["paid", "local:small"])
async def test_tokens_that_the_server_does_not_tell_are_of_unknown_cost_unless_they_cost_nothing(name: str) -> None:
    counting = meter()
    await ask(Metered(Model(name, None, None, None), counting))
    assert counting.total == Spent(1, unpriced_calls=1 if name == "paid" else 0)


async def test_a_call_that_fails_or_is_cancelled_or_is_remembered_counts_nothing() -> None:
    counting = meter(calls=1)
    model = Model()
    metered = Metered(model, counting)
    model.fails = True
    for _ in range(3):
        with pytest.raises(ServerFailed):
            await ask(metered)
    model.fails = False
    await ask(metered, session="remembered")
    model.free = anyio.Event()
    with anyio.move_on_after(0.01) as scope:
        await ask(metered)
    assert scope.cancelled_caught
    assert counting.total == Spent()
    model.free.set()
    await ask(metered)
    assert counting.total.calls == 1


async def test_a_budget_in_calls_is_kept_exactly() -> None:
    counting = meter(calls=5)
    model = Model()
    ends = await ask_many(Metered(model, counting), 20)
    assert ends == ["answered"] * 5 + ["BudgetExhausted"] * 15
    assert model.asked == 5


async def test_a_call_waits_while_those_in_flight_may_leave_room_and_goes_in_the_order_of_asking() -> None:
    counting = meter(calls=2)
    model = Model()
    model.free, model.fails = anyio.Event(), True
    order: list[int] = []

    async def one(at: int) -> None:
        with pytest.raises(ServerFailed):
            await ask(Metered(model, counting))
        order.append(at)

    async with anyio.create_task_group() as tasks:
        for at in range(6):
            tasks.start_soon(one, at)
        await anyio.wait_all_tasks_blocked()
        assert model.in_flight == 2
        model.free.set()
    assert order == [0, 1, 2, 3, 4, 5]


async def test_who_asks_again_at_once_does_not_overtake_who_waits() -> None:
    counting = meter(calls=1)
    model = Model()
    model.free, model.fails = anyio.Event(), True
    order: list[str] = []

    async def twice(who: str) -> None:
        for _ in range(2):
            with pytest.raises(ServerFailed):
                await ask(Metered(model, counting))
            order.append(who)

    async with anyio.create_task_group() as tasks:
        for who in ("a", "b", "c"):
            tasks.start_soon(twice, who)
        await anyio.wait_all_tasks_blocked()
        model.free.set()
    assert order == ["a", "b", "c", "a", "b", "c"]


@pytest.mark.parametrize("limit", [{"tokens": 20_000}, {"money": 0.03}])
async def test_a_budget_is_nearly_used_up_and_not_overrun_where_calls_take_what_is_expected(
    limit: dict[str, int],
) -> None:
    counting = meter(**limit)
    ends = await ask_many(Metered(Model(), counting), 100)
    used = counting.total.tokens if "tokens" in limit else counting.total.cost
    bound = next(iter(limit.values()))
    one = used / ends.count("answered")
    assert bound - one <= used <= bound
    assert set(ends) == {"answered", "BudgetExhausted"}


@given(
    limit=st.integers(2_000, 40_000),
    at_once=st.integers(1, 30),
    completion=st.integers(1, 2_000),
    prompt=st.integers(100, 4_000),
)
async def test_the_overrun_is_at_most_what_the_calls_in_flight_take_beyond_their_estimates(
    limit: int, at_once: int, completion: int, prompt: int
) -> None:
    counting = meter(tokens=limit)
    model = Metered(Model(prompt=prompt, completion=completion), counting)
    while "BudgetExhausted" not in await ask_many(model, at_once):
        pass
    used, one = counting.total.tokens, prompt + completion
    beyond = max(0, prompt - 1000) + max(0, completion - 100)  # estimates are never below what is assumed at first
    assert limit - max(one, 1100) <= used <= limit + at_once * beyond


async def test_estimates_follow_the_length_of_the_prompt() -> None:
    counting = meter(tokens=100_000)
    model = Metered(Model(prompt=1000, completion=50), counting)
    for _ in range(50):
        await ask(model, (Message("user", "x" * 2000),))
    left = 100_000 - counting.total.tokens
    with pytest.raises(BudgetExhausted, match="needs about"):
        await ask(model, (Message("user", "x" * round(left * 2.2)),))
    await ask(model, (Message("user", "x" * round(left * 1.9)),))


async def test_what_others_spent_counts() -> None:
    counting = meter(calls=10)
    counting.elsewhere = Spent(calls=8)
    assert (await ask_many(Metered(Model(), counting), 4)).count("answered") == 2
    assert counting.total.calls == 2
    counting = meter(tokens=10_000)
    counting.elsewhere = Spent(prompt_tokens=9_000, completion_tokens=500)
    with pytest.raises(BudgetExhausted, match=r"the budget of 10,000 tokens has 500 left"):
        await ask(Metered(Model(), counting))
    counting = meter(money=1.0)
    counting.elsewhere = Spent(cost=0.9999)
    with pytest.raises(BudgetExhausted, match=r"the budget of \$1\.00 has \$0\.0001 left"):
        await ask(Metered(Model(), counting))


async def test_a_free_model_goes_on_when_the_money_is_spent() -> None:
    counting = meter(money=0.001)
    with pytest.raises(
        BudgetExhausted, match=r"the budget of \$0\.00 has \$0\.0010 left, .* raise it and run the same"
    ):
        await ask(Metered(Model(), counting))
    await ask(Metered(Model("local:small"), counting))


async def test_tokens_that_nobody_tells_count_against_a_budget_by_their_estimate() -> None:
    counting = meter(tokens=10_000)
    ends = await ask_many(Metered(Model("local:small", None, None, None), counting), 50)
    assert ends.count("answered") == 9
    assert counting.total.tokens == 0


async def test_a_call_that_is_cancelled_while_it_waits_leaves_its_place_to_the_next() -> None:
    counting = meter(calls=1)
    model = Model()
    metered = Metered(model, counting)
    model.free, model.fails = anyio.Event(), True
    ends: list[str] = []

    async def one(scope: anyio.CancelScope) -> None:
        with scope:
            try:
                await ask(metered)
            except ServerFailed:
                ends.append("failed")

    scopes = [anyio.CancelScope() for _ in range(4)]
    async with anyio.create_task_group() as tasks:
        for scope in scopes:
            tasks.start_soon(one, scope)
        await anyio.wait_all_tasks_blocked()
        scopes[1].cancel()
        scopes[2].cancel()
        await anyio.wait_all_tasks_blocked()
        model.free.set()
    assert ends == ["failed", "failed"]
    assert model.asked == 2


async def test_money_cannot_be_held_to_a_budget_without_prices() -> None:
    counting = meter(money=1.0)
    counting.check(["paid", "local:small", "scripted:demo"])
    with pytest.raises(UnknownPrice, match=r"the price of a, b is not known; write it into prices\.toml"):
        counting.check(["a", "paid", "b", "a"])
    with pytest.raises(UnknownPrice):
        await ask(Metered(Model("a"), counting))
    meter(tokens=1).check(["a", "b"])


async def test_a_metered_model_is_the_model_in_all_else() -> None:
    model = Model()
    metered = Metered(model, meter())
    assert metered.name == "paid"
    assert (await ask(metered)).text == "hello"
    await metered.aclose()
    assert model.asked == -1


@pytest.mark.parametrize("field", ["calls", "tokens", "money"])
@pytest.mark.parametrize("value", [0, -1])
def test_a_budget_of_nothing_is_refused(field: str, value: int) -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        Budget.model_validate({field: value})
