"""What ``payweir rules backtest`` and ``diff`` print of what they found, for people and for machines."""

from rich.console import Console
from rich.table import Table

from streams.alerts.model import Alert
from streams.cli.records import refusals, show_undecided, undecided_data
from streams.cli.showing import plain, screen
from streams.clock import rough_span
from streams.money import format_minor
from streams.replay.backtest import Backtest
from streams.replay.comparing import Difference, by_rule
from streams.replay.diffpage import when
from streams.replay.rulestats import RuleStats, Stats
from streams.replay.score import Score


def show_backtest(run: Backtest, stats: Stats) -> None:
    """Print what a backtest found, for people."""
    out = screen()
    known = stats.score is not None or stats.decided
    heads = [
        "Rule",
        "Alerts",
        "A day",
        "Per 10,000",
        "Held back",
        "Money cited",
        *(["Confirmed", "Dismissed", "Lost"] if stats.decided else []),
        *(["Precision", "Recall"] if known else []),
    ]
    table = Table(*heads, title="Alerts by rule", title_justify="left")
    for row in stats.rules:
        other = "data quality" if "#" in row.rule_id else "not in force"
        name = row.rule_id if row.state == "active" else f"{row.rule_id} ({row.state or other})"
        measured = (_share(row.precision), _share(row.recall)) if known else ()
        cells = (
            f"{row.alerts:,}",
            f"{row.per_day:.2f}",
            f"{row.per_10000:.2f}",
            f"{row.silenced:,}",
            _money(row),
            *([f"{row.confirmed:,}", f"{row.dismissed:,}", f"{row.lost:,}"] if stats.decided else []),
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
        _show_score(stats.score, asked=stats.asked, out=out)
    if stats.decided:
        _show_decided(stats, out)
    show_undecided(run.summary, out)
    out.print(
        f"{run.summary.found:,} records read, {refusals(run.summary)}; {stats.payments:,} {stats.unit} on {stats.days:,} days; "
        f"{len(run.alerts):,} standing alerts"
    )


def _show_score(found: Score, *, asked: bool, out: Console) -> None:
    after = ""
    if found.delay_ms is not None:
        after = f"; alert {rough_span(max(0, found.delay_ms))} after the first tainted credit (median)"
    recall = f"recall {found.recall:.0%} ({found.found} of {found.instances} instances)"
    out.print(
        f"{recall if asked else 'recall not labelled (no instance asks for a rule of this set)'}, "
        f"precision {found.precision:.0%} ({found.true_alerts} of {found.alerts} alerts){after}"
    )


def _show_decided(stats: Stats, out: Console) -> None:
    confirmed, dismissed, lost = (
        sum(getattr(row, name) for row in stats.rules) for name in ("confirmed", "dismissed", "lost")
    )
    out.print(
        f"of these alerts people confirmed {confirmed:,} and dismissed {dismissed:,}, the others are not decided; "
        f"{lost:,} alerts they confirmed are not given again"
    )


def _money(row: RuleStats) -> str:
    more = " and more" if row.truncated else ""
    return "\n".join(format_minor(minor, code) for code, minor in row.covered_minor.items()) + more


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def backtest_data(run: Backtest, stats: Stats) -> dict[str, object]:
    """Give the same for machines."""
    rules = [
        {
            "rule": row.rule_id, "state": row.state, "alerts": row.alerts, "alerts_per_day": row.per_day,
            "alerts_per_10000_payments": row.per_10000, "silenced": row.silenced, "covered_minor": row.covered_minor,
            "truncated": row.truncated, "overlap": row.overlap, "precision": row.precision, "recall": row.recall,
            **({"confirmed": row.confirmed, "dismissed": row.dismissed, "lost": row.lost} if stats.decided else {}),
            "samples": [_alert_data(alert) for alert in row.samples],
        }
        for row in stats.rules
    ]  # fmt: skip
    found = stats.score
    recall = found.recall if found is not None and stats.asked else None
    judged = None if found is None else {"recall": recall, "precision": found.precision, "delay_ms": found.delay_ms}
    return {
        "digest": run.programs.ruleset.digest, "found": run.summary.found, "refused": dict(run.summary.refused),
        "undecided": undecided_data(run.summary), "payments": stats.payments, "payments_are": stats.unit,
        "days": stats.days, "alerts": len(run.alerts), "score": judged, "rules": rules,
    }  # fmt: skip


def _alert_data(alert: Alert) -> dict[str, object]:
    return {
        "alert_id": alert.alert_id, "rule": alert.rule_id, "severity": alert.severity, "shadow": alert.shadow,
        "subject_kind": alert.subject_kind, "subject": alert.subject, "currency": alert.currency, "first_hit": alert.first_hit,
        "last_hit": alert.last_hit, "hits": alert.hits, "reason": alert.reason,
        "event_ids": [each.event_id for each in alert.evidence],
    }  # fmt: skip


def show_diff(old: Backtest, new: Backtest, difference: Difference) -> None:
    """Print what differs, for people."""
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
    if undecided_data(old.summary) == undecided_data(new.summary):
        show_undecided(new.summary, out)
    else:
        show_undecided(old.summary, out, "old: ")
        show_undecided(new.summary, out, "new: ")
    out.print(f"{new.summary.found:,} records read, {refusals(new.summary)}")


def diff_data(old: Backtest, new: Backtest, difference: Difference) -> dict[str, object]:
    """Give the same for machines."""
    return {
        "old_digest": old.programs.ruleset.digest, "new_digest": new.programs.ruleset.digest, "same": difference.same,
        "found": new.summary.found, "refused": dict(new.summary.refused),
        "undecided": {"old": undecided_data(old.summary), "new": undecided_data(new.summary)},
        "rules": [row._asdict() for row in by_rule(old, new, difference)],
        "appear": [_alert_data(alert) for alert in difference.appear],
        "disappear": [{**_alert_data(each.alert), "because": each.because} for each in difference.disappear],
        "change": [
            {"old": _alert_data(each.old), "new": _alert_data(each.new), "fields": each.fields} for each in difference.change
        ],
    }  # fmt: skip
