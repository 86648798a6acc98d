"""Bytes of the alerts topic."""

from typing import get_args

import msgspec

from streams.alerts.model import Outcome
from streams.errors import FormatError, LogError

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Outcome] = msgspec.msgpack.Decoder(Outcome)


class _Kind(msgspec.Struct):
    """What every outcome of any version says of itself."""

    type: str


_kind: msgspec.msgpack.Decoder[_Kind] = msgspec.msgpack.Decoder(_Kind)
_KNOWN = frozenset(str(each.__struct_config__.tag) for each in get_args(Outcome))


def encode_outcome(outcome: Outcome) -> bytes:
    """Pack one outcome (MessagePack)."""
    return _encoder.encode(outcome)


def decode_outcome(data: bytes) -> Outcome:
    """Unpack one outcome; raises ``LogError`` when the bytes are none of ours, ``FormatError`` for a kind we do not know yet."""
    try:
        return _decoder.decode(data)
    except msgspec.DecodeError as error:
        kind = _kind_of(data)
        if kind is not None and kind not in _KNOWN:
            message = f"a record of the alerts topic of kind {kind}, which this program does not know: upgrade the record workers"
            raise FormatError(message) from error
        message = f"a record of the alerts topic cannot be read: {error}"
        raise LogError(message) from error


def _kind_of(data: bytes) -> str | None:
    try:
        return _kind.decode(data).type
    except msgspec.DecodeError:
        return None
