"""Rubrics: every scorecard's is kept as it was when the judge read it, once, under the hash that the scorecard names."""

from collections.abc import Iterator

import pytest
from store_records import RUBRIC, episode, scorecard

from comity.store import Conflict, Damaged, NotFound, Store, StoreError
from comity.world.record import content_hash
from comity.world.scorecards import Rubric

from .conftest import Place

REVISED = RUBRIC.model_copy(update={"dimensions": RUBRIC.dimensions[:1]})
"""Somebody changed the dimensions and left id and version as they were."""


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    with Store.open(place.url) as opened:
        opened.begin(episode())
        yield opened


def kept(place: Place) -> list[str]:
    return [str(name) for (name,) in place.execute("SELECT hash FROM snapshots WHERE kind = 'rubric'")]


def test_the_rubric_of_a_scorecard_comes_back_from_its_hash(place: Place, store: Store) -> None:
    store.add_scorecard(scorecard(), RUBRIC)
    store.close()
    with Store.open(place.url) as again:
        (card,) = again.scorecards("e1")
        found = again.rubric(card.rubric_hash)
    assert found == RUBRIC
    assert content_hash(found) == card.rubric_hash


def test_a_rubric_is_kept_once(store: Store, place: Place) -> None:
    for repeat, id_ in enumerate(("c1", "c2")):
        store.add_scorecard(scorecard(id_, repeat=repeat), RUBRIC)
    assert kept(place) == [content_hash(RUBRIC)]


def test_a_changed_rubric_leaves_the_old_one_as_it_was(store: Store) -> None:
    store.add_scorecard(scorecard("c1"), RUBRIC)
    store.add_scorecard(scorecard("c2", by=REVISED), REVISED)
    assert [store.rubric(card.rubric_hash) for card in store.scorecards("e1")] == [RUBRIC, REVISED]


@pytest.mark.parametrize("other", [REVISED, RUBRIC.model_copy(update={"version": 2})])
def test_another_rubric_than_the_judges_is_refused_and_nothing_is_kept(
    store: Store, place: Place, other: Rubric
) -> None:
    with pytest.raises(ValueError, match=f"'c1' was judged by rubric .*, not by 'sotopia', version {other.version}"):
        store.add_scorecard(scorecard(), other)
    assert (store.scorecards("e1"), kept(place)) == ((), [])


@pytest.mark.parametrize("field", ["rubric", "rubric_version"])
def test_a_scorecard_that_calls_its_rubric_otherwise_is_refused(store: Store, field: str) -> None:
    odd = scorecard().model_copy(update={"rubric": "mine", "rubric_version": 7})
    card = scorecard().model_copy(update={field: odd.model_dump()[field]})
    with pytest.raises(ValueError, match="give its judge's rubric"):
        store.add_scorecard(card, RUBRIC)


def test_a_scorecard_that_is_refused_leaves_no_rubric(store: Store, place: Place) -> None:
    store.add_scorecard(scorecard(), RUBRIC)
    with pytest.raises(Conflict):
        store.add_scorecard(scorecard(by=REVISED), REVISED)
    with pytest.raises(NotFound):
        store.add_scorecard(scorecard("c2", "e7", by=REVISED), REVISED)
    assert kept(place) == [content_hash(RUBRIC)]


def test_a_rubric_that_is_no_text_is_refused_by_name(store: Store) -> None:
    dimension = RUBRIC.dimensions[0].model_copy(update={"description": "half \ud800"})
    with pytest.raises(StoreError, match="rubric 'sotopia' holds half of a surrogate pair"):
        store.add_scorecard(scorecard(), RUBRIC.model_copy(update={"dimensions": (dimension,)}))


def test_an_unknown_rubric_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="there is no rubric '0000'"):
        store.rubric("0000")


def test_the_hash_of_something_else_is_no_rubric(store: Store) -> None:
    store.add_scorecard(scorecard(), RUBRIC)
    with pytest.raises(NotFound, match="no rubric"):
        store.rubric(content_hash(episode().task))


def test_a_damaged_rubric_is_named_and_hides_no_scorecard(store: Store, place: Place) -> None:
    store.add_scorecard(scorecard(), RUBRIC)
    place.execute("""UPDATE snapshots SET body = '{"quiet"\\: 1}' WHERE kind = 'rubric'""")
    with pytest.raises(Damaged, match=r"rubric '[0-9a-f]{64}' is damaged"):
        store.rubric(content_hash(RUBRIC))
    assert store.scorecards("e1") == (scorecard(),)
