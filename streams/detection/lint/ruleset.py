"""Everything the lint says of a set: conditions, limits that are missing, rules that say the same, and what is dear."""

from streams.detection.findings import Findings
from streams.detection.lint.conditions import RuleLint
from streams.detection.lint.cost import costs, dear
from streams.detection.lint.meaning import Meaning
from streams.detection.lint.overlap import look_for_overlap
from streams.detection.lint.unknowns import Unknowns
from streams.detection.rule import MoneyParam, Rule, Ruleset
from streams.detection.words import OTHERS

_MANY = 2
"""Limits of a currency are missed when one rule in so many has them."""


def lint(ruleset: Ruleset) -> Findings:
    """Look at all rules that are not ``off``; the set has been checked. Only what is proven is said."""
    findings, unknowns = Findings(), Unknowns()
    rules = [rule for rule in ruleset.rules if rule.state != "off"]
    for rule in rules:
        _incomplete(rule, findings)
    _currencies(rules, findings)
    read = [Meaning(rule, unknowns) for rule in rules]
    for meaning in read:
        RuleLint(meaning, findings).look()
    look_for_overlap(read, findings)
    dear(costs(ruleset), findings)
    return findings


def _incomplete(rule: Rule, findings: Findings) -> None:
    """Find currencies in which one limit is there and another is not: the rule is never decided in them."""
    limits = {name: param for name, param in rule.params.items() if isinstance(param, MoneyParam)}
    for segment in sorted({OTHERS}.union(*(param.segments for param in limits.values()))):
        wanted = {code: name for name, param in sorted(limits.items(), reverse=True) for code in param.of(segment)}
        for name, param in limits.items():
            missing = sorted(wanted.keys() - param.of(segment).keys())
            if missing:
                whose = f" for {segment}" if segment != OTHERS else ""
                told = f"'{name}' has no limit{whose} in {', '.join(missing)}, so the rule is never decided there"
                advice = f"'{wanted[missing[0]]}' has one; give both or none"
                findings.warn(param.spot or rule.spot, told, advice)


def _currencies(rules: list[Rule], findings: Findings) -> None:
    """Find rules without limits in a currency that most rules have limits in."""
    covered = {
        rule.id: set.intersection(*found)
        for rule in rules
        if (found := [set(param.minor) for param in rule.params.values() if isinstance(param, MoneyParam)])
    }
    every = sorted(set().union(*covered.values()))
    usual = [code for code in every if _MANY * sum(code in each for each in covered.values()) > len(covered)]
    for rule in rules:
        missing = [code for code in usual if rule.id in covered and code not in covered[rule.id]]
        if missing:
            told = f"no limits in {', '.join(missing)}, which most rules of the set have"
            findings.hint(
                rule.spot, told, "payments in it are undecided, and counted as that; add limits under 'params'"
            )


__all__ = ["lint"]
