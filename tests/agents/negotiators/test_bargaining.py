"""Deals: what each style asks for, when it gives way, what it takes and when it walks away."""

from collections.abc import Sequence
from itertools import pairwise, product

import pytest
from games import a_task
from negotiating import ALL, FIXED, Script, fixed, moves_of, outcome, playing, seated, words_of

from comity.agents.negotiators.clock import Clock
from comity.agents.negotiators.levels import level
from comity.agents.negotiators.moment import Moment
from comity.agents.negotiators.styles import EXPERTS, Style, style_of
from comity.agents.negotiators.talks import Talks, ledger_of, talks_of
from comity.world.actions import ActionType
from comity.world.deals import Contract, Deal, Division, Price
from comity.world.environment import EndReason, Environment
from comity.world.moves import Move, MoveKind
from comity.world.positions import Offer
from comity.world.views import view

DEALS = ("division", "price", "contract")
NOTHING_ASKED = Talks(mine=(), theirs={}, asked={}, table=None, last=None, conceded=0.0)


def price(amount: int) -> Move:
    return Move(kind=MoveKind.PROPOSE, terms={"price": amount})


def asked(spec: str, partner: Script, kind: str = "price", turns: int = 20, seed: int = 1) -> list[float]:
    """The shares that a style in the first seat asks for, against somebody who goes by a script."""
    payoff = FIXED[kind]
    assert isinstance(payoff, Deal)
    end = playing(fixed(kind, turns), {"p1": ALL[f"negotiator:{spec}"], "p2": partner}, seed)
    best = max(payoff.worth("p1", offer) for offer in payoff.offers("p1"))
    gain = best - payoff.fallback("p1")
    proposals = [move.terms for move in moves_of(end, "p1") if move.kind is MoveKind.PROPOSE]
    return [(payoff.worth("p1", Offer("p1", terms)) - payoff.fallback("p1")) / gain for terms in proposals]


def at(style: Style, spent: float) -> float:
    """What a style asks for when so much of its time is spent, chance aside."""
    left = round((1 - spent) * 100) + 1
    return level(style, NOTHING_ASKED, Clock(left, 101, True, False, False), 0.5)


def test_the_curves_of_time_are_those_of_faratin_and_others() -> None:
    linear, boulware, conceder = (EXPERTS[name] for name in ("linear", "boulware", "conceder"))
    for style in (linear, boulware, conceder):
        assert at(style, 0) == pytest.approx(style.opening)
        assert at(style, 1) == pytest.approx(style.floor)
        span = style.opening - style.floor
        for spent in (0.1, 0.25, 0.5, 0.75, 0.9):
            assert at(style, spent) == pytest.approx(style.opening - span * spent ** (1 / style.beta))
    assert at(linear, 0.5) == pytest.approx((linear.opening + linear.floor) / 2)
    assert at(boulware, 0.5) > 0.9 * boulware.opening  # gives way only at the end
    assert at(conceder, 0.25) < (conceder.opening + conceder.floor) / 2  # and this one at once


@pytest.mark.parametrize("kind", DEALS)
@pytest.mark.parametrize(
    "spec", ["linear", "boulware", "conceder", "firm", "bluffer", "pleaser", "held-out@1/splitter"]
)
def test_nobody_asks_for_more_than_before(kind: str, spec: str) -> None:
    shares = asked(spec, [], kind)
    assert shares
    assert all(later <= earlier for earlier, later in pairwise(shares))


def test_tit_for_tat_gives_way_as_much_as_the_other_does_and_no_more() -> None:
    stubborn = asked("tit-for-tat", [price(300)] * 9)
    yielding = asked("tit-for-tat", [price(300 - 20 * n) for n in range(9)])
    assert stubborn[0] - stubborn[-1] < 0.35
    third = yielding[2] - yielding[3]
    assert third == pytest.approx(20 / 130, abs=0.06)  # 20 of the 130 that the buyer can win
    assert yielding[4] < stubborn[4]


def test_the_firm_hold_their_ground() -> None:
    shares = asked("firm", [price(300 - 20 * n) for n in range(8)])
    assert min(shares) >= EXPERTS["firm"].floor - 0.01


def test_a_late_folder_folds_late() -> None:
    shares = asked("held-out@1/late-folder", [], turns=20)
    style = style_of("held-out@1/late-folder")
    assert all(share >= style.opening - 0.1 for share in shares[:-2])
    assert shares[-1] <= style.floor + 0.1


def test_a_splitter_meets_the_other_halfway() -> None:
    shares = asked("held-out@1/splitter", [price(300)] * 9, turns=8, seed=3)
    style = style_of("held-out@1/splitter")
    theirs = (180 - 300) / 130
    assert shares[1] == pytest.approx(max((shares[0] + theirs) / 2, style.floor), abs=0.06)


def test_grim_freezes_for_good_once_the_other_has_stopped_giving_way() -> None:
    frozen = asked("held-out@1/grim", [price(p) for p in (290, 270, 270, 270, 200, 190, 180, 175)])
    moving = asked("held-out@1/grim", [price(p) for p in (290, 280, 270, 260, 250, 240, 230, 220)])
    assert frozen[5:]
    assert len(set(frozen[5:])) == 1
    assert moving[-1] < frozen[-1]


def test_a_logroller_gives_up_one_issue_at_a_time_and_the_cheapest_first() -> None:
    contract = FIXED["contract"]
    assert isinstance(contract, Contract)
    theirs = Move(kind=MoveKind.PROPOSE, terms={"pay": "$700", "start": "now", "room": "none"})
    end = playing(fixed("contract", 20), {"p1": ALL["negotiator:held-out@1/logroller"], "p2": [theirs] * 9}, seed=3)
    proposals = [move.terms for move in moves_of(end, "p1") if move.kind is MoveKind.PROPOSE]
    changes = [[issue for issue in a if a[issue] != b[issue]] for a, b in pairwise(proposals)]
    assert [each for each in changes if each][:2] == [["start"], ["room"]]  # 10 points, then 15; the pay is worth 40


@pytest.mark.parametrize("kind", DEALS)
@pytest.mark.parametrize("spec", [spec for spec in ALL if not spec.endswith("pleaser")])
def test_nobody_agrees_to_less_than_no_deal_is_worth(kind: str, spec: str) -> None:
    payoff = FIXED[kind]
    assert isinstance(payoff, Deal)
    for seat, (other, seed) in product(
        ("p1", "p2"), [("negotiator:boulware", 1), ("negotiator:firm", 2), ("negotiator:bluffer", 3)]
    ):
        game = fixed(kind)
        players = seated(game, spec, other) if seat == "p1" else seated(game, other, spec)
        assert outcome(playing(game, players, seed)).utilities[seat] >= payoff.fallback(seat)


def test_whoever_would_rather_lose_than_part_is_the_exception() -> None:
    none = a_task(
        Price(buyer="p1", seller="p2", range=(50, 300), step=5, reserves={"p1": 120, "p2": 150}), ("p1", "p2")
    )
    results = {
        spec: outcome(playing(none, seated(none, spec, "linear"), seed=1)) for spec in ("pleaser", "linear", "conceder")
    }
    assert (results["pleaser"].status, results["pleaser"].utilities["p1"] < 0) == ("agreed", True)
    assert {results[spec].status for spec in ("linear", "conceder")} == {"no_deal"}


def test_at_its_last_turn_a_style_takes_what_is_better_than_nothing_and_leaves_what_is_worse() -> None:
    taken = playing(fixed("price", 4), {"p1": ["Well.", price(115)], "p2": ALL["negotiator:linear"]}, seed=1)
    assert (taken.end and taken.end.reason, outcome(taken).utilities) == (EndReason.SETTLED, {"p1": 65, "p2": 5})
    left = playing(fixed("price", 4), {"p1": ["Well.", price(105)], "p2": ALL["negotiator:linear"]}, seed=1)
    assert left.events[-1].action
    assert left.events[-1].action.type is ActionType.LEAVE
    assert outcome(left).status == "no_deal"


def test_who_may_not_leave_says_no() -> None:
    game = fixed("price", 4)
    stay = game.model_copy(update={"scenario": game.scenario.model_copy(update={"actions": (ActionType.SPEAK,)})})
    end = playing(stay, {"p1": ["Well.", price(105)], "p2": ALL["negotiator:linear"]}, seed=1)
    assert moves_of(end, "p2")[-1] == Move(kind=MoveKind.REJECT)


def test_where_nothing_can_be_won_it_leaves() -> None:
    poor = Division(items={"book": 1}, values={"p1": {"book": 3}, "p2": {"book": 3}}, disagreement={"p1": 5})
    game = a_task(poor, ("p1", "p2"))
    end = playing(game, seated(game, "linear"), seed=1)
    assert [e.action.type for e in end.events if e.action] == [ActionType.LEAVE]


def test_what_it_is_offered_beyond_its_own_wishes_it_takes_at_once() -> None:
    for spec in ALL:
        end = playing(fixed("price"), {"p1": [price(300)], "p2": ALL[spec]}, seed=2)
        assert [move.kind for move in moves_of(end, "p2")] == [MoveKind.ACCEPT], spec


def test_with_its_own_offer_unanswered_it_waits_and_does_not_bid_against_itself_in_the_same_terms() -> None:
    end = playing(fixed("price", 12), {"p1": ALL["negotiator:firm"], "p2": []}, seed=1)
    proposals = moves_of(end, "p1")
    assert len({str(move) for move in proposals}) == len(proposals)
    assert len(proposals) < sum(e.seat == "p1" for e in end.events)


@pytest.mark.parametrize("kind", DEALS)
def test_claims_are_true_of_some_and_false_of_bluffers(kind: str) -> None:
    honest, lying = 0, 0
    for seed in range(8):
        found = outcome(playing(fixed(kind, 20), seated(fixed(kind, 20), "conceder", "bluffer"), seed)).honesty
        assert found["p2"].model_dump() == {"true": 0, "false": 1, "untold": 0}
        lying += found["p2"].false
        if "p1" in found:
            assert found["p1"].model_dump() == {"true": 1, "false": 0, "untold": 0}
            honest += 1
    assert (honest > 0, lying) == (True, 8)


def test_a_bluffers_reserve_is_one_that_could_be_named_and_better_for_it_than_the_true_one() -> None:
    coarse = Price(buyer="p1", seller="p2", range=(100, 4000), step=50, reserves={"p1": 2350, "p2": 1450})
    game = a_task(coarse, ("p1", "p2"))
    said = {
        seat: next(m.terms["reserve"] for m in moves_of(end, seat) if m.kind is MoveKind.CLAIM)
        for end in [playing(game, seated(game, "bluffer"), seed=1)]
        for seat in ("p1", "p2")
    }
    assert said == {"p1": 1800, "p2": 2100}  # a quarter of the way to 100 and to 4,000, on a multiple of 50


def test_three_can_agree_and_who_has_accepted_waits() -> None:
    points = {
        seat: {"where": p, "when": q}
        for seat, p, q in (("p1", (9, 5, 0), (2, 0)), ("p2", (0, 5, 9), (0, 2)), ("p3", (5, 6, 5), (1, 1)))
    }
    trip = a_task(
        Contract(issues={"where": ("sea", "hill", "town"), "when": ("may", "june")}, points=points),
        ("p1", "p2", "p3"),
        turns=18,
    )
    ends = [playing(trip, seated(trip, "linear"), seed) for seed in range(10)]
    assert sum(outcome(end).status == "agreed" for end in ends) >= 8
    script: Sequence[Move | str] = [Move(kind=MoveKind.PROPOSE, terms={"where": "sea", "when": "may"})]
    waited = playing(trip, {"p1": script, "p2": [], "p3": ALL["negotiator:pleaser"]}, seed=1)
    done = [move.kind for move in moves_of(waited, "p3")]
    assert done.count(MoveKind.ACCEPT) == 1
    assert done[-1] is MoveKind.ACCEPT  # and no word of it is taken back while the second only talks
    assert sum(e.seat == "p3" for e in waited.events) > len(done)


def test_of_deals_that_are_alike_to_it_a_style_proposes_what_the_other_asked_for() -> None:
    alike = a_task(
        Division(items={"red": 3, "blue": 3}, values={key: {"red": 2, "blue": 2} for key in ("p1", "p2")}), ("p1", "p2")
    )
    for wanted, given in (("red", "blue"), ("blue", "red")):
        wish = Move(kind=MoveKind.PROPOSE, terms={wanted: 3, given: 0})
        end = playing(alike, {"p1": ALL["negotiator:linear"], "p2": [wish] * 6}, seed=2)
        last = [move.terms for move in moves_of(end, "p1") if move.kind is MoveKind.PROPOSE][-1]
        assert int(last[given]) > int(last[wanted])


def test_the_ledger_holds_every_deal_at_its_worth() -> None:
    for kind in DEALS:
        payoff = FIXED[kind]
        assert isinstance(payoff, Deal)
        for seat in ("p1", "p2"):
            now = Moment[Deal](view(Environment().reset(fixed(kind), seed=0), seat))
            ledger = ledger_of(now)
            assert sorted(ledger.worths, reverse=True) == list(ledger.worths)
            told = dict(zip(ledger.deals, ledger.worths, strict=True))
            assert told == {tuple(o.terms.values()): payoff.worth(seat, o) for o in payoff.offers(seat)}
            assert talks_of(now, ledger) == NOTHING_ASKED


def test_words_say_what_the_move_says() -> None:
    end = playing(fixed("division"), seated(fixed("division"), "linear", "conceder"), seed=4)
    for event in end.events:
        if event.action and event.action.move and event.action.move.kind is MoveKind.PROPOSE:
            taken, words = event.action.move.terms, event.action.argument.casefold()
            for item, all_of_it in (("books", "both books"), ("hats", "all three hats")):
                partly = 0 < int(taken[item]) < FIXED["division"].items[item]  # type: ignore[attr-defined]
                assert partly or all_of_it in words or "everything" in words or "all" in words
    assert all(words_of(end))
