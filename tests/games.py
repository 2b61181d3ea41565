"""One payoff of each kind at random, and random legal play of it. For any test that plays a scenario with an outcome."""

from collections.abc import Iterator, Mapping
from random import Random

from comity.world.actions import Action, ActionType
from comity.world.characters import Character
from comity.world.choices import Dilemma, Gift, MutualFriend, PublicGoods, Secret
from comity.world.deals import Contract, Division, Price
from comity.world.environment import Environment, State
from comity.world.moves import Move, MoveKind, MoveSpec, Term
from comity.world.payoffs import Payoff
from comity.world.scenarios import Scenario, Seat, TurnOrder
from comity.world.tasks import Task

__all__ = ["KINDS", "a_move", "a_payoff", "a_task", "orders_of", "play_at_random", "seats_of"]

KINDS = ("division", "selection", "price", "contract", "dilemma", "public_goods", "mutual_friend", "secret", "gift")


def seats_of(kind: str, chance: Random) -> tuple[str, ...]:
    """As many seats as the kind takes."""
    most = {"contract": 5, "public_goods": 5, "secret": 4, "mutual_friend": 3}.get(kind, 2)
    return ("p1", "p2", "p3", "p4", "p5")[: chance.randint(2, most)]


def a_payoff(kind: str, seats: tuple[str, ...], chance: Random) -> Payoff:
    """A payoff of this kind with random private numbers."""
    match kind:
        case "division" | "selection":
            items = {item: chance.randint(1, 4) for item in ("books", "hats", "balls")[: chance.randint(1, 3)]}
            return Division(
                items=items,
                values={seat: {item: chance.randint(0, 10) for item in items} for seat in seats},
                disagreement={seats[0]: chance.randint(0, 5)},
                settled_by="selection" if kind == "selection" else "acceptance",
            )
        case "price":
            reserves = {seat: chance.randint(50, 150) for seat in seats}
            step = chance.choice((1, 5))
            return Price(buyer=seats[0], seller=seats[1], range=(50, 150), step=step, reserves=reserves)
        case "contract":
            issues = {issue: ("low", "middle", "high")[: chance.randint(2, 3)] for issue in ("pay", "place")}
            return Contract(issues=issues, points=_points(seats, issues, chance), disagreement={seats[-1]: 7})
        case "dilemma":
            return Dilemma(cooperate="hold", defect="tell", rounds=chance.randint(1, 3))
        case "public_goods":
            return PublicGoods(endowment=chance.randint(1, 5), factor=1.5, rounds=chance.randint(1, 3))
        case "mutual_friend":
            own = {seat: tuple(f"{name} of {seat}" for name in ("Ada", "Bo")) for seat in seats}
            return MutualFriend(contacts={seat: _shuffled((*people, "Cy"), chance) for seat, people in own.items()})
        case "secret":
            options = ("red", "green", "blue")
            return Secret(keeper=seats[0], question="Which?", options=options, answer=chance.choice(options))
        case "gift":
            return Gift(giver=seats[1], asker=seats[0], limit=chance.randint(1, 20))
    raise ValueError(kind)


def _points(
    seats: tuple[str, ...], issues: Mapping[str, tuple[str, ...]], chance: Random
) -> dict[str, dict[str, tuple[int, ...]]]:
    return {seat: {i: tuple(chance.randint(0, 30) for _ in of) for i, of in issues.items()} for seat in seats}


def _shuffled(people: tuple[str, ...], chance: Random) -> tuple[str, ...]:
    return tuple(chance.sample(people, len(people)))


def orders_of(payoff: Payoff) -> tuple[TurnOrder, ...]:
    """The orders of turns in which it can be played."""
    return tuple(order for order in TurnOrder if not (payoff.in_turn and order is TurnOrder.SIMULTANEOUS))


def a_task(payoff: Payoff, seats: tuple[str, ...], order: TurnOrder = TurnOrder.ROUND_ROBIN, turns: int = 12) -> Task:
    """A scenario with this payoff, cast with people called by their seats."""
    scenario = Scenario.model_validate(
        {
            "id": "game",
            "title": "A game",
            "setting": "A table.",
            "seats": [Seat(id=seat, role=f"player {seat}", goal=f"Do well as {seat}.") for seat in seats],
            "turn_order": order,
            "turn_limit": turns,
            "payoff": payoff.model_dump(),
        }
    )
    return Task(id="game.cast", scenario=scenario, cast={seat: _someone(seat) for seat in seats})


def _someone(seat: str) -> Character:
    return Character(id=f"c-{seat}", name=f"Player {seat}", age=30, gender="woman", pronouns="she", occupation="baker")


def a_move(spec: MoveSpec, chance: Random) -> Move:
    """A legal move."""
    kind = chance.choice(spec.kinds)
    if kind in (MoveKind.ACCEPT, MoveKind.REJECT):
        return Move(kind=kind)
    terms = (chance.choice(spec.claims),) if kind is MoveKind.CLAIM else spec.terms
    return Move(kind=kind, terms={term.id: _value(term, chance) for term in terms})


def _value(term: Term, chance: Random) -> int | str:
    if term.options:
        return chance.choice(term.options)
    return term.low + term.step * chance.randrange(len(term))


def play_at_random(task: Task, chance: Random, seed: int = 0) -> Iterator[State]:
    """Every state of an episode in which all talk and move as they like."""
    state = Environment().reset(task, seed=seed)
    yield state
    while state.acting:
        state = Environment().step(state, {seat: _act(state, seat, chance) for seat in state.acting})
        yield state


def _act(state: State, seat: str, chance: Random) -> Action:
    spec = state.spec(seat)
    if chance.random() < 0.03:
        return Action(type=ActionType.LEAVE)
    moves = spec.moves is not None and chance.random() < 0.7
    return Action(
        type=ActionType.SPEAK, argument="Well.", move=a_move(spec.moves, chance) if moves and spec.moves else None
    )
