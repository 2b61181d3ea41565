"""No error and no log line of the store holds what was said, wanted or judged."""

import logging
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from store_records import END, RUBRIC, START, episode, event, scorecard, task

from comity.store import Store, StoreError
from comity.world.collection import Collection
from comity.world.episodes import Interruption

CANARY = "canary-7f3a"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(str(path), wait=0.05) as opened:
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


def locked(store: Store, path: Path, act: Callable[[Store], None]) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        act(store)
    finally:
        other.close()


def refused_by_the_database(store: Store, path: Path, act: Callable[[Store], None]) -> None:
    with store._reading.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    act(store)


def without_tables(store: Store, path: Path, act: Callable[[Store], None]) -> None:
    other = sqlite3.connect(path)
    for table in ("events", "scorecards", "current", "tasks"):
        other.execute(f"ALTER TABLE {table} RENAME TO gone_{table}")
    other.commit()
    other.close()
    act(store)


def as_it_is(store: Store, path: Path, act: Callable[[Store], None]) -> None:
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
    path: Path,
    condition: Callable[[Store, Path, Callable[[Store], None]], None],
    act: Callable[[Store], None],
) -> None:
    with pytest.raises(StoreError) as raised:
        condition(store, path, act)
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
def test_an_error_of_reading_holds_nothing_private(store: Store, path: Path, broken: str | bytes) -> None:
    other = sqlite3.connect(path)
    with other:
        for table in ("events", "scorecards"):
            other.execute(f"UPDATE {table} SET body = CAST(? AS TEXT)", (broken,))
    for read in (store.episode, store.scorecards):
        with pytest.raises(StoreError, match="is damaged") as raised:
            read("e1")
        assert CANARY not in everything_said(raised.value)
    with other:
        other.execute("UPDATE snapshots SET body = CAST(? AS TEXT)", (broken,))
    other.close()
    with pytest.raises(StoreError, match="is damaged") as raised:
        store.episode("e1")
    assert CANARY not in everything_said(raised.value)


def test_no_log_line_holds_anything_private(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="sqlalchemy"):
        with Store.open(str(path)) as store:
            store.add(secretive())
            store.begin(episode(events=(event(0, CANARY),), of=task(goal=CANARY)))
            store.interrupt("e1", secretive_interruption())
            store.append("e1", [event(1, CANARY)])
            store.finish("e1", END, START)
            store.add_scorecard(scorecard(reason=CANARY), RUBRIC)
            assert CANARY in str(store.episode("e1"))
            assert CANARY in str(store.scorecards("e1"))
            assert CANARY in str(store.collection())
        logging.getLogger("test").debug("the logs are being read")
    assert "the logs are being read" in caplog.text
    assert CANARY not in caplog.text
