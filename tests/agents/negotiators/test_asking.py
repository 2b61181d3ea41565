"""Secrets, gifts and mutual friends: who tells, who guesses, who gives, and what is heard of others' words."""

from games import a_task
from negotiating import ALL, FIXED, fixed, moves_of, outcome, playing, seated, words_of

from comity.world.choices import MutualFriend
from comity.world.moves import Move, MoveKind


def claims(spec: str, seed: int) -> list[str]:
    """What a keeper says that it is."""
    end = playing(fixed("secret"), {"p1": ALL[f"negotiator:{spec}"], "p2": []}, seed)
    return [str(move.terms["answer"]) for move in moves_of(end, "p1")]


def test_keepers_keep_tell_or_lie() -> None:
    for seed in range(10):
        assert claims("linear", seed) == []
        assert claims("conceder", seed) == ["green"]
        assert claims("bluffer", seed)[0] in ("red", "blue", "white")
    assert {said == ["green"] for said in (claims("tit-for-tat", seed) for seed in range(20))} == {True, False}


def test_the_pools_keepers_tell_late_when_pressed_in_code_or_something_false_at_once() -> None:
    assert when_told("held-out@1/late-folder") == [(4, "green")] * 10  # its fourth turn of six
    assert when_told("held-out@1/splitter") == [(4, "green")] * 10  # after it was asked three times
    assert {said for _, said in when_told("held-out@1/logroller")} == {"red"}  # of red, green, blue and white
    told = when_told("held-out@1/grim")
    assert {turn for turn, _ in told} == {1}
    assert {said for _, said in told} == {"red", "blue", "white"}


def when_told(spec: str) -> list[tuple[int, str]]:
    """At which of its own turns a keeper says what, seed by seed."""
    found = []
    for seed in range(10):
        end = playing(fixed("secret"), {"p1": ALL[f"negotiator:{spec}"], "p2": []}, seed)
        mine = [event.action for event in end.events if event.seat == "p1" and event.action]
        found += [(at, str(action.move.terms["answer"])) for at, action in enumerate(mine, 1) if action.move]
    return found


def guess(spec: str, seed: int, *said: Move) -> str:
    """What somebody writes down after a keeper has said this; empty for nothing."""
    end = playing(fixed("secret"), {"p1": [*said], "p2": ALL[f"negotiator:{spec}"]}, seed)
    return next((str(move.terms["answer"]) for move in moves_of(end, "p2")), "")


def test_guessers_believe_doubt_do_not_listen_or_wait_for_a_claim() -> None:
    blue = Move(kind=MoveKind.CLAIM, terms={"answer": "blue"})
    seeds = range(20)
    assert {guess("linear", seed, blue) for seed in seeds} == {"blue"}
    assert {guess("bluffer", seed, blue) for seed in seeds} == {"red", "green", "white"}
    assert {guess("boulware", seed, blue) for seed in seeds} == {"red", "green", "white", "blue"}
    assert {guess("firm", seed, blue) for seed in seeds} == {"blue"}
    assert {guess("firm", seed) for seed in seeds} == {""}
    assert "" not in {guess("linear", seed) for seed in seeds}


def test_the_pools_guessers_believe_half_wait_take_the_next_one_or_do_not_ask() -> None:
    blue = Move(kind=MoveKind.CLAIM, terms={"answer": "blue"})
    seeds = range(20)
    halves = [guess("held-out@1/splitter", seed, blue) for seed in seeds]
    assert 4 < halves.count("blue") < 16
    assert {guess("held-out@1/late-folder", seed, blue) for seed in seeds} == {"blue"}
    assert {guess("held-out@1/logroller", seed, blue) for seed in seeds} == {"white"}
    last = Move(kind=MoveKind.CLAIM, terms={"answer": "white"})
    assert {guess("held-out@1/logroller", seed, last) for seed in seeds} == {"red"}  # after the last comes the first
    for spec, turn in (("held-out@1/grim", 1), ("held-out@1/late-folder", 6), ("linear", 2)):
        end = playing(fixed("secret"), {"p1": [blue], "p2": ALL[f"negotiator:{spec}"]}, seed=1)
        mine = [event.action for event in end.events if event.seat == "p2" and event.action]
        assert [at for at, action in enumerate(mine, 1) if action.move] == [turn]


def test_what_a_keeper_says_in_prose_is_no_claim() -> None:
    end = playing(
        fixed("secret"), {"p1": ["It is the blue one, I swear. Blue!"] * 6, "p2": ALL["negotiator:firm"]}, seed=1
    )
    assert moves_of(end, "p2") == []


def given(spec: str, appeals: int, seed: int = 1) -> int:
    """What a style gives to somebody who asks so often and is then silent."""
    end = playing(fixed("gift", 20), {"p1": ALL[f"negotiator:{spec}"], "p2": ["Please."] * appeals}, seed)
    return int(outcome(end).utilities["p2"])


def test_givers_give_by_their_style() -> None:
    for seed in range(10):
        assert given("firm", 5, seed) == 0
        assert given("bluffer", 5, seed) <= 15
        assert given("pleaser", 5, seed) >= 80
    assert {given("bluffer", 9, seed) for seed in range(10)}  # and it promised more
    promised = playing(fixed("gift", 20), {"p1": ALL["negotiator:bluffer"], "p2": []}, seed=4)
    assert all(move.terms["amount"] == 100 for move in moves_of(promised, "p1") if move.kind is MoveKind.CLAIM)


def test_an_asker_asks_and_makes_no_moves() -> None:
    end = playing(fixed("gift"), seated(fixed("gift"), "linear"), seed=2)
    assert moves_of(end, "p2") == []
    assert len(set(words_of(end, "p2"))) == len(words_of(end, "p2"))


def test_two_who_name_people_find_the_one_they_share() -> None:
    for seed in range(20):
        end = playing(fixed("mutual_friend"), seated(fixed("mutual_friend"), "linear", "conceder"), seed)
        assert outcome(end).utilities == {"p1": 10, "p2": 10}


def told(spec: str, *heard: str) -> list[list[str]]:
    """Turn by turn, of whom and of what a style tells the other, whose first words these are."""
    end = playing(fixed("mutual_friend"), {"p1": [*heard], "p2": ALL[f"negotiator:{spec}"]}, seed=1)
    known = ["ed lowe", "cy tan", "flo ray", "gus penn", "pilot", "climbs", "vet", "sings", "baker", "cycles"]
    said = [words.casefold() for words in words_of(end, "p2")]
    return [sorted((one for one in known if one in words), key=words.index) for words in said]


def test_the_pool_tells_of_its_contacts_in_orders_of_its_own() -> None:
    """By the lists: Ed Lowe (pilot, climbs), Cy Tan (vet, sings), Flo Ray (baker, sings), Gus Penn (vet, cycles)."""
    assert told("held-out@1/grim")[:2] == [["ed lowe", "cy tan"], ["pilot"]]  # from the top, names and traits by turns
    assert told("held-out@1/late-folder")[:3] == [["vet"], ["cycles"], ["gus penn", "flo ray", "cy tan"]]
    assert told("held-out@1/logroller")[:3] == [["vet"], ["sings"], ["cy tan", "flo ray", "gus penn", "ed lowe"]]
    assert told("held-out@1/splitter", "One who sings, a baker?")[0][:2] == ["flo ray", "cy tan"]


def test_three_find_it_though_two_of_them_share_others() -> None:
    lists = {
        "p1": ("Al Ash", "Bo Bly", "Cy Coe", "Di Dow"),
        "p2": ("Bo Bly", "Ed Eve", "Cy Coe", "Flo Fox"),
        "p3": ("Al Ash", "Gus Gee", "Cy Coe", "Flo Fox"),
    }
    game = a_task(MutualFriend(contacts=lists), ("p1", "p2", "p3"), turns=24)
    found = [outcome(playing(game, seated(game, "linear", "conceder", "tit-for-tat"), seed)) for seed in range(20)]
    assert sum(each.utilities["p1"] == 10 for each in found) >= 18


def test_a_name_that_somebody_says_first_is_known_and_one_that_they_only_repeat_is_not() -> None:
    first = playing(
        fixed("mutual_friend"), {"p1": ["Do you know Cy Tan, by any chance?"], "p2": ALL["negotiator:firm"]}, seed=1
    )
    assert moves_of(first, "p2")[-1].terms == {"person": "Cy Tan (vet, sings)"}
    longer = playing(fixed("mutual_friend"), {"p1": ["Do you know Cy Tanner?"], "p2": ALL["negotiator:firm"]}, seed=1)
    assert moves_of(longer, "p2") == []


def test_a_name_that_is_denied_is_not_known() -> None:
    alone = playing(fixed("mutual_friend"), {"p1": [], "p2": ALL["negotiator:firm"]}, seed=1)
    said = words_of(alone, "p2")
    at, name = next(
        (at, n) for at, words in enumerate(said) for n in ("Ed Lowe", "Cy Tan", "Flo Ray", "Gus Penn") if n in words
    )
    denying = ["Hm."] * (at + 1) + [f"No, I don't know {name}."]
    end = playing(fixed("mutual_friend"), {"p1": denying, "p2": ALL["negotiator:firm"]}, seed=1)
    assert name in words_of(end, "p2")[at]
    assert moves_of(end, "p2") == []


def test_whoever_writes_somebody_down_just_after_a_name_is_taken_to_have_known_it() -> None:
    wrote = Move(kind=MoveKind.CHOOSE, terms={"person": "Ada Quill (vet, cycles)"})
    end = playing(fixed("mutual_friend"), {"p1": ["Hm.", wrote], "p2": ALL["negotiator:tit-for-tat"]}, seed=1)
    last_named = next(name for name in ("Ed Lowe", "Cy Tan", "Flo Ray", "Gus Penn") if name in words_of(end, "p2")[0])
    assert str(moves_of(end, "p2")[-1].terms["person"]).startswith(last_named)


def test_the_hasty_guess_and_the_sure_never_do() -> None:
    hasty = playing(fixed("mutual_friend"), {"p1": ALL["negotiator:bluffer"], "p2": []}, seed=1)
    assert [e.index for e in hasty.events if e.seat == "p1" and e.action and e.action.move] == [2]
    sure = playing(fixed("mutual_friend"), {"p1": ALL["negotiator:firm"], "p2": []}, seed=1)
    assert moves_of(sure, "p1") == []
    assert isinstance(FIXED["mutual_friend"], MutualFriend)
