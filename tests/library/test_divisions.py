"""What must hold of generated divisions: every agreement is legal, and utilities and Pareto efficiency are what arithmetic that uses
nothing of the library says. The benchmark plays and checks 10,000 of them, and these are played and checked as there.
"""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from negotiators import game, main, mistakes, played, result

from comity.agents.negotiators import Negotiator
from comity.world.actions import Action, ActionType
from comity.world.environment import State
from comity.world.moves import Move, MoveKind
from comity.world.outcomes import Outcome

GAMES = 600

Played = tuple[State, Outcome, Mapping[str, Negotiator]]


@pytest.fixture(scope="module")
def games() -> list[Played]:
    found: list[Played] = []
    for number in range(GAMES):
        task, players = game(number, seed=11)
        state = played(task, players, number)
        found.append((state, result(state, players), players))
    return found


def test_agreements_are_legal_and_points_and_efficiency_are_right(games: list[Played]) -> None:
    assert [wrong for state, found, _ in games for wrong in mistakes(state, found)] == []


def test_the_games_are_of_every_sort(games: list[Played]) -> None:
    assert {found.status for _, found, _ in games} == {"agreed", "no_deal"}
    assert {found.pareto_efficient for _, found, _ in games} == {True, False}
    assert {settled_by(state) for state, _, _ in games} == {"acceptance", "selection"}
    assert sum(found.status == "agreed" for _, found, _ in games) > 0.8 * GAMES
    assert (
        len({frozenset(p.style.name for p in players.values()) for _, _, players in games}) == 66
    )  # every pair of eleven


def settled_by(state: State) -> object:
    assert state.task.scenario.payoff is not None
    return state.task.scenario.payoff.model_dump()["settled_by"]


@pytest.fixture
def agreed(games: list[Played]) -> tuple[State, Outcome]:
    """A game with an agreement by acceptance that cannot be bettered."""
    return next(
        (s, f) for s, f, _ in games if f.status == "agreed" and f.pareto_efficient and settled_by(s) == "acceptance"
    )


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("status", "no_deal", "status is no_deal, not agreed"),
        ("pareto_efficient", False, "pareto_efficient is False, not True"),
        ("utilities", {"a": 1.0, "b": 2.0}, "utilities is"),
    ],
)
def test_the_check_sees_an_outcome_that_is_wrong(
    agreed: tuple[State, Outcome], field: str, value: object, why: str
) -> None:
    state, found = agreed
    (wrong,) = mistakes(state, found.model_copy(update={field: value}))
    assert why in wrong


@pytest.mark.parametrize("kind", [MoveKind.ACCEPT, MoveKind.CHOOSE, MoveKind.PROPOSE])
def test_the_check_sees_what_is_not_legal(agreed: tuple[State, Outcome], kind: MoveKind) -> None:
    state, found = agreed
    terms = {} if kind is MoveKind.ACCEPT else dict.fromkeys(found.terms, 99)
    move = Action(type=ActionType.SPEAK, argument="So.", move=Move(kind=kind, terms=terms))
    first = state.events[0].model_copy(update={"action": move})
    (wrong,) = mistakes(replace(state, events=(first, *state.events[1:])), found)
    assert "is not possible there" in wrong or "is no share of" in wrong


def test_the_benchmark_counts_what_it_plays(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(30) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["games"], said["wrong"]) == (30, 0)
    assert said["cpu_s"] > 0
