"""The wire contract as JSON Schema, one file per event type, made from the model and the meanings given here.

``schemas/`` holds the export; a contract test compares. Writing it anew: ``python -m streams.events.schema``.
"""

import re
import sys
from pathlib import Path
from types import UnionType
from typing import Annotated, Final, Union, get_args, get_origin, get_type_hints

import msgspec

from streams.events.model import (
    SCHEMA_VERSION,
    Account,
    AccountReferenceEvent,
    FraudReportEvent,
    MerchantReference,
    PaymentEvent,
    PaymentStatusEvent,
    ReportedTransaction,
    SettlementEvent,
)
from streams.events.refusals import AMOUNT_MINOR_MAX

TYPES: Final[dict[str, type[msgspec.Struct]]] = {
    "payment": PaymentEvent,
    "payment_status": PaymentStatusEvent,
    "settlement": SettlementEvent,
    "fraud_report": FraudReportEvent,
    "account": AccountReferenceEvent,
}
"""``event_type`` and what it decodes to."""
PARTS: Final = (Account, ReportedTransaction, MerchantReference)
"""Objects inside events."""
_MARKED: Final = re.compile(r"<!-- fields: (\w+) -->\n.*?<!-- end -->", re.DOTALL)
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

MEANINGS: Final[dict[str, str]] = {
    "account_masked": "What people may see of the account: four asterisks and the last digits.",
    "account_scheme": "Kind of account number: IBAN, BBAN, CARD, WALLET, OTHER.",
    "account_token": "Keyed hash of the account number, 64 hexadecimal digits; CASH and EXTERNAL are outside.",
    "accepted_at": "When the payer's institution accepted it.",
    "address_token": "Keyed hash of the owner's address.",
    "agent_id": "Institution that keeps the account: BIC or number of a clearing member.",
    "amount_minor": "Amount in the minor unit of the currency: 1234 is 12.34 CNY, but 1,234 JPY.",
    "authority_id": "Police unit, court or bank that reports.",
    "batch_id": "Batch of a merchant's day or of a file; payments carry it, batch and payout lines repeat it.",
    "booked_at": "When the line was booked; required when BOOKED.",
    "case_ref": "The reporter's own case number.",
    "channel": "Where the payer gave the order: MOBILE, WEB, POS, ATM, BRANCH, API.",
    "chargeback_minor": "Charged back within the batch.",
    "clearing_ref": "Reference of the clearing house or acquirer.",
    "closed_at": "When the account was closed.",
    "confidence": "Who stands behind the report.",
    "country": "Country of the institution, ISO 3166-1 alpha-2.",
    "creditor": "Who receives.",
    "creditor_balance_after_minor": "Balance of the receiving account after booking, if known.",
    "creditor_token": "Account token of the receiver.",
    "currency": "ISO 4217 code.",
    "cycle": "Settlement cycle: T0, T1, T2 and so on.",
    "debtor": "Who pays.",
    "debtor_balance_after_minor": "Balance of the paying account after booking, if known.",
    "debtor_token": "Account token of the payer.",
    "device_token": "Keyed hash of the payer's device or terminal; for anti-fraud use only.",
    "email_token": "Keyed hash of the owner's e-mail address.",
    "end_to_end_id": "The payer's reference, passed through the whole chain; NOTPROVIDED is the same as none.",
    "event_id": "Names this message; sending it again must use the same id.",
    "event_time": "When the fact became true: see the life of a payment.",
    "fee_minor": "Fee kept by the institution.",
    "fraud_type": "INVESTMENT_PLATFORM, BRUSHING_REBATE, IMPERSONATION, LOAN, ROMANCE, GAMBLING or OTHER.",
    "gross_minor": "Amount before deductions; net is gross less refunds, chargebacks, fee and reserve.",
    "home_country": "Country of the account, ISO 3166-1 alpha-2.",
    "ingest_time": "When the message reached the topic; tells of the transport, no part of the content.",
    "initiated_at": "When the payer gave the order.",
    "instruction_id": "Reference between two institutions; never a key of its own.",
    "ip_class": "What kind of network the address belongs to; for anti-fraud use only.",
    "ip_country": "Country of the network address, ISO 3166-1 alpha-2.",
    "ip_token": "Keyed hash of the network address; for anti-fraud use only.",
    "item_count": "Number of payments in a batch.",
    "kind": "What the line settles.",
    "kyc_level": "How well the owner was identified, in the bank's own words.",
    "line_no": "Number of the line in its file.",
    "mcc": "Merchant category code, ISO 18245.",
    "merchant": "Registered facts, if the account is a merchant's.",
    "merchant_id": "Id of the merchant; required when the creditor is a MERCHANT.",
    "net_minor": "Amount that moves.",
    "onboarded_at": "When the merchant was taken on.",
    "opened_at": "When the account was opened.",
    "order_id": "The merchant's order.",
    "other_ids": "Other names of the payment within its source, by which a status may name it.",
    "party_token": "Keyed hash of the owner; accounts of one owner share it.",
    "party_type": "Who stands behind the account.",
    "payment_id": "Names the payment within its source; every message about it carries the same id.",
    "phone_token": "Keyed hash of the owner's telephone number.",
    "purpose_code": "ISO 20022 external purpose code, such as SALA.",
    "rail": "The way the money travels.",
    "received_at": "When the institution received the report.",
    "refund_minor": "Refunded within the batch.",
    "region": "Region of the account or shop, in the bank's own words.",
    "registered_payout_tokens": "Accounts to which the merchant may be paid out.",
    "related_payment_id": "The earlier payment; goes together with relation.",
    "relation": "How this payment relates to the earlier one.",
    "report_id": "Names the report.",
    "reported_amount_minor": "Loss as reported, in minor units.",
    "reported_at": "When the victim or authority reported.",
    "requested_at": "When the payout was asked for.",
    "reserve_minor": "Kept back as reserve.",
    "risk_rating": "The bank's own rating of the owner.",
    "schema_version": f"Always {SCHEMA_VERSION}.",
    "sequence": "Order of messages with one event time; 0 if there is none.",
    "settled_at": "When the money moved; required when SETTLED.",
    "settlement_cycle": "The cycle agreed with the merchant.",
    "settlement_date": "The day on which the banks agreed to settle; whether they did is told by the status.",
    "settlement_id": "Names the line within its source.",
    "source": "The system that sends; part of a payment's identity.",
    "status": "Where it stands.",
    "status_reason": "ISO 20022 reason code or short text; never personal data.",
    "stop_expires_at": "When the stop ends (48 hours after it began, in China).",
    "stop_started_at": "When the stop began.",
    "supersedes": "The report that this one ends; required for RELEASE.",
    "suspect_account_tokens": "Accounts named as suspect.",
    "time": "When the transfer was made.",
    "trace_id": "For the operator's telemetry; no part of the content.",
    "transactions": "Transfers the report points at; a report names one, or a suspect account.",
    "type": "What the report asks for or tells.",
    "ubo_tokens": "Parties that own the company in the end, if it is one.",
    "uetr": "Unique end-to-end transaction reference, a lower-case UUID of version 4; the best key there is.",
    "valid_from": "From when on this holds; the event time of the record.",
    "valid_to": "Until when this holds; without it, until the next record.",
    "value_date": "The day from which the money counts for interest; tells nothing of when it was booked.",
    "victim_account_token": "Account of the victim.",
}
"""What each field means, by name; a name means the same in every type."""

Schema = dict[str, object]


def export() -> dict[str, Schema]:
    """Give file name and JSON Schema of every event type."""
    return {f"{tag.replace('_', '-')}.schema.json": _schema_of(tag, kind) for tag, kind in TYPES.items()}


def text_of(schema: Schema) -> str:
    """Write a schema as its file holds it."""
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def field_table(kind: type[msgspec.Struct]) -> str:
    """Write the fields of a struct as a Markdown table: name, type, required, meaning."""
    hints = get_type_hints(kind, include_extras=True)
    lines = ["| field | type | required | meaning |", "|---|---|---|---|"]
    tag = kind.__struct_config__.tag
    if tag is not None:
        lines.append(f"| `event_type` | text | yes | Always `{tag}`. |")
    for field in msgspec.structs.fields(kind):
        required = "yes" if field.required else ""
        meaning = MEANINGS[field.name]
        lines.append(f"| `{field.name}` | {_type_text(hints[field.name])} | {required} | {meaning} |")
    return "\n".join(lines)


def tables() -> dict[str, str]:
    """Give the field table of every event type and every object inside, by name."""
    named: dict[str, type[msgspec.Struct]] = {**TYPES, **{part.__name__: part for part in PARTS}}
    return {name: field_table(kind) for name, kind in named.items()}


def fill_tables(text: str) -> str:
    """Put the field tables between the marks ``<!-- fields: NAME -->`` and ``<!-- end -->`` of a manual."""
    made = tables()
    return _MARKED.sub(lambda mark: f"<!-- fields: {mark[1]} -->\n{made[mark[1]]}\n<!-- end -->", text)


def _schema_of(tag: str, kind: type[msgspec.Struct]) -> Schema:
    (_,), components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    for name, component in components.items():
        _describe(name, component)
    body = components.pop(kind.__name__)
    return {"$schema": DIALECT, "$id": f"urn:payweir:schema:{tag}:{SCHEMA_VERSION}", **body, "$defs": components}


def _describe(name: str, component: Schema) -> None:
    properties = component.get("properties")
    if not isinstance(properties, dict):
        return
    for field, content in properties.items():
        if field == "event_type":
            content["description"] = "Tells the type."
        else:
            content["description"] = MEANINGS[field]
        if field == "schema_version":
            content["const"] = SCHEMA_VERSION
        if field.endswith("_minor"):
            positive = field == "amount_minor" and name != ReportedTransaction.__name__
            content |= {"minimum": 1 if positive else -AMOUNT_MINOR_MAX, "maximum": AMOUNT_MINOR_MAX}


def _type_text(hint: object) -> str:
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    kinds = [option for option in options if option is not type(None)]
    kind, *limits = get_args(kinds[0]) if get_origin(kinds[0]) is Annotated else (kinds[0],)
    if get_origin(kind) is tuple:
        return f"list of at most {limits[0].max_length:,}: {_type_text(get_args(kind)[0])}"
    if not isinstance(kind, type):
        return "text"
    if issubclass(kind, msgspec.Struct):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    if hasattr(kind, "__members__"):
        return ", ".join(f"`{member}`" for member in kind.__members__)
    return {"int": "whole number", "datetime": "time", "date": "date", "str": "text"}[kind.__name__]


def write(folder: Path) -> None:
    """Write the export into ``folder`` and the tables into its README; raises ``OSError``."""
    for name, schema in export().items():
        folder.joinpath(name).write_text(text_of(schema), encoding="utf-8")
    manual = folder.joinpath("README.md")
    manual.write_text(fill_tables(manual.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "schemas"))
