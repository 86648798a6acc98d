"""Bad input ends in a named refusal and a dead letter; the good records around it are processed."""

from typing import Final

import pytest

from streams.legs import Leg, LegKind
from streams.pipeline import Intake, RawRecord, SourceState
from tests.rig.samples import PAYMENT, RECEIVED_MS, SETTLEMENT, STATUS, changed

BAD: Final[dict[str, tuple[bytes | None, str]]] = {
    "not JSON": (b"payment of 5 yuan", "not_json"),
    "JSON cut off": (changed(PAYMENT)[:-5], "not_json"),
    "a list": (b"[]", "wrong_type"),
    "a bare number": (b"5", "wrong_type"),
    "deep nesting": (b"[" * 100_000, "not_json"),
    "a text for an amount": (changed(PAYMENT, amount_minor="5"), "wrong_type"),
    "a number for an id": (changed(PAYMENT, event_id=5), "wrong_type"),
    "an unknown rail": (changed(PAYMENT, rail="PIGEON"), "wrong_type"),
    "a time without an offset": (changed(PAYMENT, event_time="2026-01-01T09:00:00"), "wrong_type"),
    "an unknown version": (changed(PAYMENT, schema_version=99), "unknown_version"),
    "an unknown type": (changed(PAYMENT, event_type="gossip"), "unknown_event_type"),
    "no event id": (changed(PAYMENT, event_id=None), "missing_field"),
    "no payment id": (changed(PAYMENT, payment_id=None), "missing_field"),
    "a status without any id": (changed(STATUS, payment_id=None), "missing_ids"),
    "a negative amount": (changed(PAYMENT, amount_minor=-5), "amount_not_positive"),
    "an amount of nothing": (changed(PAYMENT, amount_minor=0), "amount_not_positive"),
    "an amount beyond 64 bits": (changed(PAYMENT)[:-1] + b',"amount_minor":1' + b"0" * 30 + b"}", "amount_too_large"),
    "a sequence beyond 64 bits": (changed(PAYMENT)[:-1] + b',"sequence":1' + b"0" * 30 + b"}", "wrong_type"),
    "a fee beyond 64 bits": (changed(SETTLEMENT)[:-1] + b',"fee_minor":1' + b"0" * 30 + b"}", "amount_too_large"),
    "too many decimals": (changed(PAYMENT, amount_minor=12.345), "amount_decimals"),
    "an unknown currency": (changed(PAYMENT, currency="ABC"), "unknown_currency"),
    "a currency in lower case": (changed(PAYMENT, currency="cny"), "wrong_type"),
    "debtor equal to creditor": (changed(PAYMENT, creditor={"account_token": "a"}), "debtor_is_creditor"),
    "a time in the far future": (changed(PAYMENT, event_time="2036-01-01T00:00:00Z"), "far_future"),
    "a record of 1 MiB": (b" " * (1 << 20) + changed(PAYMENT), "too_large"),
    "an empty value": (b"", "empty"),
    "a tombstone": (None, "tombstone"),
    "invalid UTF-8": (changed(PAYMENT).replace(b"bank-a", b"b\xc3\x28nk"), "not_utf8"),
    "a byte order mark": (b"\xef\xbb\xbf" + changed(PAYMENT), "not_json"),
}


def taken(values: list[bytes | None]) -> tuple[list[Leg], list[str]]:
    records = [RawRecord(offset, RECEIVED_MS, value) for offset, value in enumerate(values)]
    got = Intake().take(SourceState("payments", 0), records)
    return got.legs.get(0, []), [each.refusal for each in got.dead_letters]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_record_is_refused_by_name_and_its_neighbours_are_processed(name: str) -> None:
    raw, refusal = BAD[name]
    before, after = changed(PAYMENT, event_id="before"), changed(PAYMENT, event_id="after")
    legs, refused = taken([before, raw, after])
    assert refused == [refusal]
    assert [leg.event_id for leg in legs if leg.kind == LegKind.ACCOUNTING] == ["before", "after"]
    assert [leg.refusal for leg in legs if leg.kind == LegKind.REFUSED] == [refusal]
    assert {leg.event_id for leg in legs if leg.kind == LegKind.DEBIT} == {"before", "after"}


def test_a_settlement_at_the_first_moment_of_the_calendar_is_processed() -> None:
    legs, refused = taken([changed(SETTLEMENT, event_time="0001-01-01T00:00:00Z", end_to_end_id="INV-7")])
    assert refused == []
    assert any(leg.kind == LegKind.LINE for leg in legs)


def test_a_dead_letter_names_the_place_and_masks_the_content() -> None:
    raw = changed(PAYMENT, currency="ABC", debtor={"account_token": "6222020200112233445"})
    got = Intake().take(SourceState("payments", 3), [RawRecord(17, RECEIVED_MS, raw)])
    (letter,) = got.dead_letters
    assert (letter.topic, letter.partition, letter.offset, letter.field) == ("payments", 3, 17, "currency")
    assert letter.bytes_total == len(raw)
    assert "622202" not in letter.masked
    assert '"event_type"' in letter.masked


def test_a_refused_record_does_not_move_the_watermark() -> None:
    source = SourceState("payments", 0)
    Intake().take(source, [RawRecord(0, RECEIVED_MS, BAD["a time in the far future"][0])])
    assert source.watermark == SourceState("payments", 0).watermark
