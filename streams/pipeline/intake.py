"""Intake: raw records of one source partition to legs, dead letters and the source's watermark.

A pure function of the source's state and the records, so a redelivered stretch of a source gives the same legs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from streams.alerts.model import DeadLetter, Position, SourceFound
from streams.clock import DAY_MS
from streams.events import Event, Limits, Refused, decode_event, digest_of
from streams.events.codec import mask
from streams.events.model import AccountReferenceEvent, FraudReportEvent
from streams.legs import Leg, LegKind, Split, SubjectKind, pack_route, partition_of, split

LATENESS_MS: Final = 3 * DAY_MS
_TIMELESS: Final = {AccountReferenceEvent, FraudReportEvent}
"""Reference data and reports are never late and move no watermark."""
_EVENT, _ACCOUNTING = int(SubjectKind.EVENT), int(LegKind.ACCOUNTING)
ALL_KINDS: Final = frozenset(SubjectKind) - {SubjectKind.EVENT}


class RawRecord(NamedTuple):
    """One record of a source partition; ``kafka_time`` in milliseconds is what a far future is judged against."""

    offset: int
    kafka_time: int
    value: bytes | None
    retried: bool = False
    """An operator fed it again after it was refused: it is not late, whatever its time."""


@dataclass(slots=True)
class SourceState:
    """What intake remembers of a source partition; kept in the committed offset's metadata."""

    topic: str
    partition: int
    watermark: int = -(1 << 60)
    """Newest event time seen, in milliseconds."""
    first_offset: int = 0
    """Where counting began."""
    next_offset: int = 0
    found: int = 0
    lost: int = 0
    """Offsets that were gone before they could be read."""
    name: str = field(init=False)
    """``payments/0``."""

    def __post_init__(self) -> None:
        """One text for all legs of the source."""
        self.name = f"{self.topic}/{self.partition}"

    def find(self, records: Sequence[RawRecord]) -> None:
        """Count records that were read, before anybody looks into them."""
        if records:
            if not self.found:
                self.first_offset = records[0].offset
            self.found += len(records)
            self.next_offset = records[-1].offset + 1

    def told(self, epoch: int) -> SourceFound:
        """Say how many records were found."""
        return SourceFound(self.name, Position(epoch, self.next_offset, 0), self.first_offset, self.found, self.lost)


@dataclass(slots=True)
class Taken:
    """What came of a batch: legs by activity partition, and what was refused."""

    legs: dict[int, list[Leg]] = field(default_factory=dict)
    dead_letters: list[DeadLetter] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Intake:
    """How records are taken in. ``partitions`` is the number of activity partitions; it never changes while there is state."""

    partitions: int = 1
    kinds: frozenset[SubjectKind] = ALL_KINDS
    lateness_ms: int = LATENESS_MS
    limits: Limits = field(default_factory=Limits)

    def take(self, source: SourceState, records: Sequence[RawRecord]) -> Taken:
        """Take a batch in, moving the source's watermark."""
        taken = Taken()
        source.find(records)
        for record in records:
            try:
                event, time = decode_event(record.value, record.kafka_time, self.limits)
            except Refused as refused:
                self._refuse(taken, source, record, refused)
            else:
                self._accept(taken, source, record, (event, time, digest_of(event)))
        return taken

    def _accept(self, taken: Taken, source: SourceState, record: RawRecord, known: tuple[Event, int, int]) -> None:
        event, time, digest = known
        late = False
        if type(event) not in _TIMELESS and not record.retried:
            late = time < source.watermark - self.lateness_ms
            source.watermark = max(source.watermark, time)
        legs = split(event, Split(time, digest, self.kinds))
        legs.append(
            Leg(
                _EVENT, event.event_id, _ACCOUNTING, time, 0, event.source, event.event_id, digest, late=late,
                origin=source.name, offset=record.offset, route=pack_route(legs),
            )
        )  # fmt: skip
        if late:
            for leg in legs:
                leg.late = True
        partitions, target = self.partitions, taken.legs
        if partitions == 1:
            target.setdefault(0, []).extend(legs)
            return
        for leg in legs:
            target.setdefault(partition_of(leg.subject_kind, leg.subject, partitions), []).append(leg)

    def _refuse(self, taken: Taken, source: SourceState, record: RawRecord, refused: Refused) -> None:
        """A refused record has an accounting leg too, so that all counts come from the activity log."""
        subject = f"{source.name}@{record.offset}"
        leg = Leg(
            SubjectKind.EVENT, subject, LegKind.REFUSED, record.kafka_time, 0, source.name, subject, 0, origin=source.name,
            offset=record.offset, refusal=refused.refusal.value,
        )  # fmt: skip
        taken.legs.setdefault(partition_of(SubjectKind.EVENT, subject, self.partitions), []).append(leg)
        taken.dead_letters.append(
            DeadLetter(
                source.topic, source.partition, record.offset, refused.refusal.value, refused.field, refused.detail,
                mask(record.value), len(record.value or b""), record.kafka_time,
            )
        )  # fmt: skip
