"""Statements that put many rows at once, so that the same row put twice, or an older one put later, changes nothing.

PostgreSQL takes each column as one array (one short statement, whatever the number of rows) and evidence by COPY:
about 140,000 rows per second here, four times what lists of VALUES reach. SQLite takes row by row inside the process.
"""

# ruff: noqa: S608 - the names put into statements are those of our own tables; values always travel beside

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from psycopg import Connection as PsycopgConnection
from sqlalchemy import BigInteger, Boolean, Connection, Integer, Table

from streams.clock import from_datetime, to_text
from streams.store.columns import REVISION, Document, Moment
from streams.store.rows import FIXED, GIVEN_BY_STORE, Row, Value, filled_columns

NOW: Final = {"postgresql": "clock_timestamp()", "sqlite": "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"}
"""The database's clock, as text of SQL: one clock for all writers."""
_STORED: Final = ("first_stored_at", "stored_at")
_YEAR_2000_MS: Final = from_datetime(datetime(2000, 1, 1, tzinfo=UTC))
_TIME_MIN: Final = from_datetime(datetime(1, 1, 2, tzinfo=UTC))
_TIME_MAX: Final = from_datetime(datetime(9999, 12, 31, tzinfo=UTC))
_COPIED_AS: Final = {"timestamptz": "int8"}
"""The binary form of a time is that of an int8: microseconds since 2000; made from an int it costs a fifth."""
_MILLIS_TO_TIME: Final = "timestamptz 'epoch' + {} * interval '1 millisecond'"


@dataclass(frozen=True)
class Upsert:
    """How rows get into one table: of two with one key the newer revision stays, or, without revisions, the first."""

    table: Table

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Name the columns of a row, in order."""
        return filled_columns(self.table)

    @cached_property
    def key(self) -> tuple[int, ...]:
        """Say where in a row the parts of its key stand."""
        names = [column.name for column in self.table.primary_key.columns]
        return tuple(self.columns.index(name) for name in names)

    @cached_property
    def moments(self) -> tuple[int, ...]:
        """Say where in a row the times stand."""
        return tuple(n for n, name in enumerate(self.columns) if isinstance(self.table.columns[name].type, Moment))

    def put(self, connection: Connection, rows: Iterable[Row]) -> set[Row]:
        """Put the rows, no two with one key; give the keys of those that changed the table."""
        # the same order in every writer: they may wait for each other, but never in a circle
        ordered = sorted(rows, key=self.key_of)
        if not ordered:
            return set()
        if connection.dialect.name == "postgresql":
            for n in self.moments:
                _check_times([row[n] for row in ordered])
            arrays = tuple(_array([row[n] for row in ordered]) for n in range(len(self.columns)))
            found = connection.exec_driver_sql(self._postgresql, arrays).all()
            return {tuple(row) for row in found}
        changed = set()
        cursor = connection.connection.cursor()
        for row in ordered:
            cursor.execute(self._sqlite, self._in_text(row))
            if cursor.fetchone() is not None:
                changed.add(self.key_of(row))
        return changed

    def key_of(self, row: Row) -> Row:
        """Give the key of a row; the times in it are milliseconds."""
        return tuple([row[n] for n in self.key])

    def append(self, connection: Connection, rows: Iterable[Row]) -> None:
        """Put rows of which none is in the table, as fast as the database can; they are made while it works."""
        names = ", ".join(self.columns)
        if connection.dialect.name != "postgresql":
            marks = ", ".join("?" * len(self.columns))
            statement = f"INSERT INTO {self.table.name} ({names}) VALUES ({marks})"
            connection.connection.cursor().executemany(statement, [self._in_text(row) for row in rows])
            return
        driver = connection.connection.driver_connection
        if not isinstance(driver, PsycopgConnection):
            message = f"PostgreSQL is spoken through psycopg, not {type(driver)}"
            raise TypeError(message)
        statement = f"COPY {self.table.name} ({names}) FROM STDIN (FORMAT BINARY)"
        moments = self.moments
        with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            copy.set_types([_COPIED_AS.get(kind, kind) for kind in map(self._type_of, self.columns)])
            for row in rows:
                values: list[Any] = list(row)
                for n in moments:
                    _check_times([values[n]])
                    values[n] = (values[n] - _YEAR_2000_MS) * 1_000
                copy.write_row(values)

    def revision_of(self, row: Row) -> Row:
        """Give the revision of a row of a table that has one."""
        return tuple([row[self.columns.index(name)] for name in REVISION])

    def _in_text(self, row: Row) -> Row:
        """Write the times of a row as SQLite keeps them."""
        values = list(row)
        for n in self.moments:
            moment = values[n]
            values[n] = None if moment is None else to_text(int(moment))
        return tuple(values)

    @cached_property
    def _sqlite(self) -> str:
        stored = [name for name in _STORED if name in self.table.columns]
        names = ", ".join([*self.columns, *stored])
        values = ", ".join(["?"] * len(self.columns) + [NOW["sqlite"]] * len(stored))
        return f"INSERT INTO {self.table.name} ({names}) VALUES ({values}) {self._on_conflict} RETURNING 1"

    @cached_property
    def _postgresql(self) -> str:
        stored = [name for name in _STORED if name in self.table.columns]
        names = ", ".join([*self.columns, *stored])
        values = ", ".join([self._from_array(name) for name in self.columns] + [NOW["postgresql"]] * len(stored))
        arrays = ", ".join(f"%s::{self._array_type(name)}[]" for name in self.columns)
        source = f"unnest({arrays}) AS given({', '.join(self.columns)})"
        key = ", ".join(self._to_array(column.name) for column in self.table.primary_key.columns)
        into = f"INSERT INTO {self.table.name} ({names}) SELECT {values} FROM {source}"
        return f"{into} {self._on_conflict} RETURNING {key}"

    @cached_property
    def _on_conflict(self) -> str:
        keys = [column.name for column in self.table.primary_key.columns]
        conflict = f"ON CONFLICT ({', '.join(keys)}) DO"
        if REVISION[0] not in self.columns or REVISION[0] in keys:
            return f"{conflict} NOTHING"
        fixed = {*keys, *FIXED, *(GIVEN_BY_STORE - {"stored_at"})}
        updated = [column.name for column in self.table.columns if column.name not in fixed]
        assignments = ", ".join(f"{name} = excluded.{name}" for name in updated)
        newer = ", ".join(f"excluded.{name}" for name in REVISION)
        known = ", ".join(f"{self.table.name}.{name}" for name in REVISION)
        return f"{conflict} UPDATE SET {assignments} WHERE ({newer}) > ({known})"

    def _type_of(self, name: str) -> str:
        """Name PostgreSQL's type of a column."""
        kind = self.table.columns[name].type
        if isinstance(kind, Moment):
            return "timestamptz"
        if kind is Document:
            return "jsonb"
        for of, text in ((BigInteger, "int8"), (Integer, "int4"), (Boolean, "bool")):
            if isinstance(kind, of):
                return text
        return "text"

    def _array_type(self, name: str) -> str:
        kind = self._type_of(name)
        return {"timestamptz": "int8", "jsonb": "text"}.get(kind, kind)

    def _from_array(self, name: str) -> str:
        kind = self._type_of(name)
        given = f"given.{name}"
        if kind == "timestamptz":
            return _MILLIS_TO_TIME.format(given)
        return f"{given}::jsonb" if kind == "jsonb" else given

    def _to_array(self, name: str) -> str:
        """Give a column of the key as it stood in the row, times in milliseconds."""
        column = f"{self.table.name}.{name}"
        kind = self._type_of(name)
        return f"round(extract(epoch FROM {column}) * 1000)::int8" if kind == "timestamptz" else column


def _check_times(values: Sequence[Value]) -> None:
    """Raise ``OverflowError`` for times that PostgreSQL would keep, but Python could not read back."""
    for value in values:
        if value is not None and not _TIME_MIN <= int(value) <= _TIME_MAX:
            message = f"{value} ms is no time of the years 1 to 9999"
            raise OverflowError(message)


def _array(values: Sequence[Value]) -> str:
    """Write a column as PostgreSQL's text of an array, in a few passes over the whole; the driver's own is far slower.

    No text may hold a zero character (see ``rows.readable``): it stands between the elements here.
    """
    if None in values:
        return "{" + ",".join(["NULL" if value is None else _array([value])[1:-1] for value in values]) + "}"
    if not isinstance(values[0], str):
        return "{" + ",".join(map(str, values)) + "}"
    joined = "\0".join(map(str, values)).replace("\\", "\\\\").replace('"', '\\"').replace("\0", '","')
    return '{"' + joined + '"}'
