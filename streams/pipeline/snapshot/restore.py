"""Reading back: from the newest records of the snapshots topic to a partition's state."""

from collections.abc import Iterator, Mapping
from heapq import heapify
from typing import NamedTuple

from streams.alerts.compose import ENGINE
from streams.clock import DAY_MS, HOUR_MS
from streams.detection.program import Program, Programs
from streams.errors import FormatError
from streams.legs import SubjectKind, share
from streams.pipeline.partition import PartitionState
from streams.pipeline.snapshot.forms import (
    DORMANT,
    EVENTS,
    MANIFEST_KEY,
    Due,
    Extras,
    Manifest,
    SavedHit,
    Segment,
    read_due,
    read_events,
    read_extras,
    read_legs,
    read_manifest,
    read_waiting,
    segment_key,
)
from streams.state.program import Hit
from streams.state.subject import NEVER, Saved, Subject

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
    for planned in manifest.rulesets:
        state.schedule.add(planned.time, rulesets[planned.digest], planned.terms)
    _restore_subjects(state, records, rulesets)
    _restore_accounting(state, records, manifest)
    _restore_dormant(state, records, manifest)
    heapify(state.deadlines)
    heapify(state.provisional)
    return state


class Asleep(NamedTuple):
    """A subject as the topic has it: the days of its log in order, and what it knows beside it."""

    blocks: list[tuple[int, bytes]]
    extras: bytes | None
    rulesets: Mapping[str, Programs]

    @property
    def oldest(self) -> int:
        """See :class:`streams.pipeline.partition.Sleeper`."""
        return self.blocks[0][0] * DAY_MS if self.blocks else NEVER

    @property
    def newest(self) -> int:
        """See :class:`streams.pipeline.partition.Sleeper`."""
        return (self.blocks[-1][0] + 1) * DAY_MS if self.blocks else NEVER

    def __call__(self, kind: int, key: str) -> Subject:
        """Read it."""
        subject = Subject(kind, key)
        subject.saved = Saved()
        subject.saved.days = {day for day, _ in self.blocks}
        if self.blocks:
            log = [leg for _, data in self.blocks for leg in read_legs.decode(data)]
            share(log)
            subject.reload(log)
        if self.extras is not None:
            subject.saved.extras = True
            _give_extras(subject, read_extras.decode(self.extras), self.rulesets)
        return subject


def _restore_subjects(state: PartitionState, records: Records, rulesets: Mapping[str, Programs]) -> None:
    """Let all subjects sleep; what is due by itself, at a time, is told to the state now."""
    blocks: dict[tuple[int, str], list[tuple[int, bytes]]] = {}
    extras: dict[tuple[int, str], bytes] = {}
    for key, value in records.items():
        if key.startswith(b"b:"):
            _, kind, day, name = key.split(b":", 3)
            place = int(kind), name.decode()
            block = int(day), value
            if place in blocks:
                blocks[place].append(block)
            else:
                blocks[place] = [block]
        elif key.startswith(b"x:"):
            _, kind, name = key.split(b":", 2)
            extras[int(kind), name.decode()] = value
    for place in extras.keys() - blocks.keys():
        blocks[place] = []
    for place, several in blocks.items():
        several.sort()
        state.asleep[place] = Asleep(several, extras.get(place), rulesets)
    for place, held in extras.items():
        _restore_times(state, place, read_due.decode(held))


def _restore_times(state: PartitionState, place: tuple[int, str], extras: Due) -> None:
    """Put deadlines to come, and alerts to be confirmed, on the state's heaps.

    What is due up to the watermark has fired. What lies ahead may have, too, if the watermark was once further: it then says
    nothing when it fires again.
    """
    kind, key = place
    watermark = state.watermark
    for (rule_id, event_id), time in extras.deadlines or ():
        if time > watermark:
            state.deadlines.append((time, kind, key, rule_id, event_id))
    for alert, first_hit in extras.provisional:
        state.provisional.append((first_hit, kind, key, alert))


def _give_extras(subject: Subject, extras: Extras, rulesets: Mapping[str, Programs]) -> None:
    for saved in extras.hits:
        hit = _hit(subject, saved, rulesets)
        subject.hits.append(hit)
        subject.by_key.setdefault(hit.key, []).append(hit)
    subject.verdicts = [hit for hit in subject.hits if hit.asked] or None
    subject.sent = {**dict(extras.alerts), **dict(extras.tallies)}
    subject.references = extras.references
    subject.marks_in = None if extras.marks_in is None else {mark.key: mark for mark in extras.marks_in}
    subject.marks_out = None if extras.marks_out is None else dict(extras.marks_out)
    subject.voids = None if extras.voids is None else {(copy.event_id, copy.digest): copy.time for copy in extras.voids}
    subject.deadlines = None if extras.deadlines is None else dict(extras.deadlines)
    subject.approximate = extras.approximate
    subject.older, subject.history = dict(extras.older), extras.history
    subject.waiting = extras.waiting
    for mark in extras.heard:
        subject.heard = subject.heard or {}
        subject.heard[mark.key] = (*subject.heard.get(mark.key, ()), mark)
    subject.told = dict(extras.told) or None


def _hit(subject: Subject, saved: SavedHit, rulesets: Mapping[str, Programs]) -> Hit:
    program: Program = rulesets[saved.digest].by_kind[subject.kind]
    runnable = program.rules[program.by_id[saved.key.rule_id.partition("#")[0]]]
    leg = subject.log[saved.at]
    asked = runnable.asked and not (saved.held_by or saved.undecided or saved.error)
    return Hit(leg, saved.key, runnable, saved.values, saved.held_by, saved.undecided, saved.error, asked)


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
    """Let payments that wait stay in the bytes of the snapshot: of most nothing will ever be asked."""
    waiting, asleep, join, swept_to = state.dormant, state.asleep, int(SubjectKind.JOIN), state.swept_to
    for segment, data in _segments(records, manifest, DORMANT):
        for head, leg in read_waiting(data):
            if (join, head.subject) not in asleep and not segment.forgotten(head.time, swept_to):
                waiting.setdefault(head.subject, []).append(leg)
