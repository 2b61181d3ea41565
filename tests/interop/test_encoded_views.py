"""What a seat may know as an element of a Gymnasium space: the words a person would read, and where the game stands in numbers."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from games import KINDS, a_task
from worlds import LEAVE, say, task

from comity.agents.briefing import briefing, shown
from comity.interop.pettingzoo import parallel_env
from comity.world.actions import Action
from comity.world.choices import Dilemma
from comity.world.deals import Contract, Division
from comity.world.environment import Limits
from comity.world.episodes import replay
from comity.world.moves import Move, MoveKind
from comity.world.payoffs import Payoff
from comity.world.scenarios import TurnOrder
from comity.world.views import view
from interop.zoo import PLAYABLE, doing, game, judged_only, played


def with_move(kind: MoveKind, **terms: int | str) -> Action:
    return say("So?").model_copy(update={"move": Move(kind=kind, terms=terms)})


def plain(of: object) -> object:
    """Arrays as lists."""
    if isinstance(of, Mapping):
        return {key: plain(each) for key, each in of.items()}
    return of.tolist() if isinstance(of, np.ndarray | np.generic) else of


def tables(payoff: Payoff, seats: Sequence[str], *moves: Action) -> list[list[object]]:
    """The table as each seat sees it after each of these moves, made in turn."""
    zoo = parallel_env(a_task(payoff, tuple(seats)))
    zoo.reset()
    told = []
    for at, move in enumerate(moves):
        agent = f"seat_{at % len(seats)}"
        observations, *_ = zoo.step({agent: doing(zoo, agent, move)})
        told.append([plain(seen["table"]) for seen in observations.values()])
    return told


@pytest.mark.parametrize(("kind", "order"), PLAYABLE)
def test_every_observation_is_in_the_space_and_the_space_is_the_same_for_all(kind: str, order: TurnOrder) -> None:
    zoo = parallel_env(game(kind, order, seed=1))
    assert len({str(space) for space in zoo.observation_spaces.values()}) == 1
    observations, infos = zoo.reset(seed=1)
    while True:
        assert all(seen in zoo.observation_space(agent) for agent, seen in observations.items())
        if not zoo.agents:
            break
        given = {agent: zoo.action_space(agent).sample(infos[agent]["action_mask"]) for agent in zoo.agents}  # type: ignore[arg-type]
        observations, *_, infos = zoo.step(given)


@pytest.mark.parametrize("kind", KINDS)
def test_the_text_is_what_a_person_would_read(kind: str) -> None:
    zoo = played(game(kind, seed=4, private=True), 4)
    state = replay(zoo.episode())
    for agent, seat in zoo.seats.items():
        seen = view(state, seat)
        assert seen.table
        told = "\n".join([briefing(seen), "", *(shown(each, seen.table.payoff) for each in seen.history)])
        assert zoo.observation_spaces[agent].encode(zoo.view(agent), acting=False)["text"] == told


def test_an_offer_what_deals_are_worth_and_what_was_claimed() -> None:
    values = {"p1": {"hats": 3, "pens": 4}, "p2": {"hats": 0, "pens": 10}}
    payoff = Division(items={"hats": 2, "pens": 1}, values=values, disagreement={"p2": 5})
    claim, take = with_move(MoveKind.CLAIM, hats=9), with_move(MoveKind.PROPOSE, hats=0, pens=1)
    (_, _), (one, other) = tables(payoff, ("p1", "p2"), claim, take)
    public = {
        "offer": {"by": 2, "terms": {"hats": 0, "pens": 1}, "accepted": [0, 0]},
        "claims": {"hats": [10, 0], "pens": [0, 0]},
    }
    assert one == public | {"worth": {"hats": [0, 3, 6], "pens": [0, 4]}, "fallback": 0}
    assert other == public | {"worth": {"hats": [0, 0, 0], "pens": [0, 10]}, "fallback": 5}


def test_who_has_accepted_among_several_and_no_offer_after_a_refusal() -> None:
    seats = ("p1", "p2", "p3")
    payoff = Contract(issues={"pay": ("low", "high")}, points={seat: {"pay": (at, 9)} for at, seat in enumerate(seats)})
    accept, reject = (with_move(kind) for kind in (MoveKind.ACCEPT, MoveKind.REJECT))
    _, agreed, refused = tables(payoff, seats, with_move(MoveKind.PROPOSE, pay="high"), accept, reject)
    offered = {"by": 1, "terms": {"pay": 1}, "accepted": [0, 1, 0]}
    none = {"by": 0, "terms": {"pay": 0}, "accepted": [0, 0, 0]}
    for at in range(3):
        own = {"worth": {"pay": [at, 9]}, "fallback": 0, "claims": {"pay": [0, 0, 0]}}
        assert agreed[at] == own | {"offer": offered}
        assert refused[at] == own | {"offer": none}


def test_who_has_written_something_down_and_what_was_opened_by_round() -> None:
    writes = [with_move(MoveKind.CHOOSE, choice=choice) for choice in ("tell", "hold", "hold", "hold")]
    told = tables(Dilemma(cooperate="hold", defect="tell", rounds=3), ("p1", "p2"), *writes)
    after = [
        ([1, 0], [[0, 0], [0, 0], [0, 0]]),
        ([0, 0], [[2, 1], [0, 0], [0, 0]]),
        ([1, 0], [[2, 1], [0, 0], [0, 0]]),
        ([0, 0], [[2, 1], [1, 1], [0, 0]]),
    ]
    for (written, rounds), both in zip(after, told, strict=True):
        assert both == [{"written": written, "opened": {"choice": rounds}, "claims": {"choice": [0, 0]}}] * 2


def test_whose_turn_it_is_which_and_who_is_still_there() -> None:
    zoo = parallel_env(task("Ana", "Ben", "Cem"))
    zoo.reset()
    observations, *_ = zoo.step({"seat_0": doing(zoo, "seat_0", LEAVE)})
    told = [{key: plain(value) for key, value in seen.items() if key != "text"} for seen in observations.values()]
    assert told == [{"turn": 2, "turns_left": 19, "acting": int(at == 1), "present": [0, 1, 1]} for at in range(3)]


@pytest.mark.parametrize(("limits", "most"), [(Limits(), 20), (Limits(turns=3), 3), (Limits(turns=1), 1)])
def test_how_many_turns_are_left_is_known_from_the_first_to_none(limits: Limits, most: int) -> None:
    zoo = parallel_env(task("Ana", "Ben"), limits=limits)
    observations, _ = zoo.reset()
    left = [plain(observations["seat_1"]["turns_left"])]
    while zoo.agents:
        acting = next(agent for agent in zoo.agents if observations[agent]["acting"])
        observations, *_ = zoo.step({acting: doing(zoo, acting, say("Well."))})
        left.append(plain(observations["seat_1"]["turns_left"]))
        assert all(seen in zoo.observation_space(agent) for agent, seen in observations.items())
        assert {seen["turn"] + seen["turns_left"] for seen in observations.values()} == {most + 1}  # type: ignore[operator]
    assert left == list(range(most, -1, -1))


def test_a_seat_that_has_left_is_not_told_who_left_after_it() -> None:
    zoo = parallel_env(task("Ana", "Ben", "Cem"))
    zoo.reset()
    before, *_ = zoo.step({"seat_0": doing(zoo, "seat_0", LEAVE)})
    after, *_ = zoo.step({"seat_1": doing(zoo, "seat_1", LEAVE)})
    assert after["seat_0"]["text"] == before["seat_0"]["text"]
    assert plain(after["seat_0"]["present"]) == [0, 1, 1]
    assert plain(after["seat_2"]["present"]) == [0, 0, 1]


def test_a_private_message_is_in_the_text_of_those_whom_it_is_for() -> None:
    zoo = parallel_env(judged_only(3))
    zoo.reset()
    observations, *_ = zoo.step({"seat_0": doing(zoo, "seat_0", say("the code is 4711", "c"))})
    assert ["4711" in str(seen["text"]) for seen in observations.values()] == [True, False, True]
