"""Outcomes in the store: written with an episode's end, read back the same, and there for what comes in finished."""

from pathlib import Path
from random import Random

import pytest
from games import KINDS, a_payoff, a_task, play_at_random, seats_of
from sqlalchemy import text
from store_records import START, episode

from comity.store import Store
from comity.store.errors import Damaged
from comity.world.episodes import Episode, Policy
from comity.world.outcomes import OUTCOME_VERSION, outcome_of


def played(kind: str, id_: str = "e1") -> Episode:
    chance = Random(kind)
    seats = seats_of(kind, chance)
    task = a_task(a_payoff(kind, seats, chance), seats, turns=30)
    *_, last = play_at_random(task, chance, seed=7)
    policies = {seat: Policy(agent="scripted") for seat in seats}
    fields = {"policies": policies, "events": last.events, "end": last.end, "finished_at": START}
    return episode(id_, of=task).model_copy(update=fields)


@pytest.mark.parametrize("kind", KINDS)
def test_an_outcome_is_kept_with_the_end_and_read_back_the_same(kind: str, store: Store) -> None:
    whole = played(kind)
    assert whole.end is not None
    store.begin(whole.model_copy(update={"events": (), "end": None, "finished_at": None}))
    store.append(whole.id, whole.events)
    assert store.outcome(whole.id) is None
    store.finish(whole.id, whole.end, START, outcome_of(whole))
    found = store.outcome(whole.id)
    assert found is not None
    assert found == outcome_of(store.episode(whole.id))
    assert found.version == OUTCOME_VERSION
    assert store.episodes()[0].outcome == found.status


def test_what_comes_in_finished_has_its_outcome(store: Store) -> None:
    store.begin(played("price"))
    assert store.outcome("e1") == outcome_of(played("price"))


def test_an_episode_without_a_payoff_has_none(store: Store) -> None:
    store.begin(episode())
    assert store.outcome("e1") is None
    assert store.episodes()[0].outcome is None


def test_the_newest_rules_count(store: Store) -> None:
    store.begin(played("price"))
    again = text(
        "INSERT INTO outcomes (episode, version, status, body) SELECT episode, 99, 'failed', body FROM outcomes"
    )
    store.write(lambda connection: connection.execute(again))
    found = store.outcome("e1")
    assert found is not None
    assert (found.version, found.status) == (99, "failed")
    assert store.episodes()[0].outcome == "failed"


@pytest.mark.parametrize("kind", ["price", "contract", "dilemma"])
def test_what_older_rules_made_of_an_episode_is_worked_out_anew(kind: str, store: Store) -> None:
    store.begin(played(kind))
    older = text("UPDATE outcomes SET version = 0, body = replace(body, 'utilities', 'forgotten')")
    store.write(lambda connection: connection.execute(older))
    assert store.outcome("e1") == outcome_of(played(kind))


def test_an_outcome_that_cannot_be_read_says_so(store: Store) -> None:
    store.begin(played("price"))
    store.write(lambda connection: connection.execute(text("UPDATE outcomes SET body = '{\"kind\": 5}'")))
    with pytest.raises(Damaged, match="outcome of episode 'e1'"):
        store.outcome("e1")


def test_a_store_of_before_outcomes_takes_them(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with Store.open(str(path)) as store:
        store.begin(episode("old"))

        def back(connection: object) -> None:
            connection.execute(text("DROP TABLE outcomes"))  # type: ignore[attr-defined]
            connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))  # type: ignore[attr-defined]

        store.write(back)
    with Store.open(str(path)) as store:
        assert store.outcome("old") is None
        store.begin(played("gift", "new"))
        assert store.outcome("new") is not None
