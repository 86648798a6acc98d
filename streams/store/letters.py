"""Questions about dead letters: refused records, masked, and whether they were fed again. Like ``streams.store.reader``."""

from dataclasses import dataclass

import msgspec
from sqlalchemy import ColumnElement, RowMapping, and_, select

from streams.store.engine import reading
from streams.store.schema import dead_letter_retries, dead_letters
from streams.store.writer import Store

_LIMIT = 50


@dataclass(frozen=True)
class LetterFilter:
    """Which letters to list; an empty part asks for nothing."""

    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    refusal: str | None = None
    since: int | None = None
    """Time stamp of the record in Kafka at or after this time."""
    open_only: bool = False
    """Only those that were not fed again."""
    limit: int = _LIMIT


class LetterLine(msgspec.Struct, frozen=True, kw_only=True):
    """One refused record without its content; the last three say where and when it was fed again."""

    source_topic: str
    source_partition: int
    source_offset: int
    refusal: str
    field: str
    detail: str
    masked: str
    bytes_total: int
    kafka_time: int
    stored_at: int
    retried_offset: int | None
    retried_at: int | None
    mended: bool | None

    @property
    def place(self) -> str:
        """``payments/0/123``; of a file ``name/0/line``."""
        return f"{self.source_topic}/{self.source_partition}/{self.source_offset}"


_KEY = ("source_topic", "source_partition", "source_offset")
_RETRIED = ("retried_offset", "retried_at", "mended")


def list_letters(store: Store, wanted: LetterFilter) -> list[LetterLine]:
    """List dead letters, the newest record first."""
    same = and_(*(dead_letters.c[name] == dead_letter_retries.c[name] for name in _KEY))
    columns = [
        (dead_letter_retries if name in _RETRIED else dead_letters).c[name] for name in LetterLine.__struct_fields__
    ]
    query = (
        select(*columns)
        .select_from(dead_letters.outerjoin(dead_letter_retries, same))
        .where(and_(*_conditions(wanted)))
        .order_by(dead_letters.c.kafka_time.desc(), *(dead_letters.c[name] for name in _KEY))
        .limit(wanted.limit)
    )
    with reading(store.engine) as connection:
        return [_line(row) for row in connection.execute(query).mappings()]


def _conditions(wanted: LetterFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [dead_letters.c.source_offset >= 0]
    for column, value in (
        (dead_letters.c.source_topic, wanted.topic),
        (dead_letters.c.source_partition, wanted.partition),
        (dead_letters.c.source_offset, wanted.offset),
        (dead_letters.c.refusal, wanted.refusal),
    ):
        if value is not None:
            conditions.append(column == value)
    if wanted.since is not None:
        conditions.append(dead_letters.c.kafka_time >= wanted.since)
    if wanted.open_only:
        conditions.append(dead_letter_retries.c.retried_at.is_(None))
    return conditions


def _line(row: RowMapping) -> LetterLine:
    return LetterLine(**{name: row[name] for name in LetterLine.__struct_fields__})
