"""Reading back: from the newest records of the snapshots topic to a partition's state."""

from collections.abc import Iterator, Mapping
from heapq import heapify

from streams.alerts.compose import ENGINE
from streams.alerts.model import AlertState
from streams.clock import HOUR_MS
from streams.detection.program import Program, Programs
from streams.errors import FormatError
from streams.legs import Leg, LegKind, SubjectKind
from streams.pipeline.partition import PartitionState
from streams.pipeline.snapshot.forms import (
    DORMANT,
    EVENTS,
    MANIFEST_KEY,
    Extras,
    Manifest,
    SavedHit,
    Segment,
    read_events,
    read_extras,
    read_legs,
    read_manifest,
    segment_key,
)
from streams.state.program import Hit
from streams.state.subject import Saved, Subject

Records = Mapping[bytes, bytes]
"""Newest value of every key of one partition of the snapshots topic."""


def manifest_of(records: Records) -> Manifest | None:
    """Give the manifest, or None when no snapshot was ever finished; ``records`` are of this program's format (``migrated``).

    Raises FormatError for one that a newer engine made: this program would go on from it with other results.
    """
    data = records.get(MANIFEST_KEY)
    if data is None:
        return None
    manifest = read_manifest.decode(data)
    if manifest.engine > ENGINE:
        message = (
            f"a snapshot of engine {manifest.engine}, and this program is engine {ENGINE}: a newer version of Payweir has taken "
            "over this partition; start that one here too"
        )
        raise FormatError(message)
    return manifest


def restore(records: Records, manifest: Manifest, rulesets: Mapping[str, Programs], partition: int) -> PartitionState:
    """Give the state at the manifest's offset. ``rulesets`` holds every ruleset the manifest names."""
    state = PartitionState(
        partition, manifest.epoch, manifest.lateness_ms, manifest.offset, sources=manifest.sources,
        watermarks=manifest.watermarks, ended=manifest.ended, tallies=manifest.tallies, told=set(manifest.tallies_told),
        swept_at=manifest.swept_at, swept_to=manifest.swept_to,
    )  # fmt: skip
    for time, digest in manifest.rulesets:
        state.schedule.add(time, rulesets[digest])
    _restore_subjects(state, records, rulesets)
    _restore_accounting(state, records, manifest)
    _restore_dormant(state, records, manifest)
    heapify(state.deadlines)
    heapify(state.provisional)
    return state


def _restore_subjects(state: PartitionState, records: Records, rulesets: Mapping[str, Programs]) -> None:
    blocks: dict[tuple[int, str], list[tuple[int, bytes]]] = {}
    for key, value in records.items():
        if key.startswith(b"b:"):
            _, kind, day, name = key.decode().split(":", 3)
            blocks.setdefault((int(kind), name), []).append((int(day), value))
    for (kind_, name), days in blocks.items():
        subject = _subject(state, kind_, name)
        days.sort()
        subject.reload([leg for _, data in days for leg in read_legs.decode(data)])
        assert subject.saved is not None  # noqa: S101  _subject made it
        subject.saved.days = {day for day, _ in days}
    for key, value in records.items():
        if key.startswith(b"x:"):
            _, kind, name = key.decode().split(":", 2)
            subject = _subject(state, int(kind), name)
            assert subject.saved is not None  # noqa: S101  _subject made it
            subject.saved.extras = True
            _restore_extras(state, subject, read_extras.decode(value), rulesets)


def _subject(state: PartitionState, kind: int, name: str) -> Subject:
    subject = state.subject(kind, name)
    if subject.saved is None:
        subject.saved = Saved()
    return subject


def _restore_extras(state: PartitionState, subject: Subject, extras: Extras, rulesets: Mapping[str, Programs]) -> None:
    for saved in extras.hits:
        hit = _hit(subject, saved, rulesets)
        subject.hits.append(hit)
        subject.by_key.setdefault(hit.key, []).append(hit)
    subject.sent = {**dict(extras.alerts), **dict(extras.tallies)}
    subject.references = extras.references
    subject.marks_in = None if extras.marks_in is None else {mark.key: mark for mark in extras.marks_in}
    subject.marks_out = None if extras.marks_out is None else dict(extras.marks_out)
    subject.voids = None if extras.voids is None else set(extras.voids)
    subject.deadlines = None if extras.deadlines is None else dict(extras.deadlines)
    subject.approximate = extras.approximate
    subject.older = dict(extras.older)
    fired = {(leg.origin, leg.event_id) for leg in subject.log if leg.kind == LegKind.DEADLINE}
    for (rule_id, event_id), time in (subject.deadlines or {}).items():
        if (rule_id, event_id) not in fired:
            state.deadlines.append((time, subject.kind, subject.key, rule_id, event_id))
    for key, alert in extras.alerts:
        if alert.state is AlertState.PROVISIONAL:
            state.provisional.append((alert.first_hit, subject.kind, subject.key, key))


def _hit(subject: Subject, saved: SavedHit, rulesets: Mapping[str, Programs]) -> Hit:
    program: Program = rulesets[saved.digest].by_kind[subject.kind]
    runnable = program.rules[program.by_id[saved.key.rule_id.partition("#")[0]]]
    leg = subject.log[saved.at]
    return Hit(leg, saved.key, runnable, saved.values, saved.held_by, saved.undecided, saved.error)


def _segments(records: Records, manifest: Manifest, name: str) -> Iterator[tuple[Segment, bytes]]:
    for segment in manifest.segments:
        if segment.name == name:
            yield segment, records[segment_key(segment)]


def _restore_accounting(state: PartitionState, records: Records, manifest: Manifest) -> None:
    accounting = state.accounting
    for segment, data in _segments(records, manifest, EVENTS):
        for event_id, known in read_events.decode(data):
            # Event ids are forgotten by whole hours.
            if not segment.forgotten((known.hour + 1) * HOUR_MS - 1, state.swept_to):
                accounting.events[event_id] = known
    for event_id, known in accounting.events.items():
        accounting.hours.setdefault(known.hour, []).append(event_id)
    accounting.counts, accounting.changed = manifest.counts, set(manifest.counts_changed)
    accounting.contents = manifest.contents


def _restore_dormant(state: PartitionState, records: Records, manifest: Manifest) -> None:
    waiting: dict[str, list[Leg]] = state.dormant
    for segment, data in _segments(records, manifest, DORMANT):
        for leg in read_legs.decode(data):
            if (
                not segment.forgotten(leg.time, state.swept_to)
                and (int(SubjectKind.JOIN), leg.subject) not in state.subjects
            ):
                waiting.setdefault(leg.subject, []).append(leg)
