"""From rules to generated functions over shared running values.

A subject's running values stand in *groups*, lists of slots: one group per currency, and the group ``""`` across currencies.
Equal aggregates of different rules share one slot. Generated: ``enter`` (a leg joins all windows), ``undo`` (the newest leg
leaves them all, when the subject is rewound), per window ``add`` and ``sub`` (a leg enters or leaves it at its old end), and
``remember`` (a leg is let go). Source comes from checked trees (``lower``), never from text of the user, and sees no built-in
names.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from streams.clock import DAY_MS, parse_span
from streams.detection.aggregate import Aggregate
from streams.detection.expression import Node
from streams.detection.lower import Scope, lower
from streams.detection.rule import MoneyParam, Rule
from streams.detection.words import DISTINCT, KNOWN_MS, LEGS, PAIR_MS, Kinds, Type
from streams.legs import LegKind

Groups = dict[str, list[object]]
_ATTRIBUTES: Final = DISTINCT | {"day": f"time // {DAY_MS}"}
_PAIRED: Final = f"k == {int(LegKind.DEBIT)} or k == {int(LegKind.CREDIT)}"
_ATTRIBUTE: Final = re.compile(r"'[^']*'|\bx\.(\w+)\b(?!\s*=[^=])")
"""An attribute of a leg that is read; texts between quotes are passed over."""
_MONEY: Final = frozenset({"sum", "min", "max", "same sum", "mean", "deviation", "median"})
SEGMENT_LINE: Final = "z = segment(s, x)"
"""Looks up the kind of account holder, for limits that differ by it."""
_LOOKS: Final = frozenset({"chain", "alike", "sweep", "share"})
"""Values found by looking back over legs, which compare amounts."""
_SORTED: Final = {"min": "0", "max": "-1", "median": "(len(g[{}]) - 1) // 2"}


@dataclass(frozen=True, slots=True)
class Legs:
    """Which legs are meant; ``where`` is the source of a condition on a leg ``x``."""

    kinds: Kinds
    senders: tuple[str, ...] = ()
    new: bool = False
    where: str = ""
    one_off: bool = False
    marked: tuple[str, ...] = ()

    def conditions(self) -> Iterator[str]:
        """Give what a counted leg of the right kind must fulfil besides."""
        if self.senders:
            yield f"x.origin in {self.senders!r}"
        if self.new:
            yield f"x.previous <= x.time - {PAIR_MS}"
        if self.one_off:
            yield f"x.previous <= x.time - {KNOWN_MS}"
        if self.marked:
            yield "x.marked and (" + " or ".join(f"{rule!r} in x.marked" for rule in self.marked) + ")"
        if self.where:
            yield self.where

    def source(self) -> str:
        """Give the source of a condition on any leg ``x``."""
        kinds = " or ".join(f"x.kind == {int(kind)}" for kind in self.kinds)
        return " and ".join(["x.counted", f"({kinds})", *self.conditions()])


@dataclass(slots=True)
class Gate:
    """The first conditions of a rule, those that need not look back over legs: most legs do not pass them."""

    money: bool
    limits: list[str] = field(default_factory=list)
    """Lines that look up limits of the leg's currency; one that is None leaves the rule undecided."""
    steps: list[tuple[list[str], str]] = field(default_factory=list)
    """Lines that make values, and the condition asked then."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One shared running value; ``money`` says that it is kept per currency."""

    how: str
    attribute: str
    legs: Legs
    span_ms: int
    money: bool

    @property
    def kinds(self) -> Kinds:
        """Kinds of legs that change it: one-off payments end by any other payment with the counterparty."""
        return (LegKind.DEBIT, LegKind.CREDIT) if self.how == "one-off" else self.legs.kinds


def uses_money(rule: Rule) -> bool:
    """Tell whether a rule looks at amounts: then all its windows see legs of the trigger's currency only."""

    def mentions(node: Node) -> bool:
        return (node.kind == "name" and node.value in {"amount", "balance"}) or any(map(mentions, node.parts))

    summed = any(each.how in _MONEY or each.what == "amount" or each.how in _LOOKS for each in rule.aggregates())
    return summed or mentions(rule.when) or any(isinstance(p, MoneyParam) for p in rule.params.values())


def legs_of(rule: Rule, aggregate: Aggregate, scope: Scope) -> Legs:
    """Say which legs an aggregate looks at."""
    where = filter_source(aggregate.where, scope)
    senders, marked = tuple(sorted(aggregate.senders)), tuple(sorted(aggregate.marked))
    return Legs(LEGS[rule.per][aggregate.legs], senders, aggregate.new, where, aggregate.one_off, marked)


def filter_source(where: Node | None, scope: Scope) -> str:
    """Give the source of a condition after ``where``; a leg in a currency without a limit does not fulfil it."""
    if where is None:
        return ""
    inner = Scope({}, scope.params, scope.lists, scope.limits_of, filter=True)
    code = lower(where, inner)
    if code.type is not Type.BOOL:
        code = lower(Node("and", where.column, parts=(where,)), inner)
    known = [f"x.currency in {scope.limits_of}{name}" for name in sorted(inner.money)]
    return "(" + " and ".join([*known, code.source]) + ")"


def slot_of(aggregate: Aggregate, rule: Rule, scope: Scope) -> Slot:
    """Name the shared running value of an aggregate."""
    how = "one-off" if aggregate.one_off else "distinct" if aggregate.how == "same" else aggregate.how
    attribute = "" if how in {"count", "one-off"} else _ATTRIBUTES.get(aggregate.what, "amount")
    return Slot(how, attribute, legs_of(rule, aggregate, scope), parse_span(aggregate.span), uses_money(rule))


def type_of(aggregate: Aggregate) -> Type:
    """Amounts are money, a pause is a length of time, everything else is a count."""
    return Type.MONEY if aggregate.how in _MONEY else Type.SPAN if aggregate.how == "pause" else Type.COUNT


def read_slot(slot: Slot, place: int, aggregate: Aggregate) -> str:
    """Give the source of a running value; the group is ``g``."""
    if aggregate.share is not None:
        low, high = (f"{each.numerator}, {each.denominator}" for each in aggregate.share)
        return f"within_share(g[{place}], x.amount, {low}, {high})"
    how = "one-off" if aggregate.one_off else aggregate.how
    if how in {"same", "same sum"}:
        return f"g[{place}].get(x.{slot.attribute}, 0)"
    if how == "distinct":
        return f"len(g[{place}])"
    if how == "one-off":
        return f"g[{place}].count"
    if how in _SORTED:
        return f"(g[{place}][{_SORTED[how].format(place)}] if g[{place}] else 0)"
    return f"g[{place}]"


def _change(slot: Slot, place: int, *, into: bool) -> list[str]:
    """Lines that bring a leg ``x`` that fulfils the slot's conditions into it, or take it out."""
    sign = "+" if into else "-"
    group = "c" if slot.money else "a"
    if slot.how == "count":
        return [f"{group}[{place}] {sign}= 1"]
    if slot.how == "sum":
        return [f"{group}[{place}] {sign}= x.amount"]
    if slot.how == "squares":
        return [f"{group}[{place}] {sign}= x.amount * x.amount"]
    if slot.how == "one-off":
        fits = "k in " + repr(tuple(map(int, slot.legs.kinds)))
        fits = " and ".join([fits, *(f"({each})" for each in slot.legs.conditions())])
        return ["o = x.other", f"if o: {group}[{place}].{'enter' if into else 'leave'}(o, bool({fits}))"]
    if slot.how in _SORTED or slot.how == "share":
        return [f"{'insort' if into else 'drop'}({group}[{place}], x.amount)"]
    by = "x.amount" if slot.how == "same sum" else "1"
    change = f"d[o] = d.get(o, 0) + {by}" if into else f"n = d[o] - {by}\n  if n: d[o] = n\n  else: del d[o]"
    return [f"o = x.{slot.attribute}", "if o:", f"  d = {group}[{place}]", *(f"  {change}".split("\n"))]


def change_function(name: str, slots: list[tuple[int, Slot]], *, into: bool, pairs: bool) -> str:
    """Write ``enter``, ``undo``, ``add_k`` or ``sub_k`` for the given slots."""
    lines = [f"def {name}(S, L, x):", " if not x.counted: return", " k = x.kind"]
    if pairs and into:
        lines += [
            " o = x.other",
            f" if o and ({_PAIRED}):",
            "  p = L.get(o)",
            "  if p is None:",
            "   x.previous = x.known = NEVER",
            "   L[o] = (x.time, x.time)",
            "  else:",
            "   x.previous, x.known = p",
            f"   L[o] = (x.time, p[1] if p[0] > x.time - {KNOWN_MS} else x.time)",
        ]
    for kind in sorted({kind for _, slot in slots for kind in slot.kinds}):
        mine = [(place, slot) for place, slot in slots if kind in slot.kinds]
        lines.append(f" if k == {int(kind)}:")
        for group, key, wanted in (("c", "x.currency", True), ("a", "''", False)):
            if any(slot.money is wanted for _, slot in mine):
                lines += [f"  {group} = S.get({key})", f"  if {group} is None: {group} = S[{key}] = fresh()"]
        by_condition: dict[str, list[str]] = {}
        for place, slot in mine:
            condition = "" if slot.how == "one-off" else " and ".join(slot.legs.conditions())
            by_condition.setdefault(condition, []).extend(_change(slot, place, into=into))
        for condition, changes in by_condition.items():
            lines += (
                [f"  if {condition}:", *(f"   {line}" for line in changes)]
                if condition
                else [f"  {line}" for line in changes]
            )
    if pairs and not into:
        lines += [
            " o = x.other",
            f" if o and ({_PAIRED}):",
            "  if x.previous == NEVER: del L[o]",
            "  else: L[o] = (x.previous, x.known)",
        ]
    return "\n".join(lines)


def remember_function(memories: dict[str, str], *, pairs: bool) -> str:
    """Write ``remember``: what stays known of a leg that is let go. ``memories`` are names of pauses and their conditions."""
    lines = ["def remember(O, x):", " if not x.counted: return", " k = x.kind"]
    if pairs:
        lines += [
            " o = x.other",
            f" if o and ({_PAIRED}):",
            "  p = O.get(o)",
            f"  O[o] = (x.time, p[1] if p is not None and p[0] > x.time - {KNOWN_MS} else x.time)",
        ]
    for name, condition in memories.items():
        lines.append(f" if {condition}: O[{name!r}] = (x.time, x.time)")
    return "\n".join(lines)


def fold_function(series: dict[str, tuple[Legs, bool]]) -> str:
    """Write ``fold``: a leg joins the days of each series it belongs to. ``series`` gives legs, and whether per currency."""
    lines = ["def fold(P, x):", " if not x.counted: return"]
    for name, (legs, money) in series.items():
        lines.append(f" if {legs.source()}: note(P, ({name!r}, {'x.currency' if money else repr('')}), x)")
    return "\n".join(lines)


def may_hit_function(name: str, gates: list[tuple[int, Gate]]) -> str:
    """Write the function that gives the numbers of the rules that pass their gate, or cannot be asked for want of a limit."""
    lines = [
        f"def {name}(s, x):",
        " r = []",
        " m = s.groups.get(x.currency) or EMPTY",
        " n = s.groups.get('') or EMPTY",
    ]
    if any("_BY.get(z, " in line for _, gate in gates for line in gate.limits):
        lines.append(f" {SEGMENT_LINE}")
    for number, gate in gates:
        lines += [f" {line}" for line in gate.limits]
        lines.append(f" g = {'m' if gate.money else 'n'}")
        depth = 1
        if gate.limits:
            unknown = " or ".join(f"{line.partition(' ')[0]} is None" for line in gate.limits)
            lines += [f" if {unknown}: r.append({number})", " else:"]
            depth = 2
        for made, condition in gate.steps:
            lines += [" " * depth + line for line in (*made, f"if {condition}:")]
            depth += 1
        lines.append(" " * depth + f"r.append({number})")
    return "\n".join(with_locals([*lines, " return r"], 1))


def with_locals(lines: list[str], at: int) -> list[str]:
    """Read attributes of the leg ``x`` that are used more than once into local names, before line ``at``."""
    used = Counter(name for line in lines for name in _ATTRIBUTE.findall(line) if name)
    local = {name for name, times in used.items() if times > 1}

    def short(found: re.Match[str]) -> str:
        return f"x_{found[1]}" if found[1] in local else found[0]

    reads = [f" x_{name} = x.{name}" for name in sorted(local)]
    return [*lines[:at], *reads, *(_ATTRIBUTE.sub(short, line) for line in lines[at:])]


def fresh_source(slots: list[Slot]) -> str:
    """Write the maker of an empty group."""
    starts = {"distinct": "{}", "same sum": "{}", "share": "[]", "one-off": "OneOffs()"} | dict.fromkeys(_SORTED, "[]")
    return "def fresh(): return [" + ", ".join(starts.get(slot.how, "0") for slot in slots) + "]"


def build(source: str, names: dict[str, object]) -> dict[str, object]:
    """Compile generated source in a namespace of its own, without built-ins."""
    space: dict[str, object] = {"__builtins__": {}, "len": len, "bool": bool, **names}
    exec(compile(source, "<ruleset>", "exec"), space)
    return space


def kinds_of(rule: Rule) -> set[LegKind]:
    """Kinds of legs a rule counts or is triggered by."""
    kinds = set(rule.on)
    for aggregate in rule.aggregates():
        kinds.update(LEGS[rule.per].get(aggregate.legs, ()))
        if aggregate.one_off:
            kinds.update((LegKind.DEBIT, LegKind.CREDIT))
        if aggregate.chain is not None:
            kinds.update(LEGS[rule.per][aggregate.chain.legs])
    return kinds
