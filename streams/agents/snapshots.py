"""One partition of the snapshots topic in the hands of its only writer.

A snapshot is one Kafka transaction. The transactional id is that of the partition, so whoever opens it fences every older writer:
what a worker reads after ``open`` cannot change under it, and a zombie cannot leave old values behind for compaction to keep.
"""

import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.consumer.fetcher import FetchError, FetchResult
from aiokafka.errors import IllegalOperation, InvalidProducerEpoch, KafkaError, ProducerFenced

from streams.agents.batch import Revoked
from streams.agents.config import TransportConfig
from streams.agents.producer import drop
from streams.agents.topics import SNAPSHOT_BYTES_MAX
from streams.errors import BrokerUnreachable, ZombieError
from streams.pipeline.snapshot import Entry
from streams.settings.topics import SNAPSHOTS

logger = logging.getLogger(__name__)
TRANSACTION_MS_MAX: Final = 300_000
"""An open transaction hides nothing but this partition's newest snapshot, and the next owner ends it at once."""
_BATCH_BYTES: Final = 1 << 19
_FENCED = (ProducerFenced, InvalidProducerEpoch)


class Writer(Protocol):
    """The transactional producer of one partition, and a reader of that partition. Raises KafkaError."""

    async def start(self) -> tuple[int, int]:
        """Fence every older writer and end its transaction; gives the producer's id and epoch."""

    async def begin(self) -> None:
        """Begin a transaction; the broker hears of it with the first record."""

    async def append(self, entries: Iterable[Entry]) -> int:
        """Add records to the transaction and wait until the broker has them; gives their number of requests."""

    async def commit(self) -> None:
        """Commit the transaction."""

    async def read(self) -> dict[bytes, bytes]:
        """Give the newest committed value of every key."""

    async def drop(self) -> None:
        """Close without waiting for anything."""


def transactional_id(config: TransportConfig, partition: int) -> str:
    """Name the writer of a partition: the same for every worker, so that a new one fences the one before."""
    return f"{config.group}-{partition}"


class KafkaWriter(Writer):
    """aiokafka's transactional producer."""

    def __init__(self, config: TransportConfig, partition: int) -> None:
        """Connects at ``start``."""
        self._config, self._partition = config, partition
        self._producer = AIOKafkaProducer(
            client_id=config.group, bootstrap_servers=config.servers, acks="all", enable_idempotence=True,
            transactional_id=transactional_id(config, partition), transaction_timeout_ms=TRANSACTION_MS_MAX,
            max_batch_size=_BATCH_BYTES, max_request_size=SNAPSHOT_BYTES_MAX,
            request_timeout_ms=int(config.request_timeout_seconds * 1000), **config.security,
        )  # fmt: skip

    async def start(self) -> tuple[int, int]:
        """See :class:`Writer`."""
        await self._producer.start()
        manager = self._producer._txn_manager  # noqa: SLF001  the only place where aiokafka shows the epoch
        return manager.producer_id, manager.producer_epoch

    async def begin(self) -> None:
        """See :class:`Writer`."""
        with self._plainly():
            await self._producer.begin_transaction()

    async def append(self, entries: Iterable[Entry]) -> int:
        """See :class:`Writer`."""
        producer, waiting = self._producer, []
        batch = producer.create_batch()
        with self._plainly():
            for key, value in entries:
                if batch.append(timestamp=None, key=key, value=value) is None:
                    waiting.append(await producer.send_batch(batch, SNAPSHOTS, partition=self._partition))
                    batch = producer.create_batch()
                    batch.append(timestamp=None, key=key, value=value)
            if batch.record_count():
                waiting.append(await producer.send_batch(batch, SNAPSHOTS, partition=self._partition))
            for sent in waiting:
                await sent
        return len(waiting)

    async def commit(self) -> None:
        """See :class:`Writer`."""
        with self._plainly():
            await self._producer.commit_transaction()

    async def read(self) -> dict[bytes, bytes]:
        """See :class:`Writer`."""
        config = self._config
        consumer = AIOKafkaConsumer(
            bootstrap_servers=config.servers, enable_auto_commit=False, isolation_level="read_committed",
            max_partition_fetch_bytes=8 << 20, **config.security,
        )  # fmt: skip
        place = TopicPartition(SNAPSHOTS, self._partition)
        found: dict[bytes, bytes] = {}
        try:
            await consumer.start()
            consumer._fetcher._records = _Unconverted()  # noqa: SLF001
            consumer.assign([place])
            await consumer.seek_to_beginning(place)
            end = (await consumer.end_offsets([place]))[place]
            while await consumer.position(place) < end:
                for records in (await consumer.getmany(place, timeout_ms=1000, max_records=20_000)).values():
                    for one in records:
                        if one.value is None:
                            found.pop(one.key, None)
                        else:
                            found[one.key] = one.value
        finally:
            await consumer.stop()
        return found

    async def drop(self) -> None:
        """See :class:`Writer`."""
        await drop(self._producer)

    @contextlib.contextmanager
    def _plainly(self) -> Iterator[None]:
        """Raise what the broker said when it refused this producer, where aiokafka says only that it is in no transaction."""
        try:
            yield
        except (AssertionError, IllegalOperation) as state:
            refused = self._producer._txn_manager.wait_for_transaction_end()  # noqa: SLF001
            said = refused.exception() if refused is not None and refused.done() else None
            raise said if isinstance(said, KafkaError) else KafkaError(f"{said or state!r}") from state


class _Unconverted(OrderedDict[TopicPartition, FetchResult | FetchError]):
    """What aiokafka has fetched, records as they came: to make eleven fields of each costs more than all the rest of a reading."""

    def __setitem__(self, place: TopicPartition, found: FetchResult | FetchError) -> None:
        if isinstance(found, FetchResult):
            found._partition_records._consumer_record = _as_it_is  # noqa: SLF001
        super().__setitem__(place, found)


def _as_it_is(_place: TopicPartition, record: object) -> object:
    return record


class SnapshotTopic:
    """Reads and writes one partition. All methods raise BrokerUnreachable, and ZombieError once there is another writer."""

    def __init__(
        self,
        config: TransportConfig,
        partition: int,
        connect: Callable[[TransportConfig, int], Writer] = KafkaWriter,
    ) -> None:
        """Connects at ``open``."""
        self._config, self.partition, self._connect = config, partition, connect
        self._writer: Writer | None = None
        self._identity: tuple[int, int] | None = None
        self._begun = False
        self._closed = False
        self._lost = False
        """There has been another writer: who finds that out may try again, and must not take the stranger's epoch for his own."""
        self._step = 1
        """By how much the broker raises the epoch when this writer opens again: by one more to end a transaction of its own.

        Where an answer was lost it may be either; the smaller is expected then, and the process ends rather than take a stranger's
        epoch for its own.
        """

    async def open(self) -> None:
        """Become the only writer; opening again after a fault raises ZombieError when there was another writer meanwhile.

        Fences whoever writes now: who opens has to know that the partition is this worker's still (``Positions.prove``).
        Raises :class:`Revoked` once it was closed, also where that happens meanwhile.
        """
        if self._lost:
            raise self._zombie()
        await self._drop()
        if self._closed:
            raise Revoked
        writer = self._writer = self._connect(self._config, self.partition)
        try:
            found = await writer.start()
        except KafkaError as fault:
            raise BrokerUnreachable(f"{self._config.bootstrap}: no transactions: {fault!r}") from fault
        if self._writer is not writer:
            with contextlib.suppress(Exception):
                await writer.drop()
            raise Revoked
        before, self._identity = self._identity, found
        step, self._step = self._step, 1
        if before is not None and found != (before[0], before[1] + step):
            raise self._zombie()

    async def read(self) -> dict[bytes, bytes]:
        """Give the newest committed value of every key."""
        try:
            return await self._open().read()
        except KafkaError as fault:
            raise BrokerUnreachable(f"{self._config.bootstrap}: snapshots cannot be read: {fault!r}") from fault

    async def write(self, entries: Iterable[Entry]) -> None:
        """Add records to the transaction, which begins with the first; returns when the broker has them."""
        writer = self._open()
        try:
            if not self._begun:
                await writer.begin()
                self._begun = True
            if await writer.append(entries):
                self._step = 2
        except _FENCED as fault:
            raise self._zombie() from fault
        except KafkaError as fault:
            raise BrokerUnreachable(f"{self._config.bootstrap}: snapshot not written: {fault!r}") from fault

    async def commit(self) -> None:
        """Make everything written since the last commit visible at once."""
        self._step = 1
        try:
            await self._open().commit()
        except _FENCED as fault:
            raise self._zombie() from fault
        except KafkaError as fault:
            raise BrokerUnreachable(f"{self._config.bootstrap}: snapshot not committed: {fault!r}") from fault
        self._begun = False

    async def put(self, entries: Iterable[Entry]) -> None:
        """Write a few records in a transaction of their own."""
        await self.write(entries)
        await self.commit()

    async def close(self) -> None:
        """Drop the client for good; what was not committed is never seen. Raises nothing."""
        self._closed = True
        await self._drop()

    async def _drop(self) -> None:
        writer, self._writer, self._begun = self._writer, None, False
        if writer is not None:
            with contextlib.suppress(Exception):
                await writer.drop()

    def _zombie(self) -> ZombieError:
        self._lost = True
        return ZombieError(f"snapshots/{self.partition}: another worker writes here now")

    def _open(self) -> Writer:
        if self._writer is None:
            raise BrokerUnreachable(f"snapshots/{self.partition}: not open")
        return self._writer
