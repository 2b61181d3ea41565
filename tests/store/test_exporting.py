"""What exports read of a store: the ids of what there is, in an order that stays, and the rubrics of all scorecards."""

import pytest
from store_records import RUBRIC, START, episode, scorecard

from comity.store import Member, NotFound, RunRecord, Store


def member(id_: str) -> Member:
    return Member(episode=id_, task="sale-1", seats={"a": "m", "b": "m"}, repeat=0, seed=1)


def test_the_ids_of_episodes_are_oldest_first_and_in_the_order_of_storing_where_they_began_together(
    store: Store,
) -> None:
    assert store.episode_ids() == []
    for id_, minute in (("e3", 5), ("e1", 1), ("e2", 1), ("e0", 9)):
        store.begin(episode(id_, minute=minute))
    assert store.episode_ids() == ["e1", "e2", "e3", "e0"]


def test_the_ids_of_a_run_are_those_of_its_episodes_that_have_begun(store: Store) -> None:
    store.begin_run(RunRecord(id="r", plan={}, created_at=START, code_version="1"), map(member, ("e2", "e1", "e9")))
    for id_ in ("e1", "e2", "other"):
        store.begin(episode(id_))
    assert store.episode_ids(run="r") == ["e1", "e2"]
    with pytest.raises(NotFound, match="no run 'q'"):
        store.episode_ids(run="q")


def test_every_rubric_of_a_scorecard_is_there_once(store: Store) -> None:
    assert store.rubrics() == ()
    later = RUBRIC.model_copy(update={"version": 2})
    store.begin(episode())
    for number, rubric in enumerate((later, RUBRIC, RUBRIC)):
        store.add_scorecard(scorecard(f"c{number}", by=rubric, repeat=number), rubric)
    assert store.rubrics() == (RUBRIC, later)
