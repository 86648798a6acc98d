"""What Alembic runs: it migrates on the connection, and in the transaction, that ``streams.store.migrate`` gives it."""

from alembic import context

from streams.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
