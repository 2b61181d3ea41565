"""What must hold of generated divisions: every agreement is legal, and utilities and Pareto efficiency are as arithmetic of this file's
own says, which uses nothing of the library's but the numbers of the game and the log of what was done.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import pytest
from negotiating import ALL, outcome, playing, seated

from comity.library.fresh import fresh
from comity.library.loader import starter
from comity.world.environment import State
from comity.world.tasks import Task

GAMES = 600
"""The benchmark plays 10,000."""
SPECS = list(ALL)

Numbers = Mapping[str, Any]
"""A division's payoff as JSON."""
Share = tuple[int, ...]


@pytest.fixture(scope="module")
def games() -> list[State]:
    people = starter().characters[:2]
    played = []
    for number, scenario in enumerate(fresh("division", GAMES, seed=11)):
        cast = {seat.id: who for seat, who in zip(scenario.seats, people, strict=True)}
        task = Task(id=f"game.{number}", scenario=scenario, cast=cast)
        pair = SPECS[number % len(SPECS)], SPECS[number // len(SPECS) % len(SPECS)]
        played.append(playing(task, seated(task, *pair), seed=number))
    return played


def agreement(log: Sequence[Mapping[str, Any]], numbers: Numbers, seats: Sequence[str]) -> dict[str, Share] | None:
    """What each seat takes in the end, by the log alone; `None` without a deal. Fails where something that was done is not legal."""
    items = numbers["items"]
    table: tuple[str, Share] | None = None
    written: dict[str, Share] = {}
    for event in log:
        seat, action = event["seat"], event["action"]
        move = action["move"]
        if action["type"] == "leave":
            return None
        if move is None or move["kind"] == "claim":
            continue
        assert (move["kind"] == "choose") is (numbers["settled_by"] == "selection")
        if move["kind"] in ("propose", "choose"):
            assert list(move["terms"]) == list(items)
            taken = tuple(move["terms"].values())
            assert all(isinstance(n, int) and 0 <= n <= items[item] for item, n in zip(items, taken, strict=True))
        if move["kind"] == "propose":
            table = (seat, taken)
        elif move["kind"] == "choose":
            assert seat not in written
            written[seat] = taken
        else:
            assert table is not None, "there was nothing to accept or reject"
            assert table[0] != seat, "nobody answers their own offer"
            if move["kind"] == "accept":
                rest = tuple(count - n for count, n in zip(items.values(), table[1], strict=True))
                return {table[0]: table[1], seat: rest}
            table = None
    one, other = (written.get(seat) for seat in seats)
    adds_up = one and other and tuple(a + b for a, b in zip(one, other, strict=True)) == tuple(items.values())
    return written if adds_up else None


def points(numbers: Numbers, seat: str, share: Share) -> int:
    return sum(n * numbers["values"][seat][item] for item, n in zip(numbers["items"], share, strict=True))


def could_be_better(numbers: Numbers, seats: Sequence[str], had: tuple[int, int]) -> bool:
    """By looking at every split there is, and at none."""
    one, other = seats
    counts = list(numbers["items"].values())
    results = [tuple(numbers["disagreement"].get(seat, 0) for seat in seats)]
    for share in product(*(range(count + 1) for count in counts)):
        rest = tuple(count - n for count, n in zip(counts, share, strict=True))
        results.append((points(numbers, one, share), points(numbers, other, rest)))
    return any(a >= had[0] and b >= had[1] and (a, b) != had for a, b in results)


def test_agreements_are_legal_and_points_and_efficiency_are_right(games: list[State]) -> None:
    for state in games:
        seats = [seat.id for seat in state.task.scenario.seats]
        assert state.task.scenario.payoff is not None
        numbers = state.task.scenario.payoff.model_dump(mode="json")
        log = [event.model_dump(mode="json") for event in state.events]
        deal = agreement(log, numbers, seats)
        one, other = (points(numbers, s, deal[s]) if deal else numbers["disagreement"].get(s, 0) for s in seats)
        found = outcome(state)
        assert found.status == ("agreed" if deal else "no_deal")
        assert found.utilities == dict(zip(seats, (one, other), strict=True))
        assert found.pareto_efficient is not could_be_better(numbers, seats, (one, other))


def test_the_games_are_of_every_sort(games: list[State]) -> None:
    found = [outcome(state) for state in games]
    assert {result.status for result in found} == {"agreed", "no_deal"}
    assert {result.pareto_efficient for result in found} == {True, False}
    assert {s.task.scenario.payoff.settled_by for s in games} == {"acceptance", "selection"}  # type: ignore[union-attr]
    assert sum(result.status == "agreed" for result in found) > 0.8 * GAMES
