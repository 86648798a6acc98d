"""From one event to its legs.

Every event makes one accounting leg (keyed by event id) and, for the kinds of subject wanted, one leg per subject it
concerns. Debits and credits of a payment are equal by construction and asserted: what has no account on one side
(``CASH``, ``EXTERNAL``) counts as money entering or leaving the accounts we see.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from sys import intern
from typing import Final, NamedTuple

from streams.clock import DAY_MS, from_datetime, quarters_ahead, to_datetime
from streams.events.model import (
    OUTSIDE_TOKENS,
    Account,
    AccountReferenceEvent,
    Event,
    FraudReportEvent,
    PaymentEvent,
    PaymentStatus,
    PaymentStatusEvent,
    ReportedTransaction,
    ReportType,
    SettlementEvent,
    SettlementKind,
    SettlementStatus,
)
from streams.legs.aside import UNDOING, about_owner, awaited, seat_of, seldom
from streams.legs.model import REPORT_KEY, Leg, LegKind, SubjectKind
from streams.money import is_foreign

# Plain integers where every payment passes: comparing and hashing them costs less than members of an enumeration.
_ACCOUNT, _DEVICE, _JOIN = int(SubjectKind.ACCOUNT), int(SubjectKind.DEVICE), int(SubjectKind.JOIN)
_USE, _PAYMENT = int(LegKind.USE), int(LegKind.PAYMENT)
SETTLED_SIDES: Final = {
    "": (int(LegKind.DEBIT), int(LegKind.CREDIT)),
    "refund": (int(LegKind.REFUND_OUT), int(LegKind.REFUND_IN)),
    "own": (int(LegKind.OWN_OUT), int(LegKind.OWN_IN)),
}
"""Legs of payer and payee of a settled payment, by its nature."""
_MERCHANT: Final = int(SubjectKind.MERCHANT)
_BEGUN: Final = (int(LegKind.INITIATED), None)
_SALE: Final = int(LegKind.SALE)
RETURNED: Final = "returned"
RETURNED_SIDES: Final = (LegKind.REFUND_IN, LegKind.REFUND_OUT)
"""Legs of payer and payee of a payment that comes back."""
_FIRST_MS: Final = from_datetime(datetime.min.replace(tzinfo=UTC))
_LAST_MS: Final = from_datetime(datetime.max.replace(tzinfo=UTC))
_OPEN = frozenset({PaymentStatus.INITIATED, PaymentStatus.ACCEPTED, PaymentStatus.HELD})


class Split(NamedTuple):
    """What an event is split with: its time, its digest, and the kinds of subject in force."""

    time: int
    digest: int
    kinds: frozenset[SubjectKind]


def split(event: Event, how: Split) -> list[Leg]:
    """Give the event's legs without the accounting leg (the intake adds it, with the route)."""
    maker = _MAKERS.get(type(event))
    return maker(event, how) if maker is not None else []


def _payment(event: PaymentEvent, how: Split) -> list[Leg]:
    payer, payee = intern(event.debtor.account_token), intern(event.creditor.account_token)
    device = intern(event.device_token or "")
    common = (
        how.time, event.sequence, intern(event.source), event.event_id, how.digest, f"{event.source}|{event.payment_id}",
        event.uetr or "", event.amount_minor, intern(event.currency),
    )  # fmt: skip
    ends = (
        device, intern(event.merchant_id or ""), *_PLAIN, event.rail, intern(event.purpose_code or ""), intern(event.mcc or ""),
    )  # fmt: skip
    way = _way(event, how.time)
    foreign = is_foreign(event.currency, event.debtor.country or "", event.creditor.country or "")
    debtor, creditor = intern(event.debtor.party_token or payer), intern(event.creditor.party_token or payee)
    as_payer = (
        *common, _known(payee), debtor, payer, *ends, *_about(event.creditor), *way, "", None,
        quarters_ahead(event.debtor.country or "", event.currency), event.debtor_balance_after_minor, seat_of(event),
        _BARE.marked, foreign,
    )  # fmt: skip
    as_payee = (
        *common, _known(payer), creditor, payee, *ends, *_about(event.debtor), *way, "", None,
        quarters_ahead(event.creditor.country or "", event.currency), event.creditor_balance_after_minor, _BARE.seat,
        _BARE.marked, foreign,
    )  # fmt: skip
    legs = []
    kinds = how.kinds
    nature, status = _nature(event), event.status
    sides = _sides(status, nature) if _ACCOUNT in kinds and payer != payee else None
    if sides is not None:
        out, into = sides
        if payer not in OUTSIDE_TOKENS:
            legs.append(Leg(_ACCOUNT, payer, out, *as_payer))
        if into is not None:
            if payee not in OUTSIDE_TOKENS:
                legs.append(Leg(_ACCOUNT, payee, into, *as_payee))
            _assert_balanced(legs, event)
    if event.merchant_id and _MERCHANT in kinds and status is PaymentStatus.SETTLED and nature == "":
        sale = Leg(_MERCHANT, event.merchant_id, _SALE, *as_payee)
        sale.batch = event.batch_id or ""
        legs.append(sale)
    if sides == _BEGUN and payee not in OUTSIDE_TOKENS:
        legs.append(Leg(_ACCOUNT, payee, int(LegKind.INCOMING), *as_payee))
    if device and _DEVICE in kinds and payer not in OUTSIDE_TOKENS:
        legs.append(Leg(_DEVICE, device, _USE, *as_payer))
    if _JOIN in kinds:
        joins = [Leg(_JOIN, key, _PAYMENT, *as_payer) for key in _payment_keys(event, how.time)]
        origin, batch = RETURNED if status is PaymentStatus.RETURNED else nature, event.batch_id or ""
        for join in joins:
            join.origin, join.batch = origin, batch
        legs += joins if not event.other_ids else _with_names(joins, event.payment_id, event.other_ids)
        legs += awaited(joins, status)
    if event.ip_token or event.relation is not None:
        legs += seldom(event, kinds, as_payer, as_payee)
    return legs


_BARE: Final = Leg(0, "", 0, 0, 0, "", "", 0)
_PLAIN: Final = (
    _BARE.late, _BARE.origin, _BARE.offset, _BARE.refusal, _BARE.route, _BARE.facts, _BARE.until, _BARE.counted, _BARE.previous,
    _BARE.known,
)  # fmt: skip
"""Fields between ``merchant`` and ``way`` of a leg nothing is derived of yet."""


def _about(other: Account) -> tuple[str, str, str]:
    """Give the fields of a leg about its other end."""
    return intern(other.country or ""), intern(other.agent_id or ""), other.party_type or ""


def _way(event: PaymentEvent, time: int) -> tuple[bool, int]:
    """Tell whether a border lies between the ends, and when the payment was initiated if that was before ``time``."""
    here, there = event.debtor.country, event.creditor.country
    started = 0 if event.initiated_at == event.event_time else from_datetime(event.initiated_at)
    return here != there and here is not None and there is not None, started if started < time else 0


def _with_names(legs: list[Leg], payment_id: str | None, other_ids: tuple[str, ...]) -> list[Leg]:
    """Let join subjects see all names of a payment, so that only one of those where a status meets it speaks."""
    names = (payment_id, *other_ids) if payment_id else other_ids
    for leg in legs:
        leg.facts = {"names": names}
    return legs


def _known(account: str) -> str:
    """Leave out accounts that stand for the outside world: they are nobody's counterparty."""
    return "" if account in OUTSIDE_TOKENS else account


def _nature(event: PaymentEvent) -> str:
    """Say what kind of movement a status that comes alone would settle."""
    if event.relation is not None:
        return "refund"
    same = event.debtor.party_token is not None and event.debtor.party_token == event.creditor.party_token
    return "own" if same else ""


def _sides(status: PaymentStatus, nature: str) -> tuple[int, int | None] | None:
    """Name the legs of payer and payee; a payment that moves no money yet has a payer's leg only, or none."""
    if status is PaymentStatus.SETTLED:
        return SETTLED_SIDES[nature]
    if status is PaymentStatus.RETURNED:
        return RETURNED_SIDES
    if status in _OPEN:
        return _BEGUN
    return None


_SIGN: Final = {
    int(LegKind.DEBIT): -1,
    int(LegKind.REFUND_OUT): -1,
    int(LegKind.OWN_OUT): -1,
    int(LegKind.CREDIT): 1,
    int(LegKind.REFUND_IN): 1,
    int(LegKind.OWN_IN): 1,
}


def _assert_balanced(legs: list[Leg], event: PaymentEvent) -> None:
    """Debits equal credits; one side alone must be a payment from or to the outside world."""
    if len(legs) == 2 and legs[0].amount == legs[1].amount and _SIGN[legs[0].kind] + _SIGN[legs[1].kind] == 0:  # noqa: PLR2004
        return
    total = 0
    for leg in legs:
        total += _SIGN[leg.kind] * leg.amount
    outside = (event.debtor.account_token in OUTSIDE_TOKENS) - (event.creditor.account_token in OUTSIDE_TOKENS)
    if event.status is PaymentStatus.RETURNED:
        outside = -outside
    if total != outside * event.amount_minor:
        message = f"legs of event {event.event_id} are not balanced: {total} minor units over"
        raise AssertionError(message)


def _payment_keys(event: PaymentEvent, time: int) -> list[str]:
    keys = [f"uetr:{event.uetr}"] if event.uetr else []
    keys.append(f"pid:{event.payment_id}")
    keys += [f"ref:{event.source}|{name}" for name in event.other_ids]
    if event.end_to_end_id is not None and event.end_to_end_id != "NOTPROVIDED":
        keys.append(_e2e(event.end_to_end_id, event.amount_minor, event.currency, time))
    return keys


def _e2e(reference: str, amount: int, currency: str, time: int) -> str:
    """An end-to-end id alone is no key: amount, currency and UTC date go with it."""
    return f"e2e:{reference}|{amount}|{currency}|{_date_text(time // DAY_MS)}"


@lru_cache(maxsize=1024)
def _date_text(day: int) -> str:
    """Write a day since the epoch as a date; one outside the calendar stands for the first or last day of it."""
    return f"{to_datetime(min(max(day * DAY_MS, _FIRST_MS), _LAST_MS)):%Y%m%d}"


def _line_keys(event: SettlementEvent, time: int) -> list[str]:
    """Keys under which the payment may be found; the first is home. Booking may fall on the day before or after."""
    keys = [f"uetr:{event.uetr}"] if event.uetr else []
    if event.payment_id:
        keys.append(f"pid:{event.payment_id}")
    if event.end_to_end_id is not None and event.end_to_end_id != "NOTPROVIDED":
        amount = event.gross_minor if event.gross_minor is not None else event.net_minor
        days = time, time - DAY_MS, time + DAY_MS
        keys += [_e2e(event.end_to_end_id, amount, event.currency, day) for day in days]
    return keys or [f"clr:{event.clearing_ref}"]


def _settlement(event: SettlementEvent, how: Split) -> list[Leg]:
    if event.status is not SettlementStatus.BOOKED:
        return []
    creditor = event.creditor or Account(account_token="")
    life = f"{event.source}|{event.settlement_id}"
    keys = _line_keys(event, how.time)

    def leg(kind_of: SubjectKind, subject: str, kind: LegKind) -> Leg:
        home = keys[0] if kind is LegKind.LINE and keys[0] != subject else ""
        return Leg(
            kind_of, subject, kind, how.time, event.sequence, event.source, event.event_id, how.digest, life,
            event.uetr or "", event.net_minor, event.currency, creditor.account_token, creditor.party_token or "", home,
            "", event.merchant_id or "", way=event.cycle or "", batch=event.batch_id or "",
        )  # fmt: skip

    legs = []
    line = event.kind is SettlementKind.INTERBANK or event.kind is SettlementKind.RETURN
    if line and SubjectKind.JOIN in how.kinds:
        legs += [leg(SubjectKind.JOIN, key, LegKind.LINE) for key in keys]
    if event.kind is SettlementKind.PAYOUT and event.merchant_id and SubjectKind.MERCHANT in how.kinds:
        legs.append(leg(SubjectKind.MERCHANT, event.merchant_id, LegKind.PAYOUT))
    if event.kind is SettlementKind.PAYOUT and creditor.account_token and SubjectKind.ACCOUNT in how.kinds:
        legs.append(leg(SubjectKind.ACCOUNT, creditor.account_token, LegKind.PAYOUT))
    if event.kind is SettlementKind.MERCHANT_BATCH and event.merchant_id and SubjectKind.MERCHANT in how.kinds:
        batch = leg(SubjectKind.MERCHANT, event.merchant_id, LegKind.BATCH)
        gross = event.gross_minor
        if gross is not None:
            due = gross - event.refund_minor - event.chargeback_minor - event.fee_minor - event.reserve_minor
            batch.figures = gross, due, event.item_count or 0
        legs.append(batch)
    return legs


def _status(event: PaymentStatusEvent, how: Split) -> list[Leg]:
    """A status without parties goes to the join subjects, which mark the payment's accounts.

    A return names the amount that comes back; without one all of it does.
    """
    back = event.status is PaymentStatus.RETURNED
    if SubjectKind.JOIN not in how.kinds or not (event.status in UNDOING or event.status is PaymentStatus.SETTLED):
        return []
    names = (event.payment_id, *event.other_ids) if event.payment_id else event.other_ids
    keys = [f"uetr:{event.uetr}"] if event.uetr else []
    keys += [f"pid:{name}" for name in names]
    keys += [f"ref:{event.source}|{name}" for name in names]
    life = f"{event.source}|{event.payment_id or ''}"
    legs = [
        Leg(
            SubjectKind.JOIN, key, LegKind.STATUS, how.time, event.sequence, event.source, event.event_id, how.digest,
            life, event.uetr or "", event.amount_minor or 0, event.currency or "", origin=RETURNED if back else "",
        )
        for key in keys
    ]  # fmt: skip
    told = [] if event.status is PaymentStatus.SETTLED else awaited(legs, event.status)
    if not back and event.status is not PaymentStatus.SETTLED:
        return told
    return (_with_names(legs, event.payment_id, event.other_ids) if event.other_ids else legs) + told


def _account(event: AccountReferenceEvent, how: Split) -> list[Leg]:
    """Reference data is a leg at its ``valid_from``, of the account and of the merchant behind it."""
    merchant = event.merchant
    until = from_datetime(event.valid_to) if event.valid_to is not None else 0
    common: dict[str, str | tuple[str, ...]] = {
        "owner": event.party_token,
        "opened": str(from_datetime(event.opened_at)),
    }
    legs = []

    def leg(kind: SubjectKind, subject: str, facts: dict[str, str | tuple[str, ...]]) -> None:
        legs.append(
            Leg(
                kind, subject, LegKind.REFERENCE, from_datetime(event.valid_from), event.sequence, event.source, event.event_id,
                how.digest, facts=common | facts, party=event.party_token, until=until,
            )
        )  # fmt: skip

    if SubjectKind.ACCOUNT in how.kinds:
        country = event.home_country or ""
        leg(
            SubjectKind.ACCOUNT, event.account_token,
            {"party_type": event.party_type, "status": event.status, "home_country": country},
        )  # fmt: skip
    if merchant is not None and SubjectKind.MERCHANT in how.kinds:
        facts: dict[str, str | tuple[str, ...]] = {
            "payout_accounts": merchant.registered_payout_tokens, "mcc": merchant.mcc or "", "account": event.account_token,
        }  # fmt: skip
        if merchant.onboarded_at is not None:
            facts["onboarded"] = str(from_datetime(merchant.onboarded_at))
        leg(SubjectKind.MERCHANT, merchant.merchant_id, facts)
    return legs + about_owner(event, how.digest, how.kinds)


def _report(event: FraudReportEvent, how: Split) -> list[Leg]:
    """A report is a leg at the accounts it names, at its own join id, and at that of each payment it points at.

    A release names the report it ends: the report's own join id knows whom to tell.
    """
    release = event.type is ReportType.RELEASE
    name = (event.supersedes or "") if release else event.report_id
    time = how.time if event.stop_started_at is None else from_datetime(event.stop_started_at)
    until = 0 if event.stop_expires_at is None else from_datetime(event.stop_expires_at)
    named = event.suspect_account_tokens + tuple(
        each.creditor_token for each in event.transactions if each.creditor_token and not _report_key(each, event)
    )
    accounts = tuple(dict.fromkeys(account for account in named if account not in OUTSIDE_TOKENS))

    def leg(kind: SubjectKind, subject: str) -> Leg:
        return Leg(
            kind, subject, LegKind.REPORT, time, event.sequence, event.source, event.event_id, how.digest, name,
            currency=event.currency or "", origin=event.type, way=event.confidence, until=until,
        )  # fmt: skip

    legs = [leg(SubjectKind.ACCOUNT, account) for account in accounts] if SubjectKind.ACCOUNT in how.kinds else []
    if SubjectKind.JOIN in how.kinds:
        hub = leg(SubjectKind.JOIN, REPORT_KEY + name)
        hub.facts = {"accounts": accounts}
        keys = [key for each in event.transactions if (key := _report_key(each, event))]
        legs += [hub, *(leg(SubjectKind.JOIN, key) for key in dict.fromkeys(keys))]
    return legs


def _report_key(reported: ReportedTransaction, event: FraudReportEvent) -> str:
    """Give the join id of a reported payment: uetr, else payment id, else end-to-end id with amount, currency and date."""
    if reported.uetr:
        return f"uetr:{reported.uetr}"
    if reported.payment_id:
        return f"pid:{reported.payment_id}"
    if reported.end_to_end_id and reported.amount_minor is not None and reported.time is not None and event.currency:
        return _e2e(reported.end_to_end_id, reported.amount_minor, event.currency, from_datetime(reported.time))
    return ""


_MAKERS: dict[type, Callable[..., list[Leg]]] = {
    PaymentEvent: _payment,
    SettlementEvent: _settlement,
    PaymentStatusEvent: _status,
    AccountReferenceEvent: _account,
    FraudReportEvent: _report,
}
