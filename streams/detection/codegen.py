"""From rules to generated functions over shared running values.

``enter``: a leg joins all windows; ``undo``: the newest leg leaves them all, when the subject is rewound; per window ``add`` and
``sub``: a leg enters or leaves it at its old end; ``remember``: a leg is let go. Source comes from checked trees (``lower``), never
from text of the user, and sees no built-in names.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from streams.clock import DAY_MS, parse_span
from streams.detection.aggregate import Aggregate
from streams.detection.expression import Node
from streams.detection.lower import Scope, lower
from streams.detection.rule import MoneyParam, Rule
from streams.detection.selection import Legs, first_source, new_source
from streams.detection.slots import Slot, change, group_source, open_source
from streams.detection.words import DISTINCT, FIELDS, KNOWN_MS, LEGS, Type
from streams.legs import LegKind

_ATTRIBUTES: Final = DISTINCT | {"day": f"time // {DAY_MS}"}
_PAIRED: Final = f"k == {int(LegKind.DEBIT)} or k == {int(LegKind.CREDIT)}"
_ATTRIBUTE: Final = re.compile(r"'[^']*'|\bx\.(\w+)\b(?!\s*=[^=])")
"""An attribute of a leg that is read; texts between quotes are passed over."""
_MONEY: Final = frozenset({"sum", "min", "max", "same sum", "mean", "deviation", "median"})
SEGMENT_LINE: Final = "z = segment(s, x)"
"""Looks up the kind of account holder, for limits that differ by it."""
SEGMENTS_OF: Final = "BY_"
"""Begins the names of limits by kind of account holder: no name under which a rule's own limits are held begins so."""
_LOOKS: Final = frozenset({"chain", "alike", "sweep", "share"})
"""Values found by looking back over legs, which compare amounts."""


@dataclass(slots=True)
class Gate:
    """The first conditions of a rule, those that need not look back over legs: most legs do not pass them."""

    money: bool
    limits: list[str] = field(default_factory=list)
    """Lines that look up limits of the leg's currency; one that is None leaves the rule undecided."""
    steps: list[tuple[list[str], str]] = field(default_factory=list)
    """Lines that make values, and the condition asked then."""


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


def change_function(name: str, slots: list[tuple[int, Slot]], *, into: bool, pairs: bool) -> str:
    """Write ``enter``, ``undo``, ``add_k`` or ``sub_k`` for the given slots and their places."""
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
    for kind in sorted({kind for _, slot in slots for kind in slot.legs.kinds}):
        lines.append(f" if k == {int(kind)}:")
        lines += [f"  {line}" for line in with_locals(_changes(kind, slots, into=into))]
    if pairs and not into:
        lines += [
            " o = x.other",
            f" if o and ({_PAIRED}):",
            "  if x.previous == NEVER: del L[o]",
            "  else: L[o] = (x.previous, x.known)",
        ]
    return "\n".join(lines)


def _changes(kind: LegKind, slots: list[tuple[int, Slot]], *, into: bool) -> list[str]:
    """Lines for a leg of one kind: the groups it is in, then what it changes under each condition."""
    mine = [(place, slot) for place, slot in slots if kind in slot.legs.kinds]
    lines = [
        line for group in ("c", "a") if any(slot.group == group for _, slot in mine) for line in open_source(group)
    ]
    by_condition: dict[str, list[str]] = {}
    for place, slot in mine:
        if slot.how == "one-off":
            continue  # it changes with the payments it is counted beside
        beside = [
            (f"{each.group}[{at}]", " and ".join(each.legs.conditions()) if kind in each.legs.kinds else "")
            for at, each in slots
            if each.how == "one-off" and each.payments == slot
        ]
        condition = " and ".join(slot.legs.conditions())
        by_condition.setdefault(condition, []).extend(change(slot, place, beside, into=into))
    for condition, changes in by_condition.items():
        lines += [f"if {condition}:", *(f" {line}" for line in changes)] if condition else changes
    return lines


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
        f" m = {group_source(money=True)}",
        f" n = {group_source(money=False)}",
    ]
    if any(f"= {SEGMENTS_OF}" in line for _, gate in gates for line in gate.limits):
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
    return "\n".join([lines[0], *with_locals([*lines[1:], " return r"], " ")])


def with_locals(lines: list[str], indent: str = "") -> list[str]:
    """Read attributes of the leg ``x`` that are used more than once into local names first, and ask once what is asked often."""
    asked = []
    for number, text in enumerate((FIELDS["known_for"][0], first_source(), new_source())):
        if sum(line.count(text) for line in lines) > 1:
            asked.append(f"{indent}often_{number} = {text}")
            lines = [line.replace(text, f"often_{number}") for line in lines]
    lines = [*asked, *lines]
    used = Counter(name for line in lines for name in _ATTRIBUTE.findall(line) if name)
    local = {name for name, times in used.items() if times > 1}

    def short(found: re.Match[str]) -> str:
        return f"x_{found[1]}" if found[1] in local else found[0]

    reads = [f"{indent}x_{name} = x.{name}" for name in sorted(local)]
    return [*reads, *(_ATTRIBUTE.sub(short, line) for line in lines)]


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
