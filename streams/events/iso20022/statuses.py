"""Codes of ISO 20022 to states of ours (external code sets of status; domain of pacs.002 and camt.054)."""

from typing import Final

from streams.events.iso20022.fields import Record
from streams.events.model import PaymentStatus, SettlementStatus
from streams.events.refusals import Refusal, Refused

PAYMENT: Final = {
    "RCVD": PaymentStatus.INITIATED,
    "RECV": PaymentStatus.INITIATED,
    "PATC": PaymentStatus.INITIATED,
    "ACTC": PaymentStatus.ACCEPTED,
    "ACCP": PaymentStatus.ACCEPTED,
    "ACFC": PaymentStatus.ACCEPTED,
    "ACWC": PaymentStatus.ACCEPTED,
    "ACWP": PaymentStatus.ACCEPTED,
    "ACPD": PaymentStatus.ACCEPTED,
    "PRES": PaymentStatus.ACCEPTED,
    "ACSP": PaymentStatus.ACCEPTED,
    "PDNG": PaymentStatus.ACCEPTED,
    "RESV": PaymentStatus.ACCEPTED,
    "BLCK": PaymentStatus.HELD,
    "ACSC": PaymentStatus.SETTLED,
    "ACCC": PaymentStatus.SETTLED,
    "COMM": PaymentStatus.SETTLED,
    "RJCT": PaymentStatus.REJECTED,
    "ABOR": PaymentStatus.REJECTED,
    "CANC": PaymentStatus.CANCELLED,
}
"""TxSts of pacs.002. RECV, RESV, COMM and ABOR are Mojaloop's states of a transfer."""

ENTRY: Final = {"BOOK": SettlementStatus.BOOKED, "PDNG": SettlementStatus.PENDING, "FUTR": SettlementStatus.PENDING}
"""Sts of a camt.054 entry. INFO is not here: nothing was booked, and nothing will be."""

PAYMENT_MESSAGES: Final = (
    "pain.001",
    "pain.008",
    "pacs.003",
    "pacs.008",
    "pacs.009",
    "pacs.010",
    "MT103",
    "MT102",
    "MT202",
)


def about_a_payment(record: Record, name: str) -> None:
    """Refuse what answers another message than a payment: its status is not the payment's."""
    original = record.text(name)
    if original is not None and not original.upper().replace(" ", "").startswith(
        tuple(each.upper() for each in PAYMENT_MESSAGES)
    ):
        raise Refused(Refusal.NOT_ABOUT_A_PAYMENT, record.path(name), "answers a message that is no payment")


def unknown_status(record: Record, name: str) -> Refused:
    """Make the refusal of a status code without a meaning here."""
    return Refused(Refusal.UNKNOWN_STATUS, record.path(name), "a status this program has no meaning for")
