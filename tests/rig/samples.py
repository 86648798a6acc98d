"""One valid event of each type as plain data, bytes of it with changes, and the beginning of a rule about one payment."""

from typing import Final

import msgspec

Data = dict[str, object]
RECEIVED_MS: Final = 1_767_312_000_000
"""2026-01-02T00:00:00Z: when the records below were received."""
RULE_HEAD: Final = """\
id: big
version: 1
title: A big payment
typology: mule
severity: high
owner: fraud-ops
per: account
on: debit
"""
"""Everything of a rule about payments of an account but what it counts and asks."""
BIG_RULE: Final = f"{RULE_HEAD}when: amount >= floor\n"
"""Asks for the limit ``floor`` under ``params``, and for ``say``."""
_HEAD: Final[Data] = {"schema_version": 1, "source": "bank-a", "event_time": "2026-01-01T09:00:00Z"}

PAYMENT: Final[Data] = {
    **_HEAD,
    "event_type": "payment",
    "event_id": "e1",
    "payment_id": "p1",
    "rail": "BANK",
    "status": "SETTLED",
    "amount_minor": 1234,
    "currency": "CNY",
    "debtor": {"account_token": "a"},
    "creditor": {"account_token": "b"},
    "initiated_at": "2026-01-01T08:59:00Z",
    "accepted_at": "2026-01-01T08:59:30Z",
    "settled_at": "2026-01-01T09:00:00Z",
}
STATUS: Final[Data] = {
    **_HEAD,
    "event_type": "payment_status",
    "event_id": "e2",
    "payment_id": "p1",
    "status": "SETTLED",
    "settled_at": "2026-01-01T09:00:00Z",
}
SETTLEMENT: Final[Data] = {
    **_HEAD,
    "event_type": "settlement",
    "event_id": "e3",
    "settlement_id": "s1",
    "kind": "INTERBANK",
    "status": "BOOKED",
    "net_minor": 1234,
    "currency": "CNY",
    "payment_id": "p1",
    "booked_at": "2026-01-01T10:00:00Z",
}
ACCOUNT: Final[Data] = {
    **_HEAD,
    "event_type": "account",
    "event_id": "e4",
    "account_token": "a",
    "party_token": "party-a",
    "party_type": "PERSON",
    "opened_at": "2020-01-01T00:00:00Z",
    "valid_from": "2026-01-01T00:00:00Z",
}
REPORT: Final[Data] = {
    **_HEAD,
    "event_type": "fraud_report",
    "event_id": "e5",
    "report_id": "r1",
    "type": "VICTIM_REPORT",
    "reported_at": "2026-01-01T09:00:00Z",
    "received_at": "2026-01-01T09:00:00Z",
    "transactions": [{"payment_id": "p1"}],
}


def changed(sample: Data, **changes: object) -> bytes:
    """Give a sample as bytes with fields set, or left out where the change is None."""
    merged = {**sample, **changes}
    return msgspec.json.encode({key: value for key, value in merged.items() if value is not None})
