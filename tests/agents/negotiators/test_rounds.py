"""Dilemmas and common pots: each style's rule, against partners who go by a script."""

from collections.abc import Sequence

import pytest
from games import a_task
from negotiating import ALL, FIXED, fixed, moves_of, outcome, playing, seated

from comity.world.choices import PublicGoods
from comity.world.moves import Move, MoveKind

C, D = (Move(kind=MoveKind.CHOOSE, terms={"choice": word}) for word in ("keep-quiet", "tell"))
TURNS = 16


def chose(spec: str, partner: str, seed: int = 1) -> str:
    """What a style in the first seat chooses against these choices, as C and D."""
    script = [C if letter == "C" else D for letter in partner]
    end = playing(fixed("dilemma", TURNS), {"p1": ALL[f"negotiator:{spec}"], "p2": script}, seed)
    assert end.position is not None
    return "".join("C" if r.choices["p1"] == C.terms else "D" for r in end.position.rounds)


@pytest.mark.parametrize(
    ("spec", "partner", "expected"),
    [
        ("conceder", "DDDDD", "CCCCC"),
        ("firm", "CCCCC", "DDDDD"),
        ("bluffer", "CCCCC", "DDDDD"),
        ("tit-for-tat", "CDCDC", "CCDCD"),
        ("boulware", "CDCDC", "DCDCD"),
        ("pleaser", "CDCDD", "CCCCC"),
        ("pleaser", "CDDCC", "CCCDC"),
        ("linear", "CCCCC", "CCDDD"),
        ("held-out@1/grim", "CCDCC", "CCCDD"),
        ("held-out@1/grim", "CCCCC", "CCCCC"),
        ("held-out@1/logroller", "CDDCC", "CCDCC"),
        ("held-out@1/late-folder", "DDDDD", "DDDCC"),
    ],
)
def test_each_style_answers_by_its_rule(spec: str, partner: str, expected: str) -> None:
    assert chose(spec, partner) == expected


def test_generous_tit_for_tat_forgives_about_a_third() -> None:
    answers = [chose("held-out@1/splitter", "DDDDD", seed) for seed in range(60)]
    assert all(answer[0] == "C" for answer in answers)
    forgiven = sum(answer[1:].count("C") for answer in answers) / 240
    assert 0.25 < forgiven < 0.42


def amounts(spec: str, partner: Sequence[int]) -> list[int]:
    script = [Move(kind=MoveKind.CHOOSE, terms={"amount": amount}) for amount in partner]
    end = playing(fixed("public_goods", TURNS), {"p1": ALL[f"negotiator:{spec}"], "p2": script}, seed=1)
    return [int(move.terms["amount"]) for move in moves_of(end, "p1") if move.kind is MoveKind.CHOOSE]


def test_giving_to_a_pot_is_cooperation_in_parts() -> None:
    assert amounts("firm", [20, 20, 20, 20]) == [0, 0, 0, 0]
    assert amounts("conceder", [0, 0, 0, 0]) == [20, 20, 20, 20]
    first, *then = amounts("tit-for-tat", [4, 10, 16, 0])
    assert 13 <= first <= 19
    assert all(abs(gave - before) <= 2 for gave, before in zip(then, [4, 10, 16], strict=True))
    assert amounts("held-out@1/grim", [20, 2, 20, 20])[2:] == [0, 0]


@pytest.mark.parametrize("kind", ["dilemma", "public_goods"])
def test_a_bluffer_promises_and_does_otherwise_and_others_keep_their_word(kind: str) -> None:
    found = outcome(playing(fixed(kind, TURNS), seated(fixed(kind, TURNS), "bluffer", "conceder"), seed=1))
    assert found.honesty["p1"].model_dump() == {"true": 0, "false": 1, "untold": 0}
    assert found.honesty["p2"].model_dump() == {"true": 1, "false": 0, "untold": 0}


def test_who_tells_the_truth_gives_exactly_what_was_claimed() -> None:
    for seed in range(8):
        end = playing(fixed("public_goods", TURNS), seated(fixed("public_goods", TURNS), "held-out@1/logroller"), seed)
        assert {seat: of.model_dump() for seat, of in outcome(end).honesty.items()} == {
            key: {"true": 1, "false": 0, "untold": 0} for key in ("p1", "p2")
        }


@pytest.mark.parametrize("seats", [2, 3, 5])
def test_all_rounds_are_played_where_the_turns_are_just_enough(seats: int) -> None:
    ids = ("p1", "p2", "p3", "p4", "p5")[:seats]
    game = a_task(PublicGoods(endowment=10, factor=1.5, rounds=3), ids, turns=3 * seats)
    for spec in ALL:
        assert outcome(playing(game, seated(game, spec), seed=1)).status == "played"
    assert FIXED  # the turns of the others are more than enough
