"""Small ISO 20022 messages made to order, and reading them from bytes."""

import io

from streams.events.iso20022 import Found, Limits, Options, read_messages

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"
CREATED = "2026-03-02T08:00:00Z"


def transfer(number: int = 1, amount: str = "10.00", currency: str = "EUR", extra: str = "") -> str:
    """Write one transaction of a pacs.008."""
    return (
        f"<CdtTrfTxInf><PmtId><EndToEndId>E-{number}</EndToEndId><TxId>T-{number}</TxId></PmtId>"
        f'<IntrBkSttlmAmt Ccy="{currency}">{amount}</IntrBkSttlmAmt>{extra}'
        "<Dbtr><Nm>Zoë</Nm></Dbtr><DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct>"
        "<CdtrAcct><Id><IBAN>FR7630006000011234567890189</IBAN></Id></CdtrAcct></CdtTrfTxInf>"
    )


def transfers(body: str = "", version: str = "pacs.008.001.08", created: str = CREATED) -> str:
    """Write a pacs.008 around transactions, without an XML declaration."""
    return (
        f'<Document xmlns="{NAMESPACE}{version}"><FIToFICstmrCdtTrf><GrpHdr><MsgId>M-1</MsgId>'
        f"<CreDtTm>{created}</CreDtTm></GrpHdr>{body or transfer()}</FIToFICstmrCdtTrf></Document>"
    )


def report(body: str, version: str = "pacs.002.001.10") -> str:
    """Write a pacs.002 around transactions."""
    return (
        f'<Document xmlns="{NAMESPACE}{version}"><FIToFIPmtStsRpt><GrpHdr><MsgId>S-1</MsgId>'
        f"<CreDtTm>2026-03-02T08:00:05Z</CreDtTm></GrpHdr>{body}</FIToFIPmtStsRpt></Document>"
    )


def batch(kind: str, number: int) -> str:
    """Write one message of a kind with so many transactions, all in one group, entry or report."""
    iban = "<Id><IBAN>DE89370400440532013000</IBAN></Id>"
    other = "<Id><IBAN>FR7630006000011234567890189</IBAN></Id>"
    head = f"<MsgId>M-1</MsgId><CreDtTm>{CREATED}</CreDtTm>"
    entry = f'<Acct>{iban}</Acct><Ntry><Amt Ccy="EUR">9</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>'
    order = '<PmtId><InstrId>I-{}</InstrId></PmtId><Amt><InstdAmt Ccy="EUR">1</InstdAmt></Amt>'
    group = f"<PmtInf><PmtInfId>P</PmtInfId><DbtrAcct>{iban}</DbtrAcct>{{}}</PmtInf>"
    written = {
        "pain.001": ("CstmrCdtTrfInitn", group, f"<CdtTrfTxInf>{order}<CdtrAcct>{other}</CdtrAcct></CdtTrfTxInf>"),
        "pacs.002": (
            "FIToFIPmtStsRpt",
            "{}",
            "<TxInfAndSts><OrgnlTxId>T-{}</OrgnlTxId><TxSts>ACSC</TxSts></TxInfAndSts>",
        ),
        "pacs.004": (
            "PmtRtr",
            "{}",
            '<TxInf><OrgnlTxId>T-{}</OrgnlTxId><RtrdIntrBkSttlmAmt Ccy="EUR">1</RtrdIntrBkSttlmAmt></TxInf>',
        ),
        "camt.054": (
            "BkToCstmrDbtCdtNtfctn",
            f"<Ntfctn>{entry}<NtryDtls>{{}}</NtryDtls></Ntry></Ntfctn>",
            '<TxDtls><Refs><TxId>T-{}</TxId></Refs><Amt Ccy="EUR">1</Amt></TxDtls>',
        ),
        "camt.056": (
            "FIToFIPmtCxlReq",
            f"<Assgnmt><Id>A</Id><CreDtTm>{CREATED}</CreDtTm></Assgnmt><Undrlyg>{{}}</Undrlyg>",
            "<TxInf><OrgnlTxId>T-{}</OrgnlTxId><CxlRsnInf><Rsn><Cd>FRAD</Cd></Rsn></CxlRsnInf></TxInf>",
        ),
    }
    root, around, one = written[kind]
    inside = around.format("".join(one.format(each) for each in range(number)))
    body = f"<{root}><GrpHdr>{head}</GrpHdr>{inside}</{root}>"
    return f'<Document xmlns="{NAMESPACE}{kind}.001.08">{body}</Document>'


def read(content: str | bytes, limits: Limits | None = None, options: Options | None = None) -> list[Found]:
    """Read a file from memory."""
    raw = content.encode() if isinstance(content, str) else content
    return list(read_messages(io.BytesIO(raw), options, limits))


def refusals(content: str | bytes, limits: Limits | None = None) -> list[str]:
    """Give the names of the refusals in a file; ``""`` for an event."""
    return [found.refused.refusal.value if found.refused is not None else "" for found in read(content, limits)]
