"""The half of the consumer that lives in aiokafka's thread: fetching, seeking, committing.

It leans on aiokafka's insides (the fetcher's record store, the coordinator's commit) because its public ``getmany``
hides what we must know: from which to which offset a fetched stretch reaches. That is why aiokafka is pinned exactly.
Every coroutine here runs on the thread's own loop; nothing here touches the ledger.
"""
# ruff: noqa: SLF001 - the reason is above; ends with an aiokafka that tells the borders of what it fetched.

import asyncio
import contextlib
import logging
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any, cast

import aiokafka
from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import (
    ConsumerStoppedError,
    IllegalGenerationError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver

from streams.agents.batch import TP, Committed, Record, Revoked
from streams.agents.config import TransportConfig
from streams.agents.positions import Standing, Stretch
from streams.agents.retry import Backoff

logger = logging.getLogger(__name__)

COMMIT_RETRY_SECONDS = 0.1
# aiokafka would leave the group when nobody fetches for so long; a worker that waits for a service must not.
POLL_INTERVAL_MS_MAX = 2**31 - 1


def _to_record(_tp: object, raw: Any) -> Record:  # noqa: ANN401 - a C record of aiokafka, which ships no types
    """Stand in for aiokafka's own conversion, whose eleven fields cost more than all the rest of our path."""
    return Record(raw.offset, raw.timestamp, raw.key, raw.value, tuple(raw.headers))


class PausingListener(driver.ConsumerRebalanceListener):
    """Keeps aiokafka from fetching a new assignment from the committed offsets before we chose where to start."""

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Pause first, then let Faust know."""
        partitions = list(assigned)
        self._thread._ensure_consumer().pause(*partitions)
        await super().on_partitions_assigned(partitions)


class FetchingThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread with our own fetch, seek and commit."""

    config: TransportConfig

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:  # noqa: ANN401, ARG002 - Faust's signature
        """Build the client by ourselves.

        Faust fixes the isolation level and the fetch wait, and without Faust tables it may choose an assignor that
        gives partition i of two topics to different workers.
        """
        config = self.config
        self._assignor = self.app.assignor
        return aiokafka.AIOKafkaConsumer(
            client_id=f"{config.group}",
            group_id=config.group,
            group_instance_id=config.instance_id,
            bootstrap_servers=config.servers,
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_poll_interval_ms=POLL_INTERVAL_MS_MAX,
            max_partition_fetch_bytes=config.fetch_bytes_max,
            fetch_min_bytes=config.fetch_bytes_min,
            fetch_max_wait_ms=config.fetch_wait_ms,
            request_timeout_ms=int(config.request_timeout_seconds * 1000),
            session_timeout_ms=int(config.session_timeout_seconds * 1000),
            rebalance_timeout_ms=int(config.rebalance_timeout_seconds * 1000),
            heartbeat_interval_ms=int(config.heartbeat_seconds * 1000),
            **config.security,
        )

    async def on_start(self) -> None:
        """Connect; a broker that went away since the worker began is waited for, where Faust would end the process with 1."""
        backoff, attempt = Backoff(), 0
        while not self.should_stop:
            try:
                await super().on_start()
            except (KafkaError, OSError) as fault:
                logger.warning("no broker to read from, attempt %d: %s", attempt + 1, fault)
                await self._ensure_consumer().stop()
                await self.sleep(backoff.seconds(attempt))
                attempt += 1
            else:
                return

    async def on_thread_stop(self) -> None:
        """Close the client. Without a broker aiokafka lets a cancellation of its own out, and mode would wait a minute for us."""
        with contextlib.suppress(asyncio.CancelledError, KafkaError):
            await super().on_thread_stop()

    async def fetch(self, wanted: Collection[TP], batches_max: int, wait_seconds: float) -> list[Stretch]:
        """Take what is there for the wanted partitions; wait once when nothing is. May return nothing.

        Raises KafkaError for what the broker or the group coordinator refuses; positions have not moved then.
        """
        consumer = self._ensure_consumer()
        fetcher = consumer._fetcher
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError
        consumer._coordinator.check_errors()
        if fetcher.error_future.done():
            fetcher.error_future.result()
        with consumer._subscription.fetch_context():
            stretches = self._take(fetcher, wanted, batches_max)
            if stretches or not wait_seconds:
                return stretches
            waiter = fetcher._create_fetch_waiter()
            done, _ = await asyncio.wait([waiter], timeout=wait_seconds)
            if not done:
                waiter.cancel()
                return []
            waiter.result()
            return self._take(fetcher, wanted, batches_max)

    def nudge(self) -> None:
        """End the wait of a running :meth:`fetch`: more partitions are wanted now."""
        fetcher = self._ensure_consumer()._fetcher
        for waiter in list(fetcher._fetch_waiters):
            fetcher._notify(waiter)

    async def start_at(self, offsets: Mapping[TP, int], generation: int) -> None:
        """Seek every partition and let fetching begin; raises :class:`Revoked` when the generation has passed."""
        consumer = self._ensure_consumer()
        self._check(generation)
        for tp, offset in offsets.items():
            if not consumer._subscription.is_assigned(tp):
                raise Revoked
            consumer.seek(driver.ensure_aiokafka_TP(tp), offset)
            consumer._subscription.resume(tp)

    async def fetch_committed(self, tps: Collection[TP]) -> dict[TP, Committed]:
        """Committed position and metadata of the group, read from the broker now."""
        coordinator = self._ensure_consumer()._coordinator
        stored = await coordinator.fetch_committed_offsets([driver.ensure_aiokafka_TP(tp) for tp in tps])
        return {TP(*tp): Committed(position.offset, position.metadata) for tp, position in stored.items()}

    async def borders(self, tps: Collection[TP]) -> dict[TP, tuple[int, int]]:
        """First offset that is still there and last stable end of each partition, read from the broker now."""
        consumer = self._ensure_consumer()
        partitions = [driver.ensure_aiokafka_TP(tp) for tp in tps]
        first, end = await asyncio.gather(consumer.beginning_offsets(partitions), consumer.end_offsets(partitions))
        return {TP(*tp): (first[tp], end[tp]) for tp in partitions}

    async def store(self, positions: Mapping[TP, Committed], generation: int) -> None:
        """Commit for exactly this generation; a retriable refusal is retried until the caller cancels.

        Generation check and request are one step on this loop, so a position of an old generation cannot be sent under
        the name of a new one. Raises :class:`Revoked` when the group has moved on, KafkaError for what does not pass.
        """
        coordinator = self._ensure_consumer()._coordinator
        offsets = {driver.ensure_aiokafka_TP(tp): OffsetAndMetadata(*position) for tp, position in positions.items()}
        while True:
            await coordinator.ensure_coordinator_known()
            try:
                async with coordinator._commit_lock:
                    self._check(generation)
                    await coordinator._do_commit_offsets(None, offsets)
            except (UnknownMemberIdError, IllegalGenerationError, RebalanceInProgressError) as refused:
                raise Revoked from refused
            except KafkaError as fault:
                if not fault.retriable:
                    raise
                await asyncio.sleep(COMMIT_RETRY_SECONDS)
            else:
                return

    async def standings(self) -> dict[TP, Standing]:
        """What the last fetch answer said about each assigned partition."""
        subscription = self._ensure_consumer()._subscription.subscription
        if subscription is None or subscription.assignment is None:
            return {}
        now_ms = time.time() * 1000
        standings = {}
        for tp in subscription.assignment.tps:
            state = subscription.assignment.state_value(tp)
            age = None if state.timestamp is None else max(0.0, (now_ms - state.timestamp) / 1000)
            standings[TP(*tp)] = Standing(state.highwater, age)
        return standings

    def _check(self, generation: int) -> None:
        if self._ensure_consumer()._coordinator.generation != generation:
            raise Revoked

    def _take(self, fetcher: Any, wanted: Collection[TP], batches_max: int) -> list[Stretch]:  # noqa: ANN401
        stretches: list[Stretch] = []
        if fetcher._subscriptions.reassignment_in_progress:
            return stretches
        for tp in list(fetcher._records):
            entry = fetcher._records[tp]
            if tp not in wanted:
                if not fetcher._subscriptions.is_assigned(tp):
                    del fetcher._records[tp]
                continue
            if not isinstance(entry, FetchResult):
                if stretches:
                    break
                self._drop(fetcher, tp)
                cast("Any", entry).check_raise()
                continue
            try:
                stretch = self._read(entry)
            except KafkaError:
                self._drop(fetcher, tp)
                raise
            if entry.has_more():
                # The rest waits behind the other partitions, so a big block does not starve them.
                fetcher._records.move_to_end(tp)
            else:
                self._drop(fetcher, tp)
            if stretch is not None:
                stretches.append(stretch)
                if len(stretches) >= batches_max:
                    break
        return stretches

    @staticmethod
    def _drop(fetcher: Any, tp: Any) -> None:  # noqa: ANN401
        del fetcher._records[tp]
        fetcher._notify(fetcher._wait_consume_future)

    def _read(self, entry: FetchResult) -> Stretch | None:
        """One batch of a fetched block; the partition's position moves with it, or not at all when this raises."""
        tp = entry._topic_partition
        if not entry.check_assignment(tp) or not entry.has_more():
            return None
        block = entry._partition_records
        state = entry._assignment.state_value(tp)
        block._consumer_record = _to_record
        first_offset, records, size = state.position, [], 0
        records_max, bytes_max = self.config.batch_records_max, self.config.batch_bytes_max
        for record in block:
            records.append(record)
            size += len(record.value or b"")
            if len(records) >= records_max or size >= bytes_max:
                break
        else:
            entry._partition_records = None
        state.consumed_to(block.next_fetch_offset)
        return Stretch(TP(*tp), first_offset, block.next_fetch_offset, records)
