"""Seed ideas: those that ship are many, varied and no scenario of the library, and each is used once."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.generate.ideas import Idea, IdeasError, Kind, load_ideas, next_ideas
from comity.library import starter
from comity.library.lint.words import content, words
from comity.world.relationships import RelationshipKind

KINDS: tuple[Kind, ...] = ("scenarios", "characters", "relationships")
FAMILIES = {scenario.family for scenario in starter().scenarios}
LIBRARY = {
    "scenarios": [f"{s.title} {s.setting} {' '.join(seat.role for seat in s.seats)}" for s in starter().scenarios],
    "characters": [f"{who.occupation} {who.public_info} {who.secret}" for who in starter().characters],
    "relationships": [each.background for each in starter().relationships],
}


def test_scenarios_have_twelve_ideas_of_every_family_of_the_library() -> None:
    counts = Counter(idea.family for idea in load_ideas("scenarios"))
    assert counts == dict.fromkeys(FAMILIES, 12)
    assert counts.total() == 132


def test_characters_and_relationships_have_ideas_of_many_kinds() -> None:
    assert len(load_ideas("characters")) >= 40
    counts = Counter(idea.family for idea in load_ideas("relationships"))
    assert set(counts) == set(RelationshipKind)
    assert min(counts.values()) >= 6


@pytest.mark.parametrize("kind", KINDS)
def test_no_idea_tells_what_the_library_has(kind: Kind) -> None:
    """No record has four of the words of an idea that carry something: less than what two descriptions of one situation share."""
    for idea in load_ideas(kind):
        own = set(content(idea.text))
        shared = max((own & set(content(text)) for text in LIBRARY[kind]), key=len)
        assert len(shared) < 4, f"{idea.text}: {shared}"


def test_an_idea_that_tells_a_scenario_of_the_library_would_be_found() -> None:
    own = set(
        content(
            "Two flat-hunters, one bright room and one dark one, and an owner who wants a single name for the lease."
        )
    )
    assert max(len(own & set(content(text))) for text in LIBRARY["scenarios"]) >= 4


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_ideas_begin_alike_or_are_about_the_same(kind: Kind) -> None:
    ideas = load_ideas(kind)
    openings = Counter(words(idea.text)[:4] for idea in ideas)
    assert [opening for opening, count in openings.items() if count > 1] == []
    for number, one in enumerate(ideas):
        for other in ideas[:number]:
            shared = set(content(one.text)) & set(content(other.text))
            assert len(shared) < 4, f"{one.text} / {other.text}: {shared}"


def test_ideas_of_ones_own_are_read_with_their_families(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('\ufeffconflict = [" Two keys. ", "One door."]\n"shared plans" = ["A boat."]\n', "utf-8")
    assert load_ideas("scenarios", file) == (
        Idea(text="Two keys.", family="conflict"),
        Idea(text="One door.", family="conflict"),
        Idea(text="A boat.", family="shared plans"),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Two keys.", "is not TOML"),
        ("", "holds no ideas"),
        ("conflict = 3", "conflict: is no list"),
        ('conflict = ["a", 4]', "conflict.#2: is no text"),
        ('conflict = ["a", " "]', "conflict.#2: is no text"),
        ('a = ["Two keys."]\nb = ["Two keys."]', "'Two keys.' stands there twice"),
        (f'a = ["{"x" * 2001}"]', "a.#1: has 2,001 characters; 2,000 at most"),
        ("a = [\xff]", "is not TOML"),
    ],
)
def test_a_file_that_holds_no_ideas_says_so_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(IdeasError) as refused:
        load_ideas("scenarios", file)
    assert str(refused.value).startswith(f"{file}: ")
    assert said in str(refused.value)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(IdeasError, match=r"none\.toml: cannot be read \(No such file"):
        load_ideas("scenarios", tmp_path / "none.toml")


IDEAS = tuple(Idea(text=f"Idea {number}.", family="conflict") for number in range(12))


@given(st.permutations(IDEAS), st.integers(0, 5), st.integers(0, 12))
def test_which_ideas_are_taken_depends_on_the_seed_and_not_on_their_order(
    ideas: list[Idea], seed: int, count: int
) -> None:
    taken, free = next_ideas(ideas, "scenarios", seed, count, {})
    assert taken == next_ideas(IDEAS, "scenarios", seed, 12, {})[0][:count]
    assert free == 12


def test_another_seed_takes_others() -> None:
    first, second = (next_ideas(IDEAS, "scenarios", seed, 6, {})[0] for seed in (1, 2))
    assert first != second


def test_what_another_asking_used_is_passed_over_and_what_this_one_used_counts() -> None:
    every, _ = next_ideas(IDEAS, "scenarios", 0, 12, {})
    mine, others = every[0].candidate("scenarios"), every[1].candidate("scenarios")
    taken, free = next_ideas(IDEAS, "scenarios", 0, 3, {mine: True, others: False})
    assert taken == (every[0], every[2], every[3])
    assert free == 11


def test_one_idea_is_one_candidate_of_each_kind_whatever_its_family() -> None:
    one, other = Idea(text="A boat.", family="conflict"), Idea(text="A boat.", family="exchange")
    assert one.candidate("scenarios") == other.candidate("scenarios")
    assert one.candidate("scenarios") != one.candidate("characters")
