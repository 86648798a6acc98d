"""The ``labelled`` format: transfers as JSON Lines, as labelled sets give them, turned into payment events.

A line has ``event_id, ts, from_account, to_account, amount, currency, kind, channel``; ``EXT:...`` is the outside world, not an
account. Labels stand in a file of their own beside it.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import IO, Final

import msgspec

from streams.events.model import OUTSIDE_TOKENS, Rail
from streams.events.refusals import Refusal, Refused
from streams.replay.formats.mapping import Layout
from streams.replay.formats.rows import refusal_line
from streams.replay.formats.tables import read_lines
from streams.replay.formats.values import minor_of


class _Row(msgspec.Struct):
    event_id: str
    ts: str
    from_account: str
    to_account: str
    amount: Decimal | None
    currency: str
    channel: str | None = None


_decoder: msgspec.json.Decoder[_Row] = msgspec.json.Decoder(_Row)
_encode = msgspec.json.Encoder().encode
_PLAIN: Final = Layout()
_RAILS: Final = {
    "deposit": Rail.CASH_IN, "withdrawal": Rail.CASH_OUT, "cash_spend": Rail.CASH_OUT, "payment": Rail.CARD, "spend": Rail.CARD,
}  # fmt: skip
"""By channel: cash, and purchases; a transfer, an income and whatever else is a bank transfer."""


def labelled(stream: IO[bytes], name: str) -> Iterator[bytes]:
    """Give each line as a payment event for intake, or as a refusal by name."""
    for number, line in read_lines(stream):
        try:
            if isinstance(line, Refused):
                raise line
            yield _encode(_event(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line))
        except Refused as refused:
            yield refusal_line(refused, name, number)


def _event(line: bytes) -> dict[str, object]:
    try:
        row = _decoder.decode(line)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$.")
        _, _, missing = what.partition("missing required field `")
        refusal = Refusal.MISSING_FIELD if missing else Refusal.WRONG_TYPE
        raise Refused(refusal, (missing or place).rstrip("`"), what) from None
    except UnicodeDecodeError:
        raise Refused(Refusal.NOT_UTF8, "", "the line is not UTF-8") from None
    except (msgspec.DecodeError, RecursionError):
        raise Refused(Refusal.NOT_JSON, "", "the line is not one JSON object") from None
    rail = _RAILS.get(row.channel or "", Rail.BANK)
    payer = "CASH" if rail is Rail.CASH_IN else _token(row.from_account)
    payee = "CASH" if rail is Rail.CASH_OUT else _token(row.to_account)
    if payer == payee:
        raise Refused(Refusal.DEBTOR_IS_CREDITOR, "to_account", "the same account on both sides")
    try:
        amount = minor_of("" if row.amount is None else str(row.amount), row.currency, _PLAIN)
    except Refused as refused:
        raise Refused(refused.refusal, refused.field or "amount", refused.detail) from None
    return {
        "event_type": "payment", "event_id": row.event_id, "schema_version": 1, "source": "labelled", "event_time": row.ts,
        "payment_id": row.event_id, "rail": rail, "status": "SETTLED", "amount_minor": amount, "currency": row.currency,
        "debtor": {"account_token": payer}, "creditor": {"account_token": payee}, "initiated_at": row.ts, "settled_at": row.ts,
        "channel": row.channel or None,
    }  # fmt: skip


def _token(account: str) -> str:
    return "EXTERNAL" if account.startswith("EXT:") or account in OUTSIDE_TOKENS else account
