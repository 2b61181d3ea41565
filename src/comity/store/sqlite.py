"""Everything that is SQLite's own: its files, settings, transactions and error codes. Nothing here knows a table; see `database`."""

import logging
import os
import sqlite3
import time
from functools import partial
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool import ConnectionPoolEntry

from comity.store.engines import Engines
from comity.store.errors import (
    Busy,
    Damaged,
    DiskFailed,
    FolderMissing,
    Full,
    NotAStore,
    ReadOnly,
    StoreError,
    UnsupportedURL,
)

__all__ = ["SQLite"]

_MAGIC = b"SQLite format 3\0"
_SUPPORTED = "supported are sqlite:///relative/file.db, sqlite:////absolute/file.db, a plain path and postgresql://user:password@host:port/database"

_KNOWN: dict[int, tuple[type[StoreError], str]] = {
    sqlite3.SQLITE_BUSY: (Busy, "another process holds the store locked; try again when it has finished"),
    sqlite3.SQLITE_LOCKED: (Busy, "another connection holds the store locked; try again when it has finished"),
    sqlite3.SQLITE_FULL: (Full, "there is no room left on the disk; free some and run the same command again"),
    sqlite3.SQLITE_READONLY: (ReadOnly, "the store is read-only; change its permissions, or copy it elsewhere"),
    sqlite3.SQLITE_NOTADB: (NotAStore, "is not a database; choose another name, or move that file away"),
    sqlite3.SQLITE_CORRUPT: (Damaged, "the file itself is damaged; `sqlite3 FILE .recover` saves what can be read"),
    sqlite3.SQLITE_CANTOPEN: (StoreError, "cannot be opened; check the permissions of the file and its folder"),
    sqlite3.SQLITE_IOERR: (DiskFailed, "cannot be read or written; check the disk, and free space on it"),
}


class SQLite:
    """A database in a file."""

    def __init__(self, url: str) -> None:
        self._path = _path_of(url)

    @property
    def where(self) -> str:
        """The file."""
        return str(self._path)

    @property
    def at_hand(self) -> bool:
        """A commit waits for no disk: it is as quick as the processor."""
        return True

    def exists(self) -> bool:
        """Whether there is anything. Raises the `StoreError` that says why the path cannot hold a store; touches nothing."""
        try:
            _check(self._path)
            return self._path.exists()
        except OSError as error:
            problem = error.strerror
        raise StoreError(f"{self._path}: cannot be opened ({problem}); choose another place")

    def connect(self, *, wait: float) -> Engines:
        """Engines over one connection, which waits so many seconds for other writers."""
        engine = _connect(self._path, wait)
        return Engines(engine, engine.execution_options(immediate=True))

    def prepare(self, engines: Engines) -> None:
        """Put the file in write-ahead mode, where a commit costs a fiftieth. Raises `StoreError` where its disk cannot do that."""
        raw = engines.reading.raw_connection()  # past SQLAlchemy, which would begin a transaction first
        try:
            found = self._ahead(raw.cursor())
        except sqlite3.Error as error:
            raise self.explain(error) from error
        finally:
            raw.close()
        if found != ("wal",):
            raise StoreError(
                f"{self._path}: this disk does not support SQLite's write-ahead mode; put the store on a local disk"
            )

    def _ahead(self, cursor: DBAPICursor) -> object:
        # Where two processes change the mode at one moment, SQLite refuses one of them at once, whatever its busy_timeout.
        cursor.execute("PRAGMA busy_timeout")
        (milliseconds,) = cursor.fetchone() or (0,)
        until = time.monotonic() + milliseconds / 1000
        while True:
            try:
                cursor.execute("PRAGMA journal_mode = WAL")
                return cursor.fetchone()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                    raise
            time.sleep(0.01)

    def explain(self, error: BaseException | None) -> StoreError:
        """The store's error for one of the driver's."""
        match error:
            case sqlite3.Error(sqlite_errorcode=int(code)) if code & 0xFF in _KNOWN:
                kind, problem = _KNOWN[code & 0xFF]
                return kind(f"{self._path}: {problem}")
            case _:
                return StoreError(f"{self._path}: the database refused: {error}")


def _path_of(url: str) -> Path:
    """The file that a URL or plain path names. Raises `UnsupportedURL`; the message holds no more of the URL than its scheme."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        path = url
    elif scheme != "sqlite":
        raise UnsupportedURL(f"no store is reached by {scheme!r} URLs; {_SUPPORTED}")
    elif "?" in rest:
        raise UnsupportedURL(f"a sqlite URL takes no options here; {_SUPPORTED}")
    else:
        path = rest.removeprefix("/") if rest.startswith("/") else ""
    if path in ("", ":memory:"):
        raise UnsupportedURL(f"a store is a file, and this names none; {_SUPPORTED}")
    if "\0" in path:
        raise UnsupportedURL(f"a path holds no NUL character; {_SUPPORTED}")
    return Path(path)


def _check(path: Path) -> None:
    """Raise the `StoreError` that says why the path cannot hold a store, before anything is touched."""
    folder = path.parent
    if not folder.is_dir():
        raise FolderMissing(f"{path}: the folder {folder} does not exist; create it, or choose another place")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ReadOnly(
            f"{path}: the folder {folder} is read-only; a store writes beside its file, so copy it elsewhere"
        )
    if not path.exists():
        return
    if not path.is_file():
        raise NotAStore(f"{path}: is not a file; name the file inside it")
    if not os.access(path, os.R_OK | os.W_OK):
        raise ReadOnly(f"{path}: the file is read-only; change its permissions (chmod u+rw), or copy it elsewhere")
    with path.open("rb") as file:
        head = file.read(len(_MAGIC))
    if head and head != _MAGIC:
        raise NotAStore(f"{path}: is not a database; choose another name, or move that file away")


def _connect(path: Path, wait: float) -> Engine:
    url = URL.create("sqlite", database=str(path))
    # SQLAlchemy logs whole rows at DEBUG, which hide_parameters does not stop; what was said is in no log.
    logging.getLogger("sqlalchemy.engine.Engine.comity").setLevel(logging.WARNING)
    engine = create_engine(url, hide_parameters=True, logging_name="comity", pool_size=1, max_overflow=0)

    @event.listens_for(engine, "connect")
    def settings(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        # A broken byte must spoil its own row only; the default raises for the whole query, quoting the text.
        connection.text_factory = partial(str, encoding="utf-8", errors="backslashreplace")
        connection.execute(f"PRAGMA busy_timeout = {int(wait * 1000)}")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        # A checkpoint waits for the disk: fewer of them, each for pages that were written many times since.
        connection.execute("PRAGMA wal_autocheckpoint = 4000")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A read that turns into a write can fail at once, without waiting; a write therefore says so at its start.
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine
