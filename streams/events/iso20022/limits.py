"""How large a message and its parts may be; what is larger is refused by name, before it costs memory."""

from typing import Final

import msgspec

MEBIBYTE: Final = 1 << 20
ELEMENT_COST: Final = 64
"""What an element counts among the characters that are held; it costs more memory than its text."""


class Limits(msgspec.Struct, frozen=True):
    """The bounds a reader keeps: memory follows the largest transaction, and some 100 bytes for each one's name."""

    bytes_max: int = 1024 * MEBIBYTE
    """Of a file."""
    json_bytes_max: int = 16 * MEBIBYTE
    """Of one JSON document, which is decoded as a whole."""
    depth_max: int = 64
    """Elements inside elements; ISO 20022 itself needs about 20."""
    text_max: int = 100_000
    """Characters of one element."""
    token_bytes_max: int = MEBIBYTE
    """Of one tag, comment or processing instruction: an attribute cannot be larger."""
    transactions_max: int = 500_000
    """Of one message; their names are remembered, lest two have the same."""
    kept_max: int = 4 * MEBIBYTE
    """Held at one time, the headers and one transaction: characters, and ``ELEMENT_COST`` for each element."""
