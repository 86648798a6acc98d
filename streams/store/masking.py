"""What a reader without the right to see accounts sees of a token (PCI DSS 4, requirement 3.4.1: the last four)."""

import re
from collections.abc import Iterable
from typing import Final

from streams.events.model import OUTSIDE_TOKENS

STARS: Final = "****"
_IBAN: Final = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,}(?: ?[A-Z0-9]{1,4})?\b")
_DIGITS: Final = re.compile(r"\b(?!\d{4}-\d{2}-\d{2}\b)\d(?:[ -]?\d){7,}\b")
_WORD: Final = re.compile(r"\b(?=(?:\w*?\d){4})\w{8,}\b")
_SHOWN: Final = 4
_LENGTH_MIN: Final = 2 * _SHOWN
"""A shorter token is hidden whole: its last four would be most of it."""


def mask_token(token: str) -> str:
    """Give the masked form of an account, device or other subject; the outside world's tokens are no secret."""
    if token in OUTSIDE_TOKENS or not token:
        return token
    return STARS + token[-_SHOWN:] if len(token) >= _LENGTH_MIN else STARS


def mask_text(text: str, tokens: Iterable[str]) -> str:
    """Mask each of the tokens where it stands as a word of its own in a text for people."""
    for token in tokens:
        if token and token in text:
            text = re.sub(rf"(?<![\w-]){re.escape(token)}(?![\w-])", lambda _, token=token: mask_token(token), text)  # type: ignore[misc]
    return text


def mask_free_text(text: str, tokens: Iterable[str]) -> str:
    """Mask the tokens, and whatever else in a person's text looks like the number of an account.

    That is an IBAN, eight digits or more however grouped, or a word of eight or more letters and digits with four digits in it;
    a date is none.
    """
    masked = mask_text(text, tokens)
    for pattern in (_IBAN, _DIGITS, _WORD):
        masked = pattern.sub(lambda found: mask_token(found[0]), masked)
    return masked


def mask_sql(column: str) -> str:
    """Give the SQL expression, on any database, that does to a column what ``mask_token`` does to a token."""
    outside = ", ".join(f"'{token}'" for token in sorted(OUTSIDE_TOKENS | {""}))
    return (
        f"CASE WHEN {column} IN ({outside}) THEN {column} "
        f"WHEN length({column}) >= {_LENGTH_MIN} THEN '{STARS}' || substr({column}, length({column}) - {_SHOWN - 1}) "
        f"ELSE '{STARS}' END"
    )
