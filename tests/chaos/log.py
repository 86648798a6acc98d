"""The reference: one partition of the activity topic, folded by one thread, and the snapshots that stand beside it."""

from collections.abc import Iterator, Mapping
from functools import cached_property

from kafka import KafkaConsumer, TopicPartition

from streams.alerts.model import Alert, Position
from streams.clock import DAY_MS
from streams.detection.program import Programs
from streams.legs import FORMAT_VERSION, Control, Mark, Packed, unpack
from streams.pipeline import PartitionState, step
from streams.pipeline.snapshot import manifest_of, restore
from streams.pipeline.snapshot.forms import read_attempts, read_skip
from streams.settings.topics import ACTIVITY, SNAPSHOTS
from tests.rig.activity import fold
from tests.rig.cluster import Cluster

Told = tuple[str, Position, str, str, int, tuple[str, ...], str, str]
"""An alert's revision as it must stand in its history."""


class Log:
    """One partition of the activity topic, folded by one thread."""

    def __init__(self, cluster: Cluster, partition: int, rulesets: Mapping[str, Programs]) -> None:
        self.partition, self.rulesets = partition, rulesets
        self.records = [(at, value) for at, _, value in read(cluster, ACTIVITY, partition) if value is not None]
        self.kept: dict[bytes, bytes] = {}
        self.attempts = 0
        """How often the engine failed on one record, as its workers left word: of one that is killed then no exit code tells."""
        for _, key, value in read(cluster, SNAPSHOTS, partition):
            if key is not None and value is not None:
                self.kept[key] = value
                if key.startswith(b"a:"):
                    self.attempts = max(self.attempts, read_attempts.decode(value).count)
            elif key is not None:
                self.kept.pop(key, None)
        skips = [read_skip.decode(value) for key, value in self.kept.items() if key.startswith(b"k:")]
        self.skips = frozenset((skip.offset, skip.subject_kind, skip.subject) for skip in skips)
        self.told: dict[tuple[str, Position], Told] = {}

    @cached_property
    def whole(self) -> PartitionState:
        """The state at the end of the log; fills ``told`` with every revision of every alert."""
        state = PartitionState(partition=self.partition, lateness_ms=3 * DAY_MS, skips=self.skips)
        self._fold(state, self.records)
        return state

    @property
    def controls(self) -> list[Control]:
        """What publishers said, in order."""
        packed = [unpack(value) for _, value in self.records]
        return [one.control for one in packed if one.control is not None]

    def recovered(self) -> tuple[PartitionState, int] | None:
        """What a new owner would have at the end of the log, and from where it would replay; None without a snapshot."""
        manifest = manifest_of(self.kept)
        if manifest is None:
            return None
        state = restore(self.kept, manifest, self.rulesets, self.partition)
        state.skips = self.skips
        self._fold(state, [each for each in self.records if each[0] >= manifest.offset])
        return state, manifest.offset

    def marks_again(self) -> int:
        """Tell the final state every mark of its log once more; gives how many it took for news. Ends the use of ``whole``."""
        return _marks_again(self.whole, [value for _, value in self.records], self.rulesets)

    def _fold(self, state: PartitionState, records: list[tuple[int, bytes]]) -> None:
        for offset, value in records:
            state.next_offset = offset
            for outcome in step(state, unpack(value), self.rulesets).outcomes:
                if isinstance(outcome, Alert):
                    self.told[outcome.alert_id, outcome.revision] = _told_of(outcome)
        # A snapshot may stand behind the marker of a transaction that ends the log; that is no difference.
        state.next_offset = self.records[-1][0] + 1


def _told_of(alert: Alert) -> Told:
    evidence = tuple(each.event_id for each in alert.evidence)
    return (
        alert.alert_id, alert.revision, alert.state.value, alert.reason, alert.hits, evidence, alert.held_by,
        alert.withdrawn_because,
    )  # fmt: skip


def _marks_again(state: PartitionState, log: list[bytes], rulesets: Mapping[str, Programs]) -> int:
    news = 0
    for mark in [mark for value in log for mark in unpack(value).marks if mark.void < 0]:
        before = len(state.subject(mark.subject_kind, mark.subject).log)
        out = step(state, Packed(FORMAT_VERSION, "again", [], [mark], {}), rulesets)
        changed = len(state.subject(mark.subject_kind, mark.subject).log) != before
        news += changed or bool(out.marks) or any(isinstance(one, Alert) for one in out.outcomes)
    return news


def withdrawn_again(programs: Programs, log: list[bytes]) -> tuple[int, int]:
    """Tell marks up to their withdrawal, then the first once more; gives how many were withdrawn, and how many came back."""
    rulesets = {programs.ruleset.digest: programs}
    told: dict[tuple[int, str, str], list[Mark]] = {}
    for mark in [mark for value in log for mark in unpack(value).marks if mark.void < 0]:
        told.setdefault((mark.subject_kind, mark.subject, mark.key), []).append(mark)
    withdrawn = back = 0
    for (kind, key, _), marks in told.items():
        last = next((n for n, mark in enumerate(marks) if n and mark.leg is None), None)
        if last is None:
            continue
        state = PartitionState(lateness_ms=3 * DAY_MS)
        fold(state, log, rulesets, 1)
        for mark in marks[: last + 1]:
            step(state, Packed(FORMAT_VERSION, "once", [], [mark], {}), rulesets)
        before = len(state.subject(kind, key).log)
        step(state, Packed(FORMAT_VERSION, "again", [], [marks[0]], {}), rulesets)
        withdrawn += 1
        back += len(state.subject(kind, key).log) != before
    return withdrawn, back


def partitions_of(cluster: Cluster, topic: str) -> list[int]:
    """Give the partitions of a topic."""
    consumer = KafkaConsumer(bootstrap_servers=cluster.bootstrap)
    try:
        return sorted(consumer.partitions_for_topic(topic) or ())
    finally:
        consumer.close()


def read(cluster: Cluster, topic: str, partition: int) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """Offset, key and value of every committed record."""
    place = TopicPartition(topic, partition)
    consumer = KafkaConsumer(
        bootstrap_servers=cluster.bootstrap, isolation_level="read_committed", enable_auto_commit=False,
        max_partition_fetch_bytes=8 << 20,
    )  # fmt: skip
    try:
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        end = consumer.end_offsets([place])[place]
        while consumer.position(place) < end:
            for one in consumer.poll(timeout_ms=200).get(place, []):
                yield one.offset, one.key, one.value
    finally:
        consumer.close()
