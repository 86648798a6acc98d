"""The difference of two rulesets as a page for those who approve it."""

from collections.abc import Iterator, Sequence
from typing import Final

from streams.alerts.model import Alert
from streams.clock import DAY_MS, to_text
from streams.replay.backtest import Backtest
from streams.replay.charts import Series, bars, columns
from streams.replay.comparing import Change, Difference, RuleRow, by_day, by_rule
from streams.replay.pages import Block, Bullets, Drawing, Grid, Heading, Paragraph

TITLE: Final = "What a change of rules would do"
SHOWN_MAX: Final = 200
"""Alerts listed of each kind; the counts are of all."""


def page(old: Backtest, new: Backtest, difference: Difference) -> Iterator[Block]:
    """Give the page: numbers, charts, then the alerts themselves."""
    yield Heading(1, TITLE)
    yield Bullets(
        [
            f"Old set: {_set(old)}.",
            f"New set: {_set(new)}.",
            f"Both saw the same {new.traffic.payments.distinct():,} payments of {len(new.traffic.payments.days):,} days.",
            _counts(difference),
        ]
    )
    yield Heading(2, "By rule")
    yield from _rules(by_rule(old, new, difference))
    seen = {*old.traffic.payments.days, *(alert.first_hit // DAY_MS for run in (old, new) for alert in run.alerts)}
    days = list(range(min(seen), max(seen) + 1)) if seen else []
    yield Heading(2, "By day of the first hit")
    series = [Series("old", by_day(old, days)), Series("new", by_day(new, days))]
    yield Drawing(columns("Alerts by day", [to_text(day * DAY_MS)[:10] for day in days], series))
    yield from _alerts("Alerts that appear", difference.appear)
    because = {each.alert.alert_id: each.because for each in difference.disappear}
    yield from _alerts("Alerts that disappear", [each.alert for each in difference.disappear], because)
    yield from _changes(difference.change)


def _rules(rows: Sequence[RuleRow]) -> Iterator[Block]:
    """Rules of which an alert differs stand first and are drawn; of the others the number of alerts is enough."""
    differ = [row for row in rows if row.appear or row.disappear or row.change]
    if differ:
        series = [Series("old", [row.old for row in differ]), Series("new", [row.new for row in differ])]
        yield Drawing(bars("Alerts by rule", [row.rule_id for row in differ], series))
        heads = ("Rule", "Old", "New", "Appear", "Disappear", "Change")
        yield Grid(heads, [(row.rule_id, *(f"{number:,}" for number in row[1:])) for row in differ])
    same = [f"{row.rule_id} {row.new:,}" for row in rows if row not in differ]
    if same:
        yield Paragraph(f"The alerts of {len(same):,} rules are the same: {', '.join(same)}.")


def _counts(difference: Difference) -> str:
    appear, gone, changed = (len(each) for each in (difference.appear, difference.disappear, difference.change))
    return f"{appear:,} alerts appear, {gone:,} disappear, {changed:,} change, {difference.same:,} are the same."


def _set(run: Backtest) -> str:
    rules = [rule for rule in run.programs.ruleset.rules if rule.state != "off"]
    return f"digest {run.programs.ruleset.digest}, {len(rules)} rules, {len(run.alerts):,} standing alerts"


def _alerts(title: str, alerts: Sequence[Alert], because: dict[str, str] | None = None) -> Iterator[Block]:
    yield Heading(2, title)
    if not alerts:
        yield Paragraph("None.")
        return
    if len(alerts) > SHOWN_MAX:
        yield Paragraph(f"The first {SHOWN_MAX} of {len(alerts):,}.")
    extra = () if because is None else ("Because",)
    rows = []
    for each in alerts[:SHOWN_MAX]:
        cells = (when(each.first_hit), each.rule_id, each.severity, each.subject, each.reason)
        rows.append(cells if because is None else (*cells, because[each.alert_id]))
    yield Grid(("First hit", "Rule", "Severity", "Subject", "Reason", *extra), rows)


def _changes(changes: Sequence[Change]) -> Iterator[Block]:
    yield Heading(2, "Alerts that change")
    if not changes:
        yield Paragraph("None.")
        return
    if len(changes) > SHOWN_MAX:
        yield Paragraph(f"The first {SHOWN_MAX} of {len(changes):,}.")
    rows = [
        (when(new.first_hit), new.rule_id, new.subject, ", ".join(fields), old.reason, new.reason)
        for old, new, fields in changes[:SHOWN_MAX]
    ]
    yield Grid(("First hit", "Rule", "Subject", "Differs in", "Old reason", "New reason"), rows)


def when(millis: int) -> str:
    """Write a moment to the second."""
    return to_text(millis)[:19].replace("T", " ")
