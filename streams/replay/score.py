"""How well alerts agree with the truth of a labelled stream.

The measure in one sentence: an instance of fraud is found when a standing alert of the rule that must find it names one
of its subjects, or cites two of its events (the one, if it has only one) that are 30 % of what it cites. Times are event
times, not those of a clock. Faint instances, which lie under a limit of the catalogue, are counted apart: they are no part
of the recall, and an alert on one is a true one.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median_low
from typing import Final, NamedTuple

from streams.clock import from_datetime
from streams.replay.generator.story import ANY_RULE, Scenario

CITED_MIN: Final = 2
CITED_PERCENT_MIN: Final = 30
"""An alert that cites a busy day and two events of an instance among them has not found it."""
_TRUE, _NEAR_MISS, _STRAY = "true", "near miss", "stray"


class ScoredAlert(NamedTuple):
    """What of a standing alert counts: its rule, its subject, the events it cites, when it first hit."""

    rule_id: str
    subject_kind: str
    subject: str
    event_ids: Sequence[str]
    first_hit_ms: int = 0


@dataclass(frozen=True, slots=True)
class TypologyScore:
    """One row: for fraud, how many instances were found; for a near miss, how many were taken for fraud.

    ``instances``, ``hit`` and ``delay_ms`` leave the faint ones out.
    """

    typology: str
    rule_id: str
    hard_negative: bool
    instances: int
    hit: int
    delay_ms: int | None = None
    """Median time from the first tainted credit to the first alert, over the found instances in which a victim pays."""
    by: tuple[str, ...] = ()
    """The rules whose alerts hit; of a near miss it may be any rule."""
    faint: int = 0
    faint_hit: int = 0

    @property
    def share(self) -> float:
        """Hit instances of all: recall for fraud, the share of false alarms for a near miss."""
        return self.hit / self.instances if self.instances else 0.0


@dataclass(frozen=True, slots=True)
class RuleScore:
    """What became of the alerts of one rule; together they are all of its alerts."""

    rule_id: str
    true_alerts: int
    near_miss_alerts: int
    stray_alerts: int

    @property
    def alerts(self) -> int:
        """All alerts of the rule."""
        return self.true_alerts + self.near_miss_alerts + self.stray_alerts

    @property
    def precision(self) -> float:
        """Alerts that touch an instance of fraud, of all; 0 when there are none."""
        return self.true_alerts / self.alerts if self.alerts else 0.0


@dataclass(frozen=True, slots=True)
class Score:
    """The verdict on a set of alerts; every alert is counted once, by the best that can be said of it.

    True alerts touch an instance of fraud (of their own rule's, or of another: still money of that ring), near-miss
    alerts only a hard negative, stray alerts nothing that bears a label.
    """

    typologies: tuple[TypologyScore, ...]
    rules: tuple[RuleScore, ...]
    delay_ms: int | None
    """Median time from the first tainted credit to the first alert, over all found instances in which a victim pays."""
    missed: tuple[str, ...] = ()
    """Ids of the instances of fraud that were not found, the faint ones left out."""

    @property
    def alerts(self) -> int:
        """Alerts of all rules."""
        return sum(rule.alerts for rule in self.rules)

    @property
    def true_alerts(self) -> int:
        """Those that touch an instance of fraud."""
        return sum(rule.true_alerts for rule in self.rules)

    @property
    def near_miss_alerts(self) -> int:
        """Those that touch nothing labelled but a hard negative."""
        return sum(rule.near_miss_alerts for rule in self.rules)

    @property
    def stray_alerts(self) -> int:
        """Those that touch nothing labelled."""
        return sum(rule.stray_alerts for rule in self.rules)

    @property
    def faint(self) -> int:
        """Faint instances of fraud."""
        return sum(row.faint for row in self.typologies)

    @property
    def faint_found(self) -> int:
        """Those of the faint that were found all the same."""
        return sum(row.faint_hit for row in self.typologies)

    @property
    def instances(self) -> int:
        """Instances of fraud, the faint ones left out."""
        return sum(row.instances for row in self.typologies if not row.hard_negative)

    @property
    def found(self) -> int:
        """Found instances of fraud."""
        return sum(row.hit for row in self.typologies if not row.hard_negative)

    @property
    def recall(self) -> float:
        """Found instances of all instances of fraud; 0 when there are none."""
        return self.found / self.instances if self.instances else 0.0

    @property
    def precision(self) -> float:
        """Alerts that touch an instance of fraud, of all alerts; 0 when there are none."""
        return self.true_alerts / self.alerts if self.alerts else 0.0


def score(scenarios: Iterable[Scenario], alerts: Iterable[ScoredAlert]) -> Score:
    """Compare standing alerts with the truth. Withdrawn, held and shadow alerts are the caller's to leave out."""
    truth = _Truth(scenarios)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for alert in alerts:
        touched = truth.touched(alert)
        fraud = [scenario for scenario in touched if not scenario.hard_negative]
        for scenario in fraud or touched:
            if not fraud or _is_about(scenario, alert.rule_id):
                truth.hit(scenario, alert)
        counts[alert.rule_id][_TRUE if fraud else _NEAR_MISS if touched else _STRAY] += 1
    rules = tuple(
        RuleScore(rule, count[_TRUE], count[_NEAR_MISS], count[_STRAY]) for rule, count in sorted(counts.items())
    )
    return Score(truth.rows(), rules, truth.delay(), truth.missed())


def _is_about(scenario: Scenario, rule_id: str) -> bool:
    """Tell whether a rule is the scenario's, or one of its family: ``structuring`` has ``structuring-cash`` and others."""
    wanted = scenario.rule_id
    return wanted in (rule_id, ANY_RULE) or rule_id.startswith(f"{wanted}-")


class _Truth:
    """Scenarios by subject and by event, and when each was first hit."""

    def __init__(self, scenarios: Iterable[Scenario]) -> None:
        self._groups: dict[str, list[Scenario]] = defaultdict(list)
        self._by_subject: dict[tuple[str, str], list[Scenario]] = defaultdict(list)
        self._by_event: dict[str, list[Scenario]] = defaultdict(list)
        self._first_hit_ms: dict[str, int] = {}
        self._by: dict[str, set[str]] = defaultdict(set)
        for scenario in scenarios:
            self._groups[scenario.typology].append(scenario)
            for subject in {(scenario.subject_kind, scenario.subject), *scenario.members}:
                self._by_subject[subject].append(scenario)
            for event_id in set(scenario.event_ids):
                self._by_event[event_id].append(scenario)

    def touched(self, alert: ScoredAlert) -> list[Scenario]:
        """Give the scenarios of which the alert names a subject or cites events enough."""
        touched = {each.scenario_id: each for each in self._by_subject.get((alert.subject_kind, alert.subject), ())}
        cited = dict.fromkeys(alert.event_ids)
        count: Counter[str] = Counter()
        for event_id in cited:
            for each in self._by_event.get(event_id, ()):
                count[each.scenario_id] += 1
                enough = count[each.scenario_id] >= min(CITED_MIN, len(set(each.event_ids)))
                if enough and count[each.scenario_id] * 100 >= CITED_PERCENT_MIN * len(cited):
                    touched[each.scenario_id] = each
        return list(touched.values())

    def hit(self, scenario: Scenario, alert: ScoredAlert) -> None:
        """Note that an alert hit the scenario."""
        known = self._first_hit_ms.get(scenario.scenario_id, alert.first_hit_ms)
        self._first_hit_ms[scenario.scenario_id] = min(known, alert.first_hit_ms)
        self._by[scenario.typology].add(alert.rule_id)

    def rows(self) -> tuple[TypologyScore, ...]:
        """Count instances and hits by typology: fraud first, each part by name."""
        rows = [self._row(typology, group) for typology, group in self._groups.items()]
        return tuple(sorted(rows, key=lambda row: (row.hard_negative, row.typology)))

    def delay(self) -> int | None:
        """Give the median time to the first alert over all found instances of fraud."""
        every = (each for group in self._groups.values() for each in group)
        return self._median([each for each in every if not each.hard_negative and not each.faint])

    def missed(self) -> tuple[str, ...]:
        """Name the instances of fraud that nothing hit, the faint ones left out."""
        every = (each for group in self._groups.values() for each in group if not each.hard_negative and not each.faint)
        return tuple(sorted(each.scenario_id for each in every if each.scenario_id not in self._first_hit_ms))

    def _row(self, typology: str, group: list[Scenario]) -> TypologyScore:
        clear, faint = ([each for each in group if each.faint is wanted] for wanted in (False, True))
        return TypologyScore(
            typology,
            group[0].rule_id,
            group[0].hard_negative,
            len(clear),
            self._hits(clear),
            None if group[0].hard_negative else self._median(clear),
            tuple(sorted(self._by[typology])),
            len(faint),
            self._hits(faint),
        )

    def _hits(self, scenarios: list[Scenario]) -> int:
        return sum(each.scenario_id in self._first_hit_ms for each in scenarios)

    def _median(self, scenarios: list[Scenario]) -> int | None:
        found = [
            self._first_hit_ms[each.scenario_id] - from_datetime(datetime.fromisoformat(each.tainted_at))
            for each in scenarios
            if each.tainted_at and each.scenario_id in self._first_hit_ms
        ]
        return median_low(found) if found else None
