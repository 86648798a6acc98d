"""Detect worker: folds the activity log of its partitions and sends what follows.

State of a partition is the fold of its whole log. After an assignment the newest snapshot is read and the log from there on; what
was acknowledged already is not sent again, from there on everything is, and a position is acknowledged after its outputs are.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from streams.agents.batch import TP, Batch, Record
from streams.agents.delivery import Delivery
from streams.agents.keeper import Keeper
from streams.agents.outbox import Outbox
from streams.agents.retry import die
from streams.agents.roles import Plan
from streams.agents.vitals import measure
from streams.errors import EngineError, FormatError, LogError, ZombieError
from streams.legs import FORMAT_VERSION, Packed, unpack
from streams.pipeline import WHOLE, PartitionState, step

logger = logging.getLogger(__name__)
SNAPSHOT_PAUSE_SECONDS = 0.2
LAST_SNAPSHOT_SECONDS_MAX = 60
WORK_SECONDS_MAX = 0.01
"""After so long the event loop has its turn: heartbeats, health, snapshots."""
_ADVICE: Final = (
    "what lies between is lost: raise activity_retention_ms before the next outage, and feed the sources again"
)


@dataclass(slots=True)
class Held:
    """One partition in the hands of this worker."""

    state: PartitionState
    acknowledged: int
    """Outputs of records before this offset are out already."""
    keeper: Keeper
    unsent: Outbox
    term: int
    """The assignment that gave it to us."""
    recovered: bool = False
    settled: bool = True
    """No batch is in hand: the state stands where all outputs are acknowledged."""


class DetectWorker:
    """The detect role in one process."""

    def __init__(self, plan: Plan, app: Delivery) -> None:
        """``app`` reads the topic ACTIVITY."""
        self.plan, self.app = plan, app
        self.held: dict[TP, Held] = {}
        self.rulesets = app.rulesets(plan.metrics)
        app.start_offsets = self._start
        app.attach(self.handle, metrics=plan.metrics)
        app.task(self._snapshot_for_ever)
        app.at_stop = self._close
        app.last_words = self._save

    @property
    def ready(self) -> bool:
        """Whether every partition held has reached its acknowledged position again."""
        return bool(self.held) and all(held.recovered for held in self.held.values())

    async def _start(self, tps: Collection[TP]) -> Mapping[TP, int]:
        """Recover every partition; gives where reading goes on."""
        positions = self.app.positions
        term = positions.ledger.term
        await self._close()
        committed = await positions.committed(tps)
        borders = await positions.borders(tps)
        keepers = {
            tp: Keeper(
                self.app.snapshots(tp.partition),
                self.rulesets,
                self.plan.snapshot_seconds,
                partial(positions.prove, tp, term),
            )
            for tp in tps
        }
        try:
            states = dict(
                zip(
                    tps,
                    await asyncio.gather(*(self._recover(tp, keepers[tp], borders[tp][0]) for tp in tps)),
                    strict=True,
                )
            )
        except BaseException:
            await asyncio.gather(*(keeper.close() for keeper in keepers.values()))
            raise
        for tp, (state, known) in states.items():
            first = borders[tp][0]
            if state.next_offset < first:
                raise LogError(
                    f"activity/{tp.partition}: the log begins at {first}, after the newest snapshot ({state.next_offset}); "
                    f"{_ADVICE}"
                )
            acknowledged = max(known, committed[tp].offset if tp in committed else 0)
            recovered = state.next_offset >= acknowledged
            unsent = Outbox(tp.partition, self.plan.partitions, self.plan.metrics)
            self.held[tp] = Held(state, acknowledged, keepers[tp], unsent, term, recovered=recovered)
        return {tp: held.state.next_offset for tp, held in self.held.items()}

    async def _recover(self, tp: TP, keeper: Keeper, log_begins: int) -> tuple[PartitionState, int]:
        blank = PartitionState(partition=tp.partition, epoch=self.plan.epoch, lateness_ms=self.plan.lateness_ms)
        return await keeper.recover(blank, log_begins)

    async def _close(self) -> None:
        held, self.held = self.held, {}
        await asyncio.gather(*(each.keeper.close() for each in held.values()))

    async def _snapshot_for_ever(self) -> None:
        """Write snapshots beside the work, a few milliseconds at a time."""
        while not self.app.should_stop:
            more = False
            for tp, held in list(self.held.items()):
                if not self._ours(tp, held):
                    continue  # a writer that is opened again now would fence the partition's next owner
                if held.settled and held.recovered:
                    held.keeper.begin(held.state.next_offset)
                try:
                    more |= await held.keeper.work()
                except ZombieError as error:
                    # Once the term is over this is no news: the next assignment begins with writers of its own.
                    if self._ours(tp, held):
                        die("snapshot", error)
            await asyncio.sleep(0 if more else SNAPSHOT_PAUSE_SECONDS)

    def _ours(self, tp: TP, held: Held) -> bool:
        """Whether the partition is held in the present term, which has begun; as far as this worker knows."""
        ledger = self.app.positions.ledger
        here = self.held.get(tp) is held and ledger.term == held.term
        return here and ledger.started and not ledger.ended.is_set()

    async def _save(self) -> None:
        """Have a snapshot written of where each partition stands, so that whoever comes next has nothing to evaluate again."""
        targets = {tp: held.state.next_offset for tp, held in self.held.items() if held.settled}
        for tp in targets:
            self.held[tp].keeper.hurry()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_SNAPSHOT_SECONDS_MAX):
                while any(  # noqa: ASYNC110  another task writes; who waits is about to leave
                    tp in self.held and not self.held[tp].keeper.saved(at) for tp, at in targets.items()
                ):
                    await asyncio.sleep(SNAPSHOT_PAUSE_SECONDS)

    async def handle(self, batch: Batch) -> None:
        """Apply a batch and send what follows; repeatable: records applied already are skipped, outputs not acknowledged are sent.

        Raises LogError for a batch before which records were deleted: what is folded over a gap is no state of this log.
        """
        if batch.lost:
            raise LogError(
                f"activity/{batch.partition}: {batch.lost} offsets before {batch.first_offset} were deleted before they were read; "
                f"{_ADVICE}"
            )
        held = self.held[batch.tp]
        held.settled = False
        clock = asyncio.get_running_loop().time
        pause_at = clock() + WORK_SECONDS_MAX
        for record in batch.records:
            if record.offset < held.state.next_offset:
                continue
            if record.value is not None:
                held.state.next_offset = record.offset
                try:
                    outputs = step(held.state, await self._unpack(held, record, batch.term), self.rulesets)
                except EngineError as error:
                    await held.keeper.leave_attempt(error)
                    raise
                held.keeper.spool()
                if record.offset >= held.acknowledged:
                    held.unsent.add(outputs)
            held.state.next_offset = record.offset + 1
            if clock() > pause_at:
                await asyncio.sleep(0)
                self.app.positions.check(batch.term)
                pause_at = clock() + WORK_SECONDS_MAX
        while outgoing := held.unsent.records():
            await self.app.sender.send_all(outgoing)
            held.unsent.clear()
            self.app.positions.check(batch.term)
        self.app.positions.acknowledge(batch.tp, batch.next_offset, term=batch.term)
        held.state.next_offset = max(held.state.next_offset, batch.next_offset)
        held.settled = True
        if not held.recovered and batch.next_offset >= held.acknowledged:
            held.recovered = True
            logger.info("activity/%d: replayed to offset %d", batch.partition, batch.next_offset)
        if held.recovered:
            held.keeper.begin(batch.next_offset)

    async def _unpack(self, held: Held, record: Record, term: int) -> Packed:
        """Read a record of the log, with its ruleset if it puts one in force. Raises EngineError for one that is none of ours."""
        assert record.value is not None  # noqa: S101  the caller looked
        if (record.offset, *WHOLE) in held.state.skips:
            return Packed(FORMAT_VERSION, "", [], [], {})
        try:
            packed = unpack(record.value)
        except FormatError:
            raise
        except LogError as error:
            raise EngineError(record.offset, *WHOLE, error) from error
        if packed.control is not None and packed.control.kind == "ruleset":
            await self.rulesets.load(packed.control.digest)
            self.app.positions.check(term)
        return packed

    def measure(self, tps: Collection[TP]) -> None:
        """Publish what the states of these partitions say, as far as they are held."""
        for tp in self.held.keys() & tps:
            held = self.held[tp]
            measure(self.plan.metrics, held.state, held.keeper.age_seconds())
