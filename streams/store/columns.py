"""Column types that mean the same on PostgreSQL and SQLite, and the columns that many tables share."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import JSON, BigInteger, Column, Dialect, Integer, String, Text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.types import TypeDecorator, TypeEngine

from streams.clock import from_datetime, to_datetime, to_text

REVISION: Final = ("revision_epoch", "revision_offset", "revision_index")


class Moment(TypeDecorator[int]):
    """A point in time: integer milliseconds in Python, ``timestamptz`` on PostgreSQL, RFC 3339 text on SQLite.

    SQLite has no type for time; the text sorts as the time does and is understood by SQLite's own date functions.
    """

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[int] | TypeEngine[str] | TypeEngine[datetime]:
        """Pick the column type of the database."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: int | None, dialect: Dialect) -> datetime | str | None:
        """Turn milliseconds into what the driver takes; raises ``OverflowError`` beyond the year 9999."""
        if value is None:
            return None
        return to_datetime(value) if dialect.name == "postgresql" else to_text(value)

    def process_result_value(self, value: datetime | str | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Turn what the driver gives into milliseconds."""
        if value is None:
            return None
        return from_datetime(datetime.fromisoformat(value) if isinstance(value, str) else value)


Document = JSON().with_variant(JSONB(), "postgresql")
"""A JSON document; ``jsonb`` on PostgreSQL."""

Serial = BigInteger().with_variant(Integer(), "sqlite")
"""A number given by the database; SQLite counts by itself only in a column declared INTEGER."""


def revision_columns(*, key: bool = False) -> Sequence[Column[int]]:
    """Give the three columns of a ``Position``; of two rows with one key the greater one, left to right, wins."""
    return [Column(name, BigInteger, primary_key=key, autoincrement=False, nullable=False) for name in REVISION]
