"""Writing: a cut through a partition's state at one position.

A cut is taken between two records, when everything before is acknowledged. From then on the state moves on; a subject of the cut is
written before it changes again (the journal sees to that) or when its turn comes. So all that is written is the state at the
position of the cut, and no pause is longer than the few subjects written at a time.
"""

from itertools import groupby
from typing import Final, NamedTuple, cast

from streams.alerts.compose import ENGINE
from streams.alerts.model import Alert, AlertState
from streams.clock import HOUR_MS
from streams.detection.program import Runnable
from streams.legs import Leg, Mark
from streams.pipeline.journal import Journal
from streams.pipeline.partition import PartitionState
from streams.pipeline.snapshot.forms import (
    DORMANT,
    EVENTS,
    MANIFEST_KEY,
    SNAPSHOT_VERSION,
    Extras,
    Manifest,
    Planned,
    SavedHit,
    Segment,
    Void,
    block_key,
    day_of,
    encode,
    extras_key,
    segment_key,
    squeeze,
)
from streams.state.program import Hit
from streams.state.subject import FOREVER, Saved, Subject

Entry = tuple[bytes, bytes | None]
"""Key and value of a record of the snapshots topic; None takes the key out."""
SEGMENT_MAX: Final = 2000


class _Before(NamedTuple):
    """What was known of a subject in the topic before this cut wrote it."""

    subject: Subject
    changed_from: int
    days: frozenset[int]
    extras: bool


class SnapshotWriter:
    """The snapshots of one partition: which segments are live, and the journal of what is not written yet."""

    def __init__(self, state: PartitionState, segments: list[Segment], next_segment: int) -> None:
        """Start journalling a state that is, but for nothing, as the topic says."""
        self.state, self.segments, self.next_segment = state, segments, next_segment
        self.journal = state.journal = Journal()
        state.accounting.fresh = self.journal.events
        self.chunks: list[tuple[Segment, bytes]] = []
        self._open: dict[str, int] = {}
        """Numbers of the segments that still grow: every snapshot writes them anew, until they are full."""
        self._swept_to = state.swept_to

    def spool(self, size: int = SEGMENT_MAX) -> None:
        """Close the segments that are full; to be called after every few records."""
        journal, swept = self.journal, self.state.swept_to != self._swept_to
        if swept or len(journal.events) >= size:
            self._close(EVENTS, self._events())
            journal.events.clear()
        if swept or len(journal.dormant) >= size:
            self._close(DORMANT, self._dormant())
            journal.dormant.clear()
        self._swept_to = self.state.swept_to

    def _close(self, name: str, chunk: tuple[Segment, bytes] | None) -> None:
        if chunk is not None:
            self.chunks.append(chunk)
        self._open.pop(name, None)

    def _events(self) -> tuple[Segment, bytes] | None:
        known = self.state.accounting.events
        entries = [(each, known[each]) for each in dict.fromkeys(self.journal.events) if each in known]
        if not entries:
            return None
        # Event ids are forgotten by whole hours.
        newest = (max(each.hour for _, each in entries) + 1) * HOUR_MS - 1
        return self._segment(EVENTS, newest), squeeze(entries)

    def _dormant(self) -> tuple[Segment, bytes] | None:
        legs = self.journal.dormant
        if not legs:
            return None
        return self._segment(DORMANT, max(leg.time for leg in legs)), squeeze(legs)

    def _segment(self, name: str, newest: int) -> Segment:
        if name not in self._open:
            self._open[name] = self.next_segment
            self.next_segment += 1
        return Segment(name, self._open[name], newest, self._swept_to)

    def growing(self) -> list[tuple[Segment, bytes]]:
        """Give the segments that are not full, as they are now."""
        return [chunk for chunk in (self._events(), self._dormant()) if chunk is not None]

    def cut(self, acknowledged: int) -> "Cut":
        """Take a cut at the state's position; ``acknowledged`` is not below it."""
        self.spool()
        return Cut(self, acknowledged)


class Cut:
    """One snapshot in writing. ``drain`` gives its records piece by piece, the manifest last."""

    def __init__(self, writer: SnapshotWriter, acknowledged: int) -> None:
        self.writer, state = writer, writer.state
        self.offset = state.next_offset
        self.ready: list[Entry] = []
        self.written: list[_Before] = []
        journal = writer.journal
        self.pending = [each for each in journal.changed if state.subjects.get((each.kind, each.key)) is each]
        journal.changed = []
        for subject in self.pending:
            subject.changed, subject.pending = False, True
        self.gone, journal.gone = journal.gone, {}
        self.chunks, writer.chunks = writer.chunks, []
        chunks = self.chunks + writer.growing()
        anew, horizon = {each.number for each, _ in chunks}, state.swept_to
        before = [each for each in writer.segments if each.number not in anew]
        self.expired = [each for each in before if each.forgotten(each.newest, horizon)]
        kept = [each for each in before if not each.forgotten(each.newest, horizon)]
        self.segments = kept + [each for each, _ in chunks]
        self.manifest = encode(_manifest(self, acknowledged))
        self.ready += [(segment_key(segment), data) for segment, data in chunks]
        self.ready += [(segment_key(segment), None) for segment in self.expired]
        for (kind, key), saved in self.gone.items():
            self.ready += [(block_key(kind, day, key), None) for day in sorted(saved.days)]
            if saved.extras:
                self.ready.append((extras_key(kind, key), None))
        journal.preserve, journal.preserve_all = self.write, self.write_all
        self.at = 0
        self.closed = False

    def drain(self, subjects: int) -> list[Entry]:
        """Give the next records, writing up to so many subjects; nothing more to come when ``closed``."""
        upto = min(self.at + subjects, len(self.pending))
        for subject in self.pending[self.at : upto]:
            self.write(subject)
        self.at = upto
        if upto == len(self.pending) and not self.closed:
            self.closed = True
            self.writer.journal.close()
            self.ready.append((MANIFEST_KEY, self.manifest))
        ready, self.ready = self.ready, []
        return ready

    def write_all(self) -> None:
        """Write whatever is left, because everything may change now."""
        for subject in self.pending[self.at :]:
            self.write(subject)
        self.at = len(self.pending)

    def write(self, subject: Subject) -> None:
        """Write one subject as it is now, if it has not been written."""
        if not subject.pending:
            return
        subject.pending = False
        saved = subject.saved
        if saved is None:
            saved = subject.saved = Saved()
        self.written.append(_Before(subject, subject.changed_from, frozenset(saved.days), saved.extras))
        self._blocks(subject, saved)
        extras = extras_of(subject)
        if extras is not None:
            self.ready.append((extras_key(subject.kind, subject.key), squeeze(extras)))
        elif saved.extras:
            self.ready.append((extras_key(subject.kind, subject.key), None))
        saved.extras = extras is not None
        subject.changed_from = FOREVER

    def _blocks(self, subject: Subject, saved: Saved) -> None:
        """Write the days from the first change on; what came before is in the topic, but for what was evicted."""
        log, first = subject.log, day_of(subject.changed_from)
        start = len(log)
        while start and day_of(log[start - 1].time) >= first:
            start -= 1
        oldest = day_of(log[0].time) if log else FOREVER
        days = {day for day in saved.days if oldest <= day < first}
        for day, legs in groupby(log[start:], key=_day):
            days.add(day)
            self.ready.append((block_key(subject.kind, day, subject.key), squeeze(list(legs))))
        self.ready += [(block_key(subject.kind, day, subject.key), None) for day in sorted(saved.days - days)]
        saved.days = days

    def committed(self) -> None:
        """All records are in the topic."""
        self.writer.segments = self.segments

    def failed(self) -> None:
        """Nothing of it is in the topic: all of it belongs to the next cut."""
        self.write_all()
        journal = self.writer.journal
        journal.close()
        for subject, changed_from, days, extras in self.written:
            subject.changed_from = min(subject.changed_from, changed_from)
            saved = cast("Saved", subject.saved)
            saved.days |= days
            saved.extras |= extras
            journal.note(subject)
        for place, saved in self.gone.items():
            again = self.writer.state.subjects.get(place)
            if again is None:
                journal.gone.setdefault(place, saved)
            else:
                now = again.saved = again.saved or Saved()
                now.days |= saved.days
                now.extras |= saved.extras
                journal.note(again)
        self.writer.chunks[:0] = self.chunks
        self.ready = []


def _day(leg: Leg) -> int:
    return day_of(leg.time)


def extras_of(subject: Subject) -> Extras | None:
    """Give what a subject knows beside its log, or None when that is nothing."""
    found = (
        subject.hits, subject.sent, subject.references, subject.marks_in, subject.marks_out, subject.voids, subject.deadlines,
        subject.older, subject.history, subject.heard, subject.told,
    )  # fmt: skip
    known = subject.marks_in, subject.voids, subject.waiting
    if not any(found) and not subject.approximate and known == (None, None, None):
        return None
    alerts = sorted((key, told) for key, told in subject.sent.items() if isinstance(told, Alert))
    tallies = sorted(
        (key, cast("dict[str, int]", told)) for key, told in subject.sent.items() if isinstance(told, dict)
    )
    return Extras(
        sorted(subject.deadlines.items()) if subject.deadlines else None,  # none left is as good as never any
        [(key, told.first_hit) for key, told in alerts if told.state is AlertState.PROVISIONAL],
        [_hit(hit, subject) for hit in subject.hits], alerts, [(key, dict(sorted(told.items()))) for key, told in tallies],
        subject.references,
        None if subject.marks_in is None else [subject.marks_in[key] for key in sorted(subject.marks_in)],
        None if subject.marks_out is None else sorted(subject.marks_out.items(), key=_address),
        None if subject.voids is None else sorted(Void(*copy, time) for copy, time in subject.voids.items()),
        subject.approximate, sorted(subject.older.items()), subject.history, subject.waiting, sorted(_heard(subject), key=_about),
        sorted((subject.told or {}).items()),
    )  # fmt: skip


def _heard(subject: Subject) -> list[Mark]:
    return [mark for marks in (subject.heard or {}).values() for mark in marks]


def _about(mark: Mark) -> tuple[str, str, str, int]:
    said = mark.said
    return (mark.key, said.rule_id, said.sender, said.time) if said is not None else (mark.key, "", "", 0)


def _address(item: tuple[tuple[int, str, str], Leg]) -> tuple[int, str, str]:
    return item[0]


def _hit(hit: Hit, subject: Subject) -> SavedHit:
    digest = cast("Runnable", hit.rule).digest
    return SavedHit(subject.index(hit.leg), hit.key, digest, hit.values, hit.held_by, hit.undecided, hit.error)


def _manifest(cut: Cut, acknowledged: int) -> Manifest:
    state = cut.writer.state
    schedule, accounting = state.schedule, state.accounting
    return Manifest(
        SNAPSHOT_VERSION, ENGINE, cut.offset, max(acknowledged, cut.offset), state.epoch, state.lateness_ms, state.sources,
        state.watermarks, state.ended, state.swept_at, state.swept_to,
        [Planned(each.time, each.programs.ruleset.digest, each.terms) for each in schedule.entries],
        accounting.counts, sorted(accounting.changed), accounting.contents, state.tallies, sorted(state.told),
        cut.segments, cut.writer.next_segment,
    )  # fmt: skip
