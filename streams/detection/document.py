"""YAML with positions: a small tree of text, lists and maps that remembers where everything stands.

Nothing is constructed from tags and no alias is followed, so a file cannot run code or blow up in memory.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

import yaml
from yaml.events import (
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from streams.detection.findings import Finding, Findings, Spot

BYTES_MAX: Final = 256 * 1024
DEPTH_MAX: Final = 12
BRACKETS_MAX: Final = 100
_BRACKET: Final = re.compile(r"[\[\]{}]")
_LINE_END: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_QUOTES: Final = frozenset({"'", '"'})
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
"""Characters that nobody sees: a text that holds one says something else than what is read, and so approved.

Not among them are those that join letters (U+200C, U+200D): some scripts are not written without.
"""


class Lines(NamedTuple):
    """A text over several lines as it stands in the file, from the line and column (from 0) of its first character on."""

    texts: tuple[str, ...]
    line: int
    column: int


class Text:
    """A scalar as written; ``quoted`` tells how far its first character stands from ``spot``."""

    def __init__(self, spot: Spot, value: str, *, quoted: bool = False, lines: Lines | None = None) -> None:
        """Keep the characters; whether they look like a number or a date to YAML is nobody's business here."""
        self.spot, self.value, self.quoted, self.lines = spot, value, quoted, lines

    def at(self, offset: int) -> Spot:
        """Give the place of the character at ``offset`` of the value; over several lines, that of a character that is no space.

        Folding changes nothing but white space, so the other characters are counted off.
        """
        if self.lines is None:
            return self.spot._replace(column=self.spot.column + offset + self.quoted)
        left = sum(not letter.isspace() for letter in self.value[:offset])
        line, column, start = self.spot.line, self.spot.column, self.lines.column
        for number, text in enumerate(self.lines.texts, self.lines.line + 1):
            for at, letter in enumerate(text[start:], start + 1):
                if not letter.isspace():
                    line, column = number, at
                    if not left:
                        return Spot(self.spot.file, line, column)
                    left -= 1
            start = 0
        return Spot(self.spot.file, line, column)


class Sequence:
    """A list."""

    def __init__(self, spot: Spot, items: "list[Item]") -> None:
        """Keep the items in order."""
        self.spot, self.items = spot, items

    def __iter__(self) -> "Iterator[Item]":
        """Go through the items."""
        return iter(self.items)


class Mapping:
    """A map; keys are text and stand once."""

    def __init__(self, spot: Spot, entries: "dict[str, tuple[Spot, Item]]") -> None:
        """Entries hold the place of the key and the value."""
        self.spot, self.entries = spot, entries

    def get(self, key: str) -> "Item | None":
        """Give the value of a key, or None."""
        found = self.entries.get(key)
        return found[1] if found else None

    def spot_of(self, key: str) -> Spot:
        """Give the place of a key, or of the map where the key is missing."""
        found = self.entries.get(key)
        return found[0] if found else self.spot


Item = Text | Sequence | Mapping


def read_document(file: str, text: str, findings: Findings) -> Mapping | None:
    """Give the top map of a file; on any fault add findings and give None."""
    start = Spot(file, 1, 1)
    if (unfit := _unfit(start, text)) is not None:
        findings.append(unfit)
        return None
    before = len(findings)
    try:
        item = _Reading(file, text, findings).document()
    except yaml.MarkedYAMLError as error:
        line, column = _place(error.problem_mark or error.context_mark)
        lines = _LINE_END.split(text)
        if line >= len(lines):  # what is missing at the end is missed on the line after the last
            line, column = len(lines) - 1, len(lines[-1])
        findings.error(
            Spot(file, line + 1, column + 1),
            f"not YAML: {error.problem or error.context}",
            "check indentation, quotes and colons",
        )
        return None
    except (yaml.YAMLError, ValueError) as error:
        findings.error(start, f"not YAML: {type(error).__name__}", "check indentation, quotes and colons")
        return None
    if len(findings) > before:
        return None
    if not isinstance(item, Mapping):
        findings.error(start, "the file is not a map of keys", "start with 'id: name-of-the-rule'")
        return None
    return item


def _unfit(start: Spot, text: str) -> Finding | None:
    """Say why a text is not even read: size, a character unseen, or brackets no rule needs (reading takes their square)."""
    if len(text) > BYTES_MAX:
        return Finding(start, f"the file is larger than {BYTES_MAX // 1024} KiB", "split it: one rule per file")
    depth = 0
    for sign in _BRACKET.findall(text):
        depth += 1 if sign in "[{" else -1
        if depth > BRACKETS_MAX:
            return Finding(start, "brackets are nested too deeply", "close them")
    unseen = _UNSEEN.search(text)
    if unseen is None:
        return None
    lines = _LINE_END.split(text[: unseen.start()])
    return Finding(start._replace(line=len(lines), column=len(lines[-1]) + 1), *_told(unseen))


def _told(unseen: re.Match[str]) -> tuple[str, str]:
    """Name a character that cannot be seen."""
    name = unicodedata.name(unseen[0], "a control character").lower()
    return f"a character that cannot be seen: U+{ord(unseen[0]):04X}, {name}", "delete it, or type the words anew"


class _Reading:
    """Makes the tree from the events of libyaml, in one pass; each method takes the events of what it reads."""

    def __init__(self, file: str, text: str, findings: Findings) -> None:
        self.file, self.findings = file, findings
        self.lines = tuple(_LINE_END.split(text))
        self.events: Iterator[Event] = yaml.parse(text, Loader=yaml.CSafeLoader)

    def document(self) -> Item | None:
        """Give what the file holds, None for nothing; after a finding it may be only a part."""
        found: Item | None = None
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                if found is not None:
                    self.findings.error(self.spot(event), "a second document begins here", "write one file for each")
                    break
                found = self.item(next(self.events), DEPTH_MAX)
        return found

    def spot(self, event: Event) -> Spot:
        line, column = _place(event.start_mark)
        return Spot(self.file, line + 1, column + 1)

    def item(self, event: Event, depth: int) -> Item:
        spot = self.spot(event)
        if depth == 0:
            self.findings.error(spot, f"nested deeper than {DEPTH_MAX} levels", "no part of a rule needs that")
            self.skip(event)
        elif isinstance(event, ScalarEvent):
            self.look(event, spot)
            return Text(spot, event.value, quoted=event.style in _QUOTES, lines=self.several(event))
        elif isinstance(event, SequenceStartEvent):
            return Sequence(spot, [self.item(child, depth - 1) for child in self.inside()])
        elif isinstance(event, MappingStartEvent):
            return Mapping(spot, self.entries(depth))
        else:
            self.findings.error(spot, "aliases (*name) are not allowed", "write the value out")
        return Text(spot, "")

    def look(self, event: ScalarEvent, spot: Spot) -> None:
        """Find what cannot be seen and was written as an escape."""
        if event.style == '"' and (unseen := _UNSEEN.search(event.value)) is not None:
            self.findings.error(spot, *_told(unseen))

    def inside(self) -> Iterator[Event]:
        """Give the first event of each part of a list or map, up to its end."""
        while not isinstance(event := next(self.events), CollectionEndEvent):
            yield event

    def entries(self, depth: int) -> dict[str, tuple[Spot, Item]]:
        entries: dict[str, tuple[Spot, Item]] = {}
        for key in self.inside():
            spot = self.spot(key)
            if not isinstance(key, ScalarEvent):
                self.findings.error(spot, "a key must be a word")
                self.skip(key)
            else:
                self.look(key, spot)
                if key.value in entries:
                    self.findings.error(spot, f"the key {key.value!r} stands twice", "keep one of them")
            value = self.item(next(self.events), depth - 1)
            if isinstance(key, ScalarEvent):
                entries.setdefault(key.value, (spot, value))
        return entries

    def skip(self, event: Event) -> None:
        """Go past all that belongs to an event."""
        depth = int(isinstance(event, CollectionStartEvent))
        while depth:
            event = next(self.events)
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)

    def several(self, event: ScalarEvent) -> Lines | None:
        """Give the lines of a text that does not stand on one line as it is."""
        (line, column), (last, _) = _place(event.start_mark), _place(event.end_mark)
        if event.style in {">", "|"}:
            return Lines(self.lines[line + 1 : last + 1], line + 1, 0)
        if last == line:
            return None
        return Lines(self.lines[line : last + 1], line, column + (event.style in _QUOTES))


class _Mark(Protocol):
    line: int
    column: int


def _place(mark: _Mark | None) -> tuple[int, int]:
    """Give line and column of an event, from 0; every event of a text has a mark."""
    return (mark.line, mark.column) if mark is not None else (0, 0)
