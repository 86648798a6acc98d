"""A worker for the transport tests: writes down every batch it handles and every position it acknowledges.

Run as ``python -m tests.rig.transport_worker JSON``; see :class:`Task`. The journal has one JSON line per happening,
written before the next step, so it is complete up to a kill.
"""

import asyncio
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from streams.agents.app import DeliveryApp, make_app, run_worker
from streams.agents.batch import TP, Batch, Stopped
from streams.agents.config import TransportConfig
from streams.agents.ledger import Ledger
from streams.agents.positions import Stretch
from streams.agents.producer import Outgoing
from streams.agents.transport import BatchConsumer, BatchTransport
from streams.telemetry import setup_logging

TOGGLED = 100
"""How many stretches the flow is suspended among; what comes after lets also the broken build reach the end."""


class Line(msgspec.Struct, omit_defaults=True):
    """One happening: ``batch`` (handled), ``ack``, ``end`` (everything reached) or ``fault``."""

    kind: str
    partition: int = -1
    next_offset: int = 0
    offsets: list[int] = []
    values: list[str] = []
    term: int = 0
    topic: str = ""


class Task(msgspec.Struct, forbid_unknown_fields=True):
    """What the worker does. Times are seconds."""

    prefix: str
    bootstrap: str
    topics: list[str]
    journal: str
    batch_records: int = 200
    commit_seconds: float = 0.2
    session_seconds: float = 6.0
    # Lasting name: the worker keeps its partitions over a restart.
    instance_id: str | None = None
    # Sleep in every batch.
    work_seconds: float = 0.0
    # Suspend the flow before the delivery of every third of the first fetched stretches.
    toggle: bool = False
    # Leave out the seek back: what the tests must notice.
    broken: bool = False
    # Start every partition at the beginning, whatever is committed.
    replay: bool = False
    # Raise a transient fault at this batch (counted from 1), or a bug.
    fault_at: int = 0
    bug_at: int = 0
    # A task beside the agent is cancelled by something inside it, though nobody asked for that.
    stray: bool = False
    # Write each value to this topic before acknowledging.
    copy_to: str = ""


class ToggledConsumer(BatchConsumer):
    """Suspends the flow between the fetch of a stretch and its delivery, and lets it go on a moment later."""

    fetched = 0

    def _admits(self, ledger: Ledger, stretch: Stretch) -> bool:
        self.fetched += 1
        if self.fetched % 3 == 0 and self.fetched < TOGGLED and self.flow_active:
            self.stop_flow()
            asyncio.get_running_loop().call_later(0.003, self._go_on)
        return super()._admits(ledger, stretch)

    def _go_on(self) -> None:
        if not self.app.rebalancing:
            self.resume_flow()


class BrokenConsumer(ToggledConsumer):
    """Drops fetched stretches like the real one but neither goes back nor notices."""

    def _admits(self, ledger: Ledger, stretch: Stretch) -> bool:
        super()._admits(ledger, stretch)
        return self.flow_active and ledger is self._ledger and stretch.tp in ledger.places

    async def _go_back(self, ledger: Ledger, stretch: Stretch) -> None:
        pass


class ToggledTransport(BatchTransport):
    """The transport with the suspended consumer."""

    Consumer = ToggledConsumer


class BrokenTransport(BatchTransport):
    """The transport with the broken consumer."""

    Consumer = BrokenConsumer


class Worker:
    """One app with one handler, as the task says."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.out = Path(task.journal).open("ab", buffering=0)  # noqa: SIM115 - open until the process ends
        setup_logging("INFO", "text")
        config = TransportConfig(
            prefix=task.prefix,
            role="test",
            bootstrap=task.bootstrap,
            topics=tuple(task.topics),
            batch_records_max=task.batch_records,
            commit_seconds=task.commit_seconds,
            session_timeout_seconds=task.session_seconds,
            heartbeat_seconds=0.5,
            instance_id=task.instance_id,
        )
        self.app: DeliveryApp = make_app(config, self.starts if task.replay else None)
        if task.toggle:
            transport = BrokenTransport if task.broken else ToggledTransport
            self.app.transport = transport(self.app.conf.broker_consumer, self.app)
        self.app.attach(self.handle)
        self.seen = 0
        self.app.task(self.watch)
        if task.stray:
            self.app.task(self.cancelled)

    def write(self, line: Line) -> None:
        self.out.write(msgspec.json.encode(line) + b"\n")

    async def starts(self, tps: Collection[TP]) -> Mapping[TP, int]:
        borders = await self.app.positions.borders(tps)
        return {tp: first for tp, (first, _) in borders.items()}

    async def handle(self, batch: Batch) -> None:
        self.seen += 1
        if self.seen == self.task.fault_at:
            self.write(Line("fault", batch.partition, batch.first_offset))
            raise ConnectionError("made by the test")
        if self.seen == self.task.bug_at:
            raise ZeroDivisionError
        if self.task.work_seconds:
            await asyncio.sleep(self.task.work_seconds)
        if self.task.copy_to:
            await self.app.sender.send_all(
                Outgoing(self.task.copy_to, batch.partition, one.key, one.value, one.timestamp_ms)
                for one in batch.records
            )
        values = [(one.value or b"").decode() for one in batch.records]
        offsets = [one.offset for one in batch.records]
        self.write(Line("batch", batch.partition, batch.next_offset, offsets, values, batch.term, topic=batch.topic))
        self.app.positions.check(batch.term)
        self.app.positions.acknowledge(batch.tp, batch.next_offset, f"w{batch.next_offset}", term=batch.term)
        self.write(Line("ack", batch.partition, batch.next_offset, term=batch.term))

    async def cancelled(self) -> None:
        """Wait for a task that somebody else cancels, as a client's may be."""
        inner = asyncio.create_task(asyncio.sleep(60))
        asyncio.get_running_loop().call_later(0.5, inner.cancel)
        await inner

    async def watch(self) -> None:
        """Say once per term that everything was reached."""
        told = 0
        while not self.app.should_stop:
            await asyncio.sleep(0.1)
            try:
                ends = await self.app.positions.ends()
            except Stopped:
                return
            term = self.app.positions._ledger.term
            if ends and term != told and all(end.reached(1.0) and end.lag == 0 for end in ends.values()):
                told = term
                self.write(Line("end", len(ends), term=term))


def main() -> None:
    """Run until a signal comes."""
    run_worker(Worker(msgspec.json.decode(sys.argv[1].encode(), type=Task)).app)


if __name__ == "__main__":
    main()
