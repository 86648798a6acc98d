"""Delivery on top of Faust: batches instead of messages, positions of our own, nothing skipped or committed early.

Faust keeps the worker, the consumer group, the agents and the rebalance. Replaced are fetching, acknowledging and
committing (see ``streams/README.md`` for why). Nothing here knows what a payment is. In one glance::

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
  service is away. Acknowledged is what is committed, wherever reading starts; it never goes back within a term.
- A *term* is one assignment. Everything that belongs to it carries its number; after its end ``acknowledge`` and
  ``check`` raise ``Revoked``, which the guard swallows. Call ``check(batch.term)`` after every await.
- ``ends()`` tells for each partition what is delivered, acknowledged and there, and whether the end was reached.

A fetched stretch is delivered only if it begins exactly at the partition's next offset; else (the flow was suspended
while it was on its way, something moved the client's position) it is dropped and the client is sent back there.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from typing import Any, ClassVar, TypeVar, cast

from aiokafka.errors import ConsumerStoppedError, KafkaError
from faust.tables.recovery import RebalanceAgain
from faust.transport.drivers import aiokafka as driver
from faust.types import ConsumerMessage, Message
from mode import Service

from streams.agents.batch import TP, Batch, Committed, End, Revoked, Stopped
from streams.agents.config import TransportConfig
from streams.agents.fetching import FetchingThread, PausingListener, Stretch
from streams.agents.ledger import Ledger
from streams.agents.retry import die, insist
from streams.errors import BrokerUnreachable, ServiceError, TopicError

__all__ = ["BatchConsumer", "BatchTransport", "StartOffsets"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Chooses where reading starts; see the module's docstring.
StartOffsets = Callable[[frozenset[TP]], Awaitable[Mapping[TP, int]]]

FETCH_WAIT_SECONDS = 0.25
FAULT_PAUSE_SECONDS = 0.5
LAST_COMMIT_SECONDS = 2.0


class BatchConsumer(driver.Consumer):
    """Faust's aiokafka consumer with our fetch loop and our positions. Lives on the worker's event loop."""

    RebalanceListener: ClassVar[type[driver.ConsumerRebalanceListener]] = PausingListener
    _thread: FetchingThread

    start_offsets: StartOffsets | None = None

    def on_init(self) -> None:
        """Set up what is ours; called by the constructor."""
        self._ledger = Ledger(0, -1, ())
        self._ledger.ended.set()
        self._starts: Mapping[TP, int] = {}
        self._room = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._one_commit = asyncio.Lock()

    @property
    def config(self) -> TransportConfig:
        """The role's configuration, kept by the app."""
        return cast("TransportConfig", self.app.delivery)  # type: ignore[attr-defined]

    @property
    def ended(self) -> asyncio.Event:
        """Set at the end of the present term; a new term has a new event."""
        return self._ledger.ended

    # -- for agents

    def check(self, term: int) -> None:
        """Raise :class:`Revoked` unless ``term`` is the present one."""
        if term != self._ledger.term or self._ledger.ended.is_set():
            raise Revoked

    def begin(self, batch: Batch) -> bool:
        """Say that work on the batch begins; False means that it must be dropped, somebody else will read it again."""
        ledger = self._ledger
        if batch.term != ledger.term or ledger.ended.is_set() or ledger.closing:
            return False
        self._idle.clear()
        return True

    def finish(self, batch: Batch) -> None:
        """Say that the batch is done or dropped, begun or not: there is room for another."""
        self._idle.set()
        if batch.term != self._ledger.term:
            return
        full = self._ledger.ahead[batch.topic] >= self.config.batches_ahead_max
        self._ledger.free(batch.topic)
        if full:
            self._room.set()
            self._thread.thread_loop.call_soon_threadsafe(self._thread.nudge)

    def acknowledge(self, tp: TP, next_offset: int, metadata: str = "", *, term: int) -> None:
        """All records of ``tp`` before ``next_offset`` are done: their outputs are acknowledged by who keeps them.

        Raises :class:`Revoked` when ``term`` is over and ValueError for a position that was never delivered. A position
        below the acknowledged one (replay of the log) changes nothing.
        """
        self.check(term)
        self._ledger.acknowledge(tp, next_offset, metadata)

    async def commit_acknowledged(self) -> None:
        """Store the acknowledged positions with their metadata at the broker, if they changed.

        Raises :class:`Revoked` when the group has moved on, BrokerUnreachable when the broker does not answer in time
        and ServiceError when it refuses; the positions stay pending then.
        """
        async with self._one_commit:
            ledger = self._ledger
            pending = ledger.pending()
            if not pending:
                return
            try:
                async with asyncio.timeout(self.config.request_timeout_seconds):
                    await self._in_thread(self._thread.store(pending, ledger.generation))
            except TimeoutError:
                raise BrokerUnreachable(f"{self.config.bootstrap}: positions could not be committed in time") from None
            except KafkaError as fault:
                raise ServiceError(f"{self.config.bootstrap}: positions were refused: {fault}") from fault
            ledger.confirm(pending)

    async def committed(self, tps: Collection[TP]) -> dict[TP, Committed]:
        """Position and metadata the group has committed, fresh from the broker; partitions without one are missing."""
        return await self._in_thread(self._thread.fetch_committed(tps))

    async def borders(self, tps: Collection[TP]) -> dict[TP, tuple[int, int]]:
        """First offset still kept and end (last stable offset) of each partition, fresh from the broker."""
        return await self._in_thread(self._thread.borders(tps))

    async def ends(self) -> dict[TP, End]:
        """Where every assigned partition stands, as of the last answer to a fetch. Costs no request."""
        standings = await self._in_thread(self._thread.standings())
        ends = {}
        for tp in self._ledger.tps:
            place, standing = self._ledger.places.get(tp), standings.get(tp)
            ends[tp] = End(
                place.next_offset if place else None,
                place.done.offset if place else None,
                standing.highwater if standing else None,
                standing.age_seconds if standing else None,
                place.oldest_ms if place else None,
            )
        return ends

    async def settle(self) -> None:
        """Let the batch in hand finish (at most ``settle_seconds``), begin no other, commit; never raises a fault."""
        ledger = self._ledger
        ledger.closing = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), self.config.settle_seconds)
        if ledger.ended.is_set():
            return
        try:
            await asyncio.wait_for(self.commit_acknowledged(), LAST_COMMIT_SECONDS)
        except (Revoked, ServiceError, KafkaError, OSError) as fault:
            logger.warning("Positions not committed at the end of term %d: %r", ledger.term, fault)

    # -- assignment

    def _new_consumer_thread(self) -> FetchingThread:
        thread = FetchingThread(self, loop=self.loop, beacon=self.beacon)
        thread.config = self.config
        return thread

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Save what is acknowledged while the old generation still holds, then end the term."""
        await self.settle()
        self._ledger.ended.set()
        if not self.app.should_stop:
            await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Open the ledger of a new term; Faust then calls :meth:`open_term` and :meth:`perform_seek`."""
        self._ledger.ended.set()
        self._ledger = Ledger(self._ledger.term + 1, generation_id, assigned)
        self._room.set()
        await super().on_partitions_assigned(assigned, generation_id)

    async def open_term(self) -> None:
        """Choose the start positions; called on Faust's ``on_rebalance_complete``, which sets no time limit.

        Leaves the term unstarted when it ended meanwhile: :meth:`perform_seek` then sends Faust back to wait.
        """
        ledger = self._ledger
        choosing = asyncio.create_task(insist(lambda: self._choose(ledger), ledger.ended, "Choosing start positions"))
        over = asyncio.create_task(ledger.ended.wait())
        try:
            await asyncio.wait([choosing, over], return_when=asyncio.FIRST_COMPLETED)
        finally:
            choosing.cancel()
            over.cancel()
        try:
            committed, starts = await choosing
        except (Revoked, asyncio.CancelledError):
            return
        except Exception as bug:  # noqa: BLE001 - whatever it is, it is a bug
            die("Choosing start positions", bug)
        if not ledger.ended.is_set():
            ledger.start(starts, committed)
            self._starts = starts
            logger.info("Term %d starts at %s", ledger.term, {f"{t}-{p}": offset for (t, p), offset in starts.items()})

    async def _choose(self, ledger: Ledger) -> tuple[dict[TP, Committed], dict[TP, int]]:
        if not ledger.tps:
            return {}, {}
        committed = await self.committed(ledger.tps)
        borders = await self.borders(ledger.tps)
        ledger.check()
        chosen = await self.start_offsets(ledger.tps) if self.start_offsets else {}
        ledger.check()
        starts = {}
        for tp in ledger.tps:
            first, end = borders[tp]
            stored = committed.get(tp)
            start = chosen.get(tp, stored.offset if stored else first)
            if start > end:
                raise TopicError(
                    f"{tp.topic}-{tp.partition}: start {start} lies past the end {end}; was it re-created?"
                )
            if start < first:
                logger.error("%s: %d records were deleted by retention before they were read", tp, first - start)
            starts[tp] = max(start, first)
        return committed, starts

    async def perform_seek(self) -> None:
        """Move the client to the start positions and let it fetch."""
        ledger = self._ledger
        if ledger.ended.is_set() or not ledger.started:
            raise RebalanceAgain
        try:
            await self._in_thread(self._thread.start_at(self._starts, ledger.generation))
        except Revoked:
            raise RebalanceAgain from None

    # -- delivery

    async def _drain_messages(self, fetcher: Any) -> None:  # noqa: ANN401 - Faust's signature
        """Fetch and deliver until stopped. Faults are waited out; an unknown exception ends the process."""
        while not (self.should_stop or fetcher.should_stop):
            try:
                if self.flow_active:
                    await self._deliver_some()
                else:
                    await asyncio.wait_for(self.can_resume_flow.wait(), FETCH_WAIT_SECONDS)
            except TimeoutError:
                continue
            except Stopped:
                return
            except asyncio.CancelledError:
                if self.app.should_stop:
                    # Faust's fetcher would take it for a rebalance, if one is on its way, and the process would end
                    # with 1.
                    return
                raise
            except KafkaError as fault:
                logger.warning("Fetching failed: %s: %s", type(fault).__name__, fault)
                await asyncio.sleep(FAULT_PAUSE_SECONDS)
            except Exception as bug:  # noqa: BLE001 - whatever it is, it is a bug
                if self.app.should_stop:
                    return
                die("Fetching", bug)

    async def _deliver_some(self) -> None:
        ledger, ahead_max = self._ledger, self.config.batches_ahead_max
        wanted = {tp for tp in self._get_active_partitions() if ledger.ahead[tp.topic] < ahead_max}
        if not wanted or not ledger.started:
            self._room.clear()
            await asyncio.wait_for(self._room.wait(), FETCH_WAIT_SECONDS)
            return
        stretches = await self._in_thread(self._thread.fetch(wanted, ahead_max, FETCH_WAIT_SECONDS))
        for stretch in stretches:
            if self._admits(ledger, stretch):
                await self._deliver(ledger, stretch)
            else:
                await self._go_back(ledger, stretch)

    def _admits(self, ledger: Ledger, stretch: Stretch) -> bool:
        return (
            self.flow_active
            and ledger is self._ledger
            and not ledger.ended.is_set()
            and ledger.expects(stretch.tp, stretch.first_offset)
        )

    async def _deliver(self, ledger: Ledger, stretch: Stretch) -> None:
        tp, first_offset, next_offset, records = stretch
        if not records:
            ledger.pass_over(tp, next_offset)
            return
        ledger.deliver(tp, next_offset, records[0].timestamp_ms)
        last = records[-1]
        stamp, generation = last.timestamp_ms / 1000, ledger.generation
        # Faust's type says bytes; its "raw" codec passes on whatever it is given.
        value: Any = Batch(*tp, first_offset, next_offset, records, ledger.term)
        message = ConsumerMessage(
            *tp, last.offset, stamp, 0, None, None, value, None, 0, 0, tp, generation_id=generation
        )
        await self.callback(message)

    async def _go_back(self, ledger: Ledger, stretch: Stretch) -> None:
        """Send the client back to the offset that is due, because a fetched stretch was dropped."""
        if ledger.ended.is_set() or ledger is not self._ledger:
            return
        tp = stretch.tp
        first, end = (await self.borders([tp]))[tp]
        due = ledger.places[tp].next_offset
        if due > end:
            raise TopicError(f"{tp.topic}-{tp.partition}: position {due} lies past the end {end}; was it re-created?")
        if due < first:
            logger.error("%s: %d records were deleted by retention before they were read", tp, first - due)
            ledger.move(tp, first)
            due = first
        logger.info("%s: dropped [%d, %d), going back to %d", tp, stretch.first_offset, stretch.next_offset, due)
        with contextlib.suppress(Revoked):
            await self._in_thread(self._thread.start_at({tp: due}, ledger.generation))

    # -- Faust's own bookkeeping, out of use

    def ack(self, message: Message) -> bool:
        """Remember nothing; Faust's compiled stream does not even ask, so topics are declared without acks."""
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

    async def _in_thread(self, work: Coroutine[Any, Any, T]) -> T:
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


class BatchTransport(driver.Transport):
    """The aiokafka transport with our consumer."""

    Consumer: ClassVar[type[BatchConsumer]] = BatchConsumer
