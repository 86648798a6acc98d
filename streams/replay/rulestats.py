"""What a backtest says of each rule: how much, how much money, together with whom, and how well where the truth is known."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from streams.alerts.identity import LastingKey, lasting_key
from streams.alerts.model import Alert
from streams.clock import DAY_MS
from streams.replay.backtest import Backtest
from streams.replay.generator.story import ANY_RULE, Scenario
from streams.replay.score import Score, ScoredAlert, score
from streams.store.reader import Decision


@dataclass(frozen=True, slots=True)
class RuleStats:
    """One rule over the period."""

    rule_id: str
    state: str
    alerts: int
    per_day: float
    """Over the days on which there was a payment."""
    per_10000: float
    """For 10,000 payments, each counted once; over the activity log, for 10,000 payment events."""
    covered_minor: dict[str, int]
    """Per currency, the amounts of the events its alerts cite, each event once."""
    truncated: int
    """Alerts that cite only the newest of their events; what they cover is more."""
    overlap: dict[str, int]
    """Other rule to the number of this rule's alerts that cite an event which an alert of the other cites too."""
    silenced: int
    samples: tuple[Alert, ...]
    precision: float | None = None
    """Alerts on an instance of fraud, of all; None without labels or alerts."""
    recall: float | None = None
    """What it found alone of the instances that it or its family has to find; None without labels or when there are none.

    By decisions: of the alerts of the rule that people have confirmed, those it gives again.
    """
    confirmed: int = 0
    """Alerts that people have confirmed."""
    dismissed: int = 0
    lost: int = 0
    """Confirmed alerts that it does not give again."""


@dataclass(frozen=True, slots=True)
class Stats:
    """All rules over the period."""

    payments: int
    days: int
    rules: tuple[RuleStats, ...]
    score: Score | None
    unit: str = "payments"
    """What ``payments`` counts."""
    asked: bool = False
    """Whether an instance asks for a rule of the set; if none does, its recall says nothing."""
    decided: bool = False
    """Whether precision and recall are by what people decided, and not by labels."""


def stats_of(
    run: Backtest, truth: Sequence[Scenario] | None, samples: int, decided: Sequence[Decision] | None = None
) -> Stats:
    """Count; of the truth, instances without an event in the period do not count.

    Without a truth, ``decided`` is what people said of alerts: those that first hit in the period, on a day that was read.
    """
    traffic = run.traffic
    payments, days = traffic.payments.distinct(), len(traffic.payments.days)
    within = [each for each in truth or () if not traffic.found.isdisjoint(each.event_ids)]
    judged = score(within, map(_scored, run.alerts)) if truth is not None else None
    by_rule: dict[str, list[Alert]] = defaultdict(list)
    for alert in run.alerts:
        by_rule[alert.rule_id].append(alert)
    overlap, silenced = _overlap(run.alerts), Counter(alert.rule_id for alert in run.silenced)
    states = {rule.id: rule.state for rule in run.programs.ruleset.rules if rule.state != "off"}
    about = (each for each in decided or () if _was_read(each.first_hit, run))
    said = {each.key: each.confirmed for each in sorted(about, key=lambda each: each.confirmed)}
    once = Counter(key.rule_id for key, confirmed in said.items() if confirmed)
    rows = []
    for rule_id in sorted(states.keys() | by_rule.keys() | {key.rule_id for key in said}):
        mine = by_rule[rule_id]
        row = RuleStats(
            rule_id, states.get(rule_id, ""), len(mine), len(mine) / days if days else 0.0,
            len(mine) * 10_000 / payments if payments else 0.0, _covered(mine), sum(alert.truncated for alert in mine),
            dict(overlap[rule_id].most_common()), silenced[rule_id], tuple(mine[:samples]),
            _precision(judged, rule_id), _recall(within, rule_id, mine),
        )  # fmt: skip
        rows.append(row if decided is None else _by_decisions(row, mine, said, once[rule_id]))
    return Stats(payments, days, tuple(rows), judged, traffic.unit, _asked(within, states), decided is not None)


def _was_read(time: int, run: Backtest) -> bool:
    return run.traffic.period.holds(time) and time // DAY_MS in run.traffic.payments.days


def _by_decisions(row: RuleStats, alerts: Iterable[Alert], said: Mapping[LastingKey, bool], once: int) -> RuleStats:
    """Fill in what people said; ``once`` counts all alerts of the rule that they have confirmed."""
    verdicts = [said[key] for key in map(lasting_key, alerts) if key in said]
    confirmed = sum(verdicts)
    return replace(
        row, confirmed=confirmed, dismissed=len(verdicts) - confirmed, lost=once - confirmed,
        precision=confirmed / len(verdicts) if verdicts else None, recall=confirmed / once if once else None,
    )  # fmt: skip


def _asked(truth: Sequence[Scenario], rules: Iterable[str]) -> bool:
    """Tell whether some instance asks for one of the rules; where any rule will do for all of them, each is asked."""
    wanted = {each.rule_id for each in truth if not each.hard_negative}
    named = wanted - {ANY_RULE}
    if not named:
        return bool(wanted)
    return any(rule == name or rule.startswith(f"{name}-") for rule in rules for name in named)


def _scored(alert: Alert) -> ScoredAlert:
    cited = [each.event_id for each in alert.evidence]
    return ScoredAlert(alert.rule_id, alert.subject_kind, alert.subject, cited, alert.first_hit)


def _covered(alerts: Iterable[Alert]) -> dict[str, int]:
    amounts = {each.event_id: each for alert in alerts for each in alert.evidence}
    covered: Counter[str] = Counter()
    for each in amounts.values():
        if each.currency:
            covered[each.currency] += each.amount_minor
    return dict(sorted(covered.items()))


def _overlap(alerts: Iterable[Alert]) -> dict[str, Counter[str]]:
    rules: dict[str, set[str]] = defaultdict(set)
    for alert in alerts:
        for each in alert.evidence:
            rules[each.event_id].add(alert.rule_id)
    overlap: dict[str, Counter[str]] = defaultdict(Counter)
    for alert in alerts:
        others = set().union(*(rules[each.event_id] for each in alert.evidence)) - {alert.rule_id}
        overlap[alert.rule_id].update(sorted(others))
    return overlap


def _precision(judged: Score | None, rule_id: str) -> float | None:
    rows = [row for row in judged.rules if row.rule_id == rule_id] if judged is not None else []
    return rows[0].precision if rows else None


def _recall(truth: Sequence[Scenario], rule_id: str, alerts: Iterable[Alert]) -> float | None:
    about = [each for each in truth if not each.hard_negative and each.rule_id != ANY_RULE and _is_about(each, rule_id)]
    found = score(about, map(_scored, alerts))
    return found.recall if found.instances else None


def _is_about(scenario: Scenario, rule_id: str) -> bool:
    return rule_id == scenario.rule_id or rule_id.startswith(f"{scenario.rule_id}-")
