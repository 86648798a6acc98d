"""What only PostgreSQL has: migrations, roles, a server that goes away."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import ProgrammingError

import streams.store.migrations
from streams.errors import StoreOutdated, StoreUnreachable, UsageError
from streams.store import open_store, upgrade
from streams.store.reader import standing
from streams.store.schema import HEAD, metadata
from streams.store.views import VIEW_NAMES, drop_views
from tests.rig.postgres import PostgresServer
from tests.unit.store.samples import mule_alert

pytestmark = pytest.mark.integration


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


def test_a_store_of_the_first_schema_is_refused_until_it_is_upgraded_and_keeps_its_data(database_url: str) -> None:
    upgrade(database_url)
    with open_store(database_url) as store:
        store.write([mule_alert()])
        with store.engine.begin() as connection:
            drop_views(connection)
            connection.execute(text("DROP TABLE sources_found"))
            connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(StoreOutdated, match="payweir store upgrade"):
        open_store(database_url)
    assert upgrade(database_url) == HEAD
    with open_store(database_url) as store:
        assert len(standing(store)) == 1


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


def test_a_role_that_may_not_write_is_unreachable_not_a_bad_row(database_url: str) -> None:
    upgrade(database_url)
    with open_store(database_url) as store:
        with store.engine.begin() as connection:
            connection.execute(text(f'ALTER DATABASE "{store.url.database}" SET default_transaction_read_only = on'))
        store.engine.dispose()
        with pytest.raises(StoreUnreachable, match="read-only"):
            store.write([mule_alert()])
