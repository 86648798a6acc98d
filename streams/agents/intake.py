"""Intake worker: source topics to the activity log.

A source offset is acknowledged only after its legs are; the source's watermark travels in the committed offset's metadata, so
that a redelivery judges lateness alike. Once a second every activity partition hears the watermarks of the sources held here.
"""

import asyncio
import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Final

import msgspec

from streams.agents.activity import activity_records
from streams.agents.batch import TP, Batch, Committed, Record, Revoked
from streams.agents.delivery import Delivery
from streams.agents.producer import Outgoing
from streams.agents.retry import TRANSIENT
from streams.agents.roles import Plan
from streams.agents.topics import DEAD_LETTER_BYTES_MAX
from streams.agents.wall import now_ms
from streams.alerts.codec import encode_outcome
from streams.alerts.model import DeadLetter
from streams.clock import MINUTE_MS
from streams.errors import FormatError
from streams.legs import FORMAT_VERSION, Leg, Packed
from streams.pipeline import RawRecord, SourceState
from streams.settings.topics import ALERTS, DEAD_LETTERS, RETRY_HEADER, WATERMARKED

logger = logging.getLogger(__name__)
TICK_SECONDS = 1.0
_MEMORY: Final = "v1"
"""Format of what is kept in the metadata of a committed offset."""
_MADE_UP_FOR: tuple[type[Exception], ...] = (*TRANSIENT, Revoked)


class IntakeWorker:
    """The intake role in one process."""

    def __init__(self, plan: Plan, app: Delivery) -> None:
        """``app`` reads the topics SOURCES."""
        self.plan, self.app = plan, app
        self.states: dict[TP, SourceState] = {}
        self.told: dict[str, int] = {}
        self.told_found: dict[str, int] = {}
        app.start_offsets = self._start
        app.attach(self.handle, metrics=plan.metrics)
        app.task(self._tick_for_ever)
        app.last_words = self._tell_found

    async def _start(self, tps: Collection[TP]) -> Mapping[TP, int]:
        """Take the watermark of each source partition from the metadata of its committed offset."""
        committed = await self.app.positions.committed(tps)
        self.states = {tp: self._recall(tp, committed.get(tp)) for tp in tps}
        self.told, self.told_found = {}, {}
        return {}

    async def handle(self, batch: Batch) -> None:
        """Take a batch in; repeatable, since nothing is kept before everything is acknowledged."""
        before = self.states[batch.tp]
        source = replace(before, lost=before.lost + batch.lost)
        records = [RawRecord(one.offset, one.timestamp_ms, one.value, _retried(one)) for one in batch.records]
        taken = self.plan.intake.take(source, records)
        watermarks = {source.name: source.watermark} if batch.topic in WATERMARKED else {}
        outgoing = [one for place, legs in taken.legs.items() for one in _activity(place, legs, watermarks)]
        by_offset = {one.offset: one for one in batch.records}
        for letter in taken.dead_letters:
            raw = by_offset[letter.offset]
            outgoing.append(
                Outgoing(DEAD_LETTERS, 0, _place_of(letter), raw.value and raw.value[:DEAD_LETTER_BYTES_MAX])
            )
            outgoing.append(Outgoing(ALERTS, batch.partition % self.plan.partitions, None, encode_outcome(letter)))
        await self.app.sender.send_all(outgoing)
        self.app.positions.acknowledge(batch.tp, batch.next_offset, self._remember(source), term=batch.term)
        self.states[batch.tp] = source
        for letter in taken.dead_letters:
            self.plan.metrics.refused.labels(letter.refusal).inc()
            self.plan.metrics.dead_letters.inc()
            self.plan.metrics.outcomes.labels("dead_letter").inc()

    def measure(self, tps: Collection[TP]) -> None:
        """Publish how many records were found in these source partitions."""
        for tp in self.states.keys() & tps:
            state = self.states[tp]
            self.plan.metrics.found.put(tp.topic, tp.partition, (state.name,), state.found)
            self.plan.metrics.lost.put(tp.topic, tp.partition, (state.name,), state.lost)

    def _remember(self, source: SourceState) -> str:
        """Write what must come with the committed offset, so that whoever reads on judges and counts alike."""
        return f"{_MEMORY} {source.watermark} {self.plan.epoch} {source.first_offset} {source.found} {source.lost}"

    def _recall(self, tp: TP, committed: Committed | None) -> SourceState:
        """Read it back; a new activity log (epoch) counts anew, as its accounting does."""
        if committed is None or not committed.metadata:
            return SourceState(tp.topic, tp.partition)
        version, _, numbers = committed.metadata.partition(" ")
        if version != _MEMORY:
            raise FormatError(
                f"{tp.topic}/{tp.partition}: the committed offset carries a memory of format {version!r}, and this program reads "
                f"{_MEMORY}: start the version that wrote it, or a newer one"
            )
        watermark, epoch, first_offset, found, lost = map(int, numbers.split())
        if epoch != self.plan.epoch:
            first_offset = found = lost = 0
        return SourceState(tp.topic, tp.partition, watermark, first_offset, committed.offset, found, lost)

    async def _tick_for_ever(self) -> None:
        while not self.app.should_stop:
            await asyncio.sleep(TICK_SECONDS)
            try:
                await self._tell_watermarks()
                await self._tell_found()
            except _MADE_UP_FOR as fault:
                logger.warning("tick not sent, the next one makes up for it: %r", fault)

    async def _tell_watermarks(self) -> None:
        """Tell every activity partition how far the sources are; an idle source follows the wall clock less a minute."""
        watermarks = {}
        ends = {} if self.plan.history else await self.app.positions.ends()
        states = dict(self.states)
        for tp, state in states.items():
            if tp.topic in WATERMARKED:
                time = state.watermark
                if tp in ends and ends[tp].reached(self.plan.idle_seconds):
                    time = max(time, now_ms() - MINUTE_MS)
                if time > self.told.get(state.name, -(1 << 60)):
                    watermarks[state.name] = time
        if watermarks:
            await self.app.sender.send_all(
                one for place in range(self.plan.partitions) for one in _activity(place, [], watermarks)
            )
            self.told |= watermarks

    async def _tell_found(self) -> None:
        """Tell the store, past the activity log, how many records were found; absolute, so that the last word counts."""
        news = {
            tp: state for tp, state in self.states.items() if state.found != self.told_found.get(state.name, 0)
        }  # fmt: skip
        if news:
            await self.app.sender.send_all(
                Outgoing(ALERTS, tp.partition % self.plan.partitions, None, encode_outcome(state.told(self.plan.epoch)))
                for tp, state in news.items()
            )
            self.told_found |= {state.name: state.found for state in news.values()}
            self.plan.metrics.outcomes.labels("source_found").inc(len(news))


def _activity(place: int, legs: list[Leg], watermarks: dict[str, int]) -> Iterator[Outgoing]:
    return activity_records(place, Packed(FORMAT_VERSION, "intake", legs, [], watermarks))


def _retried(record: Record) -> bool:
    return bool(record.headers) and any(name == RETRY_HEADER for name, _ in record.headers)


def _place_of(letter: DeadLetter) -> bytes:
    return msgspec.json.encode({"topic": letter.topic, "partition": letter.partition, "offset": letter.offset})
