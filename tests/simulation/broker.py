"""A Kafka cluster as far as the protocol can see it: logs with offsets, transactions with markers, fencing, groups, compaction.

It never fails by itself; what fails is the way to it (``tests.simulation.network``). Everything here happens at one instant.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from aiokafka.errors import IllegalGenerationError, InvalidProducerEpoch, ProducerFenced, UnknownMemberIdError

from streams.agents.batch import TP, Committed, Record
from streams.settings.topics import SNAPSHOTS


@dataclass(slots=True)
class Transaction:
    """All records of it become visible at once, or never."""

    state: str = "open"
    first: dict[TP, int] = field(default_factory=dict)
    """Where it begins, in every partition it has written to."""


class Entry(NamedTuple):
    """One place of a log; a marker has no record."""

    record: Record | None
    transaction: Transaction | None = None


class Log:
    """One partition. ``entries`` stand at their offsets; None is what compaction took away."""

    def __init__(self) -> None:
        self.entries: list[Entry | None] = []
        self.open: list[int] = []
        """First offsets of the open transactions."""

    @property
    def stable(self) -> int:
        """The last stable offset: a committed reader sees nothing from here on."""
        return min(self.open, default=len(self.entries))

    def read(self, offset: int, records_max: int) -> tuple[int, list[Record]]:
        """Give the offset to go on at and what a committed reader sees before it."""
        found: list[Record] = []
        at, end = offset, self.stable
        while at < end and len(found) < records_max:
            entry = self.entries[at]
            at += 1
            if entry is None or entry.record is None:
                continue
            if entry.transaction is None or entry.transaction.state == "committed":
                found.append(entry.record)
        return at, found

    def compact(self) -> None:
        """Keep the last value of every key, as far as the log is stable."""
        newest: dict[bytes | None, int] = {}
        for record in self.read(0, 1 << 30)[1]:
            before = newest.get(record.key)
            if before is not None:
                self.entries[before] = None
            newest[record.key] = record.offset


@dataclass(slots=True)
class Writer:
    """What the transaction coordinator knows of a transactional id."""

    number: int
    epoch: int
    transaction: Transaction | None = None


@dataclass(slots=True)
class Member:
    """One member of a group, as the group coordinator sees it."""

    heard_at: float
    joined: Callable[[int, list[TP]], None] | None = None
    """Answers its request to join; None while it works in the present generation."""


class Group:
    """A consumer group: who reads what in which generation, and what is committed."""

    def __init__(self, tps: Iterable[TP], session_seconds: float, dice: Random) -> None:
        self.tps = sorted(tps)
        self.session_seconds, self.dice = session_seconds, dice
        self.members: dict[str, Member] = {}
        self.generation = 0
        self.since = 0.0
        """When the present rebalance began."""
        self.preparing = False
        self.committed: dict[TP, Committed] = {}
        self._owners: dict[TP, str] = {}

    def join(self, name: str, joined: Callable[[int, list[TP]], None], now: float) -> None:
        """Ask to be in the next generation; begins a rebalance."""
        self.members[name] = Member(now, joined)
        self._prepare(now)
        self._complete()

    def leave(self, name: str, now: float) -> None:
        """Go; the others get its partitions."""
        if self.members.pop(name, None) is not None:
            self._prepare(now)
            self._complete()

    def heartbeat(self, name: str, generation: int, now: float) -> bool:
        """Tell whether a rebalance goes on, in which the member is to join. Raises as Kafka does."""
        member = self.members.get(name)
        if member is None:
            raise UnknownMemberIdError
        member.heard_at = now
        if generation != self.generation:
            raise IllegalGenerationError
        return self.preparing

    def commit(self, name: str, generation: int, positions: Mapping[TP, Committed], now: float) -> None:
        """Store positions for this generation and no other; who may do that has been heard of, as with Kafka."""
        member = self.members.get(name)
        if member is None:
            raise UnknownMemberIdError
        member.heard_at = now
        if generation != self.generation:
            raise IllegalGenerationError
        self.committed |= positions

    def owner(self, tp: TP) -> str | None:
        """Name the member that a partition belongs to; None when that one is gone and no other has it yet."""
        name = self._owners.get(tp)
        return name if name in self.members else None

    def sweep(self, now: float) -> None:
        """Drop who was not heard of for a session, or does not join while the others wait."""
        gone = [
            name
            for name, member in self.members.items()
            if member.joined is None
            and (now > member.heard_at + self.session_seconds or (self.preparing and now > self.since + self.session_seconds))
        ]  # fmt: skip
        for name in gone:
            self.leave(name, now)

    def _prepare(self, now: float) -> None:
        if not self.preparing:
            self.preparing, self.since = True, now

    def _complete(self) -> None:
        if not self.members or any(member.joined is None for member in self.members.values()):
            return
        self.generation += 1
        self.preparing = False
        names = sorted(self.members)
        self.dice.shuffle(names)
        shares: dict[str, list[TP]] = {name: [] for name in names}
        for number, tp in enumerate(self.tps):
            shares[names[number % len(names)]].append(tp)
            self._owners[tp] = names[number % len(names)]
        for name in names:
            member = self.members[name]
            answer, member.joined = member.joined, None
            if answer is not None:
                answer(self.generation, shares[name])


class Broker:
    """The cluster."""

    def __init__(self, widths: Mapping[str, int], now_ms: Callable[[], int]) -> None:
        self.logs = {TP(topic, place): Log() for topic, width in widths.items() for place in range(width)}
        self.now_ms = now_ms
        self.writers: dict[str, Writer] = {}
        self.groups: dict[str, Group] = {}
        self.waiting: dict[TP, list[Callable[[], None]]] = {tp: [] for tp in self.logs}
        """Fetches that wait for news of a partition."""

    def append(self, tp: TP, key: bytes | None, value: bytes | None, transaction: Transaction | None = None) -> int:
        """Write one record; gives its offset."""
        log = self.logs[tp]
        offset = len(log.entries)
        if transaction is not None and tp not in transaction.first:
            transaction.first[tp] = offset
            log.open.append(offset)
        log.entries.append(Entry(Record(offset, self.now_ms(), key, value, ()), transaction))
        self._tell(tp)
        return offset

    def initialise(self, transactional_id: str) -> tuple[int, int]:
        """Fence every older writer of this id and abort what it has open: that costs an epoch of its own."""
        writer = self.writers.get(transactional_id)
        if writer is None:
            writer = self.writers[transactional_id] = Writer(len(self.writers) + 1, -1)
        if writer.transaction is not None:
            self._end(writer, "aborted")
            writer.epoch += 1
        writer.epoch += 1
        return writer.number, writer.epoch

    def write(
        self, transactional_id: str, epoch: int, tp: TP, entries: Iterable[tuple[bytes | None, bytes | None]]
    ) -> None:
        """Add records to the open transaction, or to a new one."""
        writer = self._writer(transactional_id, epoch)
        for key, value in entries:
            if writer.transaction is None:
                writer.transaction = Transaction()
            self.append(tp, key, value, writer.transaction)

    def commit(self, transactional_id: str, epoch: int) -> None:
        """Make the open transaction visible."""
        self._end(self._writer(transactional_id, epoch), "committed")

    def newest(self, partition: int) -> dict[bytes, bytes]:
        """Give the newest committed value of every key of a partition of ``snapshots``."""
        found: dict[bytes, bytes] = {}
        for record in self.logs[TP(SNAPSHOTS, partition)].read(0, 1 << 30)[1]:
            if record.key is not None:
                found.pop(record.key, None)
                if record.value is not None:
                    found[record.key] = record.value
        return found

    def _writer(self, transactional_id: str, epoch: int) -> Writer:
        writer = self.writers[transactional_id]
        if epoch != writer.epoch:
            raise (InvalidProducerEpoch if writer.transaction is None else ProducerFenced)
        return writer

    def _end(self, writer: Writer, state: str) -> None:
        transaction, writer.transaction = writer.transaction, None
        if transaction is None:
            return
        transaction.state = state
        for tp, first in transaction.first.items():
            self.logs[tp].open.remove(first)
            self.logs[tp].entries.append(Entry(None, transaction))
            self._tell(tp)

    def _tell(self, tp: TP) -> None:
        waiting = self.waiting[tp]
        if waiting:
            self.waiting[tp] = []
            for each in waiting:
                each()
