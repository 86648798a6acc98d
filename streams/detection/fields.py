"""Reading the fields of a rule or list file; each reader adds its findings and gives a harmless value on a fault."""

import re
from collections.abc import Collection
from datetime import date
from difflib import get_close_matches

from streams.clock import DAY_MS, SpanError, parse_span
from streams.detection.document import Item, Mapping, Sequence, Text
from streams.detection.findings import Findings, Spot

_UNKNOWN_MAX = 50
"""Keys that mean nothing are named one by one up to so many."""
ID = re.compile(r"[a-z][a-z0-9-]{1,62}")


class Fields:
    """The keys of one map, read by type."""

    def __init__(self, document: Mapping, findings: Findings) -> None:
        """Keep the map and where faults go."""
        self.document, self.findings = document, findings

    def unknown(self, allowed: Collection[str]) -> None:
        """Name every key that means nothing."""
        unknown = [(key, spot) for key, (spot, _) in self.document.entries.items() if key not in allowed]
        for key, spot in unknown[:_UNKNOWN_MAX]:
            near = get_close_matches(key, allowed, 1)
            advice = f"did you mean {near[0]!r}?" if near else "known keys: " + ", ".join(sorted(allowed))
            self.findings.error(spot, f"unknown key {key!r}", advice)
        if len(unknown) > _UNKNOWN_MAX:
            told = f"{len(unknown) - _UNKNOWN_MAX:,} more unknown keys from here on"
            self.findings.error(unknown[_UNKNOWN_MAX][1], told, "is this a rule?")

    def text(self, key: str, *, required: bool = True, length_max: int = 400) -> str:
        """Read one text."""
        item = self.document.get(key)
        if item is None:
            if required:
                self.findings.error(self.document.spot, f"the key {key!r} is missing", f"add '{key}: ...'")
            return ""
        if not isinstance(item, Text) or not item.value.strip() or len(item.value) > length_max:
            self.findings.error(item.spot, f"{key!r} must be a text of 1 to {length_max} characters")
            return ""
        return item.value

    def word(self, key: str, allowed: Collection[str], default: str = "") -> str:
        """Read one of a closed set of words."""
        value = self.text(key, required=not default) or default
        if value and value not in allowed:
            near = get_close_matches(value, allowed, 1)
            advice = f"did you mean {near[0]!r}?" if near else "write one of: " + ", ".join(allowed)
            self.findings.error(self.spot(key), f"{key!r} cannot be {value!r}", advice)
            return ""
        return value

    def identity(self, key: str = "id") -> str:
        """Read an id: lower case letters, digits and dashes."""
        value = self.text(key)
        if value and not ID.fullmatch(value):
            self.findings.error(self.spot(key), f"{value!r} is no id", "use lower case letters, digits and dashes")
        return value

    def spot(self, key: str) -> Spot:
        """Give the place of a key's value."""
        item = self.document.get(key)
        return item.spot if item is not None else self.document.spot

    def span(self, key: str, default: str, most_ms: int) -> int:
        """Read a length of time up to ``most_ms``."""
        value = self.text(key, required=False) or default
        try:
            millis = parse_span(value)
        except SpanError as error:
            self.findings.error(self.spot(key), str(error))
            return 0
        if millis > most_ms:
            self.findings.error(self.spot(key), f"{key!r} is longer than {most_ms // DAY_MS}d", "shorten it")
        return millis

    def whole(self, key: str, default: int) -> int:
        """Read a whole number of at least 1."""
        value = self.text(key, required=False)
        if not value:
            return default
        if not re.fullmatch("[1-9][0-9]{0,8}", value):
            self.findings.error(self.spot(key), f"{key!r} must be a whole number from 1")
            return default
        return int(value)

    def texts(self, key: str) -> list[Text]:
        """Read a list of texts, or one text; a missing key is an empty list."""
        item = self.document.get(key)
        if item is None:
            return []
        if isinstance(item, Text):
            return [item]
        if isinstance(item, Sequence) and all(isinstance(each, Text) for each in item):
            return [each for each in item if isinstance(each, Text)]
        self.findings.error(item.spot, f"{key!r} must be a list of texts")
        return []

    def words(self, key: str) -> list[Text]:
        """Read a list of texts of which none stands twice."""
        found: dict[str, Text] = {}
        for each in self.texts(key):
            if found.setdefault(each.value, each) is not each:
                self.findings.error(each.spot, f"{each.value!r} stands twice under {key!r}", "keep one of them")
                break
        return [*found.values()]

    def maps(self, key: str) -> list[Mapping]:
        """Read a list of maps; a missing key is an empty list."""
        item = self.document.get(key)
        if item is None:
            return []
        if isinstance(item, Sequence) and all(isinstance(each, Mapping) for each in item):
            return [each for each in item if isinstance(each, Mapping)]
        self.findings.error(item.spot, f"{key!r} must be a list of entries, each with keys", "start each with '- '")
        return []

    def mapping(self, key: str) -> dict[str, tuple[Spot, Item]]:
        """Read a map; a missing key is an empty map."""
        item = self.document.get(key)
        if item is None:
            return {}
        if isinstance(item, Mapping):
            return item.entries
        self.findings.error(item.spot, f"{key!r} must have keys of its own", "indent 'name: value' below it")
        return {}

    def day(self, key: str, *, required: bool = True) -> int:
        """Read a date (UTC, its first moment) in milliseconds; 0 when missing."""
        value = self.text(key, required=required)
        if not value:
            return 0
        try:
            return (date.fromisoformat(value) - date(1970, 1, 1)).days * DAY_MS
        except ValueError:
            self.findings.error(self.spot(key), f"{value!r} is not a date", "write 2026-12-31")
            return 0
