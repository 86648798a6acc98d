"""Hard negatives at shops and between payment and settlement: set prices, bank holidays, cards issued anew."""

from typing import Final

from msgspec.structs import replace

from streams.clock import DAY_MS, HOUR_MS, MINUTE_MS
from streams.events.model import PartyType, Rail, ReportType
from streams.replay.generator import shops
from streams.replay.generator.draws import below, between, local_day
from streams.replay.generator.lines import Ids, Till, all_ids, booked, close_till, line_of
from streams.replay.generator.mules import YUAN, plain
from streams.replay.generator.payments import Life, Paid, Transfer
from streams.replay.generator.reports import by_ids
from streams.replay.generator.story import Case, Role, Subject, Typology

_FARES: Final = (30, 50, 68, 98, 128, 168)


def set_price_shop(case: Case) -> Subject:
    """Let a shop of digital games sell at set prices to hundreds, late into the night; some come again, some give back."""
    rng = case.rng
    shop = replace(case.unknown("shop", PartyType.MERCHANT), mcc="5816")
    case.register(shop, between(rng, 400, 2_000), "shop")
    regulars = case.crowd(between(rng, 150, 170))
    for day in range(2):
        till = Till(shop, local_day(case.start_ms) + 1 + day)
        buyers = regulars if day == 0 else [*regulars[::2], *case.crowd(80)]
        paid = shops.sell_at(case, till, buyers, ((8, 24), _FARES), Role.NORMAL)
        for sold in paid[::40]:
            at = sold.settled_ms + between(rng, 1, 5) * HOUR_MS
            case.pay_aside(shops.refund_of(sold, sold.transfer.amount_minor, at))
        for line in close_till(till, rng):
            case.aside(line)
    return "merchant", shop.merchant_id or ""


def weekend_line(case: Case) -> Subject:
    """Let a payment be accepted on the eve of a holiday and be booked the day after."""
    rng = case.rng
    paid = case.pay(replace(_to_somebody(case), life=Life.CLEARED), Role.NORMAL)
    late = line_of(paid, all_ids(paid), paid.settled_ms + between(rng, 20, 40) * HOUR_MS)
    case.post(booked(late, rng), Role.NORMAL)
    return "settlement", f"uetr:{paid.uetr}"


def undone_payment(case: Case) -> Subject:
    """Let a payment be accepted and then be rejected: nothing is to be booked."""
    paid = case.pay(replace(_to_somebody(case), life=Life.UNDONE), Role.NORMAL)
    return "settlement", f"uetr:{paid.uetr}"


def _to_somebody(case: Case) -> Transfer:
    payer, payee = case.people(2)
    amount = between(case.rng, 20, 900) * 100 * YUAN
    return replace(plain(payer, payee, amount, case.start_ms + below(case.rng, 5 * HOUR_MS)), rail=Rail.BANK)


def own_lines(case: Case) -> Subject:
    """Let a shop whose orders are settled one by one be settled as sold."""
    rng = case.rng
    shop = case.fresh("shop", PartyType.MERCHANT)
    for buyer in case.people(between(rng, 4, 7)):
        at = case.start_ms + below(rng, 10 * HOUR_MS)
        paid = case.pay(shops.order(buyer, shop, between(rng, 3, 60) * 100 * YUAN, at), Role.NORMAL)
        line = line_of(paid, Ids(payment_id=paid.payment_id), paid.settled_ms + below(rng, 4 * HOUR_MS))
        case.post(replace(booked(line, rng), merchant_id=shop.merchant_id), Role.NORMAL)
    return "merchant", shop.merchant_id or ""


def card_reissue(case: Case) -> Subject:
    """Let a shop give money back to the account that the buyer has opened in place of the one he paid with."""
    sold = _sale(case)
    buyer = sold.transfer.debtor
    new = case.unknown("new card")
    new = replace(new, account=replace(new.account, party_token=buyer.account.party_token))
    at = sold.settled_ms + between(case.rng, 5, 60) * HOUR_MS
    case.pay(shops.refund_of(sold, sold.transfer.amount_minor, at, new), Role.NORMAL)
    return "settlement", f"pid:{sold.payment_id}"


def partial_refunds(case: Case) -> Subject:
    """Let a shop give back two parts of what was paid, together all of it or less."""
    sold = _sale(case)
    at = sold.settled_ms + between(case.rng, 1, 9) * HOUR_MS
    for number in range(2):
        part = sold.transfer.amount_minor * between(case.rng, 20, 50) // 100
        case.pay(shops.refund_of(sold, part, at + number * 7 * HOUR_MS), Role.NORMAL)
    return "settlement", f"pid:{sold.payment_id}"


def _sale(case: Case) -> Paid:
    rng = case.rng
    shop = case.fresh("shop", PartyType.MERCHANT)
    (buyer,) = case.people(1)
    at = case.start_ms + below(rng, 5 * HOUR_MS)
    return case.pay_aside(shops.order(buyer, shop, between(rng, 2, 60) * 100 * YUAN, at))


def answered_recall(case: Case) -> Subject:
    """Let a bank ask for a payment made by mistake and be given it back, or be told that it is not, within days."""
    rng = case.rng
    refused = case.number % 2 == 0
    plan = replace(_to_somebody(case), life=Life.PAIR)
    credit = case.pay(plan, Role.NORMAL)
    asked = case.desk(credit, ReportType.RECALL, credit.settled_ms + between(rng, 1, 20) * HOUR_MS)
    asked = replace(asked, transactions=by_ids(credit))
    case.post(asked, Role.NORMAL)
    answered_ms = case.last_ms + between(rng, 1, 4) * DAY_MS
    if refused:
        case.post(case.released(asked, answered_ms), Role.NORMAL)
    else:
        case.post(case.given_back(credit, answered_ms), Role.NORMAL)
    return "settlement", f"uetr:{credit.uetr}"


def festival_gold(case: Case) -> Subject:
    """Let somebody buy jewellery for a feast with a part of his salary."""
    rng = case.rng
    person, employer = case.fresh("person"), case.fresh("employer", PartyType.ORG)
    salary = plain(employer, person, between(rng, 90, 240) * 100 * YUAN, case.start_ms)
    paid = case.pay(replace(salary, rail=Rail.BANK, purpose="SALA"), Role.NORMAL)
    jeweller = replace(case.fresh("jeweller", PartyType.MERCHANT), mcc="5944")
    gold = paid.transfer.amount_minor * between(rng, 25, 50) // 100
    case.pay(shops.order(person, jeweller, gold, paid.settled_ms + between(rng, 20, 240) * MINUTE_MS), Role.NORMAL)
    return "account", person.token


SHOP_NEAR_MISSES: Final = tuple(
    Typology(build.__name__, rule.rule_id, build, hard_negative=True)
    for rule, build in (
        (shops.MERCHANT_PROFILE, set_price_shop),
        (shops.PAYMENT_UNSETTLED, weekend_line),
        (shops.PAYMENT_UNSETTLED, undone_payment),
        (shops.SUBSTITUTED_TRADE, own_lines),
        (shops.REFUND_ABUSE, card_reissue),
        (shops.REFUND_ABUSE, partial_refunds),
        (shops.RECALL_UNANSWERED, answered_recall),
        (shops.STORED_VALUE_EXIT, festival_gold),
    )
)
