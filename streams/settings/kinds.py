"""Kinds of settings: how text becomes a value, which values are allowed, how a value is shown.

Each kind answers three questions. ``from_text``: what an environment variable's text means. ``from_file``: what a TOML
value means. ``check``: is this value allowed. All three raise ``ValueError`` with the rest of a sentence that starts with
the setting's name.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from streams.clock import SpanError, parse_span, span_text

_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0"})
_PASSWORD = re.compile(r"(?P<user>://[^/@\s]*?:)[^/\s]*@")
_QUERY_PASSWORD = re.compile(r"(?i)(?P<name>\b(?:ssl)?password=)[^&\s]*")


def hide_passwords(text: str) -> str:
    """Replace the passwords of all URLs in a text by ``***``."""
    return _QUERY_PASSWORD.sub(r"\g<name>***", _PASSWORD.sub(r"\g<user>***@", text))


class Kind(Protocol):
    """What a setting may be."""

    @property
    def range(self) -> str:
        """Name the allowed values, for people."""

    def from_text(self, text: str) -> object:
        """Give the value an environment variable means."""

    def from_file(self, value: object) -> object:
        """Give the value an entry of a TOML file means."""

    def check(self, value: object) -> None:
        """Raise ``ValueError`` for a value of the wrong type or out of range."""

    def show(self, value: object) -> str:
        """Write the value as one would set it, without secrets."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number."""

    least: int
    most: int

    @property
    def range(self) -> str:
        """Both ends belong to it."""
        return f"a whole number from {self.least} to {self.most}"

    def from_text(self, text: str) -> object:
        """Digits, with a sign and underscores if one likes."""
        try:
            return int(text)
        except ValueError:
            raise ValueError(f"{text!r} is not {self.range}") from None

    def from_file(self, value: object) -> object:
        """Take it as it is."""
        return value

    def check(self, value: object) -> None:
        """Refuse booleans too, which Python counts among the whole numbers."""
        if not isinstance(value, int) or isinstance(value, bool) or not self.least <= value <= self.most:
            raise ValueError(f"{value!r} is not {self.range}")

    def show(self, value: object) -> str:
        """Digits."""
        return str(value)


@dataclass(frozen=True, slots=True)
class Seconds:
    """A short length of real time (never of event time, which is a ``Span``)."""

    least: float
    most: float

    @property
    def range(self) -> str:
        """Both ends belong to it."""
        return f"a number of seconds from {self.least:g} to {self.most:g}"

    def from_text(self, text: str) -> object:
        """A decimal number."""
        try:
            return float(text)
        except ValueError:
            raise ValueError(f"{text!r} is not {self.range}") from None

    def from_file(self, value: object) -> object:
        """A whole number of seconds is a number of seconds."""
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    def check(self, value: object) -> None:
        """Refuse what is no number, and NaN, which is in no range."""
        if not isinstance(value, float) or not self.least <= value <= self.most:
            raise ValueError(f"{value!r} is not {self.range}")

    def show(self, value: object) -> str:
        """A decimal number."""
        return f"{value:g}"


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time as people write it; its value is milliseconds."""

    least: int
    most: int

    @property
    def range(self) -> str:
        """Both ends belong to it."""
        return f"a length of time from {span_text(self.least)} to {span_text(self.most)}, like 90s, 24h or 3d"

    def from_text(self, text: str) -> object:
        """A number and a unit."""
        try:
            return parse_span(text)
        except SpanError:
            raise ValueError(f"{text!r} is not {self.range}") from None

    def from_file(self, value: object) -> object:
        """A number alone has no unit, so it must be text."""
        if not isinstance(value, str):
            raise ValueError(f"{value!r} is not {self.range}, in quotes")  # noqa: TRY004 - the caller catches one kind of error
        return self.from_text(value)

    def check(self, value: object) -> None:
        """Take milliseconds."""
        if not isinstance(value, int) or isinstance(value, bool) or not self.least <= value <= self.most:
            shown = span_text(value) if isinstance(value, int) else repr(value)
            raise ValueError(f"{shown} is not {self.range}")

    def show(self, value: object) -> str:
        """With the largest unit that fits."""
        return span_text(value) if isinstance(value, int) else repr(value)


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no."""

    @property
    def range(self) -> str:
        """The two words."""
        return "true or false"

    def from_text(self, text: str) -> object:
        """Yes and no in the customary spellings."""
        word = text.strip().lower()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        raise ValueError(f"{text!r} is not {self.range}")

    def from_file(self, value: object) -> object:
        """Take it as it is."""
        return value

    def check(self, value: object) -> None:
        """Refuse 0 and 1, which TOML does not take for booleans either."""
        if not isinstance(value, bool):
            raise ValueError(f"{value!r} is not {self.range}")  # noqa: TRY004 - the caller catches one kind of error

    def show(self, value: object) -> str:
        """As TOML writes it."""
        return str(value).lower()


@dataclass(frozen=True, slots=True)
class Choice:
    """One word out of a closed set."""

    words: type[StrEnum]

    @property
    def range(self) -> str:
        """All words."""
        return "one of " + ", ".join(self.words)

    def from_text(self, text: str) -> object:
        """Case does not matter."""
        try:
            return self.words(text.strip().lower())
        except ValueError:
            raise ValueError(f"{text!r} is not {self.range}") from None

    def from_file(self, value: object) -> object:
        """The same words."""
        return self.from_text(value) if isinstance(value, str) else value

    def check(self, value: object) -> None:
        """Take members only."""
        if not isinstance(value, self.words):
            raise ValueError(f"{value!r} is not {self.range}")  # noqa: TRY004 - the caller catches one kind of error

    def show(self, value: object) -> str:
        """The word."""
        return str(value)


@dataclass(frozen=True, slots=True)
class Words:
    """Text that must look like something; ``secret`` text is never repeated in an error."""

    range: str
    fits: Callable[[str], bool]
    secret: bool = False

    def from_text(self, text: str) -> object:
        """Take it as it is."""
        return text

    def from_file(self, value: object) -> object:
        """Take it as it is."""
        return value

    def check(self, value: object) -> None:
        """Ask ``fits``."""
        if not isinstance(value, str) or not self.fits(value):
            shown = "this value" if self.secret else repr(value)
            raise ValueError(f"{shown} is not {self.range}")

    def show(self, value: object) -> str:
        """Without the passwords of URLs."""
        return hide_passwords(str(value))


def is_bootstrap(text: str) -> bool:
    """Tell whether a text is a list of ``host:port``."""
    return all(_is_address(part.strip()) for part in text.split(","))


def _is_address(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(re.fullmatch(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]", host)) and port.isdigit() and 0 < int(port) < 1 << 16


def is_name(text: str) -> bool:
    """Tell whether a text can begin the name of a consumer group."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", text) is not None


def is_instance(text: str) -> bool:
    """Tell whether a text can be the lasting name of a worker, or is empty."""
    return not text or is_name(text)


def is_path(text: str) -> bool:
    """Tell whether a text can name a file, or is empty; whether the file is there, its reader finds out."""
    return "\0" not in text and "\n" not in text


def is_user(text: str) -> bool:
    """Tell whether a text can be a user of Kafka, or is empty."""
    return re.fullmatch(r"[^\s,=]{0,200}", text) is not None


def is_host(text: str) -> bool:
    """Tell whether a text can be an address to listen on."""
    return re.fullmatch(r"[A-Za-z0-9._:-]+", text) is not None


def is_store(text: str) -> bool:
    """Tell whether a text looks like the URL of a supported store; the store itself reads it."""
    return re.fullmatch(r"(sqlite|postgresql|postgres)(\+[a-z]+)?://\S*", text) is not None


def is_traces(text: str) -> bool:
    """Tell whether a text is empty or the URL of a collector."""
    return re.fullmatch(r"(https?://[^\s/]+\S*)?", text) is not None
