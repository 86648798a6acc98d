"""The life of one payment: from a plan to the messages that tell of it."""

from enum import IntEnum
from random import Random
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from streams.clock import MINUTE_MS, SECOND_MS, to_datetime
from streams.events.model import (
    PaymentEvent,
    PaymentStatus,
    PaymentStatusEvent,
    Rail,
    Relation,
)
from streams.replay.generator.draws import Spread, below
from streams.replay.generator.population import Holder

_VARIANTS: Final = "89ab"


class Life(IntEnum):
    """Which messages tell of a payment."""

    ONE = 0
    """One SETTLED message."""
    PAIR = 1
    """INITIATED, then SETTLED."""
    STATUS = 2
    """INITIATED, then a status that names the payment by its ids only."""
    REJECTED = 3
    CANCELLED = 4
    HELD = 5
    """INITIATED, HELD, SETTLED."""
    RETURNED = 6
    """INITIATED, SETTLED, then a status RETURNED."""
    ACCEPTED = 7
    """INITIATED, ACCEPTED, and nothing after it."""
    CLEARED = 8
    """INITIATED, ACCEPTED for clearing, SETTLED."""
    UNDONE = 9
    """INITIATED, ACCEPTED, then a status REJECTED."""


class Transfer(Struct, frozen=True, kw_only=True):
    """A plan: who pays whom, how much, when begun. ``device`` is the device used, if the rail has one.

    ``balances`` are those of payer and payee after it, in minor units, where the messages tell them.
    """

    at: int
    debtor: Holder
    creditor: Holder
    amount_minor: int
    currency: str
    rail: Rail = Rail.INSTANT
    life: Life = Life.ONE
    device: str | None = None
    purpose: str | None = None
    batch_id: str | None = None
    related: str | None = None
    settle_ms: int = -1
    """How long settling takes, exactly; -1: as long as the rail takes."""
    balances: tuple[int | None, int | None] = (None, None)


class Paid(Struct, frozen=True):
    """A payment as made: its ids, when it settled (its end, if it never did), and the messages in order of time."""

    transfer: Transfer
    source: str
    payment_id: str
    uetr: str | None
    end_to_end_id: str
    accepted_ms: int
    settled_ms: int
    messages: tuple[PaymentEvent | PaymentStatusEvent, ...]


_SETTLE_MS: Final = {
    Rail.BANK: Spread((0, 20 * SECOND_MS), (600, 2 * MINUTE_MS), (900, 15 * MINUTE_MS), (1_000, 40 * MINUTE_MS)),
    Rail.CASH_IN: Spread((0, 0), (1_000, 400)),
    Rail.CASH_OUT: Spread((0, 0), (1_000, 400)),
}
_SETTLE_FAST_MS: Final = Spread((0, 150), (800, 2_000), (1_000, 6_000))
_CHANNELS: Final = {
    Rail.BANK: ("core-bank", "WEB"),
    Rail.INSTANT: ("core-bank", "MOBILE"),
    Rail.CARD: ("card-switch", "POS"),
    Rail.QR: ("wallet-app", "MOBILE"),
    Rail.WALLET: ("wallet-app", "MOBILE"),
    Rail.CASH_IN: ("cash-desk", "ATM"),
    Rail.CASH_OUT: ("cash-desk", "ATM"),
    Rail.CRYPTO_ON: ("core-bank", "MOBILE"),
    Rail.CRYPTO_OFF: ("core-bank", "MOBILE"),
    Rail.BOOK: ("core-bank", "MOBILE"),
}
_STATUSES: Final = {
    Life.PAIR: ((PaymentStatus.INITIATED, False), (PaymentStatus.SETTLED, False)),
    Life.STATUS: ((PaymentStatus.INITIATED, False), (PaymentStatus.SETTLED, True)),
    Life.REJECTED: ((PaymentStatus.INITIATED, False), (PaymentStatus.REJECTED, True)),
    Life.CANCELLED: ((PaymentStatus.INITIATED, False), (PaymentStatus.CANCELLED, False)),
    Life.HELD: ((PaymentStatus.INITIATED, False), (PaymentStatus.HELD, True), (PaymentStatus.SETTLED, False)),
    Life.RETURNED: ((PaymentStatus.INITIATED, False), (PaymentStatus.SETTLED, False), (PaymentStatus.RETURNED, True)),
    Life.ACCEPTED: ((PaymentStatus.INITIATED, False), (PaymentStatus.ACCEPTED, False)),
    Life.CLEARED: ((PaymentStatus.INITIATED, False), (PaymentStatus.ACCEPTED, False), (PaymentStatus.SETTLED, False)),
    Life.UNDONE: ((PaymentStatus.INITIATED, False), (PaymentStatus.ACCEPTED, False), (PaymentStatus.REJECTED, True)),
}
_REASONS: Final = {
    PaymentStatus.REJECTED: "AM04",
    PaymentStatus.CANCELLED: "CUST",
    PaymentStatus.HELD: "ARDT",
    PaymentStatus.RETURNED: "AC04",
}


def identifier(rng: Random) -> str:
    """Draw a UUID (version 4) as text."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{_VARIANTS[int(text[16], 16) & 3]}{text[17:20]}-{text[20:]}"


def settles(life: Life) -> bool:
    """Tell whether such a payment moves money."""
    return life not in (Life.REJECTED, Life.CANCELLED, Life.ACCEPTED, Life.UNDONE)


def pay(transfer: Transfer, rng: Random) -> Paid:
    """Make the messages of one payment; deterministic in the state of ``rng``."""
    rail = transfer.rail
    accepted_ms, settle_ms = transfer.at, transfer.settle_ms
    if settle_ms < 0:
        accepted_ms += below(rng, 400)
        settle_ms = _SETTLE_MS.get(rail, _SETTLE_FAST_MS).draw(rng)
    if transfer.life is Life.HELD:
        settle_ms += 10 * MINUTE_MS
    settled_ms = accepted_ms + settle_ms
    source = _CHANNELS[rail][0]
    payment_id = f"p{rng.getrandbits(80):020x}"
    uetr = identifier(rng) if rail in (Rail.BANK, Rail.INSTANT, Rail.CRYPTO_ON) else None
    end_to_end_id = f"E2E{rng.getrandbits(64):016x}"
    paid = Paid(transfer, source, payment_id, uetr, end_to_end_id, accepted_ms, settled_ms, ())
    messages: tuple[PaymentEvent | PaymentStatusEvent, ...]
    if transfer.life is Life.ONE:
        messages = (_message(paid, PaymentStatus.SETTLED, 0, rng),)
    else:
        messages = tuple(
            _status(paid, status, number, rng) if bare else _message(paid, status, number, rng)
            for number, (status, bare) in enumerate(_STATUSES[transfer.life])
        )
    return replace(paid, messages=messages)


def _message(paid: Paid, status: PaymentStatus, sequence: int, rng: Random) -> PaymentEvent:
    transfer = paid.transfer
    creditor, debtor = transfer.creditor, transfer.debtor
    initiated = to_datetime(transfer.at)
    settled = to_datetime(paid.settled_ms)
    begun = status is PaymentStatus.INITIATED
    moment = {PaymentStatus.INITIATED: initiated, PaymentStatus.ACCEPTED: to_datetime(paid.accepted_ms)}.get(
        status, settled
    )
    address = debtor.address if transfer.device is not None else None
    told = status is PaymentStatus.SETTLED
    shop = creditor if creditor.merchant_id is not None else debtor
    rail = transfer.rail
    return PaymentEvent(
        event_id=identifier(rng),
        schema_version=1,
        source=paid.source,
        event_time=moment,
        payment_id=paid.payment_id,
        rail=rail,
        status=status,
        amount_minor=transfer.amount_minor,
        currency=transfer.currency,
        debtor=debtor.account,
        creditor=creditor.account,
        initiated_at=initiated,
        accepted_at=None if begun else to_datetime(paid.accepted_ms),
        settled_at=settled if told else None,
        sequence=sequence,
        uetr=paid.uetr,
        end_to_end_id=paid.end_to_end_id,
        status_reason=_REASONS.get(status),
        purpose_code=transfer.purpose,
        mcc=shop.mcc,
        merchant_id=shop.merchant_id,
        batch_id=transfer.batch_id,
        related_payment_id=transfer.related,
        relation=None if transfer.related is None else Relation.REFUND_OF,
        channel=_CHANNELS[rail][1],
        device_token=transfer.device,
        ip_token=None if address is None else address.token,
        ip_country=None if address is None else address.country,
        debtor_balance_after_minor=transfer.balances[0] if told else None,
        creditor_balance_after_minor=transfer.balances[1] if told else None,
        ip_class=None if address is None else address.kind,
    )


def returned(paid: Paid, at_ms: int, rng: Random) -> PaymentStatusEvent:
    """Write the status that a payment came back at a moment (pacs.004), because somebody asked (FOCR)."""
    status = _status(paid, PaymentStatus.RETURNED, 2, rng)
    return replace(status, event_time=to_datetime(at_ms), status_reason="FOCR")


def _status(paid: Paid, status: PaymentStatus, sequence: int, rng: Random) -> PaymentStatusEvent:
    at = paid.settled_ms
    if status is PaymentStatus.HELD:
        at = paid.transfer.at + SECOND_MS
    elif status is PaymentStatus.RETURNED or paid.transfer.life is Life.UNDONE:
        at += (5 + below(rng, 600)) * MINUTE_MS
    return PaymentStatusEvent(
        event_id=identifier(rng),
        schema_version=1,
        source=paid.source,
        event_time=to_datetime(at),
        status=status,
        payment_id=paid.payment_id,
        uetr=paid.uetr,
        settled_at=to_datetime(at) if status is PaymentStatus.SETTLED else None,
        sequence=sequence,
        status_reason=_REASONS.get(status),
    )
