"""YAML with positions: a small tree of text, lists and maps that remembers where everything stands.

Nothing is constructed from tags and no alias is followed, so a file cannot run code or blow up in memory.
"""

import re
from collections.abc import Iterator
from io import StringIO
from typing import Final, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from streams.detection.findings import Findings, Spot

BYTES_MAX: Final = 256 * 1024
DEPTH_MAX: Final = 12
BRACKETS_MAX: Final = 100
_BRACKET: Final = re.compile(r"[\[\]{}]")


class Lines(NamedTuple):
    """A text over several lines as it stands in the file, from the line and column (from 0) of its first character on."""

    texts: tuple[str, ...]
    line: int
    column: int


class Text:
    """A scalar as written; ``quoted`` tells how far its first character stands from ``spot``."""

    def __init__(self, spot: Spot, value: str, *, quoted: bool, kind: str, lines: Lines | None = None) -> None:
        """``kind`` is the YAML core type of a plain scalar: str, int, float, bool, null."""
        self.spot, self.value, self.quoted, self.kind, self.lines = spot, value, quoted, kind, lines

    def at(self, offset: int) -> Spot:
        """Give the place of the character at ``offset`` of the value; over several lines, that of a character that is no space.

        Folding changes nothing but white space, so the other characters are counted off.
        """
        if self.lines is None:
            return self.spot._replace(column=self.spot.column + offset + self.quoted)
        left = sum(not letter.isspace() for letter in self.value[:offset])
        place, column = self.spot, self.lines.column
        for number, text in enumerate(self.lines.texts, self.lines.line + 1):
            for at, letter in enumerate(text[column:], column):
                if not letter.isspace():
                    place = self.spot._replace(line=number, column=at + 1)
                    if not left:
                        return place
                    left -= 1
            column = 0
        return place


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
    if (unfit := _unfit(text)) is not None:
        findings.error(start, *unfit)
        return None
    yaml = YAML(typ="safe", pure=True)
    try:
        # Looked for before anything is built; a text without the sign has none, and reading twice is most of a check's time.
        for event in yaml.parse(StringIO(text)) if "*" in text else ():
            if isinstance(event, AliasEvent):
                spot = Spot(file, event.start_mark.line + 1, event.start_mark.column + 1)
                findings.error(spot, "aliases (*name) are not allowed", "write the value out")
                return None
        node = yaml.compose(StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        spot = Spot(file, mark.line + 1, mark.column + 1) if mark else start
        findings.error(spot, f"not YAML: {error.problem or error.context}", "check indentation, quotes and colons")
        return None
    except (YAMLError, RecursionError, ValueError) as error:
        findings.error(start, f"not YAML: {type(error).__name__}", "check indentation, quotes and colons")
        return None
    if not isinstance(node, MappingNode):
        findings.error(start, "the file is not a map of keys", "start with 'id: name-of-the-rule'")
        return None
    before = len(findings)
    item = _convert(_Source(file, tuple(text.split("\n"))), node, findings, DEPTH_MAX)
    return item if isinstance(item, Mapping) and len(findings) == before else None


def _unfit(text: str) -> tuple[str, str] | None:
    """Say why a text is not even read: its size, or brackets that no rule needs (reading takes the square of their number)."""
    if len(text) > BYTES_MAX:
        return f"the file is larger than {BYTES_MAX // 1024} KiB", "split it: one rule per file"
    depth = 0
    for sign in _BRACKET.findall(text):
        depth += 1 if sign in "[{" else -1
        if depth > BRACKETS_MAX:
            return "brackets are nested too deeply", "close them"
    return None


class _Source(NamedTuple):
    file: str
    lines: tuple[str, ...]

    def spot(self, node: Node) -> Spot:
        return Spot(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def several(self, node: ScalarNode) -> Lines | None:
        """Give the lines of a text that does not stand on one line as it is."""
        start, end = node.start_mark, node.end_mark
        if node.style in {">", "|"}:
            return Lines(self.lines[start.line + 1 : end.line + 1], start.line + 1, 0)
        if end.line == start.line:
            return None
        column = start.column + (node.style in {"'", '"'})
        return Lines(self.lines[start.line : end.line + 1], start.line, column)


def _convert(source: _Source, node: Node, findings: Findings, depth: int) -> Item:
    spot = source.spot(node)
    if depth == 0:
        findings.error(spot, f"nested deeper than {DEPTH_MAX} levels", "no part of a rule needs that")
        return Text(spot, "", quoted=False, kind="null")
    if isinstance(node, SequenceNode):
        return Sequence(spot, [_convert(source, child, findings, depth - 1) for child in node.value])
    if isinstance(node, MappingNode):
        entries: dict[str, tuple[Spot, Item]] = {}
        for key, value in node.value:
            place = source.spot(key)
            if not isinstance(key, ScalarNode):
                findings.error(place, "a key must be a word")
            elif key.value in entries:
                findings.error(place, f"the key {key.value!r} stands twice", "keep one of them")
            else:
                entries[key.value] = place, _convert(source, value, findings, depth - 1)
        return Mapping(spot, entries)
    kind = str(node.tag).rpartition(":")[2]
    style = node.style if isinstance(node, ScalarNode) else ""
    lines = source.several(node) if isinstance(node, ScalarNode) else None
    return Text(spot, node.value, quoted=style in {"'", '"'}, kind=kind, lines=lines)
