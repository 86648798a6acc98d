"""``payweir rules check`` and ``test``: what is wrong with a set, what its tests say, and what they leave unsaid."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from streams.agents.wall import now_ms
from streams.cli.rulefiles import (
    DIGEST_SHOWN,
    PathArgument,
    can_be_written,
    checked,
    finding_data,
    loaded,
    placed,
    show_findings,
    write_report,
)
from streams.cli.showing import screen
from streams.cli.topics import JsonOption
from streams.clock import rough_span, to_text
from streams.detection.check import check_files
from streams.detection.comparisons import Seen
from streams.detection.findings import Finding, Severity
from streams.detection.lint.cost import Cost, costs
from streams.detection.lint.ruleset import lint
from streams.detection.rule import Ruleset
from streams.detection.words import SUBJECT_WORDS
from streams.replay.approval import report_of
from streams.replay.coverage import Coverage, coverage, said
from streams.replay.junit import junit
from streams.replay.notation import read_events
from streams.replay.ruletests import Verdict, run_tests

_DATE: Final = len("2026-12-31")


def check_command(
    path: PathArgument,
    *,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Warnings count as errors; tests must pass and show each comparison true and false."
        ),
    ] = False,
    cost: Annotated[bool, typer.Option("--cost", help="Say what each rule costs, the dearest first.")] = False,
    json: JsonOption = False,
) -> None:
    """Check rule and list files: every fault at once, with file, line, column and what to write instead.

    Errors keep a set from being used. Warnings are what its author can hardly mean: a condition that can never be so or always
    is, a rule that another one covers, a limit that is missing in a currency, a review that is due. Hints only say so.
    Exit code 1 when there are errors.

    Example: payweir rules check rules/ --strict
    """
    ruleset, found = check_files(loaded(path, json=json), read_events)
    findings = list(found)
    if ruleset is not None and strict:
        _, results, shown = report_of(ruleset)
        findings += strict_findings(ruleset, now_ms(), results, shown)
    elif ruleset is not None:
        findings += [*lint(ruleset), *overdue(ruleset, now_ms())]
    counting = sum(one.severity is not Severity.HINT for one in findings)
    failed = ruleset is None or (strict and counting > 0)
    if json:
        rows = [finding_data(path, one) for one in sorted(findings)]
        dearest = {"cost": [_cost_data(each) for each in costs(ruleset)]} if cost and ruleset is not None else {}
        typer.echo(msgspec.json.encode({"ok": not failed, "findings": rows, **dearest}).decode())
    else:
        if cost and ruleset is not None:
            _show_costs(costs(ruleset))
        show_findings(path, findings)
        if ruleset is not None:
            count = f"{len(ruleset.rules)} rules, {len(ruleset.lists)} lists, digest {ruleset.digest[:DIGEST_SHOWN]}"
            typer.echo(f"{count}; --strict lets no warning pass: {counting}" if failed else count)
        else:
            errors = len(found.errors)
            typer.echo(f"{errors} error{'s' if errors > 1 else ''}: the set cannot be used")
    if failed:
        raise typer.Exit(1)


def _show_costs(found: Sequence[Cost]) -> None:
    heads = "Rule", "Looks at", "Own values", "Shared values", "Looks back", "Legs kept", "Known for", "Past"
    table = Table(*heads, title="What each rule asks of every subject it looks at", title_justify="left")
    for each in found:
        spans = (rough_span(span) if span else "" for span in (each.legs_ms, each.known_ms, each.past_ms))
        counts = (f"{count:,}" if count else "" for count in (each.own, each.shared, each.looks))
        table.add_row(Text(each.rule.id), SUBJECT_WORDS[each.rule.per], *counts, *spans)
    screen().print(table)


def _cost_data(one: Cost) -> dict[str, str | int]:
    return {
        "rule": one.rule.id, "per": SUBJECT_WORDS[one.rule.per], "values_own": one.own, "values_shared": one.shared,
        "looks_back": one.looks, "legs_ms": one.legs_ms, "known_ms": one.known_ms, "past_ms": one.past_ms,
    }  # fmt: skip


def overdue(ruleset: Ruleset, at_ms: int) -> list[Finding]:
    """Give the rules whose day of review has come; only a command knows what day it is."""
    return [
        Finding(
            rule.spot, f"{rule.id} was to be looked at by {to_text(rule.review_by)[:_DATE]}",
            f"{rule.owner} looks at it and sets the next review_by", Severity.WARNING,
        )
        for rule in ruleset.rules
        if rule.state != "off" and 0 < rule.review_by <= at_ms
    ]  # fmt: skip


def strict_findings(ruleset: Ruleset, at_ms: int, results: Sequence[Verdict], shown: Coverage) -> list[Finding]:
    """Give all that check --strict says of a set without errors: tests that fail, and what tests do not show, among it."""
    failed = (one for one in results if one.fault)
    faults = [Finding(one.test.spot, f"the test {one.test.name!r} fails", one.detail) for one in failed]
    return [*lint(ruleset), *overdue(ruleset, at_ms), *faults, *shown.findings()]


def run_tests_command(
    path: PathArgument,
    *,
    junit_file: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write the results as JUnit XML too.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Run the tests inside the rules, over the whole set, on the evaluator of production.

    Says which comparison of a rule's conditions was never true or never false in the rule's own tests; a comparison counts
    where nothing it asks about is missing. Exit code 1 when a test fails; for what is not covered see check --strict.

    Example: payweir rules test rules/ --junit rules.xml
    """
    can_be_written(junit_file)
    ruleset, seen = checked(path, json=json), Seen()
    results = list(run_tests(ruleset, seen))
    shown = coverage(ruleset, seen)
    failed = [one for one in results if one.fault]
    if junit_file is not None:
        write_report(junit_file, junit(results, shown, lambda text: placed(path, text)))
    if json:
        typer.echo(msgspec.json.encode({"ok": not failed, **_as_data(path, results, shown)}).decode())
    else:
        show_tests(path, results)
        _show_coverage(path, shown)
        typer.echo(f"{len(results)} tests, {len(failed)} failed; condition coverage {shown.percent}")
    if failed:
        raise typer.Exit(1)


def show_tests(path: Path, results: Sequence[Verdict]) -> None:
    """Print each test with what came of it."""
    table = Table("Rule", "Test", "Expects", "Result")
    for one in results:
        fault = placed(path, one.fault)
        table.add_row(Text(one.rule_id), Text(one.test.name), one.test.expect, Text(fault or "ok", overflow="fold"))
    screen().print(table)


def _show_coverage(path: Path, shown: Coverage) -> None:
    table = Table("Rule", "Comparisons", "Shown", title="Comparisons seen true and seen false", title_justify="left")
    for rule in shown.rules:
        table.add_row(Text(rule.rule_id), f"{rule.comparisons:,}", f"{rule.shown} of {rule.outcomes}")
    screen().print(table)
    for rule in shown.rules:
        for each, truth in rule.unseen:
            typer.echo(placed(path, f"{each.spot}: {said(each, truth)}"))


def _as_data(path: Path, results: Sequence[Verdict], shown: Coverage) -> dict[str, object]:
    tests = [
        {"rule": one.rule_id, "test": one.test.name, "ok": not one.fault, "fault": placed(path, one.fault)}
        for one in results
    ]
    rules = [
        {
            "rule": rule.rule_id, "comparisons": rule.comparisons, "outcomes": rule.outcomes, "shown": rule.shown,
            "unseen": [
                {
                    "comparison": each.text, "never": truth, "file": placed(path, each.spot.file), "line": each.spot.line,
                    "column": each.spot.column,
                }
                for each, truth in rule.unseen
            ],
        }
        for rule in shown.rules
    ]  # fmt: skip
    return {"tests": tests, "coverage": {"outcomes": shown.outcomes, "shown": shown.shown, "rules": rules}}
