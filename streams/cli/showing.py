"""How commands show what they found: texts from outside, times, JSON."""

from datetime import UTC, datetime
from typing import Final

import msgspec
from rich.console import Console
from rich.text import Text

from streams.clock import SpanError, from_datetime, parse_span, to_text
from streams.errors import UsageError

_TIMES: Final = frozenset(
    {
        "first_hit", "last_hit", "event_at", "detected_at", "first_stored_at", "stored_at", "time", "kafka_time", "retried_at",
        "at", "status_at", "changed_at",
    }
)  # fmt: skip
_PLAIN_WIDTH: Final = 80
"""What rich takes where there is no terminal and nobody says how wide."""
_FILE_WIDTH: Final = 120


def screen() -> Console:
    """Give standard output: as wide as the terminal, or wide enough for tables to keep their names whole in a file."""
    console = Console()
    if console.is_terminal or console.width != _PLAIN_WIDTH:
        return console
    return Console(width=_FILE_WIDTH)


def moment(since: str) -> int:
    """Read a length of time back from now, or a date."""
    try:
        return from_datetime(datetime.now(UTC)) - parse_span(since)
    except SpanError:
        pass
    try:
        found = datetime.fromisoformat(since)
    except ValueError:
        message = f"--since {since!r} is no time; write 24h, 7d, 2026-03-01 or 2026-03-01T08:30Z"
        raise UsageError(message) from None
    return from_datetime(found if found.tzinfo else found.replace(tzinfo=UTC))


def zoned(option: str, text: str) -> int:
    """Read a time with a zone; raises UsageError that names the option."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise UsageError(
            f"{option}: {text!r} is not a time with a zone; write 2026-03-01T08:30+01:00 or 2026-03-01T07:30Z"
        )
    return from_datetime(found)


def as_json(shown: object) -> str:
    """Write structs by name, times in RFC 3339."""
    return msgspec.json.format(msgspec.json.encode(_times_as_text(_by_name(shown)))).decode()


def _by_name(shown: object) -> object:
    """Give structs as objects with names, those that travel as arrays too."""
    if isinstance(shown, msgspec.Struct):
        return {name: _by_name(getattr(shown, name)) for name in shown.__struct_fields__}
    if isinstance(shown, list | tuple):
        return [_by_name(item) for item in shown]
    return shown


def _times_as_text(shown: object) -> object:
    if isinstance(shown, dict):
        return {
            name: to_text(value) if name in _TIMES and isinstance(value, int) else _times_as_text(value)
            for name, value in shown.items()
        }
    return [_times_as_text(item) for item in shown] if isinstance(shown, list) else shown


def plain(text: str, style: str = "") -> Text:
    """Give text from outside as it is: no markup, and nothing that commands a terminal."""
    return Text("".join(letter if letter.isprintable() else "?" for letter in text), style=style)


def as_time(millis: int | None) -> str:
    """Write a moment of UTC for people; nothing for none."""
    return "" if millis is None else to_text(millis).replace("T", " ").removesuffix("Z")
