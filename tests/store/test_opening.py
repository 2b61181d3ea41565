"""Opening a store: what is created, what is refused and left as it is, and what a full or locked disk looks like."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_records import episode, event

from comity.store import Busy, FolderMissing, Full, NewerStore, NotAStore, Store, StoreError, UnsupportedURL


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder that other users can enter, which tmp_path is not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_path_and_a_url_name_the_same_store(path: Path) -> None:
    with Store.open(str(path)) as store:
        store.begin(episode())
    with Store.open(f"sqlite:///{path}") as store:
        assert store.episode("e1") == episode()


def test_a_relative_url_is_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Store.open("sqlite:///here.db").close()
    assert (tmp_path / "here.db").is_file()


@pytest.mark.parametrize("name", ["a b.db", "50%.db", "é?x#y.db", "%(here)s.db"])
def test_odd_file_names_are_taken_literally(tmp_path: Path, name: str) -> None:
    Store.open(str(tmp_path / name)).close()
    assert (tmp_path / name).is_file()


@pytest.mark.parametrize(
    "url", ["postgresql+asyncpg://me:hunter2@db/x", "mysql+pymysql://me:hunter2@db/x", "sqlite+aiosqlite:///x"]
)
def test_another_kind_of_url_is_refused_and_its_password_not_shown(url: str) -> None:
    with pytest.raises(UnsupportedURL, match=r"supported are sqlite:///relative/file\.db") as raised:
        Store.open(url)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    ["", "sqlite://", "sqlite:///", ":memory:", "sqlite:///:memory:", "sqlite://host/x", "sqlite:///x?a=b", "a\0b"],
)
def test_a_url_that_names_no_file_is_refused(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnsupportedURL):
        Store.open(url)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_must_exist(tmp_path: Path) -> None:
    with pytest.raises(FolderMissing, match="none does not exist; create it"):
        Store.open(str(tmp_path / "none" / "s.db"))
    assert list(tmp_path.iterdir()) == []


def test_a_name_too_long_for_the_disk_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="File name too long"):
        Store.open(str(tmp_path / ("x" * 300)))


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(NotAStore, match="is not a file"):
        Store.open(str(tmp_path))


@pytest.mark.parametrize("content", [b"x", b"SQLite format 4\0" + b"x" * 5000, os.urandom(5000)])
def test_a_file_that_is_no_database_is_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(NotAStore, match=r"s\.db: is not a database"):
        Store.open(str(path))
    assert path.read_bytes() == content


def test_a_file_with_only_the_head_of_a_database_is_refused(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    with pytest.raises(NotAStore, match="is not a database"):
        Store.open(str(path))


def test_another_programs_database_is_left_as_it_is(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(NotAStore, match="another program's"):
        Store.open(str(path))
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.touch()
    with Store.open(str(path)) as store:
        assert store.episodes() == []


def test_a_store_of_a_newer_version_is_refused(path: Path) -> None:
    Store.open(str(path)).close()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(NewerStore, match=r"newer Comity \(schema '9999'.*upgrade Comity"):
        Store.open(str(path))


@pytest.mark.parametrize(("folder", "file"), [(0o555, 0o666), (0o777, 0o444)])
def test_a_read_only_file_or_folder_is_refused(readable: Path, folder: int, file: int) -> None:
    Store.open(str(readable / "s.db")).close()
    (readable / "s.db").chmod(file)
    readable.chmod(folder)
    opens = (
        "import os, sys, comity.store as s\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "try: s.Store.open(sys.argv[1])\n"
        "except s.ReadOnly as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", opens, str(readable / "s.db")], capture_output=True, text=True, check=True
    )
    assert "read-only" in done.stdout
    readable.chmod(0o755)


def test_a_store_that_another_process_locks_is_busy_and_then_free(path: Path) -> None:
    with Store.open(str(path), wait=0.05) as store:
        store.begin(episode())
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy, match=r"s\.db: another process holds the store locked"):
            store.append("e1", [event(0)])
        assert store.episode("e1").events == ()
        other.execute("ROLLBACK")
        other.close()
        store.append("e1", [event(0)])
        assert store.episode("e1").events == (event(0),)


def test_a_full_disk_is_said_and_loses_nothing(path: Path) -> None:
    with Store.open(str(path)) as store:
        store.begin(episode(events=(event(0),)))
        with store._engines.reading.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")
        with pytest.raises(Full, match=r"s\.db: there is no room left on the disk"):
            store.append("e1", [event(1, "x" * 30_000)])
        assert store.episode("e1").events == (event(0),)
        with store._engines.reading.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        store.append("e1", [event(1)])
        assert len(store.episode("e1").events) == 2


def test_a_damaged_file_is_said(path: Path) -> None:
    with Store.open(str(path)) as store:
        for number in range(30):
            store.begin(episode(f"e{number}", events=(event(0, "x" * 3000),)))
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(StoreError, match=r"s\.db: the file itself is damaged"):
        Store.open(str(path)).episodes()


def test_a_closed_store_says_so(path: Path) -> None:
    store = Store.open(str(path))
    store.close()
    store.close()
    with pytest.raises(StoreError, match="was closed"):
        store.episodes()


def test_a_closed_store_leaves_one_file(path: Path) -> None:
    with Store.open(str(path)) as store:
        store.begin(episode())
    assert [p.name for p in path.parent.iterdir()] == ["s.db"]


def test_the_settings_hold_on_the_connection(path: Path) -> None:
    with Store.open(str(path), wait=2.5) as store, store._engines.reading.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "busy_timeout": 2500}


def test_processes_that_create_one_store_together_all_open_it(path: Path) -> None:
    opens = (
        "import sys, alembic.command; from comity.store import Store\n"
        "print('ready', flush=True); sys.stdin.read(1); print(Store.open(sys.argv[1]).episodes())"
    )
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen([sys.executable, "-c", opens, str(path)], stdin=pipe, stdout=pipe, stderr=pipe)
        for _ in range(4)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write(b"x")
        process.stdin.flush()
    assert [process.communicate() for process in started] == [(b"[]\n", b"")] * 4
