"""The typical query of every view on 100,000 alerts: an index answers it, and its time is printed (``pytest -rP``)."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from streams.store import Store, open_store, upgrade
from streams.store.views import VIEW_NAMES
from tests.rig.alert_mass import TYPICAL, ask_typical, fill
from tests.rig.postgres import PostgresServer

pytestmark = pytest.mark.integration
ALERTS = 100_000


@pytest.fixture(scope="module")
def full_store(postgres: PostgresServer) -> Iterator[Store]:
    """Give a store with many alerts."""
    url = postgres.create_database()
    upgrade(url)
    with open_store(url) as store:
        fill(store, ALERTS)
        yield store
    postgres.drop_database(url)


def test_every_view_has_a_typical_query() -> None:
    assert set(TYPICAL) == set(VIEW_NAMES)


def test_indexes_answer_the_typical_queries(full_store: Store) -> None:
    faults = []
    with full_store.engine.connect() as connection:
        for view, typical in TYPICAL.items():
            answer = ask_typical(connection, view, 2)
            print(f"{view:28} {min(answer.millis):9.2f} ms   {typical.by or ''}")  # noqa: T201 - the figures are for who runs it
            if typical.by and (typical.by not in answer.plan or "Seq Scan on alerts" in answer.plan):
                faults.append(f"{view}: {answer.plan}")
    assert faults == []


def test_a_missing_index_is_seen(full_store: Store) -> None:
    """The test above can fail."""
    with full_store.engine.connect() as connection:
        connection.execute(text("DROP INDEX ix_alerts_open"))
        assert "Seq Scan on alerts" in ask_typical(connection, "v_open_by_age", 1).plan
        connection.rollback()
