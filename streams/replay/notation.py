"""Events in short form, as the tests inside rules write them.

::

    09:00 victim pays mule 15000 CNY [device=phone] [pid=P1] [uetr=...] [e2e=INV-7] [status=INITIATED]
    day 2 09:20 line 500 CNY [pid=P1]                  a booked settlement line
    10:00 payout 900 CNY to account merchant=M1 [payee_owner=party]
    00:00 reference account merchant=M1 owner=party payouts=account,account

Time is that of day 1 unless ``day N`` stands before it; days are UTC and start on 2026-01-01.
"""

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

from streams.clock import DAY_MS, MINUTE_MS, SECOND_MS, to_datetime
from streams.events.model import (
    Account,
    AccountReferenceEvent,
    Event,
    MerchantReference,
    PartyType,
    PaymentEvent,
    PaymentStatus,
    Rail,
    SettlementEvent,
    SettlementKind,
    SettlementStatus,
)
from streams.money import TooManyDecimals, UnknownCurrency, parse_major

START_MS: Final = 1_767_225_600_000
_TIME = re.compile(r"(?:day ([0-9]{1,3}) )?([0-9]{2}):([0-9]{2})(?::([0-9]{2}))? +(.*)")
_PAYS = re.compile(r"(\S+) pays (\S+) ([0-9.,]+) ([A-Z]{3})((?: \w+=\S+)*)")
_LINE = re.compile(r"line ([0-9.,]+) ([A-Z]{3})((?: \w+=\S+)*)")
_PAYOUT = re.compile(r"payout ([0-9.,]+) ([A-Z]{3}) to (\S+)((?: \w+=\S+)*)")
_REFERENCE = re.compile(r"reference (\S+)((?: \w+=\S+)*)")
_WORDS: Final = {
    "pays": {"device", "pid", "uetr", "e2e", "status", "merchant"},
    "line": {"pid", "uetr", "e2e", "id"},
    "payout": {"merchant", "payee_owner", "id"},
    "reference": {"merchant", "owner", "payouts"},
}


class _At(NamedTuple):
    """When an event happens, and its number in the test."""

    moment: datetime
    number: int


class NotationError(ValueError):
    """The short form of an event cannot be read; the message says what to write."""


def read_event(text: str, number: int) -> Event:
    """Read one event; ``number`` makes its ids unique within the test. Raises ``NotationError``."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        message = f"{text!r} does not start with a time; write '09:00 A pays B 5000 CNY' or 'day 2 09:00 ...'"
        raise NotationError(message)
    day, hour, minute, second, rest = match.groups()
    millis = (
        START_MS
        + (int(day or 1) - 1) * DAY_MS
        + (int(hour) * 60 + int(minute)) * MINUTE_MS
        + int(second or 0) * SECOND_MS
    )
    moment = to_datetime(millis)
    try:
        for pattern, maker in ((_PAYS, _pays), (_LINE, _line), (_PAYOUT, _payout), (_REFERENCE, _reference)):
            found = pattern.fullmatch(rest)
            if found is not None:
                return maker(_At(moment, number), *found.groups())
    except (InvalidOperation, UnknownCurrency, TooManyDecimals) as error:
        message = f"{text!r}: {error}"
        raise NotationError(message) from None
    message = f"{text!r} is no event; write 'A pays B 5000 CNY', 'line 500 CNY pid=P1', 'payout ... to ...' or 'reference ...'"
    raise NotationError(message)


def _options(what: str, text: str) -> dict[str, str]:
    options = dict(part.split("=", 1) for part in text.split())
    unknown = sorted(options.keys() - _WORDS[what])
    if unknown:
        message = f"unknown {unknown[0]!r} after {what!r}; known: {', '.join(sorted(_WORDS[what]))}"
        raise NotationError(message)
    return options


def _minor(amount: str, currency: str) -> int:
    return parse_major(Decimal(amount.replace(",", "")), currency)


def _pays(at: _At, *words: str) -> Event:
    payer, payee, amount, currency, more = words
    moment, number = at
    options = _options("pays", more)
    status = options.get("status", "SETTLED")
    if status not in PaymentStatus.__members__:
        message = f"unknown status {status!r}"
        raise NotationError(message)
    return PaymentEvent(
        event_id=f"t{number}", schema_version=1, source="test", event_time=moment, payment_id=options.get("pid", f"p{number}"),
        rail=Rail.BANK, status=PaymentStatus(status), amount_minor=_minor(amount, currency), currency=currency,
        debtor=Account(payer, party_token=f"party-of-{payer}"), creditor=Account(payee, party_token=f"party-of-{payee}"),
        initiated_at=moment, settled_at=moment if status == "SETTLED" else None, uetr=options.get("uetr"),
        end_to_end_id=options.get("e2e"), device_token=options.get("device"), merchant_id=options.get("merchant"),
    )  # fmt: skip


def _line(at: _At, *words: str) -> Event:
    amount, currency, more = words
    moment, number = at
    options = _options("line", more)
    return SettlementEvent(
        event_id=f"t{number}", schema_version=1, source="test", event_time=moment, settlement_id=options.get("id", f"s{number}"),
        kind=SettlementKind.INTERBANK, status=SettlementStatus.BOOKED, net_minor=_minor(amount, currency), currency=currency,
        payment_id=options.get("pid"), uetr=options.get("uetr"), end_to_end_id=options.get("e2e"), booked_at=moment,
    )  # fmt: skip


def _payout(at: _At, *words: str) -> Event:
    amount, currency, payee, more = words
    moment, number = at
    options = _options("payout", more)
    return SettlementEvent(
        event_id=f"t{number}", schema_version=1, source="test", event_time=moment, settlement_id=options.get("id", f"s{number}"),
        kind=SettlementKind.PAYOUT, status=SettlementStatus.BOOKED, net_minor=_minor(amount, currency), currency=currency,
        merchant_id=options.get("merchant", "M"), creditor=Account(payee, party_token=options.get("payee_owner")),
        booked_at=moment,
    )  # fmt: skip


def _reference(at: _At, *words: str) -> Event:
    account, more = words
    moment, number = at
    options = _options("reference", more)
    payouts = tuple(options.get("payouts", account).split(","))
    return AccountReferenceEvent(
        event_id=f"t{number}", schema_version=1, source="test", event_time=moment, account_token=account,
        party_token=options.get("owner", f"party-of-{account}"), party_type=PartyType.MERCHANT, opened_at=moment,
        valid_from=moment, merchant=MerchantReference(options.get("merchant", "M"), registered_payout_tokens=payouts),
    )  # fmt: skip
