"""Delivery on top of Faust: batches instead of messages, positions of our own, nothing skipped or committed early.

Faust keeps the worker, the consumer group, the agents and the rebalance. Replaced are fetching, acknowledging and
committing (see ``streams/README.md`` for why); what of it does not concern Faust is in ``streams.agents.positions``. Nothing
here knows what a payment is. In one glance::

    app = make_app(TransportConfig(prefix="payweir", role="intake", bootstrap="...", topics=("payments",)))

    async def handle(batch: Batch) -> None:             # one partition, consecutive records, raw bytes
        outgoing = [...]                                # pure work
        await app.sender.send_all(outgoing)             # returns when the broker has acknowledged every record
        app.positions.acknowledge(batch.tp, batch.next_offset, "metadata", term=batch.term)

    app.attach(handle)                                  # the agent; the guard runs handle again after a fault
    run_worker(app)                                     # until SIGTERM; exit code 0

- One message per (partition, fetched batch), in order per partition, bounded in records and bytes.
- ``acknowledge`` moves a position; ``commit_acknowledged`` stores what is acknowledged, also by itself every
  ``commit_seconds``, at a rebalance and at the stop. Faust's own acks and commits do nothing. A commit that fails
  raises and is repeated; it is never taken for done, and never sent under a generation it does not belong to.
- ``make_app(config, start_offsets)``: the hook is awaited after every assignment, before anything is read, and says
  where to start; partitions it leaves out start at the committed position, or at the beginning. It may ask
  ``committed`` and ``borders`` and may take long: it is cancelled when the next rebalance comes, repeated when a
  service is away. Acknowledged is what is committed, and what lies before the start; it never goes back within a term.
- A *term* is one assignment. Everything that belongs to it carries its number; after its end ``acknowledge`` and
  ``check`` raise ``Revoked``, which the guard swallows. Call ``check(batch.term)`` after every await.
- ``ends()`` tells for each partition what is delivered, acknowledged and there, and whether the end was reached.

A fetched stretch is delivered only if it begins exactly at the partition's next offset; else (the flow was suspended
while it was on its way, something moved the client's position) it is dropped and the client is sent back there.
"""

import asyncio
import logging
from collections.abc import Collection, Coroutine, Mapping
from typing import Any, ClassVar, TypeVar, cast

from aiokafka.errors import ConsumerStoppedError, KafkaError
from faust.tables.recovery import RebalanceAgain
from faust.transport.drivers import aiokafka as driver
from faust.types import ConsumerMessage, Message
from mode import Service

from streams.agents.batch import TP, Batch, Committed, Revoked, Stopped
from streams.agents.config import TransportConfig
from streams.agents.fetching import FetchingThread, PausingListener
from streams.agents.positions import FAULT_PAUSE_SECONDS, FETCH_WAIT_SECONDS, Client, Positions, Standing, Stretch
from streams.agents.retry import die
from streams.errors import ServiceError

__all__ = ["BatchConsumer", "BatchTransport"]

logger = logging.getLogger(__name__)

T = TypeVar("T")


class ThreadedClient(Client):
    """The client of aiokafka's thread, asked from the worker's loop."""

    def __init__(self, thread: FetchingThread) -> None:
        self._thread = thread

    async def fetch(self, wanted: Collection[TP], batches_max: int, wait_seconds: float) -> list[Stretch]:
        """See :class:`Client`."""
        return await self._in(self._thread.fetch(wanted, batches_max, wait_seconds))

    def nudge(self) -> None:
        """See :class:`Client`."""
        self._thread.thread_loop.call_soon_threadsafe(self._thread.nudge)

    async def start_at(self, offsets: Mapping[TP, int], generation: int) -> None:
        """See :class:`Client`."""
        await self._in(self._thread.start_at(offsets, generation))

    async def fetch_committed(self, tps: Collection[TP]) -> dict[TP, Committed]:
        """See :class:`Client`."""
        return await self._in(self._thread.fetch_committed(tps))

    async def borders(self, tps: Collection[TP]) -> dict[TP, tuple[int, int]]:
        """See :class:`Client`."""
        return await self._in(self._thread.borders(tps))

    async def store(self, positions: Mapping[TP, Committed], generation: int) -> None:
        """See :class:`Client`."""
        await self._in(self._thread.store(positions, generation))

    async def standings(self) -> dict[TP, Standing]:
        """See :class:`Client`."""
        return await self._in(self._thread.standings())

    async def _in(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            answer = asyncio.run_coroutine_threadsafe(work, self._thread.thread_loop)
        except RuntimeError:
            # The loop is closed: the worker stops.
            work.close()
            raise Stopped from None
        try:
            return await asyncio.wrap_future(answer)
        except ConsumerStoppedError:
            raise Stopped from None
        except asyncio.CancelledError:
            this = asyncio.current_task()
            if this is not None and this.cancelling():
                raise
            # The thread stopped with the work in hand; nobody cancelled the caller.
            raise Stopped from None


class BatchConsumer(Positions, driver.Consumer):
    """Faust's aiokafka consumer with our fetch loop and our positions. Lives on the worker's event loop."""

    RebalanceListener: ClassVar[type[driver.ConsumerRebalanceListener]] = PausingListener
    _thread: FetchingThread

    def on_init(self) -> None:
        """Set up what is ours; called by the constructor, which has made the thread by then."""
        self.prepare()

    @property
    def config(self) -> TransportConfig:
        """The role's configuration, kept by the app."""
        return cast("TransportConfig", self.app.delivery)  # type: ignore[attr-defined]

    def wanted(self) -> Collection[TP]:
        """See :class:`Positions`."""
        return self._get_active_partitions()

    def flowing(self) -> bool:
        """See :class:`Positions`."""
        return self.flow_active

    async def hand_over(self, batch: Batch, generation: int) -> None:
        """See :class:`Positions`; puts the batch before the agent as one Faust message."""
        last, tp = batch.records[-1], batch.tp
        # Faust's type says bytes; its "raw" codec passes on whatever it is given.
        value: Any = batch
        message = ConsumerMessage(
            *tp, last.offset, last.timestamp_ms / 1000, 0, None, None, value, None, 0, 0, tp, generation_id=generation
        )
        await self.callback(message)

    # -- assignment

    def _new_consumer_thread(self) -> FetchingThread:
        thread = FetchingThread(self, loop=self.loop, beacon=self.beacon)
        thread.config = self.config
        self.client = ThreadedClient(thread)
        return thread

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """End the term."""
        await self.end_term()
        if not self.app.should_stop:
            await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Begin a term; Faust then has :meth:`open_term` called and calls :meth:`perform_seek`."""
        self.begin_term(assigned, generation_id)
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Move the client to the start positions and let it fetch."""
        if not await self.go_to_start():
            raise RebalanceAgain

    # -- delivery

    async def _drain_messages(self, fetcher: Any) -> None:  # noqa: ANN401 - Faust's signature
        """Fetch and deliver until stopped. Faults are waited out; an unknown exception ends the process."""
        while not (self.should_stop or fetcher.should_stop):
            try:
                if self.flow_active:
                    await self.deliver_some()
                else:
                    await asyncio.wait_for(self.can_resume_flow.wait(), FETCH_WAIT_SECONDS)
            except TimeoutError:
                continue
            except Stopped:
                return
            except asyncio.CancelledError:
                # Faust's fetcher would take it for a rebalance, if one is on its way, and the process would end with 1.
                if self.app.should_stop:
                    return
                raise
            except KafkaError as fault:
                logger.warning("Fetching failed: %s: %s", type(fault).__name__, fault)
                await asyncio.sleep(FAULT_PAUSE_SECONDS)
            except Exception as bug:  # noqa: BLE001 - whatever it is, it is a bug
                if self.app.should_stop:
                    return
                die("Fetching", bug)

    # -- Faust's own bookkeeping, out of use

    def ack(self, message: Message) -> bool:
        """Remember nothing; topics are declared without acks."""
        message.acked = True
        return True

    async def commit(self, topics: object = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002 - Faust's signature
        """Do nothing: Faust's timer, its agents and its stop call this. Ours is :meth:`commit_acknowledged`."""
        return False

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        raise NotImplementedError(f"Faust wants to commit {offsets}")

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Do nothing: Faust's search for stuck partitions reads the acks that are out of use."""

    def close(self) -> None:
        """Do nothing: Faust would close the client from the wrong event loop; the thread does it when it stops."""

    @Service.task
    async def _commit_regularly(self) -> None:
        if not self.config.commit_seconds:
            return
        while not self.should_stop:
            await self.sleep(self.config.commit_seconds)
            try:
                await self.commit_acknowledged()
            except Stopped:
                return
            except (Revoked, ServiceError) as fault:
                logger.warning("Positions not committed, will be tried again: %r", fault)


class BatchTransport(driver.Transport):
    """The aiokafka transport with our consumer."""

    Consumer: ClassVar[type[BatchConsumer]] = BatchConsumer
