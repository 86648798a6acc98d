"""One simulated process of a role: the product's worker, its positions, its guard and its sender, on the simulated cluster.

What stands here is what Faust does in the live worker: it joins the group, hands batches to the agent one after the other, runs the
tasks, and ends the process when one of them fails.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from aiokafka.errors import IllegalGenerationError, KafkaError, UnknownMemberIdError

from streams.agents.batch import TP, Batch, Revoked
from streams.agents.config import TransportConfig
from streams.agents.delivery import Handle
from streams.agents.guard import AgentGuard
from streams.agents.positions import FAULT_PAUSE_SECONDS, Positions, StartOffsets
from streams.agents.producer import Sender
from streams.agents.retry import die
from streams.agents.rulesets import RulesetLibrary
from streams.agents.snapshots import SnapshotTopic
from streams.detection.program import Programs
from streams.errors import ServiceError
from streams.telemetry.metrics import Metrics
from tests.simulation.broker import Group
from tests.simulation.loop import leave, process
from tests.simulation.network import Network, SimClient, SimProducer, SimWriter

EXIT_STOPPED: Final = 0


class Library(RulesetLibrary):
    """Rulesets compiled once for all schedules; to load one takes a way to the broker all the same."""

    def __init__(self, network: Network, config: TransportConfig, metrics: Metrics, known: dict[str, Programs]) -> None:
        super().__init__(config, metrics)
        self._network, self._known = network, known

    async def load(self, digest: str) -> None:
        """See :class:`RulesetLibrary`."""
        if digest not in self:
            await asyncio.sleep(self._network.delay())
            self[digest] = self._known[digest]


class SimPositions(Positions):
    """The product's positions; batches go to the agent through a queue, as in Faust."""

    def __init__(self, config: TransportConfig, client: SimClient) -> None:
        self._config, self.client, self.sim = config, client, client
        self.queue: asyncio.Queue[Batch] = asyncio.Queue()
        self.flow = False
        self.prepare()

    @property
    def config(self) -> TransportConfig:
        """See :class:`Positions`."""
        return self._config

    def wanted(self) -> Collection[TP]:
        """See :class:`Positions`."""
        return sorted(self.sim.at)

    def flowing(self) -> bool:
        """See :class:`Positions`."""
        return self.flow

    async def hand_over(self, batch: Batch, generation: int) -> None:  # noqa: ARG002 - Faust's messages carry it
        """See :class:`Positions`."""
        self.queue.put_nowait(batch)


class SimApp:
    """One process; see ``streams.agents.delivery.Delivery``."""

    def __init__(self, network: Network, config: TransportConfig, known: dict[str, Programs]) -> None:
        self._network, self._config, self._known = network, config, known
        self._group: Group = network.broker.groups[config.group]
        self.sender = Sender(config, lambda _config: SimProducer(network))
        self.client = SimClient(network, self._group, config.batch_records_max)
        self.positions: Positions
        self._own = self.positions = SimPositions(config, self.client)
        self.start_offsets: StartOffsets | None = None
        self.at_stop: Callable[[], Awaitable[None]] | None = None
        self.last_words: Callable[[], Awaitable[None]] | None = None
        self.should_stop = False
        self._moved = asyncio.Event()
        self._guard: AgentGuard | None = None
        self._tasks: list[Callable[[], Awaitable[None]]] = []

    def attach(self, handle: Handle, *, metrics: Metrics) -> None:
        """See :class:`Delivery`."""
        self._guard = AgentGuard(handle, metrics=metrics)

    def task(self, fun: Callable[[], Awaitable[None]]) -> object:
        """See :class:`Delivery`."""
        self._tasks.append(fun)
        return fun

    def rulesets(self, metrics: Metrics) -> RulesetLibrary:
        """See :class:`Delivery`."""
        return Library(self._network, self._config, metrics, self._known)

    def snapshots(self, partition: int) -> SnapshotTopic:
        """See :class:`Delivery`."""
        return SnapshotTopic(self._config, partition, lambda config, place: SimWriter(self.client, config, place))

    def fenced_in_vain(self) -> str:
        """Say who took this process's place as a writer and had lost the partition, which is this one's; empty when nobody did."""
        for tp, fence in sorted(self._network.fences.items()):
            if fence.whose is not process() and not fence.owned and self.client.owns(tp):
                return f"{process()} owns {tp.topic}/{tp.partition} and was fenced by {fence.whose}, who had lost it"
        return ""

    # -- the life of the process

    async def run(self, name: str) -> None:
        """Work until the process ends."""
        self._own.start_offsets = self.start_offsets
        for each in (*self._tasks, self._work, self._drain, self._commit, self._beat):
            asyncio.create_task(self._watched(each))  # noqa: RUF006 - the loop keeps the tasks of a process
        await self._watched(lambda: self._belong(name))

    async def stop(self) -> None:
        """End as after SIGTERM: finish the batch in hand, commit, leave the group."""
        self.should_stop = True
        await self._own.settle()
        self._own.flow = False
        self._own.ended.set()
        await self.sender.close()
        if self.at_stop is not None:
            await self.at_stop()
        member, now = self.client.member, self._network.loop.time
        with contextlib.suppress(KafkaError):
            await self._network.ask("leave", lambda: self._group.leave(member, now()))
        leave(EXIT_STOPPED)

    async def _watched(self, fun: Callable[[], Awaitable[None]]) -> None:
        """End the process when a task fails, as Faust does."""
        try:
            await fun()
        except asyncio.CancelledError:
            raise
        except Exception as bug:  # noqa: BLE001 - whatever it is
            die(f"{fun}", bug)

    async def _belong(self, name: str) -> None:
        """Be a member of the group, generation after generation."""
        positions, client = self._own, self.client
        number = 0
        while not self.should_stop:
            if not client.member:
                number += 1
                client.member = f"{name}/{number}"
            try:
                generation, tps = await self._join(client.member)
            except KafkaError:
                await asyncio.sleep(0.1)
                continue
            self._moved.clear()
            client.generation, client.at = generation, {}
            positions.begin_term(tps, generation)
            positions.flow = True
            opening = asyncio.create_task(self._open())
            await self._moved.wait()
            await positions.end_term()
            positions.flow = False
            await opening

    async def _join(self, member: str) -> tuple[int, list[TP]]:
        loop = self._network.loop
        answer: asyncio.Future[tuple[int, list[TP]]] = loop.create_future()
        context = process().context

        def joined(generation: int, tps: list[TP]) -> None:
            loop.call_later(self._network.delay(), tell, generation, tps, context=context)

        def tell(generation: int, tps: list[TP]) -> None:
            if not answer.done():
                answer.set_result((generation, tps))

        await self._network.ask("join", lambda: self._group.join(member, joined, loop.time()))
        return await answer

    async def _open(self) -> None:
        await self._own.open_term()
        await self._own.go_to_start()

    async def _beat(self) -> None:
        """Tell the coordinator that we live; hear from it that the group moves."""
        client, now = self.client, self._network.loop.time
        while True:
            await asyncio.sleep(self._config.heartbeat_seconds)
            member, generation = client.member, client.generation
            if generation < 0:
                continue
            try:
                moves = await self._network.ask("beat", lambda: self._group.heartbeat(member, generation, now()))  # noqa: B023 - awaited here
            except (UnknownMemberIdError, IllegalGenerationError):
                if member == client.member and generation == client.generation:
                    client.member, client.generation = "", -1
                    self._moved.set()
            except KafkaError:
                continue
            else:
                if moves and generation == client.generation:
                    self._moved.set()

    async def _work(self) -> None:
        assert self._guard is not None
        while True:
            await self._guard.handle(await self._own.queue.get(), self._own)

    async def _drain(self) -> None:
        while not self.should_stop:
            try:
                if self._own.flow:
                    await self._own.deliver_some()
                else:
                    await asyncio.sleep(FAULT_PAUSE_SECONDS)
            except TimeoutError:
                continue
            except KafkaError:
                await asyncio.sleep(FAULT_PAUSE_SECONDS)

    async def _commit(self) -> None:
        while not self.should_stop:
            await asyncio.sleep(self._config.commit_seconds)
            try:
                await self._own.commit_acknowledged()
            except (Revoked, ServiceError):
                continue
