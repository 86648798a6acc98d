"""Fraud on settlements: payouts to strangers, lines that no payment explains."""

from typing import Final

from streams.clock import DAY_MS, MINUTE_MS, from_datetime
from streams.events.model import PartyType, Rail
from streams.replay.generator.draws import between, local_day, local_day_start
from streams.replay.generator.lines import Ids, Line, Till, all_ids, batch_id, booked, close_till, line_of
from streams.replay.generator.mules import YUAN, plain
from streams.replay.generator.payments import Transfer, identifier, pay
from streams.replay.generator.population import Holder
from streams.replay.generator.story import Case, Role, Subject, Typology

PAYOUT_RULE: Final = "payout-party-mismatch"
ORPHAN_RULE: Final = "orphan-settlement"


def payout_mismatch(case: Case) -> Subject:
    """R41: a merchant's payout goes to another party's account; its reference comes before, every fourth one late."""
    merchant = case.unknown("front", PartyType.MERCHANT)
    stranger = case.fresh("stranger")
    batch, payout = close_till(sales(case, merchant), case.rng, stranger.account)
    if case.number % 4 == 3:  # noqa: PLR2004 - every fourth
        late_ms = from_datetime(payout.event_time) + between(case.rng, 5, 180) * MINUTE_MS
        case.re_register(merchant, case.start_ms - 90 * DAY_MS, None, late_ms)
    else:
        case.register(merchant, between(case.rng, 10, 200), "front")
    case.aside(batch)
    case.post(payout, Role.MERCHANT_FRONT)
    return "merchant", merchant.merchant_id or ""


def orphan_settlement(case: Case) -> Subject:
    """R45: a booked line whose ids belong to no payment; every third time, a second line for a payment that has one."""
    rng = case.rng
    payer, payee = case.people(2)
    at = case.start_ms + between(rng, 0, 300) * MINUTE_MS
    amount = between(rng, 20, 900) * 100 * YUAN
    if case.number % 3 == 2:  # noqa: PLR2004 - every third
        transfer = plain(payer, payee, amount, at)
        paid = case.pay(transfer, Role.NORMAL)
        for wait in (between(rng, 1, 30), between(rng, 45, 400)):
            case.post(booked(line_of(paid, all_ids(paid), paid.settled_ms + wait * MINUTE_MS), rng), Role.EXIT)
        return "settlement", f"uetr:{paid.uetr}"
    ids = Ids(identifier(rng), f"p{rng.getrandbits(80):020x}", f"E2E{rng.getrandbits(64):016x}")
    if case.number % 3 == 1:
        ids = Ids(None, ids.payment_id, None)
    line = Line(
        ids=ids,
        debtor=payer.account,
        creditor=payee.account,
        amount_minor=amount,
        currency="CNY",
        booked_ms=at,
    )
    case.post(booked(line, rng), Role.EXIT)
    return "settlement", f"uetr:{ids.uetr}" if ids.uetr else f"pid:{ids.payment_id}"


def sales(case: Case, merchant: Holder) -> Till:
    """Let a merchant sell for some hours of the next local day; gives its till. The sales bear no label."""
    rng = case.rng
    day = local_day(case.start_ms) + 1
    till = Till(merchant, day)
    for buyer in case.people(between(rng, 5, 12)):
        transfer = Transfer(
            at=local_day_start(day) + between(rng, 9 * 60, 20 * 60) * MINUTE_MS,
            debtor=buyer,
            creditor=merchant,
            amount_minor=between(rng, 20, 900) * YUAN,
            currency="CNY",
            rail=Rail.QR,
            device=buyer.device,
            batch_id=batch_id(merchant, day),
            settle_ms=1_000,
        )
        till.gross_minor += transfer.amount_minor
        till.items += 1
        for message in pay(transfer, rng).messages:
            case.aside(message)
    return till


PAYOUT_MISMATCH: Final = Typology("payout_mismatch", PAYOUT_RULE, payout_mismatch)
ORPHAN_SETTLEMENT: Final = Typology("orphan_settlement", ORPHAN_RULE, orphan_settlement)
