"""Text of ISO 20022 to amounts and moments; raises ``Refused``, and never rounds or guesses.

Times: an offset counts; a time without one is taken in the zone of the reader (UTC unless set otherwise). A date alone stands
for the first of the message's own moments that falls on it, else for its first moment (00:00 in its own offset, or the zone).
"""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Final

from streams.events.iso20022.fields import Record
from streams.events.refusals import AMOUNT_MINOR_MAX, Refusal, Refused
from streams.money import TooManyDecimals, UnknownCurrency, parse_major

_AMOUNT: Final = re.compile(r"\+?[0-9]{1,18}(\.[0-9]{0,17})?")
_NEGATIVE: Final = re.compile(r"-[0-9]{1,18}(\.[0-9]{0,17})?")
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,12})?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_DATE: Final = re.compile(r"(\d{4}-\d\d-\d\d)(Z|[+-]\d\d:\d\d)?", re.ASCII)
_ROLLOVER_MAX: Final = timedelta(days=4)
"""Over a week-end with a holiday."""
_YEAR_MIN: Final = 1970
_EDGE_YEAR: Final = 9998
"""Beyond it an offset could leave the calendar."""


def amount(record: Record, name: str) -> tuple[int, str] | None:
    """Give minor units and currency of an amount, or None when it is not there."""
    node = record.node(name)
    if node is None:
        return None
    text, where = node.text.strip(), record.path(name)
    if not node.currency:
        raise Refused(Refusal.MISSING_FIELD, f"{where}/@Ccy", "an amount without its currency")
    if _NEGATIVE.fullmatch(text):
        raise Refused(Refusal.AMOUNT_NOT_POSITIVE, where, "an amount is at least 1 minor unit")
    if not _AMOUNT.fullmatch(text):
        raise Refused(Refusal.WRONG_TYPE, where, "not a decimal number with at most 18 digits and a point")
    try:
        minor = parse_major(Decimal(text), node.currency)
    except UnknownCurrency:
        raise Refused(Refusal.UNKNOWN_CURRENCY, f"{where}/@Ccy", "not an ISO 4217 code in use") from None
    except TooManyDecimals:
        raise Refused(Refusal.AMOUNT_DECIMALS, where, "more decimals than the currency has") from None
    if minor > AMOUNT_MINOR_MAX:
        raise Refused(Refusal.AMOUNT_TOO_LARGE, where, f"an amount is at most {AMOUNT_MINOR_MAX} minor units")
    return minor, node.currency


def need_amount(record: Record, name: str) -> tuple[int, str]:
    """Give minor units and currency; raises ``Refused`` when the amount is not there."""
    found = amount(record, name)
    if found is None:
        raise Refused(Refusal.MISSING_FIELD, record.path(name), "a required element is missing")
    return found


def moment(record: Record, name: str, zone: tzinfo = UTC) -> datetime | None:
    """Give a date and time, or None when it is not there."""
    text = record.text(name)
    if text is None:
        return None
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise _no_time(record, name)
    fraction = (found[2] or "")[:7]
    return _parsed(record, name, f"{found[1]}{fraction}", found[3], zone)


def need_moment(record: Record, name: str, zone: tzinfo = UTC) -> datetime:
    """Give a date and time; raises ``Refused`` when it is not there."""
    found = moment(record, name, zone)
    if found is None:
        raise Refused(Refusal.MISSING_FIELD, record.path(name), "a required element is missing")
    return found


def day(record: Record, name: str, own: tuple[datetime | None, ...], zone: tzinfo = UTC) -> datetime | None:
    """Give the moment a date stands for, or None; a field that holds a time after all is that time.

    ``own`` are moments of the message itself, in order of preference.
    """
    text = record.text(name)
    if text is None:
        return None
    found = _DATE.fullmatch(text)
    if found is None:
        return moment(record, name, zone)
    first = _parsed(record, name, f"{found[1]}T00:00:00", found[2], zone)
    return next((each for each in own if each is not None and each.date() == first.date()), first)


def known_by(moment_: datetime, made: datetime) -> datetime:
    """Give when a fact of a message became true, for its event time: at the latest when the message was made.

    Banks date what they do in the evening to the next business day. More than that ahead is a wrong clock, and stays.
    """
    return made if made < moment_ <= made + _ROLLOVER_MAX else moment_


def date_of(record: Record, name: str) -> date | None:
    """Give a date as it is written, or that of a date and time; None when it is not there."""
    text = record.text(name)
    if text is None:
        return None
    found = _DATE.fullmatch(text) or _MOMENT.fullmatch(text)
    if found is None:
        raise _no_time(record, name)
    return _parsed(record, name, f"{found[1][:10]}T00:00:00", None, UTC).date()


def _parsed(record: Record, name: str, local: str, offset: str | None, zone: tzinfo) -> datetime:
    try:
        parsed = datetime.fromisoformat(local + (offset or ""))
    except ValueError:
        raise _no_time(record, name) from None
    parsed = parsed if offset else parsed.replace(tzinfo=zone)
    if not _YEAR_MIN <= parsed.year <= _EDGE_YEAR or abs(parsed.utcoffset() or timedelta()) > timedelta(hours=14):
        raise _no_time(record, name)
    return parsed


def _no_time(record: Record, name: str) -> Refused:
    return Refused(Refusal.WRONG_TYPE, record.path(name), "not a date or time of ISO 20022 from 1970 on")
