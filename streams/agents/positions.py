"""The protocol of positions: terms, what is acknowledged and committed, where reading goes on. Knows neither Faust nor threads.

The live consumer (``streams.agents.transport``) and the simulator (``tests/simulation``) are both made of this class; what they
bring along is a ``Client``.
"""

import asyncio
import contextlib
import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import NamedTuple, Protocol

from aiokafka.errors import KafkaError

from streams.agents.batch import TP, Batch, Committed, End, Record, Revoked
from streams.agents.config import TransportConfig
from streams.agents.ledger import Ledger
from streams.agents.retry import die, insist
from streams.errors import BrokerUnreachable, ServiceError, TopicError

logger = logging.getLogger(__name__)

#: Chooses where reading starts; see ``streams.agents.transport``.
StartOffsets = Callable[[Collection[TP]], Awaitable[Mapping[TP, int]]]

FETCH_WAIT_SECONDS = 0.25
FAULT_PAUSE_SECONDS = 0.5
LAST_COMMIT_SECONDS = 2.0


class Stretch(NamedTuple):
    """What one partition gave: every visible record in ``[first_offset, next_offset)``, possibly none."""

    tp: TP
    first_offset: int
    next_offset: int
    records: list[Record]


class Standing(NamedTuple):
    """The broker's end of the log (None before the first answer) and the age of that knowledge."""

    highwater: int | None
    age_seconds: float | None


class Client(Protocol):
    """One member of a consumer group. Every coroutine raises :class:`Stopped` once the client is closed, and KafkaError."""

    async def fetch(self, wanted: Collection[TP], batches_max: int, wait_seconds: float) -> list[Stretch]:
        """Take what is there for the wanted partitions, committed records only; wait once when nothing is."""

    def nudge(self) -> None:
        """End the wait of a running :meth:`fetch`."""

    async def start_at(self, offsets: Mapping[TP, int], generation: int) -> None:
        """Read on at these offsets; raises :class:`Revoked` when the generation has passed."""

    async def fetch_committed(self, tps: Collection[TP]) -> dict[TP, Committed]:
        """Committed position and metadata of the group, read from the broker now."""

    async def borders(self, tps: Collection[TP]) -> dict[TP, tuple[int, int]]:
        """First offset that is still there and last stable end of each partition, read from the broker now."""

    async def store(self, positions: Mapping[TP, Committed], generation: int) -> None:
        """Commit for exactly this generation; raises :class:`Revoked` when the group has moved on."""

    async def standings(self) -> dict[TP, Standing]:
        """What the last fetch answer said about each assigned partition."""


class Positions(ABC):
    """The positions of one worker, term after term. Lives on the worker's event loop.

    Whoever is made of it calls ``prepare`` first, ``begin_term`` at an assignment, then ``open_term`` and ``go_to_start``;
    ``end_term`` at a revocation; and, as long as it runs, ``deliver_some`` all the time and ``commit_acknowledged`` now and then.
    """

    client: Client
    start_offsets: StartOffsets | None = None

    def prepare(self) -> None:
        """Begin outside of any term."""
        self._ledger = Ledger(0, -1, ())
        self._ledger.ended.set()
        self._starts: Mapping[TP, int] = {}
        self._room = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._one_commit = asyncio.Lock()

    @property
    @abstractmethod
    def config(self) -> TransportConfig:
        """The role's configuration."""

    @abstractmethod
    def wanted(self) -> Collection[TP]:
        """Name the partitions that may be read now."""

    @abstractmethod
    def flowing(self) -> bool:
        """Whether what is fetched may be handed to the agents; not during a rebalance."""

    @abstractmethod
    async def hand_over(self, batch: Batch, generation: int) -> None:
        """Put a batch before the agents, behind those of its partition that wait already."""

    # -- for agents

    @property
    def ended(self) -> asyncio.Event:
        """Set at the end of the present term; a new term has a new event."""
        return self._ledger.ended

    @property
    def ledger(self) -> Ledger:
        """The positions of the present term, to look at."""
        return self._ledger

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
            self.client.nudge()

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
            if pending := ledger.pending():
                await self._store(ledger, pending)

    async def prove(self, tp: TP, term: int) -> None:
        """Have the broker say that this worker still is the member of the group that owns the partition.

        To be awaited before anything that would harm another owner: who was cut off does not know yet that it was replaced. What is
        done is committed once more, for exactly this generation; who may do that keeps the partition for a session from then on.
        Raises :class:`Revoked` when ``term`` is over or the group has moved on, BrokerUnreachable and ServiceError as
        :meth:`commit_acknowledged` does.
        """
        clock, ledger = asyncio.get_running_loop().time, self._ledger
        asked = -math.inf
        while clock() - asked > self.config.session_timeout_seconds:  # an answer that old is no news: ask again
            self.check(term)
            asked = clock()
            async with self._one_commit:
                await self._store(ledger, {tp: ledger.done(tp)})
        self.check(term)

    async def _store(self, ledger: Ledger, positions: Mapping[TP, Committed]) -> None:
        try:
            async with asyncio.timeout(self.config.request_timeout_seconds):
                await self.client.store(positions, ledger.generation)
        except TimeoutError:
            raise BrokerUnreachable(f"{self.config.bootstrap}: positions could not be committed in time") from None
        except KafkaError as fault:
            raise ServiceError(f"{self.config.bootstrap}: positions were refused: {fault}") from fault
        ledger.confirm(positions)

    async def committed(self, tps: Collection[TP]) -> dict[TP, Committed]:
        """Position and metadata the group has committed, fresh from the broker; partitions without one are missing."""
        return await self.client.fetch_committed(tps)

    async def borders(self, tps: Collection[TP]) -> dict[TP, tuple[int, int]]:
        """First offset still kept and end (last stable offset) of each partition, fresh from the broker."""
        return await self.client.borders(tps)

    async def ends(self) -> dict[TP, End]:
        """Where every assigned partition stands, as of the last answer to a fetch. Costs no request."""
        standings = await self.client.standings()
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

    # -- terms

    def begin_term(self, assigned: Collection[TP], generation: int) -> None:
        """Open the ledger of a new term, not started yet."""
        self._ledger.ended.set()
        self._ledger = Ledger(self._ledger.term + 1, generation, assigned)
        self._room.set()

    async def end_term(self) -> None:
        """Save what is acknowledged while the old generation still holds, then end the term."""
        await self.settle()
        self._ledger.ended.set()

    async def open_term(self) -> None:
        """Choose the start positions, however long that takes.

        Leaves the term unstarted when it ended meanwhile: :meth:`go_to_start` then says so.
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
            committed, chosen, starts = await choosing
        except (Revoked, asyncio.CancelledError):
            return
        except Exception as bug:  # noqa: BLE001 - whatever it is, it is a bug
            die("Choosing start positions", bug)
        if not ledger.ended.is_set():
            ledger.start(starts, committed, chosen)
            self._starts = starts
            logger.info("Term %d starts at %s", ledger.term, {f"{t}-{p}": offset for (t, p), offset in starts.items()})

    async def _choose(self, ledger: Ledger) -> tuple[dict[TP, Committed], Mapping[TP, int], dict[TP, int]]:
        if not ledger.tps:
            return {}, {}, {}
        committed = ledger.known = await self.committed(ledger.tps)
        ledger.check()
        chosen = await self.start_offsets(ledger.tps) if self.start_offsets else {}
        ledger.check()
        # Asked last: what the start was chosen by may be newer than what the log looked like when the choice began.
        borders = await self.borders(ledger.tps)
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
        return committed, chosen, starts

    async def go_to_start(self) -> bool:
        """Move the client to the start positions and let it fetch; False when the term is over already."""
        ledger = self._ledger
        if ledger.ended.is_set() or not ledger.started:
            return False
        try:
            await self.client.start_at(self._starts, ledger.generation)
        except Revoked:
            return False
        return True

    # -- delivery

    async def deliver_some(self) -> None:
        """Fetch once and hand over what fits; waits a moment when there is nothing, or no room. Raises KafkaError."""
        ledger, ahead_max = self._ledger, self.config.batches_ahead_max
        wanted = {tp for tp in self.wanted() if ledger.ahead[tp.topic] < ahead_max}
        if not wanted or not ledger.started:
            self._room.clear()
            await asyncio.wait_for(self._room.wait(), FETCH_WAIT_SECONDS)
            return
        stretches = await self.client.fetch(wanted, ahead_max, FETCH_WAIT_SECONDS)
        for stretch in stretches:
            if self._admits(ledger, stretch):
                await self._deliver(ledger, stretch)
            else:
                await self._go_back(self._ledger, stretch)

    def _admits(self, ledger: Ledger, stretch: Stretch) -> bool:
        return (
            self.flowing()
            and ledger is self._ledger
            and not ledger.ended.is_set()
            and ledger.expects(stretch.tp, stretch.first_offset)
        )

    async def _deliver(self, ledger: Ledger, stretch: Stretch) -> None:
        tp, first_offset, next_offset, records = stretch
        if not records:
            ledger.pass_over(tp, next_offset)
            return
        lost = ledger.deliver(tp, next_offset, records[0].timestamp_ms)
        await self.hand_over(Batch(*tp, first_offset, next_offset, records, ledger.term, lost), ledger.generation)

    async def _go_back(self, ledger: Ledger, stretch: Stretch) -> None:
        """Send the client back to the offset that is due, because a fetched stretch was dropped.

        ``ledger`` is the present one: a fetch that began in the last term may have moved the client in this one. Insists on it: the
        client has moved past these records, and nobody would come to them before the next term.
        """
        if not ledger.ended.is_set() and stretch.tp in ledger.places:
            with contextlib.suppress(Revoked):
                await insist(lambda: self._seek_due(ledger, stretch), ledger.ended, f"{stretch.tp}: going back")

    async def _seek_due(self, ledger: Ledger, stretch: Stretch) -> None:
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
        await self.client.start_at({tp: due}, ledger.generation)
