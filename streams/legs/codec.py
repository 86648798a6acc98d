"""Bytes of the activity topic."""

import msgspec

from streams.errors import FormatError, LogError
from streams.legs.model import FORMAT_VERSION, Packed

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Packed] = msgspec.msgpack.Decoder(Packed)


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
    return record


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
