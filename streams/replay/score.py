"""How well alerts agree with the truth of a labelled stream.

The measure in one sentence: an instance of fraud is found when a standing alert of the rule that must find it names its
main subject, or cites two of its events (the one, if it has only one).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from streams.errors import UsageError
from streams.replay.generator.story import Scenario

CITED_MIN: Final = 2


class ScoredAlert(NamedTuple):
    """What of a standing alert counts: its rule, its subject, the events it cites."""

    rule_id: str
    subject_kind: str
    subject: str
    event_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class TypologyScore:
    """One row: for fraud, how many instances were found; for a near miss, how many were taken for fraud."""

    typology: str
    rule_id: str
    hard_negative: bool
    instances: int
    hit: int

    @property
    def share(self) -> float:
        """Hit instances of all: recall for fraud, the share of false alarms for a near miss."""
        return self.hit / self.instances if self.instances else 0.0


@dataclass(frozen=True, slots=True)
class Score:
    """The verdict on a set of alerts; every alert is counted once, by the best that can be said of it.

    ``true_alerts`` touch an instance of fraud (of their own rule's, or of another: still money of that ring),
    ``near_miss_alerts`` only a hard negative, ``stray_alerts`` nothing that bears a label.
    """

    typologies: tuple[TypologyScore, ...]
    alerts: int
    true_alerts: int
    near_miss_alerts: int
    stray_alerts: int
    stray_by_rule: dict[str, int]

    @property
    def recall(self) -> float:
        """Found instances of all instances of fraud; 0 when there are none."""
        fraud = [row for row in self.typologies if not row.hard_negative]
        total = sum(row.instances for row in fraud)
        return sum(row.hit for row in fraud) / total if total else 0.0

    @property
    def precision(self) -> float:
        """Alerts that touch an instance of fraud, of all alerts; 0 when there are none."""
        return self.true_alerts / self.alerts if self.alerts else 0.0

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """Give (typology, rule, kind, hit of instances, share) for a table: fraud first, each part by name."""
        ordered = sorted(self.typologies, key=lambda row: (row.hard_negative, row.typology))
        return [
            (
                row.typology,
                row.rule_id,
                "near miss" if row.hard_negative else "fraud",
                f"{row.hit} of {row.instances}",
                f"{row.share:.0%}",
            )
            for row in ordered
        ]


def read_scenarios(path: Path) -> list[Scenario]:
    """Read ``scenarios.json``; raises ``UsageError`` when the file is missing or is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Scenario])
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}; name the scenarios.json that payweir generate wrote"
        raise UsageError(message) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"{path} is not a scenarios.json of payweir generate: {error}"
        raise UsageError(message) from error


def score(scenarios: Iterable[Scenario], alerts: Iterable[ScoredAlert]) -> Score:
    """Compare standing alerts with the truth. Withdrawn, held and shadow alerts are the caller's to leave out."""
    truth = _Truth(scenarios)
    hit: set[str] = set()
    counts: Counter[str] = Counter()
    stray: Counter[str] = Counter()
    for alert in alerts:
        touched = truth.touched(alert)
        hit.update(name for name in touched if truth.scenarios[name].rule_id == alert.rule_id)
        if any(not truth.scenarios[name].hard_negative for name in touched):
            counts["true"] += 1
        elif touched:
            counts["near miss"] += 1
            hit.update(touched)
        else:
            counts["stray"] += 1
            stray[alert.rule_id] += 1
    return Score(
        truth.rows(hit),
        counts.total(),
        counts["true"],
        counts["near miss"],
        counts["stray"],
        dict(sorted(stray.items())),
    )


class _Truth:
    """Scenarios by subject and by event."""

    def __init__(self, scenarios: Iterable[Scenario]) -> None:
        self.scenarios: dict[str, Scenario] = {}
        self._by_subject: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._by_event: dict[str, list[str]] = defaultdict(list)
        for scenario in scenarios:
            name = scenario.scenario_id
            self.scenarios[name] = scenario
            self._by_subject[scenario.subject_kind, scenario.subject].append(name)
            for event_id in scenario.event_ids:
                self._by_event[event_id].append(name)

    def touched(self, alert: ScoredAlert) -> set[str]:
        """Name the scenarios whose subject the alert names or of whose events it cites enough."""
        touched = set(self._by_subject.get((alert.subject_kind, alert.subject), ()))
        cited: Counter[str] = Counter()
        for event_id in dict.fromkeys(alert.event_ids):
            cited.update(self._by_event.get(event_id, ()))
        for name, count in cited.items():
            if count >= min(CITED_MIN, len(self.scenarios[name].event_ids)):
                touched.add(name)
        return touched

    def rows(self, hit: set[str]) -> tuple[TypologyScore, ...]:
        """Count instances and hits by typology, in the order in which typologies first appear."""
        groups: dict[str, list[Scenario]] = defaultdict(list)
        for scenario in self.scenarios.values():
            groups[scenario.typology].append(scenario)
        return tuple(
            TypologyScore(
                typology,
                group[0].rule_id,
                group[0].hard_negative,
                len(group),
                sum(scenario.scenario_id in hit for scenario in group),
            )
            for typology, group in groups.items()
        )
