"""All state of one activity partition: the fold of its log (invariant I1)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from msgspec import Raw

from streams.alerts.model import Position, RuleCount, Watermark
from streams.clock import MINUTE_MS
from streams.detection.schedule import Schedule
from streams.legs import Leg
from streams.pipeline.accounting import Accounting
from streams.pipeline.journal import Journal
from streams.state.program import HitKey
from streams.state.subject import NEVER, Subject

END: Final = 1 << 60
"""The watermark after the record ``end``: nothing more is waited for."""


@dataclass(slots=True)
class RuleTally:
    """Undecided legs by reason, and errors, of one rule."""

    undecided: dict[str, int] = field(default_factory=dict)
    errors: int = 0


class Sleeper(Protocol):
    """A subject in the bytes of a snapshot."""

    @property
    def oldest(self) -> int:
        """No leg of its log is older than this event time; ``NEVER`` when it has no log."""

    @property
    def newest(self) -> int:
        """Every leg of its log is older than this event time."""

    def __call__(self, kind: int, key: str) -> Subject:
        """Read it."""


@dataclass(slots=True)
class PartitionState:
    """State of one partition. ``next_offset`` is the offset of the record that comes next."""

    partition: int = 0
    epoch: int = 1
    lateness_ms: int = 0
    next_offset: int = 0
    schedule: Schedule = field(default_factory=Schedule)
    subjects: dict[tuple[int, str], Subject] = field(default_factory=dict)
    asleep: dict[tuple[int, str], Sleeper] = field(default_factory=dict)
    """Subjects as a snapshot has them, not read yet; each is when something comes for it. Empty unless there was a recovery."""
    dormant: dict[str, list[Leg | Raw]] = field(default_factory=dict)
    """Join ids at which only payments were seen: kept, nothing to decide yet; as bytes after a recovery."""
    accounting: Accounting = field(default_factory=Accounting)
    sources: tuple[str, ...] = ()
    watermarks: dict[str, int] = field(default_factory=dict)
    lowest: int | None = None
    """Kept from the last look at the watermarks; None when they, or the sources, have changed since."""
    ended: bool = False
    deadlines: list[tuple[int, int, str, str, str]] = field(default_factory=list)
    """Heap: due time, kind and key of the subject, rule, event."""
    provisional: list[tuple[int, int, str, HitKey]] = field(default_factory=list)
    """Heap: first hit, kind and key of the subject, alert."""
    tallies: dict[str, RuleTally] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    """Rules whose tally changed since it was last told."""
    swept_at: int = NEVER
    swept_to: int = NEVER
    """Watermark and horizon of the last time everything was looked through for what can be forgotten."""
    journal: Journal | None = None
    """Where snapshots are written: what changed since the last."""
    skips: frozenset[tuple[int, int, str]] = frozenset()
    """(offset, kind, key): what is left out because it ends the engine."""

    @property
    def low(self) -> int:
        """The smallest watermark of the sources: what is older has been seen by all of them."""
        if self.lowest is None:
            names = self.sources or tuple(self.watermarks)
            self.lowest = min((self.watermarks.get(name, NEVER) for name in names), default=NEVER)
        return self.lowest

    @property
    def holder(self) -> str | None:
        """The source that is furthest behind and so holds the watermark; of several the first by name."""
        names = self.sources or tuple(self.watermarks)
        return min(names, key=lambda name: (self.watermarks.get(name, NEVER), name), default=None)

    @property
    def told_watermark(self) -> tuple[int, str | None]:
        """Give what of the watermark is worth telling when it changes: its minute and its holder."""
        return self.low // MINUTE_MS, self.holder

    @property
    def watermark(self) -> int:
        """Drives deadlines and the provisional flag; ``END`` once history has ended."""
        return END if self.ended else self.low

    @property
    def horizon(self) -> int:
        """Legs older than this can change nothing any more."""
        return self.low - self.schedule.reach_ms - self.lateness_ms

    def subject(self, kind: int, key: str) -> Subject:
        """Give the subject to be changed, made when it is new."""
        found = self.subjects.get((kind, key))
        if found is None and (kind, key) in self.asleep:
            return self.wake(kind, key)
        if found is None:
            found = self.subjects[kind, key] = Subject(kind, key)
            if self.journal is not None:
                found.saved = self.journal.gone.pop((kind, key), None)
        elif found.pending and self.journal is not None:
            self.journal.preserve(found)
        return found

    def known(self, kind: int, key: str) -> Subject | None:
        """Give the subject to be changed, or None when it is not there."""
        return self.subject(kind, key) if self.has(kind, key) else None

    def has(self, kind: int, key: str) -> bool:
        """Tell whether there is such a subject, read or not."""
        return (kind, key) in self.subjects or (kind, key) in self.asleep

    def wake(self, kind: int, key: str) -> Subject:
        """Read a subject that sleeps."""
        subject = self.subjects[kind, key] = self.asleep.pop((kind, key))(kind, key)
        return subject

    def wake_all(self, wanted: Callable[[Sleeper], bool] = lambda _: True) -> None:
        """Read every subject that sleeps and of which ``wanted`` is true."""
        for kind, key in [place for place, each in self.asleep.items() if wanted(each)]:
            self.wake(kind, key)

    def watermark_news(self, position: Position) -> Watermark:
        """Say how far the sources are."""
        furthest = max(self.watermarks.values(), default=NEVER)
        low = None if self.low == NEVER else self.low
        return Watermark(self.partition, position, low, self.holder or "", None if furthest == NEVER else furthest)

    def tally_news(self, position: Position) -> list[RuleCount]:
        """Give the absolute tallies that changed since the last call."""
        news = [
            RuleCount(rule, self.partition, position, dict(sorted(t.undecided.items())), t.errors)
            for rule in sorted(self.told)
            for t in (self.tallies[rule],)
        ]
        self.told.clear()
        return news
