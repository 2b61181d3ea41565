"""Who plays what: taking free episodes, leaving those of others alone, and what becomes free when a lease is over or a process dies."""

import os
import subprocess
import sys

import pytest
from store_records import END, RUBRIC, START, episode, event, scorecard, task

from comity.store import Claim, Store, Worker, judge_key, this_process

from .conftest import Place

JUDGE = judge_key(scorecard().judge, scorecard().rubric_hash)


@pytest.fixture
def me(store: Store) -> str:
    worker = this_process("r1")
    store.renew(worker, 60)
    return worker.id


@pytest.fixture
def other(store: Store) -> Worker:
    worker = this_process("r1")
    store.renew(worker, 60)
    return worker


def claimed(store: Store, worker: str, *ids: str, judges: frozenset[str] = frozenset()) -> dict[str, int]:
    """The epochs of what was taken."""
    return dict(one.claim for one in store.claim(worker, [episode(id_) for id_ in ids], judges))


def test_what_is_not_there_yet_is_stored_and_taken(store: Store, me: str) -> None:
    wanted = [episode("b"), episode("a")]
    taken = store.claim(me, wanted)
    assert [one.episode for one in taken] == wanted
    assert [one.claim for one in taken] == [Claim("b", 1), Claim("a", 1)]
    assert [store.episode(one.id) for one in wanted] == wanted


def test_an_episode_that_was_begun_is_taken_with_the_events_it_has(store: Store, me: str) -> None:
    store.begin(episode("e1", events=(event(0), event(1))))
    (taken,) = store.claim(me, [episode("e1")])
    assert taken.episode == store.episode("e1")
    assert taken.episode.events == (event(0), event(1))


def test_the_stored_record_counts_not_the_one_that_was_asked_for(store: Store, me: str) -> None:
    store.begin(episode("e1", of=task(goal="Sell it dear")))
    (taken,) = store.claim(me, [episode("e1", minute=9)])
    assert taken.episode == episode("e1", of=task(goal="Sell it dear"))


def test_more_than_one_statement_can_name_are_taken(store: Store, me: str) -> None:
    ids = [f"e{number}" for number in range(1200)]
    assert list(claimed(store, me, *ids)) == ids


def test_what_a_living_worker_holds_is_left_out(store: Store, me: str, other: Worker) -> None:
    assert claimed(store, other.id, "e1", "e2") == {"e1": 1, "e2": 1}
    assert claimed(store, me, "e1", "e3", "e2") == {"e3": 1}


def test_a_released_episode_is_free_at_the_next_epoch(store: Store, me: str, other: Worker) -> None:
    claimed(store, other.id, "e1")
    store.release([Claim("e1", 1)])
    assert claimed(store, me, "e1") == {"e1": 2}


def test_a_late_release_frees_nothing_of_the_next_worker(store: Store, me: str, other: Worker) -> None:
    claimed(store, other.id, "e1")
    store.release([Claim("e1", 1)])
    claimed(store, me, "e1")
    store.release([Claim("e1", 1)])
    assert claimed(store, other.id, "e1") == {}


def test_what_a_worker_without_a_lease_holds_is_free(store: Store, me: str, other: Worker, place: Place) -> None:
    claimed(store, other.id, "e1")
    place.execute("UPDATE workers SET until = until - 61000 WHERE id = :id", id=other.id)
    assert claimed(store, me, "e1") == {"e1": 2}


def test_a_lease_that_is_renewed_in_time_goes_on(store: Store, me: str, other: Worker, place: Place) -> None:
    claimed(store, other.id, "e1")
    place.execute("UPDATE workers SET until = until - 59000 WHERE id = :id", id=other.id)
    store.renew(other, 60)
    assert claimed(store, me, "e1") == {}
    ((left,),) = place.execute("SELECT count(*) FROM workers")
    assert left == 2


def test_a_worker_that_comes_back_after_its_lease_is_one_again(
    store: Store, me: str, other: Worker, place: Place
) -> None:
    claimed(store, other.id, "e1", "e2")
    place.execute("UPDATE workers SET until = 0 WHERE id = :id", id=other.id)
    assert claimed(store, me, "e1") == {"e1": 2}
    store.renew(other, 60)
    assert claimed(store, me, "e2") == {}


def test_a_worker_that_retires_leaves_nothing_behind(store: Store, me: str, other: Worker) -> None:
    claimed(store, other.id, "e1")
    store.retire(other.id)
    assert claimed(store, me, "e1") == {"e1": 2}


def test_what_is_finished_and_read_by_all_judges_is_left_out(store: Store, me: str) -> None:
    store.begin(episode("e1", events=(event(0),)))
    store.finish("e1", END, START, None)
    assert claimed(store, me, "e1") == {}
    (taken,) = store.claim(me, [episode("e1")], frozenset({JUDGE}))
    assert (taken.episode.end, taken.judged) == (END, frozenset())
    store.release([taken.claim])
    store.add_scorecard(scorecard(), RUBRIC)
    assert claimed(store, me, "e1", judges=frozenset({JUDGE})) == {}
    (again,) = store.claim(me, [episode("e1")], frozenset({JUDGE, "another"}))
    assert again.judged == {JUDGE}


def test_a_damaged_episode_is_left_out_and_says_so(store: Store, me: str, place: Place) -> None:
    for id_ in ("bad", "good"):
        store.begin(episode(id_, events=(event(0),)))
    place.execute("UPDATE events SET body = '{' WHERE episode = 'bad'")
    assert claimed(store, me, "bad", "good") == {"good": 1}
    why = next(one.interrupted for one in store.episodes() if one.id == "bad")
    assert why is not None
    assert (why.kind, why.error) == ("infrastructure", "Damaged")
    assert "event 0" in why.detail


def test_a_dead_process_of_this_machine_holds_nothing(store: Store, me: str) -> None:
    code = "from comity.store import this_process; print(*this_process('r1'), sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    dead = Worker(*done.stdout.splitlines())
    assert dead.host == this_process("r1").host
    store.renew(dead, 60)
    assert claimed(store, dead.id, "e1") == {"e1": 1}
    assert claimed(store, me, "e1") == {}
    assert store.release_dead() == 1
    assert claimed(store, me, "e1") == {"e1": 2}


def test_a_killed_child_that_nobody_has_waited_for_is_dead(store: Store) -> None:
    code = "import sys; from comity.store import this_process; print(*this_process('r1'), sep='\\n', flush=True); sys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        worker = Worker(*(process.stdout.readline().rstrip("\n") for _ in range(4)))
        store.renew(worker, 60)
        assert store.release_dead() == 0
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert store.release_dead() == 1


def test_another_machines_process_and_a_later_one_of_the_same_number_are_told_apart(store: Store) -> None:
    mine = this_process("r1")
    store.renew(mine._replace(id="elsewhere", host="elsewhere", process="999999 1"), 60)
    assert store.release_dead() == 0
    number = mine.process.split()[0]
    store.renew(mine._replace(id="earlier", process=f"{number} 1"), 60)
    assert store.release_dead() == 1
