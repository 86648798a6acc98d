"""The staircase of checks an event passes after decoding, the most basic first, each with its own named refusal.

The order is a contract (``tests/unit/events/test_refusals.py`` holds the table): an event with two faults is refused by
the one that stands first here. The order of an event's *statuses* is never a refusal.
"""

from enum import StrEnum
from typing import Final

from streams.clock import MINUTE_MS, from_datetime
from streams.events.model import (
    SCHEMA_VERSION,
    AccountReferenceEvent,
    Event,
    FraudReportEvent,
    PartyType,
    PaymentEvent,
    PaymentStatus,
    PaymentStatusEvent,
    Rail,
    ReportType,
    SettlementEvent,
    SettlementKind,
    SettlementStatus,
)
from streams.money import EXPONENTS

AMOUNT_MINOR_MAX = 10**15
"""Of every amount, whatever its sign: what is added up of an event then fits 64 bits."""
_BALANCES: Final = "creditor_balance_after_minor", "debtor_balance_after_minor"
_LINE: Final = "net_minor", "gross_minor", "refund_minor", "chargeback_minor", "fee_minor", "reserve_minor"
FUTURE_MS_MAX = 5 * MINUTE_MS


class Refusal(StrEnum):
    """Why a record is not accepted; in the order in which they are looked for."""

    TOMBSTONE = "tombstone"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    UNKNOWN_ENCODING = "unknown_encoding"
    DOCTYPE = "doctype"
    TOO_DEEP = "too_deep"
    NOT_XML = "not_xml"
    UNKNOWN_MESSAGE = "unknown_message"
    AMBIGUOUS_MESSAGE = "ambiguous_message"
    NO_TRANSACTIONS = "no_transactions"
    WHOLE_MESSAGE = "whole_message"
    UNKNOWN_EVENT_TYPE = "unknown_event_type"
    UNKNOWN_VERSION = "unknown_version"
    MISSING_FIELD = "missing_field"
    AMOUNT_DECIMALS = "amount_decimals"
    WRONG_TYPE = "wrong_type"
    AMOUNT_NOT_POSITIVE = "amount_not_positive"
    AMOUNT_TOO_LARGE = "amount_too_large"
    UNKNOWN_CURRENCY = "unknown_currency"
    UNKNOWN_STATUS = "unknown_status"
    NOT_ABOUT_A_PAYMENT = "not_about_a_payment"
    RECALL_NOT_FRAUD = "recall_not_fraud"
    MISSING_IDS = "missing_ids"
    REPEATED_ID = "repeated_id"
    DEBTOR_IS_CREDITOR = "debtor_is_creditor"
    MERCHANT_WITHOUT_ID = "merchant_without_id"
    RELATION_INCOMPLETE = "relation_incomplete"
    SETTLED_WITHOUT_TIME = "settled_without_time"
    TIMES_OUT_OF_ORDER = "times_out_of_order"
    REPORT_WITHOUT_SUBJECT = "report_without_subject"
    RELEASE_WITHOUT_REPORT = "release_without_report"
    FAR_FUTURE = "far_future"


class Refused(ValueError):
    """A record was refused: by which name, at which field, and what to send instead."""

    def __init__(self, refusal: Refusal, field: str, detail: str) -> None:
        """``detail`` never holds a value of the record: it may be shown to anyone."""
        super().__init__(f"{refusal}: {field}: {detail}")
        self.refusal = refusal
        self.field = field
        self.detail = detail


def check(event: Event, received_ms: int) -> int:
    """Pass the event up the staircase and give its event time in milliseconds; raises ``Refused``.

    ``received_ms`` is the record's own Kafka time stamp (embedded: the start of the run).
    """
    if event.schema_version != SCHEMA_VERSION:
        raise Refused(Refusal.UNKNOWN_VERSION, "schema_version", f"this program reads version {SCHEMA_VERSION}")
    if type(event) is PaymentEvent:
        _check_payment(event)
    elif type(event) is SettlementEvent:
        _check_settlement(event)
    elif type(event) is PaymentStatusEvent:
        _check_status(event)
    elif type(event) is AccountReferenceEvent:
        _check_account(event)
    elif type(event) is FraudReportEvent:
        _check_report(event)
    time = from_datetime(event.event_time)
    if time > received_ms + FUTURE_MS_MAX:
        raise Refused(Refusal.FAR_FUTURE, "event_time", "more than 5 minutes after the record was received")
    return time


def _check_payment(event: PaymentEvent) -> None:
    _check_positive(event.amount_minor)
    _check_figure(event.amount_minor, "amount_minor")
    for name in _BALANCES:
        _check_figure(getattr(event, name), name)
    _check_currency(event.currency)
    if event.debtor.account_token == event.creditor.account_token and event.rail is not Rail.BOOK:
        raise Refused(
            Refusal.DEBTOR_IS_CREDITOR, "creditor.account_token", "the same account on both sides of a payment"
        )
    if event.creditor.party_type is PartyType.MERCHANT and event.merchant_id is None:
        raise Refused(Refusal.MERCHANT_WITHOUT_ID, "merchant_id", "required when the creditor is a MERCHANT")
    if (event.relation is None) != (event.related_payment_id is None):
        raise Refused(Refusal.RELATION_INCOMPLETE, "relation", "relation and related_payment_id go together")
    if event.status is PaymentStatus.SETTLED and event.settled_at is None:
        raise Refused(Refusal.SETTLED_WITHOUT_TIME, "settled_at", "required when the status is SETTLED")
    before = event.initiated_at
    for field, moment in (("accepted_at", event.accepted_at), ("settled_at", event.settled_at)):
        if moment is not None:
            if moment < before:
                raise Refused(Refusal.TIMES_OUT_OF_ORDER, field, "initiated_at <= accepted_at <= settled_at")
            before = moment


def _check_status(event: PaymentStatusEvent) -> None:
    if event.amount_minor is not None:
        _check_positive(event.amount_minor)
        _check_figure(event.amount_minor, "amount_minor")
        _check_currency(event.currency or "")
    if event.payment_id is None and event.uetr is None:
        raise Refused(Refusal.MISSING_IDS, "payment_id", "a status names its payment by payment_id or uetr")
    if event.status is PaymentStatus.SETTLED and event.settled_at is None:
        raise Refused(Refusal.SETTLED_WITHOUT_TIME, "settled_at", "required when the status is SETTLED")


def _check_settlement(event: SettlementEvent) -> None:
    for name in _LINE:
        _check_figure(getattr(event, name), name)
    _check_currency(event.currency)
    ids = event.payment_id, event.uetr, event.end_to_end_id, event.clearing_ref
    line = event.kind is SettlementKind.INTERBANK or event.kind is SettlementKind.RETURN
    if line and not any(ids):
        raise Refused(
            Refusal.MISSING_IDS,
            "payment_id",
            "a line names its payment by payment_id, uetr, end_to_end_id or clearing_ref",
        )
    if event.status is SettlementStatus.BOOKED and event.booked_at is None:
        raise Refused(Refusal.SETTLED_WITHOUT_TIME, "booked_at", "required when the status is BOOKED")


def _check_account(event: AccountReferenceEvent) -> None:
    if event.valid_to is not None and event.valid_to <= event.valid_from:
        raise Refused(Refusal.TIMES_OUT_OF_ORDER, "valid_to", "valid_from < valid_to")


def _check_report(event: FraudReportEvent) -> None:
    _check_figure(event.reported_amount_minor, "reported_amount_minor")
    for each in event.transactions:
        _check_figure(each.amount_minor, "transactions[...].amount_minor")
    if event.currency is not None:
        _check_currency(event.currency)
    if event.type is ReportType.RELEASE:
        if event.supersedes is None:
            raise Refused(Refusal.RELEASE_WITHOUT_REPORT, "supersedes", "a RELEASE names the report it ends")
    elif not event.transactions and not event.suspect_account_tokens:
        raise Refused(Refusal.REPORT_WITHOUT_SUBJECT, "transactions", "name a transaction or a suspect account")


def _check_positive(amount_minor: int) -> None:
    if amount_minor <= 0:
        raise Refused(Refusal.AMOUNT_NOT_POSITIVE, "amount_minor", "an amount is at least 1 minor unit")


def _check_figure(minor: int | None, field: str) -> None:
    """Bound an amount that may have either sign."""
    if minor is not None and not -AMOUNT_MINOR_MAX <= minor <= AMOUNT_MINOR_MAX:
        raise Refused(Refusal.AMOUNT_TOO_LARGE, field, f"an amount is at most {AMOUNT_MINOR_MAX} minor units")


def _check_currency(code: str) -> None:
    if code not in EXPONENTS:
        raise Refused(Refusal.UNKNOWN_CURRENCY, "currency", "not an ISO 4217 code in use")
