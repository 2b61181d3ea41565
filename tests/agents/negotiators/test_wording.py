"""Things, sums and terms in words."""

import pytest

from comity.agents.negotiators.wording import amount, joined, named, number, phrase, share_words, terms_words, traits
from comity.world.deals import Contract, Division

LOT = Division(
    items={"books": 2, "hats": 3, "ball": 1, "gas": 2, "water": 3},
    values={"a": dict.fromkeys(("books", "hats", "ball", "gas", "water"), 1), "b": {}},
)


@pytest.mark.parametrize(
    ("taken", "words"),
    [
        ({}, "nothing"),
        ({"books": 2, "hats": 3, "ball": 1, "gas": 2, "water": 3}, "everything"),
        ({"books": 2, "ball": 1}, "both books and the ball"),
        ({"books": 1, "hats": 3}, "one of the books and all three hats"),
        ({"hats": 2}, "two of the three hats"),
        ({"hats": 1}, "one of the hats"),
        ({"gas": 2, "water": 1}, "both lots of gas and one of the three lots of water"),
        ({"gas": 1, "water": 3}, "one of the two lots of gas and all the water"),
    ],
)
def test_a_share_in_words(taken: dict[str, int], words: str) -> None:
    assert share_words(LOT, {**dict.fromkeys(LOT.items, 0), **taken}) == words


def test_small_numbers_are_words_and_sums_have_their_unit_where_it_belongs() -> None:
    assert [number(n) for n in (0, 1, 12, 13, 12_500)] == ["no", "one", "twelve", "13", "12,500"]
    assert [amount(n, "$") for n in (5, 1240)] == ["$5", "$1,240"]
    assert [amount(n, "coins") for n in (0, 1, 6, 40)] == ["no coins", "one coin", "six coins", "40 coins"]
    assert amount(1, "brass") == "one brass"


def test_slugs_become_words_and_what_was_words_stays() -> None:
    assert [phrase(s) for s in ("song-book", "saturday-show", "new_years_eve")] == [
        "song book",
        "Saturday show",
        "new years eve",
    ]
    assert phrase("run until mid-night") == "run until mid-night"
    assert joined(["a"]) == "a"
    assert joined(["a", "b", "c"]) == "a, b and c"


def test_terms_of_a_contract_all_or_some() -> None:
    rent = Contract(issues={"rent": ("$5", "$6"), "big-dog": ("not-allowed", "allowed")}, points={})
    terms = {"rent": "$6", "big-dog": "not-allowed"}
    assert terms_words(rent, terms) == "rent: $6, big dog: not allowed"
    assert terms_words(rent, terms, ["rent"]) == "rent: $6"


def test_a_contact_is_a_name_and_what_is_known() -> None:
    assert named("Ada Quill (vet, cycles)") == ("Ada Quill", "vet, cycles")
    assert traits("Ada Quill (vet, cycles)") == ("vet", "cycles")
    assert named("Ada Quill") == ("Ada Quill", "")
    assert traits("Ada Quill") == ()
