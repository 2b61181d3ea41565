"""The rate: never more than its minute allows, never less than it could; and the forecast that learns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.models.rate import Forecast, Rate


def spent(rate: Rate, costs: list[float], gaps: list[float]) -> list[tuple[float, float]]:
    """When each call went and what it cost, if each goes as soon as it comes and may."""
    now, went = 0.0, []
    for cost, gap in zip(costs, gaps, strict=True):
        now = max(now + gap, rate.opens_at)
        rate.spend(now, cost)
        went.append((now, cost))
    return went


calls = st.integers(1, 60).flatmap(
    lambda n: st.tuples(
        st.lists(st.floats(1, 5000), min_size=n, max_size=n), st.lists(st.floats(0, 100), min_size=n, max_size=n)
    )
)


@given(per_minute=st.integers(1, 100_000), drawn=calls)
def test_no_minute_sees_more_than_the_limit_a_second_of_it_and_one_call(
    per_minute: int, drawn: tuple[list[float], list[float]]
) -> None:
    went = spent(Rate(per_minute), *drawn)
    for start, _ in went:
        within = [cost for at, cost in went if start <= at <= start + 60]
        assert sum(within[:-1]) <= per_minute * 61 / 60 * (1 + 1e-9)


@pytest.mark.parametrize("per_minute", [1, 7, 60, 6000])
def test_who_always_waits_gets_all_of_the_limit(per_minute: int) -> None:
    rate, count = Rate(per_minute), 10 * per_minute
    went = spent(rate, [1.0] * count, [0.0] * count)
    assert went[-1][0] <= 600


def test_after_rest_only_a_second_of_it_goes_at_once() -> None:
    went = spent(Rate(600), [1.0] * 30, [1000.0] + [0.0] * 29)
    assert sum(at == went[0][0] for at, _ in went) in (10, 11)


def test_a_call_larger_than_the_limit_goes_and_the_next_waits_for_it() -> None:
    rate = Rate(1000)
    rate.spend(0.0, 3000)
    assert rate.opens_at == 179


@given(used=st.floats(0, 10_000))
def test_what_was_used_counts_not_what_was_expected(used: float) -> None:
    expected, known = Rate(600), Rate(600)
    expected.spend(5.0, 500)
    expected.correct(used - 500)
    known.spend(5.0, used)
    assert expected.opens_at == pytest.approx(known.opens_at)


def test_the_forecast_comes_to_what_calls_use() -> None:
    forecast = Forecast()
    for _ in range(200):
        forecast.learn(4000, 1200, 30)
    assert forecast.tokens(8000, 1024) == pytest.approx(2430, rel=0.01)
    assert forecast.tokens(8000, 10) == pytest.approx(2410, rel=0.01)


def test_before_anything_is_known_a_reply_is_taken_for_256_tokens_at_most() -> None:
    assert Forecast().tokens(1000, None) == 556
    assert Forecast().tokens(1000, 100) == 400


def test_an_empty_prompt_teaches_nothing_of_characters() -> None:
    forecast = Forecast()
    forecast.learn(0, 10, 256)
    assert forecast.tokens(1000, None) == 556
