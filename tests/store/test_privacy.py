"""No error and no log line of the store holds what was said, wanted or judged."""

import logging
import traceback
from collections.abc import Callable, Iterator

import pytest
from store_records import END, RUBRIC, START, episode, event, scorecard, task

from comity.store import Store, StoreError
from comity.world.collection import Collection
from comity.world.episodes import Interruption

from .conftest import Place

CANARY = "canary-7f3a"


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    with Store.open(place.url, wait=0.05) as opened:
        opened.begin(episode(events=(event(0, CANARY),), of=task(goal=CANARY, secret=CANARY)))
        opened.add_scorecard(scorecard(reason=CANARY), RUBRIC)
        yield opened


def everything_said(error: BaseException | None) -> str:
    """The traceback as printed, and every exception behind it, shown or not."""
    said = "".join(traceback.format_exception(error)) if error else ""
    while error is not None:
        said += f"{error}{error!r}"
        error = error.__cause__ or error.__context__
    return said


def secretive_interruption() -> Interruption:
    return Interruption(kind="infrastructure", error=CANARY, detail=CANARY)


def secretive() -> Collection:
    return Collection(tasks=(task("t9", goal=f"{CANARY} again", secret=CANARY),))


def locked(store: Store, place: Place, act: Callable[[Store], None]) -> None:
    with place.locked():
        act(store)


def refused_by_the_database(store: Store, place: Place, act: Callable[[Store], None]) -> None:
    """By Postgres for what the rows hold, which it quotes then."""
    if place.kind == "sqlite":
        with store._engines.writing.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")
    else:
        for column in ("events.body", "scorecards.body", "snapshots.body", "episodes.interrupted"):
            table, _, name = column.partition(".")
            place.execute(f"ALTER TABLE {table} ADD CONSTRAINT narrow CHECK (length({name}) < 10) NOT VALID")
    act(store)


def without_tables(store: Store, place: Place, act: Callable[[Store], None]) -> None:
    for table in ("events", "scorecards", "current", "tasks"):
        place.execute(f"ALTER TABLE {table} RENAME TO gone_{table}")
    act(store)


def as_it_is(store: Store, place: Place, act: Callable[[Store], None]) -> None:
    act(store)


WRITES: dict[str, Callable[[Store], None]] = {
    "begin": lambda store: store.begin(episode("e2", events=(event(0, CANARY),), of=task(goal=f"{CANARY}!"))),
    "append": lambda store: store.append("e1", [event(1, CANARY)]),
    "interrupt": lambda store: store.interrupt("e1", secretive_interruption()),
    "add": lambda store: store.add(secretive()),
    "add_scorecard": lambda store: store.add_scorecard(scorecard("c2", reason=CANARY), RUBRIC),
}
CONFLICTS: dict[str, Callable[[Store], None]] = {
    "begin": lambda store: store.begin(episode(events=(event(0, CANARY),))),
    "append": lambda store: store.append("e1", [event(0, CANARY)]),
    "gap": lambda store: store.append("e1", [event(5, CANARY)]),
    "unknown": lambda store: store.append("e7", [event(0, CANARY)]),
    "add_scorecard": lambda store: store.add_scorecard(scorecard(reason=CANARY), RUBRIC),
    "surrogate": lambda store: store.add(Collection(tasks=(task(secret=f"{CANARY}\ud800"),))),
}
CASES = [
    *[pytest.param(locked, act, id=f"locked-{name}") for name, act in WRITES.items()],
    *[pytest.param(refused_by_the_database, act, id=f"refused-{name}") for name, act in WRITES.items()],
    *[pytest.param(without_tables, act, id=f"broken-{name}") for name, act in WRITES.items() if name != "interrupt"],
    *[pytest.param(as_it_is, act, id=f"conflict-{name}") for name, act in CONFLICTS.items()],
]


@pytest.mark.parametrize(("condition", "act"), CASES)
def test_an_error_of_writing_holds_nothing_private(
    store: Store,
    place: Place,
    condition: Callable[[Store, Place, Callable[[Store], None]], None],
    act: Callable[[Store], None],
) -> None:
    with pytest.raises(StoreError) as raised:
        condition(store, place, act)
    assert CANARY not in everything_said(raised.value)


@pytest.mark.parametrize(
    "broken",
    [
        f'{{"seat": "{CANARY}',
        f'{{"seat": "{CANARY} {CANARY}", "audience": [], "action": {{"type": "{CANARY}"}}}}',
        f'{{"seat": "a", "audience": [], "failure": {{"kind": "{CANARY}", "detail": ""}}}}',
        f'"{CANARY}"',
        f"{CANARY}é",
        CANARY.encode() + b"\xff",
    ],
)
def test_an_error_of_reading_holds_nothing_private(store: Store, place: Place, broken: str | bytes) -> None:
    for table in ("events", "scorecards"):
        place.execute(f"UPDATE {table} SET body = CAST(:body AS TEXT)", body=broken)
    for read in (store.episode, store.scorecards):
        with pytest.raises(StoreError, match="is damaged") as raised:
            read("e1")
        assert CANARY not in everything_said(raised.value)
    place.execute("UPDATE snapshots SET body = CAST(:body AS TEXT)", body=broken)
    with pytest.raises(StoreError, match="is damaged") as raised:
        store.episode("e1")
    assert CANARY not in everything_said(raised.value)


def test_no_log_line_holds_anything_private(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="sqlalchemy"):
        with Store.open(place.url) as store:
            store.add(secretive())
            store.begin(episode(events=(event(0, CANARY),), of=task(goal=CANARY)))
            store.interrupt("e1", secretive_interruption())
            store.append("e1", [event(1, CANARY)])
            store.finish("e1", END, START, None)
            store.add_scorecard(scorecard(reason=CANARY), RUBRIC)
            assert CANARY in str(store.episode("e1"))
            assert CANARY in str(store.scorecards("e1"))
            assert CANARY in str(store.collection())
        logging.getLogger("test").debug("the logs are being read")
    assert "the logs are being read" in caplog.text
    assert CANARY not in caplog.text
