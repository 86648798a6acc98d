"""pacs.008, the transfer between banks: each ``CdtTrfTxInf`` is a payment the payer's bank has accepted."""

from typing import Final

from streams.events.iso20022.fields import Field, Message
from streams.events.iso20022.identity import ids_of
from streams.events.iso20022.parties import shortened, side_fields, two_sides
from streams.events.iso20022.reading import Transactions
from streams.events.iso20022.values import date_of, moment, need_amount
from streams.events.model import SCHEMA_VERSION, PaymentEvent, PaymentStatus

_TX: Final = "CdtTrfTxInf"

PACS_008: Final = Message(
    kind="pacs.008",
    title="Financial institution to financial institution customer credit transfer",
    meaning=(
        "Each transaction is a `payment` of status ACCEPTED: the payer's bank passes it on. Rules count "
        "settled money; that it settled is told by a pacs.002 (ACSC, ACCC)."
    ),
    roots=("FIToFICstmrCdtTrf",),
    version_max=14,
    transaction=_TX,
    drops=frozenset({(_TX,)}),
    fields={
        "message_id": Field("event_id", ("GrpHdr/MsgId",), "one of the things it is made from"),
        "message": Field("batch_id, other_ids", ("GrpHdr/MsgId",)),
        "created": Field("initiated_at, event_time", ("GrpHdr/CreDtTm",), "event_time where AccptncDtTm is not there"),
        "tx_id": Field("payment_id", (f"{_TX}/PmtId/TxId",)),
        "uetr": Field("uetr, payment_id", (f"{_TX}/PmtId/UETR",), "in lower case"),
        "instruction": Field("instruction_id, payment_id, other_ids", (f"{_TX}/PmtId/InstrId",)),
        "end_to_end": Field("end_to_end_id, payment_id, other_ids", (f"{_TX}/PmtId/EndToEndId",), "NOTPROVIDED is none"),
        "amount": Field("amount_minor, currency", (f"{_TX}/IntrBkSttlmAmt", f"{_TX}/IntrBkSttlmAmt/Amt")),
        "accepted": Field(
            "accepted_at, event_time, initiated_at", (f"{_TX}/AccptncDtTm",), "initiated_at where it is before CreDtTm"
        ),
        "settlement": Field(
            "settlement_date", (f"{_TX}/IntrBkSttlmDt", "GrpHdr/IntrBkSttlmDt"),
            "a transfer is an instruction; that it settled is told by pacs.002",
        ),
        "instrument": Field(
            "rail",
            (
                f"{_TX}/PmtTpInf/LclInstrm/Cd", f"{_TX}/PmtTpInf/LclInstrm/Prtry", f"{_TX}/PmtTpInf/SvcLvl/Cd",
                "GrpHdr/PmtTpInf/LclInstrm/Cd", "GrpHdr/PmtTpInf/LclInstrm/Prtry", "GrpHdr/PmtTpInf/SvcLvl/Cd",
            ),
            "INST makes it INSTANT, all else is BANK", several=True,
        ),
        "purpose": Field("purpose_code", (f"{_TX}/Purp/Cd", f"{_TX}/Purp/Prtry")),
        **side_fields("debtor", f"{_TX}/Dbtr", f"{_TX}/DbtrAcct", f"{_TX}/DbtrAgt"),
        **side_fields("creditor", f"{_TX}/Cdtr", f"{_TX}/CdtrAcct", f"{_TX}/CdtrAgt"),
    },
    ignored={
        "GrpHdr/NbOfTxs": "counted anew; a wrong number is no fault of the transactions",
        "GrpHdr/CtrlSum": "the same",
        "GrpHdr/TtlIntrBkSttlmAmt": "each transaction has its amount",
        "GrpHdr/SttlmInf": "how banks settle among themselves",
        "GrpHdr/PmtTpInf": "but for its instrument",
        "GrpHdr/InstgAgt": "the sender of this hop; the banks of payer and receiver are read",
        "GrpHdr/InstdAgt": "the same",
        "GrpHdr/BtchBookg": "how the bank books tells nothing of the payment",
        "GrpHdr/PmtInstrXpryDtTm": "no field of ours",
        f"{_TX}/PmtId/ClrSysRef": "no field of ours",
        f"{_TX}/PmtTpInf": "but for its instrument",
        f"{_TX}/SttlmPrty": "no field of ours",
        f"{_TX}/SttlmTmIndctn": "no field of ours",
        f"{_TX}/SttlmTmReq": "no field of ours",
        f"{_TX}/InstdAmt": "the amount between the banks counts; charges and exchange lie between the two",
        f"{_TX}/XchgRate": "no field of ours",
        f"{_TX}/ChrgBr": "no field of ours",
        f"{_TX}/ChrgsInf": "no field of ours",
        f"{_TX}/PoolgAdjstmntDt": "no field of ours",
        f"{_TX}/InstgAgt": "the sender of this hop; the banks of payer and receiver are read",
        f"{_TX}/InstdAgt": "the same",
        f"{_TX}/PrvsInstgAgt1": "banks in between",
        f"{_TX}/IntrmyAgt1": "banks in between",
        f"{_TX}/InitgPty": "who gave the order is not whose account it is",
        f"{_TX}/UltmtDbtr": "the account holder is the subject",
        f"{_TX}/UltmtCdtr": "the account holder is the subject",
        f"{_TX}/Dbtr": "names and addresses are personal data",
        f"{_TX}/DbtrAcct": "but for its number: currency, type and name",
        f"{_TX}/DbtrAgt": "but for its id: name, address, branch",
        f"{_TX}/DbtrAgtAcct": "an account between banks",
        f"{_TX}/Cdtr": "names and addresses are personal data",
        f"{_TX}/CdtrAcct": "but for its number: currency, type and name",
        f"{_TX}/CdtrAgt": "but for its id: name, address, branch",
        f"{_TX}/CdtrAgtAcct": "an account between banks",
        f"{_TX}/InstrForCdtrAgt": "no field of ours",
        f"{_TX}/InstrForNxtAgt": "no field of ours",
        f"{_TX}/RgltryRptg": "no field of ours",
        f"{_TX}/Tax": "no field of ours",
        f"{_TX}/RmtInf": "remittance text never enters the stream",
        f"{_TX}/RltdRmtInf": "the same",
        f"{_TX}/VrfctnOfTerms": "no field of ours",
        "SplmtryData": "has no meaning of its own in the standard",
        "RgltryRptg": "no field of ours (Tazama writes it beside the transaction)",
        "RmtInf": "remittance text never enters the stream (Tazama writes it beside the transaction)",
        f"{_TX}/SplmtryData": "has no meaning of its own in the standard",
    },
)  # fmt: skip


def transfer(transactions: Transactions) -> PaymentEvent:
    """Give the payment one bank passes to another."""
    record, options = transactions.record, transactions.options
    created = transactions.created()
    accepted = moment(record, "accepted", options.zone)
    minor, currency = need_amount(record, "amount")
    debtor, creditor = two_sides(record, options.tokenise)
    ids = ids_of(record)
    payment_id, others = transactions.own_name(ids)
    return PaymentEvent(
        event_id="", schema_version=SCHEMA_VERSION, source=options.source, event_time=accepted or created,
        payment_id=payment_id, rail=transactions.rail(), status=PaymentStatus.ACCEPTED, amount_minor=minor,
        currency=currency, debtor=debtor, creditor=creditor, initiated_at=min(created, accepted or created),
        accepted_at=accepted, settlement_date=date_of(record, "settlement"), uetr=ids.uetr or None,
        end_to_end_id=ids.end_to_end or None, instruction_id=ids.instruction or None,
        purpose_code=record.text("purpose"), batch_id=shortened(ids.message) or None, other_ids=others,
    )  # fmt: skip
