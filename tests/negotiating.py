"""Games between negotiators, as the tests play them: through the real environment and views, without a loop of asyncio."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from games import a_task

from comity.agents.by_rule import RulePlayer
from comity.agents.negotiators import Negotiator, named_styles, negotiator
from comity.library.fresh import fresh_one
from comity.library.loader import starter
from comity.world.actions import Action, ActionType
from comity.world.choices import Dilemma, Gift, MutualFriend, PublicGoods, Secret
from comity.world.deals import Contract, Division, Price
from comity.world.environment import Environment, State
from comity.world.episodes import Episode
from comity.world.moves import Move
from comity.world.outcomes import Outcome, outcome_of
from comity.world.payoffs import Payoff
from comity.world.tasks import Task
from comity.world.views import Projection
from comity.world.visibility import Mode

__all__ = ["ALL", "FIXED", "fixed", "fresh_task", "moves_of", "outcome", "playing", "said", "seated", "words_of"]

ALL = {spec: negotiator(spec) for spec in named_styles()}
"""Every negotiator by its specification."""

FIXED: Mapping[str, Payoff] = {
    "division": Division(
        items={"books": 2, "hats": 3, "ball": 1},
        values={"p1": {"books": 1, "hats": 2, "ball": 6}, "p2": {"books": 5, "hats": 1, "ball": 2}},
        disagreement={"p1": 2},
    ),
    "selection": Division(
        items={"fuel": 2, "rope": 1, "rice": 3},
        values={"p1": {"fuel": 5, "rope": 7, "rice": 1}, "p2": {"fuel": 3, "rope": 2, "rice": 4}},
        settled_by="selection",
    ),
    "price": Price(buyer="p1", seller="p2", range=(50, 300), step=5, reserves={"p1": 180, "p2": 110}),
    "contract": Contract(
        issues={"pay": ("$900", "$800", "$700"), "start": ("now", "later"), "room": ("none", "attic", "flat")},
        points={
            "p1": {"pay": (40, 20, 0), "start": (0, 10), "room": (0, 5, 15)},
            "p2": {"pay": (0, 15, 30), "start": (20, 0), "room": (25, 20, 0)},
        },
        disagreement={"p1": 15, "p2": 20},
    ),
    "dilemma": Dilemma(cooperate="keep-quiet", defect="tell", rounds=5),
    "public_goods": PublicGoods(endowment=20, factor=1.5, rounds=4),
    "mutual_friend": MutualFriend(
        contacts={
            "p1": (
                "Ada Quill (vet, cycles)",
                "Bo Marsh (pilot, sings)",
                "Cy Tan (vet, sings)",
                "Di Orr (typist, climbs)",
            ),
            "p2": (
                "Ed Lowe (pilot, climbs)",
                "Cy Tan (vet, sings)",
                "Flo Ray (baker, sings)",
                "Gus Penn (vet, cycles)",
            ),
        }
    ),
    "secret": Secret(keeper="p1", question="Which door?", options=("red", "green", "blue", "white"), answer="green"),
    "gift": Gift(giver="p1", asker="p2", limit=100, unit="cents"),
}
"""One payoff of each kind, for two, that no test changes: the held-out pools are pinned by how they are played."""


def fixed(kind: str, turns: int = 12) -> Task:
    """A task with one of them."""
    return a_task(FIXED[kind], ("p1", "p2"), turns=turns)


def fresh_task(kind: str, number: int, seed: int = 5) -> Task:
    """A generated scenario with a cast."""
    scenario = fresh_one(kind, number, seed)
    seats = [seat.id for seat in scenario.seats]
    return Task(id=scenario.id, scenario=scenario, cast=dict(zip(seats, starter().characters, strict=False)))


Script = Sequence[Move | str]
"""What somebody does in turn: moves with a word, or words alone; after the last, words."""


def seated(task: Task, *specs: str) -> dict[str, Negotiator]:
    """These negotiators in the task's seats, the last one in all that are left."""
    seats = [seat.id for seat in task.scenario.seats]
    each = [*specs, *[specs[-1]] * (len(seats) - len(specs))]
    return {
        seat: ALL[spec if spec.startswith("negotiator:") else f"negotiator:{spec}"]
        for seat, spec in zip(seats, each, strict=True)
    }


def playing(task: Task, players: Mapping[str, RulePlayer | Script], seed: int = 0, mode: Mode = "asymmetric") -> State:
    """The last state of a game; who is no player by rule goes by a script."""
    state, projection = Environment().reset(task, seed=seed, mode=mode), Projection()
    done = dict.fromkeys(players, 0)
    while state.acting:
        actions: dict[str, Action] = {}
        for seat in state.acting:
            player = players[seat]
            if isinstance(player, RulePlayer):
                actions[seat] = player.decide(projection.view(state, seat))
            else:
                actions[seat] = said(player[done[seat]] if done[seat] < len(player) else "Well.")
            done[seat] += 1
        state = Environment().step(state, actions)
    return state


def said(what: Move | str) -> Action:
    """An action with a move, or words alone."""
    if isinstance(what, str):
        return Action(type=ActionType.SPEAK, argument=what)
    return Action(type=ActionType.SPEAK, argument="So.", move=what)


def moves_of(state: State, seat: str) -> list[Move]:
    """The moves that a seat made, in order."""
    return [e.action.move for e in state.events if e.seat == seat and e.action and e.action.move]


def words_of(state: State, seat: str = "") -> list[str]:
    """What a seat said, or everybody, in order."""
    return [e.action.argument for e in state.events if e.action and (not seat or e.seat == seat)]


def outcome(state: State) -> Outcome:
    """What the rules say of a game."""
    whole = Episode(
        id="game",
        task=state.task,
        mode=state.mode,
        lite=state.lite,
        seed=state.seed,
        limits={},
        policies={seat.id: ALL["negotiator:linear"].policy for seat in state.task.scenario.seats},
        events=state.events,
        end=state.end,
        code_version="test",
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    found = outcome_of(whole)
    assert found is not None
    return found
