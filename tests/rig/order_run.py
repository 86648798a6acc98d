"""Runs of the embedded pipeline over payments in several source partitions, reduced to what the oracle speaks about."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from streams.alerts.model import Alert, AlertState, Outcome
from streams.clock import DAY_MS
from streams.detection.check import check_files
from streams.detection.program import Programs, compile_ruleset
from streams.pipeline import RawRecord, SourceState
from streams.replay.embedded import Embedded
from tests.rig.oracle import Bucket
from tests.rig.order_data import Payment

ROOT: Final = Path(__file__).parents[2]
FILES: Final = (
    "rules/mule/fan-in-new-payers.yaml",
    "rules/mule/pass-through-account.yaml",
    "rules/lists/licensed-psp.yaml",
    "tests/rules/order/fast-debits.yaml",
)
_RECEIVED: Final = 1 << 50


@dataclass(frozen=True, slots=True)
class Layout:
    """How the payments reach the pipeline."""

    sources: int
    activity: int
    backlog: bool
    chunk: int = 500

    def __str__(self) -> str:
        """``4 sources, backlog, 1 activity``, as the test's name."""
        return f"{self.sources} sources, {'backlog' if self.backlog else 'live'}, {self.activity} activity"


@dataclass(frozen=True, slots=True)
class Found:
    """What a run said in the end."""

    alerts: dict[Bucket, tuple[int, int, int]]
    """Hits, first hit and last hit of every alert that stands."""
    evidence: dict[Bucket, tuple[str, ...]]
    hits: dict[Bucket, list[str]]
    """Event ids of the hits that the subjects still hold."""
    horizon: int
    """Hits older than this may have been forgotten; their alerts stay."""
    states: frozenset[AlertState] = frozenset()
    """In which states alerts were left."""


@cache
def programs() -> Programs:
    """Give the three rules of the order test, compiled."""
    ruleset, findings = check_files({name: (ROOT / name).read_text() for name in FILES})
    assert ruleset is not None, findings
    return compile_ruleset(ruleset)


def run(payments: list[Payment], layout: Layout) -> Found:
    """Take payments, in order of arrival, through the embedded pipeline."""
    last: dict[str, Alert] = {}

    def sink(outcomes: list[Outcome]) -> None:
        last.update({each.alert_id: each for each in outcomes if isinstance(each, Alert)})

    sources = [SourceState("payments", number) for number in range(layout.sources)]
    embedded = Embedded(programs(), tuple(each.name for each in sources), sink, partitions=layout.activity)
    for source, records in _chunks(payments, sources, layout):
        assert not embedded.feed(source, records)
    embedded.end()
    standing = [alert for alert in last.values() if alert.state is AlertState.STANDING]
    return Found(
        {_bucket(alert): (alert.hits, alert.first_hit, alert.last_hit) for alert in standing},
        {_bucket(alert): tuple(each.event_id for each in alert.evidence) for alert in standing},
        _hits(embedded),
        max(state.horizon for state in embedded.states) + DAY_MS,
        frozenset(alert.state for alert in last.values()),
    )


def _chunks(
    payments: list[Payment], sources: list[SourceState], layout: Layout
) -> Iterator[tuple[SourceState, list[RawRecord]]]:
    """Deal payments out to the source partitions and give them chunk by chunk; offsets count per partition."""
    records = [
        [RawRecord(offset, _RECEIVED, each.line()) for offset, each in enumerate(payments[number :: layout.sources])]
        for number in range(layout.sources)
    ]
    size = layout.chunk
    places = [(at, number) for number, several in enumerate(records) for at in range(0, len(several), size)]
    for at, number in sorted(places, key=lambda place: place[::-1] if layout.backlog else place):
        yield sources[number], records[number][at : at + size]


def _bucket(alert: Alert) -> Bucket:
    return Bucket(alert.rule_id, alert.subject, alert.currency, alert.bucket_start)


def _hits(embedded: Embedded) -> dict[Bucket, list[str]]:
    found: dict[Bucket, list[str]] = {}
    for state in embedded.states:
        for subject in state.subjects.values():
            for hit in subject.hits:
                bucket = Bucket(hit.key.rule_id, subject.key, hit.key.currency, hit.key.bucket_start)
                found.setdefault(bucket, []).append(hit.leg.event_id)
    return found


def _summary(truth: dict[Bucket, list[str]], known: list[Payment]) -> dict[Bucket, tuple[int, int, int]]:
    times = {each.event_id: each.time for each in known}
    return {bucket: (len(ids), times[ids[0]], times[ids[-1]]) for bucket, ids in truth.items()}


def differences(found: Found, truth: dict[Bucket, list[str]], known: list[Payment]) -> list[str]:
    """Name every alert that differs in its presence, number of hits, first or last hit, or in a hit's event id."""
    wanted = _summary(truth, known)
    faults = [
        f"{bucket}: found {found.alerts.get(bucket)}, meant {wanted.get(bucket)}"
        for bucket in sorted(wanted.keys() | found.alerts.keys())
        if found.alerts.get(bucket) != wanted.get(bucket)
    ]
    faults += [f"an alert was left {state}" for state in found.states - {AlertState.STANDING, AlertState.WITHDRAWN}]
    recent = {bucket for bucket in truth.keys() | found.hits.keys() if bucket.start >= found.horizon}
    faults += [
        f"{bucket}: hits on {found.hits.get(bucket)}, meant {truth.get(bucket)}"
        for bucket in sorted(recent)
        if found.hits.get(bucket) != truth.get(bucket)
    ]
    return faults
