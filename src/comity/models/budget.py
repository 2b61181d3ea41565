"""A budget in calls, tokens or money, and the meter that counts what the calls of one process spend and holds them to it.

What is in flight counts by an estimate from the calls before it. So a budget is overrun by no more than what the calls in flight
at its end take beyond their estimates, which `max_tokens` bounds; in several processes, by what each has in flight.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import anyio
from pydantic import Field

from comity.models.conversation import Prompt
from comity.models.prices import Price, Prices
from comity.models.protocol import ChatModel, Completion, Message, ModelError, Sampling, Schema
from comity.world.record import Record

__all__ = ["Budget", "BudgetExhausted", "Meter", "Metered", "Spent", "UnknownPrice"]


class BudgetExhausted(ModelError):
    """The budget does not allow the call, which was not made. Nothing is wrong with the model, and no score comes of it."""


class UnknownPrice(ModelError):
    """A budget in money cannot be kept, as the price of a model is not known."""


class Budget(Record):
    """The most that may be spent; `None` sets no limit."""

    calls: int | None = Field(default=None, gt=0)
    """Calls that were answered, usably or not."""
    tokens: int | None = Field(default=None, gt=0)
    """Of prompts and replies together, cached or not."""
    money: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """In US dollars."""

    @property
    def is_set(self) -> bool:
        """Whether there is any limit."""
        return self != Budget()


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent, as far as it is known."""

    calls: int = 0
    """Calls that were answered. One that failed counts nothing, as servers charge nothing for it."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Those of the prompt's tokens that the server had in its cache."""
    completion_tokens: int = 0
    cost: float = 0.0
    """In US dollars, without the calls below."""
    unpriced_calls: int = 0
    """Calls of unknown cost: the model has no known price, or the server did not say how many tokens it took."""

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cost + other.cost,
            self.unpriced_calls + other.unpriced_calls,
        )

    @property
    def tokens(self) -> int:
        """Of prompts and replies together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(slots=True)
class _Account:
    """What one model was asked and what it took."""

    price: Price | None
    spent: Spent = Spent()
    # One call is taken for granted before there was any: a token for four characters, and a hundred for a reply.
    chars: int = 4000
    prompt_tokens: int = 1000
    cached_tokens: int = 0
    completion_tokens: int = 100
    counted: int = 1

    def estimate(self, chars: int) -> tuple[float, float]:
        """Tokens and dollars that a prompt of so many characters and its reply will take, by the calls before it."""
        prompt = chars * self.prompt_tokens / self.chars
        completion = self.completion_tokens / self.counted
        cached = prompt * self.cached_tokens / self.prompt_tokens
        return prompt + completion, self.price.cost(prompt, cached, completion) if self.price else 0.0

    def learn(self, chars: int, prompt: int, cached: int, completion: int) -> None:
        self.chars += chars
        self.prompt_tokens += prompt
        self.cached_tokens += cached
        self.completion_tokens += completion
        self.counted += 1


@dataclass(slots=True)
class _Load:
    """What counts against the budget."""

    calls: int = 0
    tokens: float = 0.0
    cost: float = 0.0

    def change(self, calls: int, tokens: float, cost: float) -> None:
        self.calls += calls
        self.tokens += tokens
        self.cost += cost


@dataclass(frozen=True, slots=True)
class _Hold:
    """What is set aside for a call in flight."""

    model: str
    account: _Account
    chars: int
    tokens: float
    cost: float


class Meter:
    """Counts what is spent, and says whether a call may be made. One for all models of a process."""

    def __init__(self, budget: Budget, prices: Prices) -> None:
        self.budget, self.prices = budget, prices
        self.elsewhere = Spent()
        """What other processes, and earlier starts, have spent of the same budget; whoever knows it sets it."""
        self._accounts: dict[str, _Account] = {}
        self._used, self._held = _Load(), _Load()
        self._waiting = 0
        self._gate = anyio.Lock()
        self._settled: anyio.Event | None = None

    @property
    def spent(self) -> Mapping[str, Spent]:
        """What this process has spent, by the model's name."""
        return {model: account.spent for model, account in self._accounts.items()}

    @property
    def total(self) -> Spent:
        """What this process has spent."""
        return sum(self.spent.values(), Spent())

    def check(self, models: Iterable[str]) -> None:
        """Raise `UnknownPrice` where the budget is in money and one of these models, by name, has no known price."""
        unknown = [name for name in dict.fromkeys(models) if self.prices.price_of(name) is None]
        if unknown and self.budget.money is not None:
            raise UnknownPrice(
                f"a budget of ${self.budget.money:,.2f} cannot be kept: the price of {', '.join(unknown)} is not known; "
                f"write it into {self.prices.file}, or set a budget in calls or tokens instead"
            )

    async def reserve(self, model: str, messages: Sequence[Message]) -> _Hold:
        """Set aside what a call will take. Waits where the calls in flight may leave room or not; first come, first served.

        Raises `BudgetExhausted` where the budget does not allow the call, and `UnknownPrice` as `check` does.
        """
        hold = self._hold(model, messages)
        if self._waiting or self._exceeded(hold):
            await self._wait_for_room(hold)
        else:
            self._held.change(1, hold.tokens, hold.cost)
        return hold

    def settle(self, hold: _Hold, completion: Completion | None) -> None:
        """The call is over: count what it took; nothing where it failed.

        Where the server does not say how many tokens it took, the estimate counts against the budget instead.
        """
        self._held.change(-1, -hold.tokens, -hold.cost)
        if not self._held.calls:
            self._held = _Load()  # nothing is left of what sums of fractions leave
        if completion is not None and not completion.from_cache:
            self._used.change(*self._count(hold, completion))
        if self._settled is not None:
            self._settled.set()

    def _hold(self, model: str, messages: Sequence[Message]) -> _Hold:
        account = self._accounts.get(model)
        if account is None:
            self.check([model])
            account = self._accounts[model] = _Account(self.prices.price_of(model))
        if self.budget.tokens is None and self.budget.money is None:
            return _Hold(model, account, 0, 0.0, 0.0)
        chars = Prompt.of(messages).characters
        return _Hold(model, account, chars, *account.estimate(chars))

    async def _wait_for_room(self, hold: _Hold) -> None:
        self._waiting += 1
        try:
            async with self._gate:
                while exceeded := self._exceeded(hold):
                    if not self._held.calls:
                        raise BudgetExhausted(exceeded)
                    self._settled = anyio.Event()
                    await self._settled.wait()
                self._held.change(1, hold.tokens, hold.cost)
        finally:
            self._waiting -= 1

    def _exceeded(self, hold: _Hold) -> str:
        """Which limit the call would exceed, and what to do; empty where it exceeds none."""
        budget, used, held, others = self.budget, self._used, self._held, self.elsewhere
        if budget.calls is not None and used.calls + held.calls + others.calls >= budget.calls:
            return f"the budget of {budget.calls:,} calls is spent; {_MENDED}"
        if budget.tokens is not None:
            left = budget.tokens - used.tokens - held.tokens - others.tokens
            if hold.tokens > left:
                found = f"the budget of {budget.tokens:,} tokens has {max(left, 0):,.0f} left"
                return f"{found}, and the next call of {hold.model} needs about {hold.tokens:,.0f}; {_MENDED}"
        if budget.money is not None:
            left = budget.money - used.cost - held.cost - others.cost
            if hold.cost > left:
                found = f"the budget of ${budget.money:,.2f} has ${max(left, 0):,.4f} left"
                return f"{found}, and the next call of {hold.model} needs about ${hold.cost:,.4f}; {_MENDED}"
        return ""

    def _count(self, hold: _Hold, completion: Completion) -> tuple[int, float, float]:
        """Add the call to its model's account. Gives the calls, tokens and dollars that count against the budget."""
        account = hold.account
        prompt, cached, reply = completion.prompt_tokens, completion.cached_tokens or 0, completion.completion_tokens
        if prompt is None or reply is None:
            known = account.price is not None and account.price.is_free
            account.spent += Spent(1, prompt or 0, cached, reply or 0, unpriced_calls=0 if known else 1)
            return 1, hold.tokens, hold.cost
        cost = account.price.cost(prompt, cached, reply) if account.price else 0.0
        account.spent += Spent(1, prompt, cached, reply, cost, 0 if account.price else 1)
        account.learn(hold.chars, prompt, cached, reply)
        return 1, prompt + reply, cost


_MENDED = "raise it and run the same command again to go on"


class Metered:
    """A model whose calls are counted by a meter and held to its budget."""

    def __init__(self, model: ChatModel, meter: Meter) -> None:
        self._model, self._meter = model, meter

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
        """Answer; see `ChatModel`. Raises `BudgetExhausted` instead where the budget does not allow it."""
        hold = await self._meter.reserve(self._model.name, messages)
        completion = None
        try:
            completion = await self._model.complete(
                messages, schema=schema, sampling=sampling, session=session, stream=stream
            )
        finally:
            self._meter.settle(hold, completion)
        return completion

    async def aclose(self) -> None:
        """Close the model."""
        await self._model.aclose()
