"""``payweir rules propose``, ``approve``, ``publish``, ``rollback`` and ``status``: from a checked folder to what is in force."""

import json as jsonlib
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from streams.agents.publishing import Published, furthest, publish, published, published_texts
from streams.agents.wall import now_ms
from streams.cli.person import AuditOption, ByOption, store_of, tell
from streams.cli.rulefiles import DIGEST_SHOWN, PathArgument, checked, show_findings
from streams.cli.rulestatus import as_data, from_text, show_status, status_of
from streams.cli.ruletests import show_tests, strict_findings
from streams.cli.showing import screen, zoned
from streams.cli.topics import BootstrapOption, JsonOption
from streams.clock import to_text
from streams.detection.check import check_files
from streams.detection.findings import Finding, Severity
from streams.detection.folder import load_folder
from streams.detection.rule import Ruleset
from streams.errors import RuleError, ServiceError, UsageError
from streams.legs import Terms
from streams.replay import approval
from streams.settings import Settings, load_settings

app = typer.Typer()
"""Mounted by ``payweir rules``; holds these commands."""
_STILL = "nothing was published, the ruleset in force still runs"
EmergencyOption = Annotated[
    str | None,
    typer.Option("--emergency", metavar="REASON", help="Without approval: is seen by everybody, with the reason."),
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="Event time from which it is in force, with a zone: 2026-03-01T08:30+01:00.",
        show_default="the beginning for the first set, else now and PAYWEIR_ANNOUNCE_SECONDS",
    ),
]


@app.command("propose")
def propose_command(
    path: PathArgument,
    *,
    by: ByOption,
    backtest: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its report, written by `rules backtest --json` for this set.")
    ] = None,
    note: Annotated[str, typer.Option(help="What changes, and why; for whoever approves.")] = "",
    again: Annotated[bool, typer.Option("--again", help="Although it is approved: its approval is void then.")] = False,
    store: AuditOption = None,
) -> None:
    """Propose a set for approval, as its author: writes approvals/DIGEST.json beside the rules.

    The digest is that of all rules and lists: when one of them changes afterwards, the proposal and its approval are void.
    Prints what `rules check --strict` warns of, and refuses a set without tests.

    Example: payweir rules propose rules/ --by anna --backtest report.json --note "fan-in also counts cash"
    """
    ruleset = checked(path)
    tests, results, shown = approval.report_of(ruleset)
    if tests.failed:
        show_tests(path, [one for one in results if one.fault])
    made = approval.propose(ruleset, tests, (by, to_text(now_ms())), backtest, note)
    before = approval.replaced(path, made, again=again)
    _show_warnings(path, strict_findings(ruleset, now_ms(), results, shown))
    file = _told_and_written(path, made, (made.proposed_by, "ruleset proposed"), store)
    told = "" if before is None else f"In place of {_signed(before)}. "
    typer.echo(f"{file} is written: {_said(made)}. {told}Somebody else approves it: payweir rules approve {path}")


@app.command("approve")
def approve_command(path: PathArgument, *, by: ByOption, store: AuditOption = None) -> None:
    """Approve a proposed set; whoever proposed it cannot. Its tests are run again and must say what they said.

    Prints what `rules check --strict` warns of. What somebody approved already is left as it is.

    Example: payweir rules approve rules/ --by ben
    """
    ruleset = checked(path)
    tests, results, shown = approval.report_of(ruleset)
    found = approval.read(path, ruleset.digest)
    made = approval.approve(found, ruleset, tests, (by, to_text(now_ms())))
    _show_warnings(path, strict_findings(ruleset, now_ms(), results, shown))
    file = _told_and_written(path, made, (made.approved_by, "ruleset approved"), store)
    typer.echo(f"{file} is written: {_said(made)}, {_signed(made)}.")


@app.command("publish")
def publish_command(
    path: PathArgument,
    *,
    by: ByOption,
    bootstrap: BootstrapOption = None,
    start: FromOption = None,
    shadow_until: Annotated[
        str | None,
        typer.Option(
            "--shadow-until",
            help="Event time before which alerts are shadow alerts: state is built from history, see payweir backfill.",
        ),
    ] = None,
    digest: Annotated[
        str | None, typer.Option(help="Digest that was approved; another set is refused.", show_default="any")
    ] = None,
    emergency: EmergencyOption = None,
    store: AuditOption = None,
    json: JsonOption = False,
) -> None:
    """Check, test and publish an approved set to all partitions at once; any other is refused and the old one still runs.

    Example: payweir rules publish rules/ --bootstrap kafka-1:9092
    """
    settings = load_settings({"bootstrap": bootstrap})
    from_ms = zoned("--from", start) if start is not None else None
    shadow_ms = zoned("--shadow-until", shadow_until) if shadow_until is not None else 0
    ruleset = checked(path, f"; {_STILL}", json=json)
    if digest is not None and digest != ruleset.digest:
        expected = digest or "none"
        raise RuleError(f"{path} has digest {ruleset.digest}, approved is {expected}; the ruleset in force still runs")
    terms = msgspec.structs.replace(stands(path, ruleset, emergency), shadow_until=shadow_ms)
    release = Release(settings, load_folder(path), terms, from_ms, by, store_of(settings, store))
    _tell_release(release.publish("ruleset published"), len(ruleset.rules), json=json)


@app.command("rollback")
def rollback_command(
    digest: Annotated[
        str | None, typer.Argument(help="Digest, or its beginning, as status shows it.", show_default="the one before")
    ] = None,
    *,
    by: ByOption,
    bootstrap: BootstrapOption = None,
    start: FromOption = None,
    emergency: EmergencyOption = None,
    store: AuditOption = None,
    json: JsonOption = False,
) -> None:
    """Publish a set again that was in force before, from the texts that Kafka keeps; as it was approved then.

    Example: payweir rules rollback fb98eec02d06 --bootstrap kafka-1:9092
    """
    settings = load_settings({"bootstrap": bootstrap})
    from_ms = zoned("--from", start) if start is not None else None
    known = published_texts(settings)
    old, text = _chosen(known, digest)
    if not old.intact:
        raise RuleError(f"the text of {old.digest[:DIGEST_SHOWN]} is damaged; {_STILL}")
    if not old.terms.approved_by and emergency is None:
        raise RuleError(f"nobody approved {old.digest[:DIGEST_SHOWN]} then either: give --emergency REASON; {_STILL}")
    _warn(emergency)
    terms = Terms(approved_by="" if emergency else old.terms.approved_by, emergency=emergency or "")
    release = Release(settings, jsonlib.loads(text), terms, from_ms, by, store_of(settings, store))
    _tell_release(release.publish("ruleset rolled back"), None, json=json)


@app.command("status")
def status_command(
    *,
    bootstrap: BootstrapOption = None,
    store: AuditOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit code 1 when partitions differ, or nobody approved what is in force.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Say which sets were published, and, with a store, by which one each partition judges and what comes next.

    Example: payweir rules status --bootstrap kafka-1:9092
    """
    settings = load_settings({"bootstrap": bootstrap})
    found = status_of(published(settings), furthest(settings), store_of(settings, store))
    if json:
        typer.echo(msgspec.json.encode(as_data(found)).decode())
    else:
        show_status(found, screen())
    if check and found.faults:
        raise typer.Exit(1)


class Release(msgspec.Struct, frozen=True):
    """A set on its way to the partitions."""

    settings: Settings
    files: dict[str, str]
    terms: Terms
    from_ms: int | None
    by: str
    store: str | None

    def publish(self, action: str) -> Published:
        """Publish it. The audit log is told before, so that it knows of all that is published, and again on failure."""
        by = approval.named(self.by)
        ruleset, findings = check_files(self.files)
        if ruleset is None:
            raise RuleError(f"{findings.errors[0]}; {_STILL}")
        detail: dict[str, object] = {
            "approved_by": self.terms.approved_by, "emergency": self.terms.emergency, "from": self.from_ms,
            "shadow_until": self.terms.shadow_until or None, "rules": _changes(self.settings, ruleset),
        }  # fmt: skip
        tell(self.store, by, action, ruleset.digest, detail)
        try:
            return publish(self.settings, self.files, now_ms(), self.terms, self.from_ms)
        except (RuleError, ServiceError) as error:
            tell(self.store, by, f"{action}: failed", ruleset.digest, {"error": str(error)})
            raise


def stands(path: Path, ruleset: Ruleset, emergency: str | None) -> Terms:
    """Run the tests, and find out who stands behind the set."""
    tests, results, _ = approval.report_of(ruleset)
    if tests.failed:
        show_tests(path, [one for one in results if one.fault])
        raise RuleError(f"{tests.failed} tests of the set fail; {_STILL}")
    if emergency is not None:
        _warn(emergency)
        return Terms(emergency=emergency)
    try:
        return Terms(approved_by=approval.approved(path, ruleset, tests).approved_by)
    except RuleError as error:
        raise RuleError(f"{error}; {_STILL}") from None


def _warn(emergency: str | None) -> None:
    if emergency is None:
        return
    if not emergency.strip():
        raise UsageError("--emergency: say why; everybody will read it")
    typer.secho(f"WARNING: this ruleset is put in force WITHOUT APPROVAL: {emergency}", err=True, fg="red", bold=True)
    typer.echo(
        "It is in the audit log, in v_rulesets and in payweir_ruleset_emergency, which pages, until one is approved.",
        err=True,
    )


def _chosen(known: list[tuple[Published, bytes]], digest: str | None) -> tuple[Published, bytes]:
    """Give the set before the newest, or the only one whose digest begins so."""
    if digest is None:
        if len(known) < 2:  # noqa: PLR2004  there is none before the first
            raise UsageError("there is no set before the one in force; see: payweir rules status")
        return known[-2]
    found = [each for each in known if each[0].digest.startswith(digest)]
    if len(found) != 1:
        raise UsageError(f"{digest!r} is the beginning of {len(found)} published sets; see: payweir rules status")
    return found[0]


def _changes(settings: Settings, ruleset: Ruleset) -> dict[str, str]:
    """Say which rules come, go or change their state against the newest published set."""
    known = [text for one, text in published_texts(settings) if one.intact]
    before = check_files(jsonlib.loads(known[-1]))[0] if known else None
    return approval.changes([(rule.id, rule.state) for rule in before.rules] if before is not None else [], ruleset)


def _tell_release(done: Published, rules: int | None, *, json: bool) -> None:
    if json:
        typer.echo(msgspec.json.encode(as_data(done)).decode())
        return
    what = f"Ruleset {done.digest[:DIGEST_SHOWN]}" + (f" with {rules} rules" if rules is not None else "")
    typer.echo(f"{what} is published to {done.partitions} partitions, in force from {from_text(done.from_time)}.")


def _show_warnings(path: Path, findings: list[Finding]) -> None:
    """Say what whoever signs a set has to know of it. Hints are for its author."""
    warnings = [one for one in findings if one.severity is not Severity.HINT]
    show_findings(path, warnings)
    if warnings:
        typer.echo(f"warnings of payweir rules check --strict: {len(warnings)}")


def _told_and_written(path: Path, made: approval.Approval, act: tuple[str, str], store: str | None) -> Path:
    """Write the file. The audit log is told before, so that it knows of all that is signed, and again on failure."""
    (who, action), url = act, store_of(load_settings(), store)
    tell(url, who, action, made.digest, _audited(made))
    try:
        return approval.write(path, made)
    except UsageError as error:
        tell(url, who, f"{action}: failed", made.digest, {"error": str(error)})
        raise


def _signed(made: approval.Approval) -> str:
    return f"proposed by {made.proposed_by}" + (f", approved by {made.approved_by}" if made.approved_by else "")


def _said(made: approval.Approval) -> str:
    passed = f"{made.tests.passed} tests pass" if made.tests.passed else "0 tests: nothing shows what it does"
    report = f"{passed}, condition coverage {made.tests.coverage}"
    more = (
        f", backtest over {made.backtest.payments:,} payments: {made.backtest.alerts:,} alerts" if made.backtest else ""
    )
    return f"set {made.digest[:DIGEST_SHOWN]} with {made.rules} rules and {made.lists} lists, {report}{more}"


def _audited(made: approval.Approval) -> dict[str, object]:
    data: dict[str, object] = msgspec.to_builtins(made)
    return data
