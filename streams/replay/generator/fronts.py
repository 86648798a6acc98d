"""Fraud behind a shop front: batches that do not fit their sales, fresh payout accounts, collecting and drawing at once."""

from typing import Final

from msgspec.structs import replace

from streams.clock import DAY_MS, HOUR_MS, MINUTE_MS
from streams.events.model import PartyType, Rail, SettlementEvent
from streams.replay.generator.draws import Spread, below, between, local_day, local_day_start
from streams.replay.generator.lines import Till, close_till, withdraw
from streams.replay.generator.mules import YUAN
from streams.replay.generator.payments import Transfer
from streams.replay.generator.population import Holder
from streams.replay.generator.story import FAINT_EVERY, Case, Role, Subject, Typology

_TICKET: Final = Spread((0, 20), (500, 120), (900, 500), (1_000, 1_600))
"""What an ordinary customer pays, in yuan."""
_GOODS: Final = Spread((0, 200), (400, 900), (900, 3_000), (1_000, 9_000))
"""What is paid for furniture or a telephone, in yuan."""
_DEPOSIT: Final = Spread((0, 100), (300, 500), (600, 1_000), (900, 3_000), (1_000, 8_000))
"""What a victim pays in at a false platform or a gambler at his, in yuan."""


def sell(case: Case, till: Till, hours: tuple[int, int], plan: tuple[list[Holder], Spread], role: Role | None) -> None:
    """Let each buyer pay once between two times (milliseconds); the till counts it. Without a role it bears no label."""
    rng = case.rng
    buyers, ticket = plan
    for buyer in buyers:
        transfer = Transfer(
            at=hours[0] + below(rng, hours[1] - hours[0]),
            debtor=buyer,
            creditor=till.merchant,
            amount_minor=ticket.draw(rng) * YUAN + below(rng, 100),
            currency="CNY",
            rail=Rail.QR,
            device=buyer.device,
            batch_id=till.batch_id,
            settle_ms=1_000,
        )
        till.gross_minor += transfer.amount_minor
        till.items += 1
        if role is None:
            case.pay_aside(transfer)
        else:
            case.pay(transfer, role)


def a_day_of_sales(case: Case, merchant: Holder, buyers: tuple[int, int], role: Role | None, ticket: Spread) -> Till:
    """Let a merchant sell from nine to eight on the next local day to so many buyers (at least, at most)."""
    day = local_day(case.start_ms) + 1
    till = Till(merchant, day)
    open_ms = local_day_start(day) + 9 * HOUR_MS
    sell(case, till, (open_ms, open_ms + 11 * HOUR_MS), (case.people(between(case.rng, *buyers)), ticket), role)
    return till


def batch_mismatch(case: Case) -> Subject:
    """R40: a batch says more than was sold, or less, or pays out what its own figures do not give. Faint: as rounding could."""
    rng = case.rng
    merchant = case.fresh("front", PartyType.MERCHANT)
    till = a_day_of_sales(case, merchant, (5, 14), Role.MERCHANT_FRONT, _TICKET)
    off = till.gross_minor * (between(rng, 10, 60) if case.faint else _OFF_PER_100_000.draw(rng)) // 100_000 + 1
    kind = case.number // FAINT_EVERY % 2 if case.faint else case.number % 3
    if kind == 0:
        till.gross_minor += off
        till.items += between(rng, 0, 3)
    elif kind == 1:
        till.gross_minor -= off
        till.items -= between(rng, 0, 2)
    for line in close_till(till, rng):
        broken: SettlementEvent = line
        if kind == 2:  # noqa: PLR2004 - the third way
            broken = replace(line, net_minor=line.net_minor + off)
        case.post(broken, Role.MERCHANT_FRONT)
    return "merchant", merchant.merchant_id or ""


_OFF_PER_100_000: Final = Spread((0, 300), (250, 800), (600, 6_000), (1_000, 35_000))
"""By how much of its sales a batch is off: from 0.3 % to 35 %."""


def new_payout_account(case: Case) -> Subject:
    """R42: soon after a merchant registers another account, or that account was opened, its takings go there.

    On the day itself or on the day after; every other account is a stranger's, so R41 has a say as well. Faint: the account
    was registered days before and opened months before.
    """
    rng = case.rng
    merchant = replace(case.unknown("front", PartyType.MERCHANT), cycle=("T0", "T1")[below(rng, 2)])
    fresh = case.unknown("fresh account")
    case.register(merchant, between(rng, 20, 500), "front")
    young = not case.faint and below(rng, 2) == 0
    case.register(fresh, between(rng, *((1, 26) if young else (60, 400))), "fresh account")
    target = fresh.account
    if case.number % 2:
        target = replace(target, party_token=merchant.account.party_token)
    till = a_day_of_sales(case, merchant, (4, 12) if merchant.cycle == "T0" else (35, 50), None, _GOODS)
    if merchant.cycle == "T0":
        lines = withdraw(till, local_day_start(till.day) + 20 * HOUR_MS + between(rng, 5, 200) * MINUTE_MS, rng, target)
    else:
        lines = close_till(till, rng, target)
    changed_ms = local_day_start(till.day) - between(rng, *((90, 240) if young or case.faint else (-8, 24))) * HOUR_MS
    case.re_register(merchant, changed_ms, (target.account_token,), max(changed_ms, case.start_ms) + MINUTE_MS)
    case.aside(lines[0])
    case.post(lines[1], Role.MERCHANT_FRONT)
    return "merchant", merchant.merchant_id or ""


def collect_then_t0(case: Case) -> Subject:
    """R43: a young shop takes from dozens for some hours a day and draws nearly all of it within the hour or two.

    Faint: from fewer, on two days.
    """
    rng = case.rng
    merchant = replace(case.unknown("front", PartyType.MERCHANT), cycle="T0")
    case.register(merchant, between(rng, 4, 53), "front")
    days, crowd = (2, (15, 24)) if case.faint else (between(rng, 3, 4), (53, 100))
    for day in range(days):
        collect_and_draw(case, merchant, day, (between(rng, *crowd), _DEPOSIT))
    return "merchant", merchant.merchant_id or ""


def collect_and_draw(case: Case, merchant: Holder, day: int, crowd: tuple[int, Spread]) -> None:
    """Let a crowd pay a merchant on one day; two withdrawals follow, each of all that was paid since the last."""
    rng = case.rng
    count, ticket = crowd
    fraud = not case.typology.hard_negative
    payers = case.crowd(count)
    at = local_day_start(local_day(case.start_ms) + 1 + day) + between(rng, 10, 16) * HOUR_MS
    for part in (1, 2):
        till = Till(merchant, local_day(at), part=part)
        end_ms = at + between(rng, 40, 130) * MINUTE_MS
        half = payers[: count // 2] if part == 1 else payers[count // 2 :]
        sell(case, till, (at, end_ms), (half, ticket), Role.VICTIM if fraud else Role.NORMAL)
        for line in withdraw(till, end_ms + between(rng, 5, 90) * MINUTE_MS, rng):
            case.post(line, Role.MERCHANT_FRONT if fraud else Role.NORMAL)
        at = end_ms + MINUTE_MS


def festival_spike(case: Case) -> Subject:
    """Let a shop of some years sell ten times as much on one day of a festival; it is paid out the morning after."""
    merchant = case.unknown("shop", PartyType.MERCHANT)
    case.register(merchant, between(case.rng, 300, 1_500), "shop")
    day = local_day(case.start_ms) + 1
    till = Till(merchant, day)
    open_ms = local_day_start(day) + 9 * HOUR_MS
    sell(case, till, (open_ms, open_ms + 12 * HOUR_MS), (case.crowd(between(case.rng, 60, 110)), _TICKET), Role.NORMAL)
    for line in close_till(till, case.rng):
        case.post(line, Role.NORMAL)
    return "merchant", merchant.merchant_id or ""


def real_merchant_t0(case: Case) -> Subject:
    """Let a shop of long standing that has chosen payouts on the same day draw its takings twice a day."""
    merchant = replace(case.unknown("shop", PartyType.MERCHANT), cycle="T0")
    case.register(merchant, between(case.rng, 200, 1_500), "shop")
    for day in range(between(case.rng, 2, 3)):
        collect_and_draw(case, merchant, day, (between(case.rng, 30, 70), _TICKET))
    return "merchant", merchant.merchant_id or ""


def late_batch_item(case: Case) -> Subject:
    """Let the message about one sale arrive hours after the batch that counts it: figures that fit in the end."""
    rng = case.rng
    merchant = case.fresh("shop", PartyType.MERCHANT)
    till = a_day_of_sales(case, merchant, (5, 12), Role.NORMAL, _TICKET)
    (buyer,) = case.people(1)
    at = local_day_start(till.day) + 21 * HOUR_MS
    amount = between(rng, 40, 700) * YUAN
    sale = Transfer(
        at=at, debtor=buyer, creditor=merchant, amount_minor=amount, currency="CNY", rail=Rail.QR,
        batch_id=till.batch_id, settle_ms=1_000,
    )  # fmt: skip
    till.gross_minor += amount
    till.items += 1
    batch, payout = close_till(till, rng)
    case.pay(sale, Role.NORMAL, at + between(rng, 7, 14) * HOUR_MS)
    case.post(batch, Role.NORMAL)
    case.post(payout, Role.NORMAL)
    return "merchant", merchant.merchant_id or ""


def old_payout_account(case: Case) -> Subject:
    """Let a merchant be paid out to an account that it registered a week or more ago and that was old even then."""
    rng = case.rng
    merchant = case.unknown("shop", PartyType.MERCHANT)
    own = case.unknown("own account", PartyType.ORG)
    case.register(merchant, between(rng, 200, 900), "shop")
    case.register(own, between(rng, 150, 900), "own account")
    target = replace(own.account, party_token=merchant.account.party_token)
    case.re_register(merchant, case.start_ms - between(rng, 7, 60) * DAY_MS, (target.account_token,), case.start_ms)
    batch, payout = close_till(a_day_of_sales(case, merchant, (25, 50), None, _GOODS), rng, target)
    case.aside(batch)
    case.post(payout, Role.NORMAL)
    return "merchant", merchant.merchant_id or ""


BATCH_MISMATCH: Final = Typology("batch_mismatch", "batch-mismatch", batch_mismatch, has_faint=True)
NEW_PAYOUT_ACCOUNT: Final = Typology("new_payout_account", "new-payout-account", new_payout_account, has_faint=True)
COLLECT_THEN_T0: Final = Typology("collect_then_t0", "collect-then-t0", collect_then_t0, has_faint=True)
FRONTS: Final = (BATCH_MISMATCH, NEW_PAYOUT_ACCOUNT, COLLECT_THEN_T0)
FRONT_NEAR_MISSES: Final = (
    Typology("festival_spike", COLLECT_THEN_T0.rule_id, festival_spike, hard_negative=True),
    Typology("real_merchant_t0", COLLECT_THEN_T0.rule_id, real_merchant_t0, hard_negative=True),
    Typology("late_batch_item", BATCH_MISMATCH.rule_id, late_batch_item, hard_negative=True),
    Typology("old_payout_account", NEW_PAYOUT_ACCOUNT.rule_id, old_payout_account, hard_negative=True),
)
