"""Trivial players: legal in every kind of payoff, by their view alone, weak, and true in what their sentences say of their moves."""

from collections import Counter
from dataclasses import replace
from itertools import product
from random import Random
from statistics import mean

import pytest
from games import KINDS, a_payoff, a_task, seats_of
from negotiating import fixed, fresh_task, moves_of, outcome, playing, words_of
from privacy.test_games import with_other_secrets
from worlds import opened, task

from comity.agents.by_rule import RulePlayer, player_by_rule
from comity.agents.negotiators import CannotPlay
from comity.agents.negotiators.wording import amount, share_words
from comity.agents.trivial import WAYS, trivial
from comity.agents.trivial.sentences import load_sentences
from comity.models.protocol import ModelNotFound
from comity.world.actions import ActionType
from comity.world.deals import Division, Price
from comity.world.environment import EndReason, Environment, State
from comity.world.moves import Move, MoveKind
from comity.world.scenarios import TurnOrder
from comity.world.tasks import Task
from comity.world.views import view

PLAYERS = {way: trivial(way) for way in WAYS}
IN_TURN = ("division", "price", "contract")
"""Kinds in which a proposal waits for its answer."""


def all_played_by(player: RulePlayer, of: Task, seed: int = 0) -> State:
    return playing(of, {seat.id: player for seat in of.scenario.seats}, seed=seed)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("kind", "order"),
    [(k, o) for k, o in product(KINDS, TurnOrder) if o is not TurnOrder.SIMULTANEOUS or k not in IN_TURN],
)
def test_every_way_plays_every_kind_to_an_end_within_the_rules(way: str, kind: str, order: TurnOrder) -> None:
    for seed in range(4):
        chance = Random(f"{kind} {order} {seed}")
        seats = seats_of(kind, chance)
        game = a_task(a_payoff(kind, seats, chance), seats, order, turns=chance.randint(1, 14))
        end = all_played_by(PLAYERS[way], game, seed)  # an illegal action would raise
        assert end.end is not None
        assert end.end.reason is not EndReason.AGENT_FAILURE
        assert set(outcome(end).utilities) == set(seats)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_who_may_only_act_says_and_moves_by_deeds(kind: str, way: str) -> None:
    of = fixed(kind)
    mute = of.model_copy(update={"scenario": of.scenario.model_copy(update={"actions": (ActionType.ACTION,)})})
    end = all_played_by(PLAYERS[way], mute, seed=3)
    assert {event.action.type for event in end.events if event.action} == {ActionType.ACTION}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_private_to_others_changes_nothing(kind: str, way: str) -> None:
    for seed in range(3):
        chance = Random(f"{kind} {seed}")
        seats = seats_of(kind, chance)
        payoff = a_payoff(kind, seats, chance)
        state = opened(a_task(payoff, seats), seed=seed)
        for seat in seats:
            other = opened(a_task(with_other_secrets(payoff, seat, chance), seats), seed=seed)
            assert PLAYERS[way].decide(view(state, seat)) == PLAYERS[way].decide(view(other, seat))


def test_a_seed_decides() -> None:
    for way in ("random", "noisy"):
        one, again, other = (all_played_by(PLAYERS[way], fixed("division"), seed) for seed in (1, 1, 2))
        assert one.events == again.events
        assert [event.action for event in one.events] != [event.action for event in other.events]


@pytest.mark.parametrize("kind", IN_TURN)
def test_accept_asks_for_everything_and_takes_the_first_offer(kind: str) -> None:
    state = opened(fixed(kind))
    first, second = (seat.id for seat in state.task.scenario.seats)
    asked = PLAYERS["accept"].decide(view(state, first))
    assert asked.move is not None
    payoff = state.task.scenario.payoff
    assert payoff is not None
    end = playing(state.task, {first: [asked.move], second: PLAYERS["accept"]})
    assert [move.kind for move in moves_of(end, second)] == [MoveKind.ACCEPT]
    assert payoff.utilities(end.position)[first] == payoff.extent(end.position, first)[1]  # type: ignore[arg-type]


def test_accept_waits_while_its_own_offer_lies_there() -> None:
    end = playing(fixed("division"), {"p1": PLAYERS["accept"], "p2": ["Hm."] * 9})
    assert [move.kind for move in moves_of(end, "p1")] == [MoveKind.PROPOSE]
    rejecting = [Move(kind=MoveKind.REJECT)]
    after = playing(fixed("division"), {"p1": PLAYERS["accept"], "p2": rejecting})
    assert [move.kind for move in moves_of(after, "p1")] == [MoveKind.PROPOSE] * 2


@pytest.mark.parametrize("kind", ["selection", "dilemma", "public_goods", "secret", "gift"])
def test_accept_suits_the_others_where_something_is_written_down(kind: str) -> None:
    end = all_played_by(PLAYERS["accept"], fixed(kind))
    had = outcome(end).utilities
    best = {"selection": (14, 7), "dilemma": (15, 15), "public_goods": (120, 120), "secret": (0, 10), "gift": (0, 100)}
    assert tuple(had.values()) == best[kind]


def test_random_draws_each_possible_move_and_each_value_alike() -> None:
    state = opened(fixed("division"))
    offered = Environment().step(state, {"p1": PLAYERS["accept"].decide(view(state, "p1"))})
    kinds, books = Counter[str](), Counter[object]()
    for seed in range(1200):
        seen = view(replace(offered, seed=seed), "p2")
        move = PLAYERS["random"].decide(seen).move
        assert move is not None
        kinds[move.kind] += 1
        if move.kind is MoveKind.PROPOSE:
            books[move.terms["books"]] += 1
    assert set(kinds) == {"propose", "accept", "reject", "claim"}
    assert all(240 < count < 360 for count in kinds.values()), kinds  # 300 expected, with a deviation of 15
    assert all(70 < count < 130 for count in books.values()), books
    assert len(books) == 3


def test_noisy_is_weak_but_comes_to_terms_about_every_other_time() -> None:
    """On fresh divisions that are settled by acceptance: what a small model is first taught must be neither silence nor skill."""
    made = (fresh_task("division", number) for number in range(80))
    tasks = [
        of for of in made if isinstance(of.scenario.payoff, Division) and of.scenario.payoff.settled_by == "acceptance"
    ]
    agreed, gains = {}, {}
    for spec in ("trivial:noisy", "negotiator:linear"):
        ends = [all_played_by(player_by_rule(spec), of, seed) for seed, of in enumerate(tasks)]
        agreed[spec] = mean(end.position is not None and end.position.agreed is not None for end in ends)
        gains[spec] = mean(mean(outcome(end).utilities.values()) for end in ends)
    assert len(tasks) > 40
    assert 0.5 < agreed["trivial:noisy"] < 0.75
    assert gains["trivial:noisy"] < 0.7 * gains["negotiator:linear"]


def test_noisy_does_all_there_is_to_do() -> None:
    acts = Counter[str]()
    for seed in range(40):
        for event in all_played_by(PLAYERS["noisy"], fixed("division", turns=14), seed).events:
            assert event.action is not None
            acts[event.action.move.kind if event.action.move else event.action.type] += 1
    assert set(acts) == {"propose", "accept", "reject", "claim", "speak", "leave"}


@pytest.mark.parametrize("way", WAYS)
def test_numbers_in_the_words_are_those_of_the_move(way: str) -> None:
    told = 0
    for seed, kind in product(range(12), ("division", "price")):
        game = fixed(kind)
        payoff = game.scenario.payoff
        for event in all_played_by(PLAYERS[way], game, seed).events:
            assert event.action is not None
            move, words = event.action.move, event.action.argument.casefold()
            if move is None or move.kind is not MoveKind.PROPOSE:
                continue
            told += 1
            if isinstance(payoff, Price):
                assert amount(int(move.terms["price"]), payoff.unit) in words
            elif isinstance(payoff, Division):
                mine = {item: int(count) for item, count in move.terms.items()}
                yours = {item: count - mine[item] for item, count in payoff.items.items()}
                assert share_words(payoff, mine) in words or share_words(payoff, yours) in words
    assert told


def test_there_are_a_dozen_sentences_for_every_act_and_none_twice() -> None:
    for act, frames in load_sentences().frames.items():
        assert len(frames) >= 12, act
        assert len({frame.text for frame in frames}) == len(frames), act


def test_what_is_said_is_varied() -> None:
    words = [w for seed in range(30) for w in words_of(all_played_by(PLAYERS["noisy"], fixed("division"), seed))]
    assert len(set(words)) > 0.6 * len(words) > 60


def test_the_policy_names_the_way_its_version_and_its_sentences() -> None:
    for way, player in PLAYERS.items():
        assert (player.policy.agent, player.policy.style) == ("trivial", f"{way}@1")
        assert player.policy.prompt_hash == load_sentences().hash
        assert trivial(player.policy.style or "").way == trivial(player.spec).way == way


@pytest.mark.parametrize("spec", ["trivial:", "trivial:accept@2", "trivial:acept", "trivial:held-out@1/grim"])
def test_an_unknown_one_is_refused_with_those_that_there_are(spec: str) -> None:
    with pytest.raises(ModelNotFound, match="there are: trivial:accept, trivial:random, trivial:noisy"):
        trivial(spec)


@pytest.mark.parametrize("way", WAYS)
def test_without_a_payoff_it_cannot_play(way: str) -> None:
    with pytest.raises(CannotPlay, match="no payoff"):
        PLAYERS[way].check(task().scenario)
    with pytest.raises(CannotPlay, match="seat 'a' of a scenario without a payoff"):
        PLAYERS[way].decide(view(opened(task()), "a"))
