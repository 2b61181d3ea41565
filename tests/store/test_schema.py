"""The schema: what the tables say, what Alembic makes of an empty database, and that a current store needs no Alembic."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import BigInteger, Connection, Float, Integer, Text, inspect
from sqlalchemy.exc import OperationalError

from comity.store import Store
from comity.store.schema import migrate, upgrade
from comity.store.sqlite import SQLite
from comity.store.tables import HEAD, metadata

from .conftest import Place


def test_head_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", "comity.store:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


@pytest.mark.parametrize(
    "make", [lambda connection: upgrade(connection, "", None), lambda connection: migrate(connection, "")]
)
def test_what_the_revisions_come_to_and_what_a_new_store_is_given_are_the_tables(
    empty: Place, make: Callable[[Connection], None]
) -> None:
    with empty.engine.begin() as connection:
        make(connection)
    with empty.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)
        assert MigrationContext.configure(connection).get_current_revision() == HEAD
    assert found == []


def test_every_column_is_of_a_type_that_every_database_has() -> None:
    assert {type(column.type) for table in metadata.tables.values() for column in table.columns} == {
        Text,
        Integer,
        BigInteger,
        Float,
    }


@pytest.mark.parametrize("exists", [True, False])
def test_alembic_is_imported_only_for_an_older_store(empty: Place, exists: bool) -> None:
    if exists:
        Store.open(empty.url).close()
    code = (
        "import sys; from comity.store import Store; Store.open(sys.argv[1]).close(); print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, empty.url], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_migration_that_runs_out_of_room_leaves_an_empty_database(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    engines = SQLite(str(path)).connect(wait=1)
    with engines.reading.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 8")
    with pytest.raises(OperationalError, match="full"), engines.writing.begin() as connection:
        migrate(connection, str(path))
    with engines.reading.connect() as connection:
        assert inspect(connection).get_table_names() == []
    engines.close()
    with Store.open(str(path)) as store:
        assert store.episodes() == []
