"""What SQLite and Postgres say differently and SQLAlchemy does not say for us: inserts that may meet a row, the time, and taking turns."""

from functools import cache

from sqlalchemy import BigInteger, Connection, Table, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.functions import FunctionElement

__all__ = ["insert_new", "now", "take_turns", "upsert"]


class now(FunctionElement[int]):  # noqa: N801 - an SQL function, named as SQLAlchemy names its own
    """Milliseconds since 1970 on the database's clock, as it is and not as it was when the transaction began."""

    inherit_cache = True
    type = BigInteger()


@compiles(now, "sqlite")
def _now_in_sqlite(element: now, compiler: SQLCompiler, **options: object) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000.0 AS INTEGER)"


@compiles(now, "postgresql")
def _now_in_postgres(element: now, compiler: SQLCompiler, **options: object) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"


def insert_new(connection: Connection, table: Table) -> Insert:
    """An insert that leaves a row alone that is there already, whoever is inserting it at the same moment."""
    return _insert_new(connection.dialect.name, table)


def upsert(connection: Connection, table: Table) -> Insert:
    """An insert that writes over the row of the same primary key, where there is one."""
    return _upsert(connection.dialect.name, table)


@cache  # to build a statement costs several times what it does
def _insert_new(dialect: str, table: Table) -> Insert:
    if dialect == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table).on_conflict_do_nothing()


@cache
def _upsert(dialect: str, table: Table) -> Insert:
    keys = [column.name for column in table.primary_key]
    rest = [column.name for column in table.columns if not column.primary_key]
    if dialect == "sqlite":
        made = sqlite.insert(table)
        return made.on_conflict_do_update(index_elements=keys, set_={name: made.excluded[name] for name in rest})
    from sqlalchemy.dialects import postgresql

    new = postgresql.insert(table)
    return new.on_conflict_do_update(index_elements=keys, set_={name: new.excluded[name] for name in rest})


def take_turns(connection: Connection) -> None:
    """Let no other transaction past this call until this one is over. In SQLite only one writes at any time."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('comity'), hashtext(current_schema()))"))
