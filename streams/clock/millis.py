"""Milliseconds since the epoch, as integers, and aware datetimes."""

from datetime import UTC, datetime, timedelta

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def from_datetime(moment: datetime) -> int:
    """Give the milliseconds of an aware datetime; a part of a millisecond is cut off."""
    return (moment - _EPOCH) // _MILLISECOND


def to_datetime(millis: int) -> datetime:
    """Give the aware UTC datetime of milliseconds since the epoch."""
    return _EPOCH + timedelta(milliseconds=millis)


def to_text(millis: int) -> str:
    """Write RFC 3339 with milliseconds: ``2026-03-01T08:30:00.000Z``."""
    return to_datetime(millis).isoformat(timespec="milliseconds").replace("+00:00", "Z")
