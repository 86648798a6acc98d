"""The activity log once more: what the live workers said of it, from the same records through the same step."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from streams.alerts.model import Alert
from streams.clock import DAY_MS
from streams.detection.program import Programs
from streams.legs import FORMAT_VERSION, LegKind, Packed, SubjectKind, unpack, whole
from streams.pipeline import WHOLE, PartitionState, step
from streams.pipeline.snapshot.forms import read_skip
from streams.replay.run import Summary
from streams.replay.tally import Tally

_PAYMENTS: Final = "payments/"


@dataclass(slots=True)
class Folded:
    """What one partition's log led to."""

    summary: Summary = field(default_factory=Summary)
    alerts: dict[str, Alert] = field(default_factory=dict)
    """Each at its newest revision, whatever its state."""
    payments: Tally = field(default_factory=Tally)
    """Payment events: one that was delivered twice is one."""
    digests: list[str] = field(default_factory=list)
    """Rulesets in the order in which the log put them in force."""


def fold(
    state: PartitionState, records: Iterable[tuple[int, bytes | None]], rulesets: Mapping[str, Programs]
) -> Folded:
    """Apply the records of a log, offset and value, to a blank state. Raises what ``unpack`` and ``step`` raise."""
    found = Folded()
    for offset, value in records:
        if value is None:
            continue
        state.next_offset = offset
        record = Packed(FORMAT_VERSION, "", [], [], {}) if (offset, *WHOLE) in state.skips else unpack(value)
        if record.control is not None and record.control.kind == "ruleset":
            found.digests.append(record.control.digest)
        _count(found, record)
        outcomes = step(state, record, rulesets).outcomes
        found.summary.take(outcomes)
        found.alerts.update({each.alert_id: each for each in outcomes if isinstance(each, Alert)})
    return found


def skips_of(records: Iterable[tuple[bytes, bytes]]) -> frozenset[tuple[int, int, str]]:
    """Give what is to be left out, from the records of the snapshots topic that say so."""
    found = [read_skip.decode(value) for _, value in records]
    return frozenset((skip.offset, skip.subject_kind, skip.subject) for skip in found)


def _count(found: Folded, record: Packed) -> None:
    for leg in map(whole, record.legs):
        if leg.subject_kind == SubjectKind.EVENT and leg.kind == LegKind.ACCOUNTING:
            found.summary.found += 1
            if leg.origin.startswith(_PAYMENTS):
                found.payments.note(leg.time // DAY_MS, leg.source, leg.event_id)
        elif leg.kind == LegKind.REFUSED:
            found.summary.found += 1
