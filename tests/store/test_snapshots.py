"""Characters, relationships, scenarios and tasks: what is current, and what episodes still refer to."""

import pytest
from store_records import character, episode, scenario, task

from comity.store import Conflict, NotFound, Store, StoreError
from comity.world.collection import Collection
from comity.world.relationships import Relationship, RelationshipKind

from .conftest import Place


def everything() -> Collection:
    friends = Relationship(id="r1", between=("zoe", "ann"), kind=RelationshipKind.FRIEND, background="School")
    return Collection(
        characters=(character("zoe", "Zoë"), character("ann", "Ann")),
        relationships=(friends,),
        scenarios=(scenario("z"), scenario("b")),
        tasks=(task("t2"), task("t1", title="Ένα παζάρι")),
    )


def test_an_empty_store_holds_an_empty_collection(store: Store) -> None:
    assert store.collection() == Collection()
    assert store.tasks() == []


def test_a_collection_comes_back_as_it_was_added(store: Store) -> None:
    store.add(everything())
    assert store.collection() == everything()


def test_adding_the_same_again_changes_nothing(store: Store, place: Place) -> None:
    store.add(everything())
    before = counts(place)
    store.add(everything())
    assert store.collection() == everything()
    assert counts(place) == before


def test_a_changed_record_takes_the_place_of_the_old_one(store: Store) -> None:
    store.add(everything())
    changed = character("zoe", "Zoë", secret="new")
    store.add(Collection(characters=(changed,)))
    assert store.collection().characters == (changed, character("ann", "Ann"))
    assert store.collection().tasks == everything().tasks


def test_an_episode_keeps_the_task_it_was_played_with(store: Store) -> None:
    store.add(Collection(tasks=(task(goal="Sell it"),)))
    store.begin(episode(of=task(goal="Sell it")))
    store.add(Collection(tasks=(task(goal="Give it away"),)))
    assert store.episode("e1").task == task(goal="Sell it")
    assert store.task("sale-1") == task(goal="Give it away")


def test_nothing_is_kept_twice(store: Store, place: Place) -> None:
    store.add(Collection(characters=(character("ann", "Ann"),), tasks=(task("t1"), task("t2"))))
    store.begin(episode(of=task("t1")))
    assert counts(place)["snapshots"] == {"character": 2, "scenario": 1, "task": 2}


def test_playing_a_task_does_not_make_it_current(store: Store) -> None:
    store.begin(episode(of=task()))
    assert store.task_ids() == []


def test_tasks_are_listed_with_title_and_names(store: Store) -> None:
    store.add(everything())
    assert store.task_ids() == ["t2", "t1"]
    listed = store.tasks()[1]
    assert (listed.id, listed.scenario, listed.title) == ("t1", "sale", "Ένα παζάρι")
    assert list(listed.names.items()) == [("a", "Ann"), ("b", "Bob")]


def test_two_records_of_one_id_in_one_collection_are_refused_and_nothing_is_added(store: Store) -> None:
    with pytest.raises(Conflict, match="character 'ann'"):
        store.add(Collection(characters=(character("bob", "Bob"), character(), character(secret="other"))))
    assert store.collection() == Collection()


def test_an_unknown_task_names_those_that_resemble_it(store: Store) -> None:
    store.add(Collection(tasks=(task("sale-1"), task("war"))))
    with pytest.raises(NotFound, match="no task 'sale-2'; did you mean sale-1") as raised:
        store.task("sale-2")
    assert raised.value.close == ("sale-1",)


@pytest.mark.parametrize("odd", ["../../x", "", "\0", "\ud800", "%", "é"])
def test_an_odd_task_id_is_simply_unknown(store: Store, odd: str) -> None:
    store.add(everything())
    with pytest.raises(NotFound):
        store.task(odd)


def test_text_that_is_no_text_is_refused_by_name_and_not_quoted(store: Store) -> None:
    with pytest.raises(StoreError, match="character 'ann' holds half of a surrogate pair") as raised:
        store.add(Collection(characters=(character(secret="quiet\ud800"),)))
    assert "quiet" not in str(raised.value)


def counts(place: Place) -> dict[str, object]:
    kinds = place.execute("SELECT kind, count(*) FROM snapshots GROUP BY kind ORDER BY kind")
    return {
        "snapshots": {str(kind): number for kind, number in kinds},
        "current": place.execute("SELECT count(*) FROM current"),
    }
