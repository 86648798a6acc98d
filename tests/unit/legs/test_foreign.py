"""A payment in a currency of neither side's country says so at each of its legs, also when a bare status settles it."""

from datetime import UTC, datetime

import msgspec
import pytest

from streams.events.model import PaymentStatus, PaymentStatusEvent
from streams.flow.matching import matches
from streams.legs import Leg, LegKind, Packed, Split, SubjectKind, pack, split, unpack, whole
from streams.legs.model import FORMAT_VERSION
from streams.replay.notation import read_events
from streams.state.subject import Subject

EVERY = Split(0, 1, frozenset(SubjectKind))
PAID = "09:00 a pays b 500 {} device=phone merchant=M1 pid=P1 from_country=CN to_country=TH"


def legs(text: str) -> list[Leg]:
    (event,) = read_events(text, 1)
    return split(event, EVERY)


@pytest.mark.parametrize(("currency", "foreign"), [("USD", True), ("CNY", False), ("THB", False)])
def test_every_leg_of_a_payment_knows_whether_its_currency_is_foreign(currency: str, *, foreign: bool) -> None:
    found = legs(PAID.format(currency))
    kinds = {SubjectKind.ACCOUNT, SubjectKind.DEVICE, SubjectKind.MERCHANT, SubjectKind.JOIN}
    assert {leg.subject_kind for leg in found} == kinds
    assert {leg.foreign for leg in found} == {foreign}


def test_it_is_not_known_where_a_country_is_missing() -> None:
    assert not any(leg.foreign for leg in legs("09:00 a pays b 500 USD from_country=CN"))


def test_it_travels_with_the_leg() -> None:
    (leg, *_) = legs(PAID.format("USD"))
    (read,) = unpack(pack(Packed(FORMAT_VERSION, "s", [leg], [], {}))).legs
    assert read == leg
    assert read.foreign


def test_a_leg_written_before_there_was_such_a_field_is_read_and_is_not_foreign() -> None:
    (leg, *_) = legs(PAID.format("USD"))
    older = whole(msgspec.Raw(msgspec.msgpack.encode(msgspec.msgpack.decode(msgspec.msgpack.encode(leg))[:-1])))
    assert older == msgspec.structs.replace(leg, foreign=False)


def test_a_bare_status_settles_it_at_both_ends_as_its_own_event_would_have() -> None:
    at = datetime(2025, 1, 1, 10, tzinfo=UTC)
    begun = legs(PAID.format("USD") + " status=INITIATED")
    source = begun[0].source
    status = PaymentStatusEvent(
        event_id="s1", schema_version=1, source=source, event_time=at, status=PaymentStatus.SETTLED, payment_id="P1"
    )
    join = Subject(int(SubjectKind.JOIN), "pid:P1")
    join.log = [leg for leg in (*begun, *split(status, EVERY)) if leg.subject == join.key]
    told = matches(join)
    assert {LegKind(leg.kind) for leg in told.values()} == {LegKind.DEBIT, LegKind.CREDIT, LegKind.SALE}
    assert all(leg.foreign for leg in told.values())
