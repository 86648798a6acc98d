"""The words of ``let``: values over windows of legs, sequences of legs, pauses, and registered facts.

::

    aggregate := count of LEGS [where C] over SPAN          | count distinct FIELD of LEGS [where C] over SPAN
               | count of LEGS [where C] with the same FIELD over SPAN
               | (sum | min | max | mean | deviation | median) amount of LEGS [where C] over SPAN
               | sum amount of LEGS [where C] with the same FIELD over SPAN
               | pause before LEGS [where C] over SPAN
               | count of LEGS [where C] followed within SPAN by N% [to N%] in LEGS [where C] over SPAN
               | count of LEGS [where C] matched within SPAN by N% to N% in LEGS [where C] [alike within N%] over SPAN
               | count of LEGS [where C] answered within SPAN by N% [to N%] in [new] LEGS [where C] of N over SPAN
               | median dwell of LEGS [where C] in LEGS [where C] over SPAN
               | count of LEGS [where C] alike within N% over SPAN
               | count of days of at least LIMIT swept to N% [or LIMIT] over SPAN
               | (count | sum amount | max amount | count distinct day) of LEGS [where C] PAST
               | mean [plus N deviations] of daily (count | sum amount | max amount) of LEGS [where C] PAST
               | count of LEGS [where C] of which this is N% to N% over SPAN
               | count of LEGS [where C] naming the same account over SPAN
               | count [distinct rule] of verdicts from rule-id, rule-id ... over SPAN
               | points of verdicts from rule-id N, rule-id N ... halving every SPAN over SPAN
    PAST      := over SPAN up to SPAN before [with at least N days [of LEGS]]
    LEGS      := [new | one-off] WORD [from rule-id, rule-id ...] [marked by rule-id, rule-id ...]
    fact      := reference WORD | time since WORD | time since FIELD in WORD | account named in LET
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final

from streams.detection.expression import ExpressionError, Node, Reader, parse_part, read

_STARTS: Final = ("count", "sum", "min", "max", "pause", "mean", "deviation", "median", "points")

VERDICTS: Final = frozenset({"verdicts", "verdict rules", "points"})
"""Values over what other rules said of the same subject, and not over legs."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What comes after each counted leg.

    ``verb`` is followed (shares of several legs), matched (one leg each), answered (legs of several counterparties make it up), or
    dwell (how long what came stays).
    """

    verb: str
    legs: str
    where: Node | None
    span: str
    low: Fraction
    high: Fraction | None
    alike: Fraction | None
    new: bool = False
    others: int = 1
    """How many counterparties an answer needs."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Days on which at least ``floor`` came in and no more than ``share`` of it, or ``pocket``, was left: names of limits."""

    floor: Node
    share: Fraction
    pocket: Node | None


@dataclass(frozen=True, slots=True)
class Past:
    """The window is of whole days that had ended ``before`` before the leg; fewer than ``days_min`` with such legs decide nothing.

    Without days, counts and sums are 0; a largest amount and a mean need one. ``deviations`` is None for a value of all these days
    together, else the value is the mean of the days' values and so many standard deviations more.
    """

    before: str
    days_min: int
    deviations: Fraction | None
    active: str = ""
    """Legs that make a day count for ``days_min``; empty: those of the value itself."""


@dataclass(frozen=True, slots=True)
class Points:
    """What each rule's newest verdict adds: ``weights`` in the order of the senders, halved every ``half``."""

    weights: tuple[int, ...]
    half: str


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A value over a window of legs.

    ``how`` is count, distinct, same, same sum, sum, min, max, pause, chain, share (of counted legs this one is a share of), naming
    (of counterparties that name one account), or verdicts, verdict rules, points (of other rules about the same subject).
    """

    how: str
    what: str
    legs: str
    span: str
    new: bool
    senders: tuple[str, ...]
    where: Node | None = None
    chain: Chain | None = None
    past: Past | None = None
    one_off: bool = False
    marked: tuple[str, ...] = ()
    """Rules that must have said yes to the same payment at its other end."""
    share: tuple[Fraction, Fraction] | None = None
    points: Points | None = None
    near: Fraction | None = None
    """How far apart amounts that are alike may be."""
    sweep: Sweep | None = None
    columns: dict[str, int] = field(compare=False, hash=False, default_factory=dict)


@dataclass(frozen=True, slots=True)
class NamedIn:
    """``account named in shared``: the account that the payments counted in another value name."""

    let: str
    column: int


@dataclass(frozen=True, slots=True)
class Since:
    """``time since opened``, or ``time since counterparty in payout_accounts``: then ``field`` is the leg's field."""

    word: str
    field: str
    column: int


def parse_named(text: str) -> NamedIn:
    """Read ``account named in ...``; raises ``ExpressionError``."""
    reader = read(text)
    for word in ("account", "named", "in"):
        reader.expect(word)
    _, let, column = reader.take()
    reader.end()
    return NamedIn(let, column)


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
    how, what, deviations = reader.take()[1], "", None
    if how == "mean" and reader.peek() in {"of", "plus"}:
        deviations = _daily(reader)
        how = reader.take()[1]
    if how == "median" and reader.accept("dwell"):
        how = "dwell"
    if how == "count" and reader.accept("distinct"):
        how = "distinct"
    if how == "pause":
        reader.expect("before")
    elif how == "points":
        reader.expect("of")
    else:
        if how not in {"count", "dwell"}:
            columns["what"] = reader.column()
            what = reader.take()[1]
        reader.expect("of")
        if how == "count" and reader.accept("days"):
            return _sweep(reader, text, columns)
    found = _legs(reader, Aggregate(how, what, "", "", new=False, senders=(), columns=columns))
    found = _verdicts(found, reader) if found.legs == "verdicts" else _compared(found, reader)
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


def _compared(found: Aggregate, reader: Reader) -> Aggregate:
    """Read how the legs are seen beside others."""
    how, columns = found.how, found.columns
    if how == "dwell":
        return replace(found, how="chain", chain=_dwell(reader, columns))
    if how == "count" and reader.accept("of"):
        for word in ("which", "this", "is"):
            reader.expect(word)
        columns["share"] = reader.column()
        return replace(found, how="share", share=(_share(reader), _share(reader)))
    if how == "count" and reader.peek() in {"followed", "matched", "answered"}:
        return replace(found, how="chain", chain=_chain(reader, columns))
    if how == "count" and reader.peek() in {"naming", "alike"}:
        return _grouped(found, reader)
    if how in {"count", "sum"} and reader.accept("with"):
        reader.expect("the")
        reader.expect("same")
        columns["same"] = reader.column()
        return replace(found, how="same" if how == "count" else "same sum", what=reader.take()[1])
    return found


def _grouped(found: Aggregate, reader: Reader) -> Aggregate:
    """Read what the legs of the largest group have in common."""
    if reader.accept("alike"):
        reader.expect("within")
        return replace(found, how="alike", near=_share(reader))
    found.columns["naming"] = reader.column()
    for word in ("naming", "the", "same", "account"):
        reader.expect(word)
    return replace(found, how="naming")


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
    active = ""
    if reader.accept("of"):
        columns["active"] = reader.column()
        active = reader.take()[1]
    reader.end()
    return Past(before, days, deviations, active)


def _number(reader: Reader) -> Fraction:
    kind, value, column = reader.take()
    if kind != "number":
        raise ExpressionError(column, f"expected a number, found {value!r}", "write it like 14 or 2.5")
    return Fraction(value)


def _legs(reader: Reader, found: Aggregate) -> Aggregate:
    new = reader.accept("new")
    one_off = not new and reader.accept("one-off")
    found.columns["legs"] = reader.column()
    legs = reader.take()[1]
    senders: list[str] = []
    weights: list[int] = []
    if reader.peek() == "from":
        while not senders or reader.peek() == ",":
            reader.take()
            found.columns["senders"] = reader.column()
            senders.append(reader.take()[1])
            if found.how == "points":
                weights.append(_weight(reader))
    marked: list[str] = []
    if reader.accept("marked"):
        found.columns["senders"] = reader.column()
        while not marked or reader.accept(","):
            if not marked:
                reader.expect("by")
            marked.append(reader.take()[1])
    where = parse_part(reader) if reader.accept("where") else None
    points = Points(tuple(weights), "") if weights else None
    return replace(
        found,
        legs=legs,
        new=new,
        one_off=one_off,
        senders=tuple(senders),
        marked=tuple(marked),
        where=where,
        points=points,
    )


def _weight(reader: Reader) -> int:
    kind, value, column = reader.take()
    if kind != "number" or not value.isdigit():
        raise ExpressionError(
            column, f"expected points, found {value!r}", "write: points of verdicts from rule-id 30, ..."
        )
    return int(value)


def _verdicts(found: Aggregate, reader: Reader) -> Aggregate:
    """Read the rest of a value over verdicts of other rules about the same subject."""
    if found.points is not None:
        reader.expect("halving")
        reader.expect("every")
        found.columns["within"] = reader.column()
        return replace(found, points=replace(found.points, half=reader.take()[1]))
    if found.how != "count" and (found.how, found.what) != ("distinct", "rule"):
        advice = "write: count of verdicts, count distinct rule of verdicts, or points of verdicts"
        raise ExpressionError(found.columns["legs"], f"{found.how} of verdicts has no meaning", advice)
    return replace(found, how="verdicts" if found.how == "count" else "verdict rules")


def _chain(reader: Reader, columns: dict[str, int]) -> Chain:
    verb = reader.take()[1]
    reader.expect("within")
    columns["within"] = reader.column()
    span = reader.take()[1]
    reader.expect("by")
    low = _share(reader)
    high = _share(reader) if verb == "matched" or reader.peek() == "to" else None
    reader.expect("in")
    new, legs, where = _later(reader, columns)
    alike, others = None, 1
    if verb == "answered":
        reader.expect("of")
        place, others = reader.column(), int(_number(reader))
        if others < 1:
            raise ExpressionError(place, "an answer needs a counterparty", "write: of 3")
    if verb == "matched" and reader.accept("alike"):
        reader.expect("within")
        alike = _share(reader)
    return Chain(verb, legs, where, span, low, high, alike, new, others)


def _later(reader: Reader, columns: dict[str, int]) -> tuple[bool, str, Node | None]:
    new = reader.accept("new")
    columns["then"] = reader.column()
    legs = reader.take()[1]
    return new, legs, parse_part(reader) if reader.accept("where") else None


def _dwell(reader: Reader, columns: dict[str, int]) -> Chain:
    reader.expect("in")
    new, legs, where = _later(reader, columns)
    columns["within"] = columns["then"]
    return Chain("dwell", legs, where, "1d", Fraction(0), None, None, new)


def _sweep(reader: Reader, text: str, columns: dict[str, int]) -> Aggregate:
    for word in ("of", "at", "least"):
        reader.expect(word)
    floor = _limit(reader)
    reader.expect("swept")
    reader.expect("to")
    sweep = Sweep(floor, _share(reader), _limit(reader) if reader.accept("or") else None)
    reader.expect("over")
    columns |= {"legs": 0, "span": reader.column()}
    span = text[reader.column() :].strip()
    if not span.endswith("d"):
        raise ExpressionError(reader.column(), "swept days are whole days", "write: over 10d")
    return Aggregate("sweep", "", "movements", span, new=False, senders=(), sweep=sweep, columns=columns)


def _limit(reader: Reader) -> Node:
    _, name, column = reader.take()
    return Node("name", column, name)


def _share(reader: Reader) -> Fraction:
    if reader.peek() == "to":
        reader.take()
    kind, value, column = reader.take()
    if kind != "percent":
        raise ExpressionError(column, f"expected a share, found {value!r}", "write it like 90%")
    return Fraction(value) * Fraction(1, 100)
