"""What makes two scenarios or two players the same: renaming, reordering and scaling change nothing, other numbers do.

Whether two games differ is judged by an oracle of its own: everything that could come of them, laid out and scaled.
"""

from collections import Counter
from collections.abc import Mapping
from itertools import permutations, product
from math import gcd
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from comity.agents.by_rule import player_by_rule
from comity.agents.negotiators import named_styles
from comity.library import sets
from comity.library.fresh import FRESH_KINDS, fresh_one
from comity.run.plan import PolicyPlan
from comity.train.identity import game_of, known_as, words_of
from comity.world.choices import Dilemma, Gift, MutualFriend, PublicGoods, Secret
from comity.world.deals import Contract, Deal, Division, Price
from comity.world.episodes import Policy
from comity.world.games import Game
from comity.world.scenarios import Scenario

DEALS = ("division", "contract", "price")
games = st.builds(fresh_one, st.sampled_from(FRESH_KINDS), st.integers(0, 60), st.integers(0, 3))
deals = st.builds(fresh_one, st.sampled_from(DEALS), st.integers(0, 60), st.integers(0, 3))


def shuffled(items: Mapping[str, object] | tuple[str, ...], rng: Random) -> list[str]:
    found = list(items)
    rng.shuffle(found)
    return found


def told_otherwise(scenario: Scenario, rng: Random, times: int = 1) -> Scenario:
    """The same game under other names, in another order, with points that are so many times as large."""
    seats = {old: f"seat-{n}" for n, old in enumerate(shuffled(tuple(seat.id for seat in scenario.seats), rng))}
    there = [seat.model_copy(update={"id": seats[seat.id], "role": "somebody"}) for seat in scenario.seats]
    rng.shuffle(there)
    assert scenario.payoff is not None
    payoff = _retold(scenario.payoff, seats, rng, times)
    said = {**scenario.model_dump(), "id": "other", "family": "else", "seats": there, "payoff": payoff}
    return Scenario.model_validate(said)  # so that what comes of it is a game too


def _retold(payoff: Game, seats: Mapping[str, str], rng: Random, times: int) -> Game:
    match payoff:
        case Division():
            things = {old: f"thing-{n}" for n, old in enumerate(shuffled(payoff.items, rng))}
            return payoff.model_copy(
                update={
                    "items": {new: payoff.items[old] for old, new in things.items()},
                    "values": {
                        to: {things[item]: times * value for item, value in payoff.values[seat].items()}
                        for seat, to in seats.items()
                    },
                    "disagreement": {to: times * payoff.fallback(seat) for seat, to in seats.items()},
                }
            )
        case Contract():
            return _other_contract(payoff, seats, rng, times)
        case Price(buyer=buyer, seller=seller, range=(low, high)):
            moved = rng.randrange(-low * times, 50)
            reserves = {seats[seat]: moved + times * reserve for seat, reserve in payoff.reserves.items()}
            span = (moved + times * low, moved + times * high)
            who = {"buyer": seats[buyer], "seller": seats[seller]}
            return payoff.model_copy(
                update={**who, "range": span, "step": times * payoff.step, "reserves": reserves, "unit": "€"}
            )
        case Dilemma():
            points = {name: times * getattr(payoff, name) for name in ("temptation", "reward", "punishment", "sucker")}
            return payoff.model_copy(update={"cooperate": "defect", "defect": "cooperate", **points})
        case PublicGoods():
            return payoff.model_copy(update={"unit": "points"})
        case MutualFriend():
            contacts = {to: tuple(shuffled(payoff.contacts[seat], rng)) for seat, to in seats.items()}
            return payoff.model_copy(update={"contacts": contacts, "points": times * payoff.points})
        case Secret():
            answers = {option: option.upper() for option in shuffled(payoff.options, rng)}
            said = {"options": tuple(answers.values()), "answer": answers[payoff.answer]}
            return payoff.model_copy(update={**said, "keeper": seats[payoff.keeper], "points": times * payoff.points})
        case Gift():
            who = {"giver": seats[payoff.giver], "asker": seats[payoff.asker]}
            return payoff.model_copy(update={**who, "unit": "points"})


def _other_contract(payoff: Contract, seats: Mapping[str, str], rng: Random, times: int) -> Contract:
    """Its options in another order in each issue; each seat's points of each issue are moved, and its disagreement value with them."""
    issues = {old: f"issue-{n}" for n, old in enumerate(shuffled(payoff.issues, rng))}
    orders = {old: rng.sample(range(len(options)), len(options)) for old, options in payoff.issues.items()}
    points, without = dict[str, dict[str, tuple[int, ...]]](), dict[str, int]()
    for seat, to in seats.items():
        moved = {old: rng.randrange(5) for old in issues}
        points[to] = {
            new: tuple(moved[old] + times * payoff.points[seat][old][at] for at in orders[old])
            for old, new in issues.items()
        }
        without[to] = times * payoff.fallback(seat) + sum(moved.values())
    options = {new: tuple(f"option-{n}" for n in range(len(payoff.issues[old]))) for old, new in issues.items()}
    return payoff.model_copy(update={"issues": options, "points": points, "disagreement": without})


def all_that_comes_of(scenario: Scenario) -> object:
    """Every deal's worth and that of none, each seat's from its least on and divided by what they have in common, in any order of seats."""
    payoff = scenario.payoff
    assert isinstance(payoff, Deal)
    rows = []
    for seat in scenario.seats:
        first = scenario.seats[0].id
        worth = [payoff.fallback(seat.id), *(payoff.worth(seat.id, offer) for offer in payoff.offers(first))]
        least = min(worth)
        common = gcd(*(each - least for each in worth)) or 1
        rows.append([(each - least) // common for each in worth])
    found = [list(zip(*order, strict=True)) for order in permutations(rows)]
    return min((sorted(each[1:]), each[0]) for each in found)


@settings(max_examples=150)
@given(games, st.randoms(use_true_random=False), st.integers(1, 4))
def test_the_same_game_told_otherwise_is_the_same(scenario: Scenario, rng: Random, times: int) -> None:
    assert game_of(told_otherwise(scenario, rng, times)) == game_of(scenario)


@settings(max_examples=40)
@given(deals, st.randoms(use_true_random=False))
def test_one_number_changed_is_another_game_whenever_something_else_comes_of_it(
    scenario: Scenario, rng: Random
) -> None:
    changed = with_one_changed(scenario, rng)
    assume(all_that_comes_of(changed) != all_that_comes_of(scenario))
    assert game_of(changed) != game_of(scenario)


def with_one_changed(scenario: Scenario, rng: Random) -> Scenario:
    payoff = scenario.payoff
    seat = rng.choice([seat.id for seat in scenario.seats])
    if isinstance(payoff, Division | Contract) and rng.random() < 0.3:
        without = {**payoff.disagreement, seat: payoff.fallback(seat) + 1}
        return scenario.model_copy(update={"payoff": payoff.model_copy(update={"disagreement": without})})
    match payoff:
        case Division():
            item = rng.choice(list(payoff.items))
            if rng.random() < 0.3:
                more = {**payoff.items, item: payoff.items[item] + 1}
                return scenario.model_copy(update={"payoff": payoff.model_copy(update={"items": more})})
            mine = {**payoff.values[seat], item: payoff.values[seat][item] + 1}
            update: dict[str, object] = {"values": {**payoff.values, seat: mine}}
        case Contract():
            issue = rng.choice(list(payoff.issues))
            first, *rest = payoff.points[seat][issue]
            mine_too = {**payoff.points[seat], issue: (first + 1, *rest)}
            update = {"points": {**payoff.points, seat: mine_too}}
        case Price(range=(low, high)):
            reserve = payoff.reserves[seat]
            update = {"reserves": {**payoff.reserves, seat: reserve + 1 if reserve < high else low}}
        case _:
            raise AssertionError(f"{payoff} is no deal")
    return scenario.model_copy(update={"payoff": payoff.model_copy(update=update)})


def test_fresh_deals_that_come_to_different_things_are_told_apart_and_those_that_do_not_are_not() -> None:
    """Over whole lists: no two unlike ones share a hash, which one changed number at a time might not show."""
    for kind in ("division", "price"):
        by_hash = Counter[str]()
        for index in range(60):
            scenario = fresh_one(kind, index, 5)
            by_hash[f"{game_of(scenario)} {hash(str(all_that_comes_of(scenario)))}"] += 1
        hashes = [key.partition(" ")[0] for key in by_hash]
        assert len(set(hashes)) == len(hashes)


CHANGES: list[tuple[str, dict[str, object]]] = [
    ("dilemma", {"rounds": 7}),
    ("dilemma", {"temptation": 99, "reward": 70}),
    ("public_goods", {"factor": 1.9}),
    ("public_goods", {"endowment": 999}),
    ("public_goods", {"rounds": 9}),
    ("gift", {"limit": 12345}),
    ("secret", {"options": ("one", "two"), "answer": "two"}),
]


@pytest.mark.parametrize(("kind", "changed"), CHANGES, ids=[f"{kind}-{'-'.join(of)}" for kind, of in CHANGES])
def test_other_numbers_are_another_game(kind: str, changed: dict[str, object]) -> None:
    scenario = fresh_one(kind, 3, 5)
    assert scenario.payoff is not None
    other = scenario.model_copy(update={"payoff": scenario.payoff.model_copy(update=changed)})
    assert game_of(other) != game_of(scenario)


def test_a_secret_with_another_answer_and_a_friend_among_others_are_other_games() -> None:
    secret, friends = fresh_one("secret", 1, 5), fresh_one("mutual_friend", 1, 5)
    assert isinstance(secret.payoff, Secret)
    other = next(option for option in secret.payoff.options if option != secret.payoff.answer)
    kept = secret.model_copy(update={"payoff": secret.payoff.model_copy(update={"answer": other})})
    assert game_of(kept) != game_of(secret)
    assert game_of(fresh_one("mutual_friend", 2, 5)) != game_of(friends)


def test_a_price_seen_from_the_other_end_is_the_same_and_one_from_inside_is_not() -> None:
    scenario = fresh_one("price", 2, 5)
    price = scenario.payoff
    assert isinstance(price, Price)
    low, high = price.range
    payoff = price.model_copy(update={"reserves": {price.buyer: high - price.step, price.seller: low + 4 * price.step}})
    scenario = scenario.model_copy(update={"payoff": payoff})
    turned = {
        "buyer": payoff.seller,
        "seller": payoff.buyer,
        "reserves": {seat: low + high - reserve for seat, reserve in payoff.reserves.items()},
    }
    assert game_of(scenario.model_copy(update={"payoff": payoff.model_copy(update=turned)})) == game_of(scenario)
    swapped = payoff.model_copy(update={"buyer": payoff.seller, "seller": payoff.buyer})
    assert game_of(scenario.model_copy(update={"payoff": swapped})) != game_of(scenario)


def test_points_of_one_seat_alone_can_be_scaled_and_those_of_one_thing_alone_cannot() -> None:
    scenario = fresh_one("division", 4, 5)
    payoff = scenario.payoff
    assert isinstance(payoff, Division)
    one, _ = payoff.values
    mine = {item: 3 * value for item, value in payoff.values[one].items()}
    without = {seat: payoff.fallback(seat) * (3 if seat == one else 1) for seat in payoff.values}
    scaled = payoff.model_copy(update={"values": {**payoff.values, one: mine}, "disagreement": without})
    assert game_of(scenario.model_copy(update={"payoff": scaled})) == game_of(scenario)
    first = max(payoff.values[one], key=payoff.values[one].__getitem__)
    dear = {**payoff.values[one], first: 3 * payoff.values[one][first]}
    unlike = payoff.model_copy(update={"values": {**payoff.values, one: dear}})
    assert game_of(scenario.model_copy(update={"payoff": unlike})) != game_of(scenario)


def test_no_two_scenarios_of_the_library_are_the_same() -> None:
    there = {task.scenario.id: task.scenario for task in sets.tasks_of("all")}.values()
    assert len({words_of(scenario) for scenario in there}) == len(there) == 100
    with_payoff = [game for scenario in there if (game := game_of(scenario))]
    assert len(set(with_payoff)) == len(with_payoff) == 40


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "other", "title": "Another", "source": "elsewhere", "licence": "MIT"},
        {"family": "other"},
        {"turn_limit": 3},
        {"private_messages": True, "judge_note": "A word to the judge."},
    ],
)
def test_what_a_scenario_is_called_does_not_make_it_another(changed: dict[str, object]) -> None:
    scenario = sets.tasks_of("all")[0].scenario
    assert words_of(scenario.model_copy(update=changed)) == words_of(scenario)


@given(st.integers(0, 99), st.randoms(use_true_random=False))
def test_blanks_case_punctuation_and_the_order_of_seats_hide_nothing(at: int, rng: Random) -> None:
    tasks = sets.tasks_of("all")
    scenario = tasks[at].scenario
    seats = [
        seat.model_copy(update={"goal": _smeared(seat.goal, rng), "id": f"s{n}"})
        for n, seat in enumerate(scenario.seats)
    ]
    rng.shuffle(seats)
    copy = scenario.model_copy(update={"setting": _smeared(scenario.setting, rng), "seats": tuple(seats)})
    assert words_of(copy) == words_of(scenario)
    added = copy.model_copy(update={"setting": f"{copy.setting} Not so."})
    assert words_of(added) != words_of(scenario)


def _smeared(text: str, rng: Random) -> str:
    blanks = rng.choice([" ", "\n", "  ", "\u00a0", "\t "])
    return f" {text.upper() if rng.random() < 0.5 else text.lower()}.. ".replace(" ", blanks)


def test_every_form_of_a_players_name_is_one_player() -> None:
    for spec, style in named_styles().items():
        forms: list[PolicyPlan | Policy | str] = [
            spec,
            f"{spec}@{style.version}",
            f"{spec}@{style.version + 1}",
            f" {spec.upper()} ",
            player_by_rule(spec).policy,
        ]
        forms += [PolicyPlan(model=spec), spec.replace(":", ": ")]
        assert {known_as(form) for form in forms} == {spec}
    names = [*named_styles(), *(f"trivial:{way}" for way in ("accept", "random", "noisy"))]
    assert len({known_as(name) for name in names}) == len(names)
    assert known_as("trivial:noisy@1") == known_as(player_by_rule("trivial:noisy").policy) == "trivial:noisy"


SAME = [
    ("hf:models/a", "hf:./models/a/", "adapter:models/a@0123456789ab", "adapter:models/a#llama.cpp"),
    ("http://Host:8000/v1#m", "http://host:8000/v1/#m", "HTTP://host:8000/v1#m&key_env=KEY"),
    ("openai:gpt-4", "gpt-4", Policy(agent="llm", model="gpt-4", style="chat@1")),
]


@pytest.mark.parametrize("forms", SAME, ids=["weights", "server", "vendor"])
def test_forms_of_a_models_name_are_one_player(forms: tuple[str | Policy, ...]) -> None:
    assert len({known_as(form) for form in forms}) == 1


def test_models_that_differ_are_told_apart() -> None:
    served = "http://host/v1#m"
    players: list[PolicyPlan | Policy | str] = [
        *(form[0] for form in SAME),
        *("hf:models/b", "http://host:8000/v1#n", "http://host:8001/v1#m", "local:a", "scripted:demo", served),
        PolicyPlan(model=served, adapter="one"),
        Policy(agent="llm", model=served, adapter="two"),
        Policy(agent="human"),
    ]
    assert all(known_as(a) != known_as(b) for a, b in product(players, players) if a is not b)
