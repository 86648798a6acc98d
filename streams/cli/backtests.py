"""``payweir rules backtest`` and ``diff``: what rules say of history, and what a change of them would do."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from streams.agents.wall import now_ms
from streams.alerts.model import Alert
from streams.cli.activitylog import backtest_activity
from streams.cli.rulefiles import write_report
from streams.cli.run import load_programs, progress_bar
from streams.cli.showing import as_json, plain, screen
from streams.cli.sweeps import Trial, Wanted, sweep_command
from streams.cli.topics import BootstrapOption, JsonOption
from streams.clock import rough_span
from streams.detection.program import Programs
from streams.errors import UsageError
from streams.money import format_minor
from streams.replay.backtest import ALWAYS, Backtest, read_period
from streams.replay.comparing import Difference, by_rule, compare
from streams.replay.diffpage import TITLE, page, when
from streams.replay.files import open_inputs
from streams.replay.formats import FORMATS
from streams.replay.generator.story import Scenario
from streams.replay.pages import as_html
from streams.replay.rulestats import RuleStats, Stats, stats_of
from streams.replay.shares import Past, backtests, processes_for
from streams.replay.sweep import STEPS_MAX
from streams.replay.truth import read_truth
from streams.settings import Settings, load_settings

InputOption = Annotated[
    list[str], typer.Option("--input", help="File, folder, or -; may be repeated.", show_default=False)
]
PeriodOption = Annotated[
    str | None,
    typer.Option(
        metavar="FROM..TO", help="Alerts that first hit within, UTC; all events are read.", show_default="all"
    ),
]
FormatOption = Annotated[
    str, typer.Option("--format", help=f"{', '.join(FORMATS)}, or a mapping (.yaml); XML is always read as iso20022.")
]
ManyInputs = Annotated[
    list[str] | None, typer.Option("--input", help="File, folder, or -; may be repeated.", show_default=False)
]
ActivityOption = Annotated[
    bool,
    typer.Option(
        "--activity",
        help="Instead of files: the activity log in Kafka, under the rulesets in it, as the workers saw it.",
    ),
]
RulesOption = Annotated[Path | None, typer.Option(help="Folder with rules and lists.", show_default="rules")]
LabelsOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="labels.csv or scenarios.json: gives precision and recall.")
]
AlertsOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write each alert, also those held back or withdrawn, as JSON Lines."),
]
ProcessesOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=256,
        help="So many processes share the work.",
        show_default="one a core; of files at most 8, small ones 1",
    ),
]
SweepOption = Annotated[
    str | None,
    typer.Option(metavar="[RULE.]PARAM[.CURRENCY]=FROM..TO", help="Try a limit at several values, in major units."),
]
SweepPageOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="With --sweep: write a page with curves too.")
]


app = typer.Typer()
"""Mounted by ``payweir rules``; holds these two commands."""


@app.command("backtest")
def backtest_command(
    *,
    inputs: ManyInputs = None,
    activity: ActivityOption = False,
    rules: RulesOption = None,
    period: PeriodOption = None,
    labels: LabelsOption = None,
    samples: Annotated[int, typer.Option(min=0, max=1000, help="Alerts shown of each rule.")] = 3,
    alerts: AlertsOption = None,
    processes: ProcessesOption = None,
    sweep: SweepOption = None,
    steps: Annotated[int, typer.Option(min=2, max=STEPS_MAX, help="With --sweep: so many values.")] = 5,
    html: SweepPageOption = None,
    bootstrap: BootstrapOption = None,
    format_: FormatOption = "payweir",
    json: JsonOption = False,
) -> None:
    """Run rules over history through the engine of production, and say what each would have alerted.

    Per rule: alerts, alerts a day (with payments) and for 10,000 payment events, the money its alerts cite, what it shares
    with other rules, and with labels precision and recall. Standing alerts are those of payweir run over the same files. Over
    the activity log they are the live alerts, revision by revision, those withdrawn among them. In how many processes it runs
    changes nothing of this.

    Example: payweir rules backtest --input stream/ --rules rules/ --period 2026-03-01..2026-04-01 --labels stream/labels.csv

    Example: payweir rules backtest --input year/ --processes 4
    """
    if activity == bool(inputs):
        raise UsageError("give --input, or --activity for what is in Kafka")
    if activity and any(each is not None for each in (rules, labels, sweep)):
        raise UsageError(
            "--activity: the rulesets are those of the log, and labels are of files; leave the options out"
        )
    if sweep is not None:
        trial = Trial(inputs or [], format_, rules or Path("rules"), period, labels)
        sweep_command(trial, Wanted(sweep, steps, processes, html, json))
        return
    truth = read_truth(labels) if labels is not None else None
    if activity:
        run = _activity(load_settings({"bootstrap": bootstrap}), period, processes, quiet=json)
    else:
        programs = load_programs(rules or Path("rules"))
        [run] = _run([programs], (inputs or [], format_, processes), (period, truth), quiet=json)
    stats = stats_of(run, truth, samples)
    if alerts is not None:
        write_report(
            alerts, "".join(f"{msgspec.json.encode(each).decode()}\n" for each in (*run.alerts, *run.silenced))
        )
    if json:
        print(as_json(_backtest_data(run, stats)))
    else:
        _show_backtest(run, stats)


@app.command("diff")
def diff_command(
    old: Annotated[Path, typer.Argument(help="Folder of the old set.")],
    new: Annotated[Path, typer.Argument(help="Folder of the new set.")],
    *,
    inputs: InputOption,
    period: PeriodOption = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a report with charts, as one HTML file.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit code 1 when an alert differs.")] = False,
    processes: ProcessesOption = None,
    format_: FormatOption = "payweir",
    json: JsonOption = False,
) -> None:
    """Run two sets over the same history, and say which alerts appear, disappear or change.

    An alert is the same when rule, subject and bucket of time are, whatever the rule's version.

    Example: payweir rules diff rules/ changed/ --input stream/ --html diff.html
    """
    if "-" in inputs:
        raise UsageError("--input -: standard input cannot be read twice; put it into a file")
    sets = load_programs(old), load_programs(new)
    before, after = _run(sets, (inputs, format_, processes), (period, None), quiet=json)
    difference = compare(before, after)
    if html is not None:
        write_report(html, as_html(TITLE, page(before, after, difference)))
    if json:
        print(as_json(_diff_data(before, after, difference)))
    else:
        _show_diff(before, after, difference)
        if html is not None:
            print(f"{html} is written")
    if check and difference.any:
        raise typer.Exit(1)


def _run(
    sets: Sequence[Programs],
    source: tuple[list[str], str, int | None],
    what: tuple[str | None, Sequence[Scenario] | None],
    *,
    quiet: bool,
) -> list[Backtest]:
    (inputs, format_, asked), (period, truth) = source, what
    processes = processes_for(asked, inputs, format_)
    wanted = frozenset(event_id for scenario in truth or () for event_id in scenario.event_ids)
    past = Past(inputs, format_, now_ms(), read_period(period) if period is not None else ALWAYS, wanted)
    size = sum(file.size for file in open_inputs(inputs, format_)) * len(sets)
    with progress_bar(disable=quiet) as progress:
        task = progress.add_task("reading", total=size or None, records=0)
        return backtests(
            processes, sets, past, lambda done, found: progress.update(task, completed=done, records=found)
        )


def _activity(settings: Settings, period: str | None, processes: int | None, *, quiet: bool) -> Backtest:
    with progress_bar(disable=quiet) as progress:
        task = progress.add_task("replaying", total=None, records=0)
        run, notes = backtest_activity(
            settings, read_period(period) if period is not None else ALWAYS, processes,
            lambda done, total: progress.update(task, completed=done, total=total, records=done),
        )  # fmt: skip
    for note in notes:
        typer.echo(f"note: {note}", err=True)
    return run


def _show_backtest(run: Backtest, stats: Stats) -> None:
    out = screen()
    known = stats.score is not None
    heads = [
        "Rule",
        "Alerts",
        "A day",
        "Per 10,000",
        "Held back",
        "Money cited",
        *(["Precision", "Recall"] if known else []),
    ]
    table = Table(*heads, title="Alerts by rule", title_justify="left")
    for row in stats.rules:
        name = row.rule_id if row.state == "active" else f"{row.rule_id} ({row.state or 'data quality'})"
        measured = (_share(row.precision), _share(row.recall)) if known else ()
        cells = (
            f"{row.alerts:,}",
            f"{row.per_day:.2f}",
            f"{row.per_10000:.2f}",
            f"{row.silenced:,}",
            _money(row),
            *measured,
        )
        table.add_row(plain(name), *cells)
    out.print(table)
    for row in stats.rules:
        if row.overlap:
            shared = ", ".join(f"{count:,} with {other}" for other, count in row.overlap.items())
            out.print(f"{row.rule_id}: of {row.alerts:,} alerts share events: {shared}", markup=False, soft_wrap=True)
    for row in stats.rules:
        for alert in row.samples:
            line = f"{when(alert.first_hit)}  {alert.rule_id}  {alert.subject}: {alert.reason}"
            out.print(plain(line), soft_wrap=True)
    if stats.score is not None:
        found, delay = stats.score, stats.score.delay_ms
        after = (
            f"; alert {rough_span(max(0, delay))} after the first tainted credit (median)" if delay is not None else ""
        )
        out.print(
            f"recall {found.recall:.0%} ({found.found} of {found.instances} instances), "
            f"precision {found.precision:.0%} ({found.true_alerts} of {found.alerts} alerts){after}"
        )
    out.print(
        f"{run.summary.found:,} records read, {run.summary.refused.total():,} refused; {stats.payments:,} payment events on "
        f"{stats.days:,} days; {len(run.alerts):,} standing alerts"
    )


def _money(row: RuleStats) -> str:
    more = " and more" if row.truncated else ""
    return "\n".join(format_minor(minor, code) for code, minor in row.covered_minor.items()) + more


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def _backtest_data(run: Backtest, stats: Stats) -> dict[str, object]:
    rules = [
        {
            "rule": row.rule_id, "state": row.state, "alerts": row.alerts, "alerts_per_day": row.per_day,
            "alerts_per_10000_payments": row.per_10000, "silenced": row.silenced, "covered_minor": row.covered_minor,
            "truncated": row.truncated, "overlap": row.overlap, "precision": row.precision, "recall": row.recall,
            "samples": [_alert_data(alert) for alert in row.samples],
        }
        for row in stats.rules
    ]  # fmt: skip
    found = stats.score
    judged = (
        None if found is None else {"recall": found.recall, "precision": found.precision, "delay_ms": found.delay_ms}
    )
    return {
        "digest": run.programs.ruleset.digest, "found": run.summary.found, "refused": dict(run.summary.refused),
        "payments": stats.payments, "days": stats.days, "alerts": len(run.alerts), "score": judged, "rules": rules,
    }  # fmt: skip


def _alert_data(alert: Alert) -> dict[str, object]:
    return {
        "alert_id": alert.alert_id, "rule": alert.rule_id, "severity": alert.severity, "shadow": alert.shadow,
        "subject_kind": alert.subject_kind, "subject": alert.subject, "currency": alert.currency, "first_hit": alert.first_hit,
        "last_hit": alert.last_hit, "hits": alert.hits, "reason": alert.reason,
        "event_ids": [each.event_id for each in alert.evidence],
    }  # fmt: skip


def _show_diff(old: Backtest, new: Backtest, difference: Difference) -> None:
    table = Table("Rule", "Old", "New", "Appear", "Disappear", "Change", title="Alerts by rule", title_justify="left")
    for row in by_rule(old, new, difference):
        table.add_row(plain(row.rule_id), *(f"{number:,}" for number in row[1:]))
    out = screen()
    out.print(table)
    for alert in difference.appear:
        out.print(plain(f"+ {when(alert.first_hit)}  {alert.rule_id}  {alert.subject}: {alert.reason}"), soft_wrap=True)
    for alert, because in difference.disappear:
        out.print(plain(f"- {when(alert.first_hit)}  {alert.rule_id}  {alert.subject}: {because}"), soft_wrap=True)
    for _, alert, fields in difference.change:
        told = f"~ {when(alert.first_hit)}  {alert.rule_id}  {alert.subject}: {', '.join(fields)}"
        out.print(plain(told), soft_wrap=True)
    out.print(
        f"{len(difference.appear):,} appear, {len(difference.disappear):,} disappear, {len(difference.change):,} change, "
        f"{difference.same:,} are the same"
    )


def _diff_data(old: Backtest, new: Backtest, difference: Difference) -> dict[str, object]:
    return {
        "old_digest": old.programs.ruleset.digest, "new_digest": new.programs.ruleset.digest, "same": difference.same,
        "rules": [row._asdict() for row in by_rule(old, new, difference)],
        "appear": [_alert_data(alert) for alert in difference.appear],
        "disappear": [{**_alert_data(each.alert), "because": each.because} for each in difference.disappear],
        "change": [
            {"old": _alert_data(each.old), "new": _alert_data(each.new), "fields": each.fields} for each in difference.change
        ],
    }  # fmt: skip
