"""The file of remembered replies: SQLite, shared by processes, written by a thread so that no call waits for the disk.

It holds what models answered and nothing of what they were asked. It is only a cache: what a crash loses is asked again, and
trouble with it is said and never stops an episode.
"""

import json
import os
import sqlite3
import threading
import time
import warnings
import zlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Self

from comity.models.places import cache_directory
from comity.models.protocol import Completion

__all__ = ["CacheError", "CacheSize", "Entry", "ModelSize", "Pruned", "ResponseCache", "default_cache_file"]

_APPLICATION = 0x434F4D52
"""`COMR`: tells a cache of replies from any other SQLite file."""
_VERSION = 1

_TABLE = """
CREATE TABLE replies (
    key BLOB PRIMARY KEY,
    model TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    body BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    created INTEGER NOT NULL,
    used INTEGER NOT NULL
)"""
_GET = "SELECT body, checksum, used FROM replies WHERE key = ?"
_PUT = "INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?, ?, ?)"
_TOUCH = "UPDATE replies SET used = ? WHERE key = ?"

_GATHER = 0.25
"""Seconds for which replies are gathered before they are written together."""
_MOST_PENDING = 20_000
"""Replies that wait to be written; beyond that they are not remembered."""
_STEP = 3600
"""Seconds between two notes of when a reply was last used, so that reading writes little."""


class CacheError(Exception):
    """The cache cannot be used; the message names the file and the fix."""


class Entry(NamedTuple):
    """One remembered reply, without what it says."""

    key: str
    """In hex; see `reply_key`."""
    model: str
    endpoint: str
    size: int
    """Bytes of the reply with its record."""
    created: datetime
    used: datetime
    """When it was last given, to the hour."""


class ModelSize(NamedTuple):
    """What the cache holds of one model."""

    model: str
    entries: int
    bytes: int


class CacheSize(NamedTuple):
    """What the cache holds."""

    entries: int
    bytes: int
    """Of the replies with their records."""
    file_bytes: int
    """Of the file, with what is not yet merged into it."""
    models: tuple[ModelSize, ...]
    """By model, the largest first."""


class Pruned(NamedTuple):
    """What was removed."""

    entries: int
    bytes: int


class _Row(NamedTuple):
    model: str
    endpoint: str
    completion: Completion
    created: int


def default_cache_file(environ: Mapping[str, str] | None = None) -> Path:
    """Where replies are remembered unless a plan says otherwise: `$COMITY_CACHE`, else the user's cache directory."""
    chosen = (os.environ if environ is None else environ).get("COMITY_CACHE")
    return Path(chosen).expanduser().absolute() if chosen else cache_directory(environ) / "replies.db"


def _warn(trouble: str) -> None:
    warnings.warn(trouble, RuntimeWarning, stacklevel=2)


class ResponseCache:
    """Replies by key. One for all models of a process; several processes may share the file."""

    def __init__(
        self, path: Path, reading: sqlite3.Connection, writing: sqlite3.Connection, on_trouble: Callable[[str], None]
    ) -> None:
        self.path = path
        self._reading, self._writing, self._on_trouble = reading, writing, on_trouble
        self._pending: dict[bytes, _Row] = {}
        self._touched: dict[bytes, int] = {}
        self._told: set[str] = set()
        self._lock, self._one_writer = threading.Lock(), threading.Lock()
        self._something, self._closing = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    @classmethod
    def open(cls, path: Path, *, on_trouble: Callable[[str], None] = _warn, wait: float = 5.0) -> Self:
        """Open the cache in this file, which is created for its owner alone where there is none.

        Args:
            on_trouble: hears, once for each kind and perhaps from another thread, what goes wrong after this; a warning unless given.
            wait: seconds to wait for another process that writes.

        Raises `CacheError`.
        """
        with ExitStack() as opened:
            try:
                _create(path)
                writing = opened.enter_context(closing(_connect(path, wait)))
                _prepare(writing, path)
                reading = opened.enter_context(closing(_connect(path, 0.0)))  # a lookup waits for nobody
            except (OSError, sqlite3.Error) as error:
                raise CacheError(f"{path}: {_explained(error)}") from error
            opened.pop_all()
        return cls(path, reading, writing, on_trouble)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what waits to be written, and close the file."""
        self._closing.set()
        self._something.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()
        self._reading.close()
        self._writing.close()

    def get(self, key: bytes) -> Completion | None:
        """The reply of this key; `None` where there is none, or none that can be read. It took no time."""
        if (row := self._pending.get(key)) is not None:
            return replace(row.completion, seconds=0.0, first_token_seconds=None, from_cache=True)
        try:
            found = self._reading.execute(_GET, (key,)).fetchone()
        except sqlite3.Error as error:
            self._tell(f"no reply can be looked up, so the models are asked: {_explained(error)}")
            return None
        if found is None:
            return None
        body, checksum, used = found
        if not isinstance(body, bytes) or zlib.crc32(body, zlib.crc32(key)) != checksum:
            self._tell("a reply is damaged, so its model is asked again")
            return None
        now = int(time.time())
        if abs(now - used) >= _STEP:
            with self._lock:
                self._touched[key] = now
            self._wake()
        return Completion(seconds=0.0, from_cache=True, **json.loads(body))

    def put(self, key: bytes, model: str, endpoint: str, completion: Completion) -> None:
        """Remember a reply. It is written soon, by another thread; a reply of the same key is replaced."""
        if len(self._pending) >= _MOST_PENDING:
            self._tell("replies come faster than they can be written; some are not remembered")
            return
        with self._lock:
            self._pending[key] = _Row(model, endpoint, completion, int(time.time()))
        self._wake()

    def flush(self) -> None:
        """Write now what waits to be written."""
        with self._one_writer:
            with self._lock:
                rows, touched = dict(self._pending), self._touched
                self._touched = {}
            if not rows and not touched:
                return
            try:
                with self._writing as connection:
                    connection.execute("BEGIN IMMEDIATE")
                    connection.executemany(_PUT, (_stored(key, row) for key, row in rows.items()))
                    connection.executemany(_TOUCH, [(used, key) for key, used in touched.items()])
            except sqlite3.Error as error:
                self._tell(f"replies are not remembered: {_explained(error)}")
            with self._lock:
                self._pending = {key: row for key, row in self._pending.items() if rows.get(key) is not row}

    def entries(self, *, model: str | None = None, limit: int | None = None) -> list[Entry]:
        """What is remembered, the last used first; of one model where it is named. Raises `CacheError`."""
        found = self._query(
            "SELECT key, model, endpoint, length(body), created, used FROM replies"
            " WHERE :model IS NULL OR model = :model ORDER BY used DESC, rowid DESC LIMIT :limit",
            {"model": model, "limit": -1 if limit is None else limit},
        )
        return [
            Entry(bytes(key).hex(), name, endpoint, size, _moment(created), _moment(used))
            for key, name, endpoint, size, created, used in found
        ]

    def size(self) -> CacheSize:
        """How much is remembered. Raises `CacheError`."""
        found = self._query(
            "SELECT model, count(*), sum(length(body)) FROM replies GROUP BY model ORDER BY 3 DESC, 1", {}
        )
        models = tuple(ModelSize(*row) for row in found)
        files = (self.path, self.path.with_name(f"{self.path.name}-wal"))
        file_bytes = sum(file.stat().st_size for file in files if file.exists())
        return CacheSize(sum(m.entries for m in models), sum(m.bytes for m in models), file_bytes, models)

    def prune(
        self, *, older_than: timedelta | None = None, max_bytes: int | None = None, model: str | None = None
    ) -> Pruned:
        """Forget replies, and give their room on the disk back.

        Args:
            older_than: those that were not used for so long.
            max_bytes: those last used longest ago, until the rest has at most so many bytes.
            model: only this model's; all of them where nothing else is given.

        Raises `ValueError` where nothing is given, and `CacheError`.
        """
        if older_than is None and max_bytes is None and model is None:
            raise ValueError("say what to forget: older_than, max_bytes or model")
        before = int(time.time() - older_than.total_seconds()) if older_than is not None else None
        every = older_than is None and max_bytes is None
        asked = {"model": model, "before": before, "most": max_bytes, "every": every}
        self.flush()
        try:
            with self._one_writer:
                with self._writing as connection:
                    connection.execute("BEGIN IMMEDIATE")
                    found = connection.execute(f"SELECT count(*), total(length(body)) {_FORGOTTEN}", asked).fetchone()
                    connection.execute(f"DELETE {_FORGOTTEN}", asked)
                # as a script: `execute` would take one step of it, which frees one page
                self._writing.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise CacheError(f"{self.path}: {_explained(error)}") from error
        return Pruned(found[0], int(found[1]))

    def _query(self, statement: str, values: Mapping[str, object]) -> list[Any]:
        self.flush()
        try:
            return self._writing.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise CacheError(f"{self.path}: {_explained(error)}") from error

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep_writing, name="comity-cache", daemon=True)
            self._thread.start()
        if not self._something.is_set():
            self._something.set()

    def _keep_writing(self) -> None:
        while not self._closing.is_set():
            self._something.wait()
            self._closing.wait(_GATHER)
            self._something.clear()
            self.flush()

    def _tell(self, trouble: str) -> None:
        if trouble not in self._told:
            self._told.add(trouble)
            self._on_trouble(f"{self.path}: {trouble}")


_FORGOTTEN = """
FROM replies WHERE (:model IS NULL OR model = :model) AND (
    :every
    OR used <= :before
    OR key IN (
        SELECT key FROM (
            SELECT key, sum(length(body)) OVER (ORDER BY used DESC, rowid DESC) AS total
            FROM replies WHERE :model IS NULL OR model = :model
        ) WHERE total > :most
    )
)"""


def _create(path: Path) -> None:
    """An empty file that its owner alone can read; SQLite gives the files beside it the same mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return  # another handle on it, opened and closed, would drop this process's locks on it


def _connect(path: Path, wait: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=wait, isolation_level=None, check_same_thread=False)
    connection.text_factory = lambda text: text.decode(errors="backslashreplace")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make an empty file a cache, and see that any other is one that can be written."""
    if not _is_cache(connection, path):
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        if connection.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
            raise CacheError(
                f"{path}: this disk does not support SQLite's write-ahead mode; choose a file on a local disk"
            )
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        if not _is_cache(connection, path):  # another process may have been faster
            connection.execute(_TABLE)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")


def _is_cache(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file is a cache; it may also be empty, and nothing else."""
    holds_tables = connection.execute("SELECT 1 FROM sqlite_master").fetchone()  # first, as another may be making it
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application == _APPLICATION and version != _VERSION:
        raise CacheError(f"{path}: another version of Comity made it; remove it, or choose another file")
    if application != _APPLICATION and holds_tables:
        raise CacheError(f"{path}: is a database, and not a cache of replies; choose another file")
    return bool(application)


def _stored(key: bytes, row: _Row) -> tuple[bytes, str, str, bytes, int, int, int]:
    reply = row.completion
    body = json.dumps(
        {
            "text": reply.text,
            "finish_reason": reply.finish_reason,
            "prompt_tokens": reply.prompt_tokens,
            "cached_tokens": reply.cached_tokens,
            "completion_tokens": reply.completion_tokens,
            "constrained": reply.constrained,
            "model": reply.model,
        }
    ).encode()
    return key, row.model, row.endpoint, body, zlib.crc32(body, zlib.crc32(key)), row.created, row.created


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


_KNOWN = {
    sqlite3.SQLITE_BUSY: "another process keeps it locked; try again when it has finished",
    sqlite3.SQLITE_LOCKED: "another connection keeps it locked; try again when it has finished",
    sqlite3.SQLITE_FULL: "there is no room left on the disk; free some",
    sqlite3.SQLITE_READONLY: "is read-only; change its permissions, or choose another file",
    sqlite3.SQLITE_NOTADB: "is not a cache of replies; choose another file",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; remove it, as all in it can be had again",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check the permissions of the file and its folder",
    sqlite3.SQLITE_IOERR: "cannot be read or written; check the disk, and free space on it",
}


def _explained(error: sqlite3.Error | OSError) -> str:
    if isinstance(error, OSError):
        return f"cannot be opened ({error.strerror}); check the permissions of the file and its folder"
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return _KNOWN.get((code or 0) & 0xFF, f"the database refused: {error}")
