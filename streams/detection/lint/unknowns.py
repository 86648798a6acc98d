"""What a rule asks about, as numbered unknowns, and what is known of each before anything is asked.

Two rules that ask the same ask about the same unknown: keys are made from meaning and not from words (``24h`` is ``1d``).
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from streams.clock import DAY_MS, HOUR_MS, parse_span
from streams.detection.aggregate import Aggregate
from streams.detection.lint.refute import Row
from streams.detection.verdicts import POINT_PARTS
from streams.detection.words import PAUSE_MS_MAX, SCAN_MAX, Kinds
from streams.legs import LegKind

_PAID: Final = frozenset(
    {
        LegKind.DEBIT,
        LegKind.CREDIT,
        LegKind.INITIATED,
        LegKind.INCOMING,
        LegKind.REFUND_OUT,
        LegKind.REFUND_IN,
        LegKind.USE,
        LegKind.SALE,
        LegKind.PAYMENT,
    }
)
"""Legs of payments: their amounts are above 0 (``events.refusals``). A line or a batch may be below."""
_MONEY: Final = frozenset({"sum", "same sum", "max", "min", "mean", "median"})
_COUNTS: Final = frozenset({"count", "distinct", "same", "share", "followed", "matched", "answered", "alike", "naming"})
"""Never more than the legs of the window, one by one."""
_WITHIN: Final = {"sum": _MONEY, "max": frozenset({"max", "min", "mean", "median"}), "count": _COUNTS}
"""By what a value is over the same legs or more, the values that are never larger."""
_GROWS: Final = frozenset({"distinct", "same", "same sum"})
"""Values of one field that more legs never make less."""


class Window(NamedTuple):
    """Which legs a value is made of, and how."""

    how: str
    what: str
    kinds: Kinds
    span_ms: int
    money: bool
    new: bool
    one_off: bool
    senders: frozenset[str]
    marked: frozenset[str]
    where: frozenset[Hashable]
    """What is asked of each leg, joined by ``and``."""

    def inside(self, other: "Window") -> bool:
        """Tell whether every leg of this window is one of the other's."""
        return (
            self.money is other.money
            and self.span_ms <= other.span_ms
            and set(self.kinds) <= set(other.kinds)
            and (self.new or not other.new)
            and (self.one_off or not other.one_off)
            and (not other.senders or (bool(self.senders) and self.senders <= other.senders))
            and (not other.marked or (bool(self.marked) and self.marked <= other.marked))
            and other.where <= self.where
        )

    def holds(self, on: Kinds) -> bool:
        """Tell whether a leg of these kinds is always in its own window."""
        asks_more = self.new or self.one_off or self.senders or self.marked or self.where
        return not asks_more and set(on) <= set(self.kinds)


class Bounds(NamedTuple):
    """Least and largest raw value; None is no bound."""

    low: int | None
    high: int | None = None


@dataclass(slots=True)
class Unknowns:
    """All unknowns that conditions ask about."""

    numbers: dict[Hashable, int] = field(default_factory=dict)
    bounds: dict[int, Bounds] = field(default_factory=dict)
    windows: dict[int, Window] = field(default_factory=dict)
    related: dict[tuple[int, int], tuple[Row, ...]] = field(default_factory=dict)

    def number(self, key: Hashable, bounds: Bounds | None = None, window: Window | None = None) -> int:
        """Give the number of an unknown."""
        number = self.numbers.setdefault(key, len(self.numbers))
        if bounds is not None:
            self.bounds[number] = bounds
        if window is not None:
            self.windows[number] = window
        return number

    def known(self, numbers: Sequence[int], on: Kinds, amount: int | None) -> Iterator[Row]:
        """Give what holds of these unknowns at a leg of the kinds ``on`` (none: at a deadline); ``amount`` is the leg's own."""
        for number in numbers:
            bounds, window = self.bounds.get(number), self.windows.get(number)
            if bounds is not None and bounds.low is not None:
                yield Row(((number, 1),), bounds.low)
            if bounds is not None and bounds.high is not None:
                yield Row(((number, -1),), -bounds.high)
            if window is not None and on and window.holds(on):
                if window.how == "count":
                    yield Row(((number, 1),), 1)
                elif amount is not None and window.how in {"sum", "max"} and _PAID.issuperset(window.kinds):
                    yield Row(tuple(sorted(((number, 1), (amount, -1)))), 0)
        windows = [number for number in numbers if number in self.windows]
        for first in windows:
            for second in windows:
                if first != second:
                    yield from self._relation(first, second)

    def implied(self, number: int, others: Iterable[int]) -> bool:
        """Tell whether an unknown stands in a known relation to one of the others."""
        if number not in self.windows:
            return False
        near = (each for each in others if each in self.windows)
        return any(self._relation(number, each) or self._relation(each, number) for each in near)

    def _relation(self, small: int, large: int) -> tuple[Row, ...]:
        """Say that one value is never more than another, if that is so."""
        known = self.related.get((small, large))
        if known is None:
            less = _at_most(self.windows[small], self.windows[large])
            row = Row(tuple(sorted(((large, 1), (small, -1)))), 0)
            known = self.related[small, large] = (row,) if less else ()
        return known


def _at_most(small: Window, large: Window) -> bool:
    if not small.inside(large) or not (small.how in _COUNTS or _PAID.issuperset(large.kinds)):
        return False
    if small.how in _WITHIN.get(large.how, ()) and not (large.how == "count" and large.one_off):
        return True
    return small.how == large.how and small.what == large.what and small.how in _GROWS


def bounds_of(value: Aggregate, kinds: Kinds) -> Bounds:
    """Give the bounds of a value over legs, wherever it is not missing."""
    if value.how in _MONEY:
        return Bounds(0 if _PAID.issuperset(kinds) else None)
    most: int | None = None
    if value.how == "sweep":
        most = parse_span(value.span) // DAY_MS
    elif value.points is not None:
        most = sum(value.points.weights) * POINT_PARTS
    elif value.how == "verdict rules":
        most = len(set(value.senders))
    elif value.how == "pause":
        most = PAUSE_MS_MAX
    elif value.chain is not None and value.chain.verb == "dwell":
        most = parse_span(value.span)
    elif value.chain is not None or value.how in {"alike", "naming", "verdicts"}:
        most = SCAN_MAX
    elif (value.how, value.what) == ("distinct", "day"):
        most = _days(value)
    return Bounds(0, most)


def _days(value: Aggregate) -> int:
    """Give the most UTC days that a window can touch: its end may lie anywhere in a day."""
    span = parse_span(value.span)
    return span // DAY_MS if value.past is not None else (span - 1) // DAY_MS + 2


def field_bounds(name: str, on: Kinds) -> Bounds:
    """Give the bounds of a field of a leg of these kinds."""
    if name == "hour":
        return Bounds(0, DAY_MS // HOUR_MS - 1)
    if name == "amount":
        return Bounds(1 if _PAID.issuperset(on) else None)
    return Bounds(0 if name in {"known_for", "under_way_for"} else None)
