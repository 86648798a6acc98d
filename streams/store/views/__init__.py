"""The documented views: the only thing a dashboard may rely on. ``schemas/sql/README.md`` tells what each column means.

The contract has its own number, ``CONTRACT``: columns are only ever added, at the end, within one number. The views are
not part of the migrations: ``store upgrade`` lays them anew, so that they always are those of the program. A reader of
the views alone sees no account: subjects and counterparties are masked, texts too.
"""

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection

from streams.store.views import alerts, operations, people, rules, storms
from streams.store.views.words import Words

CONTRACT: Final = 1
"""Version of the views' contract; raised only when a column goes or changes its meaning."""

VIEWS: Final[dict[str, Callable[[Words], str]]] = {
    "v_contract": lambda _: f"SELECT {CONTRACT} AS contract",
    **alerts.VIEWS,
    **storms.VIEWS,
    **people.VIEWS,
    **rules.VIEWS,
    **operations.VIEWS,
}
VIEW_NAMES: Final = tuple(VIEWS)


def create_views(connection: Connection) -> None:
    """Lay all views anew; on PostgreSQL in place, so that the rights given on them stay."""
    words = Words(connection.dialect.name)
    replacing = "CREATE OR REPLACE VIEW" if words.dialect == "postgresql" else "CREATE VIEW"
    for name, body in VIEWS.items():
        if words.dialect == "sqlite":
            connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")
        connection.exec_driver_sql(f"{replacing} {name} AS {body(words)}")


def drop_views(connection: Connection) -> None:
    """Take all views away: for a migration that changes a column they show."""
    for name in reversed(VIEW_NAMES):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")
