"""The schema's life: PostgreSQL is migrated by Alembic, a SQLite file is made whole and stamped."""

from importlib.resources import files
from typing import Final

from sqlalchemy import Connection, Engine, inspect, text

from streams.errors import UsageError
from streams.store.engine import connect_engine, outdated, parse_url, reading, writing
from streams.store.schema import HEAD, ONLY_POSTGRESQL, metadata
from streams.store.views import VIEW_NAMES, create_views

_UPGRADE_LOCK: Final = 0x7061_7977_6569_72
"""Key of the lock that lets one upgrade run at a time: ``payweir`` in ASCII."""


def make_ready(engine: Engine) -> None:
    """Check that the schema is ours; make it in an empty SQLite file. Raises ``StoreOutdated`` otherwise."""
    with reading(engine) as connection:
        found = version_of(connection)
    if found is None and engine.dialect.name == "sqlite":
        with writing(engine) as connection:
            _create_whole(connection)
            found = version_of(connection)
    if found != HEAD:
        raise outdated(engine.url, found, HEAD)


def version_of(connection: Connection) -> str | None:
    """Read the version of the schema; None when there is none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return version


def upgrade(url: str, reader: str | None = None) -> str:
    """Bring a store to this program's schema and views; gives the version. Nothing is lost, twice is harmless.

    ``reader`` names a role of PostgreSQL that is granted the views, and nothing else. Raises ``UsageError``,
    ``StoreUnreachable``, and ``StoreOutdated`` for a schema newer than the program or a SQLite file of another version.
    """
    engine = connect_engine(parse_url(url))
    try:
        if engine.dialect.name == "sqlite":
            if reader is not None:
                message = "SQLite has no roles; leave --reader out"
                raise UsageError(message)
            make_ready(engine)
        else:
            with writing(engine) as connection:
                _upgrade(connection)
                if reader is not None:
                    _grant(connection, reader)
    finally:
        engine.dispose()
    return HEAD


def _create_whole(connection: Connection) -> None:
    """Make all tables and views in a file that has none; leave any other file alone."""
    if inspect(connection).get_table_names():
        return
    metadata.create_all(connection, [table for table in metadata.sorted_tables if table not in ONLY_POSTGRESQL])
    create_views(connection)
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(text("INSERT INTO alembic_version (version_num) VALUES (:head)"), {"head": HEAD})


def _upgrade(connection: Connection) -> None:
    """Run the missing migrations and lay the views, in the one transaction of the connection."""
    from alembic import command  # noqa: PLC0415 - costs a tenth of a second, and only an upgrade needs it
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(files("streams.store") / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
    found = version_of(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise outdated(connection.engine.url, found, HEAD)
    command.upgrade(config, HEAD)
    create_views(connection)


def _grant(connection: Connection, role: str) -> None:
    """Let a role read the views, which show no account; the tables stay closed to it."""
    quoted = connection.dialect.identifier_preparer.quote_identifier(role)
    exists = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).scalar()
    if exists is None:
        message = f"there is no role {role!r}; make it first: CREATE ROLE {quoted} LOGIN PASSWORD '...'"
        raise UsageError(message)
    schema = connection.execute(text("SELECT current_schema()")).scalar_one()
    quoted_schema = connection.dialect.identifier_preparer.quote_identifier(schema)
    connection.execute(text(f"GRANT USAGE ON SCHEMA {quoted_schema} TO {quoted}"))
    connection.execute(text(f"GRANT SELECT ON {', '.join(VIEW_NAMES)} TO {quoted}"))
