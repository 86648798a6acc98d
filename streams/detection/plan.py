"""One rule as the source of a function: what it reads, in which order, and what it gives.

The condition is taken apart where ``and`` joins it. Its parts are asked one after the other, those that need only running values
first, then those that look back over legs, then those that need registered facts; values are read when a part first needs them.
The first part that is not so ends it: the rule is silent, or undecided when something that part asks about is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from streams.clock import DAY_MS, parse_span
from streams.detection.aggregate import VERDICTS, Aggregate, NamedIn, Past, Since, Sweep
from streams.detection.baseline import HUNDREDTHS, Baseline, series_name
from streams.detection.citing import wanted
from streams.detection.codegen import (
    SEGMENT_LINE,
    SEGMENTS_OF,
    Gate,
    filter_source,
    legs_of,
    slot_of,
    type_of,
    uses_money,
)
from streams.detection.expression import ExpressionError, Node
from streams.detection.lower import Code, Scope, lower
from streams.detection.naming import Asked
from streams.detection.planned import Measure, Plan, Shared
from streams.detection.rule import Let, MoneyParam, ReferenceWord, Rule
from streams.detection.selection import Legs
from streams.detection.sequences import Links
from streams.detection.slots import Slot, group_source, read_slot
from streams.detection.verdicts import POINT_PARTS
from streams.detection.words import FIELDS, KNOWN_MS, LEGS, NOTICES, PAIR_MS, PAUSE_MS_MAX, REFERENCES, TEXTS, Type
from streams.legs import SubjectKind

_RUNNING, _FACT, _BACK = range(3)
"""How dear a value is: kept running, looked up, or found by looking back over legs."""
_SHORT = "insufficient history"
_PICKED = frozenset({"followed", "matched"})
"""Chains that name the legs that took part."""
NOT_RUNNING = frozenset({"pause", "chain", "alike", "sweep", "naming"}) | VERDICTS
"""Values for which nothing is kept running."""


@dataclass(slots=True)
class _Value:
    """A named value: the lines that make it, what it needs, and how dear it is."""

    lines: list[str]
    code: Code
    needs: tuple[str, ...] = ()
    rank: int = _RUNNING
    made: bool = False


def limits_name(number: int) -> str:
    """Start of the names under which the generated code holds a rule's limits and sets of codes."""
    return f"P{number}_"


class _Planner:
    def __init__(self, rule: Rule, number: int, shared: Shared) -> None:
        self.rule, self.shared = rule, shared
        money = uses_money(rule)
        self.plan = Plan(rule, money, Gate(money))
        self.scope = Scope({}, rule.params, shared.lists, limits_name(number))
        self.values: dict[str, _Value] = {}
        self.let = ""
        self.cited = wanted(rule)
        if shared.watched:
            self.scope.watch = lambda node, source: f"seen({(rule.id, self.let, node.column)!r}, {source})"

    def write(self) -> Plan:
        plan, rule, scope = self.plan, self.rule, self.scope
        body = plan.source
        if any(isinstance(param, MoneyParam) and param.segments for param in rule.params.values()):
            if rule.per is not SubjectKind.ACCOUNT:
                raise ExpressionError(0, "limits per kind of account holder are for accounts only")
            body.append(SEGMENT_LINE)
        for name, param in rule.params.items():
            if isinstance(param, MoneyParam):
                limits = f"{scope.limits_of}{name}"
                of_segment = f"{SEGMENTS_OF}{limits}.get(z, {limits})" if param.segments else limits
                plan.gate.limits.append(f"p_{name} = {of_segment}.get(x.currency)")
                body += plan.gate.limits[-1:]
                body += [f"if p_{name} is None: return 'no limit for currency ' + x.currency"]
        running = (
            each.chain is not None or each.how == "naming" or (each.how not in NOT_RUNNING and each.past is None)
            for each in rule.aggregates()
        )  # fmt: skip
        if any(running):
            body.append(f"g = {group_source(money=plan.money)}")
        for let in rule.lets:
            self.let = let.name
            try:
                self.values[let.name] = self._value(let)
            except ExpressionError as error:
                error.let = let.name
                raise
            scope.names[let.name] = self.values[let.name].code
        self.let = ""
        self._conditions()
        measured = []
        for name, value in self.values.items():
            self._make(name)
            if value.code.type is not Type.BOOL:
                plan.measures.append(Measure(name, value.code.type, value.code.scale))
                measured.append(f"len({name_of(name)} or ())" if value.code.type is Type.SET else name_of(name))
        for name, operator, code in scope.limits:
            plan.measures.append(Measure(name, code.type, code.scale, operator))
            measured.append(f"(0 if {code.missing} else {code.source})" if code.missing else code.source)
        body.append(f"return ({', '.join(measured)}{',' if measured else ''})")
        if plan.picks:
            plan.evidence = [legs for legs in plan.evidence if legs.marked]
        self._memory()
        return plan

    def _conditions(self) -> None:
        plan, when = self.plan, self.rule.when
        parts = when.parts if when.kind == "and" else (when,)
        ready = []
        plan.needs_verdict = any(map(self._needs_verdict, parts))
        for part in parts:
            self.scope.missing = {}
            code = lower(Node("and", when.column, parts=(part,)), self.scope)
            names = sorted(_names(part) & self.values.keys())
            ready.append((max((self._rank(name) for name in names), default=_RUNNING), names, code, self.scope.missing))
        ready.sort(key=lambda each: each[0])
        leading, last = True, []
        for rank, names, code, missing in ready:
            before = len(plan.source)
            for name in names:
                self._make(name)
            leading = leading and rank != _BACK
            if leading:
                plan.gate.steps.append((plan.source[before:], " or ".join([code.source, *missing])))
            test = _test(code, missing)
            if rank == _FACT and missing and ready[-1][0] == _BACK:
                # A fact that is known spares the looking back; one that is missing decides nothing before that is done.
                plan.source.append(f"if not {code.source} and not ({' or '.join(missing)}): return None")
                last += test
            else:
                leading = leading and not missing  # else what comes after it is asked only where nothing is missing
                plan.source += test
        plan.source += last

    def _needs_verdict(self, part: Node) -> bool:
        """Tell whether a condition asks for verdicts to be there: at least so many of them, or points."""
        if part.kind not in {">=", ">"}:
            return False
        value, least = part.parts
        asked = [let.value for let in self.rule.lets if value.kind == "name" and let.name == value.value]
        if not any(isinstance(each, Aggregate) and each.how in VERDICTS for each in asked):
            return False
        limit = self.rule.params.get(least.value) if least.kind == "name" else least.value
        return least.kind in {"name", "number"} and isinstance(limit, int | str) and Fraction(limit) > 0

    def _rank(self, name: str) -> int:
        value = self.values[name]
        return max([value.rank, *(self._rank(each) for each in value.needs)])

    def _make(self, name: str) -> None:
        value = self.values[name]
        if not value.made:
            value.made = True
            for each in value.needs:
                self._make(each)
            self.plan.source += value.lines

    def _value(self, let: Let) -> _Value:
        value, target = let.value, name_of(let.name)
        if isinstance(value, Aggregate):
            return self._aggregate(value, target)
        if isinstance(value, ReferenceWord):
            kind = REFERENCES[self.rule.per][value.word]
            missing = f"{target} is None" if kind is Type.SET else f"{target} == ''"
            empty = "None" if kind is Type.SET else "''"
            lines = [
                "R = s.reference_at(x.time)",
                f"{target} = {empty} if R is None else R.get({value.word!r}, {empty})",
            ]
            return _Value(lines, Code(target, kind, missing=missing), rank=_FACT)
        if isinstance(value, Since):
            return self._since(value, target)
        if isinstance(value, NamedIn):
            name = self.shared.naming(self._asked(self.rule.naming(value)))
            code = Code(target, Type.ACCOUNTS, missing=f"{target} == ''")
            return _Value([f"{target} = naming_most(s, x, {name})"], code, rank=_BACK)
        known = self.scope.missing
        self.scope.missing = {}
        code = lower(value, self.scope)
        missing = " or ".join(dict.fromkeys([*self.scope.missing, *filter(None, [code.missing])]))
        optional = not self.scope.missing  # what is missing, if anything, is an answer
        reason = next((each for each in self.scope.missing.values() if each.startswith(_SHORT)), "")
        self.scope.missing = known
        needs = tuple(sorted(_names(value) & self.values.keys()))
        source = f"0 if {missing} else {code.source}" if missing and code.type is not Type.BOOL else code.source
        return _Value(
            [f"{target} = {source}"], Code(target, code.type, code.scale, None, missing, optional, reason), needs
        )

    def _since(self, value: Since, target: str) -> _Value:
        if value.field:
            source, kind = FIELDS[value.field]
            if kind not in TEXTS:
                raise ExpressionError(
                    value.column, f"{value.field!r} is no text", "write: time since counterparty in ..."
                )
            line = f"{target} = registered_for(s, x, {value.word!r}, {source})"
        elif value.word in NOTICES:
            line = f"{target} = standing_for(s, x, {value.word!r}) if s.references else -1"
            return _Value([line], Code(target, Type.SPAN, missing=f"{target} < 0", optional=True), rank=_FACT)
        else:
            line = f"{target} = s.since(x.time, {value.word!r})"
        return _Value([line], Code(target, Type.SPAN, missing=f"{target} < 0"), rank=_FACT)

    def _aggregate(self, value: Aggregate, target: str) -> _Value:
        if value.how in VERDICTS:
            return self._verdicts(value, target)
        plan, shared = self.plan, self.shared
        legs = legs_of(self.rule, value, self.scope)
        span = parse_span(value.span)
        if value.past is not None:
            return self._past(value, value.past, legs, target)
        plan.looks_at.append(legs)
        plan.reach_ms = max(plan.reach_ms, span)
        cited = self.let in self.cited
        if cited and value.chain is None and value.share is None and value.how != "naming" and not value.one_off:
            plan.evidence.append(legs)
            plan.evidence_ms = max(plan.evidence_ms, span)
        looked = self._look_back(value, legs, span, target)
        if looked is not None:
            return looked
        if value.how in {"mean", "deviation"}:
            return _Value([f"{target} = {self._moments(value)}"], Code(target, Type.MONEY))
        if cited and value.one_off:
            plan.picks.append(f"one_off_legs(s, x, {shared.fit(legs)}, {span}, {plan.money})")
        if cited and value.share is not None:
            bounds = ", ".join(f"{each.numerator}, {each.denominator}" for each in value.share)
            plan.picks.append(f"share_legs(s, x, {shared.fit(legs)}, {span}, ({bounds}))")
        slot = slot_of(value, self.rule, self.scope)
        return _Value([f"{target} = {read_slot(slot, shared.slots.place(slot), value)}"], Code(target, type_of(value)))

    def _look_back(self, value: Aggregate, legs: Legs, span: int, target: str) -> _Value | None:
        """Make a value that is found by looking back over legs; None for one that is kept running."""
        plan, shared, cited = self.plan, self.shared, self.let in self.cited
        if value.how == "pause":
            memory = f"{'pause before ':.<65}{legs.source()}"  # longer than any account's token, so never one
            fits = shared.fit(legs)
            shared.memories[memory] = f"{fits}(x)"
            line = f"{target} = pause(s, x, {fits}, {span}, {memory!r})"
            return _Value([line], Code(target, Type.SPAN, missing=f"{target} < 0"), rank=_BACK)
        if value.chain is not None:
            then_where = filter_source(value.chain.where, self.scope)
            then = Legs(LEGS[self.rule.per][value.chain.legs], new=value.chain.new, where=then_where)
            plan.looks_at.append(then)
            key = shared.fit(legs), shared.fit(then)
            name = next((n for n, each in shared.links.items() if each == (value, *key, plan.money)), "")
            name = name or f"links_{len(shared.links)}"
            shared.links[name] = (value, *key, plan.money)
            dwell = value.chain.verb == "dwell"
            if cited and value.chain.verb in _PICKED:
                plan.picks.append(f"{value.chain.verb}_legs(s, x, {name})")
            elif cited:
                plan.evidence += [legs, then]
                plan.evidence_ms = max(plan.evidence_ms, span)
            code = Code(target, Type.SPAN, missing=f"{target} < 0") if dwell else Code(target, Type.COUNT)
            there = [self._there(each, span) for each in ((legs, then) if dwell or value.chain.low else (legs,))]
            found = f"{value.chain.verb}(s, x, {name}) if {' and '.join(there)} else {-1 if dwell else 0}"
            return _Value([f"{target} = {found}"], code, rank=_BACK)
        if value.how == "naming":
            name = shared.naming(self._asked(value))
            if cited:
                plan.picks.append(f"naming_legs(s, x, {name})")
            found = f"naming(s, x, {name}) if {self._there(legs, span)} else 0"
            return _Value([f"{target} = {found}"], Code(target, Type.COUNT), rank=_BACK)
        if value.near is not None:
            name = shared.look(("alike", shared.fit(legs), span, value.near))
            return _Value([f"{target} = alike(s, x, {name})"], Code(target, Type.COUNT), rank=_BACK)
        return self._sweep(value.sweep, span, target) if value.sweep is not None else None

    def _asked(self, value: Aggregate) -> Asked:
        """Say which payments are asked whom their other ends name."""
        legs = legs_of(self.rule, value, self.scope)
        return self.shared.fit(legs), parse_span(value.span), value.one_off, legs.marked, self.plan.money

    def _there(self, legs: Legs, span: int) -> str:
        """Give the source of how many such legs the window holds: without any there is nothing to look back for."""
        return f"g[{self.shared.slots.place(Slot('count', '', legs, span, self.plan.money))}]"

    def _sweep(self, sweep: Sweep, span: int, target: str) -> _Value:
        limits = [
            lower(each, self.scope) if each is not None else Code("0", Type.MONEY)
            for each in (sweep.floor, sweep.pocket)
        ]
        for node, code in zip((sweep.floor, sweep.pocket), limits, strict=True):
            if node is not None and code.type is not Type.MONEY:
                raise ExpressionError(
                    node.column, f"{node.value!r} is no amount", "name a limit per currency of 'params'"
                )
        name = self.shared.look(("swept", "", span // DAY_MS, sweep.share))
        line = f"{target} = swept(s, x, {name}, ({limits[0].source}, {limits[1].source}))"
        return _Value([line], Code(target, Type.COUNT), rank=_BACK)

    def _moments(self, value: Aggregate) -> str:
        """Give the source of a mean or standard deviation of a window, rounded down; 0 without legs."""
        slot = slot_of(value, self.rule, self.scope)

        def part(how: str) -> str:
            return f"g[{self.shared.slots.place(replace(slot, how=how, attribute='' if how == 'count' else 'amount'))}]"

        count, total = part("count"), part("sum")
        if value.how == "mean":
            return f"({total} // {count} if {count} else 0)"
        squares = part("squares")
        return f"(isqrt({count} * {squares} - {total} * {total}) // {count} if {count} else 0)"

    def _verdicts(self, value: Aggregate, target: str) -> _Value:
        """Read a value over what other rules said of the subject."""
        rules = f"{{{', '.join(map(repr, sorted(value.senders)))}}}"
        span, scale = parse_span(value.span), 1
        self.plan.reach_ms = max(self.plan.reach_ms, span)
        self.plan.asks = True
        if value.points is not None:
            weights = dict(zip(value.senders, value.points.weights, strict=True))
            line = f"{target} = points(s, x, {weights!r}, {parse_span(value.points.half)}, {span})"
            scale = POINT_PARTS
        else:
            line = f"{target} = {value.how.replace(' ', '_')}(s, x, {rules}, {span})"
        if self.let in self.cited:
            self.plan.picks.append(f"verdict_legs(s, x, {rules}, {span})")
        return _Value([line], Code(target, Type.COUNT, scale), rank=_BACK)

    def _past(self, value: Aggregate, past: Past, legs: Legs, target: str) -> _Value:
        plan, shared = self.plan, self.shared
        span, before = parse_span(value.span), parse_span(past.before)
        active = Legs(LEGS[self.rule.per][past.active]) if past.active else legs
        series, known_by = (
            series_name(self.rule, each, money=plan.money, limits_of=self.scope.limits_of) for each in (legs, active)
        )
        shared.series |= {series: (legs, plan.money), known_by: (active, plan.money)}
        wanted = Baseline(
            series, plan.money, value.how, span // DAY_MS, before, past.days_min, known_by, past.deviations
        )
        name = next(
            (known for known, each in shared.baselines.items() if each == wanted), f"past_{len(shared.baselines)}"
        )
        shared.baselines[name] = wanted
        plan.remembered.append(legs)
        plan.history_ms = max(plan.history_ms, span + before + DAY_MS)
        scale = HUNDREDTHS if past.deviations is not None and value.how == "count" else 1
        code = Code(target, type_of(value), scale, missing=f"{target} < 0", reason=f"{_SHORT} for {target[2:]}")
        return _Value([f"{target} = history(s, x, {name})"], code, rank=_BACK)

    def _memory(self) -> None:
        plan = self.plan
        looked_at = plan.looks_at + plan.remembered
        texts = [*plan.source, *(legs.where for legs in looked_at)]
        if any("x.known" in text for text in texts) or any(legs.one_off for legs in looked_at):
            plan.memory_ms = KNOWN_MS
        elif any("x.previous" in text for text in texts) or any(legs.new for legs in looked_at):
            plan.memory_ms = PAIR_MS
        if any(aggregate.how == "pause" for aggregate in self.rule.aggregates()):
            plan.memory_ms = PAUSE_MS_MAX


def name_of(let: str) -> str:
    """Name of a value in the generated code."""
    return f"v_{let}"


def _test(code: Code, missing: Mapping[str, str]) -> list[str]:
    """Lines that end a rule's function where a condition is not so: undecided if that is for want of a value."""
    tests = [f" if {test}: return {reason!r}" for test, reason in missing.items()]
    return [f"if not {code.source}:", *tests, " return None"]


def _names(node: Node) -> set[str]:
    found = {node.value} if node.kind == "name" else set()
    return found.union(*(_names(part) for part in node.parts))


def plan_rule(rule: Rule, number: int, shared: Shared) -> Plan:
    """Write the function of one rule. Raises ``ExpressionError``."""
    return _Planner(rule, number, shared).write()


def links_of(known: tuple[Aggregate, str, str, bool], functions: Mapping[str, object]) -> Links:
    """Make what a chain looks for, once the conditions on legs are compiled."""
    aggregate, first, then, money = known
    chain = aggregate.chain
    assert chain is not None  # noqa: S101  only chains are kept here
    return Links(
        functions[first], functions[then], parse_span(aggregate.span), parse_span(chain.span), chain.low, chain.high,  # type: ignore[arg-type]
        chain.alike, money, chain.others,
    )  # fmt: skip
