"""Keeps one partition of the activity log durable for as long as this worker holds it: recovery, snapshots, attempts and skips."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from streams.agents.batch import Revoked
from streams.agents.rulesets import RulesetLibrary
from streams.agents.snapshots import SnapshotTopic
from streams.errors import EngineError, FormatError, FormatOutdated, ServiceError, TopicError
from streams.pipeline import PartitionState
from streams.pipeline.snapshot import Cut, Entry, SnapshotWriter, manifest_of, migrated, restore
from streams.pipeline.snapshot.forms import (
    Attempts,
    Skip,
    attempts_key,
    encode,
    read_attempts,
    read_skip,
    skip_key,
)

logger = logging.getLogger(__name__)
SUBJECTS_AT_ONCE: Final = 250
"""Subjects written between two looks at the log: a few milliseconds."""
RECORDS_AT_ONCE: Final = 1000
ATTEMPTS_MAX: Final = 3
_LASTING: Final = (b"a:", b"k:")
"""Keys of attempts and skips, which are of no snapshot."""


class Keeper:
    """Between a partition's state and its snapshots; of one term, closed at its end."""

    def __init__(
        self, topic: SnapshotTopic, rulesets: RulesetLibrary, seconds: float, prove: Callable[[], Awaitable[None]]
    ) -> None:
        """``seconds`` lie between the beginnings of two snapshots.

        ``prove`` has the broker say that the partition is this worker's still (``Positions.prove``).
        """
        self._topic, self._rulesets, self._seconds, self._prove = topic, rulesets, seconds, prove
        self._writer: SnapshotWriter | None = None
        self._cut: Cut | None = None
        self._attempts: dict[int, int] = {}
        self._begun = self._cut_at = self._whole_at = _now()
        self._offset = -1
        self._broken = self._over = False
        self._writing = asyncio.Lock()
        """A snapshot is written beside the work; what is said of an attempt must not get between its records."""
        self.written = 0
        """Snapshots committed."""

    async def recover(self, blank: PartitionState, log_begins: int) -> tuple[PartitionState, int]:
        """Fence, read, and give the state of the newest snapshot and its acknowledged position; ``blank`` when there is none.

        A snapshot of an older format is migrated; if it is too old, and the log still begins at 0, all is made anew from the log.
        Raises BrokerUnreachable, FormatError for snapshots of another version, RulesetRefused for a ruleset, and TopicError for a
        snapshot of another log. Raises Revoked when the group has moved on.
        """
        await self._open()
        records = await self._current(await self._topic.read(), log_begins)
        manifest = manifest_of(records)
        state, acknowledged = blank, 0
        if manifest is None:
            self._writer = SnapshotWriter(state, [], 0)
        else:
            if manifest.epoch != blank.epoch:
                raise self._of_another_log(manifest.epoch, blank.epoch)
            for planned in manifest.rulesets:
                await self._rulesets.load(planned.digest)
            state = await asyncio.to_thread(restore, records, manifest, self._rulesets, blank.partition)
            state.lateness_ms = blank.lateness_ms
            acknowledged = manifest.acknowledged
            self._writer = SnapshotWriter(state, manifest.segments, manifest.next_segment)
            self._offset = manifest.offset
        await self._settle_attempts(records, state)
        return state, acknowledged

    def _of_another_log(self, found: int, configured: int) -> TopicError:
        return TopicError(
            f"activity/{self._topic.partition}: the newest snapshot is of epoch {found}, and PAYWEIR_EPOCH is {configured}: "
            f"if activity was made anew, delete the topic snapshots and make it anew too; if not, set PAYWEIR_EPOCH back to {found}"
        )

    async def _current(self, found: dict[bytes, bytes], log_begins: int) -> dict[bytes, bytes]:
        """Give the records in this program's format, as the topic now has them too."""
        try:
            records = migrated(found)
        except FormatOutdated as old:
            if log_begins > 0:
                message = (
                    f"activity/{self._topic.partition}: {old}, and the log begins at {log_begins}, so it cannot be made anew: "
                    "upgrade by way of a version that reads both"
                )
                raise FormatError(message) from old
            logger.warning("activity/%d: %s; it is made anew from the log", self._topic.partition, old)
            records = {key: value for key, value in found.items() if key.startswith(_LASTING)}
        if records is not found:
            changed: list[Entry] = [(key, value) for key, value in records.items() if found.get(key) != value]
            changed += [(key, None) for key in found.keys() - records.keys()]
            for first in range(0, len(changed), RECORDS_AT_ONCE):
                await self._topic.write(changed[first : first + RECORDS_AT_ONCE])
            await self._topic.commit()
        return records

    async def _settle_attempts(self, records: dict[bytes, bytes], state: PartitionState) -> None:
        """Fix a skip for what ended the engine three times; from then on every owner leaves it out."""
        skips = {read_skip.decode(value) for key, value in records.items() if key.startswith(b"k:")}
        for key, value in records.items():
            if key.startswith(b"a:"):
                attempts = read_attempts.decode(value)
                skip = attempts.skip
                self._attempts[skip.offset] = attempts.count
                if attempts.count >= ATTEMPTS_MAX:
                    await self._topic.put([(skip_key(skip), encode(skip)), (key, None)])
                    skips.add(skip)
                    logger.critical(
                        "activity/%d: offset %d is left out for subject kind %d after %d attempts: %s",
                        state.partition, skip.offset, skip.subject_kind, attempts.count, skip.error,
                    )  # fmt: skip
        state.skips = frozenset((skip.offset, skip.subject_kind, skip.subject) for skip in skips)

    async def leave_attempt(self, error: EngineError) -> None:
        """Leave word that the engine failed on a record, before the process ends. Raises ZombieError.

        Where no word can be left the next owner just tries once more: the process has to end all the same, because the state is of
        no more use.
        """
        count = self._attempts.get(error.offset, 0) + 1
        cause = type(error.__cause__).__name__
        skip = Skip(error.offset, error.subject_kind, error.subject, cause)
        try:
            async with self._writing:
                self._cut = None
                await self._open()
                await self._topic.put([(attempts_key(error.offset), encode(Attempts(skip, count)))])
        except Revoked:
            logger.warning("activity/%d: the partition has another owner; no attempt is counted", self._topic.partition)
        except ServiceError as fault:
            logger.error("activity/%d: an attempt that cannot be counted: %s", self._topic.partition, fault)  # noqa: TRY400
        logger.error("activity/%d: attempt %d at offset %d: %s", self._topic.partition, count, error.offset, error)

    def spool(self) -> None:
        """Keep what the last records added; to be called after every few."""
        if self._writer is not None:
            self._writer.spool()

    def hurry(self) -> None:
        """Make a snapshot due now."""
        self._begun = -self._seconds

    def saved(self, offset: int) -> bool:
        """Tell whether the newest snapshot holds everything before this offset."""
        return self._offset >= offset

    def age_seconds(self) -> float:
        """For how long the newest snapshot has lacked something that was evaluated; 0 when it lacks nothing.

        Counted anew after a recovery.
        """
        if self._writer is None or self.saved(self._writer.state.next_offset):
            self._whole_at = _now()
        return _now() - self._whole_at

    def begin(self, acknowledged: int) -> None:
        """Begin a snapshot if one is due. The state must stand at a position before which everything is acknowledged."""
        writer = self._writer
        if (
            writer is None
            or self._cut is not None
            or self._broken
            or self._over
            or _now() < self._begun + self._seconds
        ):
            return
        if writer.state.next_offset == self._offset:
            return
        self._begun = self._cut_at = _now()
        self._cut = writer.cut(acknowledged)

    async def work(self) -> bool:
        """Write a piece of the snapshot begun; True when there is more to write. Raises ZombieError.

        Writes nothing more once the broker has said that the partition is another's.
        """
        if self._over:
            return False
        async with self._writing:
            return await self._work()

    async def _work(self) -> bool:
        try:
            if self._broken:
                await self._open()
                self._broken = False
            cut = self._cut
            if cut is None:
                return False
            await self._topic.write(cut.drain(SUBJECTS_AT_ONCE))
            if not cut.closed:
                return True
            await self._topic.commit()
        except Revoked:
            logger.info("activity/%d: the partition has another owner; no snapshot is written", self._topic.partition)
            self._over = True
        except ServiceError as fault:
            logger.warning("snapshot of activity/%d put off: %s", self._topic.partition, fault)
            if self._cut is not None:
                self._cut.failed()
                self._cut = None
            self._broken = True
        else:
            cut.committed()
            self._cut, self._offset, self._whole_at = None, cut.offset, self._cut_at
            self.written += 1
            logger.info("activity/%d: snapshot at offset %d", self._topic.partition, cut.offset)
        return False

    async def _open(self) -> None:
        """Become the only writer, which ends every other: only the owner may. Who was cut off does not know that it was replaced.

        Raises Revoked, ServiceError and ZombieError.
        """
        await self._prove()
        await self._topic.open()

    async def close(self) -> None:
        """Leave the partition for good; a snapshot in writing is dropped."""
        self._over = True
        await self._topic.close()


def _now() -> float:
    """Seconds on the clock of the event loop."""
    return asyncio.get_running_loop().time()
