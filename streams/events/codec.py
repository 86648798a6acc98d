"""Bytes to events and back, and the content digest that tells a repeated event from a conflicting one."""

import re
from hashlib import blake2b
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from streams.events.model import SCHEMA_VERSION, Event, Key
from streams.events.refusals import Refusal, Refused, check

BYTES_MAX: Final = 256 * 1024


class RefusedRecord(msgspec.Struct, frozen=True, tag="refused", tag_field="event_type", omit_defaults=True):
    """What a reader of another format (ISO 20022, CSV) writes in place of a record it could not read.

    Intake refuses it by the name it carries, so a record refused at the rim is counted like any other.
    """

    refusal: Refusal
    field: Annotated[str, Meta(max_length=200)]
    detail: Annotated[str, Meta(max_length=400)]
    file: str = ""
    message_id: Key | None = None
    number: int = 0
    """Which transaction or line of the file, counted from 1; 0 for the file as a whole."""


_decoder: msgspec.json.Decoder[Event | RefusedRecord] = msgspec.json.Decoder(Event | RefusedRecord)
_encoder = msgspec.json.Encoder()
_canonical = msgspec.msgpack.Encoder(order="deterministic")
_PLACE = re.compile(r"\$\.?([^`]*)`?$")
_PART = re.compile(r"`([A-Za-z_]+)`")


class Limits(msgspec.Struct, frozen=True):
    """What intake refuses before it looks at the content: a record larger than ``bytes_max``."""

    bytes_max: int = BYTES_MAX


class _Header(msgspec.Struct):
    schema_version: int | None = None
    event_type: str | None = None


_header: msgspec.json.Decoder[_Header] = msgspec.json.Decoder(_Header)


def decode_event(raw: bytes | None, received_ms: int, limits: Limits) -> tuple[Event, int]:
    """Give the event and its event time in milliseconds; raises ``Refused``, and nothing else, whatever the bytes."""
    if raw is None:
        raise Refused(Refusal.TOMBSTONE, "", "a record without a value")
    try:
        if len(raw) > limits.bytes_max:
            raise Refused(Refusal.TOO_LARGE, "", f"a record is at most {limits.bytes_max} bytes")
        event = _decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise (_refusal_of(raw, str(error)) if _is_json(raw) else _broken(raw)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _broken(raw) from None
    if isinstance(event, RefusedRecord):
        raise Refused(event.refusal, event.field, event.detail)
    return event, check(event, received_ms)


def encode_event(event: Event | RefusedRecord) -> bytes:
    """Write an event as one line of JSON (without the line end)."""
    return _encoder.encode(event)


def digest_of(event: Event) -> int:
    """Give 63 bits over the content; ``ingest_time`` and ``trace_id`` tell of the transport and do not count.

    Of an event that was decoded: its numbers are bounded.
    """
    if event.ingest_time is not None or event.trace_id is not None:
        event = msgspec.structs.replace(event, ingest_time=None, trace_id=None)
    return int.from_bytes(blake2b(_canonical.encode(event), digest_size=8).digest()) >> 1


def mask(raw: bytes | None, length_max: int = 160) -> str:
    """Give the first bytes of a record with letters and digits of its values replaced by ``*``; field names stay."""
    text = (raw or b"")[:length_max].decode("utf-8", "replace")
    return re.sub(r'"[^"]*"(?!\s*:)|[0-9]+', lambda found: re.sub(r"\w", "*", found[0]), text)


def _is_json(raw: bytes) -> bool:
    """Look at the whole record: the first decoder stops at the first wrong type."""
    try:
        msgspec.json.decode(raw)
        raw.decode("utf-8")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _broken(raw: bytes) -> Refused:
    if not raw.strip():
        return Refused(Refusal.EMPTY, "", "a record with an empty value")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return Refused(Refusal.NOT_UTF8, "", f"byte {error.start} is not UTF-8")
    return Refused(Refusal.NOT_JSON, "", "the record is not one JSON object")


def _refusal_of(raw: bytes, message: str) -> Refused:
    """Name a validation error; the version is looked at first, since another version may have other fields."""
    place = _PLACE.search(message)
    field = place[1] if place else ""
    what = message.partition(" - at ")[0]
    try:
        version = _header.decode(raw).schema_version
    except (msgspec.DecodeError, UnicodeDecodeError):
        version = None
    if "Invalid value" in what and field == "event_type":
        return Refused(Refusal.UNKNOWN_EVENT_TYPE, field, "not a known event type")
    if version is not None and version != SCHEMA_VERSION:
        return Refused(Refusal.UNKNOWN_VERSION, "schema_version", f"this program reads version {SCHEMA_VERSION}")
    if "missing required field" in what:
        part = _PART.search(what.partition("missing required field")[2])
        name = part[1] if part else ""
        refusal = Refusal.UNKNOWN_EVENT_TYPE if name == "event_type" else Refusal.MISSING_FIELD
        return Refused(refusal, f"{field}.{name}".lstrip("."), "a required field is missing")
    if field.endswith("_minor") and "`float`" in what:
        return Refused(Refusal.AMOUNT_DECIMALS, field, "amounts are whole numbers of minor units")
    return Refused(Refusal.WRONG_TYPE, field, re.sub(r"'[^']*'", "this value", what))
