"""Divisions in which both write down what they take: claims lead to the same split on both sides."""

from itertools import product

import pytest
from games import a_task
from negotiating import ALL, FIXED, fixed, fresh_task, moves_of, outcome, playing, seated, words_of

from comity.library.loader import starter
from comity.world.deals import Division
from comity.world.moves import Move, MoveKind

GAME = FIXED["selection"]
FAIR = ["linear", "tit-for-tat", "conceder", "held-out@1/splitter", "held-out@1/logroller"]


@pytest.mark.parametrize(("one", "other"), list(product(FAIR, FAIR)))
def test_those_who_claim_what_is_so_agree_on_the_split_with_the_greatest_product(one: str, other: str) -> None:
    assert isinstance(GAME, Division)
    found = outcome(playing(fixed("selection"), seated(fixed("selection"), one, other), seed=1))
    assert found.status == "agreed"
    assert found.pareto_efficient
    whole = 2 * 3 + 2 + 3 * 4
    products = []
    for fuel, rope, rice in product(range(3), range(2), range(4)):
        mine = 5 * fuel + 7 * rope + rice
        products.append(mine * (whole - 3 * fuel - 2 * rope - 4 * rice))
    assert found.utilities["p1"] * found.utilities["p2"] == max(products)


def test_a_bluffer_gets_a_split_of_what_it_claimed() -> None:
    bluffed = outcome(playing(fixed("selection"), seated(fixed("selection"), "bluffer", "linear"), seed=1))
    assert (bluffed.status, bluffed.honesty["p1"].false) == ("agreed", 1)


def test_the_firm_claim_only_what_is_dear_to_them_and_truly() -> None:
    end = playing(fixed("selection"), seated(fixed("selection"), "firm", "linear"), seed=1)
    assert moves_of(end, "p1")[0].terms == {"fuel": 5, "rope": 7}  # and not the rice, which is 1
    assert outcome(end).honesty["p1"].false == 0


GAMES = {
    f"{task.id}": task
    for task in (*starter().tasks, *(fresh_task("division", number) for number in range(40)))
    if isinstance(task.scenario.payoff, Division) and task.scenario.payoff.settled_by == "selection"
}


@pytest.mark.parametrize("spec", ALL)
def test_every_style_agrees_with_every_other_and_with_its_own_kind(spec: str) -> None:
    assert len({task.scenario.id for task in GAMES.values()}) >= 10
    for game, other in product(GAMES.values(), ALL):
        found = outcome(playing(game, seated(game, spec, other), seed=1))
        assert found.status == "agreed", f"{spec} with {other} in {game.id}"


@pytest.mark.parametrize("spec", ALL)
def test_with_somebody_who_claims_nothing_it_takes_what_it_said_it_would(spec: str) -> None:
    end = playing(fixed("selection", 8), {"p1": ALL[spec], "p2": []}, seed=1)
    chosen = moves_of(end, "p1")[-1]
    assert chosen.kind is MoveKind.CHOOSE
    told = [words for words in words_of(end, "p1") if "rope" in words]
    assert len(told) >= 2  # its points, what it will take, and that it has
    assert sum(int(count) for count in chosen.terms.values()) > 0


def test_claims_of_the_other_are_taken_up_in_whatever_words_they_come() -> None:
    claims = Move(kind=MoveKind.CLAIM, terms={"fuel": 3, "rope": 2, "rice": 4})
    end = playing(fixed("selection"), {"p1": ALL["negotiator:linear"], "p2": [claims]}, seed=1)
    assert moves_of(end, "p1")[-1].terms == {"fuel": 2, "rope": 1, "rice": 0}


def test_the_split_gives_something_to_both_though_one_would_have_more_from_all_of_it() -> None:
    game = a_task(
        Division(
            items={"fuel": 1, "rice": 1},
            values={"p1": {"fuel": 9, "rice": 9}, "p2": {"fuel": 5, "rice": 4}},
            settled_by="selection",
        ),
        ("p1", "p2"),
    )
    assert outcome(playing(game, seated(game, "linear"), seed=1)).utilities == {"p1": 9, "p2": 5}
