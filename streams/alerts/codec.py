"""Bytes of the alerts topic."""

import msgspec

from streams.alerts.model import Outcome
from streams.errors import LogError

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Outcome] = msgspec.msgpack.Decoder(Outcome)


def encode_outcome(outcome: Outcome) -> bytes:
    """Pack one outcome (MessagePack)."""
    return _encoder.encode(outcome)


def decode_outcome(data: bytes) -> Outcome:
    """Unpack one outcome; raises ``LogError`` when the bytes are none of ours."""
    try:
        return _decoder.decode(data)
    except msgspec.DecodeError as error:
        message = f"a record of the alerts topic cannot be read: {error}"
        raise LogError(message) from error
