"""Events in short form, as the tests inside rules write them.

::

    09:00 victim pays mule 15000 CNY [device=phone] [pid=P1] [uetr=...] [e2e=INV-7] [status=INITIATED] [merchant=M1]
          [rail=CASH_OUT] [purpose=SALA] [mcc=5816] [to_type=VASP] [from_type=PSP] [to_country=KH] [from_country=CN]
          [to_agent=BANK] [started=08:59] [batch=B1] [source=bank] [from_balance=12] [to_balance=15000]
          [from_owner=party] [to_owner=party] [refund_of=P1] [ip=router] [ip_country=KH] [ip_class=VPN_TOR]
    day 2 09:20 line 500 CNY [pid=P1] [merchant=M1] [payee=account]     a booked settlement line
    10:00 payout 900 CNY to account merchant=M1 [payee_owner=party] [cycle=T0]
    10:00 batch 970 CNY merchant=M1 id=B1 [gross=1000] [fee=30] [refund=0] [items=2]
    10:00 report STOP_PAYMENT of mule id=R1 [pid=P1] [uetr=...] [by=POLICE] [until=12:00]
    11:00 release R1
    00:00 reference account [merchant=M1] [owner=party] [payouts=account,account] [opened=2025-12-01] [type=PERSON]
          [status=DORMANT] [onboarded=2025-12-01] [home=CN] [phone=...] [email=...] [address=...] [owned_by=party]

    09:00 payer-# pays shop 100 CNY, 50 times every 1m   # stands for 1, 2, 3 ... 50

Time is that of day 1 unless ``day N`` stands before it; days are UTC and start on 2026-01-01.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar

from streams.clock import DAY_MS, MINUTE_MS, SECOND_MS, SpanError, parse_span, to_datetime
from streams.events.model import (
    Account,
    AccountReferenceEvent,
    AccountStatus,
    Confidence,
    Event,
    FraudReportEvent,
    IpClass,
    MerchantReference,
    PartyType,
    PaymentEvent,
    PaymentStatus,
    Rail,
    Relation,
    ReportedTransaction,
    ReportType,
    SettlementEvent,
    SettlementKind,
    SettlementStatus,
)
from streams.money import TooManyDecimals, UnknownCurrency, parse_major

START_MS: Final = 1_767_225_600_000
_TIME = re.compile(r"(?:day ([0-9]{1,3}) )?([0-9]{2}):([0-9]{2})(?::([0-9]{2}))? +(.*)")
_TIMES = re.compile(r"(.*), ([0-9]{1,3}) times every (\S+)")
_PAYS = re.compile(r"(\S+) pays (\S+) ([0-9.,]+) ([A-Z]{3})((?: \w+=\S+)*)")
_LINE = re.compile(r"line ([0-9.,]+) ([A-Z]{3})((?: \w+=\S+)*)")
_PAYOUT = re.compile(r"payout ([0-9.,]+) ([A-Z]{3}) to (\S+)((?: \w+=\S+)*)")
_BATCH = re.compile(r"batch ([0-9.,]+) ([A-Z]{3})((?: \w+=\S+)*)")
_REPORT = re.compile(r"report ([A-Z_]+)(?: of (\S+))?((?: \w+=\S+)*)")
_RELEASE = re.compile(r"release (\S+)((?: \w+=\S+)*)")
_REFERENCE = re.compile(r"reference (\S+)((?: \w+=\S+)*)")
_AMOUNT: Final = re.compile(r"-?[0-9][0-9,]{0,20}(?:\.[0-9]{1,9})?")
_WHOLE: Final = re.compile("[0-9]{1,9}")
_WORDS: Final = {
    "pays": {
        "device", "pid", "uetr", "e2e", "status", "merchant", "rail", "purpose", "mcc", "to_type", "from_type", "to_country",
        "from_country", "to_agent", "started", "batch", "source", "from_balance", "to_balance", "from_owner", "to_owner",
        "refund_of", "ip", "ip_country", "ip_class",
    },
    "line": {"pid", "uetr", "e2e", "id", "merchant", "payee"},
    "payout": {"merchant", "payee_owner", "id", "cycle"},
    "release": set(),
    "report": {"id", "pid", "uetr", "by", "until"},
    "batch": {"merchant", "id", "gross", "fee", "refund", "items"},
    "reference": {
        "merchant", "owner", "payouts", "opened", "onboarded", "type", "status", "home", "phone", "email", "address", "owned_by",
    },
}  # fmt: skip

Code = TypeVar("Code", bound=StrEnum)


class _At(NamedTuple):
    """When an event happens, and its number in the test."""

    moment: datetime
    number: str


class NotationError(ValueError):
    """The short form of an event cannot be read; the message says what to write."""


def read_events(text: str, number: int) -> list[Event]:
    """Read one line: one event, or the same one again and again; ``number`` makes ids unique within the test.

    Raises ``NotationError``.
    """
    match = _TIMES.fullmatch(text.strip())
    if match is None:
        return [_event(text, str(number), 0)]
    try:
        every = parse_span(match[3])
    except SpanError as error:
        message = f"{text!r}: {error}"
        raise NotationError(message) from None
    if every > 100 * DAY_MS:
        message = f"{text!r}: {match[3]} between two events is more than a test can span; write at most 100d"
        raise NotationError(message)
    return [
        _event(match[1].replace("#", str(n)), f"{number}.{n}", (n - 1) * every) for n in range(1, int(match[2]) + 1)
    ]


def _event(text: str, number: str, after_ms: int) -> Event:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        message = f"{text!r} does not start with a time; write '09:00 A pays B 5000 CNY' or 'day 2 09:00 ...'"
        raise NotationError(message)
    day, hour, minute, second, rest = match.groups()
    moment = to_datetime(_millis(day, hour, minute, second) + after_ms)
    try:
        for pattern, maker in _makers():
            found = pattern.fullmatch(rest)
            if found is not None:
                return maker(_At(moment, number), *found.groups())
    except (UnknownCurrency, TooManyDecimals) as error:
        message = f"{text!r}: {error}"
        raise NotationError(message) from None
    message = f"{text!r} is no event; write 'A pays B 5000 CNY', 'line 500 CNY pid=P1', 'payout ... to ...' or 'reference ...'"
    raise NotationError(message)


def _makers() -> tuple[tuple[re.Pattern[str], Callable[..., Event]], ...]:
    return (
        (_PAYS, _pays), (_LINE, _line), (_PAYOUT, _payout), (_BATCH, _batch), (_REPORT, _report), (_RELEASE, _release),
        (_REFERENCE, _reference),
    )  # fmt: skip


def _millis(day: str | None, hour: str, minute: str, second: str | None) -> int:
    clock = (int(hour) * 60 + int(minute)) * MINUTE_MS + int(second or 0) * SECOND_MS
    return START_MS + (int(day or 1) - 1) * DAY_MS + clock


def _options(what: str, text: str) -> dict[str, str]:
    options = dict(part.split("=", 1) for part in text.split())
    unknown = sorted(options.keys() - _WORDS[what])
    if unknown:
        message = f"unknown {unknown[0]!r} after {what!r}; known: {', '.join(sorted(_WORDS[what]))}"
        raise NotationError(message)
    return options


def _minor(amount: str, currency: str) -> int:
    if _AMOUNT.fullmatch(amount) is None:
        message = f"{amount!r} is no amount; write it like 1,234.50"
        raise NotationError(message)
    return parse_major(Decimal(amount.replace(",", "")), currency)


def _whole(options: dict[str, str], name: str) -> int:
    """Read a whole number; 0 when it is not given."""
    value = options.get(name, "0")
    if _WHOLE.fullmatch(value) is None:
        message = f"{name} cannot be {value!r}; write a whole number"
        raise NotationError(message)
    return int(value)


def _pays(at: _At, *words: str) -> Event:
    payer, payee, amount, currency, more = words
    moment, number = at
    options = _options("pays", more)
    status = _code(options, "status", PaymentStatus, "SETTLED")
    rail = {"CASH": "CASH_IN"}.get(payer) or {"CASH": "CASH_OUT"}.get(payee) or "BANK"
    began = _TIME.fullmatch(f"{options['started']} _") if "started" in options else None
    started = to_datetime(_millis(*began.groups()[:4])) if began else moment
    return PaymentEvent(
        event_id=f"t{number}", schema_version=1, source=options.get("source", "test"), event_time=moment,
        payment_id=options.get("pid", f"p{number}"),
        rail=_code(options, "rail", Rail, rail), status=status, amount_minor=_minor(amount, currency), currency=currency,
        debtor=_end(payer, "from", options), creditor=_end(payee, "to", options), initiated_at=started,
        settled_at=moment if status == "SETTLED" else None, uetr=options.get("uetr"), end_to_end_id=options.get("e2e"),
        device_token=options.get("device"), merchant_id=options.get("merchant"), purpose_code=options.get("purpose"),
        mcc=options.get("mcc"), batch_id=options.get("batch"),
        debtor_balance_after_minor=_minor(options["from_balance"], currency) if "from_balance" in options else None,
        creditor_balance_after_minor=_minor(options["to_balance"], currency) if "to_balance" in options else None,
        related_payment_id=options.get("refund_of"), relation=Relation.REFUND_OF if "refund_of" in options else None,
        ip_token=options.get("ip"), ip_country=options.get("ip_country"),
        ip_class=_code(options, "ip_class", IpClass, "") if "ip_class" in options else None,
    )  # fmt: skip


def _end(account: str, side: str, options: dict[str, str]) -> Account:
    kind = f"{side}_type"
    return Account(
        account, party_token=options.get(f"{side}_owner", f"party-of-{account}"),
        party_type=_code(options, kind, PartyType, "") if kind in options else None,
        agent_id=options.get(f"{side}_agent"), country=options.get(f"{side}_country"),
    )  # fmt: skip


def _code(options: dict[str, str], name: str, codes: type[Code], default: str) -> Code:
    """Read one of a closed set of codes."""
    value = options.get(name, default)
    if value not in codes.__members__:
        message = f"unknown {name} {value!r}; known: {', '.join(codes)}"
        raise NotationError(message)
    return codes(value)


def _line(at: _At, *words: str) -> Event:
    amount, currency, more = words
    moment, number = at
    options = _options("line", more)
    return SettlementEvent(
        event_id=f"t{number}", schema_version=1, source="test", event_time=moment, settlement_id=options.get("id", f"s{number}"),
        kind=SettlementKind.INTERBANK, status=SettlementStatus.BOOKED, net_minor=_minor(amount, currency), currency=currency,
        payment_id=options.get("pid"), uetr=options.get("uetr"), end_to_end_id=options.get("e2e"), booked_at=moment,
        merchant_id=options.get("merchant"), creditor=Account(options["payee"]) if "payee" in options else None,
    )  # fmt: skip


def _payout(at: _At, *words: str) -> Event:
    amount, currency, payee, more = words
    moment, number = at
    options = _options("payout", more)
    return SettlementEvent(
        event_id=f"t{number}", schema_version=1, source="test", event_time=moment, settlement_id=options.get("id", f"s{number}"),
        kind=SettlementKind.PAYOUT, status=SettlementStatus.BOOKED, net_minor=_minor(amount, currency), currency=currency,
        merchant_id=options.get("merchant", "M"), creditor=Account(payee, party_token=options.get("payee_owner")),
        booked_at=moment, cycle=options.get("cycle"),
    )  # fmt: skip


def _batch(at: _At, *words: str) -> Event:
    amount, currency, more = words
    moment, number = at
    options = _options("batch", more)
    money = {name: _minor(options[name], currency) for name in ("gross", "fee", "refund") if name in options}
    return SettlementEvent(
        event_id=f"t{number}", schema_version=1, source="test", event_time=moment, settlement_id=f"s{number}",
        kind=SettlementKind.MERCHANT_BATCH, status=SettlementStatus.BOOKED, net_minor=_minor(amount, currency), currency=currency,
        merchant_id=options.get("merchant", "M"), batch_id=options.get("id"), gross_minor=money.get("gross"),
        fee_minor=money.get("fee", 0), refund_minor=money.get("refund", 0), item_count=_whole(options, "items"),
        booked_at=moment,
    )  # fmt: skip


def _report(at: _At, kind: str, suspect: str | None, more: str) -> Event:
    moment, number = at
    options = _options("report", more)
    named = "pid" in options or "uetr" in options
    until = _TIME.fullmatch(f"{options['until']} _") if "until" in options else None
    return FraudReportEvent(
        event_id=f"t{number}", schema_version=1, source="test", event_time=moment, report_id=options.get("id", f"r{number}"),
        type=_code({"report": kind}, "report", ReportType, ""), reported_at=moment, received_at=moment,
        confidence=_code(options, "by", Confidence, "POLICE"), suspect_account_tokens=(suspect,) if suspect else (),
        transactions=(ReportedTransaction(options.get("pid"), options.get("uetr")),) if named else (),
        stop_started_at=moment if kind in {"STOP_PAYMENT", "FREEZE"} else None,
        stop_expires_at=to_datetime(_millis(*until.groups()[:4])) if until else None,
    )  # fmt: skip


def _release(at: _At, report: str, more: str) -> Event:
    moment, number = at
    _options("release", more)
    return FraudReportEvent(
        event_id=f"t{number}", schema_version=1, source="test", event_time=moment, report_id=f"r{number}",
        type=ReportType.RELEASE, reported_at=moment, received_at=moment, supersedes=report,
    )  # fmt: skip


def _reference(at: _At, *words: str) -> Event:
    account, more = words
    moment, number = at
    options = _options("reference", more)
    payouts = tuple(options.get("payouts", account).split(","))
    onboarded = _day(options["onboarded"]) if "onboarded" in options else None
    merchant = MerchantReference(options["merchant"], None, onboarded, payouts) if "merchant" in options else None
    return AccountReferenceEvent(
        event_id=f"t{number}", schema_version=1, source="test", event_time=moment, account_token=account,
        party_token=options.get("owner", f"party-of-{account}"),
        party_type=_code(options, "type", PartyType, "MERCHANT" if merchant else "PERSON"),
        opened_at=_day(options["opened"]) if "opened" in options else moment, valid_from=moment, merchant=merchant,
        status=_code(options, "status", AccountStatus, "ACTIVE"), home_country=options.get("home"),
        phone_token=options.get("phone"), email_token=options.get("email"), address_token=options.get("address"),
        ubo_tokens=(options["owned_by"],) if "owned_by" in options else (),
    )  # fmt: skip


def _day(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        message = f"{text!r} is no date; write 2025-12-01"
        raise NotationError(message) from None
