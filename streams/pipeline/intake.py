"""Intake: raw records of one source partition to legs, dead letters and the source's watermark.

A pure function of the source's state and the records, so a redelivered stretch of a source gives the same legs.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from streams.alerts.model import DeadLetter
from streams.clock import DAY_MS
from streams.events import Event, Limits, Refused, decode_event, digest_of
from streams.events.codec import mask
from streams.events.model import AccountReferenceEvent, FraudReportEvent
from streams.legs import Leg, LegKind, Split, SubjectKind, partition_of, split

LATENESS_MS: Final = 3 * DAY_MS
ALL_KINDS: Final = frozenset({SubjectKind.ACCOUNT, SubjectKind.DEVICE, SubjectKind.MERCHANT, SubjectKind.JOIN})


class RawRecord(NamedTuple):
    """One record of a source partition; ``kafka_time`` in milliseconds is what a far future is judged against."""

    offset: int
    kafka_time: int
    value: bytes | None


@dataclass(slots=True)
class SourceState:
    """What intake remembers of a source partition; kept in the committed offset's metadata."""

    topic: str
    partition: int
    watermark: int = -(1 << 60)
    """Newest event time seen, in milliseconds."""

    @property
    def name(self) -> str:
        """``payments/0``."""
        return f"{self.topic}/{self.partition}"


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

    def take(self, source: SourceState, records: Iterable[RawRecord]) -> Taken:
        """Take a batch in, moving the source's watermark."""
        taken = Taken()
        for record in records:
            try:
                event, time = decode_event(record.value, record.kafka_time, self.limits)
                digest = digest_of(event)
            except Refused as refused:
                self._refuse(taken, source, record, refused)
            else:
                self._accept(taken, source, record, (event, time, digest))
        return taken

    def _accept(self, taken: Taken, source: SourceState, record: RawRecord, known: tuple[Event, int, int]) -> None:
        event, time, digest = known
        timeless = type(event) is AccountReferenceEvent or type(event) is FraudReportEvent
        late = not timeless and time < source.watermark - self.lateness_ms
        if not timeless and time > source.watermark:
            source.watermark = time
        legs = split(event, Split(time, digest, self.kinds))
        route = tuple([(leg.subject_kind, leg.subject) for leg in legs])
        legs.append(
            Leg(
                SubjectKind.EVENT, event.event_id, LegKind.ACCOUNTING, time, 0, event.source, event.event_id, digest,
                late=late, origin=source.name, offset=record.offset, route=route,
            )
        )  # fmt: skip
        partitions, target = self.partitions, taken.legs
        for leg in legs:
            leg.late = late
            place = partition_of(leg.subject_kind, leg.subject, partitions) if partitions > 1 else 0
            if place in target:
                target[place].append(leg)
            else:
                target[place] = [leg]

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
