"""What detect says after a stretch of the log: together, in order, and only what is still news."""

from streams.agents.outbox import BYTES_MAX, MARKS_MAX, RECORDS_MAX, Outbox
from streams.agents.producer import Outgoing
from streams.alerts.codec import decode_outcome
from streams.alerts.model import Alert, IngestCount, Outcome, Position, RuleCount, Watermark
from streams.legs import Mark, SubjectKind, partition_of, unpack
from streams.pipeline import Outputs
from streams.settings.topics import ACTIVITY, ALERTS
from streams.telemetry.metrics import Metrics
from tests.unit.store.samples import mule_alert

PARTITIONS = 4


def mark(number: int, offset: int = 1) -> Mark:
    return Mark(SubjectKind.ACCOUNT, f"account-{number}", "key", (1, offset, number), None)


def counted(accepted: int, offset: int, source: str = "payments/0") -> IngestCount:
    return IngestCount(source, 2, Position(1, offset, 0), accepted, 0, 0, 0, {})


def outbox(*outputs: Outputs) -> Outbox:
    box = Outbox(2, PARTITIONS, Metrics())
    for each in outputs:
        box.add(each)
    return box


def outcomes(records: list[Outgoing]) -> list[Outcome]:
    return [decode_outcome(one.value) for one in records if one.topic == ALERTS and one.value is not None]


def marks(records: list[Outgoing]) -> dict[int, list[Mark]]:
    """By partition; a partition that gets two records is not expected."""
    packed = [(one.partition, one.value) for one in records if one.topic == ACTIVITY and one.value is not None]
    assert len({place for place, _ in packed}) == len(packed)
    return {place: unpack(value).marks for place, value in packed}


def test_marks_of_several_records_travel_together_to_their_partition_in_their_order() -> None:
    sent = [mark(number, offset) for offset in range(3) for number in range(8)]
    found = marks(outbox(*(Outputs([], sent[at : at + 8]) for at in (0, 8, 16))).records())
    assert found == {
        place: [one for one in sent if partition_of(one.subject_kind, one.subject, PARTITIONS) == place]
        for place in found
    }
    assert sum(map(len, found.values())) == len(sent)


def test_a_record_of_the_log_holds_a_bounded_number_of_marks() -> None:
    many = [mark(0, offset) for offset in range(2 * MARKS_MAX + 1)]
    records = outbox(Outputs([], many)).records()
    sizes = [len(unpack(one.value).marks) for one in records if one.value is not None]
    assert sizes == [MARKS_MAX, MARKS_MAX, 1]
    assert [one for record in records for one in unpack(record.value or b"").marks] == many


def test_of_counts_only_the_newest_goes_out() -> None:
    first, other, newest = counted(1, 5), counted(7, 6, "payments/1"), counted(3, 7)
    undecided = [RuleCount("r", 2, Position(1, offset, 1), {"why": offset}, 0) for offset in (5, 7)]
    marks_ = [Watermark(2, Position(1, offset, 2), offset, "payments/0", offset) for offset in (5, 7)]
    said: list[Outcome] = [first, other, newest, *undecided, *marks_]
    found = outcomes(outbox(*(Outputs([one], []) for one in said)).records())
    assert sorted(found, key=repr) == sorted([other, newest, undecided[1], marks_[1]], key=repr)


def test_every_revision_of_an_alert_goes_out_in_order_with_the_time_of_its_detection() -> None:
    sent = [mule_alert(offset=offset, hits=offset, detected_at=0) for offset in (5, 6, 7)]
    found = outcomes(outbox(*(Outputs([one], []) for one in sent)).records())
    alerts = [one for one in found if isinstance(one, Alert)]
    assert [one.revision.offset for one in alerts] == [5, 6, 7]
    assert all(one.detected_at > 1_700_000_000_000 for one in alerts)


def test_what_was_not_acknowledged_is_said_again_and_then_no_more() -> None:
    box = outbox(Outputs([mule_alert(), counted(1, 5)], [mark(1), mark(2)]))
    again = box.records()
    assert again == box.records()
    assert again
    box.clear()
    assert box.records() == []


def emptied(box: Outbox) -> list[list[Outgoing]]:
    pieces = []
    while records := box.records():
        pieces.append(records)
        box.clear()
    return pieces


def test_much_goes_out_in_pieces_with_nothing_left_out_and_nothing_twice() -> None:
    alerts = [mule_alert(offset=number) for number in range(RECORDS_MAX + 1)]
    counts = [counted(1, 5, f"payments/{number}") for number in range(RECORDS_MAX - 2)]
    many = [mark(number % 3) for number in range(3 * MARKS_MAX + 7)]
    said: list[Outcome] = [*alerts, *counts]
    whole = outbox(Outputs(said, many))
    pieces = emptied(whole)
    assert [len(piece) for piece in pieces][:2] == [RECORDS_MAX, RECORDS_MAX]
    assert 2 <= len(pieces) <= 3
    flat = [record for piece in pieces for record in piece]
    found = outcomes(flat)
    assert [one.revision for one in found if isinstance(one, Alert)] == [one.revision for one in alerts]
    assert [one for one in found if isinstance(one, IngestCount)] == counts
    back: dict[int, list[Mark]] = {}
    for record in flat:
        if record.topic == ACTIVITY:
            back.setdefault(record.partition, []).extend(unpack(record.value or b"").marks)
    assert back == {
        place: [one for one in many if partition_of(one.subject_kind, one.subject, PARTITIONS) == place]
        for place in back
    }
    assert sum(map(len, back.values())) == len(many)


def test_a_piece_is_bounded_in_bytes_too() -> None:
    many = [
        Mark(SubjectKind.ACCOUNT, f"account-{'x' * 5000}", "key", (1, 1, number), None)
        for number in range(4 * MARKS_MAX)
    ]
    sizes = [sum(len(record.value or b"") for record in piece) for piece in emptied(outbox(Outputs([], many)))]
    assert len(sizes) > 1
    assert max(sizes) < 3 * BYTES_MAX
