"""Sending with an answer: not enqueued but acknowledged."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, NamedTuple, Protocol, cast

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerClosed

from streams.agents.config import TransportConfig
from streams.errors import BrokerUnreachable
from streams.telemetry.spans import NO_SPANS, Headers, Spans

logger = logging.getLogger(__name__)

CLOSE_SECONDS_MAX = 5
RECORD_BYTES_MAX: Final = 16 << 20
"""The largest record this client sends; the topics set their own bound (``streams.agents.topics``)."""


class Outgoing(NamedTuple):
    """One record to send. The partition is always chosen by us, the time stamp may be left to the client."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int | None = None
    headers: Headers = ()


class Producer(Protocol):
    """One connection to the broker, of an idempotent producer that waits for all in-sync replicas. Raises KafkaError."""

    async def start(self) -> None:
        """Connect."""

    async def send(self, record: Outgoing) -> Awaitable[object]:
        """Hand over a record, in the order of the calls; what is returned is done when the broker has acknowledged it."""

    async def drop(self) -> None:
        """Close without waiting for what is not sent yet; who waits for that hears of it. Raises nothing."""


class KafkaProducer(Producer):
    """aiokafka's producer."""

    def __init__(self, config: TransportConfig) -> None:
        """Connects at ``start``."""
        self._producer = AIOKafkaProducer(
            client_id=config.group,
            bootstrap_servers=config.servers,
            acks="all",
            enable_idempotence=True,
            linger_ms=config.linger_ms,
            max_batch_size=1 << 18,
            max_request_size=RECORD_BYTES_MAX,
            request_timeout_ms=int(config.request_timeout_seconds * 1000),
            **config.security,
        )

    async def start(self) -> None:
        """See :class:`Producer`."""
        await self._producer.start()

    async def send(self, record: Outgoing) -> Awaitable[object]:
        """See :class:`Producer`."""
        topic, partition, key, value, timestamp_ms, headers = record
        sent = self._producer.send(topic, value, key, partition, timestamp_ms, list(headers) or None)
        return cast("Awaitable[object]", await sent)

    async def drop(self) -> None:
        """See :class:`Producer`."""
        await drop(self._producer)


class Sender:
    """Sends with one producer after the other. Connects at the first send; lives on one event loop.

    After any fault the client is thrown away with what it still had in hand, and the next call makes a new one: a
    record may then be written twice, never lost, and nothing late of the old client comes after the repeat.
    """

    def __init__(
        self,
        config: TransportConfig,
        connect: Callable[[TransportConfig], Producer] = KafkaProducer,
        spans: Spans = NO_SPANS,
    ) -> None:
        self._config, self._connect, self._spans = config, connect, spans
        self._producer: Producer | None = None
        self._starting = asyncio.Lock()

    async def send_all(self, records: Iterable[Outgoing]) -> None:
        """Return when the broker has acknowledged every record; order is kept per partition.

        Raises BrokerUnreachable when any record was not acknowledged in time (each may or may not be there) and
        ValueError for a record that is too large for the client or the broker.
        """
        if headers := self._spans.headers():
            records = [record._replace(headers=headers) for record in records]
        try:
            async with asyncio.timeout(self._config.request_timeout_seconds):
                producer = await self._connected()
                waiting = [await producer.send(record) for record in records]
                await asyncio.gather(*waiting)
        except MessageSizeTooLargeError as error:
            await self.close()
            raise ValueError(f"a record is too large: {error}") from error
        except (KafkaError, TimeoutError) as fault:
            await self.close()
            raise BrokerUnreachable(f"{self._config.bootstrap}: not acknowledged: {fault!r}") from fault

    async def close(self) -> None:
        """Drop the client and what it has not sent; sending again connects anew. Raises nothing."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.drop()

    async def _connected(self) -> Producer:
        async with self._starting:
            producer = self._producer
            if producer is None:
                producer = self._producer = self._connect(self._config)
                await producer.start()
                if self._producer is not producer:
                    await producer.drop()
                    raise ProducerClosed("closed while it was connecting")
            return producer


async def drop(producer: AIOKafkaProducer) -> None:
    """Close a client without waiting for what it has not sent, as ``stop()`` would; who still waits for that hears of it.

    Raises nothing.
    """
    producer._closed = True  # noqa: SLF001
    with contextlib.suppress(TimeoutError, KafkaError, OSError, asyncio.InvalidStateError):
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await _end_sending(producer)
    _tell_who_waits(producer)
    with contextlib.suppress(TimeoutError, KafkaError, OSError, asyncio.InvalidStateError):
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await producer.client.close()


async def _end_sending(producer: AIOKafkaProducer) -> None:
    """End the client's task of sending; one that never had a turn lets its cancellation out, which concerns nobody else."""
    if producer._sender is None:  # noqa: SLF001
        return
    try:
        await producer._sender.close()  # noqa: SLF001
    except asyncio.CancelledError:
        this = asyncio.current_task()
        if this is not None and this.cancelling():
            raise


def _tell_who_waits(producer: AIOKafkaProducer) -> None:
    """Fail every batch and transaction in hand: aiokafka alone would leave those who wait for them waiting for ever."""
    closed = ProducerClosed("dropped with this in hand")
    producer._message_accumulator.fail_all(closed)  # noqa: SLF001
    transactions = producer._txn_manager  # noqa: SLF001
    waiter = transactions and transactions._transaction_waiter  # noqa: SLF001
    if waiter and not waiter.done():
        waiter.set_exception(closed)
        # Perhaps nobody waits, and then nobody must be told that nobody was told.
        waiter.exception()
