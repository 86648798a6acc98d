"""Fraud between a payment and its settlement, and at shops: what is sold, settled, given back and never answered."""

from typing import Final

from msgspec.structs import replace

from streams.clock import DAY_MS, HOUR_MS, MINUTE_MS, from_datetime
from streams.events.model import PartyType, Rail, ReportType
from streams.replay.generator.draws import Spread, below, between, local_day, local_day_start
from streams.replay.generator.hops import ordinary_life, receive
from streams.replay.generator.lines import Ids, Till, all_ids, booked, close_till, line_of, withdraw
from streams.replay.generator.mules import YUAN, plain
from streams.replay.generator.payments import Life, Paid, Transfer
from streams.replay.generator.population import Holder
from streams.replay.generator.reports import by_ids
from streams.replay.generator.story import Case, Role, Subject, Typology

_PRICES: Final = (100, 200, 300, 500, 1_000)
"""What is paid in at a false shop, in yuan: a set of prices and no other."""
_STORED: Final = ("5944", "6540", "5816")
"""Jewellery, stored value, digital games (ISO 18245)."""
_SECOND_LINE_MS: Final = Spread((0, 5 * MINUTE_MS), (700, 4 * HOUR_MS), (1_000, 20 * HOUR_MS))


def merchant_profile(case: Case) -> Subject:
    """R44: a shop takes set prices from more than three hundred strangers, mostly after midnight, and gives nothing back.

    Faint: by day, and some are given their money back.
    """
    rng = case.rng
    shop = case.unknown("front", PartyType.MERCHANT)
    case.register(shop, between(rng, 90, 300), "front")
    days = between(rng, 2, 3)
    crowd = case.crowd(between(rng, 330, 380))
    for day in range(days):
        till = Till(shop, local_day(case.start_ms) + 1 + day)
        buyers = crowd[day::days]
        hours = (9, 21) if case.faint else (0, 9)
        paid = sell_at(case, till, buyers, (hours, _PRICES), Role.VICTIM)
        if case.faint:
            for credit in paid[::30]:
                case.pay_aside(refund_of(credit, credit.transfer.amount_minor, credit.settled_ms + 4 * HOUR_MS))
        for line in close_till(till, rng):
            case.aside(line)
    return "merchant", shop.merchant_id or ""


def sell_at(
    case: Case, till: Till, buyers: list[Holder], plan: tuple[tuple[int, int], tuple[int, ...]], role: Role
) -> list[Paid]:
    """Let each buyer pay one of the prices (yuan) between two hours of the till's day."""
    rng = case.rng
    (opens, shuts), prices = plan
    sales = []
    for buyer in buyers:
        at = local_day_start(till.day) + opens * HOUR_MS + below(rng, (shuts - opens) * HOUR_MS)
        sale = order(buyer, till.merchant, prices[below(rng, len(prices))] * YUAN, at)
        till.gross_minor += sale.amount_minor
        till.items += 1
        sales.append(case.pay(replace(sale, batch_id=till.batch_id), role))
    return sales


def order(buyer: Holder, shop: Holder, amount: int, at: int) -> Transfer:
    """Plan a payment at a shop."""
    return Transfer(
        at=at, debtor=buyer, creditor=shop, amount_minor=amount, currency="CNY", rail=Rail.QR, device=buyer.device,
        settle_ms=1_000,
    )  # fmt: skip


def refund_of(sold: Paid, amount: int, at: int, payee: Holder | None = None) -> Transfer:
    """Plan a refund of a sale, to the buyer unless it goes to somebody else."""
    plan = sold.transfer
    return Transfer(
        at=at, debtor=plan.creditor, creditor=payee or plan.debtor, amount_minor=amount, currency=plan.currency, rail=plan.rail,
        related=sold.payment_id,
    )  # fmt: skip


def payment_unsettled(case: Case) -> Subject:
    """R46: a payment is accepted and never booked; every second time it is booked to somebody else's account.

    Faint: booked a day and more after it was accepted.
    """
    rng = case.rng
    plan = _bank_payment(case)
    if case.faint:
        paid = case.pay(replace(plan, life=Life.CLEARED), Role.EXIT)
        late = line_of(paid, all_ids(paid), paid.settled_ms + between(rng, 26, 40) * HOUR_MS)
        case.post(booked(late, rng), Role.EXIT)
    elif case.number % 2:
        paid = case.pay(replace(plan, life=(Life.ACCEPTED, Life.CLEARED)[below(rng, 2)]), Role.EXIT)
    else:
        paid = case.pay(replace(plan, life=Life.PAIR), Role.EXIT)
        line = line_of(paid, all_ids(paid), paid.settled_ms + _SECOND_LINE_MS.draw(rng))
        case.post(booked(replace(line, creditor=case.fresh("other").account), rng), Role.EXIT)
    return "settlement", f"uetr:{paid.uetr}"


def _bank_payment(case: Case) -> Transfer:
    payer, payee = case.people(2)
    amount = between(case.rng, 20, 900) * 100 * YUAN
    return replace(plain(payer, payee, amount, case.start_ms + below(case.rng, 5 * HOUR_MS)), rail=Rail.BANK)


def substituted_trade(case: Case) -> Subject:
    """R47: orders are paid to one shop and settled for another, or at other amounts, four to seven times a day.

    Faint: at amounts a little off.
    """
    rng = case.rng
    shown, true = case.fresh("shown", PartyType.MERCHANT), case.fresh("true", PartyType.MERCHANT)
    other = case.number % 2 == 0 and not case.faint
    for buyer in case.people(between(rng, 4, 7)):
        sale = order(buyer, shown, between(rng, 3, 60) * 100 * YUAN, case.start_ms + below(rng, 10 * HOUR_MS))
        paid = case.pay(sale, Role.VICTIM)
        line = line_of(paid, Ids(payment_id=paid.payment_id), paid.settled_ms + below(rng, 4 * HOUR_MS))
        share = (
            100
            if other
            else between(rng, 97, 99)
            if case.faint
            else (between(rng, 35, 80), between(rng, 130, 190))[below(rng, 2)]
        )
        line = replace(line, amount_minor=line.amount_minor * share // 100)
        settled = replace(booked(line, rng), merchant_id=(true if other else shown).merchant_id)
        case.post(settled, Role.MERCHANT_FRONT)
    return "merchant", shown.merchant_id or ""


def refund_abuse(case: Case) -> Subject:
    """R48: a refund goes to somebody else, or more is given back than was paid, or right after the takings were drawn.

    Faint: to the payer, half an hour after they were.
    """
    rng = case.rng
    shop = replace(case.unknown("front", PartyType.MERCHANT), cycle="T0")
    case.register(shop, between(rng, 60, 400), "front")
    buyers = case.people(between(rng, 3, 6))
    at = local_day_start(local_day(case.start_ms) + 1) + between(rng, 9, 14) * HOUR_MS
    till = Till(shop, local_day(at), part=1)
    sales = []
    for buyer in buyers:
        sale = replace(order(buyer, shop, between(rng, 8, 60) * 100 * YUAN, at), batch_id=till.batch_id)
        till.gross_minor += sale.amount_minor
        till.items += 1
        sales.append(case.pay_aside(sale))
        at += between(rng, 2, 15) * MINUTE_MS
    batch, payout = withdraw(till, at, rng)
    sold, amount = sales[0], sales[0].transfer.amount_minor
    case.aside(batch)
    if not case.faint and case.number % 3 < 2:  # noqa: PLR2004 - the first two ways
        case.aside(payout)
        drawn_ms = from_datetime(payout.event_time) + HOUR_MS
        if case.number % 3 == 0:
            refund = refund_of(sold, amount, drawn_ms + below(rng, 30 * HOUR_MS), case.fresh("taker"))
            case.pay(refund, Role.MERCHANT_FRONT)
        else:
            for number in range(2):
                part = amount * between(rng, 70, 100) // 100
                case.pay(
                    refund_of(sold, part, drawn_ms + number * 5 * HOUR_MS + below(rng, HOUR_MS)), Role.MERCHANT_FRONT
                )
        return "settlement", f"pid:{sold.payment_id}"
    case.post(payout, Role.MERCHANT_FRONT)
    minutes = between(rng, 25, 50) if case.faint else between(rng, 1, 8)
    for number, each in enumerate(sales[: (len(sales) + 1) // 2]):
        back = refund_of(
            each, each.transfer.amount_minor, case.last_ms + minutes * MINUTE_MS * (number == 0) + number * 5_000
        )
        case.pay(back, Role.MERCHANT_FRONT)
    return "merchant", shop.merchant_id or ""


def recall_unanswered(case: Case) -> Subject:
    """R49: a bank asks for a payment back and gets no answer; every second time the account is emptied after it asked.

    Faint: answered in the end.
    """
    rng = case.rng
    mule = case.fresh("mule")
    (victim,) = case.people(1)
    credit = case.pay(
        replace(plain(victim, mule, between(rng, 60, 700) * 100 * YUAN, case.start_ms), rail=Rail.BANK), Role.VICTIM
    )
    recall = case.desk(credit, ReportType.RECALL, credit.settled_ms + between(rng, 1, 20) * HOUR_MS)
    recall = replace(recall, transactions=by_ids(credit))
    case.post(recall, Role.L1_MULE)
    asked_ms = case.last_ms
    if case.faint:
        case.post(case.released(recall, asked_ms + between(rng, 5, 9) * DAY_MS), Role.L1_MULE)
    elif case.number % 2:
        out = credit.transfer.amount_minor * between(rng, 88, 99) // 100
        leaves = asked_ms + between(rng, 20, 40 * 60) * MINUTE_MS
        case.pay(plain(mule, case.fresh("payee"), out, leaves), Role.L1_MULE)
    return "settlement", f"uetr:{credit.uetr}"


def stored_value_exit(case: Case) -> Subject:
    """R53: most of what comes in goes to jewellers, gift cards and games within hours. Faint: less than half."""
    rng = case.rng
    mule = case.fresh("mule")
    ordinary_life(case, mule)
    amounts = [between(rng, 35, 150) * 100 * YUAN for _ in range(between(rng, 2, 3))]
    receipts = receive(case, mule, amounts, HOUR_MS)
    parts = between(rng, 2, 5)
    share = between(rng, 25, 45) if case.faint else between(rng, 72, 98)
    at = receipts[-1].settled_ms + between(rng, 5, 60) * MINUTE_MS
    for number in range(parts):
        shop = replace(case.fresh(f"shop {number}", PartyType.MERCHANT), mcc=_STORED[below(rng, len(_STORED))])
        case.pay(order(mule, shop, sum(amounts) * share // (100 * parts), at), Role.EXIT)
        at += between(rng, 3, 35) * MINUTE_MS
    return "account", mule.token


MERCHANT_PROFILE: Final = Typology("merchant_profile", "merchant-profile", merchant_profile, has_faint=True)
PAYMENT_UNSETTLED: Final = Typology("payment_unsettled", "payment-unsettled", payment_unsettled, has_faint=True)
SUBSTITUTED_TRADE: Final = Typology("substituted_trade", "substituted-trade", substituted_trade, has_faint=True)
REFUND_ABUSE: Final = Typology("refund_abuse", "refund-abuse", refund_abuse, has_faint=True)
RECALL_UNANSWERED: Final = Typology("recall_unanswered", "recall-unanswered", recall_unanswered, has_faint=True)
STORED_VALUE_EXIT: Final = Typology("stored_value_exit", "stored-value-exit", stored_value_exit, has_faint=True)
SHOPS: Final = (
    MERCHANT_PROFILE, PAYMENT_UNSETTLED, SUBSTITUTED_TRADE, REFUND_ABUSE, RECALL_UNANSWERED, STORED_VALUE_EXIT,
)  # fmt: skip
