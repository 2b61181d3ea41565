"""One damaged row: it is named, it is not quoted, and it hides nothing else."""

import json
from collections.abc import Iterator

import pytest
from store_records import END, RUBRIC, START, episode, event, scorecard, task

from comity.store import Damaged, Store
from comity.world.collection import Collection

from .conftest import Place


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    with Store.open(place.url) as opened:
        opened.add(Collection(tasks=(task("t-bad", secret="bad"), task("t-good"))))
        opened.begin(episode("bad", events=(event(0), event(1)), of=task("t-bad", secret="bad"), minute=1))
        opened.begin(episode("good", events=(event(0),), of=task("t-good")))
        opened.add_scorecard(scorecard(episode_id="bad"), RUBRIC)
        yield opened


def damage(place: Place, statement: str, **values: object) -> None:
    assert place.execute(f"{statement} RETURNING 1", **values)


BROKEN = [
    "",
    '{"seat": "a", "act',
    "[]",
    "null",
    "é",
    "{}",
    '{"quiet": 1}',
    b"\xff\xfe",
    12,
]


@pytest.mark.parametrize("body", BROKEN)
def test_a_damaged_event_is_named(store: Store, place: Place, body: object) -> None:
    damage(place, "UPDATE events SET body = CAST(:body AS TEXT) WHERE episode = 'bad' AND position = 1", body=body)
    with pytest.raises(Damaged, match="episode 'bad', event 1 is damaged"):
        store.episode("bad")
    assert store.episode("good").events == (event(0),)
    assert [(e.id, e.turns) for e in store.episodes()] == [("bad", 2), ("good", 1)]


@pytest.mark.parametrize("body", BROKEN)
def test_a_damaged_episode_is_named_and_listed_with_what_is_left(store: Store, place: Place, body: object) -> None:
    damage(place, "UPDATE episodes SET body = CAST(:body AS TEXT) WHERE id = 'bad'", body=body)
    with pytest.raises(Damaged, match="episode 'bad' is damaged"):
        store.episode("bad")
    bad, good = store.episodes()
    assert (bad.id, bad.names, bad.models) == ("bad", {"a": "Ann", "b": "Bob"}, {"a": "m1", "b": None})
    assert (good.id, good.damage) == ("good", "")


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("started_at", "noon", "started_at"),
        ("ending", "?", "end"),
        ("interrupted", "?", "interrupted"),
        ("models", "[]", "models"),
    ],
)
def test_a_damaged_column_is_listed(store: Store, place: Place, column: str, value: str, said: str) -> None:
    damage(place, f"UPDATE episodes SET {column} = :value WHERE id = 'bad'", value=value)
    assert {e.id: e.damage for e in store.episodes()} == {"bad": said, "good": ""}


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM events WHERE episode = 'bad' AND position = 1",
        "DELETE FROM events WHERE episode = 'bad' AND position = 0",
        "UPDATE events SET position = 7 WHERE episode = 'bad' AND position = 1",
    ],
)
def test_a_missing_event_is_noticed(store: Store, place: Place, statement: str) -> None:
    damage(place, statement)
    with pytest.raises(Damaged, match="episode 'bad' is damaged: 2 events were stored"):
        store.episode("bad")
    assert store.episode("good").events == (event(0),)


@pytest.mark.parametrize("body", [*BROKEN, json.dumps({"id": "x", "scenario": "none", "cast": {}})])
def test_a_damaged_task_is_named_by_its_id_and_by_its_episode(store: Store, place: Place, body: object) -> None:
    damage(
        place,
        "UPDATE snapshots SET body = CAST(:body AS TEXT) WHERE hash = (SELECT hash FROM current WHERE id = 't-bad')",
        body=body,
    )
    with pytest.raises(Damaged, match="task 't-bad'"):
        store.task("t-bad")
    with pytest.raises(Damaged, match="episode 'bad', task"):
        store.episode("bad")
    assert store.task("t-good") == task("t-good")
    assert [t.id for t in store.tasks()] == ["t-bad", "t-good"]


def test_a_damaged_caption_is_listed(store: Store, place: Place) -> None:
    damage(place, "UPDATE tasks SET caption = '{' WHERE id = 't-bad'")
    assert [(t.id, t.title, t.damage) for t in store.tasks()] == [("t-bad", "", "caption"), ("t-good", "A sale", "")]
    assert {e.id: e.damage for e in store.episodes()} == {"bad": "task", "good": ""}


@pytest.mark.parametrize("body", BROKEN)
def test_a_damaged_scorecard_is_named(store: Store, place: Place, body: object) -> None:
    damage(place, "UPDATE scorecards SET body = CAST(:body AS TEXT)", body=body)
    with pytest.raises(Damaged, match="scorecard 'c1' of episode 'bad' is damaged"):
        store.scorecards("bad")
    assert [e.scorecards for e in store.episodes()] == [1, 0]


def test_what_a_later_version_left_out_or_added_is_said_by_field(store: Store, place: Place) -> None:
    damage(place, "UPDATE events SET body = replace(body, '{\"seat\"', '{\"mood\"\\:1,\"seat\"') WHERE episode = 'bad'")
    with pytest.raises(Damaged, match=r"event 0 is damaged: mood \(extra_forbidden\)"):
        store.episode("bad")


def test_a_damaged_episode_can_still_be_ended(store: Store, place: Place) -> None:
    damage(place, "UPDATE episodes SET body = '' WHERE id = 'bad'")
    store.finish("bad", END, START, None)
    assert store.episodes()[0].status == "finished"
