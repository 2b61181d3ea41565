"""Alembic's entry point. It runs on the connection and in the transaction that `comity.store.schema` hands it."""

from alembic import context

from comity.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
