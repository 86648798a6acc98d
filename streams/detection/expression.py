"""The words of ``when`` and ``let``: a small grammar read into a tree with a column for every node.

::

    condition  := comparison joined by and / or, not, parentheses
    comparison := value (>= | <= | > | < | = | !=) value  |  value [not] in value  |  value is (missing | given)
    value      := sum of terms; term := factor * factor; factor := number | name | N% of factor | ( value )
    aggregate  := count of LEGS over SPAN  |  count distinct FIELD of LEGS over SPAN
                | (sum | min | max) amount of LEGS over SPAN
    LEGS       := [new] WORD [from rule-id, rule-id ...]
"""

import re
from dataclasses import dataclass, field
from typing import Final

DEPTH_MAX: Final = 20
_TOKEN = re.compile(r"\s*(?:([0-9][0-9_,]*(?:\.[0-9]+)?)(%)?|([A-Za-z][A-Za-z0-9_-]*)|(>=|<=|!=|[><=()*+,-]))")


class ExpressionError(ValueError):
    """The text is not an expression; ``column`` counts from 0 within the text."""

    def __init__(self, column: int, message: str, advice: str = "") -> None:
        """Say where, what, and what to write instead."""
        super().__init__(message)
        self.column, self.advice = column, advice


@dataclass(frozen=True, slots=True)
class Node:
    """A part of an expression: ``kind`` is an operator, ``number``, ``percent`` or ``name``."""

    kind: str
    column: int
    value: str = ""
    parts: "tuple[Node, ...]" = ()


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A value over a window of legs: ``how`` is count, distinct, sum, min or max."""

    how: str
    what: str
    legs: str
    span: str
    new: bool
    senders: tuple[str, ...]
    columns: dict[str, int] = field(compare=False, hash=False, default_factory=dict)


@dataclass(slots=True)
class _Reader:
    text: str
    tokens: list[tuple[str, str, int]]
    at: int = 0

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def column(self) -> int:
        return self.tokens[self.at][2] if self.at < len(self.tokens) else len(self.text)

    def take(self) -> tuple[str, str, int]:
        if self.at >= len(self.tokens):
            raise ExpressionError(len(self.text), "the expression ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def expect(self, word: str) -> None:
        if self.peek() != word:
            found = repr(self.peek()) if self.peek() else "the end"
            raise ExpressionError(self.column(), f"expected {word!r}, found {found}", f"write {word!r} here")
        self.at += 1


def _tokens(text: str) -> list[tuple[str, str, int]]:
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            raise ExpressionError(start, f"{text[start]!r} has no meaning here", "see the language in rules/README.md")
        number, percent, word, sign = match.groups()
        kind = "percent" if percent else "number" if number else "word" if word else "sign"
        value = number.replace(",", "").replace("_", "") if number else word or sign
        tokens.append((kind, value, match.end() - len((number or "") + (percent or "") + (word or "") + (sign or ""))))
        at = match.end()
    return tokens


def parse_condition(text: str) -> Node:
    """Read a condition or a value; raises ``ExpressionError``."""
    reader = _Reader(text, _tokens(text))
    node = _either(reader, DEPTH_MAX)
    if reader.at < len(reader.tokens):
        raise ExpressionError(
            reader.column(), f"{reader.peek()!r} is one word too many", "join conditions with 'and' or 'or'"
        )
    return node


def is_aggregate(text: str) -> bool:
    """Tell whether a ``let`` text starts like an aggregate."""
    return text.split(maxsplit=1)[:1] in (["count"], ["sum"], ["min"], ["max"])


def parse_aggregate(text: str) -> Aggregate:
    """Read an aggregate; raises ``ExpressionError``."""
    reader = _Reader(text, _tokens(text))
    columns: dict[str, int] = {}
    how, what = reader.take()[1], ""
    if how == "count" and reader.peek() == "distinct":
        reader.take()
        how = "distinct"
    if how != "count":
        columns["what"] = reader.column()
        what = reader.take()[1]
    reader.expect("of")
    new = reader.peek() == "new"
    if new:
        reader.take()
    columns["legs"] = reader.column()
    legs = reader.take()[1]
    senders: list[str] = []
    if reader.peek() == "from":
        while not senders or reader.peek() == ",":
            reader.take()
            columns["senders"] = reader.column()
            senders.append(reader.take()[1])
    reader.expect("over")
    columns["span"] = reader.column()
    span = text[reader.column() :].strip()
    return Aggregate(how, what, legs, span, new, tuple(senders), columns)


def _either(reader: _Reader, depth: int) -> Node:
    return _joined(reader, depth, "or")


def _joined(reader: _Reader, depth: int, word: str) -> Node:
    if depth <= 0:
        raise ExpressionError(reader.column(), "nested too deeply", "split it with 'let'")
    column, parts = reader.column(), [_below(reader, depth - 1, word)]
    while reader.peek() == word:
        reader.take()
        parts.append(_below(reader, depth - 1, word))
    return parts[0] if len(parts) == 1 else Node(word, column, parts=tuple(parts))


def _below(reader: _Reader, depth: int, word: str) -> Node:
    return _joined(reader, depth, "and") if word == "or" else _negated(reader, depth)


def _negated(reader: _Reader, depth: int) -> Node:
    column = reader.column()
    if reader.peek() == "not":
        reader.take()
        if depth <= 0:
            raise ExpressionError(column, "nested too deeply", "split it with 'let'")
        return Node("not", column, parts=(_negated(reader, depth - 1),))
    return _comparison(reader, depth)


def _comparison(reader: _Reader, depth: int) -> Node:
    left = _sum(reader, depth)
    column, word = reader.column(), reader.peek()
    if word in {">=", "<=", ">", "<", "=", "!="}:
        reader.take()
        return Node(word, column, parts=(left, _sum(reader, depth)))
    if word in {"in", "not"}:
        reader.take()
        if word == "not":
            reader.expect("in")
        return Node("in" if word == "in" else "not in", column, parts=(left, _sum(reader, depth)))
    if word == "is":
        reader.take()
        state, found = reader.column(), reader.take()[1]
        if found not in {"missing", "given"}:
            raise ExpressionError(state, f"'is' cannot be followed by {found!r}", "write 'is missing' or 'is given'")
        return Node(found, column, parts=(left,))
    return left


def _sum(reader: _Reader, depth: int) -> Node:
    node = _product(reader, depth)
    while reader.peek() in {"+", "-"}:
        _, sign, column = reader.take()
        node = Node(sign, column, parts=(node, _product(reader, depth)))
    return node


def _product(reader: _Reader, depth: int) -> Node:
    node = _factor(reader, depth)
    while reader.peek() == "*":
        _, sign, column = reader.take()
        node = Node(sign, column, parts=(node, _factor(reader, depth)))
    return node


def _factor(reader: _Reader, depth: int) -> Node:
    if depth <= 0:
        raise ExpressionError(reader.column(), "nested too deeply", "split it with 'let'")
    kind, value, column = reader.take()
    if kind == "number":
        return Node("number", column, value)
    if kind == "percent":
        reader.expect("of")
        return Node("percent", column, value, (_factor(reader, depth - 1),))
    if value == "(":
        node = _either(reader, depth - 1)
        reader.expect(")")
        return node
    if kind == "word":
        return Node("name", column, value)
    raise ExpressionError(column, f"expected a value, found {value!r}")
