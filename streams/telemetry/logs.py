"""Log lines: one per record, UTC, to standard error, as JSON for machines or text for people; never a password."""

import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final, TextIO

import msgspec

from streams.clock import to_text

_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
QUIET: Final = ("faust", "mode", "aiokafka", "kafka", "asyncio", "alembic")
"""Libraries that say at INFO what concerns only their authors; their warnings are heard."""
SPARSE_SECONDS: Final = 30.0
_PASSWORD = re.compile(r"(?i)(?P<before>://[^/@\s]*?:|\b(?:ssl|sasl_plain_)?password['\"]?[=:] ?['\"]?)[^@&\s'\"]+")


_about: ContextVar[Mapping[str, object]] = ContextVar("about", default=MappingProxyType({}))


@contextmanager
def about(**fields: object) -> Iterator[None]:
    """Add these fields to every line said inside, in this task and in threads begun from it: ``topic``, ``partition`` and others.

    No field holds an account or another token of a person.
    """
    token = _about.set({**_about.get(), **fields})
    try:
        yield
    finally:
        _about.reset(token)


class Sparse(logging.Filter):
    """Lets a library say one thing once in a while only: without a broker its client says five things ten times a second."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        super().__init__()
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record may pass; the text counts, not what is filled in."""
        if record.name.partition(".")[0] not in QUIET:
            return True
        what = record.name, str(record.msg)
        if record.created - self._said.get(what, 0.0) < SPARSE_SECONDS:
            return False
        self._said[what] = record.created
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``time``, ``level``, ``logger``, ``message``, ``error``, the fields of ``about`` and the caller's."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the record; what JSON cannot say is written as text."""
        line: dict[str, object] = {
            "time": to_text(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": hide(record.getMessage()),
        }
        line |= {name: _plain(value) for name, value in _about.get().items()}
        line |= {name: _plain(value) for name, value in vars(record).items() if name not in _OWN and name not in line}
        if record.exc_info:
            line["error"] = hide(self.formatException(record.exc_info))
        return msgspec.json.encode(line).decode()


class TextFormatter(logging.Formatter):
    """``time LEVEL logger: message``; a line break inside a message is written out, so that nobody can forge a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the record; a stack trace follows on lines of its own."""
        message = hide(record.getMessage()).replace("\r", "\\r").replace("\n", "\\n")
        line = f"{to_text(int(record.created * 1000))} {record.levelname:<7} {record.name}: {message}"
        return f"{line}\n{hide(self.formatException(record.exc_info))}" if record.exc_info else line


def setup_logging(level: str, style: str, stream: TextIO | None = None) -> None:
    """Send all logging to one place, replacing what was set up before. ``style`` is ``json`` or ``text``."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    handler.addFilter(Sparse())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(
            max(logging.WARNING, root.level) if root.level > logging.DEBUG else logging.DEBUG
        )
    logging.captureWarnings(capture=True)


def hide(text: str) -> str:
    """Replace what looks like a password, in a URL or beside that word; settings hide theirs, drivers may not."""
    return _PASSWORD.sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    # A port after "://host:" is no password: only what an "@" follows is.
    before = found["before"]
    is_url = before.startswith("://")
    if is_url and found.string[found.end() : found.end() + 1] != "@":
        return found[0]
    return f"{before}***"


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    return hide(str(value))
