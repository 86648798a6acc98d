"""pain.001, the customer's order: each ``CdtTrfTxInf`` is a payment that was initiated."""

from typing import Final

from streams.events.iso20022.fields import Field, Message
from streams.events.iso20022.identity import ids_of
from streams.events.iso20022.parties import shortened, side_fields, two_sides
from streams.events.iso20022.reading import Transactions
from streams.events.iso20022.values import need_amount
from streams.events.model import SCHEMA_VERSION, PaymentEvent, PaymentStatus

_TX: Final = "PmtInf/CdtTrfTxInf"

PAIN_001: Final = Message(
    kind="pain.001",
    title="Customer credit transfer initiation",
    meaning=(
        "Each transaction is a `payment` of status INITIATED, at the time the message was made. Debtor, his "
        "bank and his account stand once for a group of transactions."
    ),
    roots=("CstmrCdtTrfInitn",),
    version_max=13,
    transaction=_TX,
    drops=frozenset({("PmtInf",), ("PmtInf", "CdtTrfTxInf")}),
    fields={
        "message_id": Field("event_id", ("GrpHdr/MsgId",), "one of the things it is made from"),
        "message": Field("payment_id, other_ids", ("GrpHdr/MsgId",)),
        "created": Field("initiated_at, event_time", ("GrpHdr/CreDtTm",)),
        "group": Field("payment_id, other_ids, batch_id", ("PmtInf/PmtInfId",)),
        "uetr": Field("uetr, payment_id", (f"{_TX}/PmtId/UETR",), "in lower case"),
        "instruction": Field("instruction_id, payment_id, other_ids", (f"{_TX}/PmtId/InstrId",)),
        "end_to_end": Field("end_to_end_id, payment_id, other_ids", (f"{_TX}/PmtId/EndToEndId",), "NOTPROVIDED is none"),
        "amount": Field(
            "amount_minor, currency",
            (f"{_TX}/Amt/InstdAmt", f"{_TX}/Amt/InstdAmt/Amt", f"{_TX}/Amt/EqvtAmt/Amt", f"{_TX}/Amt/EqvtAmt/Amt/Amt"),
            "an EqvtAmt counts in the currency it is written in, which is that of the debtor's account",
        ),
        "instrument": Field(
            "rail",
            (
                f"{_TX}/PmtTpInf/LclInstrm/Cd", f"{_TX}/PmtTpInf/LclInstrm/Prtry", f"{_TX}/PmtTpInf/SvcLvl/Cd",
                "PmtInf/PmtTpInf/LclInstrm/Cd", "PmtInf/PmtTpInf/LclInstrm/Prtry", "PmtInf/PmtTpInf/SvcLvl/Cd",
            ),
            "INST makes it INSTANT, all else is BANK", several=True,
        ),
        "purpose": Field("purpose_code", (f"{_TX}/Purp/Cd", f"{_TX}/Purp/Prtry")),
        **side_fields("debtor", "PmtInf/Dbtr", "PmtInf/DbtrAcct", "PmtInf/DbtrAgt", "once for the group"),
        **side_fields("creditor", f"{_TX}/Cdtr", f"{_TX}/CdtrAcct", f"{_TX}/CdtrAgt"),
    },
    ignored={
        "GrpHdr/NbOfTxs": "counted anew; a wrong number is no fault of the transactions",
        "GrpHdr/CtrlSum": "the same",
        "GrpHdr/InitgPty": "who sent the file is not who pays",
        "GrpHdr/Authstn": "no field of ours",
        "GrpHdr/FwdgAgt": "no field of ours",
        "GrpHdr/Grpg": "all groupings of the 2006 edition are read alike",
        "GrpHdr/BtchBookg": "how the bank books tells nothing of the payment",
        "PmtInf/NbOfTxs": "counted anew",
        "PmtInf/CtrlSum": "the same",
        "PmtInf/PmtMtd": "cheques (CHK) are transfers to the receiver all the same",
        "PmtInf/BtchBookg": "how the bank books tells nothing of the payment",
        "PmtInf/ReqdExctnDt": "the order is given when it is given; its execution is told by pacs.008, pacs.002 or camt.054",
        "PmtInf/PoolgAdjstmntDt": "no field of ours",
        "PmtInf/PmtTpInf": "but for its instrument",
        "PmtInf/ChrgBr": "no field of ours",
        "PmtInf/ChrgsAcct": "no field of ours",
        "PmtInf/ChrgsAcctAgt": "no field of ours",
        "PmtInf/UltmtDbtr": "the account holder is the subject",
        "PmtInf/Dbtr": "names and addresses are personal data",
        "PmtInf/DbtrAcct": "but for its number: currency, type and name",
        "PmtInf/DbtrAgt": "but for its id: name, address, branch",
        "PmtInf/DbtrAgtAcct": "an account between banks",
        f"{_TX}/Amt/EqvtAmt/CcyOfTrf": "the currency paid out is not the one that leaves the account",
        f"{_TX}/PmtTpInf": "but for its instrument",
        f"{_TX}/XchgRateInf": "no field of ours",
        f"{_TX}/ChrgBr": "no field of ours",
        f"{_TX}/ChqInstr": "no field of ours",
        f"{_TX}/UltmtDbtr": "the account holder is the subject",
        f"{_TX}/UltmtCdtr": "the account holder is the subject",
        f"{_TX}/IntrmyAgt1": "banks in between",
        f"{_TX}/Cdtr": "names and addresses are personal data",
        f"{_TX}/CdtrAcct": "but for its number: currency, type and name",
        f"{_TX}/CdtrAgt": "but for its id: name, address, branch",
        f"{_TX}/CdtrAgtAcct": "an account between banks",
        f"{_TX}/InstrForCdtrAgt": "no field of ours",
        f"{_TX}/InstrForDbtrAgt": "no field of ours",
        f"{_TX}/RgltryRptg": "no field of ours",
        f"{_TX}/RmtInf": "remittance text never enters the stream",
        f"{_TX}/RltdRmtInf": "the same",
        f"{_TX}/Tax": "no field of ours",
        "SplmtryData": "has no meaning of its own in the standard",
        f"{_TX}/SplmtryData": "the same",
    },
)  # fmt: skip


def order(transactions: Transactions) -> PaymentEvent:
    """Give the payment a customer ordered."""
    record, options = transactions.record, transactions.options
    created = transactions.created()
    minor, currency = need_amount(record, "amount")
    debtor, creditor = two_sides(record, options.tokenise)
    ids = ids_of(record)
    payment_id, others = transactions.own_name(ids)
    return PaymentEvent(
        event_id="", schema_version=SCHEMA_VERSION, source=options.source, event_time=created, payment_id=payment_id,
        rail=transactions.rail(), status=PaymentStatus.INITIATED, amount_minor=minor, currency=currency, debtor=debtor,
        creditor=creditor, initiated_at=created, uetr=ids.uetr or None, end_to_end_id=ids.end_to_end or None,
        instruction_id=ids.instruction or None, purpose_code=record.text("purpose"), batch_id=shortened(ids.group) or None,
        other_ids=others,
    )  # fmt: skip
