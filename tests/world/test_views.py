"""A view is a seat's whole projection of the log; what it may know is tested with the privacy rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import opened, played, roll, say, task, tasks

from comity.world.environment import Environment
from comity.world.relationships import RelationshipKind
from comity.world.scenarios import TurnOrder
from comity.world.tasks import Task
from comity.world.views import Projection, view


def test_a_view_holds_the_seat_the_setting_and_the_others_in_seat_order() -> None:
    seen = view(opened(task("Ana", "Ben", "Cai", edges={"bc": RelationshipKind.FRIEND})), "b", episode="e")
    assert (seen.session, seen.me.name, seen.setting) == ("e/b", "Ben", "A quiet room with a table.")
    assert [(other.name, other.relationship) for other in seen.others] == [
        ("Ana", RelationshipKind.STRANGER),
        ("Cai", RelationshipKind.FRIEND),
    ]
    assert seen.me.aim is not None
    assert seen.me.aim.goal == "the goal of seat b"
    assert seen.me.relationship is None


def test_a_private_message_is_shown_with_its_recipients_names() -> None:
    state = played(opened(task("Ana", "Ana", "Cai", private=True)), say("psst", "c"))
    (heard,) = view(state, "c").history
    assert (heard.name, heard.to, heard.action.argument) == ("Ana (1)", ("Cai",), "psst")
    assert view(state, "b").history == ()


def test_the_view_of_a_seat_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        view(opened(task()), "z")


def test_the_seed_differs_by_turn_and_seat_and_episode_seed_and_by_nothing_else() -> None:
    states = {(seed, turn): opened(task(), seed=seed) for seed in (1, 2) for turn in (1, 2)}
    states |= {(seed, 2): played(opened(task(), seed=seed), say()) for seed in (1, 2)}
    drawn = {view(state, seat).seed for state in states.values() for seat in "ab"}
    assert len(drawn) == 8
    assert view(played(opened(task()), say("x")), "b").seed == view(played(opened(task()), say("y")), "b").seed


@given(tasks(), st.integers(0, 2**40))
def test_nobody_sees_what_others_do_in_a_turn_before_acting_in_it(of: Task, seed: int) -> None:
    state = opened(of, seed=seed)
    while state.acting:
        views = {seat: view(state, seat) for seat in state.acting}
        for seen in views.values():
            assert all(before.turn < seen.turn for before in seen.history)
        state = Environment().step(state, {seat: roll(seen) for seat, seen in views.items()})


@given(tasks(), st.integers(0, 2**40))
def test_what_a_seat_has_seen_is_never_taken_back(of: Task, seed: int) -> None:
    state = opened(of, seed=seed)
    before = {seat: view(state, seat).history for seat in of.cast}
    while state.acting:
        state = Environment().step(state, {seat: roll(view(state, seat)) for seat in state.acting})
        for seat, history in before.items():
            assert view(state, seat).history[: len(history)] == history
        before = {seat: view(state, seat).history for seat in of.cast}


def test_after_a_simultaneous_turn_everyone_sees_all_of_it() -> None:
    state = played(opened(task("Ana", "Ben", order=TurnOrder.SIMULTANEOUS)), {"a": say("x"), "b": say("y")})
    assert [seen.action.argument for seen in view(state, "a").history] == ["x", "y"]


@given(tasks(), st.integers(0, 2**40))
def test_a_projection_gives_the_views_of_any_states_in_any_order(of: Task, seed: int) -> None:
    states = [opened(of, seed=seed)]
    while acting := states[-1].acting:
        did = {seat: roll(view(states[-1], seat)) for seat in acting}
        states.append(Environment().step(states[-1], did))
    projection = Projection("e")
    for state in (*states, *reversed(states), states[0], states[-1]):
        assert [projection.view(state, seat) for seat in of.cast] == [
            view(state, seat, episode="e") for seat in of.cast
        ]


def test_notes_stay_with_the_seat_as_long_as_the_episode_goes_on() -> None:
    projection, state = Projection("e"), opened(task())
    notes = projection.view(state, "a").notes
    later = played(state, say("x"))
    assert projection.view(later, "a").notes is notes
    assert projection.view(later, "b").notes is not notes
    assert projection.view(played(state, say("y")), "a").notes is not notes
    assert projection.view(later, "a") == view(later, "a", episode="e")


def test_notes_are_no_part_of_what_a_view_says() -> None:
    one, other = view(opened(task()), "a"), view(opened(task()), "a")
    one.notes["key"] = "kept"
    assert one == other
    assert "kept" not in repr(one)
