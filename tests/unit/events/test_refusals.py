"""The staircase of refusals: each has a record that reaches it, and of two faults the one that stands first is named."""

from itertools import pairwise
from typing import Final

import msgspec
import pytest

from streams.events import Limits, Refusal, Refused, decode_event
from tests.rig.samples import ACCOUNT, PAYMENT, RECEIVED_MS, REPORT, SETTLEMENT, STATUS, Data, changed

ORDER: Final = (
    "tombstone",
    "empty",
    "too_large",
    "not_utf8",
    "not_json",
    "unknown_encoding",
    "doctype",
    "too_deep",
    "not_xml",
    "unknown_message",
    "ambiguous_message",
    "no_transactions",
    "whole_message",
    "unknown_event_type",
    "unknown_version",
    "missing_field",
    "amount_decimals",
    "wrong_type",
    "amount_not_positive",
    "amount_too_large",
    "unknown_currency",
    "unknown_status",
    "not_about_a_payment",
    "recall_not_fraud",
    "missing_ids",
    "repeated_id",
    "debtor_is_creditor",
    "merchant_without_id",
    "relation_incomplete",
    "settled_without_time",
    "times_out_of_order",
    "report_without_subject",
    "release_without_report",
    "far_future",
)
AT_THE_RIM: Final = (
    "unknown_encoding",
    "doctype",
    "too_deep",
    "not_xml",
    "unknown_message",
    "ambiguous_message",
    "no_transactions",
    "whole_message",
    "unknown_status",
    "not_about_a_payment",
    "recall_not_fraud",
    "repeated_id",
)
"""Refusals of readers of other formats: they reach intake as a note (``RefusedRecord``)."""
_SAME: Final = {"account_token": "a"}
_SHOP: Final = {"account_token": "b", "party_type": "MERCHANT"}
_LATE: Final = "2026-01-02T00:05:00.001Z"


def note(refusal: str) -> bytes:
    record = {
        "event_type": "refused",
        "refusal": refusal,
        "field": "TxSts",
        "detail": "why",
        "file": "a.xml",
        "number": 3,
    }
    return msgspec.json.encode(record)


REACHED: Final[list[tuple[str, str, bytes | None]]] = [
    *((name, "TxSts", note(name)) for name in AT_THE_RIM),
    ("tombstone", "", None),
    ("empty", "", b""),
    ("empty", "", b" \n"),
    ("too_large", "", changed(PAYMENT, trace_id="x" * 70_000)),
    ("not_utf8", "", b'{"event_id": "\xff"}'),
    ("not_json", "", b'{"event_id": '),
    ("not_json", "", b"[1, 2]]"),
    ("unknown_event_type", "event_type", changed(PAYMENT, event_type="cheque")),
    ("unknown_event_type", "event_type", changed(PAYMENT, event_type=None)),
    ("unknown_version", "schema_version", changed(PAYMENT, schema_version=2)),
    ("missing_field", "event_id", changed(PAYMENT, event_id=None)),
    ("missing_field", "debtor.account_token", changed(PAYMENT, debtor={})),
    ("amount_decimals", "amount_minor", changed(PAYMENT, amount_minor=12.5)),
    ("wrong_type", "amount_minor", changed(PAYMENT, amount_minor="1234")),
    ("wrong_type", "event_id", changed(PAYMENT, event_id="")),
    ("wrong_type", "event_time", changed(PAYMENT, event_time="2026-01-01T09:00:00")),
    ("amount_not_positive", "amount_minor", changed(PAYMENT, amount_minor=0)),
    ("amount_not_positive", "amount_minor", changed(PAYMENT, amount_minor=-1)),
    ("amount_not_positive", "amount_minor", changed(STATUS, amount_minor=0, currency="CNY")),
    ("amount_too_large", "amount_minor", changed(PAYMENT, amount_minor=10**15 + 1)),
    ("amount_too_large", "net_minor", changed(SETTLEMENT, net_minor=-(10**15) - 1)),
    ("amount_too_large", "amount_minor", changed(STATUS, amount_minor=10**15 + 1, currency="CNY")),
    (
        "amount_too_large",
        "transactions[...].amount_minor",
        changed(REPORT, transactions=[{"amount_minor": 10**15 + 1}]),
    ),
    ("unknown_currency", "currency", changed(PAYMENT, currency="XYZ")),
    ("unknown_currency", "currency", changed(SETTLEMENT, currency="XYZ")),
    ("unknown_currency", "currency", changed(STATUS, amount_minor=1)),
    ("unknown_currency", "currency", changed(REPORT, currency="XYZ")),
    ("missing_ids", "payment_id", changed(STATUS, payment_id=None)),
    ("missing_ids", "payment_id", changed(SETTLEMENT, payment_id=None)),
    ("debtor_is_creditor", "creditor.account_token", changed(PAYMENT, creditor=_SAME)),
    ("merchant_without_id", "merchant_id", changed(PAYMENT, creditor=_SHOP)),
    ("relation_incomplete", "relation", changed(PAYMENT, related_payment_id="p0")),
    ("relation_incomplete", "relation", changed(PAYMENT, relation="REFUND_OF")),
    ("settled_without_time", "settled_at", changed(PAYMENT, settled_at=None)),
    ("settled_without_time", "settled_at", changed(STATUS, settled_at=None)),
    ("settled_without_time", "booked_at", changed(SETTLEMENT, booked_at=None)),
    ("times_out_of_order", "accepted_at", changed(PAYMENT, accepted_at="2026-01-01T08:00:00Z")),
    ("times_out_of_order", "settled_at", changed(PAYMENT, settled_at="2026-01-01T08:59:10Z")),
    ("times_out_of_order", "valid_to", changed(ACCOUNT, valid_to="2026-01-01T00:00:00Z")),
    ("report_without_subject", "transactions", changed(REPORT, transactions=None)),
    ("release_without_report", "supersedes", changed(REPORT, type="RELEASE")),
    ("far_future", "event_time", changed(PAYMENT, event_time=_LATE)),
]

TWO_FAULTS: Final[list[tuple[str, bytes]]] = [
    ("too_large", b"\xff" * 70_000),
    ("unknown_event_type", changed(PAYMENT, event_type="cheque", schema_version=2)),
    ("unknown_version", changed(PAYMENT, schema_version=2, event_id=None)),
    ("unknown_version", changed(PAYMENT, schema_version=2, amount_minor=0)),
    ("amount_not_positive", changed(PAYMENT, amount_minor=0, currency="XYZ")),
    ("amount_too_large", changed(PAYMENT, amount_minor=10**16, currency="XYZ")),
    ("wrong_type", changed(PAYMENT, amount_minor=10**16, sequence=2**53)),
    ("wrong_type", changed(PAYMENT, amount_minor=0, other_ids=["n"] * 17)),
    ("amount_not_positive", changed(PAYMENT, amount_minor=0, debtor_balance_after_minor=10**16)),
    ("amount_too_large", changed(PAYMENT, debtor_balance_after_minor=10**16, currency="XYZ")),
    ("amount_too_large", changed(REPORT, reported_amount_minor=10**16, currency="XYZ")),
    ("unknown_currency", changed(PAYMENT, currency="XYZ", creditor=_SAME)),
    ("unknown_currency", changed(SETTLEMENT, currency="XYZ", payment_id=None)),
    ("missing_ids", changed(SETTLEMENT, payment_id=None, booked_at=None)),
    ("debtor_is_creditor", changed(PAYMENT, creditor={**_SAME, "party_type": "MERCHANT"})),
    ("merchant_without_id", changed(PAYMENT, creditor=_SHOP, relation="REFUND_OF")),
    ("relation_incomplete", changed(PAYMENT, relation="REFUND_OF", settled_at=None)),
    ("settled_without_time", changed(PAYMENT, settled_at=None, accepted_at="2026-01-01T08:00:00Z")),
    ("times_out_of_order", changed(PAYMENT, accepted_at="2026-01-01T08:00:00Z", event_time=_LATE)),
    ("report_without_subject", changed(REPORT, transactions=None, event_time=_LATE)),
    ("release_without_report", changed(REPORT, type="RELEASE", transactions=None)),
]

FIGURES: Final[list[tuple[Data, str]]] = [
    *((PAYMENT, name) for name in ("creditor_balance_after_minor", "debtor_balance_after_minor")),
    *((SETTLEMENT, f"{name}_minor") for name in ("net", "gross", "refund", "chargeback", "fee", "reserve")),
    (REPORT, "reported_amount_minor"),
]
WHOLE: Final[list[tuple[Data, str]]] = [
    *((sample, "sequence") for sample in (PAYMENT, STATUS, SETTLEMENT, ACCOUNT, REPORT)),
    (SETTLEMENT, "line_no"),
    (SETTLEMENT, "item_count"),
]
LISTS: Final[list[tuple[Data, str, int]]] = [
    (PAYMENT, "other_ids", 16),
    (STATUS, "other_ids", 16),
    (REPORT, "suspect_account_tokens", 1000),
    (REPORT, "transactions", 1000),
    (ACCOUNT, "ubo_tokens", 100),
    (ACCOUNT, "merchant.registered_payout_tokens", 1000),
]


def with_list(sample: Data, field: str, size: int) -> bytes:
    entries: list[object] = [{} if field == "transactions" else f"n{number}" for number in range(size)]
    outer, _, inner = field.partition(".")
    return changed(sample, **{outer: {"merchant_id": "m", inner: entries} if inner else entries})


def refusal_of(raw: bytes | None) -> Refused:
    with pytest.raises(Refused) as caught:
        decode_event(raw, RECEIVED_MS, Limits(bytes_max=65_536))
    return caught.value


def test_the_refusals_stand_in_the_order_of_the_table() -> None:
    assert tuple(each.value for each in Refusal) == ORDER


def test_every_refusal_is_reached() -> None:
    assert {name for name, _, _ in REACHED} == set(ORDER)


@pytest.mark.parametrize(("name", "field", "raw"), REACHED)
def test_a_fault_is_refused_by_its_name_and_field(name: str, field: str, raw: bytes | None) -> None:
    refused = refusal_of(raw)
    assert (refused.refusal.value, refused.field) == (name, field)


@pytest.mark.parametrize(("name", "raw"), TWO_FAULTS)
def test_of_two_faults_the_first_in_the_order_is_named(name: str, raw: bytes) -> None:
    assert refusal_of(raw).refusal.value == name


def test_the_detail_never_holds_a_value_of_the_record() -> None:
    secret = "6222020200112233445"
    for field in ("event_id", "currency", "event_time", "rail", "amount_minor", "debtor"):
        refused = refusal_of(changed(PAYMENT, **{field: [secret]}))
        assert secret not in str(refused)
    for field in ("currency", "event_time", "rail", "amount_minor", "status", "event_type"):
        assert secret not in str(refusal_of(changed(PAYMENT, **{field: secret})))


@pytest.mark.parametrize("sample", [PAYMENT, STATUS, SETTLEMENT, ACCOUNT, REPORT], ids=lambda s: str(s["event_type"]))
def test_a_good_event_of_each_type_is_accepted(sample: dict[str, object]) -> None:
    event, time = decode_event(changed(sample), RECEIVED_MS, Limits())
    assert time == 1_767_258_000_000
    assert event.event_id == sample["event_id"]


def test_a_stamp_up_to_five_minutes_ahead_is_accepted() -> None:
    _, time = decode_event(changed(PAYMENT, event_time="2026-01-02T00:05:00Z"), RECEIVED_MS, Limits())
    assert time == RECEIVED_MS + 300_000


def test_the_order_of_statuses_is_never_a_refusal() -> None:
    several = ["SETTLED", "ACCEPTED", "INITIATED", "RETURNED", "HELD", "CANCELLED", "REJECTED"]
    for before, after in pairwise(several):
        for status in (before, after):
            decode_event(changed(PAYMENT, status=status), RECEIVED_MS, Limits())


@pytest.mark.parametrize(("sample", "field"), FIGURES)
@pytest.mark.parametrize("sign", [1, -1])
def test_every_figure_is_bounded_on_both_sides(sample: Data, field: str, sign: int) -> None:
    decode_event(changed(sample, **{field: sign * 10**15}), RECEIVED_MS, Limits())
    for beyond in (10**15 + 1, 2**63, 2**70):
        refused = refusal_of(changed(sample)[:-1] + f',"{field}":{sign * beyond}}}'.encode())
        assert (refused.refusal, refused.field) == (Refusal.AMOUNT_TOO_LARGE, field)


@pytest.mark.parametrize(("sample", "field"), WHOLE)
@pytest.mark.parametrize("sign", [1, -1])
def test_every_other_number_is_one_that_readers_of_json_keep_exact(sample: Data, field: str, sign: int) -> None:
    decode_event(changed(sample, **{field: sign * (2**53 - 1)}), RECEIVED_MS, Limits())
    for beyond in (2**53, 2**63, 2**70):
        refused = refusal_of(changed(sample)[:-1] + f',"{field}":{sign * beyond}}}'.encode())
        assert (refused.refusal, refused.field) == (Refusal.WRONG_TYPE, field)


@pytest.mark.parametrize(("sample", "field", "most"), LISTS)
def test_every_list_is_bounded_and_the_detail_says_what_is_allowed(sample: Data, field: str, most: int) -> None:
    decode_event(with_list(sample, field, most), RECEIVED_MS, Limits())
    refused = refusal_of(with_list(sample, field, most + 1))
    assert (refused.refusal, refused.field) == (Refusal.WRONG_TYPE, field)
    assert refused.detail.endswith(f"<= {most}")
