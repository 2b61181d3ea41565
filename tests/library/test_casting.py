"""Casts are drawn from exactly those that keep the constraints, each as likely as any other, whatever the order of things."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from math import perm
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import character

from comity.interop.sotopia import read_sotopia
from comity.library.casting import Casting, TooFewCasts
from comity.world.characters import Character
from comity.world.collection import Collection, cast_task
from comity.world.relationships import Relationship, RelationshipKind
from comity.world.scenarios import Scenario, Seat

DATA = Path(__file__).parents[3] / "shared" / "data"
KINDS = tuple(RelationshipKind)
JOBS = ("baker", "Baker ", "pilot", "weaver")


def people(count: int) -> list[Character]:
    """So many, of 20 and upwards; of the fifth the age is not known."""
    made = [character(f"P{i:02}", id_=f"p{i:02}", age=20 + i, occupation=JOBS[i % len(JOBS)]) for i in range(count)]
    return [who.model_copy(update={"age": None}) if who.id == "p04" else who for who in made]


def scenario(*seats: Seat, kinds: Sequence[RelationshipKind] = ()) -> Scenario:
    return Scenario(id="s", title="S", setting="A room.", seats=seats, relationships=tuple(kinds))


def open_seats(count: int) -> tuple[Seat, ...]:
    return tuple(Seat(id=f"seat{i}", goal="Stay.") for i in range(count))


def edges(pairs: Mapping[tuple[int, int], RelationshipKind]) -> list[Relationship]:
    return [Relationship(id=f"r{a}-{b}", between=(f"p{a:02}", f"p{b:02}"), kind=kind) for (a, b), kind in pairs.items()]


def ids(cast: Mapping[str, Character]) -> tuple[str, ...]:
    return tuple(who.id for who in cast.values())


def by_trying_all(
    wanted: Scenario, who: Sequence[Character], known: Sequence[Relationship]
) -> Iterator[tuple[str, ...]]:
    for chosen in permutations(who, len(wanted.seats)):
        cast = dict(zip([seat.id for seat in wanted.seats], chosen, strict=True))
        if not cast_task("t", wanted, cast, known).violations():
            yield ids(cast)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Scenario, list[Character], list[Relationship]]:
    who = people(draw(st.integers(0, 6)))
    pairs = [(a, b) for a in range(len(who)) for b in range(len(who)) if a != b]
    known = draw(st.dictionaries(st.sampled_from(pairs), st.sampled_from(KINDS), max_size=12)) if pairs else {}
    ages = st.tuples(st.integers(18, 26), st.integers(18, 26)).map(lambda pair: (min(pair), max(pair)))
    jobs = st.lists(st.sampled_from(["baker", "PILOT", "weaver"]), max_size=2)
    seats = [
        Seat(id=f"seat{i}", goal="Stay.", ages=draw(st.just((18, 120)) | ages), occupations=tuple(draw(jobs)))
        for i in range(draw(st.integers(2, 4)))
    ]
    kinds = draw(st.lists(st.sampled_from(KINDS), max_size=3, unique=True))
    return scenario(*seats, kinds=kinds), who, edges(known)


@given(worlds(), st.randoms(use_true_random=False))
def test_every_cast_that_keeps_the_constraints_is_there_once_and_no_other(
    world: tuple[Scenario, list[Character], list[Relationship]], shuffled: Random
) -> None:
    wanted, who, known = world
    allowed = set(by_trying_all(wanted, who, known))
    casting = Casting(wanted, who, known)
    numbered = [ids(casting[number]) for number in range(casting.total)]
    assert len(numbered) == len(set(numbered)) == len(allowed)
    assert set(numbered) == allowed
    assert casting.possible == bool(allowed)
    seats = [seat.id for seat in wanted.seats]
    for chosen in permutations(who, len(seats)):
        cast = dict(zip(seats, chosen, strict=True))
        assert (cast in casting) == (ids(cast) in allowed)
    shuffled.shuffle(who)
    again = Casting(wanted, who, known)
    assert [ids(again[number]) for number in range(again.total)] == numbered


def test_there_is_no_cast_beyond_the_last() -> None:
    casting = Casting(scenario(*open_seats(2)), people(3))
    assert casting.total == 6
    for number in (-1, 6):
        with pytest.raises(IndexError, match="numbered from 0 to 5"):
            casting[number]


def test_the_last_of_two_relationships_of_a_pair_counts_as_in_a_task() -> None:
    known = [*edges({(0, 1): RelationshipKind.FRIEND}), *edges({(1, 0): RelationshipKind.FAMILY})]
    wanted = scenario(*open_seats(2), kinds=[RelationshipKind.FRIEND])
    assert Casting(wanted, people(2), known).total == 0
    assert Casting(wanted, people(2), known[::-1]).total == 2


def test_a_drawn_task_is_whole_and_keeps_the_constraints() -> None:
    known = edges({(0, 1): RelationshipKind.FRIEND, (1, 2): RelationshipKind.FRIEND, (2, 3): RelationshipKind.FAMILY})
    wanted = scenario(*open_seats(2), kinds=[RelationshipKind.FRIEND, RelationshipKind.FAMILY])
    drawn = Casting.of(wanted, Collection(characters=tuple(people(5)), relationships=tuple(known))).draw(20, seed=3)
    assert len(drawn) == 20
    for task in drawn:
        assert task.violations() == []
        assert task.edges[0].kind in wanted.relationships
        assert task.id == f"s.{'-'.join(ids(task.cast))}"


def test_ids_too_long_to_name_everyone_still_differ() -> None:
    who = [character(f"P{i}", id_=f"{i}{'x' * 126}") for i in range(3)]
    drawn = Casting(scenario(*open_seats(2)), who).draw(6, seed=0, repetition=False)
    assert len({task.id for task in drawn}) == 6
    who = [character("A", id_="a"), character("B", id_="a-a")]
    assert len({task.id for task in Casting(scenario(*open_seats(2)), who).draw(2, seed=0, repetition=False)}) == 2


# three seats, six people; the first two seats are narrow, so that filling one seat after the other would favour some casts
NARROW = scenario(Seat(id="a", goal="Stay.", ages=(20, 21)), Seat(id="b", goal="Stay.", ages=(20, 23)), *open_seats(1))
CASES = {
    "a pair of any": Casting(scenario(*open_seats(2)), people(6)),
    "narrow seats": Casting(NARROW, people(6)),
    "few may meet": Casting(
        scenario(*open_seats(3), kinds=[RelationshipKind.FRIEND]),
        people(6),
        edges(dict.fromkeys(((0, 1), (0, 2), (1, 2), (2, 3), (0, 3), (4, 5), (3, 4), (2, 4)), RelationshipKind.FRIEND)),
    ),
}
DRAWS = 10_000


def excess(counts: Counter[tuple[str, ...]], total: int, draws: int) -> float:
    """Pearson's chi-square against uniform, in standard deviations above its mean (the degrees of freedom)."""
    expected = draws / total
    statistic = sum((counts[cast] - expected) ** 2 for cast in counts) / expected
    statistic += (total - len(counts)) * expected
    return float((statistic - (total - 1)) / (2 * (total - 1)) ** 0.5)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_draws_are_uniform_over_all_casts(case: str, seed: int) -> None:
    casting = CASES[case]
    counts = Counter(ids(task.cast) for task in casting.draw(DRAWS, seed))
    assert abs(excess(counts, casting.total, DRAWS)) < 4


@pytest.mark.parametrize("case", CASES)
def test_each_place_of_a_draw_without_repetition_is_uniform_too(case: str) -> None:
    casting = CASES[case]
    seeds = 3_000
    drawn = [casting.draw(3, seed, repetition=False) for seed in range(seeds)]
    for place in range(3):
        counts = Counter(ids(tasks[place].cast) for tasks in drawn)
        assert abs(excess(counts, casting.total, seeds)) < 4


def test_the_measure_of_uniformity_catches_seats_filled_one_after_the_other() -> None:
    casting = CASES["narrow seats"]
    every = [ids(casting[number]) for number in range(casting.total)]
    chance, counts = Random(7), Counter[tuple[str, ...]]()
    for _ in range(DRAWS):
        left = every
        for seat in (2, 1, 0):
            who = chance.choice(sorted({cast[seat] for cast in left}))
            left = [cast for cast in left if cast[seat] == who]
        counts[left[0]] += 1
    assert excess(counts, casting.total, DRAWS) > 4


def test_without_repetition_all_casts_come_once_and_then_there_are_no_more() -> None:
    casting = CASES["few may meet"]
    everything = casting.draw(casting.total, seed=5, repetition=False)
    assert len({task.id for task in everything}) == casting.total
    with pytest.raises(TooFewCasts, match=f"has {casting.total} different casts .* and 1,000 are wanted") as refused:
        casting.draw(1000, seed=5, repetition=False)
    assert (refused.value.there, refused.value.wanted) == (casting.total, 1000)
    assert len(casting.draw(1000, seed=5)) == 1000


@pytest.mark.parametrize("repetition", [True, False])
def test_where_there_is_no_cast_that_is_said_and_nothing_is_drawn(repetition: bool) -> None:
    nobody = Casting(scenario(*open_seats(2), kinds=[RelationshipKind.FAMILY]), people(5))
    with pytest.raises(TooFewCasts, match="has no cast"):
        nobody.draw(1, seed=0, repetition=repetition)
    assert nobody.draw(0, seed=0, repetition=repetition) == ()


@given(st.integers(0, 2**31), st.booleans(), st.integers(0, 12), st.integers(0, 12))
def test_a_shorter_draw_is_the_beginning_of_a_longer_one(seed: int, repetition: bool, one: int, other: int) -> None:
    casting = CASES["a pair of any"]
    short, long = sorted((one, other))
    assert casting.draw(long, seed, repetition=repetition)[:short] == casting.draw(short, seed, repetition=repetition)


def test_another_seed_or_scenario_draws_others() -> None:
    casting = CASES["a pair of any"]
    other = Casting(casting.scenario.model_copy(update={"id": "other"}), people(6))
    draws = [casting.draw(8, seed=1), casting.draw(8, seed=2), other.draw(8, seed=1)]
    assert len({tuple(ids(task.cast) for task in tasks) for tasks in draws}) == 3


def test_five_seats_among_forty_people_are_counted_without_being_listed() -> None:
    casting = Casting(scenario(*open_seats(5)), people(40))
    assert casting.total == perm(40, 5)
    assert len({task.id for task in casting.draw(50, seed=1, repetition=False)}) == 50


@pytest.mark.skipif(not DATA.is_dir(), reason="the SOTOPIA data are not beside this checkout")
@pytest.mark.parametrize(
    ("folder", "casts", "nobody_of_the_occupation", "pair_of_two_relationships"),
    [("sotopia", 450, 5, 10), ("sotopia_pi_scenarios", 5270, 870, 19)],
)
def test_the_real_combinations_are_among_the_casts(
    folder: str, casts: int, nobody_of_the_occupation: int, pair_of_two_relationships: int
) -> None:
    """All but those whose reason is known.

    SOTOPIA's own sampler cast people of any occupation where nobody has one that is wanted; and some of its pairs have two
    relationships, of which the last one is theirs here and the first one was used there.
    """
    collection = read_sotopia(DATA / folder).collection
    castings = {scenario.id: Casting.of(scenario, collection) for scenario in collection.scenarios}
    assert len(collection.tasks) == casts
    missing = Counter[str]()
    for task in collection.tasks:
        casting = castings[task.scenario.id]
        if dict(task.cast) in casting:
            continue
        pair = {who.id for who in task.cast.values()}
        own = [each.kind for each in collection.relationships if set(each.between) == pair]
        if task.violations():
            assert casting.total == 0
            assert all("wants" in reason and " is '" in reason for reason in task.violations())
            missing["occupation"] += 1
        else:
            assert own[-1] != task.scenario.relationships[0]
            assert task.scenario.relationships[0] in own
            missing["two relationships"] += 1
    assert missing == {"occupation": nobody_of_the_occupation, "two relationships": pair_of_two_relationships}
