"""Hard negatives: ordinary things that come close to a rule and must not set it off."""

from typing import Final

from streams.clock import DAY_MS, HOUR_MS, MINUTE_MS, from_datetime, to_text
from streams.events.model import PartyType, Rail
from streams.replay.generator.breaks import ORPHAN_RULE, PAYOUT_RULE, sales
from streams.replay.generator.draws import between, local_day, local_day_start
from streams.replay.generator.lines import Ids, all_ids, booked, close_till, line_of
from streams.replay.generator.mules import FAN_IN_NEW, PASS_THROUGH, SHARED_DEVICE, YUAN, plain
from streams.replay.generator.payments import Transfer
from streams.replay.generator.population import Holder
from streams.replay.generator.story import Case, Role, Subject, Typology

KNOWN_EVERY_MS: Final = 270 * MINUTE_MS
"""First visits to the shop lie so far apart that no day sees more than six new payers (the rule asks for eight)."""


def psp_pool(case: Case) -> Subject:
    """Let a licensed company's pool take in from many and pass nearly all on; it stands on an allow-list."""
    rng, pool = case.rng, case.pool()
    total = 0
    for payer in case.people(12):
        amount = between(rng, 20, 60) * 100 * YUAN
        total += amount
        case.pay(plain(payer, pool, amount, case.start_ms + between(rng, 0, 300) * MINUTE_MS), Role.NORMAL)
    for number in range(3):
        payee = case.fresh(f"payee {number}", PartyType.ORG)
        at = case.start_ms + between(rng, 310, 420) * MINUTE_MS
        case.pay(plain(pool, payee, total * 98 // 300, at), Role.NORMAL)
    return "account", pool.token


def payroll_batch(case: Case) -> Subject:
    """Let a company be paid by its one customer and pay its people hours later, all in one batch at one moment."""
    rng = case.rng
    company, customer = case.fresh("company", PartyType.ORG), case.fresh("customer", PartyType.ORG)
    people = case.people(between(rng, 15, 30))
    salaries = [between(rng, 35, 160) * 100 * YUAN for _ in people]
    at = case.start_ms + between(rng, 60, 300) * MINUTE_MS
    case.pay(plain(customer, company, sum(salaries) * between(rng, 99, 107) // 100, case.start_ms), Role.NORMAL)
    for person, salary in zip(people, salaries, strict=True):
        transfer = Transfer(
            at=at,
            debtor=company,
            creditor=person,
            amount_minor=salary,
            currency="CNY",
            rail=Rail.BANK,
            purpose="SALA",
            batch_id=f"payroll-{case.scenario_id}",
            settle_ms=60_000,
        )
        case.pay(transfer, Role.NORMAL)
    return "account", company.token


def group_gift(case: Case) -> Subject:
    """Let a dozen friends who never paid this person chip in for a present: many new payers, little money."""
    rng = case.rng
    friend = case.fresh("friend")
    for payer in case.people(between(rng, 10, 16)):
        amount = between(rng, 2, 10) * 50 * YUAN
        case.pay(plain(payer, friend, amount, case.start_ms + between(rng, 0, 500) * MINUTE_MS), Role.NORMAL)
    return "account", friend.token


def known_payers_shop(case: Case) -> Subject:
    """Let a sole trader have a busy day: a dozen payers and much money, but each was there in the days before."""
    rng = case.rng
    shop = case.fresh("shop", PartyType.SOLE)
    payers = case.people(12)
    for number, payer in enumerate(payers):
        at = case.start_ms + number * KNOWN_EVERY_MS
        case.pay(plain(payer, shop, between(rng, 10, 30) * 10 * YUAN, at), Role.NORMAL)
    busy_ms = case.start_ms + len(payers) * KNOWN_EVERY_MS + DAY_MS
    for payer in payers:
        at = busy_ms + between(rng, 0, 500) * MINUTE_MS
        case.pay(plain(payer, shop, between(rng, 20, 40) * 100 * YUAN, at), Role.NORMAL)
    return "account", shop.token


def household_device(case: Case) -> Subject:
    """Let two people of one household pay with one device."""
    rng = case.rng
    one = case.fresh("one")
    two = case.fresh("two", device=one.device)
    payees = case.people(6)
    for number, payee in enumerate(payees):
        payer = (one, two)[number % 2]
        at = case.start_ms + between(rng, 0, 20 * 60) * MINUTE_MS
        case.pay(plain(payer, payee, between(rng, 5, 90) * 10 * YUAN, at), Role.NORMAL)
    return "device", one.device or ""


def branch_kiosk(case: Case) -> Subject:
    """Let four customers of a bank pay at the kiosk of its branch; none of them is suspected of anything."""
    rng = case.rng
    kiosk = case.unknown("kiosk").device or ""
    people = case.people(8)
    for payer, payee in zip(people[:4], people[4:], strict=True):
        at = case.start_ms + between(rng, 0, 8 * 60) * MINUTE_MS
        customer = Holder(payer.account, payer.currency, kiosk)
        case.pay(plain(customer, payee, between(rng, 5, 200) * 10 * YUAN, at), Role.NORMAL)
    return "device", kiosk


def payout_reregistered(case: Case) -> Subject:
    """Let a merchant register another account of its own before the payout; every second record arrives late."""
    rng = case.rng
    merchant = case.unknown("merchant", PartyType.MERCHANT)
    owner = merchant.account.party_token
    new = case.unknown("new account", PartyType.ORG).account
    payout_to = type(new)(new.account_token, new.account_masked, new.account_scheme, owner, PartyType.ORG, new.agent_id)
    case.register(merchant, between(rng, 10, 200), "merchant")
    batch, payout = close_till(sales(case, merchant), rng, payout_to)
    since_ms = from_datetime(payout.event_time) - between(rng, 60, 180) * MINUTE_MS
    late_ms = between(rng, 240, 400) * MINUTE_MS if case.number % 2 else 0
    case.re_register(merchant, since_ms, (new.account_token,), since_ms + late_ms + MINUTE_MS)
    case.aside(batch)
    case.post(payout, Role.NORMAL)
    return "merchant", merchant.merchant_id or ""


def line_before_payment(case: Case) -> Subject:
    """Let a booked line arrive half an hour to two hours before the message about its payment."""
    rng = case.rng
    transfer = _between_people(case, case.start_ms + between(rng, 0, 300) * MINUTE_MS)
    paid = case.pay(transfer, Role.NORMAL, transfer.at + between(rng, 40, 120) * MINUTE_MS)
    booked_ms = paid.settled_ms + between(rng, 1, 60) * 1_000
    case.post(booked(line_of(paid, all_ids(paid), booked_ms), rng), Role.NORMAL, booked_ms + 500)
    return "settlement", f"uetr:{paid.uetr}"


def late_payment(case: Case) -> Subject:
    """Let a payment come up to 20 hours after its line: by turns its message is late, or the line was booked early."""
    rng = case.rng
    lag_ms = between(rng, 12 * 60, 20 * 60) * MINUTE_MS
    begin_ms = case.start_ms + between(rng, 0, 120) * MINUTE_MS
    if case.number % 2:
        paid = case.pay(_between_people(case, begin_ms + lag_ms), Role.NORMAL)
        booked_ms = begin_ms
    else:
        paid = case.pay(_between_people(case, begin_ms), Role.NORMAL, begin_ms + lag_ms)
        booked_ms = paid.settled_ms + 5_000
    line = line_of(paid, Ids(None, paid.payment_id, paid.end_to_end_id), booked_ms)
    case.post(booked(line, rng), Role.NORMAL)
    return "settlement", f"pid:{paid.payment_id}"


def e2e_only_match(case: Case) -> Subject:
    """Let a line name its payment by the end-to-end id alone; amount, currency and UTC date agree."""
    rng = case.rng
    noon_ms = local_day_start(local_day(case.start_ms) + 1) + 12 * HOUR_MS
    paid = case.pay(_between_people(case, noon_ms + between(rng, 0, 240) * MINUTE_MS), Role.NORMAL)
    booked_ms = paid.settled_ms + between(rng, 5, 180) * MINUTE_MS
    case.post(booked(line_of(paid, Ids(None, None, paid.end_to_end_id), booked_ms), rng), Role.NORMAL)
    amount, currency = paid.transfer.amount_minor, paid.transfer.currency
    return (
        "settlement",
        f"e2e:{paid.end_to_end_id}|{amount}|{currency}|{to_text(paid.settled_ms)[:10].replace('-', '')}",
    )


def _between_people(case: Case, at: int) -> Transfer:
    payer, payee = case.people(2)
    return plain(payer, payee, between(case.rng, 5, 400) * 100 * YUAN, at)


NEAR_MISSES: Final = (
    Typology("psp_pool", PASS_THROUGH.rule_id, psp_pool, hard_negative=True),
    Typology("payroll_batch", PASS_THROUGH.rule_id, payroll_batch, hard_negative=True),
    Typology("group_gift", FAN_IN_NEW.rule_id, group_gift, hard_negative=True),
    Typology("known_payers_shop", FAN_IN_NEW.rule_id, known_payers_shop, hard_negative=True),
    Typology("household_device", SHARED_DEVICE.rule_id, household_device, hard_negative=True),
    Typology("branch_kiosk", SHARED_DEVICE.rule_id, branch_kiosk, hard_negative=True),
    Typology("payout_reregistered", PAYOUT_RULE, payout_reregistered, hard_negative=True),
    Typology("line_before_payment", ORPHAN_RULE, line_before_payment, hard_negative=True),
    Typology("late_payment", ORPHAN_RULE, late_payment, hard_negative=True),
    Typology("e2e_only_match", ORPHAN_RULE, e2e_only_match, hard_negative=True),
)
