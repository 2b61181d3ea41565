"""Whether a database holds the schema this version works with, and bringing it there. Alembic is imported only for the latter."""

from sqlalchemy import Connection, inspect, text

from comity.store.dialects import take_turns
from comity.store.errors import NewerStore, NotAStore
from comity.store.tables import HEAD

__all__ = ["migrate", "revision_of"]


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
    """Bring the database to `HEAD`, in the connection's transaction. Raises `NewerStore` where this version does not know its revision."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "comity.store:migrations")
    take_turns(connection)
    known = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    found = revision_of(connection, where)
    if found is not None and found not in known:
        raise NewerStore(
            f"{where}: was written by a newer Comity (schema {found!r}; this one knows {HEAD!r}); upgrade Comity, "
            "or choose another file"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
