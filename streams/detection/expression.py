"""The words of ``when`` and ``where``: a small grammar read into a tree with a column for every node.

::

    condition  := comparison joined by and / or, not, parentheses
    comparison := value (>= | <= | > | < | = | !=) value  |  value [not] in value  |  value is (missing | given | new)
                | value is a multiple of value
    value      := sum of terms; term := factor * factor; factor := number | name | N% of factor | ( value )
                  | at least N of (condition, condition ...)

A factor may also be a length of time (``30d``) or a code in capitals (``CASH_OUT``). ``aggregate.py`` reads what ``let`` adds.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

DEPTH_MAX: Final = 20
TOKENS_MAX: Final = 300
"""Words, numbers and signs of one expression: what is joined in a row nests as deeply as it is long."""
DIGITS_MAX: Final = 18
WORDS: Final = (
    "count", "sum", "min", "max", "mean", "median", "deviation", "pause", "distinct", "amount", "of", "over", "where", "with",
    "new", "one-off", "the", "same", "within", "matched", "followed", "answered", "before", "since", "daily", "days",
)  # fmt: skip
"""Words of a window, to be offered in place of a misspelt one."""
_TOKEN = re.compile(
    r"\s*(?:([0-9](?:[0-9_]|,(?=[0-9]))*(?:\.[0-9]+)?)(%|(?:ms|s|m|h|d)\b)?|([A-Za-z][A-Za-z0-9_-]*)|(>=|<=|!=|[><=()*+,-]))"
)

_CODE = re.compile("[A-Z][A-Z0-9_]+")


class ExpressionError(ValueError):
    """The text is not an expression; ``column`` counts from 0 within the text."""

    def __init__(self, column: int, message: str, advice: str = "") -> None:
        """Say where, what, and what to write instead."""
        super().__init__(message)
        self.column, self.advice = column, advice
        self.let = ""
        """Name of the value in whose text it stands; empty for ``when``."""
        self.unknown = ""
        """The name that means nothing, where that is the fault."""


@dataclass(frozen=True, slots=True)
class Node:
    """A part of an expression: ``kind`` is an operator, ``number``, ``percent``, ``span``, ``code`` or ``name``."""

    kind: str
    column: int
    value: str = ""
    parts: "tuple[Node, ...]" = ()


@dataclass(slots=True)
class Reader:
    """Tokens of a text (kind, value, column) and the place among them; all faults are ``ExpressionError``."""

    text: str
    tokens: list[tuple[str, str, int]]
    at: int = 0

    def peek(self) -> str:
        """Give the next token's value, or nothing at the end."""
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def column(self) -> int:
        """Give the place of the next token."""
        return self.tokens[self.at][2] if self.at < len(self.tokens) else len(self.text)

    def take(self) -> tuple[str, str, int]:
        """Give the next token and go on."""
        if self.at >= len(self.tokens):
            raise ExpressionError(len(self.text), "the expression ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def expect(self, word: str) -> None:
        """Go past a word that must stand here."""
        if self.peek() != word:
            found = repr(self.peek()) if self.peek() else "the end"
            raise ExpressionError(self.column(), f"expected {word!r}, found {found}", self._advice(word))
        self.at += 1

    def _advice(self, word: str) -> str:
        """Look at the word before, too: one that is misspelt is read as something else."""
        before = self.tokens[self.at - 1][1] if self.at else ""
        for found in (self.peek(), before):
            near = get_close_matches(found, WORDS, 1) if found and found not in WORDS else []
            if near:
                return f"did you mean {near[0]!r} in place of {found!r}?"
        return f"write {word!r} here"

    def accept(self, word: str) -> bool:
        """Go past a word if it stands here."""
        found = self.peek() == word
        self.at += found
        return found

    def end(self) -> None:
        """Refuse whatever is left."""
        if self.at < len(self.tokens):
            raise ExpressionError(self.column(), f"{self.peek()!r} is one word too many")


def read(text: str) -> Reader:
    """Cut a text into tokens."""
    return Reader(text, _tokens(text))


def _tokens(text: str) -> list[tuple[str, str, int]]:
    tokens: list[tuple[str, str, int]] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            raise ExpressionError(start, f"{text[start]!r} has no meaning here", "see the language in rules/README.md")
        number, unit, word, sign = match.groups()
        if len(tokens) == TOKENS_MAX:
            raise ExpressionError(
                at, f"the expression has more than {TOKENS_MAX} words", "name parts of it under 'let'"
            )
        if number and len(number) > DIGITS_MAX:
            raise ExpressionError(match.start(1), f"a number has more than {DIGITS_MAX} digits")
        kind = "word" if word else "sign" if sign else "number" if not unit else "percent" if unit == "%" else "span"
        value = number.replace(",", "").replace("_", "") + (unit or "").rstrip("%") if number else word or sign
        tokens.append((kind, value, match.end() - len((number or "") + (unit or "") + (word or "") + (sign or ""))))
        at = match.end()
    return tokens


def _too_many(first: str) -> str:
    """Say what to do about a condition that goes on; perhaps it was to be a window, and its first word is misspelt."""
    near = get_close_matches(first, WORDS, 1)
    return f"did you mean {near[0]!r} in place of {first!r}?" if near else "join conditions with 'and' or 'or'"


def parse_condition(text: str) -> Node:
    """Read a condition or a value; raises ``ExpressionError``."""
    reader = read(text)
    node = _either(reader, DEPTH_MAX)
    if reader.at < len(reader.tokens):
        raise ExpressionError(
            reader.column(), f"{reader.peek()!r} is one word too many", _too_many(reader.tokens[0][1])
        )
    return node


def parse_part(reader: Reader) -> Node:
    """Read a condition that ends where its words end; the reader stands behind it."""
    return _either(reader, DEPTH_MAX)


def _either(reader: Reader, depth: int) -> Node:
    return _joined(reader, depth, "or")


def _joined(reader: Reader, depth: int, word: str) -> Node:
    if depth <= 0:
        raise ExpressionError(reader.column(), "nested too deeply", "split it with 'let'")
    column, parts = reader.column(), [_below(reader, depth - 1, word)]
    while reader.peek() == word:
        reader.take()
        parts.append(_below(reader, depth - 1, word))
    return parts[0] if len(parts) == 1 else Node(word, column, parts=tuple(parts))


def _below(reader: Reader, depth: int, word: str) -> Node:
    return _joined(reader, depth, "and") if word == "or" else _negated(reader, depth)


def _negated(reader: Reader, depth: int) -> Node:
    column = reader.column()
    if reader.peek() == "not":
        reader.take()
        if depth <= 0:
            raise ExpressionError(column, "nested too deeply", "split it with 'let'")
        return Node("not", column, parts=(_negated(reader, depth - 1),))
    return _comparison(reader, depth)


def _comparison(reader: Reader, depth: int) -> Node:
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
        if found == "a":
            reader.expect("multiple")
            reader.expect("of")
            return Node("multiple", column, parts=(left, _sum(reader, depth)))
        if found not in {"missing", "given", "new"}:
            advice = "write 'is missing', 'is given', 'is new' or 'is a multiple of'"
            raise ExpressionError(state, f"'is' cannot be followed by {found!r}", advice)
        return Node(found, column, parts=(left,))
    return left


def _sum(reader: Reader, depth: int) -> Node:
    node = _product(reader, depth)
    while reader.peek() in {"+", "-"}:
        _, sign, column = reader.take()
        node = Node(sign, column, parts=(node, _product(reader, depth)))
    return node


def _product(reader: Reader, depth: int) -> Node:
    node = _factor(reader, depth)
    while reader.peek() == "*":
        _, sign, column = reader.take()
        node = Node(sign, column, parts=(node, _factor(reader, depth)))
    return node


def _least(reader: Reader, depth: int, column: int) -> Node:
    """Read what follows ``at``: ``least N of (condition, condition ...)``."""
    reader.expect("least")
    kind, value, place = reader.take()
    if kind != "number" or not value.isdigit():
        raise ExpressionError(place, f"expected a whole number, found {value!r}", "write: at least 2 of (a, b, c)")
    reader.expect("of")
    reader.expect("(")
    parts = [_either(reader, depth)]
    while reader.accept(","):
        parts.append(_either(reader, depth))
    reader.expect(")")
    if not 1 <= int(value) <= len(parts):
        raise ExpressionError(
            place, f"{value} of {len(parts)} conditions", "write a number from 1 to how many there are"
        )
    return Node("least", column, value, tuple(parts))


def _factor(reader: Reader, depth: int) -> Node:
    if depth <= 0:
        raise ExpressionError(reader.column(), "nested too deeply", "split it with 'let'")
    kind, value, column = reader.take()
    if kind in {"number", "span"}:
        return Node(kind, column, value)
    if kind == "percent":
        reader.expect("of")
        return Node("percent", column, value, (_factor(reader, depth - 1),))
    if value == "at" and reader.peek() == "least":
        return _least(reader, depth - 1, column)
    if value == "(":
        node = _either(reader, depth - 1)
        reader.expect(")")
        return node
    if kind == "word":
        return Node("code" if _CODE.fullmatch(value) else "name", column, value)
    raise ExpressionError(column, f"expected a value, found {value!r}", "write '=' once" if value == "=" else "")
