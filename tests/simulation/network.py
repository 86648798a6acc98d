"""The way to the broker: slow, lossy, and late. Stands in for aiokafka's producer, transactional producer and consumer.

A request that fails may have failed on the way there or on the way back. What a process has sent arrives whether it still lives or
not, in order per connection.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

from aiokafka.errors import (
    IllegalGenerationError,
    KafkaConnectionError,
    ProducerClosed,
    RequestTimedOutError,
    UnknownMemberIdError,
)

from streams.agents.batch import TP, Committed, Record, Revoked
from streams.agents.config import TransportConfig
from streams.agents.positions import Client, Standing, Stretch
from streams.agents.producer import Outgoing, Producer
from streams.agents.snapshots import Writer, transactional_id
from streams.pipeline.snapshot import Entry
from streams.settings.topics import ACTIVITY, SNAPSHOTS
from tests.simulation.broker import Broker, Group
from tests.simulation.loop import Process, SimLoop, process

T = TypeVar("T")
_MEAN: Final = 0.004
_LATE: Final = 3.5


@dataclass(slots=True)
class Weather:
    """How bad the way is at present: chances, from 0 to 1, of what can happen to a request."""

    lost: float = 0.0
    """It never arrives."""
    unanswered: float = 0.0
    """It arrives and the answer does not."""
    late: float = 0.0
    """It takes long, perhaps longer than anybody waits."""


class Fence(NamedTuple):
    """Who opened the writer of a partition last."""

    whose: Process
    owned: bool
    """Whether the partition was this process's when it asked; on the way it may have lost it."""


@dataclass(slots=True)
class Network:
    """Everybody's way to the broker, and the trace of all that arrived there."""

    loop: SimLoop
    broker: Broker
    weather: Weather = field(default_factory=Weather)
    trace: list[tuple[object, ...]] = field(default_factory=list)
    traps: dict[tuple[str, str], Callable[[], None]] = field(default_factory=dict)
    """What happens to a process at its next request of a kind, the moment it is sent, or at its next record."""
    fences: dict[TP, Fence] = field(default_factory=dict)
    """By partition of the activity log."""

    def delay(self) -> float:
        """Draw how long a request is on its way."""
        dice = self.loop.dice
        long = _LATE * dice.random() if self.weather.late and dice.random() < self.weather.late else 0.0
        return dice.expovariate(1 / _MEAN) + long

    def later(self, delay: float, work: Callable[[], None]) -> None:
        """Let something happen at the broker."""
        self.loop.call_later(delay, work, context=self.loop.world.context)

    def trip(self, what: str) -> None:
        """Let happen what the running process was waited for with at this moment; it may raise."""
        if self.traps and (trap := self.traps.pop((process().name, what), None)):
            trap()

    async def ask(self, what: str, work: Callable[[], T], line: "Line | None" = None) -> T:
        """Have something done at the broker. Raises KafkaError: it may be done all the same."""
        loop, dice, weather, who = self.loop, self.loop.dice, self.weather, process()
        self.trip(what)
        answer: asyncio.Future[T] = loop.create_future()
        draw = dice.random()
        lost = draw < weather.lost
        unanswered = weather.lost <= draw < weather.lost + weather.unanswered

        def back(result: T | None, fault: Exception | None) -> None:
            if answer.done():
                return
            if fault is not None:
                answer.set_exception(fault)
            else:
                answer.set_result(result)  # type: ignore[arg-type]

        def arrive() -> None:
            result: T | None = None
            fault: Exception | None = None
            if lost:
                fault = KafkaConnectionError("lost")
            else:
                try:
                    result = work()
                except Exception as refused:  # noqa: BLE001 - the broker's answer, raised where it was asked
                    fault = refused
                self.trace.append((loop.time(), who.name, what, fault or result))
                if unanswered:
                    fault = RequestTimedOutError("unanswered")
            loop.call_later(dice.expovariate(1 / _MEAN), back, result, fault, context=who.context)

        self.later(self.delay() if line is None else line.delay(self), arrive)
        return await answer


@dataclass(slots=True)
class Line:
    """A connection on which nothing overtakes anything."""

    last: float = 0.0

    def delay(self, network: Network) -> float:
        """Draw how long the next request is on its way."""
        now = network.loop.time()
        self.last = max(self.last, now + network.delay())
        return self.last - now


class SimProducer(Producer):
    """One connection; what was handed over in one go travels together, and arrives whole, in part, or not at all."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._buffer: list[tuple[Outgoing, asyncio.Future[int]]] = []
        self._pending: set[asyncio.Future[int]] = set()
        self._line = Line()
        self._dropped = False

    async def start(self) -> None:
        """See :class:`Producer`."""
        await self._network.ask("connect", lambda: None)

    async def send(self, record: Outgoing) -> Awaitable[object]:
        """See :class:`Producer`."""
        if self._dropped:
            raise ProducerClosed
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if not self._buffer:
            asyncio.get_running_loop().call_soon(self._flush)
        self._buffer.append((record, answer))
        self._pending.add(answer)
        return answer

    async def drop(self) -> None:
        """See :class:`Producer`."""
        self._dropped, self._buffer = True, []
        for answer in self._pending:
            if not answer.done():
                answer.set_exception(ProducerClosed("dropped with this in hand"))
                answer.exception()
        self._pending.clear()
        await asyncio.sleep(0)

    def _trap(self) -> Callable[[], None] | None:
        """Find what is to happen to the process before these records leave it."""
        traps, who = self._network.traps, process().name
        marks = any(record.topic == ACTIVITY for record, _ in self._buffer)
        return traps.pop((who, "send"), None) or (traps.pop((who, "send marks"), None) if marks else None)

    def _flush(self) -> None:
        network, loop = self._network, self._network.loop
        if network.traps and (trap := self._trap()):
            trap()
            loop.call_soon(self._flush)
            return
        sent, self._buffer = self._buffer, []
        if not sent:
            return
        dice, weather, who = loop.dice, network.weather, process()
        draw = dice.random()
        whole = draw >= weather.lost
        answered = draw >= weather.lost + weather.unanswered
        # What is lost may be lost for some partitions only: each has a request of its own.
        lost = set() if whole else {tp for tp in sorted({each[:2] for each, _ in sent}) if dice.random() < 0.5}

        def arrive() -> None:
            for record, _ in sent:
                if record[:2] not in lost:
                    offset = network.broker.append(TP(record.topic, record.partition), record.key, record.value)
                    network.trace.append((loop.time(), who.name, record.topic, record.partition, offset, record.value))
            loop.call_later(dice.expovariate(1 / _MEAN), back, context=who.context)

        def back() -> None:
            for _, answer in sent:
                self._pending.discard(answer)
                if answer.done():
                    continue
                if whole and answered:
                    answer.set_result(0)
                else:
                    answer.set_exception(RequestTimedOutError("not acknowledged"))
                    answer.exception()

        network.later(self._line.delay(network), arrive)


class SimWriter(Writer):
    """The transactional producer of one partition of ``snapshots``."""

    def __init__(self, client: "SimClient", config: TransportConfig, partition: int) -> None:
        self._client, self._network, self._tp = client, client.network, TP(SNAPSHOTS, partition)
        self._id = transactional_id(config, partition)
        self._epoch = -1
        self._closed = self._network.loop.create_future()
        self._closed.add_done_callback(lambda done: done.exception())

    async def start(self) -> tuple[int, int]:
        """See :class:`Writer`."""
        number, self._epoch = await self._ask("fence", self._fencing())
        return number, self._epoch

    def _fencing(self) -> Callable[[], tuple[int, int]]:
        network, tp = self._network, TP(ACTIVITY, self._tp.partition)
        fence = Fence(process(), self._client.owns(tp))

        def arrive() -> tuple[int, int]:
            network.fences[tp] = fence
            return network.broker.initialise(self._id)

        return arrive

    async def begin(self) -> None:
        """See :class:`Writer`."""

    async def append(self, entries: Iterable[Entry]) -> int:
        """See :class:`Writer`."""
        several, broker = list(entries), self._network.broker
        if not several:
            return 0
        await self._ask("snapshot", lambda: broker.write(self._id, self._epoch, self._tp, several))
        return 1

    async def commit(self) -> None:
        """See :class:`Writer`."""
        await self._ask("commit snapshot", lambda: self._network.broker.commit(self._id, self._epoch))

    async def read(self) -> dict[bytes, bytes]:
        """See :class:`Writer`."""
        return await self._ask("read snapshots", lambda: self._network.broker.newest(self._tp.partition))

    async def drop(self) -> None:
        """See :class:`Writer`; who waits hears of it."""
        if not self._closed.done():
            self._closed.set_exception(ProducerClosed("dropped"))
        await asyncio.sleep(0)

    async def _ask(self, what: str, work: Callable[[], T]) -> T:
        asking = asyncio.ensure_future(self._network.ask(what, work))
        try:
            await asyncio.wait([asking, self._closed], return_when=asyncio.FIRST_COMPLETED)
            if self._closed.done():
                self._closed.result()
            return asking.result()
        finally:
            asking.cancel()


class SimClient(Client):
    """One member of a consumer group."""

    def __init__(self, network: Network, group: Group, records_max: int) -> None:
        self.network = self._network = network
        self._group, self._records_max = group, records_max
        self.member, self.generation = "", -1
        self.at: dict[TP, int] = {}
        self._known: dict[TP, tuple[int, float]] = {}
        self._waiter: asyncio.Future[None] | None = None
        self._line = Line()

    def owns(self, tp: TP) -> bool:
        """Whether the group has given the partition to this member, and to no other since; asks the broker's own books."""
        return self.member != "" and self._group.owner(tp) == self.member

    async def fetch(self, wanted: Collection[TP], batches_max: int, wait_seconds: float) -> list[Stretch]:
        """See :class:`Client`."""
        stretches = await self._fetch(wanted, batches_max)
        if stretches:
            return stretches
        loop = self._network.loop
        self._waiter = waiter = loop.create_future()
        news, waiting = self._news(waiter), self._network.broker.waiting
        for tp in wanted:
            waiting[tp].append(news)
        timer = loop.call_later(wait_seconds, self.nudge)
        try:
            await waiter
        finally:
            timer.cancel()
        return await self._fetch(wanted, batches_max)

    def nudge(self) -> None:
        """See :class:`Client`."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def start_at(self, offsets: Mapping[TP, int], generation: int) -> None:
        """See :class:`Client`."""
        if generation != self.generation:
            raise Revoked
        self.at |= offsets

    async def fetch_committed(self, tps: Collection[TP]) -> dict[TP, Committed]:
        """See :class:`Client`."""
        known = self._group.committed
        return await self._network.ask("committed", lambda: {tp: known[tp] for tp in sorted(tps) if tp in known})

    async def borders(self, tps: Collection[TP]) -> dict[TP, tuple[int, int]]:
        """See :class:`Client`."""
        logs = self._network.broker.logs
        return await self._network.ask("borders", lambda: {tp: (0, logs[tp].stable) for tp in sorted(tps)})

    async def store(self, positions: Mapping[TP, Committed], generation: int) -> None:
        """See :class:`Client`."""
        if generation != self.generation:
            raise Revoked
        group, member, loop = self._group, self.member, self._network.loop
        try:
            await self._network.ask(
                "commit", lambda: group.commit(member, generation, positions, loop.time()), self._line
            )
        except (UnknownMemberIdError, IllegalGenerationError) as refused:
            raise Revoked from refused

    async def standings(self) -> dict[TP, Standing]:
        """See :class:`Client`."""
        now = self._network.loop.time()
        return {tp: Standing(end, now - at) for tp, (end, at) in self._known.items() if tp in self.at}

    async def _fetch(self, wanted: Collection[TP], batches_max: int) -> list[Stretch]:
        asked = {tp: self.at[tp] for tp in sorted(wanted) if tp in self.at}
        logs = self._network.broker.logs

        def read() -> dict[TP, tuple[int, list[Record], int]]:
            return {
                tp: (*logs[tp].read(offset, self._records_max), len(logs[tp].entries)) for tp, offset in asked.items()
            }

        found = await self._network.ask("fetch", read)
        now = self._network.loop.time()
        stretches: list[Stretch] = []
        for tp, (next_offset, records, end) in found.items():
            self._known[tp] = end, now
            # Somebody may have sought meanwhile; then this answer is for nobody.
            if next_offset > asked[tp] and self.at.get(tp) == asked[tp] and len(stretches) < batches_max:
                self.at[tp] = next_offset
                stretches.append(Stretch(tp, asked[tp], next_offset, records))
        return stretches

    def _news(self, waiter: asyncio.Future[None]) -> Callable[[], None]:
        loop, who = self._network.loop, process()

        def wake() -> None:
            if not waiter.done():
                waiter.set_result(None)

        def tell() -> None:
            if not waiter.done():
                loop.call_later(self._network.delay(), wake, context=who.context)

        return tell
