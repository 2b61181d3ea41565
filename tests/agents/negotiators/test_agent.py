"""Negotiators play every kind of payoff, legally, in any order of turns, by their view alone and by nothing that is private to others."""

from dataclasses import replace
from itertools import product
from random import Random
from typing import Any

import pytest
from games import KINDS, a_payoff, a_task, seats_of
from negotiating import ALL, moves_of, outcome, playing, seated, words_of
from worlds import opened, task

from comity.agents.negotiators import CannotPlay, Negotiator, negotiator
from comity.agents.negotiators.moment import Moment
from comity.agents.scripted import ScriptedAgent
from comity.simulate import simulate
from comity.world.actions import ActionType
from comity.world.environment import EndReason, Environment
from comity.world.moves import MoveKind
from comity.world.payoffs import Payoff
from comity.world.scenarios import TurnOrder
from comity.world.tasks import Task
from comity.world.views import SeatView, view

SPECS = list(ALL)


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        (kind, order)
        for kind, order in product(KINDS, TurnOrder)
        if order is not TurnOrder.SIMULTANEOUS
        or kind not in ("division", "price", "contract")  # a proposal waits for its answer
    ],
)
def test_every_style_plays_every_kind_to_an_end_within_the_rules(kind: str, order: TurnOrder) -> None:
    for number, spec in enumerate(SPECS):
        chance = Random(f"{kind} {order} {spec}")
        seats = seats_of(kind, chance)
        game = a_task(a_payoff(kind, seats, chance), seats, order, turns=chance.randint(1, 14))
        other = SPECS[(number * 5 + 3) % len(SPECS)]
        end = playing(game, seated(game, spec, other), seed=number)  # an illegal action would raise
        assert end.end is not None
        assert end.end.reason is not EndReason.AGENT_FAILURE
        assert set(outcome(end).utilities) == set(seats)


@pytest.mark.parametrize("kind", KINDS)
def test_words_and_moves_ride_on_whatever_the_scenario_allows(kind: str) -> None:
    chance = Random(kind)
    seats = seats_of(kind, chance)
    game = with_actions(a_task(a_payoff(kind, seats, chance), seats), ActionType.ACTION)
    for spec in ("linear", "firm", "held-out@1/late-folder"):
        end = playing(game, seated(game, spec))
        assert {e.action.type for e in end.events if e.action} == {ActionType.ACTION}
        assert all(words.startswith("says: \u201c") for words in words_of(end))


def with_actions(game: Task, *types: ActionType) -> Task:
    return game.model_copy(update={"scenario": game.scenario.model_copy(update={"actions": types})})


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_view_gives_the_same_action_and_another_seed_another(kind: str) -> None:
    chance = Random(kind)
    seats = seats_of(kind, chance)
    game = a_task(a_payoff(kind, seats, chance), seats)
    ends = [playing(game, seated(game, "linear", "conceder"), seed=seed) for seed in (1, 1, 2, 3, 4)]
    said = [words_of(end) for end in ends]
    assert said[0] == said[1]
    assert len({tuple(words) for words in said}) >= 3


class Peeking:
    """A negotiator that compares what it decides with what it would of the same view with other private values of everybody else."""

    def __init__(self, agent: Negotiator, other: Payoff) -> None:
        self._agent, self._other = agent, other
        self.asked = 0

    def decide(self, seen: SeatView) -> Any:
        assert seen.table is not None
        alone = seen.table.payoff.known_to((seen.me.seat,))
        mine = {
            name: {seen.me.seat: getattr(alone, name)[seen.me.seat]}
            for name in alone.private
            if seen.me.seat in getattr(alone, name)
        }
        changed = alone.model_copy(update={name: {**getattr(self._other, name), **own} for name, own in mine.items()})
        fresh = replace(seen, notes={}, table=replace(seen.table, payoff=changed))
        redacted = replace(seen, notes={}, table=replace(seen.table, payoff=alone))
        did = self._agent.decide(seen)
        assert did == self._agent.decide(redacted) == self._agent.decide(fresh)
        self.asked += 1
        return did


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spec", SPECS)
def test_private_values_of_others_change_nothing_in_any_mode(kind: str, spec: str) -> None:
    chance = Random(f"{kind} {spec}")
    seats = seats_of(kind, chance)
    payoff, other = a_payoff(kind, seats, Random(7)), a_payoff(kind, seats, Random(7))
    other = other.model_copy(update={name: changed_values(payoff, name, seats) for name in payoff.private})
    game = a_task(payoff, seats)
    peeking = {seat: Peeking(agent, other) for seat, agent in seated(game, spec).items()}
    open_, closed = (play(game, peeking, mode) for mode in ("omniscient", "asymmetric"))
    assert all(each.asked for each in peeking.values())
    assert [e.action for e in open_] == [e.action for e in closed]


def changed_values(payoff: Payoff, name: str, seats: tuple[str, ...]) -> dict[str, Any]:
    """What is private to each seat given to its neighbour."""
    values = getattr(payoff, name)
    return {seat: values[seats[at - 1]] for at, seat in enumerate(seats) if seats[at - 1] in values}


def play(game: Task, players: dict[str, Peeking], mode: Any) -> Any:
    state = Environment().reset(game, seed=3, mode=mode)
    while state.acting:
        state = Environment().step(state, {seat: players[seat].decide(view(state, seat)) for seat in state.acting})
    return state.events


def test_a_secrets_answer_is_its_keepers_alone() -> None:
    chance = Random("secret")
    seats = seats_of("secret", chance)
    games = [
        a_task(a_payoff("secret", seats, chance).model_copy(update={"answer": answer}), seats)
        for answer in ("red", "blue")
    ]
    for spec in SPECS:  # whoever listens to a silent keeper says and writes the same
        ends = [playing(game, {**seated(game, spec), seats[0]: ["Well."] * 12}, mode="omniscient") for game in games]
        assert words_of(ends[0]) == words_of(ends[1])
        assert moves_of(ends[0], seats[1]) == moves_of(ends[1], seats[1])


@pytest.mark.parametrize("kind", KINDS)
def test_even_where_all_is_shown_it_looks_at_nothing_that_is_private_to_others(kind: str) -> None:
    chance = Random(kind)
    seats = seats_of(kind, chance)
    game = a_task(a_payoff(kind, seats, chance), seats)
    state = Environment().reset(game, seed=1, mode="omniscient")
    while state.acting and not (state.position and state.position.chosen):
        seat = state.acting[0]
        now = Moment[Payoff](view(state, seat))
        for name in now.payoff.private:
            assert set(getattr(now.payoff, name)) <= {seat}
        state = Environment().step(state, {seat: ALL["negotiator:firm"].decide(view(state, seat))})
    if state.acting and state.position and state.position.chosen:
        (writer,) = state.position.chosen
        now = Moment[Payoff](view(state, next(seat for seat in seats if seat != writer)))
        assert now.position.chosen == {writer: {}}


def test_a_scenario_without_a_payoff_is_refused_by_name() -> None:
    agent = negotiator("negotiator:linear")
    with pytest.raises(
        CannotPlay,
        match=r"'scenario' has no payoff, so negotiator:linear cannot play in it; choose a scenario with one",
    ):
        agent.check(task().scenario)
    with pytest.raises(CannotPlay, match="seat 'a' of a scenario without a payoff"):
        agent.decide(view(opened(task()), "a"))


@pytest.mark.anyio
async def test_it_plays_in_the_real_loop_against_somebody_who_only_talks() -> None:
    game = a_task(a_payoff("division", ("p1", "p2"), Random(2)), ("p1", "p2"), turns=8)
    silent = ScriptedAgent(lambda seen: "I would rather talk about the weather.")
    episode = await simulate(game, {"p1": ALL["negotiator:linear"], "p2": silent}, seed=5)
    assert episode.policies["p1"] == ALL["negotiator:linear"].policy
    moves = [e.action.move for e in episode.events if e.seat == "p1" and e.action and e.action.move]
    assert {move.kind for move in moves} == {MoveKind.PROPOSE}
    assert episode.end is not None


def test_one_writer_plays_every_part_of_a_script() -> None:
    game = a_task(a_payoff("price", ("p1", "p2"), Random(4)), ("p1", "p2"))
    one = ALL["negotiator:linear"]
    scripted = playing(game, {"p1": one, "p2": one}, mode="script")
    apart = playing(game, {"p1": one, "p2": one})
    assert words_of(scripted) == words_of(apart)
