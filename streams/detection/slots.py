"""Running values over windows, and the source that keeps them.

A subject's values stand in *groups*: lists, one per currency for rules that look at amounts, and the group ``""`` for the others.
Equal values of different rules share a place. It holds 0, or None until something is there that needs a container: most subjects
never need most of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from streams.detection.aggregate import Aggregate
from streams.detection.selection import Legs
from streams.legs import LegKind

_SORTED: Final = {"min": "0", "max": "-1", "median": "(len(g[{}]) - 1) // 2"}
_LISTS: Final = frozenset({*_SORTED, "share"})
"""Amounts in order of size."""
_COUNTS: Final = frozenset({"distinct", "same sum"})
"""Counts or sums by what an attribute says."""
_CONTAINERS: Final = _LISTS | _COUNTS | {"one-off"}


@dataclass(frozen=True, slots=True)
class Slot:
    """One running value; ``money`` says that it is kept per currency."""

    how: str
    attribute: str
    legs: Legs
    span_ms: int
    money: bool

    @property
    def group(self) -> str:
        """Name of its group in generated code."""
        return "c" if self.money else "a"

    @property
    def payments(self) -> "Slot":
        """What one-off payments are counted beside: all payments of the window by counterparty."""
        return Slot("distinct", "other", Legs((LegKind.DEBIT, LegKind.CREDIT)), self.span_ms, self.money)


@dataclass(slots=True)
class Slots:
    """The running values of a program, by group."""

    per_currency: list[Slot] = field(default_factory=list)
    plain: list[Slot] = field(default_factory=list)

    def place(self, slot: Slot) -> int:
        """Give the place of a value in its group."""
        known = self.per_currency if slot.money else self.plain
        if slot.how == "one-off":
            self.place(slot.payments)
        if slot not in known:
            known.append(slot)
        return known.index(slot)

    def numbered(self) -> Iterator[tuple[int, Slot]]:
        """Give all values with their places."""
        yield from enumerate(self.per_currency)
        yield from enumerate(self.plain)

    def source(self) -> str:
        """Give the source of empty groups."""
        made = (("NO_C", self.per_currency), ("NO_A", self.plain))
        return "\n".join(
            f"{name} = [{', '.join('None' if slot.how in _CONTAINERS else '0' for slot in known)}]"
            for name, known in made
        )


def group_source(*, money: bool) -> str:
    """Give the source of the group of the leg ``x`` of the subject ``s``, for reading."""
    return "s.groups.get(x.currency) or NO_C" if money else "s.groups.get('') or NO_A"


def open_source(group: str) -> list[str]:
    """Lines that look up the group of the leg ``x`` in ``S``, made when it is new."""
    key = "x.currency" if group == "c" else "''"
    return [f"{group} = S.get({key})", f"if {group} is None: {group} = S[{key}] = NO_{group.upper()}[:]"]


def read_slot(slot: Slot, place: int, aggregate: Aggregate) -> str:
    """Give the source of a running value; the group is ``g``."""
    if aggregate.share is not None:
        low, high = (f"{each.numerator}, {each.denominator}" for each in aggregate.share)
        return f"(within_share(g[{place}], x.amount, {low}, {high}) if g[{place}] else 0)"
    how = "one-off" if aggregate.one_off else aggregate.how
    if how in {"same", "same sum"}:
        return f"(g[{place}].get(x.{slot.attribute}, 0) if g[{place}] else 0)"
    if how == "distinct":
        return f"(len(g[{place}]) if g[{place}] else 0)"
    if how == "one-off":
        return f"(g[{place}].count if g[{place}] is not None else 0)"
    if how in _SORTED:
        return f"(g[{place}][{_SORTED[how].format(place)}] if g[{place}] else 0)"
    return f"g[{place}]"


def change(slot: Slot, place: int, one_offs: list[tuple[str, str]], *, into: bool) -> list[str]:
    """Lines that bring a leg ``x`` that fulfils the slot's conditions into it, or take it out.

    ``one_offs`` are the places of what counts beside this slot, and when ``x`` is such a first payment; empty: never.
    """
    sign, at = "+" if into else "-", f"{slot.group}[{place}]"
    if slot.how == "count":
        return [f"{at} {sign}= 1"]
    if slot.how == "sum":
        return [f"{at} {sign}= x.amount"]
    if slot.how == "squares":
        return [f"{at} {sign}= x.amount * x.amount"]
    if slot.how in _LISTS:
        if into:
            return [f"d = {at}", f"if d is None: d = {at} = []", "insort(d, x.amount)"]
        return [f"drop({at}, x.amount)"]
    by = "x.amount" if slot.how == "same sum" else "1"
    lines = [f"o = x.{slot.attribute}", "if o:", f" d = {at}"]
    if into:
        lines += [f" if d is None: d = {at} = {{}}", f" n = d[o] = d.get(o, 0) + {by}", *_met(one_offs)]
    else:
        lines += [f" n = d[o] - {by}", *_parted(one_offs), " if n: d[o] = n", " else: del d[o]"]
    return lines


def _met(one_offs: list[tuple[str, str]]) -> Iterator[str]:
    """Lines after a payment with the counterparty ``o`` has joined, the ``n``-th."""
    if one_offs:
        yield " if n == 2:"
        yield from (f"  if {at} is not None: {at}.met_again(o)" for at, _ in one_offs)
    for at, fits in one_offs:
        if fits:
            yield f" if {fits}:"
            yield f"  if {at} is None: {at} = OneOffs()"
            yield f"  {at}.enter(o, n == 1)"


def _parted(one_offs: list[tuple[str, str]]) -> Iterator[str]:
    """Lines before a payment with the counterparty ``o`` leaves; ``n`` others stay."""
    yield from (f" if {fits}: {at}.leave(o, n == 0)" for at, fits in one_offs if fits)
    if one_offs:
        yield " if n == 1:"
        yield from (f"  if {at} is not None: {at}.alone_again(o)" for at, _ in one_offs)
