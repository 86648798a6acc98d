"""Detect worker: folds the activity log of its partitions and sends what follows.

State of a partition is the fold of its whole retained log: after an assignment the log is read from its beginning. What was
acknowledged already is not sent again; from there on everything is sent, and a position is acknowledged after its outputs are.
Snapshots will shorten the way to the acknowledged position; ``_start`` is their place.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import msgspec

from streams.agents.app import DeliveryApp, make_app
from streams.agents.batch import TP, Batch
from streams.agents.producer import Outgoing
from streams.agents.roles import Plan
from streams.agents.rulesets import RulesetLibrary
from streams.agents.vitals import measure
from streams.agents.wall import now_ms
from streams.alerts.codec import encode_outcome
from streams.alerts.model import Alert
from streams.legs import FORMAT_VERSION, Mark, Packed, pack, partition_of, unpack
from streams.pipeline import Outputs, PartitionState, step
from streams.settings.topics import ACTIVITY, ALERTS

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Held:
    """One partition in the hands of this worker."""

    state: PartitionState
    acknowledged: int
    """Outputs of records before this offset are out already."""
    unsent: list[Outgoing] = field(default_factory=list)
    recovered: bool = False


class DetectWorker:
    """The detect role in one process."""

    def __init__(self, plan: Plan) -> None:
        """Connects to nothing yet."""
        self.plan = plan
        self.held: dict[TP, Held] = {}
        self.rulesets = RulesetLibrary(plan.bootstrap)
        self.app: DeliveryApp = make_app(plan.transport("detect", (ACTIVITY,)), self._start)
        self.app.attach(self.handle, metrics=plan.metrics)

    @property
    def ready(self) -> bool:
        """Whether every partition held has reached its acknowledged position again."""
        return bool(self.held) and all(held.recovered for held in self.held.values())

    async def _start(self, tps: frozenset[TP]) -> Mapping[TP, int]:
        """Begin with empty state at the beginning of the retained log."""
        committed = await self.app.positions.committed(tps)
        borders = await self.app.positions.borders(tps)
        held = {}
        for tp in tps:
            state = PartitionState(partition=tp.partition, epoch=self.plan.epoch, lateness_ms=self.plan.lateness_ms)
            acknowledged = committed[tp].offset if tp in committed else 0
            held[tp] = Held(state, acknowledged, recovered=borders[tp][0] >= acknowledged)
        self.held = held
        return {tp: borders[tp][0] for tp in tps}

    async def handle(self, batch: Batch) -> None:
        """Apply a batch and send what follows; repeatable: records applied already are skipped, their outputs sent again."""
        held = self.held[batch.tp]
        for record in batch.records:
            if record.offset < held.state.next_offset:
                continue
            if record.value is not None:
                packed = unpack(record.value)
                if packed.control is not None and packed.control.kind == "ruleset":
                    await self.rulesets.load(packed.control.digest)
                    self.app.positions.check(batch.term)
                held.state.next_offset = record.offset
                outputs = step(held.state, packed, self.rulesets)
                if record.offset >= held.acknowledged:
                    held.unsent += self._outgoing(batch.partition, outputs)
            held.state.next_offset = record.offset + 1
            await asyncio.sleep(0)
            self.app.positions.check(batch.term)
        if held.unsent:
            await self.app.sender.send_all(held.unsent)
            held.unsent = []
        self.app.positions.acknowledge(batch.tp, batch.next_offset, term=batch.term)
        if not held.recovered and batch.next_offset >= held.acknowledged:
            held.recovered = True
            logger.info("activity/%d: replayed to offset %d", batch.partition, batch.next_offset)

    def _outgoing(self, partition: int, outputs: Outputs) -> list[Outgoing]:
        """Pack the outputs of one record: outcomes for the store, marks for their partitions."""
        at = now_ms()
        outgoing = []
        for outcome in outputs.outcomes:
            if isinstance(outcome, Alert):
                outcome = msgspec.structs.replace(outcome, detected_at=at)  # noqa: PLW2901
                self.plan.metrics.alerts.labels(outcome.rule_id).inc()
            self.plan.metrics.outcomes.labels(outcome.__struct_config__.tag).inc()
            outgoing.append(Outgoing(ALERTS, partition, None, encode_outcome(outcome)))
        marks: dict[int, list[Mark]] = {}
        for mark in outputs.marks:
            marks.setdefault(partition_of(mark.subject_kind, mark.subject, self.plan.partitions), []).append(mark)
        sender = f"detect/{partition}"
        outgoing += [
            Outgoing(ACTIVITY, place, None, pack(Packed(FORMAT_VERSION, sender, [], several, {})))
            for place, several in sorted(marks.items())
        ]
        return outgoing

    def measure(self, tps: Collection[TP]) -> None:
        """Publish what the states of these partitions say, as far as they are held."""
        for tp in self.held.keys() & tps:
            measure(self.plan.metrics, self.held[tp].state)
