"""Bytes of the activity topic."""

from collections.abc import Iterable
from sys import intern

import msgspec

from streams.errors import FormatError, LogError
from streams.legs.model import FORMAT_VERSION, Leg, Packed

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Packed] = msgspec.msgpack.Decoder(Packed)
_route: msgspec.msgpack.Decoder[tuple[tuple[int, str], ...]] = msgspec.msgpack.Decoder(tuple[tuple[int, str], ...])


class Head(msgspec.Struct, array_like=True, gc=False):
    """The first places of a leg."""

    subject_kind: int
    subject: str
    kind: int
    time: int


_head: msgspec.msgpack.Decoder[Head] = msgspec.msgpack.Decoder(Head)
_leg: msgspec.msgpack.Decoder[Leg] = msgspec.msgpack.Decoder(Leg)


class _Version(msgspec.Struct, array_like=True):
    version: int


_version: msgspec.msgpack.Decoder[_Version] = msgspec.msgpack.Decoder(_Version)


def pack(record: Packed) -> bytes:
    """Write a packed record (MessagePack)."""
    return _encoder.encode(record)


def unpack(data: bytes) -> Packed:
    """Read a packed record; raises FormatError for one of another version, LogError when it is none of ours."""
    try:
        record = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        _refuse_other_format(_version_of(data))
        message = f"a record of the activity topic cannot be read: {error}"
        raise LogError(message) from error
    _refuse_other_format(record.version)
    share(record.legs)
    share(mark.leg for mark in record.marks if mark.leg is not None)
    return record


def share(legs: Iterable[Leg]) -> None:
    """Let legs that were read hold equal texts once, as legs that were split do: half of what state weighs is names."""
    for leg in legs:
        leg.subject, leg.other, leg.party = intern(leg.subject), intern(leg.other), intern(leg.party)
        leg.account, leg.device, leg.merchant = intern(leg.account), intern(leg.device), intern(leg.merchant)
        leg.source, leg.currency, leg.way = intern(leg.source), intern(leg.currency), intern(leg.way)
        leg.country, leg.agent, leg.other_type = intern(leg.country), intern(leg.agent), intern(leg.other_type)
        leg.seat = intern(leg.seat)


def peek(leg: Leg | msgspec.Raw) -> Leg | Head:
    """Read whose a leg is and of when, and no more of it where it still is bytes."""
    return leg if isinstance(leg, Leg) else _head.decode(leg)


def whole(leg: Leg | msgspec.Raw) -> Leg:
    """Read a leg that may still be bytes."""
    if isinstance(leg, Leg):
        return leg
    read = _leg.decode(leg)
    share([read])
    return read


def pack_route(legs: Iterable[Leg]) -> bytes:
    """Write whom the legs of an event concern."""
    return _encoder.encode([(leg.subject_kind, leg.subject) for leg in legs])


def unpack_route(route: bytes) -> tuple[tuple[int, str], ...]:
    """Read whom the legs of an event concern: kind and key."""
    return _route.decode(route) if route else ()


def _refuse_other_format(version: int) -> None:
    if version != FORMAT_VERSION:
        message = f"activity record of format {version}; this program reads {FORMAT_VERSION}: upgrade the workers"
        raise FormatError(message)


def _version_of(data: bytes) -> int:
    """Give the version a record says it has, whatever its other fields are; ours when it says nothing."""
    try:
        return _version.decode(data).version
    except (msgspec.DecodeError, UnicodeDecodeError):
        return FORMAT_VERSION
