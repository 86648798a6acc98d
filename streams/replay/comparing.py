"""Two rulesets over the same events: which alerts appear, disappear or change."""

from collections import Counter
from dataclasses import dataclass
from typing import Final, NamedTuple

from streams.alerts.identity import lasting_key
from streams.alerts.model import Alert
from streams.clock import DAY_MS
from streams.replay.backtest import Backtest

COMPARED: Final = (
    "severity", "typology", "title", "shadow", "first_hit", "last_hit", "hits", "reason", "values", "evidence",
)  # fmt: skip
"""What makes two alerts different. Position, digest and version of the rule are not among them."""


class Change(NamedTuple):
    """An alert that both have, and in what it differs."""

    old: Alert
    new: Alert
    fields: tuple[str, ...]


class Gone(NamedTuple):
    """An alert that only the old set gives, and what the new one says instead."""

    alert: Alert
    because: str


@dataclass(frozen=True, slots=True)
class Difference:
    """All differences, each in the order of first hits."""

    appear: tuple[Alert, ...]
    disappear: tuple[Gone, ...]
    change: tuple[Change, ...]
    same: int

    @property
    def any(self) -> bool:
        """Whether there are any."""
        return bool(self.appear or self.disappear or self.change)


class RuleRow(NamedTuple):
    """Numbers of alerts of one rule."""

    rule_id: str
    old: int
    new: int
    appear: int
    disappear: int
    change: int


def compare(old: Backtest, new: Backtest) -> Difference:
    """Compare the standing alerts; one alert is the same rule, subject and bucket, whatever the rule's version."""
    before, after = ({lasting_key(alert): alert for alert in run.alerts} for run in (old, new))
    silenced = {lasting_key(alert): alert for alert in new.silenced}
    rules = {rule.id: rule.state for rule in new.programs.ruleset.rules}
    changes = [
        Change(before[key], alert, fields)
        for key, alert in after.items()
        if key in before
        and (fields := tuple(name for name in COMPARED if getattr(before[key], name) != getattr(alert, name)))
    ]
    gone = [Gone(alert, _because(alert, silenced.get(key), rules)) for key, alert in before.items() if key not in after]
    appear = tuple(alert for key, alert in after.items() if key not in before)
    return Difference(appear, tuple(gone), tuple(changes), len(after) - len(appear) - len(changes))


def _because(alert: Alert, now: Alert | None, rules: dict[str, str]) -> str:
    rule = alert.rule_id.partition("#")[0]  # what was undecided or failed is told under a name of its own
    if rule not in rules:
        return "the rule is not in the new set"
    if rules[rule] == "off":
        return "the rule is off"
    if now is None:
        return "the rule is silent"
    return f"held back by {now.held_by}" if now.held_by else "withdrawn when more was known"


def by_rule(old: Backtest, new: Backtest, difference: Difference) -> list[RuleRow]:
    """Count per rule; rules of either set that said nothing are there too."""
    columns = [
        Counter(alert.rule_id for alert in alerts)
        for alerts in (
            old.alerts, new.alerts, difference.appear, [each.alert for each in difference.disappear],
            [each.new for each in difference.change],
        )
    ]  # fmt: skip
    known = {rule.id for run in (old, new) for rule in run.programs.ruleset.rules if rule.state != "off"}
    return [RuleRow(rule, *(column[rule] for column in columns)) for rule in sorted(known.union(*columns))]


def by_day(run: Backtest, days: list[int]) -> list[int]:
    """Count alerts by the day of their first hit."""
    count = Counter(alert.first_hit // DAY_MS for alert in run.alerts)
    return [count[day] for day in days]
