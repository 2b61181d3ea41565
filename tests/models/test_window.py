"""The window: it doubles, is cut once a round trip, never leaves its bounds, and spaces calls where one at a time is too much."""

from hypothesis import given
from hypothesis import strategies as st

from comity.models.window import Window


def filled(window: Window, calls: int) -> Window:
    """After so many successes, each of them while the window was full."""
    for _ in range(calls):
        window.grow(int(window.size))
    return window


def test_it_doubles_in_a_round_until_the_first_cut() -> None:
    assert filled(Window(128), 128).size == 256


def test_after_a_cut_it_is_soon_back_at_nine_tenths_and_from_there_grows_by_one_in_a_round() -> None:
    window = Window(100)
    window.cut(1, 100, 100)
    assert window.size == 70
    assert filled(window, 20).size == 90
    assert 90.9 < filled(window, 90).size < 91


def test_a_small_window_grows_by_one_in_sixteen_calls() -> None:
    window = Window(4)
    window.cut(1, 4, 4)
    before = window.size
    assert 0.99 < filled(window, 16).size - before <= 1


def test_calls_that_went_out_before_a_cut_do_not_cut_again() -> None:
    window = Window(100)
    for number in range(1, 101):
        window.cut(number, 100, 101 - number)
    assert window.size == 70
    window.cut(101, 150, 71)
    assert window.size == 0.7 * 70


def test_a_cut_starts_from_what_was_really_in_flight() -> None:
    window = Window(1000)
    window.cut(1, 10, 10)
    assert window.size == 7


def test_room_that_is_not_used_does_not_grow() -> None:
    window = Window(128)
    for _ in range(1000):
        window.grow(63)
    assert window.size == 128


def test_after_a_restart_it_doubles_up_to_where_it_was() -> None:
    window = Window(100)
    window.cut(1, 100, 100)
    for _ in range(5):  # however often it is told
        window.restart()
    assert window.size == 8
    assert filled(window, 82).size == 90
    assert filled(window, 90).size < 91


def test_where_one_call_at_a_time_is_too_much_the_spacing_doubles_and_eases() -> None:
    window = Window(1)
    for number in (1, 2, 3):
        assert window.spacing == (0, 0.25, 0.5)[number - 1]
        window.cut(number, number, 1)
    assert filled(window, 100).spacing == 0
    assert window.size >= 1


ended = st.tuples(st.sampled_from(["grow", "cut", "restart"]), st.integers(1, 200), st.integers(0, 20))


@given(start=st.integers(1, 50), most=st.none() | st.integers(50, 100), ends=st.lists(ended, max_size=200))
def test_whatever_happens_one_call_can_go_and_no_more_than_the_most(
    start: int, most: int | None, ends: list[tuple[str, int, int]]
) -> None:
    window = Window(start, most)
    for newest, (kind, in_flight, age) in enumerate(ends, start=1):
        before = window.size
        match kind:
            case "grow":
                window.grow(in_flight)
                assert before <= window.size <= before + 1
            case "cut":
                window.cut(newest - age, newest, in_flight)
                assert max(1.0, 0.7 * min(before, in_flight)) <= window.size <= before
            case _:
                window.restart()
                assert window.size == min(before, 8)
        assert window.has_room(0)
        assert 0 <= window.spacing <= 8
        if most is not None:
            assert not window.has_room(most)
