"""Who holds the watermark is told when the minute or the holder changes, by whoever reads the log, and not at every tick."""

from streams.alerts.model import Position, Watermark
from streams.clock import MINUTE_MS
from streams.legs import FORMAT_VERSION, Control, Packed
from streams.pipeline import PartitionState, step

A, B = "payments/0", "payments/1"
NOON = 1_772_366_400_000


def told(state: PartitionState, watermarks: dict[str, int], control: Control | None = None) -> list[Watermark]:
    """Apply a record that carries only this and give what it says of the watermark."""
    outputs = step(state, Packed(FORMAT_VERSION, "intake", [], [], watermarks, control), {})
    return [each for each in outputs.outcomes if isinstance(each, Watermark)]


def test_a_source_never_heard_of_holds_the_watermark() -> None:
    state = PartitionState(partition=3)
    [news] = told(state, {}, Control("sources", names=(A, B)))
    assert (news.partition, news.time, news.held_by, news.furthest) == (3, None, A, None)
    [news] = told(state, {A: NOON})
    assert (news.time, news.held_by, news.furthest) == (None, B, NOON)


def test_within_a_minute_of_one_holder_nothing_is_told() -> None:
    state = PartitionState()
    told(state, {}, Control("sources", names=(A, B)))
    assert [(n.time, n.held_by) for n in told(state, {A: NOON + 5_000, B: NOON + 9_000})] == [(NOON + 5_000, A)]
    assert told(state, {A: NOON + 8_000}) == []
    # B falls behind within the same minute: the holder is news
    assert [(n.time, n.held_by, n.furthest) for n in told(state, {A: NOON + 40_000})] == [
        (NOON + 9_000, B, NOON + 40_000)
    ]
    assert told(state, {A: NOON + 10 * MINUTE_MS}) == []
    assert [n.held_by for n in told(state, {B: NOON + MINUTE_MS})] == [B]


def test_a_source_that_is_taken_out_of_the_set_lets_go_of_the_watermark() -> None:
    state = PartitionState()
    told(state, {}, Control("sources", names=(A, B)))
    told(state, {A: NOON, B: NOON + MINUTE_MS})
    assert [n.held_by for n in told(state, {}, Control("sources", names=(B,)))] == [B]


def test_it_carries_the_position_of_its_record() -> None:
    state = PartitionState(epoch=2, next_offset=41)
    [news] = told(state, {A: NOON})
    assert news.revision[:2] == (2, 41)
    assert news.revision > Position(2, 41, 0)
