"""What only PostgreSQL has: migrations, roles, a server that goes away."""

from pathlib import Path
from typing import Final

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

import streams.store.migrations
from streams.clock import from_datetime, to_text
from streams.errors import StoreOutdated, StoreUnreachable, UsageError
from streams.store import open_store, rows, upgrade
from streams.store.reader import standing
from streams.store.rows import filled_columns
from streams.store.schema import HEAD, metadata
from streams.store.views import VIEW_NAMES, drop_views
from tests.integration.store_questions import ask
from tests.rig.old_store import migrate
from tests.rig.postgres import PostgresServer
from tests.unit.store.samples import ALERT_ID, mule_alert

pytestmark = pytest.mark.integration

OLD_VIEWS: Final = Path(__file__).parent / "data" / "views_of_schema_0002.sql"
STORED: Final = "2026-03-01T08:31:01.000Z"


def test_the_migrations_end_in_the_schema_of_the_program(database_url: str) -> None:
    upgrade(database_url)
    engine = create_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_newest_migration_is_the_schema_the_program_needs() -> None:
    [folder] = streams.store.migrations.__path__
    assert ScriptDirectory(folder).get_heads() == [HEAD]


def make_old(url: str, role: str) -> None:
    """Make the store that a release of schema 0002 left behind: its tables, views, a reader, and an alert people worked on."""
    engine = create_engine(url)
    with engine.begin() as connection:
        migrate(connection, "0002")
        for statement in OLD_VIEWS.read_text().split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
        connection.execute(text(f"CREATE ROLE {role}"))
        connection.execute(text(f"GRANT SELECT ON v_alerts, v_alerts_all TO {role}"))
        alert = mule_alert()
        for table, row in (
            ("alerts", rows.alert_row(alert, rows.texts_of(alert))),
            ("alert_amendments", rows.amendment_row(alert, rows.texts_of(alert))),
        ):
            kinds = {column["name"]: column["type"] for column in inspect(connection).get_columns(table)}
            given = dict(zip(filled_columns(metadata.tables[table]), row, strict=True))
            values = {name: _old(value, str(kinds[name])) for name, value in given.items() if name in kinds}
            values["stored_at"] = values["first_stored_at"] = STORED
            values |= {"status": "confirmed", "assigned_to": "lin"}
            names = [name for name in values if name in kinds]
            marks = ", ".join(f"%({name})s" for name in names)
            connection.exec_driver_sql(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", values)
    engine.dispose()


def _old(value: object, kind: str) -> object:
    """Write a value as psycopg takes it for a column of that kind."""
    return to_text(int(str(value))) if kind == "TIMESTAMP" else value


def test_an_old_store_is_refused_until_it_is_upgraded_and_keeps_data_views_and_rights(database_url: str) -> None:
    role = f"old_reader_{make_url(database_url).database}"
    make_old(database_url, role)
    with pytest.raises(StoreOutdated, match="payweir store upgrade"):
        open_store(database_url)
    assert upgrade(database_url) == HEAD
    with open_store(database_url) as store:
        with store.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_server_default": True})
            assert compare_metadata(context, metadata) == []
        assert set(standing(store)) == {ALERT_ID}
        [dispositions] = ask(store, "SELECT disposition, assigned_to, closed_at FROM v_dispositions")
        assert dispositions[:2] == ("confirmed", "lin")
        assert to_text(from_datetime(dispositions[2])) == STORED
        assert ask(store, "SELECT event_to_detected_ms FROM v_alert_latency") == [(250,)]
        with store.engine.begin() as connection:
            connection.execute(text(f"SET LOCAL ROLE {role}"))
            assert connection.execute(text("SELECT work_revision FROM v_alerts")).all() == [(0,)]
        with store.engine.begin() as connection:
            connection.execute(text(f"DROP OWNED BY {role}"))
            connection.execute(text(f"DROP ROLE {role}"))


def test_a_database_that_was_not_prepared_is_outdated_and_says_what_to_do(database_url: str) -> None:
    with pytest.raises(StoreOutdated, match="payweir store upgrade"):
        open_store(database_url)


def test_a_failed_upgrade_leaves_nothing_behind(database_url: str) -> None:
    with pytest.raises(UsageError, match="CREATE ROLE"):
        upgrade(database_url, "nobody_of_that_name")
    with pytest.raises(StoreOutdated):
        open_store(database_url)


def test_a_reader_sees_the_views_and_no_table_and_keeps_its_right_over_an_upgrade(database_url: str) -> None:
    role = f"reader_{make_url(database_url).database}"
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {role}"))
    upgrade(database_url, role)
    upgrade(database_url)
    with engine.connect() as connection:
        connection.execute(text(f"SET ROLE {role}"))
        for view in VIEW_NAMES:
            connection.execute(text(f"SELECT * FROM {view}"))
        for table in metadata.tables:
            with pytest.raises(ProgrammingError, match="permission denied"), connection.begin_nested():
                connection.execute(text(f"SELECT * FROM {table}"))
    with engine.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {role}"))
        connection.execute(text(f"DROP ROLE {role}"))
    engine.dispose()


def test_views_that_are_gone_come_back(database_url: str) -> None:
    upgrade(database_url)
    engine = create_engine(database_url)
    with engine.begin() as connection:
        drop_views(connection)
    upgrade(database_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM v_alerts")).scalar() == 0
    engine.dispose()


def test_an_outage_is_unreachable_and_the_same_store_writes_again_after_it(
    postgres: PostgresServer, database_url: str
) -> None:
    upgrade(database_url)
    with open_store(database_url) as store:
        store.write([mule_alert("before")])
        postgres.stop()
        try:
            with pytest.raises(StoreUnreachable):
                store.write([mule_alert("during")])
            with pytest.raises(StoreUnreachable):
                standing(store)
        finally:
            postgres.start()
        assert store.write([mule_alert("during")]).written == 1
        assert set(standing(store)) == {"before", "during"}


def test_a_connection_cut_in_the_middle_of_a_batch_leaves_nothing_half_done(database_url: str) -> None:
    upgrade(database_url)
    with open_store(database_url) as store:
        with store.engine.begin() as connection:
            connection.execute(text(CUT))
            connection.execute(text(CUT_ON_EVIDENCE))
        with pytest.raises(StoreUnreachable):
            store.write([mule_alert()])
        with store.engine.begin() as connection:
            connection.execute(text("DROP TRIGGER cut ON alert_evidence"))
        assert standing(store) == {}
        assert store.write([mule_alert()]).written == 1


CUT = """
CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$
"""
CUT_ON_EVIDENCE = "CREATE TRIGGER cut BEFORE INSERT ON alert_evidence FOR EACH ROW EXECUTE FUNCTION cut()"


def test_who_is_frozen_within_a_transaction_keeps_nobody_waiting_and_writes_again_when_he_wakes(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(database_url)
    monkeypatch.setattr("streams.store.engine._IDLE_MS", 300)
    with open_store(database_url) as frozen, open_store(database_url) as other:
        with frozen.engine.connect() as connection:
            connection.execute(text("LOCK TABLE alerts IN SHARE ROW EXCLUSIVE MODE"))
            assert other.write([mule_alert()]).written == 1  # waits for the lock, which the server takes back
            with pytest.raises(DBAPIError):
                connection.execute(text("SELECT 1"))
            connection.invalidate()
        assert frozen.write([mule_alert("after")]).written == 1


def test_a_role_that_may_not_write_is_unreachable_not_a_bad_row(database_url: str) -> None:
    upgrade(database_url)
    with open_store(database_url) as store:
        with store.engine.begin() as connection:
            connection.execute(text(f'ALTER DATABASE "{store.url.database}" SET default_transaction_read_only = on'))
        store.engine.dispose()
        with pytest.raises(StoreUnreachable, match="read-only"):
            store.write([mule_alert()])
