"""The manual of a ruleset for auditors: each rule in plain sentences, with what stands behind it."""

import json
from collections.abc import Iterator, Mapping
from typing import Final

from streams.clock import to_text
from streams.detection.document import Text, read_document
from streams.detection.explain import condition_text, explain
from streams.detection.findings import Findings
from streams.detection.rule import MoneyParam, ReferenceList, Rule, Ruleset, Words
from streams.detection.rulecheck import STATES
from streams.detection.words import SUBJECT_WORDS
from streams.money import format_minor
from streams.replay.coverage import Coverage, RuleCoverage, said
from streams.replay.pages import Block, Bullets, Grid, Heading, Paragraph

TITLE: Final = "Manual of the rules"
_STATES: Final = sorted(STATES)
_SPARING: Final = frozenset({"not", "not in", "missing"})
"""Parts of a condition that keep a rule silent."""


def manual(ruleset: Ruleset, shown: Coverage) -> Iterator[Block]:
    """Give the manual; everything in it comes from the rule files and what is evaluated of them."""
    states = [f"{sum(rule.state == state for rule in ruleset.rules)} {state}" for state in _STATES]
    yield Heading(1, TITLE)
    yield Paragraph(
        f"{len(ruleset.rules)} rules ({', '.join(states)}) and {len(ruleset.lists)} lists; digest {ruleset.digest}. The digest "
        "stands in every alert of this set; another digest means another set."
    )
    yield Paragraph(
        f"Condition coverage of the rules' own tests: {shown.percent}. Each comparison of a rule has two outcomes, true and false."
    )
    heads = ("Rule", "Title", "Typology", "Severity", "State", "Owner", "Legal basis")
    rows = [
        (each.id, each.title, each.typology, each.severity, each.state, each.owner, each.legal_basis or "not given")
        for each in ruleset.rules
    ]
    yield Grid(heads, rows, links=True)
    covered = {each.rule_id: each for each in shown.rules}
    texts: Mapping[str, str] = json.loads(ruleset.text)
    for rule in ruleset.rules:
        yield from _rule(rule, ruleset, _notes(rule, texts), covered.get(rule.id))
    for reference in sorted(ruleset.lists.values(), key=lambda each: each.id):
        yield from _list(reference, ruleset)


def _notes(rule: Rule, texts: Mapping[str, str]) -> dict[str, str]:
    """Give what a rule file says for people only."""
    document = read_document(rule.spot.file, texts[rule.spot.file], Findings())
    assert document is not None  # noqa: S101  the set was checked
    found = {name: document.get(name) for name in ("description", "false_positives")}
    return {name: item.value for name, item in found.items() if isinstance(item, Text)}


def _rule(rule: Rule, ruleset: Ruleset, notes: Mapping[str, str], covered: RuleCoverage | None) -> Iterator[Block]:
    yield Heading(2, f"{rule.id}: {rule.title}", rule.id)
    facts = {
        "Version": str(rule.version), "State": rule.state, "Severity": rule.severity, "Typology": rule.typology,
        "Owner": rule.owner, "Legal basis": rule.legal_basis or "not given", "Looks at": SUBJECT_WORDS[rule.per],
        "File": f"{rule.spot.file}", "Review": _review(rule, ruleset),
    }  # fmt: skip
    yield Grid(("Fact", "Value"), list(facts.items()))
    if "description" in notes:
        yield Heading(3, "Why")
        yield Paragraph(notes["description"])
    yield Heading(3, "What it catches")
    yield Bullets(explain(rule))
    yield from _limits(rule)
    yield from _controls(rule, ruleset, notes)
    yield from _tests(rule, covered)


def _review(rule: Rule, ruleset: Ruleset) -> str:
    """Say when the rule, or what it leans on, has to be looked at again."""
    if rule.review_by:
        return f"by {_day(rule.review_by)}"
    days = [_expiry(ruleset.lists[name]) for name in rule.unless if ruleset.lists[name].entries]
    return f"an entry of its lists expires on {min(days)}" if days else "no date is set"


def _expiry(reference: ReferenceList) -> str:
    return min(_day(entry.expires) for entries in reference.entries.values() for entry in entries)


def _day(millis: int) -> str:
    return to_text(millis)[:10]


def _limits(rule: Rule) -> Iterator[Block]:
    money: dict[str, dict[str, int]] = {}
    for name, param in rule.params.items():
        if isinstance(param, MoneyParam):
            money |= {f"{name} of {segment}": minor for segment, minor in sorted(param.segments.items())}
            money[f"{name} of all others" if param.segments else name] = param.minor
    others = {name: param for name, param in rule.params.items() if not isinstance(param, MoneyParam)}
    if money:
        codes = sorted({code for minor in money.values() for code in minor})
        yield Heading(3, "Limits per currency")
        yield Grid(
            ("Currency", *money),
            [
                (
                    code,
                    *(format_minor(minor[code], code) if code in minor else "not decided" for minor in money.values()),
                )
                for code in codes
            ],
        )
    if others:
        yield Heading(3, "Other limits")
        told = {
            name: ", ".join(sorted(param.codes)) if isinstance(param, Words) else str(param)
            for name, param in others.items()
        }
        yield Grid(("Name", "Value"), list(told.items()))


def _controls(rule: Rule, ruleset: Ruleset, notes: Mapping[str, str]) -> Iterator[Block]:
    parts = rule.when.parts if rule.when.kind == "and" else (rule.when,)
    items = [f"It fires only when {condition_text(part, rule)}." for part in parts if part.kind in _SPARING]
    for name in rule.unless:
        count = sum(map(len, ruleset.lists[name].entries.values()))
        items.append(f"Whoever stands on the list {name} ({count} entries) is held back, and that is recorded.")
    if "false_positives" in notes:
        items.append(notes["false_positives"])
    yield Heading(3, "What spares lawful payments")
    yield Bullets(items) if items else Paragraph("Nothing beyond its limits.")


def _tests(rule: Rule, covered: RuleCoverage | None) -> Iterator[Block]:
    yield Heading(3, "Tests")
    if rule.tests:
        expects = {"alert": "an alert", "none": "silence"}
        yield Grid(("Test", "Expects", "Events"), [(t.name, expects[t.expect], str(len(t.events))) for t in rule.tests])
    if covered is None:
        yield Paragraph("The rule is off; its tests do not run.")
        return
    yield Paragraph(
        f"They show {covered.shown} of {covered.outcomes} outcomes of its {covered.comparisons} comparisons."
    )
    if covered.unseen:
        yield Bullets(
            [
                f"Line {each.spot.line}, column {each.spot.column}: {said(each, truth)}."
                for each, truth in covered.unseen
            ]
        )


def _list(reference: ReferenceList, ruleset: Ruleset) -> Iterator[Block]:
    yield Heading(2, f"List {reference.id}", f"list-{reference.id}")
    users = [rule.id for rule in ruleset.rules if reference.id in rule.unless]
    holds = f"It holds back: {', '.join(users)}." if users else "It holds no rule back; conditions may ask it."
    yield Paragraph(f"It names {reference.kind}s and is kept by {reference.owner}. {holds}")
    rows = [
        (
            key, entry.reason, entry.added_by, entry.approved_by, _day(entry.valid_from) if entry.valid_from else "always",
            _day(entry.expires),
        )
        for key, entries in sorted(reference.entries.items())
        for entry in entries
    ]  # fmt: skip
    if rows:
        yield Grid(("Key", "Reason", "Added by", "Approved by", "From", "Until"), rows)
    else:
        yield Paragraph("It has no entries.")
