"""The rules of an episode: who acts when, who perceives what, and how it ends."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import LEAVE, NOTHING, opened, played, roll, say, task, tasks

from comity.world.actions import ActionType, IllegalAction
from comity.world.environment import End, EndReason, Environment, Limits, State
from comity.world.events import Failure
from comity.world.scenarios import TurnOrder
from comity.world.tasks import Task
from comity.world.views import view

FAILED = Failure(kind="unusable_reply", detail="it is empty")


def turns_of(state: State, count: int) -> str:
    """Who acts in the next turns when everyone speaks."""
    found = ""
    for _ in range(count):
        found += "".join(state.acting)
        state = played(state, say())
    return found


def test_in_round_robin_seats_act_one_after_the_other() -> None:
    assert turns_of(opened(task("Ana", "Ben", "Cai")), 7) == "abcabca"


def test_in_simultaneous_order_everyone_present_acts_in_every_turn() -> None:
    assert turns_of(opened(task("Ana", "Ben", "Cai", order=TurnOrder.SIMULTANEOUS)), 2) == "abcabc"


def test_random_order_is_fixed_by_the_seed() -> None:
    random = task("Ana", "Ben", "Cai", order=TurnOrder.RANDOM)
    orders = [turns_of(opened(random, seed=seed), 20) for seed in (1, 1, 2, 3)]
    assert orders[0] == orders[1]
    assert len(set(orders)) == 3


def test_random_order_draws_each_seat_about_as_often() -> None:
    state = opened(task("Ana", "Ben", "Cai", order=TurnOrder.RANDOM), seed=5)
    drawn = Counter(replace(state, turn=turn).acting for turn in range(1, 3001))
    assert set(drawn) == {("a",), ("b",), ("c",)}
    assert all(900 < often < 1100 for often in drawn.values())


def test_random_order_does_not_depend_on_what_was_done() -> None:
    random = opened(task("Ana", "Ben", order=TurnOrder.RANDOM), seed=9)
    assert played(random, say("x"), say("y")).acting == played(random, say("y"), NOTHING).acting


@pytest.mark.parametrize("order", TurnOrder)
def test_seats_of_one_name_act_and_are_named_apart(order: TurnOrder) -> None:
    state = played(opened(task("Ana", "Ana", order=order)), say("one"), say("two"))
    assert view(state, "a").me.name == "Ana (1)"
    assert {seen.name for seen in view(state, "b").history} <= {"Ana (1)", "Ana (2)"}
    assert all(seen.name == {"a": "Ana (1)", "b": "Ana (2)"}[seen.seat] for seen in view(state, "b").history)


@pytest.mark.parametrize("order", TurnOrder)
def test_an_episode_ends_at_the_turn_limit(order: TurnOrder) -> None:
    state = opened(task(turns=3, order=order))
    state = played(state, say(), say())
    assert state.end is None
    assert played(state, say()).end == End(reason=EndReason.TURN_LIMIT)


def test_the_limit_of_the_episode_goes_before_that_of_the_scenario() -> None:
    assert opened(task(turns=3), limits=Limits(turns=5)).turn_limit == 5
    assert opened(task(turns=3)).turn_limit == 3
    assert opened(task()).turn_limit == 20


def test_an_episode_of_two_ends_when_one_leaves_and_says_who() -> None:
    state = played(opened(task()), say(), LEAVE)
    assert state.end == End(reason=EndReason.TOO_FEW_LEFT, seat="b")


def test_of_three_one_may_leave_and_the_others_go_on_without_them() -> None:
    state = played(opened(task("Ana", "Ben", "Cai", private=True)), say(), LEAVE)
    assert state.end is None
    assert state.present == ("a", "c")
    assert turns_of(state, 4) == "caca"
    assert state.spec("a").recipients == (("c", "Cai"),)
    assert played(state, LEAVE).end == End(reason=EndReason.TOO_FEW_LEFT, seat="c")


def test_who_has_left_perceives_nothing_more() -> None:
    state = played(opened(task("Ana", "Ben", "Cai")), say("hi"), LEAVE, say("now that Ben is gone"))
    assert [event.audience for event in state.events] == [("a", "b", "c"), ("a", "b", "c"), ("a", "c")]
    assert [seen.turn for seen in view(state, "b").history] == [1, 2]


@pytest.mark.parametrize(
    ("did", "who"),
    [({"a": LEAVE, "b": say()}, "a"), ({"a": say(), "b": LEAVE}, "b"), ({"a": LEAVE, "b": LEAVE}, "b")],
)
def test_when_all_act_at_once_the_end_names_one_who_left(did: dict[str, object], who: str) -> None:
    state = Environment().step(opened(task(order=TurnOrder.SIMULTANEOUS)), did)  # type: ignore[arg-type]
    assert state.end == End(reason=EndReason.TOO_FEW_LEFT, seat=who)


def test_two_turns_in_a_row_without_anything_are_a_stale_end() -> None:
    state = played(opened(task()), NOTHING, say(), NOTHING)
    assert state.end is None
    assert played(state, NOTHING).end == End(reason=EndReason.STALE)


def test_a_simultaneous_turn_is_idle_only_when_nobody_did_anything() -> None:
    state = opened(task(order=TurnOrder.SIMULTANEOUS))
    busy = {"a": NOTHING, "b": say()}
    assert played(state, busy, busy, busy).end is None
    assert played(state, NOTHING, NOTHING).end == End(reason=EndReason.STALE)


def test_how_long_a_stale_stretch_may_be_is_a_limit() -> None:
    state = opened(task(), limits=Limits(stale=4))
    assert played(state, NOTHING, NOTHING, NOTHING).end is None
    assert played(state, NOTHING, NOTHING, NOTHING, NOTHING).end == End(reason=EndReason.STALE)


def test_an_agents_failure_ends_the_episode_and_nobody_perceives_it() -> None:
    state = Environment().step(opened(task()), {"a": FAILED})
    assert state.end == End(reason=EndReason.AGENT_FAILURE, seat="a")
    assert state.events[0].audience == ()
    assert view(state, "b").history == ()


def test_a_failure_goes_before_every_other_reason() -> None:
    state = opened(task(order=TurnOrder.SIMULTANEOUS, turns=1))
    assert Environment().step(state, {"a": LEAVE, "b": FAILED}).end == End(reason=EndReason.AGENT_FAILURE, seat="b")


def test_nobody_acts_after_the_end() -> None:
    state = played(opened(task()), LEAVE)
    assert state.acting == ()
    for did in ({}, {"b": say()}):
        with pytest.raises(ValueError, match="is for nobody"):
            Environment().step(state, did)


@pytest.mark.parametrize("did", [{}, {"b": say()}, {"a": say(), "b": say()}, {"z": say()}])
def test_exactly_those_whose_turn_it_is_act(did: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="turn 1 is for a, not"):
        Environment().step(opened(task()), did)  # type: ignore[arg-type]


def test_an_action_that_is_not_offered_is_illegal() -> None:
    state = opened(task(actions=[ActionType.SPEAK]))
    with pytest.raises(IllegalAction, match="allowed: speak"):
        played(state, LEAVE)


def test_a_private_message_is_perceived_by_sender_and_recipients_alone() -> None:
    state = opened(task("Ana", "Ben", "Cai", "Dov", private=True))
    state = played(state, say("psst", "c"), say("aloud"), say("both of you", "a", "d"))
    assert [event.audience for event in state.events] == [("a", "c"), ("a", "b", "c", "d"), ("a", "c", "d")]


@pytest.mark.parametrize("to", ["a", "z"])
def test_a_private_message_to_oneself_or_to_nobody_is_illegal(to: str) -> None:
    with pytest.raises(IllegalAction):
        played(opened(task("Ana", "Ben", "Cai", private=True)), say("psst", to))


def test_a_private_message_to_one_who_left_is_illegal() -> None:
    state = played(opened(task("Ana", "Ben", "Cai", private=True)), LEAVE)
    with pytest.raises(IllegalAction, match="it can go to: Cai"):
        played(state, say("still there?", "a"))


def test_without_private_messages_nobody_can_be_reached_privately() -> None:
    with pytest.raises(IllegalAction, match="not possible here"):
        played(opened(task("Ana", "Ben", "Cai")), say("psst", "b"))


@given(tasks(), st.integers(0, 2**40))
def test_the_state_depends_on_nothing_but_task_seed_and_actions(of: Task, seed: int) -> None:
    state = again = opened(of, seed=seed)
    while state.acting:
        did = {seat: roll(view(state, seat)) for seat in state.acting}
        before = state
        state = Environment().step(state, did)
        again = Environment().step(again, dict(reversed(did.items())))
        assert again == state
        assert before.events == state.events[: len(before.events)]
    assert [event.index for event in state.events] == list(range(len(state.events)))
    assert state.turn <= state.turn_limit + 1


@given(tasks(), st.integers(0, 2**40))
def test_an_episode_only_goes_on_while_two_are_present(of: Task, seed: int) -> None:
    state = opened(of, seed=seed)
    while state.acting:
        assert len(state.present) >= 2
        assert set(state.acting) <= set(state.present)
        state = Environment().step(state, {seat: roll(view(state, seat)) for seat in state.acting})
    assert state.end is not None
    assert (len(state.present) < 2) == (state.end.reason is EndReason.TOO_FEW_LEFT)
