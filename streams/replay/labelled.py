"""The ``labelled`` format: transfers as public labelled sets give them, turned into payment events.

A line has ``event_id, ts, from_account, to_account, amount, currency, kind, channel``; ``EXT:...`` is the outside world, not an
account. What cannot be turned is passed on in a form that intake refuses by name: nothing is guessed, nothing skipped.
"""

from decimal import Decimal, InvalidOperation

import msgspec

from streams.money import TooManyDecimals, UnknownCurrency, parse_major


class _Row(msgspec.Struct):
    event_id: str
    ts: str
    from_account: str
    to_account: str
    amount: Decimal | None
    currency: str
    channel: str = ""


_decoder: msgspec.json.Decoder[_Row] = msgspec.json.Decoder(_Row)
_encoder = msgspec.json.Encoder()


def from_labelled(line: bytes) -> bytes:
    """Give the payment event of a row as JSON; a line that is no row is given back as it is."""
    try:
        row = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return line
    event: dict[str, object] = {
        "event_type": "payment",
        "event_id": row.event_id,
        "schema_version": 1,
        "source": "labelled",
        "event_time": row.ts,
        "payment_id": row.event_id,
        "rail": "BANK",
        "status": "SETTLED",
        "currency": row.currency,
        "debtor": {"account_token": _token(row.from_account)},
        "creditor": {"account_token": _token(row.to_account)},
        "initiated_at": row.ts,
        "settled_at": row.ts,
        "channel": row.channel or None,
    }
    try:
        event["amount_minor"] = parse_major(row.amount, row.currency) if row.amount is not None else None
    except TooManyDecimals:
        event["amount_minor"] = 0.5
    except (UnknownCurrency, InvalidOperation, ValueError, OverflowError):
        event["amount_minor"] = 1
        event["currency"] = row.currency if row.currency.isupper() else "???"
    return _encoder.encode(event)


def _token(account: str) -> str:
    return "EXTERNAL" if account.startswith("EXT:") else account
