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


def read(content: str | bytes, limits: Limits | None = None, options: Options | None = None) -> list[Found]:
    """Read a file from memory."""
    raw = content.encode() if isinstance(content, str) else content
    return list(read_messages(io.BytesIO(raw), options, limits))


def refusals(content: str | bytes, limits: Limits | None = None) -> list[str]:
    """Give the names of the refusals in a file; ``""`` for an event."""
    return [found.refused.refusal.value if found.refused is not None else "" for found in read(content, limits)]
