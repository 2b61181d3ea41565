"""The clock: own turns that are left, read from who has acted when."""

from negotiating import fixed
from worlds import played, say

from comity.agents.negotiators.clock import Clock, clock_of
from comity.world.environment import Environment, State
from comity.world.scenarios import TurnOrder
from comity.world.views import view


def clock(state: State, seat: str) -> Clock:
    return clock_of(view(state, seat), ("p1", "p2"))


def ordered(order: TurnOrder, turns: int, seed: int = 0) -> State:
    game = fixed("price", turns)
    scenario = game.scenario.model_copy(update={"turn_order": order})
    return Environment().reset(game.model_copy(update={"scenario": scenario}), seed=seed)


def test_turn_by_turn_each_has_half_of_them() -> None:
    state = ordered(TurnOrder.ROUND_ROBIN, 5)
    left = []
    while state.acting:
        now = clock(state, state.acting[0])
        left.append((state.acting[0], now.left, now.whole, now.answerable, round(now.spent, 2)))
        state = played(state, say())
    assert left == [
        ("p1", 3, 3, True, 0.0),
        ("p2", 2, 2, True, 0.0),
        ("p1", 2, 3, True, 0.5),
        ("p2", 1, 2, True, 1.0),
        ("p1", 1, 3, False, 1.0),
    ]


def test_all_at_once_each_has_all_of_them() -> None:
    state = ordered(TurnOrder.SIMULTANEOUS, 4)
    state = played(state, {"p1": say("a"), "p2": say("b")})
    now = clock(state, "p2")
    assert (now.left, now.whole, now.answerable, now.together, now.irregular) == (3, 4, True, True, False)


def test_an_order_that_cannot_be_counted_on_is_seen_and_leaves_no_time_to_waste() -> None:
    seed = next(s for s in range(50) if [a.acting for a in turns(s)][:2] == [("p2",), ("p2",)])
    now = clock(turns(seed)[2], "p1")
    assert now.irregular
    assert not now.spare(1)


def turns(seed: int) -> list[State]:
    states = [ordered(TurnOrder.RANDOM, 6, seed)]
    while states[-1].acting:
        states.append(played(states[-1], say()))
    return states
