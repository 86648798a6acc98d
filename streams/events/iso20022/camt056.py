"""camt.056, the recall: each ``TxInf`` asked back for fraud is a fraud report.

Only a recall for fraud is one: a report taints the money it points at, which a double payment must not do.
"""

from typing import Final

from streams.events.iso20022.fields import Field, Message
from streams.events.iso20022.identity import Ids, ids_of
from streams.events.iso20022.parties import OUTSIDE, account_of, shortened, side_fields
from streams.events.iso20022.reading import Transactions
from streams.events.iso20022.statuses import about_a_payment
from streams.events.iso20022.values import amount, day
from streams.events.model import SCHEMA_VERSION, FraudReportEvent, ReportedTransaction, ReportType
from streams.events.refusals import Refusal, Refused

_TX: Final = "Undrlyg/TxInf"
_GROUP: Final = "Undrlyg/OrgnlGrpInfAndCxl"
_REF: Final = f"{_TX}/OrgnlTxRef"
_FRAUD: Final = frozenset({"FRAD", "FRAUD", "FRNA"})
"""Reasons for which a recall tells of fraud: the external code, and what networks write as proprietary text."""

CAMT_056: Final = Message(
    kind="camt.056",
    title="Financial institution to financial institution payment cancellation request",
    meaning=(
        "Each transaction recalled for fraud is a `fraud_report` of type RECALL. A recall for any other "
        "reason is refused (`recall_not_fraud`): a report taints the money it points at, which a double "
        "payment must not do."
    ),
    roots=("FIToFIPmtCxlReq",),
    version_max=13,
    transaction=_TX,
    drops=frozenset({("Undrlyg",), ("Undrlyg", "TxInf")}),
    fields={
        "message_id": Field("event_id", ("Assgnmt/Id",), "one of the things it is made from"),
        "created": Field("event_time, reported_at, received_at", ("Assgnmt/CreDtTm",)),
        "case": Field("case_ref", (f"{_TX}/Case/Id", f"{_GROUP}/Case/Id", "Case/Id")),
        "cancellation": Field("report_id", (f"{_TX}/CxlId",), "else the message's id and the transaction's place in it"),
        "assigner": Field(
            "authority_id",
            (
                "Assgnmt/Assgnr/Agt/FinInstnId/BICFI", "Assgnmt/Assgnr/Agt/FinInstnId/BIC",
                "Assgnmt/Assgnr/Agt/FinInstnId/ClrSysMmbId/MmbId", "Assgnmt/Assgnr/Agt/FinInstnId/Othr/Id",
            ),
        ),
        "reason": Field(
            "type",
            (
                f"{_TX}/CxlRsnInf/Rsn/Cd", f"{_TX}/CxlRsnInf/Rsn/Prtry", f"{_TX}/CxlRsnInf/CxlRsn/Cd",
                f"{_TX}/CxlRsnInf/CxlRsn/Prtry", f"{_GROUP}/CxlRsnInf/Rsn/Cd", f"{_GROUP}/CxlRsnInf/Rsn/Prtry",
            ),
            "RECALL for FRAD; any other reason is refused as no report of fraud", several=True,
        ),
        "original": Field(
            "", (f"{_TX}/OrgnlGrpInf/OrgnlMsgNmId", f"{_GROUP}/OrgnlMsgNmId"),
            "a recall of another message than a payment is refused"
        ),
        "message": Field("transactions.payment_id", (f"{_TX}/OrgnlGrpInf/OrgnlMsgId", f"{_GROUP}/OrgnlMsgId")),
        "tx_id": Field("transactions.payment_id", (f"{_TX}/OrgnlTxId",)),
        "uetr": Field("transactions.uetr, transactions.payment_id", (f"{_TX}/OrgnlUETR",), "in lower case"),
        "instruction": Field("transactions.payment_id", (f"{_TX}/OrgnlInstrId",)),
        "end_to_end": Field(
            "transactions.end_to_end_id, transactions.payment_id", (f"{_TX}/OrgnlEndToEndId",), "NOTPROVIDED is none"
        ),
        "amount": Field(
            "reported_amount_minor, currency, transactions.amount_minor",
            (
                f"{_TX}/OrgnlIntrBkSttlmAmt", f"{_TX}/OrgnlIntrBkSttlmAmt/Amt", f"{_REF}/IntrBkSttlmAmt",
                f"{_REF}/IntrBkSttlmAmt/Amt",
            ),
        ),
        "settled": Field(
            "transactions.time", (f"{_TX}/OrgnlIntrBkSttlmDt", f"{_REF}/IntrBkSttlmDt"),
            "its first moment",
        ),
        "group_status": Field("", (f"{_GROUP}/GrpCxl", f"{_GROUP}/OrgnlMsgId"), "a recall of a whole message is refused"),
        **side_fields("debtor", f"{_REF}/Dbtr", f"{_REF}/DbtrAcct", f"{_REF}/DbtrAgt", "token only: the victim's account"),
        **side_fields("creditor", f"{_REF}/Cdtr", f"{_REF}/CdtrAcct", f"{_REF}/CdtrAgt", "token only: transactions.creditor_token"),
    },
    ignored={
        "Assgnmt/Assgnr": "but for the bank's id",
        "Assgnmt/Assgne": "who is asked",
        "Case/Cretr": "who opened the case",
        "Case/ReopCaseIndctn": "no field of ours",
        "CtrlData": "counted anew",
        _GROUP: "but for id and kind of the original message, case and reason",
        f"{_TX}/Case/Cretr": "who opened the case",
        f"{_TX}/OrgnlGrpInf/OrgnlCreDtTm": "the payment has its own times",
        f"{_TX}/OrgnlClrSysRef": "no field of ours",
        f"{_TX}/Assgnr": "the message's assigner counts",
        f"{_TX}/Assgne": "who is asked",
        f"{_TX}/CxlRsnInf": "but for its reasons; its text is for people",
        _REF: "but for amount, date, and accounts, ids and banks of both sides",
        f"{_TX}/SplmtryData": "has no meaning of its own in the standard",
        "SplmtryData": "the same",
    },
)  # fmt: skip


def recall(transactions: Transactions) -> FraudReportEvent:
    """Give the fraud report a recall for fraud is."""
    record, options = transactions.record, transactions.options
    about_a_payment(record, "original")
    reasons = {text.upper() for text in record.texts("reason")}
    if not reasons & _FRAUD:
        raise Refused(
            Refusal.RECALL_NOT_FRAUD, record.path("reason"), "a recall for another reason than fraud is no fraud report"
        )
    ids = ids_of(record)
    if not ids.names():
        raise Refused(Refusal.MISSING_IDS, record.path("tx_id"), "names no payment: quote TxId, UETR, or two ids")
    created = transactions.created()
    minor, currency = amount(record, "amount") or (None, None)
    debtor, creditor = (account_of(record, side, options.tokenise).account_token for side in ("debtor", "creditor"))
    reported = ReportedTransaction(
        payment_id=ids.names()[0], uetr=ids.uetr or None, end_to_end_id=ids.end_to_end or None,
        debtor_token=debtor if debtor != OUTSIDE else None, creditor_token=creditor if creditor != OUTSIDE else None,
        amount_minor=minor, time=day(record, "settled", (), options.zone),
    )  # fmt: skip
    return FraudReportEvent(
        event_id="", schema_version=SCHEMA_VERSION, source=options.source, event_time=created,
        report_id=_report_id(transactions, ids), type=ReportType.RECALL, reported_at=created, received_at=created,
        case_ref=record.text("case"), authority_id=record.text("assigner"), victim_account_token=reported.debtor_token,
        transactions=(reported,), reported_amount_minor=minor, currency=currency,
    )  # fmt: skip


def _report_id(transactions: Transactions, ids: Ids) -> str:
    own = transactions.record.text("cancellation")
    if own and own not in transactions.names:
        transactions.names.add(own)
        return shortened(own)
    return shortened(f"{transactions.message_id or ids.names()[0]}#{transactions.number}")
