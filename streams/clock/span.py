"""Lengths of time as people write them: ``90s``, ``15m``, ``24h``, ``30d``."""

import re

from streams.clock.millis import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

_UNITS = {"ms": 1, "s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
_SPAN = re.compile(r"([0-9]{1,9})\s*(ms|s|m|h|d)")


class SpanError(ValueError):
    """The text is not a length of time."""


def parse_span(text: str) -> int:
    """Turn ``24h`` into milliseconds; raises ``SpanError`` with what to write instead."""
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        message = f"{text!r} is not a length of time; write a number and a unit, like 90s, 15m, 24h or 30d"
        raise SpanError(message)
    return int(match[1]) * _UNITS[match[2]]


def span_text(millis: int) -> str:
    """Write milliseconds with the largest unit that divides them: ``86_400_000`` as ``24h``, ``2_592_000_000`` as ``30d``."""
    for unit, size in (("d", DAY_MS), ("h", HOUR_MS), ("m", MINUTE_MS), ("s", SECOND_MS)):
        if millis and millis % size == 0 and not (unit == "d" and millis == DAY_MS):
            return f"{millis // size}{unit}"
    return f"{millis}ms"


def rough_span(millis: int) -> str:
    """Write a measured length of time for people, in its two largest units: ``93d 4h``, ``12m 30s``; ``unknown`` below 0."""
    if millis < 0:
        return "unknown"
    parts: list[tuple[int, str]] = []
    for unit, size in (("d", DAY_MS), ("h", HOUR_MS), ("m", MINUTE_MS), ("s", SECOND_MS)):
        count, millis = divmod(millis, size)
        if count or parts:
            parts.append((count, unit))
    return " ".join(f"{count}{unit}" for count, unit in parts[:2] if count) or "0s"
