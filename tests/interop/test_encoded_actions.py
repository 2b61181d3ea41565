"""Actions as elements of a Gymnasium space: there and back, the mask, samples, and what is refused."""

from collections.abc import Iterator
from random import Random

import numpy as np
import pytest
from games import KINDS, a_move, play_at_random
from worlds import LEAVE, NOTHING, opened, say, task

from comity.interop.encoded_actions import ActionSpace
from comity.world.actions import Action, ActionSpec, ActionType, IllegalAction
from comity.world.moves import Move, MoveKind, MoveSpec, Term
from comity.world.scenarios import TurnOrder
from interop.zoo import PLAYABLE, TALK, game, judged_only, played

PRICES = MoveSpec((MoveKind.PROPOSE, MoveKind.CLAIM), (Term("price", (), 50, 150, 5),), (Term("reserve", (), 50, 150),))
SPACE = ActionSpace(ActionSpec(tuple(ActionType), (("b", "Ben"), ("c", "Cem")), moves=PRICES))


def proposed(price: int, *to: str) -> Action:
    return Action.model_construct(
        type=ActionType.SPEAK,
        argument="Take it.",
        to=to,
        move=Move(kind=MoveKind.PROPOSE, terms={"price": price}),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_legal_action_is_in_the_space_and_comes_back_as_it_was(kind: str) -> None:
    met = 0
    for seed in range(30):
        chance = Random(f"{kind} {seed} there and back")
        of = game(kind, seed=seed, private=True)
        states = list(play_at_random(of, chance, seed))
        spaces = {seat: ActionSpace(states[0].spec(seat)) for seat in of.cast}
        for state in states[:-1]:
            for seat in state.acting:
                for action in legal_actions(state.spec(seat), chance):
                    encoded = spaces[seat].encode(action)
                    assert spaces[seat].contains(encoded)
                    assert spaces[seat].decode(encoded) == action
                    met += action.move is not None
    assert met > 100


def legal_actions(spec: ActionSpec, chance: Random) -> Iterator[Action]:
    """One of each type, to all, to some, and with a move; claims of several things at once too."""
    others = [seat for seat, _ in spec.recipients]
    for kind in spec.types:
        words = "" if kind is ActionType.NONE else "Żal — 可 “so”.\n\tYes."
        yield Action(type=kind, argument=words)
        if words and kind is not ActionType.LEAVE:
            some = chance.sample(others, chance.randint(1, len(others)))
            yield Action(type=kind, argument=words, to=tuple(seat for seat in others if seat in some))
        if spec.moves and kind in (ActionType.SPEAK, ActionType.ACTION):
            yield Action(type=kind, argument=words, move=a_move(spec.moves, chance))
            if spec.moves.claims:
                about = chance.sample(spec.moves.claims, chance.randint(1, len(spec.moves.claims)))
                claims = {term.id: next(iter(term)) for term in about}
                yield Action(type=kind, argument=words, move=Move(kind=MoveKind.CLAIM, terms=claims))


@pytest.mark.parametrize(("kind", "order"), PLAYABLE)
def test_what_is_sampled_under_the_mask_is_legal(kind: str, order: TurnOrder) -> None:
    moves, whispers = set(), 0
    for seed in range(15):
        episode = played(game(kind, order, seed=seed, private=True), seed).episode()
        assert not [event.failure for event in episode.events if event.failure]
        moves |= {event.action.move.kind for event in episode.events if event.action and event.action.move}
        whispers += sum(bool(event.action and event.action.to) for event in episode.events)
    assert moves, "nothing but talk would be legal too"
    assert whispers


def test_every_sample_is_an_action_and_all_types_kinds_and_recipients_come_up() -> None:
    SPACE.seed(1)
    actions = [SPACE.decode(SPACE.sample()) for _ in range(300)]
    assert {action.type for action in actions} == set(ActionType)
    assert {action.move.kind for action in actions if action.move} == set(SPACE.kinds)
    assert {action.to for action in actions} == {(), ("b",), ("c",), ("b", "c")}


def test_two_spaces_of_one_seed_sample_alike() -> None:
    one, other = (ActionSpace(opened(judged_only(5)).spec("a")) for _ in range(2))
    assert one == other
    one.seed(7)
    other.seed(7)
    assert [str(one.sample()) for _ in range(20)] == [str(other.sample()) for _ in range(20)]


def test_the_mask_says_what_is_possible_now() -> None:
    now = ActionSpec((ActionType.SPEAK,), (("c", "Cem"),), moves=MoveSpec((MoveKind.ACCEPT,)))
    assert SPACE.kinds == (MoveKind.PROPOSE, MoveKind.ACCEPT, MoveKind.REJECT, MoveKind.CLAIM)
    assert str(SPACE.mask(now)) == str(
        {
            "type": np.array([0, 1, 0, 0, 0], np.int8),
            "argument": None,
            "recipients": np.array([0, 2], np.int8),
            "move": {
                "kind": np.array([1, 0, 1, 0, 0], np.int8),
                "terms": {"price": None},
                "claims": {"reserve": None},
            },
        }
    )
    not_now = SPACE.mask(None)
    assert str(not_now["type"]) == "[0 0 0 0 0]"
    assert SPACE.decode(SPACE.sample(not_now)) == NOTHING


def test_a_value_is_the_index_of_it_and_a_claim_counts_from_one() -> None:
    encoded = SPACE.encode(proposed(60))
    move = {"kind": 1, "terms": {"price": 2}, "claims": {"reserve": 0}}
    assert encoded | {"recipients": ()} == {"type": 1, "argument": "Take it.", "recipients": (), "move": move}
    claim = encoded | {"move": {**move, "kind": 4, "claims": {"reserve": 51}}}
    assert SPACE.decode(claim).move == Move(kind=MoveKind.CLAIM, terms={"reserve": 100})


def test_with_none_nothing_else_is_read_and_with_an_answer_no_terms() -> None:
    encoded = SPACE.encode(proposed(60, "b"))
    assert SPACE.decode(encoded | {"type": 0}) == NOTHING
    accepts = encoded | {"recipients": [0, 0], "move": {"kind": 2, "terms": {"price": 9}, "claims": {"reserve": 9}}}
    assert SPACE.decode(accepts).move == Move(kind=MoveKind.ACCEPT)


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"argument": " "}, "'speak' needs words"),
        ({"type": 2}, "a move rides on 'speak' or 'action'"),
        ({"recipients": [0, 1]}, "move"),
        ({"type": 4, "recipients": [1, 0]}, "'leave' has no recipients"),
        ({"move": {"kind": 4, "terms": {"price": 2}, "claims": {"reserve": 0}}}, "'claim' needs terms"),
    ],
)
def test_parts_that_make_no_action_are_refused_and_nothing_is_dropped(changed: dict[str, object], refusal: str) -> None:
    encoded = SPACE.encode(proposed(60))
    assert SPACE.decode(encoded) == proposed(60)
    with pytest.raises(IllegalAction, match=refusal):
        SPACE.decode(encoded | changed)


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"type": 5}, "type"),
        ({"argument": "x" * 32_769}, "argument"),
        ({"argument": "\ud800"}, "argument"),
        ({"recipients": [1]}, "recipients"),
        ({"move": {"kind": 0, "terms": {"price": 21}, "claims": {"reserve": 0}}}, "move"),
    ],
)
def test_what_is_not_in_the_space_is_an_error_that_names_the_part(changed: dict[str, object], wrong: str) -> None:
    with pytest.raises(ValueError, match=f"'{wrong}' of the action is not in") as error:
        SPACE.decode(SPACE.encode(NOTHING) | changed)
    assert not isinstance(error.value, IllegalAction)


def test_another_form_is_an_error_that_names_the_parts() -> None:
    for strange in ({"type": 0}, {}, None):
        with pytest.raises(ValueError, match="an action is a dictionary of argument, move, recipients, type"):
            SPACE.decode(strange)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("action", "refusal"),
    [
        (LEAVE, "'leave' to all is not in this action space"),
        (say("psst", "b"), "'speak' to b is not in this action space"),
        (proposed(60), "no move is in this action space"),
    ],
)
def test_what_the_seat_can_never_do_has_no_encoding(action: Action, refusal: str) -> None:
    space = ActionSpace(opened(task("Ana", "Ben", actions=TALK)).spec("a"))
    with pytest.raises(IllegalAction, match=refusal):
        space.encode(action)


@pytest.mark.parametrize(
    ("move", "refusal"),
    [
        (Move(kind=MoveKind.PROPOSE, terms={"price": 61}), "61 is not possible; price: 50 to 150 in steps of 5"),
        (Move(kind=MoveKind.PROPOSE, terms={"prize": 60}), "there is no term prize"),
        (Move(kind=MoveKind.CHOOSE, terms={"price": 60}), "the move 'choose' is not in this action space"),
    ],
)
def test_a_move_that_the_game_has_not_has_no_encoding(move: Move, refusal: str) -> None:
    with pytest.raises(IllegalAction, match=refusal):
        SPACE.encode(say("So.").model_copy(update={"move": move}))
