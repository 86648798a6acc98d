"""An event is counted once however often it is told: for as long as an event of today is remembered, and over a snapshot too."""

from typing import Final

import pytest

from streams.clock import DAY_MS, HOUR_MS
from streams.legs import FORMAT_VERSION, Control, Packed
from streams.pipeline import Intake, PartitionState, RawRecord, SourceState, step
from streams.pipeline.snapshot import SnapshotWriter, fingerprint, manifest_of, restore
from tests.rig.samples import ACCOUNT, PAYMENT, RECEIVED_MS, changed
from tests.rig.worlds import programs

OLD: Final = changed(ACCOUNT, event_time="2011-01-01T00:00:00Z", valid_from="2011-01-01T00:00:00Z")
"""Reference data tells of long ago, and is news all the same."""
RULESETS: Final = {programs().ruleset.digest: programs()}
SOURCE: Final = "payments/0"


def told(value: bytes, offset: int, topic: str = "accounts") -> Packed:
    source = SourceState(topic, 0)
    legs = Intake().take(source, [RawRecord(offset, RECEIVED_MS, value)]).legs[0]
    return Packed(FORMAT_VERSION, "intake", legs, [], {})


def watermark(time: int) -> Packed:
    return Packed(FORMAT_VERSION, "intake", [], [], {SOURCE: time})


def begun() -> PartitionState:
    state = PartitionState(lateness_ms=DAY_MS)
    step(state, Packed(FORMAT_VERSION, "test", [], [], {}, Control("sources", names=(SOURCE,))), RULESETS)
    step(state, Packed(FORMAT_VERSION, "test", [], [], {}, Control("ruleset", programs().ruleset.digest, 0)), RULESETS)
    return state


def recovered(state: PartitionState, writer: SnapshotWriter, kept: dict[bytes, bytes]) -> PartitionState:
    cut = writer.cut(state.next_offset)
    for key, value in cut.drain(1 << 30):
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = value
    cut.committed()
    manifest = manifest_of(kept)
    assert manifest is not None
    return restore(kept, manifest, RULESETS, 0)


@pytest.mark.parametrize("before_the_first_watermark", [True, False])
def test_reference_data_of_long_ago_told_again_after_a_sweep_is_counted_once(
    *, before_the_first_watermark: bool
) -> None:
    state = begun()
    writer = SnapshotWriter(state, [], 0)
    if not before_the_first_watermark:
        step(state, watermark(RECEIVED_MS), RULESETS)
    step(state, told(OLD, 7), RULESETS)
    kept: dict[bytes, bytes] = {}
    recovered(state, writer, kept)
    for day in range(20):
        step(state, watermark(RECEIVED_MS + day * DAY_MS), RULESETS)
    again = recovered(state, writer, kept)
    assert fingerprint(again) == fingerprint(state)
    for each in (state, again):
        step(each, told(OLD, 7), RULESETS)
        assert each.accounting.counts["accounts/0"].accepted == 1


def test_it_is_forgotten_in_the_end() -> None:
    state = begun()
    step(state, told(OLD, 7), RULESETS)
    for day in range(400):
        step(state, watermark(RECEIVED_MS + day * DAY_MS), RULESETS)
    assert state.accounting.events == {}
    assert state.accounting.hours == {}


def test_events_of_the_hour_in_which_a_sweep_falls_are_in_the_snapshot() -> None:
    state = begun()
    writer = SnapshotWriter(state, [], 0)
    kept: dict[bytes, bytes] = {}
    step(state, watermark(RECEIVED_MS), RULESETS)
    at = RECEIVED_MS - RECEIVED_MS % HOUR_MS
    early = "2026-01-02T00:10:00Z"
    times = dict.fromkeys(("event_time", "initiated_at", "accepted_at", "settled_at"), early)
    step(state, told(changed(PAYMENT, **times), 1, "payments"), RULESETS)
    recovered(state, writer, kept)
    reach = state.schedule.reach_ms + state.lateness_ms
    step(state, watermark(at + reach + HOUR_MS // 2), RULESETS)
    assert fingerprint(recovered(state, writer, kept)) == fingerprint(state)
