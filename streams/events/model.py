"""The facts Payweir takes in, one struct per event type (schema version 1).

Field names follow ISO 20022 where it has a word. Amounts are integers in the minor unit of an ISO 4217 currency; times
are RFC 3339 with an offset. Accounts, parties and devices are keyed tokens, never numbers of real accounts. What a
type cannot say (order of times, identities between fields) is the business of ``streams.events.refusals``.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct

SCHEMA_VERSION: Final = 1
OUTSIDE_TOKENS: Final = frozenset({"CASH", "EXTERNAL"})
"""Account tokens of the world outside the accounts: never a subject, never a counterparty of a rule."""

Key = Annotated[str, Meta(min_length=1, max_length=64)]
Reference = Annotated[str, Meta(min_length=1, max_length=64)]
ShortText = Annotated[str, Meta(max_length=140)]
CurrencyCode = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
CountryCode = Annotated[str, Meta(pattern="^[A-Z]{2}$")]
Uetr = Annotated[str, Meta(pattern="^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")]
Mcc = Annotated[str, Meta(pattern="^[0-9]{4}$")]
Moment = Annotated[datetime, Meta(tz=True)]
WHOLE_MAX: Final = 2**53 - 1
"""The largest whole number that every reader of JSON keeps exact."""
Whole = Annotated[int, Meta(ge=-WHOLE_MAX, le=WHOLE_MAX)]
"""A number that is no amount; what bounds amounts is ``streams.events.refusals``, which has a name for it."""
# Every entry of these lists may become a leg, and a leg of a payment carries all names of it: without a bound one record of a
# source makes more than a record of the activity topic holds. The readers of ISO 20022 make at most five names of a payment.
OtherIds = Annotated[tuple[Key, ...], Meta(max_length=16)]
Suspects = Annotated[tuple[Key, ...], Meta(max_length=1000)]
PayoutTokens = Annotated[tuple[Key, ...], Meta(max_length=1000)]
UboTokens = Annotated[tuple[Key, ...], Meta(max_length=100)]


class Rail(StrEnum):
    """The way money travels."""

    BANK = "BANK"
    INSTANT = "INSTANT"
    CARD = "CARD"
    QR = "QR"
    WALLET = "WALLET"
    CASH_IN = "CASH_IN"
    CASH_OUT = "CASH_OUT"
    CRYPTO_ON = "CRYPTO_ON"
    CRYPTO_OFF = "CRYPTO_OFF"
    BOOK = "BOOK"


class PaymentStatus(StrEnum):
    """Where a payment stands (ISO 20022 pacs.002 codes are mapped to these at the rim)."""

    INITIATED = "INITIATED"
    ACCEPTED = "ACCEPTED"
    HELD = "HELD"
    SETTLED = "SETTLED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    RETURNED = "RETURNED"


class PartyType(StrEnum):
    """Who stands behind an account."""

    PERSON = "PERSON"
    SOLE = "SOLE"
    ORG = "ORG"
    MERCHANT = "MERCHANT"
    PSP = "PSP"
    VASP = "VASP"
    GOV = "GOV"


class IpClass(StrEnum):
    """What kind of network an address belongs to; behind the first three many customers sit whom nothing joins."""

    CARRIER_NAT = "CARRIER_NAT"
    CAMPUS = "CAMPUS"
    OFFICE = "OFFICE"
    RESIDENTIAL = "RESIDENTIAL"
    MOBILE = "MOBILE"
    HOSTING = "HOSTING"
    VPN_TOR = "VPN_TOR"


class Relation(StrEnum):
    """How a payment relates to an earlier one."""

    REFUND_OF = "REFUND_OF"
    RETURN_OF = "RETURN_OF"
    REVERSAL_OF = "REVERSAL_OF"


class Account(Struct, frozen=True, omit_defaults=True):
    """One side of a payment or settlement."""

    account_token: Key
    account_masked: ShortText | None = None
    account_scheme: Key | None = None
    party_token: Key | None = None
    party_type: PartyType | None = None
    agent_id: Key | None = None
    country: CountryCode | None = None


class PaymentEvent(Struct, frozen=True, tag="payment", tag_field="event_type", omit_defaults=True):
    """A payment at one point of its life; several events may tell of one payment."""

    event_id: Key
    schema_version: int
    source: Key
    event_time: Moment
    payment_id: Key
    rail: Rail
    status: PaymentStatus
    amount_minor: int
    currency: CurrencyCode
    debtor: Account
    creditor: Account
    initiated_at: Moment
    accepted_at: Moment | None = None
    settled_at: Moment | None = None
    settlement_date: date | None = None
    sequence: Whole = 0
    uetr: Uetr | None = None
    end_to_end_id: Reference | None = None
    instruction_id: Reference | None = None
    status_reason: ShortText | None = None
    purpose_code: Reference | None = None
    mcc: Mcc | None = None
    merchant_id: Key | None = None
    order_id: Key | None = None
    batch_id: Key | None = None
    other_ids: OtherIds = ()
    related_payment_id: Key | None = None
    relation: Relation | None = None
    channel: Key | None = None
    device_token: Key | None = None
    ip_token: Key | None = None
    ip_country: CountryCode | None = None
    creditor_balance_after_minor: int | None = None
    debtor_balance_after_minor: int | None = None
    ingest_time: Moment | None = None
    trace_id: ShortText | None = None
    ip_class: IpClass | None = None


class PaymentStatusEvent(Struct, frozen=True, tag="payment_status", tag_field="event_type", omit_defaults=True):
    """A status that names its payment by id only (ISO 20022 pacs.002); at least one id must be there."""

    event_id: Key
    schema_version: int
    source: Key
    event_time: Moment
    status: PaymentStatus
    payment_id: Key | None = None
    uetr: Uetr | None = None
    other_ids: OtherIds = ()
    settled_at: Moment | None = None
    sequence: Whole = 0
    status_reason: ShortText | None = None
    amount_minor: int | None = None
    currency: CurrencyCode | None = None
    ingest_time: Moment | None = None
    trace_id: ShortText | None = None


class SettlementKind(StrEnum):
    """What a settlement line settles."""

    INTERBANK = "INTERBANK"
    MERCHANT_BATCH = "MERCHANT_BATCH"
    PAYOUT = "PAYOUT"
    WALLET_WITHDRAWAL = "WALLET_WITHDRAWAL"
    RETURN = "RETURN"


class SettlementStatus(StrEnum):
    """Where a settlement line stands."""

    PENDING = "PENDING"
    BOOKED = "BOOKED"
    FAILED = "FAILED"
    REVERSED = "REVERSED"


class SettlementEvent(Struct, frozen=True, tag="settlement", tag_field="event_type", omit_defaults=True):
    """A line of a settlement: a booking between institutions, a merchant batch or a payout.

    A failing identity (net = gross - refund - chargeback - fee - reserve) is evidence for a rule, never a refusal.
    """

    event_id: Key
    schema_version: int
    source: Key
    event_time: Moment
    settlement_id: Key
    kind: SettlementKind
    status: SettlementStatus
    net_minor: int
    currency: CurrencyCode
    cycle: Key | None = None
    sequence: Whole = 0
    batch_id: Key | None = None
    line_no: Whole | None = None
    payment_id: Key | None = None
    uetr: Uetr | None = None
    end_to_end_id: Reference | None = None
    clearing_ref: Reference | None = None
    merchant_id: Key | None = None
    debtor: Account | None = None
    creditor: Account | None = None
    gross_minor: int | None = None
    refund_minor: int = 0
    chargeback_minor: int = 0
    fee_minor: int = 0
    reserve_minor: int = 0
    item_count: Whole | None = None
    requested_at: Moment | None = None
    booked_at: Moment | None = None
    value_date: date | None = None
    ingest_time: Moment | None = None
    trace_id: ShortText | None = None


class ReportType(StrEnum):
    """What a fraud report asks for or tells."""

    VICTIM_REPORT = "VICTIM_REPORT"
    STOP_PAYMENT = "STOP_PAYMENT"
    FREEZE = "FREEZE"
    RECALL = "RECALL"
    RELEASE = "RELEASE"
    LIST_ENTRY = "LIST_ENTRY"


class Confidence(StrEnum):
    """Who stands behind a report."""

    ALLEGED = "ALLEGED"
    POLICE = "POLICE"
    COURT = "COURT"


class ReportedTransaction(Struct, frozen=True, omit_defaults=True):
    """A transfer a report points at, by any id or by its ends, amount and time."""

    payment_id: Key | None = None
    uetr: Uetr | None = None
    end_to_end_id: Reference | None = None
    debtor_token: Key | None = None
    creditor_token: Key | None = None
    amount_minor: int | None = None
    time: Moment | None = None


ReportedTransactions = Annotated[tuple[ReportedTransaction, ...], Meta(max_length=1000)]


class FraudReportEvent(Struct, frozen=True, tag="fraud_report", tag_field="event_type", omit_defaults=True):
    """A report by a victim, a bank or an authority (Anti-Telecom and Online Fraud Law 2022, Art. 20)."""

    event_id: Key
    schema_version: int
    source: Key
    event_time: Moment
    report_id: Key
    type: ReportType
    reported_at: Moment
    received_at: Moment
    sequence: Whole = 0
    case_ref: Key | None = None
    authority_id: Key | None = None
    confidence: Confidence = Confidence.ALLEGED
    fraud_type: Key | None = None
    victim_account_token: Key | None = None
    transactions: ReportedTransactions = ()
    suspect_account_tokens: Suspects = ()
    reported_amount_minor: int | None = None
    currency: CurrencyCode | None = None
    stop_started_at: Moment | None = None
    stop_expires_at: Moment | None = None
    supersedes: Key | None = None
    ingest_time: Moment | None = None
    trace_id: ShortText | None = None


class AccountStatus(StrEnum):
    """Where an account stands."""

    ACTIVE = "ACTIVE"
    DORMANT = "DORMANT"
    NON_COUNTER_SUSPENDED = "NON_COUNTER_SUSPENDED"
    STOPPED = "STOPPED"
    FROZEN = "FROZEN"
    CLOSED = "CLOSED"


class MerchantReference(Struct, frozen=True, omit_defaults=True):
    """What is registered of the merchant behind an account."""

    merchant_id: Key
    mcc: Mcc | None = None
    onboarded_at: Moment | None = None
    registered_payout_tokens: PayoutTokens = ()
    settlement_cycle: Key | None = None
    region: Key | None = None


class AccountReferenceEvent(Struct, frozen=True, tag="account", tag_field="event_type", omit_defaults=True):
    """What is known of an account from ``valid_from`` on, until ``valid_to`` or the next record."""

    event_id: Key
    schema_version: int
    source: Key
    event_time: Moment
    account_token: Key
    party_token: Key
    party_type: PartyType
    opened_at: Moment
    valid_from: Moment
    valid_to: Moment | None = None
    sequence: Whole = 0
    closed_at: Moment | None = None
    status: AccountStatus = AccountStatus.ACTIVE
    account_masked: ShortText | None = None
    kyc_level: Key | None = None
    risk_rating: Key | None = None
    home_country: CountryCode | None = None
    region: Key | None = None
    phone_token: Key | None = None
    address_token: Key | None = None
    merchant: MerchantReference | None = None
    ingest_time: Moment | None = None
    trace_id: ShortText | None = None
    email_token: Key | None = None
    ubo_tokens: UboTokens = ()


Event = PaymentEvent | PaymentStatusEvent | SettlementEvent | FraudReportEvent | AccountReferenceEvent
