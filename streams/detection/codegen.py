"""From rules to one program per kind of subject: generated functions over shared running values.

A subject's running values stand in *groups*, lists of slots: one group per currency, and the group ``""`` across currencies.
Equal aggregates of different rules share one slot. Generated: ``enter`` (a leg joins all windows), ``undo`` (the newest leg
leaves them all, when the subject is rewound), per window ``add`` and ``sub`` (a leg enters or leaves it at its old end), and one
function per rule. Source comes from checked trees (``lower``), never from text of the user, and sees no built-in names.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from streams.clock import parse_span
from streams.detection.expression import Aggregate, Node
from streams.detection.lower import Code, Scope, lower
from streams.detection.rule import MoneyParam, ReferenceWord, Rule
from streams.detection.words import DISTINCT, FIELDS, LEGS, PAIR_MS, REFERENCES, Type
from streams.legs import Leg, LegKind, SubjectKind

Groups = dict[str, list[object]]
Values = tuple[int | str, ...]
Judge = Callable[[Groups, Leg, "dict[str, str | tuple[str, ...]] | None"], "Values | str | None"]
_SAFE = {"len": len, "min": min, "max": max, "bisect": None}


@dataclass(frozen=True, slots=True)
class Slot:
    """One shared running value; ``money`` says that it is kept per currency."""

    how: str
    attribute: str
    kind: LegKind
    senders: tuple[str, ...]
    new: bool
    span_ms: int
    money: bool


@dataclass(frozen=True, slots=True)
class Measure:
    """What a rule's function returns at one place of its tuple."""

    name: str
    type: Type
    scale: int
    operator: str = ""
    """Empty for a measured value; for a limit, the comparison it stands in."""


@dataclass(slots=True)
class Plan:
    """What is known of one rule before the code is written."""

    rule: Rule
    money: bool
    source: list[str] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)


def uses_money(rule: Rule) -> bool:
    """Tell whether a rule looks at amounts: then all its windows see legs of the trigger's currency only."""

    def mentions(node: Node) -> bool:
        return (node.kind == "name" and node.value == "amount") or any(mentions(part) for part in node.parts)

    summed = any(aggregate.how in {"sum", "min", "max"} for aggregate in rule.aggregates())
    return summed or mentions(rule.when) or any(isinstance(p, MoneyParam) for p in rule.params.values())


def slot_of(aggregate: Aggregate, rule: Rule) -> Slot:
    """Name the shared running value of an aggregate."""
    attribute = "" if aggregate.how == "count" else DISTINCT.get(aggregate.what, "amount")
    kind = LEGS[rule.per][aggregate.legs]
    return Slot(
        aggregate.how,
        attribute,
        kind,
        tuple(sorted(aggregate.senders)),
        aggregate.new,
        parse_span(aggregate.span),
        uses_money(rule),
    )


def type_of(aggregate: Aggregate) -> Type:
    """Amounts are money, everything counted is a count."""
    return Type.MONEY if aggregate.how in {"sum", "min", "max"} else Type.COUNT


def limit_name(number_of_rule: int, param: str) -> str:
    """Name the global of the generated code that holds a limit's amounts per currency."""
    return f"P{number_of_rule}_{param}"


def plan_rule(rule: Rule, number_of_rule: int, number: Callable[[Slot], int]) -> Plan:
    """Write the function of one rule; ``number`` gives the place of a slot. Raises ``ExpressionError``."""
    plan = Plan(rule, uses_money(rule))
    names: dict[str, Code] = {}
    body = plan.source
    if rule.aggregates():
        body.append(f"g = S.get({'x.currency' if plan.money else repr('')}) or EMPTY")
    for let in rule.lets:
        value = let.value
        if isinstance(value, Aggregate):
            slot = slot_of(value, rule)
            plan.slots.append(slot)
            body.append(f"v_{let.name} = {_read(slot, number(slot))}")
            names[let.name] = Code(f"v_{let.name}", type_of(value))
        elif isinstance(value, ReferenceWord):
            body += ["if refs is None: return 'no reference data'", f"v_{let.name} = refs.get({value.word!r}, '')"]
            names[let.name] = Code(f"v_{let.name}", REFERENCES[value.word])
        else:
            code = lower(value, Scope(names, rule.params))
            body.append(f"v_{let.name} = {code.source}")
            names[let.name] = Code(f"v_{let.name}", code.type, code.scale)
    for name, param in rule.params.items():
        if isinstance(param, MoneyParam):
            body += [f"p_{name} = {limit_name(number_of_rule, name)}.get(x.currency)"]
            body += [f"if p_{name} is None: return 'no limit for currency ' + x.currency"]
        else:
            body.append(f"p_{name} = {param}")
    scope = Scope(names, rule.params)
    condition = lower(rule.when, scope)
    values = [_measure(plan, name, code) for name, code in names.items() if code.type is not Type.BOOL]
    for name, operator, code in scope.limits:
        plan.measures.append(Measure(name, code.type, code.scale, operator))
        values.append(code.source)
    body.append(f"if {condition.source}: return ({', '.join(values)}{',' if values else ''})")
    body += [f"if x.{FIELDS[word][0]} == '': return 'no {word}'" for word in sorted(scope.texts)]
    return plan


def _measure(plan: Plan, name: str, code: Code) -> str:
    plan.measures.append(Measure(name, code.type, code.scale))
    return code.source if code.type is not Type.SET else f"len({code.source})"


def _read(slot: Slot, place: int) -> str:
    if slot.how == "distinct":
        return f"len(g[{place}])"
    if slot.how in {"min", "max"}:
        end = 0 if slot.how == "min" else -1
        return f"(g[{place}][{end}] if g[{place}] else 0)"
    return f"g[{place}]"


def _change(slot: Slot, place: int, *, into: bool) -> list[str]:
    """Lines that bring a leg ``x`` into a slot, or take it out."""
    sign = "+" if into else "-"
    group = "c" if slot.money else "a"
    if slot.how == "count":
        lines = [f"{group}[{place}] {sign}= 1"]
    elif slot.how == "sum":
        lines = [f"{group}[{place}] {sign}= x.amount"]
    elif slot.how in {"min", "max"}:
        lines = [f"{'insort' if into else 'drop'}({group}[{place}], x.amount)"]
    else:
        change = "d[o] = d.get(o, 0) + 1" if into else "n = d[o] - 1\n  if n: d[o] = n\n  else: del d[o]"
        lines = [f"o = x.{slot.attribute}", "if o:", f"  d = {group}[{place}]", *(f"  {change}".split("\n"))]
    if slot.senders:
        lines = [f"if x.origin in {slot.senders!r}:", *(f"  {line}" for line in lines)]
    if slot.new:
        lines = [f"if x.previous <= x.time - {PAIR_MS}:", *(f"  {line}" for line in lines)]
    return lines


def change_function(name: str, slots: list[tuple[int, Slot]], *, into: bool, pairs: bool) -> str:
    """Write ``enter``, ``undo``, ``add_k`` or ``sub_k`` for the given slots."""
    lines = [f"def {name}(S, L, x):", " if not x.counted: return", " k = x.kind"]
    if pairs and into:
        lines += [" o = x.other", " if o and (k == 2 or k == 3):", "  x.previous = L.get(o, NEVER)", "  L[o] = x.time"]
    for kind in sorted({slot.kind for _, slot in slots}):
        mine = [(place, slot) for place, slot in slots if slot.kind is kind]
        lines.append(f" if k == {int(kind)}:")
        for group, key, wanted in (("c", "x.currency", True), ("a", "''", False)):
            if any(slot.money is wanted for _, slot in mine):
                lines += [f"  {group} = S.get({key})", f"  if {group} is None: {group} = S[{key}] = fresh()"]
        for place, slot in mine:
            lines += [f"  {line}" for line in _change(slot, place, into=into)]
    if pairs and not into:
        lines += [
            " o = x.other",
            " if o and (k == 2 or k == 3):",
            "  if x.previous == NEVER: del L[o]",
            "  else: L[o] = x.previous",
        ]
    return "\n".join(lines)


def fresh_source(slots: list[Slot]) -> str:
    """Write the maker of an empty group."""
    starts = {"count": "0", "sum": "0", "distinct": "{}", "min": "[]", "max": "[]"}
    return "def fresh(): return [" + ", ".join(starts[slot.how] for slot in slots) + "]"


def build(source: str, names: dict[str, object]) -> dict[str, object]:
    """Compile generated source in a namespace of its own, without built-ins."""
    space: dict[str, object] = {"__builtins__": {}, "len": len, **names}
    exec(compile(source, "<ruleset>", "exec"), space)
    return space


def kinds_of(rule: Rule) -> set[LegKind]:
    """Kinds of legs a rule counts or is triggered by."""
    return {LEGS[rule.per][aggregate.legs] for aggregate in rule.aggregates()} | set(rule.on)


def subject_kinds(rules: list[Rule]) -> frozenset[SubjectKind]:
    """Kinds of subject a set of rules needs."""
    return frozenset(rule.per for rule in rules)
