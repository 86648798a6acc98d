"""Accounting per event (invariant I7): accepted, late, duplicate, conflict, refused, absolute per source partition."""

from dataclasses import dataclass, field
from sys import intern
from typing import NamedTuple

from msgspec import Struct

from streams.alerts.model import IngestCount, Position
from streams.clock import HOUR_MS
from streams.legs import Leg, LegKind, Mark, unpack_route
from streams.state.subject import NEVER


@dataclass(slots=True)
class SourceCount:
    """Counts of one source partition as this activity partition saw them."""

    accepted: int = 0
    late: int = 0
    duplicate: int = 0
    conflict: int = 0
    refused: dict[str, int] = field(default_factory=dict)


class Content(NamedTuple):
    """One content under an event id: whose it is and of when."""

    digest: int
    source: str
    time: int


class KnownEvent(Struct, array_like=True, gc=False):
    """What is remembered of an event id: the standing copy, where it was read first, and where its other copies were."""

    digest: int
    source: str
    time: int
    late: bool
    route: bytes
    origin: str
    offset: int
    copies: tuple[tuple[str, int], ...] = ()
    """By source partition the offset of its last copy."""
    kept: int = NEVER
    """Its own time, or the watermark when it came if that was later: it is remembered for as long as an event of then.

    NEVER before there was a watermark.
    """

    @property
    def hour(self) -> int:
        """Number the hour with which it is forgotten."""
        return max(self.kept, self.time) // HOUR_MS

    def counted(self, origin: str, offset: int) -> bool:
        """Tell whether the copy at a place was counted: the copies of one source partition come in the order of their offsets."""
        if origin == self.origin and offset <= self.offset:
            return True
        return any(origin == place and offset <= last for place, last in self.copies)

    def count(self, origin: str, offset: int) -> None:
        """Note that a copy was counted."""
        others = tuple(each for each in self.copies if each[0] != origin)
        self.copies = (*others, (intern(origin), offset))


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two contents under one event id; the smaller digest stands."""

    event_id: str
    standing: int
    losing: int
    losing_route: tuple[tuple[int, str], ...]
    contents: tuple[Content, ...] = ()
    """All contents seen under the id, by digest: the alert names them whatever their order."""


@dataclass(slots=True)
class Accounting:
    """Event ids seen, by hour so that old ones can be forgotten, and the counts."""

    events: dict[str, KnownEvent] = field(default_factory=dict)
    hours: dict[int, list[str]] = field(default_factory=dict)
    counts: dict[str, SourceCount] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    contents: dict[str, tuple[Content, ...]] = field(default_factory=dict)
    """Event ids with more than one content."""
    fresh: list[str] | None = None
    """Where snapshots are written: event ids that are new or changed."""

    def take(self, leg: Leg, low: int) -> Conflict | None:
        """Count one accounting leg at a watermark; a leg read again from the same place counts nothing."""
        origin, offset = leg.origin, leg.offset
        known = self.events.get(leg.subject)
        if known is not None and known.counted(origin, offset):
            return None
        count = self.counts.get(origin)
        if count is None:
            count = self.counts[origin] = SourceCount()
        self.changed.add(origin)
        if self.fresh is not None:
            self.fresh.append(leg.subject)
        if known is None:
            kept = NEVER if low == NEVER else max(leg.time, low)
            known = self.events[leg.subject] = KnownEvent(
                leg.digest, intern(leg.source), leg.time, leg.late, leg.route, intern(origin), offset, kept=kept
            )
            self.hours.setdefault(known.hour, []).append(leg.subject)
            if leg.kind == LegKind.REFUSED:
                count.refused[leg.refusal] = count.refused.get(leg.refusal, 0) + 1
            else:
                count.accepted += 1
                count.late += leg.late
            return None
        known.count(origin, offset)
        count.duplicate += 1
        if known.digest == leg.digest:
            known.late = known.late and leg.late
            return None
        count.conflict += 1
        contents = {*self.contents.get(leg.subject, ()), Content(known.digest, known.source, known.time)}
        contents.add(Content(leg.digest, leg.source, leg.time))
        self.contents[leg.subject] = tuple(sorted(contents))
        settled = _settle(known, leg, self.contents[leg.subject])
        self.hours.setdefault(known.hour, []).append(leg.subject)
        return settled

    def forget(self, before: int, low: int) -> None:
        """Forget event ids whose hour ended before a time; those that came before the first watermark count from this one."""
        for hour in [hour for hour in self.hours if (hour + 1) * HOUR_MS <= before]:
            for event_id in self.hours.pop(hour):
                known = self.events.get(event_id)
                if known is None:
                    continue
                if known.kept == NEVER:
                    known.kept = max(known.time, low)
                    self.hours.setdefault(known.hour, []).append(event_id)
                    if self.fresh is not None:
                        self.fresh.append(event_id)
                elif known.hour == hour:
                    del self.events[event_id]
                    self.contents.pop(event_id, None)

    def news(self, partition: int, position: Position) -> list[IngestCount]:
        """Give the absolute counts that changed since the last call."""
        changed = [
            IngestCount(
                name, partition, position, c.accepted, c.late, c.duplicate, c.conflict, dict(sorted(c.refused.items()))
            )
            for name in sorted(self.changed)
            for c in (self.counts[name],)
        ]
        self.changed.clear()
        return changed


def _settle(known: KnownEvent, leg: Leg, contents: tuple[Content, ...]) -> Conflict:
    """Let the smaller digest stand, a copy that is not late before one that is; the other is taken out on every side.

    A copy that is late stands on no side; taken out all the same, the same content could not stand there when it comes in time.
    """
    if (leg.late, leg.digest) < (known.late, known.digest):
        losing, route = known.digest, b"" if known.late else known.route
        known.digest, known.late, known.route = leg.digest, leg.late, leg.route
        known.source, known.time = intern(leg.source), leg.time
    else:
        losing, route = leg.digest, b"" if leg.late else leg.route
    return Conflict(leg.subject, known.digest, losing, unpack_route(route), contents)


def voids(conflict: Conflict, position: Position) -> list[Mark]:
    """Give the marks that take the losing copy out of its subjects."""
    time = max(each.time for each in conflict.contents if each.digest == conflict.losing)
    return [
        Mark(kind, subject, conflict.event_id, position, None, conflict.losing, gone_time=time)
        for kind, subject in conflict.losing_route
    ]
