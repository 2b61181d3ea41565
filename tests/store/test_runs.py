"""Runs: which episodes they are made of, how far those are, and what they cost."""

from datetime import timedelta

import pytest
from store_records import END, GONE, RUBRIC, START, episode, event, failed, scorecard

from comity.store import Damaged, Member, NotFound, RunRecord, Spending, Store, judge_key, this_process
from comity.world.environment import EndReason

from .conftest import Place


def run(id_: str = "r1", minute: int = 0, **plan: str) -> RunRecord:
    return RunRecord(
        id=id_, plan={"tasks": {"set": "é"}, **plan}, created_at=START + timedelta(minutes=minute), code_version="0.1.0"
    )


def member(number: int) -> Member:
    return Member(
        episode=f"e{number}", task="sale-1", seats={"b": "m1", "a": "m2"}, repeat=number, seed=10**30 + number
    )


def members(*numbers: int) -> list[Member]:
    return [member(number) for number in numbers]


def test_a_run_and_its_members_come_back_as_they_were(store: Store) -> None:
    store.begin_run(run(), members(3, 1, 2))
    assert store.run("r1") == run()
    assert store.members("r1") == members(3, 1, 2)
    assert list(store.members("r1")[0].seats) == ["b", "a"]


def test_a_run_that_is_begun_again_keeps_its_members_and_gets_the_new_ones_last(store: Store) -> None:
    store.begin_run(run(), members(3, 1))
    store.begin_run(run(repeats="2"), members(1, 2, 3, 4))
    assert store.members("r1") == members(3, 1, 2, 4)
    assert store.run("r1") == run(repeats="2")


def test_an_episode_may_belong_to_two_runs(store: Store) -> None:
    store.begin_run(run("r1"), members(1, 2))
    store.begin_run(run("r2", minute=1), members(2, 3))
    assert [found.id for found in store.runs()] == ["r2", "r1"]
    assert [[m.episode for m in store.members(id_)] for id_ in ("r1", "r2")] == [["e1", "e2"], ["e2", "e3"]]


def test_an_unknown_run_is_not_found_and_has_no_members(store: Store) -> None:
    store.begin_run(run("sotopia-hard"), [])
    with pytest.raises(NotFound, match="no run 'sotopia-herd'; did you mean sotopia-hard"):
        store.run("sotopia-herd")
    assert store.members("nothing") == []


@pytest.mark.parametrize("column", ["seats", "seed"])
def test_a_damaged_member_is_named(store: Store, place: Place, column: str) -> None:
    store.begin_run(run(), members(1))
    place.execute(f"UPDATE members SET {column} = '{{'")
    with pytest.raises(Damaged, match="member 'e1' of run 'r1'"):
        store.members("r1")


def test_standing_says_how_far_each_episode_is_that_has_begun(store: Store) -> None:
    store.begin_run(run(), members(5, 4, 3, 2, 1, 0))
    store.begin(episode("e1"))
    store.begin(episode("e2", events=(event(0), event(1))))
    store.interrupt("e2", GONE)
    store.begin(episode("e3", events=(event(0), failed(1))))
    store.finish("e3", END, START, None)
    store.add_scorecard(scorecard("c1", "e3"), RUBRIC)
    store.begin(episode("e9"))
    worker = this_process("r1")
    store.renew(worker, 60)
    store.claim(worker.id, [episode("e4")])
    found = {one.episode: one for one in store.standing("r1")}
    assert list(found) == ["e4", "e3", "e2", "e1"]
    assert [one.episode for one in found.values() if one.held] == ["e4"]
    assert (found["e2"].turns, found["e2"].interrupted, found["e2"].end) == (2, "infrastructure", None)
    assert (found["e3"].turns, found["e3"].end, found["e3"].failure) == (2, EndReason.TURN_LIMIT, "context_length")
    card = scorecard()
    assert found["e3"].judged == {judge_key(card.judge, card.rubric_hash)}
    assert (found["e1"].turns, found["e1"].interrupted, found["e1"].judged) == (0, None, frozenset())


def test_a_damaged_episode_is_named_in_the_standing_and_hides_no_other(store: Store, place: Place) -> None:
    store.begin_run(run(), members(1, 2))
    for id_ in ("e1", "e2"):
        store.begin(episode(id_, events=(event(0),)))
    place.execute("UPDATE episodes SET interrupted = '?' WHERE id = 'e1'")
    bad, good = store.standing("r1")
    assert (bad.episode, good.damage) == ("e1", "")
    assert bad.damage.startswith("episode 'e1', interruption is damaged")


def test_what_was_spent_is_kept_by_worker_and_model(store: Store) -> None:
    spent = Spending(calls=3, prompt_tokens=10**12, cached_tokens=5, completion_tokens=7, cost=0.25, unpriced=1)
    store.set_spending("r1", "w1", {"m1": Spending(calls=1), "m2": spent})
    store.set_spending("r1", "w1", {"m1": Spending(calls=2)})
    store.set_spending("r1", "w2", {"m1": Spending(calls=5)})
    store.set_spending("r2", "w1", {"m1": Spending(calls=9)})
    assert store.spent("r1") == {
        ("w1", "m1"): Spending(calls=2),
        ("w1", "m2"): spent,
        ("w2", "m1"): Spending(calls=5),
    }
