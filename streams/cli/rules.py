"""``payweir rules``: check, test, explain, publish."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streams.agents.publishing import Published, publish, published
from streams.agents.wall import now_ms
from streams.cli.topics import BootstrapOption, JsonOption
from streams.clock import from_datetime, to_text
from streams.detection.check import check_files
from streams.detection.explain import explain
from streams.detection.findings import Finding, Severity
from streams.detection.folder import load_folder
from streams.detection.rule import Ruleset
from streams.errors import RuleError, UsageError
from streams.replay.ruletests import Verdict, run_tests
from streams.settings import load_settings

app = typer.Typer(help="Rules: check, test, explain, publish.", no_args_is_help=True)

PathArgument = Annotated[Path, typer.Argument(help="Folder with the rule files, or one file.")]
DIGEST_SHOWN = 12


@app.command("check")
def check_command(
    path: PathArgument,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Advice counts as an error.")] = False,
    json: JsonOption = False,
) -> None:
    """Check rule and list files: every fault at once, with file, line, column and what to write instead.

    Exit code 1 when there are errors.

    Example: payweir rules check rules/ --strict
    """
    ruleset, findings = check_files(load_folder(path))
    failed = ruleset is None or (strict and bool(findings))
    if json:
        typer.echo(
            msgspec.json.encode(
                {"ok": not failed, "findings": [_as_json(path, one) for one in sorted(findings)]}
            ).decode()
        )
    else:
        _print_findings(path, findings)
        if ruleset is not None:
            typer.echo(
                f"{len(ruleset.rules)} rules, {len(ruleset.lists)} lists, digest {ruleset.digest[:DIGEST_SHOWN]}"
            )
        else:
            errors = len(findings.errors)
            typer.echo(f"{errors} error{'s' if errors > 1 else ''}: the set cannot be used")
    if failed:
        raise typer.Exit(1)


@app.command("test")
def run_tests_command(path: PathArgument, *, json: JsonOption = False) -> None:
    """Run the tests inside the rules, over the whole set, on the evaluator of production.

    Exit code 1 when one fails.

    Example: payweir rules test rules/
    """
    results = list(run_tests(_checked(path)))
    failed = [one for one in results if one.fault]
    if json:
        rows = [
            {"rule": one.rule_id, "test": one.test.name, "ok": not one.fault, "fault": _placed(path, one.fault)}
            for one in results
        ]
        typer.echo(msgspec.json.encode({"ok": not failed, "tests": rows}).decode())
    else:
        _print_tests(path, results)
        typer.echo(f"{len(results)} tests, {len(failed)} failed")
    if failed:
        raise typer.Exit(1)


@app.command("explain")
def explain_command(
    path: PathArgument,
    rule: Annotated[str | None, typer.Argument(help="Only this rule.", show_default="all rules")] = None,
    *,
    json: JsonOption = False,
) -> None:
    """Say in plain sentences what each rule does, from what is evaluated.

    Example: payweir rules explain rules/ pass-through-account
    """
    ruleset = _checked(path)
    chosen = [one for one in ruleset.rules if rule in {None, one.id}]
    if not chosen:
        known = ", ".join(one.id for one in ruleset.rules)
        raise UsageError(f"{rule}: no rule has that id; there are: {known}")
    if json:
        typer.echo(msgspec.json.encode({one.id: explain(one) for one in chosen}).decode())
        return
    for number, one in enumerate(chosen):
        if number:
            typer.echo()
        typer.echo(f"{one.id} (version {one.version}, {one.state}, owner {one.owner})")
        for sentence in explain(one):
            typer.echo(f"  {sentence}")
        if one.legal_basis:
            typer.echo(f"  Legal basis: {one.legal_basis}")


@app.command("publish")
def publish_command(
    path: PathArgument,
    *,
    bootstrap: BootstrapOption = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Event time from which it is in force, with a zone: 2026-03-01T08:30+01:00.",
            show_default="the beginning for the first set, else now and PAYWEIR_ANNOUNCE_SECONDS",
        ),
    ] = None,
    digest: Annotated[
        str | None, typer.Option(help="Digest that was approved; another set is refused.", show_default="any")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check, test and publish a set to all partitions at once; a bad set is refused and the old one still runs.

    Example: payweir rules publish rules/ --bootstrap kafka-1:9092
    """
    settings = load_settings({"bootstrap": bootstrap})
    from_ms = _moment(start) if start is not None else None
    files = load_folder(path)
    ruleset = _checked(path, "; nothing was published, the ruleset in force still runs")
    if digest is not None and digest != ruleset.digest:
        approved = digest or "none"
        raise RuleError(f"{path} has digest {ruleset.digest}, approved is {approved}; the ruleset in force still runs")
    failed = [one for one in run_tests(ruleset) if one.fault]
    if failed:
        _print_tests(path, failed)
        raise RuleError(f"{len(failed)} tests of the set fail; nothing was published, the ruleset in force still runs")
    done = publish(settings, files, now_ms(), from_ms)
    if json:
        typer.echo(msgspec.json.encode(_published_json(done)).decode())
        return
    typer.echo(
        f"Ruleset {done.digest[:DIGEST_SHOWN]} with {len(ruleset.rules)} rules is published to {done.partitions} "
        f"partitions, in force from {_from(done)}."
    )


@app.command("status")
def status_command(*, bootstrap: BootstrapOption = None, json: JsonOption = False) -> None:
    """List the published rulesets, oldest first.

    Example: payweir rules status --bootstrap kafka-1:9092
    """
    found = published(load_settings({"bootstrap": bootstrap}))
    if json:
        typer.echo(msgspec.json.encode([_published_json(one) for one in found]).decode())
    elif not found:
        typer.echo("No ruleset has been published; run: payweir rules publish rules/")
    else:
        table = Table("Digest", "Files", "In force from", "Published")
        for one in found:
            digest = one.digest[:DIGEST_SHOWN] if one.intact else f"{one.digest[:DIGEST_SHOWN]} DAMAGED"
            table.add_row(Text(digest), str(one.files), _from(one), to_text(one.published_at))
        Console().print(table)


def _checked(path: Path, consequence: str = "") -> Ruleset:
    """Give the set, or print every fault to standard error and raise RuleError."""
    ruleset, findings = check_files(load_folder(path))
    if ruleset is None:
        _print_findings(path, findings, to_errors=True)
        raise RuleError(f"{path}: {len(findings.errors)} errors in the rule files{consequence}")
    return ruleset


def _print_findings(path: Path, findings: list[Finding], *, to_errors: bool = False) -> None:
    for one in sorted(findings):
        typer.echo(_placed(path, str(one)), err=to_errors)


def _placed(path: Path, text: str) -> str:
    """Put the folder before a place, so that an editor finds the file."""
    folder = path.parent if path.is_file() else path
    return str(folder / text) if text and not text.startswith("-") else text


def _as_json(path: Path, one: Finding) -> dict[str, str | int]:
    return {
        "file": _placed(path, one.spot.file), "line": one.spot.line, "column": one.spot.column,
        "severity": Severity(one.severity).value, "message": one.message, "advice": one.advice,
    }  # fmt: skip


def _print_tests(path: Path, results: list[Verdict]) -> None:
    table = Table("Rule", "Test", "Expects", "Result")
    for one in results:
        fault = _placed(path, one.fault)
        table.add_row(Text(one.rule_id), Text(one.test.name), one.test.expect, Text(fault or "ok", overflow="fold"))
    Console().print(table)


def _moment(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(
            f"--from: {text!r} is not a time with a zone; write 2026-03-01T08:30+01:00 or 2026-03-01T07:30Z"
        )
    return from_datetime(moment)


def _from(one: Published) -> str:
    if one.from_time < 0:
        return "unknown"
    return "the beginning" if one.from_time == 0 else to_text(one.from_time)


def _published_json(one: Published) -> dict[str, object]:
    entries: dict[str, object] = msgspec.to_builtins(one)
    for name in ("from_time", "published_at"):
        millis = getattr(one, name)
        entries[name] = to_text(millis) if millis >= 0 else None
    if not one.partitions:
        for name in ("first", "partitions", "sources"):
            del entries[name]
    return entries
