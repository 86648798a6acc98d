"""What must hold after any schedule. It knows nothing of faults: it reads the logs, the snapshots and the store."""

from collections.abc import Iterator
from typing import Final

import msgspec

from streams.agents.batch import TP, Record
from streams.agents.roles import TOPICS_OF
from streams.alerts.codec import decode_outcome
from streams.alerts.model import (
    Alert,
    AlertState,
    DeadLetter,
    DeadLetterRetried,
    IngestCount,
    Outcome,
    Position,
    SourceFound,
)
from streams.clock import DAY_MS
from streams.events import Limits, Refused, decode_event
from streams.legs import Mark, unpack
from streams.pipeline import PartitionState, RawRecord, SourceState, step
from streams.pipeline.snapshot import fingerprint, manifest_of, restore
from streams.replay.embedded import Embedded
from streams.settings.topics import ACTIVITY, ALERTS, SOURCES, WATERMARKED
from tests.rig.worlds import programs
from tests.simulation.schedule import PARTITIONS, WIDTHS, Schedule
from tests.simulation.sink import Key, key_of, plain

_encode: Final = msgspec.msgpack.Encoder().encode
_NOWHERE: Final = Position(0, 0, 0)


class Truth:
    """The fold of every partition's log by one thread, and what it says on the way."""

    def __init__(self, schedule: Schedule) -> None:
        self.said: dict[tuple[Key, Position], Outcome] = {}
        self.alerts: dict[tuple[str, Position], Alert] = {}
        self.marks: set[bytes] = set()
        self.sent: set[bytes] = set()
        """Marks that are in the log."""
        self.wrong: list[str] = []
        self.rulesets = {programs().ruleset.digest: programs()}
        for place in range(PARTITIONS):
            self._fold(schedule, place)

    def _fold(self, schedule: Schedule, place: int) -> None:
        records = _records(schedule, ACTIVITY, place)
        state = PartitionState(partition=place, lateness_ms=3 * DAY_MS)
        looks = sorted((each for each in schedule.seen if each.partition == place), key=lambda each: each.offset)
        for record in records:
            while looks and looks[0].offset <= record.offset:
                look = looks.pop(0)
                self._compare(state, look.offset, look.fingerprint, f"the state of {look.whose}")
            self._apply(state, record)
        end = len(schedule.broker.logs[TP(ACTIVITY, place)].entries)
        for look in looks:
            self._compare(state, look.offset, look.fingerprint, f"the state of {look.whose}")
        kept = schedule.broker.newest(place)
        manifest = manifest_of(kept)
        if manifest is not None:
            recovered = restore(kept, manifest, self.rulesets, place)
            for record in records:
                if record.offset >= manifest.offset:
                    recovered.next_offset = record.offset
                    step(recovered, unpack(record.value or b""), self.rulesets)
            recovered.next_offset = end
            self._compare(state, end, fingerprint(recovered), f"what is recovered from offset {manifest.offset}")

    def _apply(self, state: PartitionState, record: Record) -> None:
        state.next_offset = record.offset
        packed = unpack(record.value or b"")
        self.sent |= {_encode(mark) for mark in packed.marks}
        out = step(state, packed, self.rulesets)
        self.marks |= {_encode(mark) for mark in out.marks}
        for outcome in out.outcomes:
            assert not isinstance(outcome, DeadLetter | DeadLetterRetried | SourceFound)
            self.said[key_of(outcome), outcome.revision] = outcome
            if isinstance(outcome, Alert):
                self.alerts[outcome.alert_id, outcome.revision] = outcome

    def _compare(self, state: PartitionState, offset: int, found: str, what: str) -> None:
        state.next_offset = offset
        if fingerprint(state) != found:
            self.wrong.append(f"activity/{state.partition}: {what} at offset {offset} is not the fold of the log")


def judge(schedule: Schedule) -> list[str]:
    """Name everything that is wrong; empty when nothing is."""
    wrong = [*schedule.bugs, *schedule.loop.errors]
    if not schedule.rested and not wrong:
        behind = [each for role, topics in TOPICS_OF.items() for each in schedule.lag(role, topics)]
        wrong.append(f"it did not come to rest at {schedule.loop.time():.1f}: {behind}")
    if wrong:
        return wrong
    truth = Truth(schedule)
    return [*truth.wrong, *_said(schedule, truth), *_stored(schedule, truth), *_standing(schedule), *_books(schedule)]


def _said(schedule: Schedule, truth: Truth) -> Iterator[str]:
    """Everybody who said something said what the fold says, and marks came out as they should."""
    for place in range(PARTITIONS):
        for record in _records(schedule, ALERTS, place):
            outcome = decode_outcome(record.value or b"")
            if isinstance(outcome, DeadLetter | DeadLetterRetried | SourceFound):
                continue
            if truth.said.get((key_of(outcome), outcome.revision)) != plain(outcome):
                yield f"alerts/{place} says what the fold does not: {outcome}"
    for data in truth.marks - truth.sent:
        yield f"a mark was lost: {msgspec.msgpack.decode(data, type=Mark)}"
    for data in truth.sent - truth.marks:
        yield f"a mark that nobody should have sent: {msgspec.msgpack.decode(data, type=Mark)}"


def _stored(schedule: Schedule, truth: Truth) -> Iterator[str]:
    """Every alert with every amendment and withdrawal stands in the store, once, and the newest is the alert."""
    history = schedule.sink.history
    for key in truth.alerts.keys() - history.keys():
        yield f"a revision was lost: {truth.alerts[key]}"
    for key in history.keys() - truth.alerts.keys():
        yield f"a revision too many: {history[key]}"
    newest: dict[str, Alert] = {}
    for _, alert in sorted(truth.alerts.items()):
        newest[alert.alert_id] = alert
    for name, alert in schedule.sink.alerts().items():
        if name in newest and plain(alert) != newest[name]:
            yield f"an older revision stands: {alert}"


def _standing(schedule: Schedule) -> Iterator[str]:
    """What stands in the end is what the embedded run says of the same sources."""
    expected: dict[str, Alert] = {}

    def sink(outcomes: list[Outcome]) -> None:
        expected.update({each.alert_id: each for each in outcomes if isinstance(each, Alert)})

    names = tuple(f"{topic}/{place}" for topic in WATERMARKED for place in range(WIDTHS[topic]))
    embedded = Embedded(programs(), names, sink)
    for topic in SOURCES:
        for place in range(WIDTHS[topic]):
            if found := _records(schedule, topic, place):
                embedded.feed(
                    SourceState(topic, place), [RawRecord(one.offset, one.timestamp_ms, one.value) for one in found]
                )
    embedded.end()
    wanted, stored = _without_positions(expected), _without_positions(schedule.sink.alerts())
    for name in wanted.keys() | stored.keys():
        if wanted.get(name) != stored.get(name):
            yield f"the embedded run says {wanted.get(name)}, the store says {stored.get(name)}"


def _without_positions(alerts: dict[str, Alert]) -> dict[str, Alert]:
    return {
        name: msgspec.structs.replace(alert, revision=_NOWHERE, detected_at=0)
        for name, alert in alerts.items()
        if alert.state is not AlertState.WITHDRAWN
    }


def _books(schedule: Schedule) -> Iterator[str]:
    """Per source partition accepted + refused + duplicate = found; dead letters are exactly the poison."""
    stored = schedule.sink.newest.values()
    letters = {(each.topic, each.partition, each.offset) for each in stored if isinstance(each, DeadLetter)}
    found = {each.source: each.found for each in stored if isinstance(each, SourceFound)}
    counted: dict[str, int] = {}
    for each in stored:
        if isinstance(each, IngestCount):
            total = each.accepted + each.duplicate + sum(each.refused.values())
            counted[each.source] = counted.get(each.source, 0) + total
    poison = set()
    ids = set()
    for topic in SOURCES:
        for place in range(WIDTHS[topic]):
            records = _records(schedule, topic, place)
            name = f"{topic}/{place}"
            if not counted.get(name, 0) == found.get(name, 0) == len(records):
                yield f"{name}: {len(records)} records, {found.get(name)} found, {counted.get(name)} accounted for"
            for record in records:
                try:
                    ids.add(decode_event(record.value, record.timestamp_ms, Limits())[0].event_id)
                except Refused:
                    poison.add((topic, place, record.offset))
    if letters != poison:
        yield f"dead letters {sorted(letters)}, poison {sorted(poison)}"
    accepted = sum(each.accepted for each in stored if isinstance(each, IngestCount))
    if accepted != len(ids):
        yield f"{accepted} events accepted, {len(ids)} were sent"


def _records(schedule: Schedule, topic: str, place: int) -> list[Record]:
    return schedule.broker.logs[TP(topic, place)].read(0, 1 << 30)[1]
