"""Bytes of the activity topic."""

import msgspec

from streams.errors import LogError
from streams.legs.model import FORMAT_VERSION, Packed

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Packed] = msgspec.msgpack.Decoder(Packed)


def pack(record: Packed) -> bytes:
    """Write a packed record (MessagePack)."""
    return _encoder.encode(record)


def unpack(data: bytes) -> Packed:
    """Read a packed record; raises ``LogError`` when it is none of ours or of a newer format."""
    try:
        record = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"a record of the activity topic cannot be read: {error}"
        raise LogError(message) from error
    if record.version != FORMAT_VERSION:
        message = (
            f"activity record of format {record.version}; this program reads {FORMAT_VERSION}: upgrade the workers"
        )
        raise LogError(message)
    return record
