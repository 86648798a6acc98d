"""XML to elements, hardened: no document type, so no entity of any kind, no external access, bounded depth and tokens.

The parser is the expat of the standard library: it streams, knows nothing of networks, and its declaration handlers let us
stop at the first sign of a document type, before anything is expanded. (lxml would bring libxml2 and its own list of
dangerous defaults; defusedxml refuses the same declarations through the same handlers, but does not stream into our hands.)
"""

import codecs
import re
from collections.abc import Iterator
from typing import IO, Final
from xml.parsers import expat

from streams.events.iso20022.building import Builder
from streams.events.iso20022.limits import Limits
from streams.events.refusals import Refusal, Refused

CHUNK: Final = 64 * 1024
_DECLARED: Final = re.compile(
    rb"""^(?:\xef\xbb\xbf)?\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']"""
)
_NATIVE: Final = frozenset({"utf-8", "utf-16", "utf-16le", "utf-16be", "iso8859-1", "ascii", "iso-8859-1"})
"""Encodings expat reads itself; it also finds out about UTF-16 by its byte-order mark."""
_CODECS: Final = re.compile(r"(iso8859-\d+|cp125\d|koi8-[ru]|gb2312|gbk|gb18030|big5|shift_jis|euc_jp|euc_kr)$")
"""Other encodings that banks use; they are turned into UTF-8 on the way in."""


def feed_xml(stream: IO[bytes], builder: Builder) -> Iterator[None]:
    """Feed a whole XML document to the builder, stopping after each chunk. Raises ``Refused`` where it ends early."""
    limits = builder.limits
    chunks = _recoded(stream, limits)
    coding = next(chunks).decode()
    parser = expat.ParserCreate(coding or None, namespace_separator=" ")
    _harden(parser)
    parser.buffer_text = True

    def start(name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        builder.start(local, namespace, attributes.get("Ccy", ""))

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _name: builder.end()
    parser.CharacterDataHandler = builder.text
    yield from _drive(parser, chunks, limits)


def check_xml(stream: IO[bytes], limits: Limits) -> None:
    """Go through a document without keeping anything; raises ``Refused`` if it is not well-formed or breaks a limit.

    A document that is cut off or broken at its end is refused as a whole, so no part of it is read.
    """
    chunks = _recoded(stream, limits)
    coding = next(chunks).decode()
    parser = expat.ParserCreate(coding or None, namespace_separator=" ")
    _harden(parser)
    depth = 0

    def start(_name: str, _attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > limits.depth_max:
            raise Refused(Refusal.TOO_DEEP, "", f"elements are nested at most {limits.depth_max} deep")

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    for _ in _drive(parser, chunks, limits):
        pass


def _drive(parser: expat.XMLParserType, chunks: Iterator[bytes], limits: Limits) -> Iterator[None]:
    fed = 0
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)  # noqa: FBT003  the parser's own signature
            fed += len(chunk)
            if fed - parser.CurrentByteIndex > limits.token_bytes_max:
                raise Refused(Refusal.TOO_LARGE, "", f"a tag or comment has at most {limits.token_bytes_max} bytes")
            yield
        parser.Parse(b"", True)  # noqa: FBT003  the same
        yield
    except expat.ExpatError as error:
        raise _refusal_of(error) from None
    except (LookupError, UnicodeDecodeError):
        raise Refused(Refusal.UNKNOWN_ENCODING, "", "the bytes are not in the encoding the document declares") from None


def _refusal_of(error: expat.ExpatError) -> Refused:
    if error.code in {18, 19, 30}:  # unknown encoding, incorrect encoding, and a BOM that contradicts
        return Refused(Refusal.UNKNOWN_ENCODING, "", "the encoding is unknown, or not the one the document declares")
    return Refused(
        Refusal.NOT_XML,
        "",
        f"not well-formed at line {error.lineno}, column {error.offset}: {expat.ErrorString(error.code)}",
    )


def _harden(parser: expat.XMLParserType) -> None:
    parser.StartDoctypeDeclHandler = _doctype
    parser.EntityDeclHandler = _doctype
    parser.ExternalEntityRefHandler = _doctype
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)


def _doctype(*_declaration: object) -> int:
    raise Refused(Refusal.DOCTYPE, "", "a message has no document type and declares no entities")


def _recoded(stream: IO[bytes], limits: Limits) -> Iterator[bytes]:
    """Give first the encoding to force on the parser (empty for its own choice), then the bytes in chunks."""
    head = stream.read(CHUNK)
    coding, decoder = _decoder(head)
    yield coding.encode()
    total, chunk = 0, head
    while chunk:
        total += len(chunk)
        if total > limits.bytes_max:
            raise Refused(Refusal.TOO_LARGE, "", f"a file has at most {limits.bytes_max} bytes")
        yield chunk if decoder is None else decoder.decode(chunk).encode()
        chunk = stream.read(CHUNK)
    if decoder is not None:
        yield decoder.decode(b"", final=True).encode()


def _decoder(head: bytes) -> tuple[str, codecs.IncrementalDecoder | None]:
    declared = _DECLARED.match(head)
    if declared is None:
        return "", None
    try:
        name = codecs.lookup(declared[1].decode()).name
    except LookupError:
        raise Refused(Refusal.UNKNOWN_ENCODING, "", "the encoding the document declares is not known") from None
    if name in _NATIVE:
        return "", None
    if not _CODECS.match(name):
        raise Refused(Refusal.UNKNOWN_ENCODING, "", "the encoding the document declares is not read")
    return "utf-8", codecs.getincrementaldecoder(name)()
