"""A worker's life around one partition, with a topic for its snapshots that keeps what a compacted one keeps."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from streams.clock import DAY_MS
from streams.detection.program import Programs
from streams.pipeline import PartitionState
from streams.pipeline.snapshot import Cut, Entry, SnapshotWriter, manifest_of, restore
from tests.rig.activity import fold


@dataclass(slots=True)
class Topic:
    """Newest value of every key; what is not committed is not there."""

    kept: dict[bytes, bytes] = field(default_factory=dict)

    def commit(self, entries: list[Entry]) -> None:
        for key, value in entries:
            if value is None:
                self.kept.pop(key, None)
            else:
                self.kept[key] = value


@dataclass(slots=True)
class Life:
    """Moves over the log, cuts, writes, fails and crashes; ``told`` is what the world got to hear."""

    log: list[bytes]
    rulesets: Mapping[str, Programs]
    topic: Topic
    state: PartitionState = field(init=False)
    writer: SnapshotWriter = field(init=False)
    cut_: Cut | None = None
    entries: list[Entry] = field(default_factory=list)
    acknowledged: int = 0
    told: list[tuple[int, object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.crash()

    def crash(self) -> None:
        """Lose everything but the topic and what was acknowledged, and start anew."""
        manifest = manifest_of(self.topic.kept)
        if manifest is None:
            self.state = PartitionState(lateness_ms=3 * DAY_MS)
            self.writer = SnapshotWriter(self.state, [], 0)
        else:
            self.state = restore(self.topic.kept, manifest, self.rulesets, 0)
            self.writer = SnapshotWriter(self.state, manifest.segments, manifest.next_segment)
        self.cut_, self.entries = None, []

    def move(self, records: int) -> None:
        """Apply records; what was told before is not told again."""
        told = fold(self.state, self.log, self.rulesets, min(len(self.log), self.state.next_offset + records))
        self.writer.spool(2)
        self.told += [(at, each) for at, each in told if at >= self.acknowledged]
        self.acknowledged = max(self.acknowledged, self.state.next_offset)

    def cut(self) -> None:
        """Begin a snapshot, unless one is being written."""
        if self.cut_ is None:
            self.cut_ = self.writer.cut(self.acknowledged)

    def drain(self) -> None:
        """Write a little of it."""
        if self.cut_ is not None:
            self.entries += self.cut_.drain(1)

    def finish(self) -> None:
        """Write the rest and commit."""
        if self.cut_ is not None:
            self.entries += self.cut_.drain(1 << 30)
            self.topic.commit(self.entries)
            self.cut_.committed()
            self.cut_, self.entries = None, []

    def fail(self) -> None:
        """Lose the transaction, not the worker."""
        if self.cut_ is not None:
            self.cut_.failed()
            self.cut_, self.entries = None, []
