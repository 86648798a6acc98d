"""The words of ``let``: values over windows of legs, sequences of legs, pauses, and registered facts.

::

    aggregate := count of LEGS [where C] over SPAN          | count distinct FIELD of LEGS [where C] over SPAN
               | count of LEGS [where C] with the same FIELD over SPAN
               | (sum | min | max) amount of LEGS [where C] over SPAN
               | sum amount of LEGS [where C] with the same FIELD over SPAN
               | pause before LEGS [where C] over SPAN
               | count of LEGS [where C] followed within SPAN by N% [to N%] in LEGS [where C] over SPAN
               | count of LEGS [where C] matched within SPAN by N% to N% in LEGS [where C] [alike within N%] over SPAN
               | (count | sum amount | max amount | count distinct day) of LEGS [where C] PAST
               | mean [plus N deviations] of daily (count | sum amount | max amount) of LEGS [where C] PAST
    PAST      := over SPAN up to SPAN before [with at least N days]
    LEGS      := [new] WORD [from rule-id, rule-id ...]
    fact      := reference WORD | time since WORD | time since FIELD in WORD
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final

from streams.detection.expression import ExpressionError, Node, Reader, parse_part, read

_STARTS: Final = ("count", "sum", "min", "max", "pause", "mean")


@dataclass(frozen=True, slots=True)
class Chain:
    """What comes after each counted leg: ``verb`` is followed (shares of several legs) or matched (one leg each)."""

    verb: str
    legs: str
    where: Node | None
    span: str
    low: Fraction
    high: Fraction | None
    alike: Fraction | None


@dataclass(frozen=True, slots=True)
class Past:
    """The window is of whole days that had ended ``before`` before the leg; fewer than ``days_min`` with such legs decide nothing.

    Without days, counts and sums are 0; a largest amount and a mean need one. ``deviations`` is None for a value of all these days
    together, else the value is the mean of the days' values and so many standard deviations more.
    """

    before: str
    days_min: int
    deviations: Fraction | None


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A value over a window of legs: ``how`` is count, distinct, same, same sum, sum, min, max, pause or chain."""

    how: str
    what: str
    legs: str
    span: str
    new: bool
    senders: tuple[str, ...]
    where: Node | None = None
    chain: Chain | None = None
    past: Past | None = None
    columns: dict[str, int] = field(compare=False, hash=False, default_factory=dict)


@dataclass(frozen=True, slots=True)
class Since:
    """``time since opened``, or ``time since counterparty in payout_accounts``: then ``field`` is the leg's field."""

    word: str
    field: str
    column: int


def is_aggregate(text: str) -> bool:
    """Tell whether a ``let`` text starts like an aggregate."""
    return text.split(maxsplit=1)[:1] in ([word] for word in _STARTS)


def parse_since(text: str) -> Since:
    """Read ``time since ...``; raises ``ExpressionError``."""
    reader = read(text)
    reader.expect("time")
    reader.expect("since")
    _, word, column = reader.take()
    name = ""
    if reader.accept("in"):
        name = word
        _, word, column = reader.take()
    reader.end()
    return Since(word, name, column)


def parse_aggregate(text: str) -> Aggregate:
    """Read an aggregate; raises ``ExpressionError``."""
    reader = read(text)
    columns: dict[str, int] = {}
    deviations = _daily(reader) if reader.accept("mean") else None
    how, what = reader.take()[1], ""
    if how == "count" and reader.accept("distinct"):
        how = "distinct"
    if how == "pause":
        reader.expect("before")
    else:
        if how != "count":
            columns["what"] = reader.column()
            what = reader.take()[1]
        reader.expect("of")
    found = _legs(reader, Aggregate(how, what, "", "", new=False, senders=(), columns=columns))
    if how == "count" and reader.peek() in {"followed", "matched"}:
        found = replace(found, how="chain", chain=_chain(reader, columns))
    elif how in {"count", "sum"} and reader.accept("with"):
        reader.expect("the")
        reader.expect("same")
        columns["same"] = reader.column()
        found = replace(found, how="same" if how == "count" else "same sum", what=reader.take()[1])
    reader.expect("over")
    columns["span"] = reader.column()
    kind, span, _ = reader.tokens[reader.at] if reader.at < len(reader.tokens) else ("", "", 0)
    if kind == "span" and reader.at + 1 < len(reader.tokens) and reader.tokens[reader.at + 1][1] == "up":
        return replace(found, span=span, past=_past(reader, found, deviations))
    if deviations is not None:
        raise ExpressionError(
            len(text), "a mean of days needs days", "write: over 90d up to 1d before with at least 14 days"
        )
    return replace(found, span=text[reader.column() :].strip())


def _daily(reader: Reader) -> Fraction:
    """Read what stands between ``mean`` and the value of each day."""
    deviations = Fraction(0)
    if reader.accept("plus"):
        deviations = _number(reader)
        reader.expect("deviations")
    reader.expect("of")
    reader.expect("daily")
    return deviations


def _past(reader: Reader, found: Aggregate, deviations: Fraction | None) -> Past:
    columns, needed = found.columns, int(found.how == "max" or deviations is not None)
    reader.take()
    reader.expect("up")
    reader.expect("to")
    columns["before"] = reader.column()
    before, days = reader.take()[1], needed
    reader.expect("before")
    if reader.accept("with"):
        reader.expect("at")
        reader.expect("least")
        columns["days"] = reader.column()
        days = int(_number(reader))
        reader.expect("days")
    reader.end()
    return Past(before, days, deviations)


def _number(reader: Reader) -> Fraction:
    kind, value, column = reader.take()
    if kind != "number":
        raise ExpressionError(column, f"expected a number, found {value!r}", "write it like 14 or 2.5")
    return Fraction(value)


def _legs(reader: Reader, found: Aggregate) -> Aggregate:
    new = reader.accept("new")
    found.columns["legs"] = reader.column()
    legs = reader.take()[1]
    senders: list[str] = []
    if reader.peek() == "from":
        while not senders or reader.peek() == ",":
            reader.take()
            found.columns["senders"] = reader.column()
            senders.append(reader.take()[1])
    where = parse_part(reader) if reader.accept("where") else None
    return replace(found, legs=legs, new=new, senders=tuple(senders), where=where)


def _chain(reader: Reader, columns: dict[str, int]) -> Chain:
    verb = reader.take()[1]
    reader.expect("within")
    columns["within"] = reader.column()
    span = reader.take()[1]
    reader.expect("by")
    low = _share(reader)
    high = _share(reader) if verb == "matched" or reader.peek() == "to" else None
    reader.expect("in")
    columns["then"] = reader.column()
    legs = reader.take()[1]
    where = parse_part(reader) if reader.accept("where") else None
    alike = None
    if verb == "matched" and reader.accept("alike"):
        reader.expect("within")
        alike = _share(reader)
    return Chain(verb, legs, where, span, low, high, alike)


def _share(reader: Reader) -> Fraction:
    if reader.peek() == "to":
        reader.take()
    kind, value, column = reader.take()
    if kind != "percent":
        raise ExpressionError(column, f"expected a share, found {value!r}", "write it like 90%")
    return Fraction(value) * Fraction(1, 100)
