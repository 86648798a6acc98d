"""The labelled format, line by line: a payment, or a refusal by name; no number crashes it."""

import io
import json

import pytest

from streams.events import Limits, Refused, decode_event
from streams.events.model import PaymentEvent
from streams.replay.formats.labelled import labelled

ROW = {
    "event_id": "e1", "ts": "2025-01-01T00:04:00Z", "from_account": "A", "to_account": "B", "amount": 130.25, "currency": "EUR",
    "kind": "payment", "channel": "transfer",
}  # fmt: skip
RECEIVED_MS = 1_900_000_000_000


def lines(*rows: str) -> list[bytes]:
    return list(labelled(io.BytesIO("\n".join(rows).encode()), "set.jsonl"))


def changed(**fields: object) -> str:
    return json.dumps({key: value for key, value in (ROW | fields).items() if value is not ...})


def test_a_line_becomes_a_settled_payment() -> None:
    (line,) = lines(changed())
    event, _ = decode_event(line, RECEIVED_MS, Limits())
    assert isinstance(event, PaymentEvent)
    assert (event.event_id, event.payment_id, event.source, event.channel) == ("e1", "e1", "labelled", "transfer")
    assert (event.amount_minor, event.currency) == (13025, "EUR")
    assert (event.debtor.account_token, event.creditor.account_token) == ("A", "B")
    assert event.settled_at == event.initiated_at == event.event_time


def test_the_world_outside_is_no_account() -> None:
    (line,) = lines(changed(from_account="EXT:SOURCE"))
    assert json.loads(line)["debtor"] == {"account_token": "EXTERNAL"}


@pytest.mark.parametrize(
    ("channel", "rail", "ends"),
    [
        ("transfer", "BANK", ("A", "B")),
        ("deposit", "CASH_IN", ("CASH", "B")),
        ("withdrawal", "CASH_OUT", ("A", "CASH")),
        ("cash_spend", "CASH_OUT", ("A", "CASH")),
        ("payment", "CARD", ("A", "B")),
        ("unheard-of", "BANK", ("A", "B")),
        (None, "BANK", ("A", "B")),
    ],
)
def test_the_channel_tells_cash_and_purchases_from_transfers(
    channel: str | None, rail: str, ends: tuple[str, str]
) -> None:
    (line,) = lines(changed(channel=channel))
    row = json.loads(line)
    assert (row["rail"], row["debtor"]["account_token"], row["creditor"]["account_token"]) == (rail, *ends)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        (changed(to_account="A"), "debtor_is_creditor:to_account"),
        (changed(from_account="EXT:SOURCE", to_account="EXT:SINK"), "debtor_is_creditor:to_account"),
        (changed(amount=-5), "amount_not_positive:amount"),
        (changed(amount=0), "amount_not_positive:amount"),
        (changed(amount=None), "missing_field:amount"),
        (changed(amount=...), "missing_field:amount"),
        (changed(amount=0.005), "amount_decimals:amount"),
        (changed(amount="much"), "wrong_type:amount"),
        (changed(amount=10**16), "amount_too_large:amount"),
        (changed(amount=0).replace('"amount": 0', '"amount": 1e999999999'), "wrong_type:amount"),
        (changed(amount=0).replace('"amount": 0', f'"amount": 0.1{"0" * 35}1'), "amount_decimals:amount"),
        (changed(currency="EURO"), "unknown_currency:currency"),
        (changed(currency="eur"), "unknown_currency:currency"),
        (changed(event_id=7), "wrong_type:event_id"),
        (changed(ts="yesterday"), "wrong_type:event_time"),
        (changed(ts="2035-01-01T00:00:00Z"), "far_future:event_time"),
        ("[]", "wrong_type:"),
        ("{" * 10_000, "not_json:"),
        ("no row", "not_json:"),
    ],
)
def test_what_is_no_payment_is_refused_by_name(text: str, refusal: str) -> None:
    bad, good = lines(text, changed())
    with pytest.raises(Refused) as found:
        decode_event(bad, RECEIVED_MS, Limits())
    assert f"{found.value.refusal}:{found.value.field}" == refusal
    decode_event(good, RECEIVED_MS, Limits())
