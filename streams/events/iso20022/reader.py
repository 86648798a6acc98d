"""From a file to events: message by message and transaction by transaction, in bounded memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Final

from streams.events.codec import RefusedRecord, encode_event
from streams.events.iso20022.building import VERSION, Builder
from streams.events.iso20022.camt054 import Entries, line
from streams.events.iso20022.camt054_table import CAMT_054
from streams.events.iso20022.camt056 import CAMT_056, recall
from streams.events.iso20022.fields import Message
from streams.events.iso20022.jsonfeed import Json, decode_json, feed_json
from streams.events.iso20022.limits import Limits
from streams.events.iso20022.pacs002 import PACS_002, status
from streams.events.iso20022.pacs004 import PACS_004, give_back
from streams.events.iso20022.pacs008 import PACS_008, transfer
from streams.events.iso20022.pain001 import PAIN_001, order
from streams.events.iso20022.reading import Found, Options, Transactions
from streams.events.iso20022.tree import Node
from streams.events.iso20022.xmlfeed import check_xml, feed_xml
from streams.events.model import Event
from streams.events.refusals import Refusal, Refused

_READERS: Final[dict[str, tuple[Message, type[Transactions], Callable[[Transactions], Event]]]] = {
    "pain.001": (PAIN_001, Transactions, order),
    "pacs.008": (PACS_008, Transactions, transfer),
    "pacs.002": (PACS_002, Transactions, status),
    "pacs.004": (PACS_004, Transactions, give_back),
    "camt.054": (CAMT_054, Entries, line),
    "camt.056": (CAMT_056, Transactions, recall),
}
MESSAGES: Final = {kind: message for kind, (message, _, _) in _READERS.items()}
"""The messages that are read, by kind."""
_ROOTS: Final = {root: kind for kind, message in MESSAGES.items() for root in message.roots}
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")
_HEAD_BYTES: Final = 4096


def read_messages(stream: IO[bytes], options: Options | None = None, limits: Limits | None = None) -> Iterator[Found]:
    """Give every transaction of a file as an event or a named refusal; never raises, whatever the bytes.

    ``stream`` can be sought: an XML file is first gone through as a whole, so one that is broken anywhere is refused whole.
    A file without a message is one refusal with number 0.
    """
    reader = _File(options or Options(), limits or Limits())
    try:
        yield from reader.read(stream)
    except Refused as refused:
        yield from reader.drain()
        yield Found("", "", "", 0, refused=refused)


def lines_of(stream: IO[bytes], name: str, options: Options | None = None) -> Iterator[bytes]:
    """Give the transactions of a file as lines for intake: events, and refusals under their own names."""
    for found in read_messages(stream, options):
        yield line_of(found, name)


def line_of(found: Found, name: str) -> bytes:
    """Write what was found in the file ``name`` as a line for intake."""
    if found.event is not None:
        return encode_event(found.event)
    refused = found.refused
    assert refused is not None  # noqa: S101  one of the two is there
    what = found.version or found.kind
    name = name.encode("utf-8", "replace").decode()
    place = f"{name}, {what} {found.message_id}".rstrip(" ,") if what else name
    return encode_event(
        RefusedRecord(
            refused.refusal, refused.field[-200:], refused.detail, place, found.message_id or None, found.number
        )
    )


@dataclass(slots=True)
class _File:
    """One file being read."""

    options: Options
    limits: Limits
    ready: list[Found] = field(default_factory=list)
    builder: Builder = field(init=False)
    messages: int = 0

    def __post_init__(self) -> None:
        """Make the builder that finds the messages."""
        self.builder = Builder(_ROOTS, self._open, self.limits)

    def read(self, stream: IO[bytes]) -> Iterator[Found]:
        """Give what is in the file; raises ``Refused`` where reading ends early."""
        head = stream.read(_HEAD_BYTES)
        stream.seek(0)
        start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
        if not start:
            raise Refused(Refusal.EMPTY, "", "an empty file")
        if start.startswith((b"<", *_UTF16)) or head.startswith(_UTF16):
            yield from self._xml(stream)
        elif start.startswith((b"{", b"[")):
            yield from self._json(stream)
        else:
            raise Refused(Refusal.UNKNOWN_MESSAGE, "", "neither XML nor JSON")

    def drain(self) -> Iterator[Found]:
        """Give what is ready."""
        yield from self.ready
        self.ready.clear()

    def _xml(self, stream: IO[bytes]) -> Iterator[Found]:
        check_xml(stream, self.limits)
        stream.seek(0)
        for _ in feed_xml(stream, self.builder):
            yield from self.drain()
        if self.messages == 0:
            raise Refused(Refusal.UNKNOWN_MESSAGE, "", "none of the six messages is in it")

    def _json(self, stream: IO[bytes]) -> Iterator[Found]:
        """Read one document, or one a line when the first line is one."""
        bound = self.limits.json_bytes_max
        first = stream.readline(bound + 1)
        try:
            document = decode_json(_text(first), self.limits)
        except Refused as refused:
            if refused.refusal is not Refusal.NOT_JSON:
                raise
            rest = stream.read(bound + 1 - len(first)) if len(first) <= bound else b""
            self._feed(decode_json(_text(first + rest), self.limits))
            yield from self.drain()
            return
        self._feed(document)
        yield from self.drain()
        while following := stream.readline(bound + 1):
            if following.strip():
                yield from self._one_line(following)

    def _feed(self, document: Json) -> None:
        before = self.messages
        feed_json(document, self.builder, PACS_008.roots[0] if self.options.bare_transfers else "")
        if self.messages == before:
            raise Refused(Refusal.NO_TRANSACTIONS, "", "a message without content")

    def _one_line(self, raw: bytes) -> Iterator[Found]:
        try:
            self._feed(decode_json(_text(raw), self.limits))
        except Refused as refused:
            self.ready.append(Found("", "", "", 0, refused=refused))
            self.builder = Builder(_ROOTS, self._open, self.limits)
        yield from self.drain()

    def _open(self, kind: str, version: str, root: Node) -> Transactions | None:
        self.messages += 1
        try:
            message, reading, read = _READERS[_known(kind, version)]
        except Refused as refused:
            self.ready.append(Found(kind, version, "", 0, refused=refused))
            return None
        return reading(message, version, root, self.options, read, self._take)

    def _take(self, found: Found) -> None:
        self.ready.append(found)
        if found.number >= self.limits.transactions_max:
            bound = self.limits.transactions_max
            raise Refused(Refusal.TOO_LARGE, "", f"a message has less than {bound} transactions; the rest is not read")


def _known(kind: str, version: str) -> str:
    """Check that a message is one that is read; raises ``Refused``."""
    if kind not in _READERS:
        raise Refused(Refusal.UNKNOWN_MESSAGE, "", f"not one of {', '.join(_READERS)}")
    named = VERSION.fullmatch(version)
    if named is not None:
        if named[1] != kind:
            raise Refused(Refusal.UNKNOWN_MESSAGE, "", "the namespace names another message than the element")
        if not 1 <= int(named[3]) <= MESSAGES[kind].version_max:
            raise Refused(Refusal.UNKNOWN_VERSION, "", f"versions 01 to {MESSAGES[kind].version_max:02} are read")
    return kind


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(Refusal.NOT_UTF8, "", f"byte {error.start} is not UTF-8") from None
