"""Settlement lines: between institutions for single payments, and batches with payouts for merchants."""

from random import Random
from typing import Final

from msgspec import Struct

from streams.clock import HOUR_MS, MINUTE_MS, to_datetime
from streams.events.model import Account, SettlementEvent, SettlementKind, SettlementStatus
from streams.replay.generator.draws import Spread, local_day_start
from streams.replay.generator.payments import Paid, identifier
from streams.replay.generator.population import Holder

FEE_PER_100_000: Final = 380
"""What a merchant pays for its batch: 0.38 %, our starting value."""
CLOSED_AFTER_MS: Final = 3 * HOUR_MS
"""A local day's batch is closed when so much of the next day has gone by; no merchant payment settles later."""
_BOOKING_MS: Final = Spread((0, 1_000), (600, 10 * MINUTE_MS), (950, HOUR_MS), (1_000, 5 * HOUR_MS))


class Ids(Struct, frozen=True):
    """Under which ids a line names its payment."""

    uetr: str | None = None
    payment_id: str | None = None
    end_to_end_id: str | None = None


class Line(Struct, frozen=True, kw_only=True):
    """A plan of one booked line between institutions."""

    ids: Ids
    debtor: Account
    creditor: Account
    amount_minor: int
    currency: str
    booked_ms: int


def all_ids(paid: Paid) -> Ids:
    """Give every id of a payment."""
    return Ids(paid.uetr, paid.payment_id, paid.end_to_end_id)


def line_of(paid: Paid, ids: Ids, booked_ms: int) -> Line:
    """Plan the line of a payment."""
    plan = paid.transfer
    return Line(
        ids=ids,
        debtor=plan.debtor.account,
        creditor=plan.creditor.account,
        amount_minor=plan.amount_minor,
        currency=plan.currency,
        booked_ms=booked_ms,
    )


def usual_line(paid: Paid, rng: Random, *, at_once: bool) -> Line:
    """Plan the line of a background payment: booked minutes to hours later, named by one or several ids."""
    kind = rng.random()
    if paid.uetr is None or kind < 0.3:  # noqa: PLR2004 - three ways to name a payment, about a third each
        ids = Ids(payment_id=paid.payment_id)
    elif kind < 0.6:  # noqa: PLR2004
        ids = Ids(uetr=paid.uetr, end_to_end_id=paid.end_to_end_id)
    else:
        ids = all_ids(paid)
    return line_of(paid, ids, paid.settled_ms + (1_000 if at_once else _BOOKING_MS.draw(rng)))


def booked(line: Line, rng: Random) -> SettlementEvent:
    """Write a booked line."""
    moment = to_datetime(line.booked_ms)
    return SettlementEvent(
        event_id=identifier(rng),
        schema_version=1,
        source="clearing",
        event_time=moment,
        settlement_id=f"s{rng.getrandbits(80):020x}",
        kind=SettlementKind.INTERBANK,
        status=SettlementStatus.BOOKED,
        net_minor=line.amount_minor,
        currency=line.currency,
        cycle="T0",
        payment_id=line.ids.payment_id,
        uetr=line.ids.uetr,
        end_to_end_id=line.ids.end_to_end_id,
        debtor=line.debtor,
        creditor=line.creditor,
        gross_minor=line.amount_minor,
        booked_at=moment,
    )


class Till(Struct):
    """What one merchant took on one local day."""

    merchant: Holder
    day: int
    gross_minor: int = 0
    items: int = 0
    refund_minor: int = 0
    part: int = 0
    """Number of the withdrawal on its day, of a merchant that is paid out on the day itself; 0 for others."""

    @property
    def batch_id(self) -> str:
        """Give the name that its sales, its batch and its payout share."""
        return batch_id(self.merchant, self.day) + (f"-{self.part}" if self.part else "")


def batch_id(merchant: Holder, day: int) -> str:
    """Name the batch of a merchant and local day."""
    return f"{merchant.merchant_id}-{day}"


def close_till(till: Till, rng: Random, payout_to: Account | None = None) -> tuple[SettlementEvent, SettlementEvent]:
    """Write the batch of a day and its payout on the morning after; ``payout_to`` replaces the registered account.

    Refunds are netted up to half of the batch, so that every payout is positive; ``till.refund_minor`` keeps the rest.
    """
    merchant, gross = till.merchant, till.gross_minor
    fee = gross * FEE_PER_100_000 // 100_000
    refund = min(till.refund_minor, (gross - fee) // 2)
    till.refund_minor -= refund
    booked_ms = local_day_start(till.day + 1) + CLOSED_AFTER_MS + int(rng.random() * HOUR_MS)
    money = Takings(gross, refund, fee)
    payout_ms = booked_ms + 20 * MINUTE_MS + int(rng.random() * 6 * HOUR_MS)
    return (
        _merchant_line(till, money, SettlementKind.MERCHANT_BATCH, (booked_ms, merchant.account), rng),
        _merchant_line(till, money, SettlementKind.PAYOUT, (payout_ms, payout_to or merchant.payout), rng),
    )


def withdraw(
    till: Till, booked_ms: int, rng: Random, payout_to: Account | None = None
) -> tuple[SettlementEvent, SettlementEvent]:
    """Write a batch that the merchant draws on the day itself, and its payout minutes later."""
    merchant = till.merchant
    money = Takings(till.gross_minor, 0, till.gross_minor * FEE_PER_100_000 // 100_000)
    payout_ms = booked_ms + MINUTE_MS + int(rng.random() * 20 * MINUTE_MS)
    return (
        _merchant_line(till, money, SettlementKind.MERCHANT_BATCH, (booked_ms, merchant.account), rng),
        _merchant_line(till, money, SettlementKind.PAYOUT, (payout_ms, payout_to or merchant.payout), rng),
    )


class Takings(Struct, frozen=True):
    """The money of a batch in minor units; what is paid out is the rest."""

    gross: int
    refund: int
    fee: int


def _merchant_line(
    till: Till, money: Takings, kind: SettlementKind, goes: tuple[int, Account | None], rng: Random
) -> SettlementEvent:
    merchant = till.merchant
    booked_ms, creditor = goes
    moment = to_datetime(booked_ms)
    return SettlementEvent(
        event_id=identifier(rng),
        schema_version=1,
        source="merchant-settlement",
        event_time=moment,
        settlement_id=f"s{rng.getrandbits(80):020x}",
        kind=kind,
        status=SettlementStatus.BOOKED,
        net_minor=money.gross - money.refund - money.fee,
        currency=merchant.currency,
        cycle=merchant.cycle,
        batch_id=till.batch_id,
        clearing_ref=f"c{rng.getrandbits(64):016x}",
        merchant_id=merchant.merchant_id,
        debtor=merchant.account if kind is SettlementKind.PAYOUT else None,
        creditor=creditor,
        gross_minor=money.gross,
        refund_minor=money.refund,
        fee_minor=money.fee,
        item_count=till.items,
        requested_at=to_datetime(booked_ms - 30 * MINUTE_MS),
        booked_at=moment,
    )
