"""Episodes in the store: begun, grown, ended, found and listed."""

from pathlib import Path

import pytest
from store_records import END, GONE, RUBRIC, START, episode, event, failed, scorecard, task

from comity.store import Ambiguous, Conflict, NotFound, Store, judge_key
from comity.world.environment import EndReason
from comity.world.episodes import Policy

from .conftest import Place


def test_events_are_added_one_after_the_other_and_several_at_once(store: Store) -> None:
    store.begin(episode())
    store.append("e1", [event(0)])
    store.append("e1", [event(1), event(2)])
    assert store.episode("e1").events == (event(0), event(1), event(2))


def test_an_event_of_an_index_that_is_stored_is_refused(store: Store) -> None:
    store.begin(episode(events=(event(0), event(1))))
    with pytest.raises(Conflict, match="already has an event 1"):
        store.append("e1", [event(1, "something else")])
    with pytest.raises(Conflict, match="already has an event 1"):
        store.append("e1", [event(1), event(2)])
    assert store.episode("e1").events == (event(0), event(1))


def test_a_second_writer_that_did_not_see_the_first_ones_event_is_refused(place: Place, store: Store) -> None:
    store.begin(episode())
    with Store.open(place.url) as other:
        other.append("e1", [event(0, "other")])
        with pytest.raises(Conflict, match="already has an event 0"):
            store.append("e1", [event(0, "mine")])
        assert other.episode("e1").events == (event(0, "other"),)


def test_a_log_has_no_gap(store: Store) -> None:
    store.begin(episode(events=(event(0),)))
    with pytest.raises(Conflict, match="the next is event 1, not 2"):
        store.append("e1", [event(2)])
    with pytest.raises(Conflict, match="without a gap"):
        store.append("e1", [event(1), event(3)])
    with pytest.raises(Conflict, match="without a gap"):
        store.begin(episode("e2", events=(event(1),)))
    assert store.episode("e1").events == (event(0),)


def test_adding_no_events_does_nothing(store: Store) -> None:
    store.begin(episode())
    store.interrupt("e1", GONE)
    store.append("e1", [])
    assert store.episodes()[0].status == "interrupted"


def test_a_finished_episode_stays_as_it_is(store: Store) -> None:
    store.begin(episode(events=(event(0),)))
    store.finish("e1", END, START, None)
    with pytest.raises(Conflict, match="finished"):
        store.append("e1", [event(1)])
    with pytest.raises(Conflict, match="finished"):
        store.finish("e1", END, START, None)
    with pytest.raises(Conflict, match="finished"):
        store.interrupt("e1", GONE)
    found = store.episode("e1")
    assert (found.end, found.finished_at, found.events) == (END, START, (event(0),))


def test_an_episode_begins_once(store: Store) -> None:
    store.begin(episode(events=(event(0),)))
    with pytest.raises(Conflict, match="'e1' is already stored"):
        store.begin(episode())
    assert store.episode("e1").events == (event(0),)


def test_last_is_not_an_id(store: Store) -> None:
    with pytest.raises(Conflict, match="newest"):
        store.begin(episode("last"))


@pytest.mark.parametrize("odd", ["nobody", "../../x", "\0", "\ud800", "é"])
def test_what_is_not_there_cannot_be_changed(store: Store, odd: str) -> None:
    with pytest.raises(NotFound):
        store.append(odd, [event(0)])
    with pytest.raises(NotFound):
        store.finish(odd, END, START, None)
    with pytest.raises(NotFound):
        store.interrupt(odd, GONE)
    with pytest.raises(NotFound):
        store.scorecards(odd)


def test_an_interruption_is_over_with_the_next_event(store: Store) -> None:
    store.begin(episode())
    store.interrupt("e1", GONE)
    assert (store.episodes()[0].status, store.episodes()[0].interrupted) == ("interrupted", GONE)
    assert store.episode("e1").interrupted == GONE
    store.append("e1", [event(0)])
    assert (store.episodes()[0].status, store.episodes()[0].interrupted) == ("running", None)
    assert store.episode("e1").interrupted is None


def test_an_interruption_is_over_with_the_end(store: Store) -> None:
    store.begin(episode())
    store.interrupt("e1", GONE)
    store.finish("e1", END, START, None)
    assert (store.episodes()[0].status, store.episodes()[0].interrupted) == ("finished", None)


def test_an_interrupted_episode_is_unfinished_and_whole(store: Store) -> None:
    store.begin(episode(events=(event(0),)))
    store.interrupt("e1", GONE)
    assert store.episode("e1") == episode(events=(event(0),)).model_copy(update={"interrupted": GONE})


def test_an_agents_failure_is_listed_with_its_kind(store: Store) -> None:
    store.begin(episode(events=(event(0),)))
    store.append("e1", [failed(1)])
    store.begin(episode("e2", events=(failed(0),), minute=1))
    store.begin(episode("e3", events=(event(0),), minute=2))
    assert {e.id: e.failure for e in store.episodes()} == {"e1": "context_length", "e2": "context_length", "e3": None}


def test_a_unique_beginning_of_an_id_finds_the_episode(store: Store) -> None:
    store.begin(episode("abc-1"))
    store.begin(episode("abd-1"))
    assert store.episode("abc").id == "abc-1"
    with pytest.raises(Ambiguous, match=r"abd-1, abc-1; give more") as raised:
        store.episode("ab")
    assert set(raised.value.close) == {"abc-1", "abd-1"}


def test_a_whole_id_wins_over_longer_ones_that_begin_with_it(store: Store) -> None:
    store.begin(episode("ab"))
    store.begin(episode("abc"))
    assert store.episode("ab").id == "ab"


@pytest.mark.parametrize("odd", ["ABC", "a_c", "a%", "bc", "", "../../abc-1", "\0", "\ud800", "é"])
def test_a_beginning_is_taken_literally(store: Store, odd: str) -> None:
    store.begin(episode("abc-1"))
    with pytest.raises(NotFound):
        store.episode(odd)


def test_an_unknown_id_names_those_that_resemble_it(store: Store) -> None:
    store.begin(episode("bicycle-1"))
    with pytest.raises(NotFound, match="did you mean bicycle-1") as raised:
        store.episode("bycicle-1")
    assert raised.value.close == ("bicycle-1",)


def test_last_is_the_newest_by_its_start(store: Store) -> None:
    with pytest.raises(NotFound, match="holds none yet"):
        store.episode("last")
    store.begin(episode("new", minute=5))
    store.begin(episode("old", minute=1))
    assert store.episode("last").id == "new"
    store.begin(episode("tie", minute=5))
    assert store.episode("last").id == "tie"


def test_the_listing_says_what_each_episode_is(store: Store) -> None:
    store.begin(episode("e1", events=(event(0), event(1)), of=task(title="Ένα παζάρι")))
    store.finish("e1", END, START, None)
    store.add_scorecard(scorecard(), RUBRIC)
    (listed,) = store.episodes()
    assert (listed.id, listed.task, listed.title) == ("e1", "sale-1", "Ένα παζάρι")
    assert listed.names == {"a": "Ann", "b": "Bob"}
    assert listed.models == {"a": "m1", "b": None}
    assert (listed.turns, listed.status, listed.end) == (2, "finished", EndReason.TURN_LIMIT)
    assert (listed.started_at, listed.scorecards, listed.damage) == (START, 1, "")


def test_the_listing_is_newest_first_and_can_be_cut(store: Store) -> None:
    for minute in (2, 0, 3, 1):
        store.begin(episode(f"e{minute}", minute=minute))
    assert [e.id for e in store.episodes()] == ["e3", "e2", "e1", "e0"]
    assert [e.id for e in store.episodes(limit=2)] == ["e3", "e2"]
    assert [(e.turns, e.status, e.end) for e in store.episodes(limit=1)] == [(0, "running", None)]


def test_every_scorecard_is_kept_oldest_first(store: Store) -> None:
    store.begin(episode())
    cards = [
        scorecard("late", minute=9),
        scorecard("early", minute=1, repeat=1),
        scorecard("later", minute=9, repeat=2),
    ]
    for card in cards:
        store.add_scorecard(card, RUBRIC)
    assert [card.id for card in store.scorecards("e1")] == ["early", "late", "later"]


def test_a_scorecard_is_stored_once(store: Store) -> None:
    store.begin(episode())
    store.add_scorecard(scorecard(reason="first"), RUBRIC)
    with pytest.raises(Conflict, match="scorecard 'c1'"):
        store.add_scorecard(scorecard(reason="second"), RUBRIC)
    assert store.scorecards("e1") == (scorecard(reason="first"),)


def test_a_judge_reads_an_episode_once_unless_it_says_for_which_time(store: Store) -> None:
    store.begin(episode())
    store.add_scorecard(scorecard("c1"), RUBRIC)
    with pytest.raises(Conflict, match=r"'c2': episode 'e1' already has this judge's reading by this rubric \('c1'\)"):
        store.add_scorecard(scorecard("c2"), RUBRIC)
    store.add_scorecard(scorecard("c2", repeat=1), RUBRIC)
    other = scorecard("c3").model_copy(update={"judge": Policy(agent="judge", model="m3")})
    store.add_scorecard(other, RUBRIC)
    assert [card.id for card in store.scorecards("e1")] == ["c1", "c2", "c3"]
    assert store.judged("e1") == {
        judge_key(card.judge, card.rubric_hash, card.repeat) for card in store.scorecards("e1")
    }


def test_a_scorecard_needs_its_episode(store: Store) -> None:
    with pytest.raises(NotFound, match="no episode 'e1'"):
        store.add_scorecard(scorecard(), RUBRIC)


def test_an_id_that_looks_like_a_path_writes_nothing_outside_the_store(
    tmp_path: Path, store: Store, place: Place
) -> None:
    odd = episode().model_copy(update={"id": "../../outside"})
    store.begin(odd)
    store.append("../../outside", [event(0)])
    assert [(e.id, e.turns) for e in store.episodes()] == [("../../outside", 1)]
    assert {p.name for p in tmp_path.iterdir()} == (
        {"s.db", "s.db-wal", "s.db-shm"} if place.kind == "sqlite" else set()
    )
    assert not (tmp_path.parent.parent / "outside").exists()
