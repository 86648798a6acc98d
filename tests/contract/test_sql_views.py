"""``schemas/sql/README.md`` against the views of both databases: same names, same order, same types."""

import re
from pathlib import Path

import pytest
from sqlalchemy import text

from streams.store import open_store, upgrade
from streams.store.views import CONTRACT, VIEW_NAMES

README = Path(__file__).parents[2] / "schemas" / "sql" / "README.md"
ROW = re.compile(r"^\| (\w+) \| (\w+) \| .*\|$")
TYPES = {"timestamp with time zone": "timestamptz"}


def documented() -> dict[str, list[tuple[str, str]]]:
    """Read the name and type of each column under each heading."""
    views: dict[str, list[tuple[str, str]]] = {}
    for line in README.read_text().splitlines():
        if line.startswith("## "):
            views[line[3:]] = []
        elif (match := ROW.match(line)) and match[1] != "column":
            next(reversed(views.values())).append((match[1], match[2]))
    return views


def test_every_view_is_documented_and_none_besides() -> None:
    assert sorted(documented()) == sorted(VIEW_NAMES)


def test_the_version_of_the_contract_is_the_same() -> None:
    assert f"Version of this contract: **{CONTRACT}**" in README.read_text()


def test_every_time_says_whose_clock_it_is() -> None:
    rows = [line for line in README.read_text().splitlines() if "| timestamptz |" in line]
    assert rows
    assert [row for row in rows if not re.search(r"UTC, (event time|wall clock|time stamp in Kafka)", row)] == []


def test_the_manual_adds_no_amounts_over_currencies() -> None:
    """Every view with a sum of money groups by currency; every example query too."""
    for query in re.findall(r"```sql\n(.*?)```", README.read_text(), re.DOTALL):
        assert ("sum(amount" in query) <= ("GROUP BY" in query and "currency" in query.partition("GROUP BY")[2])


@pytest.mark.integration
def test_postgresql_has_the_documented_columns(database_url: str) -> None:
    upgrade(database_url)
    found: dict[str, list[tuple[str, str]]] = {name: [] for name in documented()}
    query = "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_name LIKE 'v\\_%' "
    with open_store(database_url) as store, store.engine.connect() as connection:
        for view, column, kind in connection.execute(text(query + "ORDER BY table_name, ordinal_position")):
            found[view].append((column, TYPES.get(kind, kind)))
    assert found == documented()


def test_sqlite_has_the_documented_columns(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path / 'payweir.db'}") as store, store.engine.connect() as connection:
        for view, columns in documented().items():
            found = connection.execute(text(f"SELECT * FROM {view}"))
            assert list(found.keys()) == [name for name, _ in columns]
