"""pacs.004, the return: each ``TxInf`` takes a payment, or a part of it, back."""

from typing import Final

from streams.events.iso20022.fields import Field, Message
from streams.events.iso20022.identity import ids_of
from streams.events.iso20022.parties import OUTSIDE, account_of, side_fields
from streams.events.iso20022.reading import Transactions
from streams.events.iso20022.statuses import about_a_payment
from streams.events.iso20022.values import day, known_by, moment, need_amount
from streams.events.model import SCHEMA_VERSION, PaymentEvent, PaymentStatus, PaymentStatusEvent
from streams.events.refusals import Refusal, Refused

_TX: Final = "TxInf"
_REF: Final = f"{_TX}/OrgnlTxRef"
_CHAIN: Final = f"{_TX}/RtrChain"
_AS_IT_WAS: Final = "the side it had in the original payment: the return chain runs the other way"

PACS_004: Final = Message(
    kind="pacs.004",
    title="Payment return",
    meaning=(
        "Each transaction is a `payment` of status RETURNED under the id of the original, with the sides of "
        "the original and the amount that comes back. Without any account or id of a side it is a "
        "`payment_status` RETURNED, and the payment's own sides count."
    ),
    roots=("PmtRtr",),
    version_max=15,
    transaction=_TX,
    drops=frozenset({(_TX,)}),
    fields={
        "message_id": Field("event_id", ("GrpHdr/MsgId",), "one of the things it is made from"),
        "created": Field("event_time", ("GrpHdr/CreDtTm",)),
        "settled": Field(
            "event_time", (f"{_TX}/IntrBkSttlmDt", "GrpHdr/IntrBkSttlmDt"),
            "stands for CreDtTm if that is its day, else for its first moment; never after CreDtTm",
        ),
        "ordered": Field(
            "initiated_at", (f"{_TX}/OrgnlGrpInf/OrgnlCreDtTm", "OrgnlGrpInf/OrgnlCreDtTm"),
            "if it is not after event_time, else that"
        ),
        "original": Field(
            "", (f"{_TX}/OrgnlGrpInf/OrgnlMsgNmId", "OrgnlGrpInf/OrgnlMsgNmId"),
            "a return of another message than a payment is refused"
        ),
        "message": Field("payment_id, other_ids", (f"{_TX}/OrgnlGrpInf/OrgnlMsgId", "OrgnlGrpInf/OrgnlMsgId")),
        "tx_id": Field("payment_id", (f"{_TX}/OrgnlTxId",)),
        "uetr": Field("uetr, payment_id", (f"{_TX}/OrgnlUETR",), "in lower case"),
        "instruction": Field("payment_id, other_ids", (f"{_TX}/OrgnlInstrId",)),
        "end_to_end": Field("payment_id, other_ids, end_to_end_id", (f"{_TX}/OrgnlEndToEndId",), "NOTPROVIDED is none"),
        "amount": Field(
            "amount_minor, currency", (f"{_TX}/RtrdIntrBkSttlmAmt", f"{_TX}/RtrdIntrBkSttlmAmt/Amt"),
            "what comes back, which may be less than was paid",
        ),
        "reason": Field(
            "status_reason",
            (
                f"{_TX}/RtrRsnInf/Rsn/Cd", f"{_TX}/RtrRsnInf/Rsn/Prtry", f"{_TX}/RtrRsnInf/RtrRsn/Cd",
                f"{_TX}/RtrRsnInf/RtrRsn/Prtry", "OrgnlGrpInf/RtrRsnInf/Rsn/Cd", "OrgnlGrpInf/RtrRsnInf/Rsn/Prtry",
            ),
            "the first reason; FOCR follows a recall", several=True,
        ),
        "instrument": Field(
            "rail", (f"{_REF}/PmtTpInf/LclInstrm/Cd", f"{_REF}/PmtTpInf/LclInstrm/Prtry", f"{_REF}/PmtTpInf/SvcLvl/Cd"),
            "INST makes it INSTANT, all else is BANK", several=True,
        ),
        **side_fields(
            "debtor", f"{_CHAIN}/Cdtr|{_REF}/Dbtr", f"{_CHAIN}/CdtrAcct|{_REF}/DbtrAcct", f"{_CHAIN}/CdtrAgt|{_REF}/DbtrAgt",
            _AS_IT_WAS,
        ),
        **side_fields(
            "creditor", f"{_CHAIN}/Dbtr|{_REF}/Cdtr", f"{_CHAIN}/DbtrAcct|{_REF}/CdtrAcct", f"{_CHAIN}/DbtrAgt|{_REF}/CdtrAgt",
            _AS_IT_WAS,
        ),
        "group_status": Field("", ("GrpHdr/GrpRtr",), "a return of a whole message without transactions is refused"),
    },
    ignored={
        "GrpHdr/NbOfTxs": "counted anew",
        "GrpHdr/CtrlSum": "the same",
        "GrpHdr/TtlRtrdIntrBkSttlmAmt": "each transaction has its amount",
        "GrpHdr/SttlmInf": "how banks settle among themselves",
        "GrpHdr/PmtTpInf": "no field of ours",
        "GrpHdr/InstgAgt": "the sender of this hop; the banks of payer and receiver are read",
        "GrpHdr/InstdAgt": "the same",
        "OrgnlGrpInf/RtrRsnInf": "but for its first reason",
        f"{_TX}/RtrId": "the id of the return; the payment has its own",
        f"{_TX}/OrgnlClrSysRef": "no field of ours",
        f"{_TX}/OrgnlIntrBkSttlmAmt": "what comes back counts",
        f"{_TX}/OrgnlIntrBkSttlmDt": "the payment has its own times",
        f"{_TX}/RtrdInstdAmt": "the amount between the banks counts",
        f"{_TX}/XchgRate": "no field of ours",
        f"{_TX}/CompstnAmt": "no field of ours",
        f"{_TX}/ChrgBr": "no field of ours",
        f"{_TX}/ChrgsInf": "no field of ours",
        f"{_TX}/ClrSysRef": "no field of ours",
        f"{_TX}/PmtTpInf": "no field of ours",
        f"{_TX}/SttlmPrty": "no field of ours",
        f"{_TX}/SttlmTmIndctn": "no field of ours",
        f"{_TX}/InstgAgt": "the sender of this hop; the banks of payer and receiver are read",
        f"{_TX}/InstdAgt": "the same",
        f"{_TX}/RtrRsnInf": "but for its first reason; its text is for people",
        _CHAIN: "but for accounts, ids and banks of both sides",
        _REF: "but for accounts, ids and banks of both sides and the instrument",
        f"{_TX}/SplmtryData": "has no meaning of its own in the standard",
        "SplmtryData": "the same",
    },
)  # fmt: skip


def give_back(transactions: Transactions) -> PaymentEvent | PaymentStatusEvent:
    """Give the return: with accounts where the message names any, else a status that finds its payment by id."""
    record, options = transactions.record, transactions.options
    about_a_payment(record, "original")
    ids = ids_of(record)
    names = ids.names()
    if not names:
        raise Refused(Refusal.MISSING_IDS, record.path("tx_id"), "names no payment: quote TxId, UETR, or two ids")
    minor, currency = need_amount(record, "amount")
    created = transactions.created()
    time = known_by(day(record, "settled", (created,), options.zone) or created, created)
    reason, others = record.text("reason"), tuple(names[1:])
    debtor, creditor = account_of(record, "debtor", options.tokenise), account_of(record, "creditor", options.tokenise)
    if debtor.account_token == OUTSIDE == creditor.account_token:
        return PaymentStatusEvent(
            event_id="", schema_version=SCHEMA_VERSION, source=options.source, event_time=time,
            status=PaymentStatus.RETURNED, payment_id=names[0], uetr=ids.uetr or None, other_ids=others,
            status_reason=reason, amount_minor=minor, currency=currency,
        )  # fmt: skip
    ordered = moment(record, "ordered", options.zone)
    return PaymentEvent(
        event_id="", schema_version=SCHEMA_VERSION, source=options.source, event_time=time, payment_id=names[0],
        rail=transactions.rail(), status=PaymentStatus.RETURNED, amount_minor=minor, currency=currency, debtor=debtor,
        creditor=creditor, initiated_at=min(time, ordered or time), uetr=ids.uetr or None,
        end_to_end_id=ids.end_to_end or None, other_ids=others, status_reason=reason,
    )  # fmt: skip
