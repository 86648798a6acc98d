"""pacs.002, the status report: each ``TxInfAndSts`` is a status that names its payment by id."""

from typing import Final

from streams.events.iso20022.fields import Field, Message
from streams.events.iso20022.identity import ids_of
from streams.events.iso20022.reading import Transactions
from streams.events.iso20022.statuses import PAYMENT, about_a_payment, unknown_status
from streams.events.iso20022.values import day, known_by, moment
from streams.events.model import SCHEMA_VERSION, PaymentStatus, PaymentStatusEvent
from streams.events.refusals import Refusal, Refused

_TX: Final = "TxInfAndSts"
_GROUP: Final = "OrgnlGrpInfAndSts"

PACS_002: Final = Message(
    kind="pacs.002",
    title="Financial institution to financial institution payment status report",
    meaning=(
        "Each transaction is a `payment_status` that finds its payment by id. ACSC, ACCC and COMM are "
        "SETTLED; ACTC, ACCP, ACFC, ACWC, ACWP, ACPD, PRES, ACSP, PDNG and RESV are ACCEPTED; RCVD, RECV and "
        "PATC are INITIATED; BLCK is HELD; RJCT and ABOR are REJECTED; CANC is CANCELLED. Any other code is "
        "refused (`unknown_status`), a status about a message that is no payment too (`not_about_a_payment`), "
        "and one that names no payment (`missing_ids`): an end-to-end id alone is no name."
    ),
    roots=("FIToFIPmtStsRpt", "FIToFIPmtSts"),
    version_max=16,
    transaction=_TX,
    drops=frozenset({(_TX,)}),
    fields={
        "message_id": Field("event_id", ("GrpHdr/MsgId",), "one of the things it is made from"),
        "created": Field("event_time, settled_at", ("GrpHdr/CreDtTm",)),
        "accepted": Field("event_time, settled_at", (f"{_TX}/AccptncDtTm",), "before CreDtTm"),
        "settled": Field(
            "settled_at, event_time",
            (
                f"{_TX}/FctvIntrBkSttlmDt/DtTm", f"{_TX}/FctvIntrBkSttlmDt/Dt", f"{_TX}/PrcgDt/DtTm", f"{_TX}/PrcgDt/Dt",
                f"{_TX}/OrgnlTxRef/IntrBkSttlmDt",
            ),
            "of a settled one; a date stands for AccptncDtTm or CreDtTm on it, else for its first moment; never after them",
        ),
        "original": Field(
            "", (f"{_TX}/OrgnlGrpInf/OrgnlMsgNmId", f"{_GROUP}/OrgnlMsgNmId"),
            "a status about another message than a payment is refused"
        ),
        "message": Field(
            "payment_id, other_ids", (f"{_TX}/OrgnlGrpInf/OrgnlMsgId", f"{_GROUP}/OrgnlMsgId"),
        ),
        "tx_id": Field("payment_id", (f"{_TX}/OrgnlTxId",)),
        "uetr": Field("uetr, payment_id", (f"{_TX}/OrgnlUETR",), "in lower case"),
        "instruction": Field("payment_id, other_ids", (f"{_TX}/OrgnlInstrId",)),
        "end_to_end": Field("payment_id, other_ids", (f"{_TX}/OrgnlEndToEndId",), "NOTPROVIDED is none"),
        "status": Field("status", (f"{_TX}/TxSts",)),
        "group_status": Field(
            "status", (f"{_GROUP}/GrpSts",), "of a transaction that has none of its own; a report without transactions is refused"
        ),
        "reason": Field(
            "status_reason",
            (
                f"{_TX}/StsRsnInf/Rsn/Cd", f"{_TX}/StsRsnInf/Rsn/Prtry", f"{_TX}/StsRsnInf/StsRsn/Cd",
                f"{_TX}/StsRsnInf/StsRsn/Prtry", f"{_GROUP}/StsRsnInf/Rsn/Cd", f"{_GROUP}/StsRsnInf/Rsn/Prtry",
            ),
            "the first reason", several=True,
        ),
    },
    ignored={
        "GrpHdr/InstgAgt": "the banks of the payment are known from the payment",
        "GrpHdr/InstdAgt": "the same",
        "GrpHdr/OrgnlBizQry": "no field of ours",
        f"{_GROUP}/OrgnlCreDtTm": "the payment has its own times",
        f"{_GROUP}/OrgnlNbOfTxs": "no field of ours",
        f"{_GROUP}/OrgnlCtrlSum": "no field of ours",
        f"{_GROUP}/StsRsnInf": "but for its first reason",
        f"{_GROUP}/NbOfTxsPerSts": "no field of ours",
        f"{_TX}/OrgnlGrpInf/OrgnlCreDtTm": "the payment has its own times",
        f"{_TX}/StsId": "no field of ours",
        f"{_TX}/StsRsnInf": "but for its first reason; its text is for people",
        f"{_TX}/ChrgsInf": "no field of ours",
        f"{_TX}/AcctSvcrRef": "no field of ours",
        f"{_TX}/ClrSysRef": "no field of ours",
        f"{_TX}/InstgAgt": "the banks of the payment are known from the payment",
        f"{_TX}/InstdAgt": "the same",
        f"{_TX}/OrgnlTxRef": "but for its settlement date: the payment itself is known by its ids",
        f"{_TX}/SplmtryData": "has no meaning of its own in the standard",
        "SplmtryData": "the same",
    },
)  # fmt: skip


def status(transactions: Transactions) -> PaymentStatusEvent:
    """Give the status of one payment."""
    record, zone = transactions.record, transactions.options.zone
    about_a_payment(record, "original")
    name = "status" if record.text("status") else "group_status"
    code = record.text(name)
    if code is None:
        raise Refused(Refusal.MISSING_FIELD, record.path("status"), "a required element is missing")
    state = PAYMENT.get(code)
    if state is None:
        raise unknown_status(record, name)
    ids = ids_of(record)
    names = ids.names()
    if not names:
        raise Refused(Refusal.MISSING_IDS, record.path("tx_id"), "names no payment: quote TxId, UETR, or two ids")
    created, accepted = transactions.created(), moment(record, "accepted", zone)
    told = accepted or created
    settled = None
    if state is PaymentStatus.SETTLED:
        settled = known_by(day(record, "settled", (accepted, created), zone) or told, told)
    return PaymentStatusEvent(
        event_id="", schema_version=SCHEMA_VERSION, source=transactions.options.source, event_time=settled or told,
        status=state, payment_id=names[0], uetr=ids.uetr or None, other_ids=tuple(names[1:]), settled_at=settled,
        status_reason=record.text("reason"),
    )  # fmt: skip
