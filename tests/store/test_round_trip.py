"""What is read back is what was stored, whatever characters it is made of."""

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import example, given, settings
from store_records import END, RUBRIC, START, episode, episodes, event, scorecard, scorecards

from comity.store import Store
from comity.world.episodes import Episode
from comity.world.scorecards import Scorecard

from .conftest import KINDS, place_of

_numbers = count()


@pytest.fixture(scope="module", params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("store")
    with place_of(request.param, request, folder, schema=True) as place, Store.open(place.url) as opened:
        yield opened


@given(drawn=episodes())
@settings(deadline=None, max_examples=150)
@example(
    drawn=episode(events=(event(0, "\0"), event(1, "x" * 10_000), event(2, "👩‍👩‍👧‍👦 \u202eABC"), event(3, "\ud800")))
)
def test_an_episode_comes_back_equal(store: Store, drawn: Episode) -> None:
    stored = drawn.model_copy(update={"id": f"e{next(_numbers)}"})
    store.begin(stored)
    assert store.episode(stored.id) == stored


@given(drawn=episodes())
@settings(deadline=None, max_examples=50)
def test_an_episode_built_step_by_step_comes_back_equal(store: Store, drawn: Episode) -> None:
    whole = drawn.model_copy(update={"id": f"s{next(_numbers)}", "end": END, "finished_at": START, "interrupted": None})
    store.begin(whole.model_copy(update={"events": (), "end": None, "finished_at": None}))
    for one in whole.events:
        store.append(whole.id, [one])
    store.finish(whole.id, END, START, None)
    assert store.episode(whole.id) == whole


@given(drawn=scorecards())
@settings(deadline=None, max_examples=50)
def test_a_scorecard_comes_back_equal(store: Store, drawn: Scorecard) -> None:
    played = episode(f"c{next(_numbers)}")
    card = drawn.model_copy(update={"id": f"card-{played.id}", "episode": played.id})
    store.begin(played)
    store.add_scorecard(card, RUBRIC)
    (found,) = store.scorecards(played.id)
    assert found == card
    assert [list(by_seat) for by_seat in found.scores.values()] == [list(by_seat) for by_seat in card.scores.values()]


def test_a_time_without_a_zone_stays_without(store: Store) -> None:
    naive = episode("naive").model_copy(update={"started_at": START.replace(tzinfo=None)})
    store.begin(naive)
    assert store.episode("naive").started_at.tzinfo is None


def test_dimensions_keep_the_order_of_the_rubric(store: Store) -> None:
    store.begin(episode("order"))
    store.add_scorecard(scorecard("order", "order"), RUBRIC)
    assert list(store.scorecards("order")[0].scores["b"]) == ["GOAL", "BEL"]
