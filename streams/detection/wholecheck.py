"""Checking what only a rule as a whole can tell: its values and conditions together, and the names in its reason sentence."""

from collections.abc import Collection, Iterator
from collections.abc import Mapping as MappingType
from collections.abc import Set as AbstractSet
from dataclasses import replace
from difflib import get_close_matches

from streams.detection.document import Text
from streams.detection.expression import ExpressionError, Node
from streams.detection.fields import Fields
from streams.detection.findings import Findings, Spot
from streams.detection.plan import plan_rule
from streams.detection.planned import Plan, Shared
from streams.detection.rule import Rule
from streams.detection.sentence import names_in, stray_braces
from streams.detection.words import FIELDS, Type


def check_whole(
    rule: Rule, fields: Fields, lists: MappingType[str, Type], findings: Findings, *, readable: bool
) -> None:
    """Check as far as the parts of the rule can be read, because all faults are to be told at once.

    ``readable`` says that of 'when'; values and limits that cannot be read are not in ``rule``.
    """
    named = fields.mapping("let").keys() | fields.mapping("params").keys()
    broken = named - {let.name for let in rule.lets} - rule.params.keys()
    plan = _plan(rule, broken, fields, (lists, findings), readable=readable)
    measured = {each.name for each in plan.measures} if plan is not None else named
    _check_say(rule, measured | rule.params.keys(), fields, findings, excused=FIELDS if plan is None else ())
    if plan is not None:
        _check_values(rule, {each.name for each in plan.measures if not each.operator}, findings)
    expected = {test.expect for test in rule.tests}
    if expected != {"alert", "none"}:
        findings.warn(rule.spot, "the rule lacks a test that fires or one that stays silent", "add both under 'tests'")


def _plan(
    rule: Rule, broken: set[str], fields: Fields, told: tuple[MappingType[str, Type], Findings], *, readable: bool
) -> Plan | None:
    """Plan the rule; a value with a fault is left out for the next try, and who asks for one that is ``broken`` is excused."""
    lists, findings = told
    lets, whole = list(rule.lets), not broken
    while True:
        try:
            plan = plan_rule(replace(rule, lets=tuple(lets)), 0, Shared(lists))
        except ExpressionError as error:
            whole = False
            if error.unknown not in broken and (error.let or readable):
                _tell(error, fields, findings)
            elif not error.let and readable:
                for each in _unknown(rule.when, {*fields.mapping("let"), *rule.params, *broken, *FIELDS, *lists}):
                    _tell(each, fields, findings)
            if not error.let:
                return None
            broken.add(error.let)
            lets = [let for let in lets if let.name != error.let]
        else:
            return plan if whole else None


def _unknown(node: Node, known: AbstractSet[str]) -> Iterator[ExpressionError]:
    """Give the names of a condition that mean nothing."""
    if node.kind == "name" and node.value not in known:
        yield ExpressionError(node.column, f"unknown name {node.value!r}", "define it under 'let' or 'params'")
    for part in node.parts:
        yield from _unknown(part, known)


def _tell(error: ExpressionError, fields: Fields, findings: Findings) -> None:
    item = fields.mapping("let")[error.let][1] if error.let else fields.document.get("when")
    spot = item.at(error.column) if isinstance(item, Text) else fields.document.spot
    findings.error(spot, str(error), error.advice)


def _check_say(
    rule: Rule, known: AbstractSet[str], fields: Fields, findings: Findings, *, excused: Collection[str]
) -> None:
    say = fields.document.get("say")

    def spot(offset: int) -> Spot:
        return say.at(offset) if isinstance(say, Text) else fields.document.spot

    for name, offset in names_in(rule.say):
        if name not in known and name not in excused:
            advice = "known: " + ", ".join(sorted(known))
            findings.error(spot(offset), f"'say' names {{{name}}}, which is not a value of the rule", advice)
    for offset in stray_braces(rule.say):
        findings.error(spot(offset), "a brace of 'say' that belongs to no name", "write {name}, or leave it out")


def _check_values(rule: Rule, measured: Collection[str], findings: Findings) -> None:
    for test in rule.tests:
        for name, text in test.values.items():
            if name not in measured:
                near = get_close_matches(name, measured, 1)
                advice = f"did you mean {near[0]!r}?" if near else "it measures: " + ", ".join(sorted(measured))
                findings.error(text.spot, f"the rule does not measure {name!r}", advice)
