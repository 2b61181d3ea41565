"""Deals among several parties, in every order of turns that can see a proposal before it is answered, against rules told once more."""

from random import Random

import pytest
from games import a_move, a_task
from store_records import episode

from comity.world.actions import Action, ActionType
from comity.world.deals import Contract
from comity.world.environment import Environment, State
from comity.world.episodes import Policy
from comity.world.moves import Move, MoveKind
from comity.world.outcomes import outcome_of
from comity.world.scenarios import TurnOrder

LEAVE = Action(type=ActionType.LEAVE)
ISSUES = {"day": ("mon", "tue", "wed"), "room": ("small", "large")}


class Told:
    """The rules of an agreement as a person would keep them on a slip of paper."""

    def __init__(self, seats: tuple[str, ...]) -> None:
        self.seats, self.by, self.offer = seats, "", dict[str, object]()
        self.said_yes: set[str] = set()
        self.deal: dict[str, object] | None = None

    def may(self, seat: str) -> set[str]:
        answers = {"accept", "reject"} if self.offer and seat != self.by and seat not in self.said_yes else set()
        return answers | {"propose", "claim"}

    def hear(self, seat: str, move: Move) -> None:
        if move.kind == "propose":
            self.by, self.offer, self.said_yes = seat, dict(move.terms), set()
        if move.kind == "reject":
            self.offer, self.said_yes = {}, set()
        if move.kind == "accept":
            self.said_yes.add(seat)
            if self.said_yes == set(self.seats) - {self.by}:
                self.deal = self.offer


def points(seats: tuple[str, ...], chance: Random) -> dict[str, dict[str, tuple[int, ...]]]:
    return {s: {i: tuple(chance.randint(0, 9) for _ in of) for i, of in ISSUES.items()} for s in seats}


def act(state: State, seat: str, chance: Random) -> Action:
    """Likes to accept, so that games with five come to something."""
    spec = state.spec(seat).moves
    assert spec is not None, "nobody is without a move before there is a deal"
    if chance.random() < 0.02:
        return LEAVE
    willing = MoveKind.ACCEPT in spec.kinds and chance.random() < 0.6
    move = Move(kind=MoveKind.ACCEPT) if willing else a_move(spec, chance)
    return Action(type=ActionType.SPEAK, argument="Well.", move=move if chance.random() < 0.9 else None)


@pytest.mark.parametrize("order", [TurnOrder.ROUND_ROBIN, TurnOrder.RANDOM])
@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_what_several_agree_on_is_what_the_rules_say(count: int, order: TurnOrder) -> None:
    came_to = set()
    for seed in range(150):
        chance = Random(f"{count} {order} {seed}")
        seats = ("p1", "p2", "p3", "p4", "p5")[:count]
        payoff = Contract(issues=ISSUES, points=points(seats, chance), disagreement={"p2": 4})
        state = Environment().reset(a_task(payoff, seats, order, turns=3 * count), seed=seed)
        told, gone = Told(seats), False
        while state.acting:
            (seat,) = state.acting
            spec = state.spec(seat).moves
            assert spec is not None
            assert set(spec.kinds) == told.may(seat)
            did = act(state, seat, chance)
            state = Environment().step(state, {seat: did})
            gone = gone or did is LEAVE
            if did.move is not None:
                told.hear(seat, did.move)
            assert (state.end is not None) is (gone or told.deal is not None or state.turn > 3 * count)
        record = {"policies": {s: Policy(agent="scripted") for s in seats}, "events": state.events, "end": state.end}
        found = outcome_of(episode(of=state.task).model_copy(update={"seed": seed} | record))
        assert found is not None
        assert (found.status, dict(found.terms)) == (("agreed", told.deal) if told.deal else ("no_deal", {}))
        worth = {
            s: sum(payoff.points[s][i][ISSUES[i].index(str(o))] for i, o in told.deal.items())
            if told.deal
            else {"p2": 4}.get(s, 0)
            for s in seats
        }
        assert dict(found.utilities) == worth
        came_to.add((found.status, state.end.reason if state.end else None))
    assert {status for status, _ in came_to} == {"agreed", "no_deal"}
    assert len(came_to) >= 3
