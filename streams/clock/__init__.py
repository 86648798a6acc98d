"""Event time: milliseconds since 1970-01-01 UTC, and its text forms."""

from streams.clock.millis import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, from_datetime, to_datetime, to_text
from streams.clock.span import SpanError, parse_span, rough_span, span_text
from streams.clock.zones import QUARTER_MS, quarters_ahead

__all__ = [
    "DAY_MS",
    "HOUR_MS",
    "MINUTE_MS",
    "QUARTER_MS",
    "SECOND_MS",
    "SpanError",
    "from_datetime",
    "parse_span",
    "quarters_ahead",
    "rough_span",
    "span_text",
    "to_datetime",
    "to_text",
]
