"""The schema: what the tables say, what Alembic makes of an empty database, and that a current store needs no Alembic."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import BigInteger, Float, Integer, Text, create_engine, inspect
from sqlalchemy.exc import OperationalError

from comity.store import Store, sqlite
from comity.store.schema import migrate
from comity.store.tables import HEAD, metadata


def test_head_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", "comity.store:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_the_migrated_schema_is_the_tables(tmp_path: Path) -> None:
    Store.open(str(tmp_path / "s.db")).close()
    engine = create_engine(f"sqlite:///{tmp_path / 's.db'}")
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)
    engine.dispose()
    assert found == []


def test_every_column_is_of_a_type_that_every_database_has() -> None:
    assert {type(column.type) for table in metadata.tables.values() for column in table.columns} == {
        Text,
        Integer,
        BigInteger,
        Float,
    }


@pytest.mark.parametrize(("exists", "imported"), [(True, "False"), (False, "True")])
def test_alembic_is_imported_only_to_migrate(tmp_path: Path, exists: bool, imported: str) -> None:
    path = str(tmp_path / "s.db")
    if exists:
        Store.open(path).close()
    code = (
        "import sys; from comity.store import Store; Store.open(sys.argv[1]).close(); print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == imported


def test_a_migration_that_runs_out_of_room_leaves_an_empty_database(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    engine = sqlite.connect(path, wait=1)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 8")
    with (
        pytest.raises(OperationalError, match="full"),
        engine.execution_options(immediate=True).begin() as connection,
    ):
        migrate(connection, str(path))
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    engine.dispose()
    with Store.open(str(path)) as store:
        assert store.episodes() == []
