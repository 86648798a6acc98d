"""What is read of camt.054, path by path."""

from typing import Final

from streams.events.iso20022.fields import Field, Message
from streams.events.iso20022.parties import side_fields

ENTRY: Final = "Ntfctn/Ntry"
DETAILS: Final = f"{ENTRY}/NtryDtls"
TX: Final = f"{DETAILS}/TxDtls"
OLD_TX: Final = f"{ENTRY}/TxDtls"
"""Where the edition of 2006 has a transaction."""
_BATCH: Final = f"{DETAILS}/Btch"


def _tx(*ends: str) -> tuple[str, ...]:
    return tuple(f"{root}/{end}" for end in ends for root in (TX, OLD_TX))


def _parties(name: str) -> str:
    return "|".join(_tx(f"RltdPties/{name}"))


def _agents(name: str) -> str:
    return "|".join(_tx(f"RltdAgts/{name}"))


CAMT_054: Final = Message(
    kind="camt.054",
    title="Bank to customer debit and credit notification",
    meaning=(
        "Each transaction of an entry is a `settlement` of kind INTERBANK or RETURN; so is an entry without "
        "transactions. An entry booked as a batch without its transactions is one of kind MERCHANT_BATCH with "
        "`item_count`. BOOK is BOOKED; PDNG and FUTR are PENDING; INFO is refused: nothing was booked."
    ),
    roots=("BkToCstmrDbtCdtNtfctn",),
    version_max=14,
    transaction=TX,
    drops=frozenset(tuple(path.split("/")) for path in ("Ntfctn", ENTRY, DETAILS, TX, OLD_TX)),
    fields={
        "message_id": Field("event_id, settlement_id", ("GrpHdr/MsgId",), "settlement_id where the entry has no reference"),
        "created": Field("event_time, booked_at", ("GrpHdr/CreDtTm", "Ntfctn/CreDtTm"), "where there is no booking date"),
        "status": Field("status", (f"{ENTRY}/Sts/Cd", f"{ENTRY}/Sts/Prtry", f"{ENTRY}/Sts"), "INFO and unknown codes are refused"),
        "booked": Field(
            "booked_at, event_time", (f"{ENTRY}/BookgDt/DtTm", f"{ENTRY}/BookgDt/Dt"),
            "a date stands for CreDtTm if that is its day, else for its first moment; event_time is never after CreDtTm",
        ),
        "value": Field("value_date", (f"{ENTRY}/ValDt/Dt", f"{ENTRY}/ValDt/DtTm")),
        "amount": Field(
            "net_minor, currency", _tx("Amt", "AmtDtls/TxAmt/Amt", "Amt/Amt", "AmtDtls/TxAmt/Amt/Amt")
        ),
        "entry_amount": Field(
            "net_minor, currency", (f"{ENTRY}/Amt", f"{ENTRY}/Amt/Amt"),
            "of an entry with one transaction or none; never of one among several"
        ),
        "direction": Field("debtor, creditor", (f"{ENTRY}/CdtDbtInd",), "the account notified is debtor (DBIT) or creditor (CRDT)"),
        "own_direction": Field(
            "debtor, creditor", _tx("CdtDbtInd"), "where it contradicts the entry the account notified is put on neither side"
        ),
        "reversal": Field("kind", (f"{ENTRY}/RvslInd",), "RETURN when true"),
        "returned": Field("kind", _tx("RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry", "RtrInf/RtrRsn/Cd"), "RETURN when there", several=True),
        "family": Field(
            "kind", (*_tx("BkTxCd/Domn/Fmly/SubFmlyCd"), f"{ENTRY}/BkTxCd/Domn/Fmly/SubFmlyCd"),
            "RETURN for RRTN, RPCR, RRCT, RIMB, PRRT, UPDD, PRDD, else INTERBANK",
        ),
        "tx_id": Field("payment_id", _tx("Refs/TxId")),
        "uetr": Field("uetr, payment_id", _tx("Refs/UETR"), "in lower case"),
        "instruction": Field("payment_id", _tx("Refs/InstrId")),
        "end_to_end": Field("end_to_end_id, payment_id", _tx("Refs/EndToEndId"), "NOTPROVIDED is none"),
        "message": Field("payment_id, batch_id", (*_tx("Refs/MsgId"), f"{_BATCH}/MsgId", f"{ENTRY}/Btch/MsgId")),
        "group": Field("payment_id, batch_id", (*_tx("Refs/PmtInfId"), f"{_BATCH}/PmtInfId", f"{ENTRY}/Btch/PmtInfId")),
        "reference": Field("clearing_ref, settlement_id", _tx("Refs/AcctSvcrRef", "Refs/ClrSysRef")),
        "entry_reference": Field(
            "clearing_ref, settlement_id", (f"{ENTRY}/AcctSvcrRef",), "clearing_ref of an entry with one transaction or none only"
        ),
        "items": Field(
            "item_count, kind", (f"{_BATCH}/NbOfTxs", f"{ENTRY}/Btch/NbOfTxs"),
            "of an entry booked as a batch without its transactions: MERCHANT_BATCH", several=True,
        ),
        **side_fields("own", "Ntfctn/Acct/Ownr", "Ntfctn/Acct", "Ntfctn/Acct/Svcr", "the account notified"),
        **side_fields("debtor", _parties("Dbtr"), _parties("DbtrAcct"), _agents("DbtrAgt")),
        **side_fields("creditor", _parties("Cdtr"), _parties("CdtrAcct"), _agents("CdtrAgt")),
    },
    ignored={
        "GrpHdr/MsgRcpt": "who gets the notification",
        "GrpHdr/MsgPgntn": "each page is read by itself",
        "GrpHdr/OrgnlBizQry": "no field of ours",
        "GrpHdr/AddtlInf": "text for people",
        "Ntfctn/Id": "the message id and the entry's reference name a line",
        "Ntfctn/NtfctnPgntn": "each page is read by itself",
        "Ntfctn/ElctrncSeqNb": "no field of ours",
        "Ntfctn/RptgSeq": "no field of ours",
        "Ntfctn/LglSeqNb": "no field of ours",
        "Ntfctn/FrToDt": "each line has its time",
        "Ntfctn/CpyDplctInd": "a repeated line is known by its id",
        "Ntfctn/RptgSrc": "no field of ours",
        "Ntfctn/Acct": "but for its number, owner's id and bank",
        "Ntfctn/RltdAcct": "no field of ours",
        "Ntfctn/Intrst": "no field of ours",
        "Ntfctn/TxsSummry": "sums are made anew",
        "Ntfctn/AddtlNtfctnInf": "text for people",
        f"{ENTRY}/NtryRef": "an agreement, such as an ISR number, that many entries share",
        f"{ENTRY}/Avlbty": "no field of ours",
        f"{ENTRY}/BkTxCd": "but for its sub-family",
        f"{ENTRY}/ComssnWvrInd": "no field of ours",
        f"{ENTRY}/AddtlInfInd": "no field of ours",
        f"{ENTRY}/AmtDtls": "amounts of the transactions count",
        f"{ENTRY}/Chrgs": "no field of ours",
        f"{ENTRY}/TechInptChanl": "no field of ours",
        f"{ENTRY}/Intrst": "no field of ours",
        f"{ENTRY}/CardTx": "no field of ours",
        f"{ENTRY}/AddtlNtryInf": "text for people",
        _BATCH: "but for its ids and number",
        f"{ENTRY}/Btch": "but for its ids and number",
        **{path: why for name, why in {
            "Refs": "but for the ids named above: ChqNb, MndtId, Prtry and others",
            "AmtDtls": "but for TxAmt: what was ordered and exchanged on the way",
            "BkTxCd": "but for its sub-family",
            "Avlbty": "no field of ours",
            "Chrgs": "no field of ours",
            "Intrst": "no field of ours",
            "RltdPties": "but for accounts and ids of both sides",
            "RltdAgts": "but for the banks of both sides",
            "LclInstrm": "no field of ours",
            "Purp": "a line has no purpose; its payment has",
            "RltdRmtInf": "remittance text never enters the stream",
            "RmtInf": "the same",
            "RltdDts": "the payment has its own times",
            "RltdPric": "no field of ours",
            "RltdQties": "no field of ours",
            "FinInstrmId": "no field of ours",
            "Tax": "no field of ours",
            "RtrInf": "but that it is there",
            "CorpActn": "no field of ours",
            "CardTx": "no field of ours",
            "AddtlTxInf": "text for people",
            "SplmtryData": "has no meaning of its own in the standard",
        }.items() for path in _tx(name)},
        "SplmtryData": "has no meaning of its own in the standard",
    },
)  # fmt: skip
