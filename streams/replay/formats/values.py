"""From the text of a cell to an amount or a time: exact, or refused by name; nothing is guessed."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from streams.clock import DAY_MS, HOUR_MS, from_datetime, to_text
from streams.errors import UsageError
from streams.events.refusals import AMOUNT_MINOR_MAX, Refusal, Refused
from streams.money import TooManyDecimals, UnknownCurrency, exponent, parse_major
from streams.replay.formats.mapping import Layout

NULLS: Final = frozenset({"", "null", "none", "nan", "na", "n/a", "-", "\\n"})
"""What files write for a value that is not there, in lower case."""
_NUMBER: Final = re.compile(r"[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,2})?")
_EXACT: Final = Context(prec=200)
_STEPS: Final = {"days": DAY_MS, "hours": HOUR_MS}
_EPOCHS: Final = {"epoch-s": 1_000, "epoch-ms": 1}
_LAST_MS: Final = from_datetime(datetime.max.replace(tzinfo=UTC))


def minor_of(text: str, currency: str, layout: Layout, *, rounded: bool = False) -> int:
    """Turn an amount in major units into minor units; raises ``Refused`` with an empty field."""
    number = _number(text.strip(), layout)
    if number <= 0:
        raise Refused(Refusal.AMOUNT_NOT_POSITIVE, "", "an amount is at least 1 minor unit")
    if number > AMOUNT_MINOR_MAX:
        raise Refused(Refusal.AMOUNT_TOO_LARGE, "", f"an amount is at most {AMOUNT_MINOR_MAX} minor units")
    try:
        if rounded:
            number = number.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_EVEN, _EXACT)
        minor = parse_major(number, currency)
    except UnknownCurrency:
        raise Refused(Refusal.UNKNOWN_CURRENCY, "currency", "not an ISO 4217 code in use") from None
    except TooManyDecimals:
        raise Refused(
            Refusal.AMOUNT_DECIMALS, "", f"an amount in {currency} has at most {exponent(currency)} decimals"
        ) from None
    if minor > AMOUNT_MINOR_MAX:
        raise Refused(Refusal.AMOUNT_TOO_LARGE, "", f"an amount is at most {AMOUNT_MINOR_MAX} minor units")
    if not minor:
        raise Refused(Refusal.AMOUNT_NOT_POSITIVE, "", "an amount is at least 1 minor unit")
    return minor


def _number(text: str, layout: Layout) -> Decimal:
    if text.lower() in NULLS:
        raise Refused(Refusal.MISSING_FIELD, "", "the amount is missing")
    plain = text
    if layout.thousands:
        whole, point, rest = text.partition(layout.decimal)
        if layout.thousands in whole and not _grouped(layout.thousands).fullmatch(whole):
            raise Refused(Refusal.WRONG_TYPE, "", "thousands are not separated in groups of three digits")
        plain = whole.replace(layout.thousands, "") + point + rest
    if layout.decimal != ".":
        plain = plain.replace(".", "?").replace(layout.decimal, ".")
    if not _NUMBER.fullmatch(plain):
        raise Refused(Refusal.WRONG_TYPE, "", f"not a number with {layout.decimal!r} before its decimals")
    try:
        return Decimal(plain)
    except InvalidOperation:
        raise Refused(Refusal.WRONG_TYPE, "", "not a number") from None


@lru_cache
def _grouped(thousands: str) -> re.Pattern[str]:
    return re.compile(rf"[+-]?[0-9]{{1,3}}({re.escape(thousands)}[0-9]{{3}})*")


def time_reader(formats: tuple[str, ...], zone: str) -> Callable[[str], str | None]:
    """Give a function from text to RFC 3339, or None where the text fits no form. Raises ``UsageError`` for a form that is none."""
    try:
        place = ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        raise UsageError(f"{zone!r} is no time zone; write one like UTC or Europe/Stockholm") from None
    readers = [_reader(form, place) for form in formats]

    @lru_cache(maxsize=4096)
    def read(text: str) -> str | None:
        for reader in readers:
            try:
                return to_text(reader(text))
            except (ValueError, OverflowError):
                continue
        return None

    return read


def _reader(form: str, zone: ZoneInfo) -> Callable[[str], int]:
    word, _, start = form.partition(":")
    if form == "iso":
        return lambda text: _millis(datetime.fromisoformat(text), zone)
    if form in _EPOCHS:
        return lambda text: _whole(text) * _EPOCHS[form]
    if word in _STEPS:
        try:
            first = _millis(datetime.combine(date.fromisoformat(start), datetime.min.time(), zone), zone)
        except ValueError:
            raise UsageError(f"{form!r}: write the first day after the colon, like {word}:2017-01-01") from None
        return lambda text: first + _whole(text) * _STEPS[word]
    if "%" not in form:
        raise UsageError(
            f"{form!r} is no form of time; write iso, epoch-s, epoch-ms, days:DATE, hours:DATE or like %d.%m.%Y"
        )
    return lambda text: _millis(datetime.strptime(text, form), zone)  # noqa: DTZ007  the zone is added where the text has none


def _millis(moment: datetime, zone: ZoneInfo) -> int:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _whole(text: str) -> int:
    """Read a step or a number of seconds; ``12.0`` is how some tools write 12."""
    if not re.fullmatch(r"[0-9]{1,15}(\.0+)?", text):
        raise ValueError(text)
    value = int(text.partition(".")[0])
    if value > _LAST_MS:
        raise ValueError(text)
    return value
