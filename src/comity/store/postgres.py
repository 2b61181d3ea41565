"""Everything that is Postgres's own: its URLs, session settings and error codes. Nothing here knows a table; see `database`.

Importing this needs psycopg, which the extra `postgres` brings.
"""

import logging
import re

from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.exc import ArgumentError

from comity.store.engines import Engines
from comity.store.errors import (
    Busy,
    Conflict,
    Damaged,
    Disconnected,
    DiskFailed,
    DriverMissing,
    Full,
    ReadOnly,
    StoreError,
    UnsupportedURL,
)

try:
    import psycopg
except ImportError:
    raise DriverMissing(
        "a postgresql URL needs psycopg, which is not installed; install it: pip install 'comity[postgres]'"
    ) from None

__all__ = ["Postgres"]

_SETTINGS = {
    "connect_timeout": "10",
    "application_name": "comity",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""Unless the URL says otherwise, in libpq's terms: a server that is gone without a word is noticed within half a minute."""

_GONE = (
    "the database server cannot be reached, or the connection broke; check that it runs, and run the same command again"
)
_KNOWN: dict[str, tuple[type[StoreError], str]] = {
    "08": (Disconnected, _GONE),
    "23505": (Conflict, "somebody else stored the same at the same moment; read it again"),
    "25006": (ReadOnly, "the database is read-only; name the server that takes writes"),
    "28": (StoreError, "the server does not let this user in; check user and password in the URL"),
    "3D000": (StoreError, "there is no such database on this server; create it: createdb NAME"),
    "3F000": (StoreError, "there is no such schema; create it, or leave the search_path out of the URL"),
    "40": (Busy, "others were writing the same; try again"),
    "42501": (ReadOnly, "this user may not write there; grant it CREATE on the schema, or choose another database"),
    "53100": (Full, "there is no room left on the server's disk; free some and run the same command again"),
    "53": (Busy, "the server has too little memory or too few connections left; try again later"),
    "55P03": (Busy, "somebody else holds the store locked; try again when they have finished"),
    "57014": (Busy, "the server cancelled the statement; try again, or allow it more time"),
    "57P": (Disconnected, _GONE),
    "58": (DiskFailed, "the server cannot read or write its disk; see the server's log"),
    "XX001": (Damaged, "the database itself is damaged; see the server's log, and restore a backup"),
    "XX002": (Damaged, "an index of the database is damaged; see the server's log, and REINDEX"),
}
"""By SQLSTATE, whole, or its beginning (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""


_REFUSALS = {
    "28": 'password authentication failed|no password supplied|pg_hba.conf|role ".*" does not exist',
    "3D000": 'database ".*" does not exist',
    "53": "too many (clients|connections)|connection slots",
}
"""A connection that the server refuses has no SQLSTATE, only its words; in other languages they pass for a broken connection."""


class Postgres:
    """A database on a Postgres server."""

    def __init__(self, url: str) -> None:
        self._url = _parse(url)

    @property
    def where(self) -> str:
        """Host, port and database, without who enters and how."""
        # What follows a stray @ is the host; what is before it may be a part of the password.
        host = (self._url.host or "").rpartition("@")[2]
        port = f":{self._url.port}" if self._url.port else ""
        return f"postgresql://{host}{port}/{self._url.database or ''}"

    @property
    def at_hand(self) -> bool:
        """A commit waits for the server."""
        return False

    def exists(self) -> bool:
        """A server is there or not; only connecting tells."""
        return True

    def connect(self, *, wait: float) -> Engines:
        """Engines over one connection, which waits so many seconds for other writers."""
        # SQLAlchemy logs whole rows at DEBUG, which hide_parameters does not stop; what was said is in no log.
        logging.getLogger("sqlalchemy.engine.Engine.comity").setLevel(logging.WARNING)
        given = self._url.query
        settings = {name: value for name, value in _SETTINGS.items() if name not in given}
        # A process that is stopped within a transaction must not keep the others waiting for ever.
        session = f"-c lock_timeout={max(1, int(wait * 1000))} -c idle_in_transaction_session_timeout=30000"
        asked = given.get("options", "")
        settings["options"] = " ".join([session, asked if isinstance(asked, str) else " ".join(asked)])
        engine = create_engine(
            self._url.difference_update_query(["options"]),
            connect_args=settings,
            hide_parameters=True,
            logging_name="comity",
            pool_size=1,
            max_overflow=0,
        )
        # A read sees one moment, as in SQLite; a write sees what was committed before each of its statements.
        reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        return Engines(reading, engine)

    def prepare(self, engines: Engines) -> None:
        """There is nothing to prepare."""

    def explain(self, error: BaseException | None) -> StoreError:
        """The store's error for one of psycopg's. Its text is left out: it may quote rows, or what was taken for a host."""
        code = error.sqlstate if isinstance(error, psycopg.Error) else None
        if code is None and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            code = next((code for code, said in _REFUSALS.items() if re.search(said, str(error))), "08")
        found = next((_KNOWN[begins] for begins in (code, *_beginnings(code)) if begins in _KNOWN), None)
        if found is not None:
            kind, problem = found
            return kind(f"{self.where}: {problem}")
        return StoreError(f"{self.where}: the database refused ({type(error).__name__}, SQLSTATE {code})")


def _beginnings(code: str | None) -> tuple[str, ...]:
    return (code[:3], code[:2]) if code else ()


def _parse(url: str) -> URL:
    try:
        return make_url(url).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        pass
    # Outside the handler, so that the error carries none that quotes the URL.
    raise UnsupportedURL(
        "the postgresql URL cannot be read; it is postgresql://user:password@host:port/database, with what is special in "
        "the password written as %XX"
    )
