"""What goes to the activity topic fits it, whatever a batch made, and is complete and in order."""

from typing import Final

from streams.agents.activity import PARTS_MAX, activity_records
from streams.agents.producer import Outgoing
from streams.agents.topics import INTERNAL_BYTES_MAX
from streams.legs import FORMAT_VERSION, Control, Leg, Mark, Packed, SubjectKind, unpack
from streams.pipeline import Intake, RawRecord, SourceState
from streams.settings.topics import ACTIVITY
from tests.rig.samples import PAYMENT, RECEIVED_MS, changed

WATERMARKS: Final = {"payments/0": 5}
NAMES: Final = [f"{number}-".ljust(64, "\N{GRINNING FACE}") for number in range(16)]
HEAVY: Final = {**PAYMENT, "status": "RETURNED", "payment_id": "\N{GRINNING FACE}" * 64, "other_ids": NAMES}
"""As many names as a payment may have, and each as long as a name may be."""


def packed(legs: list[Leg], marks: list[Mark] | None = None, control: Control | None = None) -> Packed:
    return Packed(FORMAT_VERSION, "intake", legs, marks or [], WATERMARKS, control)


def split_of(count: int) -> list[Leg]:
    records = [RawRecord(n, RECEIVED_MS, changed(HEAVY, event_id=f"e{n}")) for n in range(count)]
    return Intake().take(SourceState("payments", 0), records).legs[0]


def parts(records: list[Outgoing]) -> list[Packed]:
    assert {(one.topic, one.partition) for one in records} == {(ACTIVITY, 3)}
    return [unpack(one.value) for one in records if one.value is not None]


def test_what_fits_is_one_record() -> None:
    legs = split_of(3)
    assert parts(list(activity_records(3, packed(legs)))) == [packed(legs)]
    assert parts(list(activity_records(3, packed([])))) == [packed([])]


def test_a_batch_that_makes_more_than_the_topic_takes_goes_out_in_parts_and_in_order() -> None:
    legs = split_of(200)
    records = list(activity_records(3, packed(legs)))
    sizes = [len(one.value or b"") for one in records]
    assert sum(sizes) > INTERNAL_BYTES_MAX
    assert max(sizes) <= INTERNAL_BYTES_MAX - (1 << 16)
    assert [leg for part in parts(records) for leg in part.legs] == legs


def test_watermarks_come_behind_all_legs_and_control_before_them() -> None:
    control = Control("end")
    marks = [Mark(SubjectKind.ACCOUNT, f"account-{n}", "key", (1, 1, n), None) for n in range(7)]
    legs = split_of(1)
    found = parts(list(activity_records(3, packed(legs, marks, control), 2_000)))
    assert len(found) > 2
    assert [part.control for part in found] == [control, *[None] * (len(found) - 1)]
    assert [part.watermarks for part in found] == [*[{}] * (len(found) - 1), WATERMARKS]
    assert [leg for part in found for leg in part.legs] == legs
    assert [mark for part in found for mark in part.marks] == marks
    assert not any(part.marks for part in found[: next(i for i, part in enumerate(found) if legs[-1] in part.legs)])


def test_no_more_is_packed_at_a_time_than_a_common_batch_makes() -> None:
    (leg, *_) = split_of(1)
    found = parts(list(activity_records(3, packed([leg] * (PARTS_MAX + 1)), 1 << 30)))
    assert [len(part.legs) for part in found] == [PARTS_MAX // 2, PARTS_MAX // 2 + 1]
