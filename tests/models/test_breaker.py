"""The breaker: opens after eight failures in a row, lets one call try after growing pauses, closes at any answer."""

import math

from hypothesis import given
from hypothesis import strategies as st

from comity.models.breaker import Breaker


def is_open(breaker: Breaker) -> bool:
    return breaker.opened_at is not None


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(8):
        breaker.failed(at, probe=False)
    return breaker


def test_seven_failures_leave_it_closed_and_the_eighth_opens_it() -> None:
    breaker = Breaker()
    for _ in range(7):
        breaker.failed(5.0, probe=False)
    assert not is_open(breaker)
    breaker.failed(5.0, probe=False)
    assert (breaker.opened_at, breaker.next_try) == (5.0, 6.0)


def test_an_answer_between_failures_keeps_it_closed() -> None:
    breaker = Breaker()
    for _ in range(5):
        for _ in range(7):
            breaker.failed(0.0, probe=False)
        assert not breaker.answered()
    assert not is_open(breaker)


def test_the_pauses_double_up_to_a_minute() -> None:
    breaker, pauses = opened(), []
    for _ in range(9):
        now = breaker.next_try
        breaker.probe()
        assert breaker.next_try == math.inf
        breaker.failed(now, probe=True)
        pauses.append(breaker.next_try - now)
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert breaker.opened_at == 0.0


def test_calls_from_before_the_outage_change_nothing() -> None:
    breaker = opened()
    breaker.failed(0.5, probe=False)
    assert breaker.next_try == 1.0


def test_an_answer_closes_it_and_the_next_outage_begins_anew() -> None:
    breaker = opened()
    breaker.probe()
    breaker.failed(1.0, probe=True)
    assert breaker.answered()
    assert (breaker.opened_at, breaker.next_try) == (None, -math.inf)
    breaker.failed(7.0, probe=False)
    assert not is_open(breaker)


def test_a_probe_that_told_nothing_lets_another_go_at_once() -> None:
    breaker = opened()
    breaker.probe()
    breaker.abandoned(3.0)
    assert breaker.next_try == 3.0


def test_a_probe_abandoned_after_another_answer_does_not_open_it() -> None:
    breaker = opened()
    breaker.probe()
    assert breaker.answered()
    breaker.abandoned(3.0)
    assert breaker.next_try == -math.inf


@given(st.lists(st.sampled_from(["failed", "answered", "probe"]), max_size=200))
def test_it_is_open_exactly_after_eight_failures_with_no_answer_since(what: list[str]) -> None:
    breaker, failures, probes = Breaker(), 0, 0
    for now, kind in enumerate(what):
        was_open = is_open(breaker)
        match kind:
            case "failed":
                breaker.failed(now, probe=False)
                failures += 1
            case "answered":
                assert breaker.answered() is was_open
                failures = probes = 0
            case _ if was_open and breaker.next_try <= now:
                breaker.probe()
                breaker.failed(now, probe=True)
                failures, probes = failures + 1, probes + 1
        assert is_open(breaker) is (failures >= 8)
        if breaker.opened_at is not None:
            assert now - breaker.opened_at >= 2**probes - 1 or probes > 6
