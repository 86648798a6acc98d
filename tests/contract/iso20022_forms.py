"""The same message written in other ways that say the same: prefixes, envelopes, encodings, white space, comments."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

HEADER = (
    '<AppHdr xmlns="urn:iso:std:iso:20022:tech:xsd:head.001.001.02"><Fr><FIId><FinInstnId><BICFI>DEUTDEFFXXX</BICFI>'
    "</FinInstnId></FIId></Fr><MsgDefIdr>pacs.008.001.99</MsgDefIdr><CreDt>2001-01-01T00:00:00Z</CreDt></AppHdr>"
)
"""It contradicts any message on purpose: a message is what its own namespace and root say."""


def forms(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Give other forms of an XML message, each with its name; every one has a prefix on every element."""
    one = ET.tostring(ET.fromstring(raw), encoding="unicode")  # noqa: S314  the same
    for prefix in ("ns0", "a-b.c_1", "head"):
        yield f"prefix {prefix}", re.sub(r"\bns0\b", prefix, one).encode()
    yield "header", f'<Message xmlns="urn:x">{HEADER}{one}</Message>'.encode()
    soap = "http://schemas.xmlsoap.org/soap/envelope/"
    yield "envelope", f'<s:Envelope xmlns:s="{soap}"><s:Header/><s:Body>{one}</s:Body></s:Envelope>'.encode()
    yield "byte-order mark", b"\xef\xbb\xbf" + one.encode()
    for coding in ("utf-16", "iso-8859-1", "windows-1252", "us-ascii"):
        yield coding, f'<?xml version="1.0" encoding="{coding}"?>\n{one}'.encode(coding, "xmlcharrefreplace")
    yield "comments", re.sub(r"<([A-Za-z])", r"<!-- <a> --><?p q?><\1", one).encode()
    yield "no white space", re.sub(r">\s+<", "><", one).encode()
    yield "more white space", re.sub(r">([^<>]*[^<>\s][^<>]*)</", ">\n\t \\1 \r\n</", one).encode()
    yield "cdata", re.sub(r">([^<>&]*[^<>&\s][^<>&]*)</", r"><![CDATA[\1]]></", one).encode()
    yield "character references", re.sub(r">([^<>&\s]+)</", lambda m: f">{_referenced(m[1])}</", one).encode()


def _referenced(text: str) -> str:
    return "".join(f"&#x{ord(each):x};" for each in text)
