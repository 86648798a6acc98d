"""Small rules, and what the lint says of them."""

from textwrap import indent

from streams.detection.check import check_files
from streams.detection.findings import Finding
from streams.detection.lint.ruleset import lint

RULE = """id: {id}
title: A rule
typology: test
severity: {severity}
state: {state}
owner: fraud-ops
per: {per}
on: {on}
wait: {wait}
{lets}when: {when}
params:
{params}
say: "said"
"""
PARAMS = """floor: {CNY: 100, USD: 10}
ceiling: {CNY: 500, USD: 60}
salaries: [SALA, PENS]
times_min: 3
"""
USUAL = {"id": "small", "severity": "high", "state": "active", "per": "account", "on": "debit", "wait": "0s"}


def rule(when: str, let: str = "", params: str = PARAMS, **more: str) -> str:
    """Write a rule; ``let`` and ``params`` are lines."""
    lets = f"let:\n{indent(let.strip(), '  ')}\n" if let else ""
    return RULE.format(**USUAL | more, lets=lets, when=when, params=indent(params.strip(), "  "))


def linted(*texts: str) -> list[Finding]:
    """Give what the lint says of a set, in the order of files."""
    ruleset, findings = check_files({f"rule-{number}.yaml": text for number, text in enumerate(texts)})
    assert ruleset is not None, findings
    return sorted(lint(ruleset))
