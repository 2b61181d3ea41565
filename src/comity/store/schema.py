"""Whether a database holds the schema this version works with, and bringing it there. Alembic is imported only where one is older."""

from sqlalchemy import Connection, inspect, text

from comity.store.dialects import take_turns
from comity.store.errors import NewerStore, NotAStore
from comity.store.tables import HEAD, metadata

__all__ = ["migrate", "revision_of", "upgrade"]


def revision_of(connection: Connection, where: str) -> str | None:
    """The schema's revision, `None` for an empty database. Raises `NotAStore` where the tables are another program's."""
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    if "alembic_version" not in tables:
        raise NotAStore(f"{where}: is another program's database; choose another")
    revisions = connection.scalars(text("SELECT version_num FROM alembic_version")).all()
    return ", ".join(map(str, revisions))


def migrate(connection: Connection, where: str) -> None:
    """Bring the database to `HEAD`, in the connection's transaction. Raises `NewerStore` where this version does not know its revision.

    An empty one is given the tables as they are now: that is what all revisions come to, and costs a tenth of the time.
    """
    take_turns(connection)
    found = revision_of(connection, where)
    if found is None:
        metadata.create_all(connection, checkfirst=False)
        connection.execute(_VERSIONS)
        connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})
    elif found != HEAD:
        upgrade(connection, where, found)


_VERSIONS = text(
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
"""As Alembic makes it."""


def upgrade(connection: Connection, where: str, found: str | None) -> None:
    """Take every revision after the one that was found, each as it was written."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "comity.store:migrations")
    known = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    if found is not None and found not in known:
        raise NewerStore(
            f"{where}: was written by a newer Comity (schema {found!r}; this one knows {HEAD!r}); upgrade Comity, "
            "or choose another file"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
