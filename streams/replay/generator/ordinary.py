"""Hard negatives on accounts with a habit: who works by night, sells on Saturdays, buys a car, takes rents."""

from typing import Final

from msgspec.structs import replace

from streams.clock import DAY_MS, HOUR_MS, MINUTE_MS
from streams.events.model import PartyType, Rail
from streams.replay.generator import habits
from streams.replay.generator.draws import below, between, local_day, local_day_start
from streams.replay.generator.mules import YUAN, plain
from streams.replay.generator.population import Holder
from streams.replay.generator.purses import Purse, next_hour, ordinary_days
from streams.replay.generator.story import Case, Role, Subject, Typology

_HISTORY: Final = habits.HISTORY_DAYS


def shift_worker(case: Case) -> Subject:
    """Let a night nurse eat, travel and be paid back between midnight and six for weeks on end."""
    worker = case.fresh("nurse")
    purse = Purse(case, worker, between(case.rng, 3_000, 9_000) * YUAN)
    ordinary_days(purse, _HISTORY + 6, (0, 6), Role.NORMAL)
    return "account", worker.token


def weekly_market(case: Case) -> Subject:
    """Let a trader take little on most days, and twenty thousand and more on every market day, twice a week."""
    rng = case.rng
    trader = case.fresh("trader", PartyType.SOLE)
    purse = Purse(case, trader, between(rng, 3_000, 9_000) * YUAN)
    customers = [case.fresh(f"customer {number}") for number in range(6)]
    first = local_day(case.start_ms) + 1
    for day in range(first, first + 21):
        market = day % 7 in (2, 6)  # Saturdays and Wednesdays: the epoch was a Thursday
        opens = local_day_start(day) + 9 * HOUR_MS
        buyers = customers if market else customers[day % 5 : day % 5 + 1]
        for number, customer in enumerate(buyers):
            amount = between(rng, 34, 40) * 100 * YUAN if market else between(rng, 20, 90) * 10 * YUAN
            at = opens + number * 80 * MINUTE_MS + below(rng, HOUR_MS)
            purse.move(plain(customer, trader, amount, at), Role.NORMAL)
    return "account", trader.token


def monthly_salary(case: Case) -> Subject:
    """Let somebody who lives on small money for three weeks have his salary of the month."""
    rng = case.rng
    person, employer = case.fresh("person"), case.fresh("employer", PartyType.ORG)
    purse = Purse(case, person, between(rng, 3_000, 9_000) * YUAN)
    payday = next_hour(ordinary_days(purse, _HISTORY), 10)
    salary = plain(employer, person, between(rng, 210, 320) * 100 * YUAN, payday)
    purse.move(replace(salary, purpose="SALA", rail=Rail.BANK), Role.NORMAL)
    return "account", person.token


def first_dollars(case: Case) -> Subject:
    """Let somebody who has paid in yuan for three weeks pay in dollars for the first time: nothing to compare with."""
    rng = case.rng
    person = case.fresh("person")
    purse = Purse(case, person, between(rng, 3_000, 9_000) * YUAN)
    at = next_hour(ordinary_days(purse, _HISTORY), 11)
    college = case.abroad("college", "US")
    fee = replace(plain(person, college, between(rng, 35, 60) * 100 * YUAN, at), currency="USD", rail=Rail.BANK)
    case.pay(replace(fee, purpose="EDUC"), Role.NORMAL)
    return "account", person.token


def instalments(case: Case) -> Subject:
    """Let somebody pay for a flat in four instalments, each a little larger than the one before."""
    rng = case.rng
    buyer, builder = case.fresh("buyer"), case.fresh("builder", PartyType.ORG)
    purse = Purse(case, buyer, 600_000 * YUAN)
    amount = between(rng, 300, 500) * 100
    for number in range(4):
        at = case.start_ms + number * 6 * DAY_MS + between(rng, 10, 16) * HOUR_MS
        purse.move(replace(plain(buyer, builder, amount * YUAN, at), rail=Rail.BANK), Role.NORMAL)
        amount = amount * between(rng, 102, 125) // 100
    return "account", buyer.token


def cash_pool(case: Case) -> Subject:
    """Let a company sweep what its customers pay by day to its own main account by night, day after day."""
    rng = case.rng
    company, main = case.fresh("company", PartyType.ORG), case.unknown("main account", PartyType.ORG)
    main = replace(main, account=replace(main.account, party_token=company.account.party_token))
    case.register(main, between(rng, 200, 900), "main account")
    purse = Purse(case, company, between(rng, 5, 60) * YUAN)
    customers = [case.fresh(f"customer {number}", PartyType.ORG) for number in range(2)]
    first = local_day(case.start_ms) + 1
    for day in range(first, first + 5):
        taken = 0
        for number, customer in enumerate(customers):
            amount = between(rng, 60, 300) * 100 * YUAN
            taken += amount
            at = local_day_start(day) + (10 + number * 3) * HOUR_MS + below(rng, 2 * HOUR_MS)
            purse.move(replace(plain(customer, company, amount, at), rail=Rail.INSTANT), Role.NORMAL)
        swept = plain(company, main, taken, local_day_start(day) + 20 * HOUR_MS + below(rng, HOUR_MS))
        purse.move(replace(swept, rail=Rail.BOOK), Role.NORMAL)
    return "account", company.token


def landlord(case: Case) -> Subject:
    """Let the tenants of a house pay their landlord the same rent on the same day, under its purpose."""
    rng = case.rng
    owner = case.fresh("landlord")
    rent = between(rng, 15, 30) * 100 * YUAN
    for tenant in case.people(between(rng, 6, 7)):
        at = case.start_ms + below(rng, 12 * HOUR_MS)
        case.pay(replace(plain(tenant, owner, rent, at), purpose="RENT", rail=Rail.BANK), Role.NORMAL)
    return "account", owner.token


def reseller(case: Case) -> Subject:
    """Let a trader buy from one wholesaler again and again, and be paid by his customers a good deal more within the day."""
    rng = case.rng
    trader, wholesaler = case.fresh("trader", PartyType.SOLE), case.fresh("wholesaler", PartyType.ORG)
    at = case.start_ms
    for round_ in range(3):
        cost = between(rng, 20, 60) * 100 * YUAN
        bought = case.pay(plain(trader, wholesaler, cost, at), Role.NORMAL)
        buyers = [case.unknown(f"buyer {round_} {number}") for number in range(3)]
        share = cost * between(rng, 135, 160) // (100 * len(buyers))
        for number, buyer in enumerate(buyers):
            sold_ms = bought.settled_ms + (number + 1) * 2 * HOUR_MS + below(rng, HOUR_MS)
            case.pay(plain(buyer, trader, share, sold_ms), Role.NORMAL)
        at += between(rng, 26, 30) * HOUR_MS
    return "account", trader.token


def wallet_shopper(case: Case) -> Subject:
    """Let somebody load his wallet from his own bank and spend it in shops within minutes, some times a day."""
    rng = case.rng
    wallet, bank = case.fresh("wallet"), case.unknown("bank")
    bank = replace(bank, account=replace(bank.account, party_token=wallet.account.party_token))
    at = case.start_ms
    for number in range(between(rng, 4, 6)):
        amount = between(rng, 2, 20) * 100 * YUAN
        loaded = case.pay(plain(bank, wallet, amount, at), Role.NORMAL)
        shop = case.fresh(f"shop {number}", PartyType.SOLE)
        spent_ms = loaded.settled_ms + between(rng, 2, 20) * MINUTE_MS
        case.pay(replace(plain(wallet, shop, amount, spent_ms), rail=Rail.WALLET), Role.NORMAL)
        at = spent_ms + between(rng, 30, 120) * MINUTE_MS
    return "account", wallet.token


def new_telephone(case: Case) -> Subject:
    """Let somebody with a new telephone pay most of what he has to one whom he has paid before."""
    rng = case.rng
    owner, purse, at = _settled(case)
    friend = case.fresh("old friend")
    purse.move(plain(owner, friend, between(rng, 2, 20) * 10 * YUAN, at - 9 * DAY_MS), Role.NORMAL)
    other = replace(owner, device=case.unknown("new telephone").device)
    purse.move(plain(other, friend, purse.balance * between(rng, 82, 95) // 100, at), Role.NORMAL)
    return "account", owner.token


def moving_savings(case: Case) -> Subject:
    """Let somebody pay nearly all he has to a seller he never paid, with the telephone he always had."""
    owner, purse, at = _settled(case)
    seller = case.fresh("seller")
    purse.move(plain(owner, seller, purse.balance * between(case.rng, 82, 95) // 100, at), Role.NORMAL)
    return "account", owner.token


def _settled(case: Case) -> tuple[Holder, Purse, int]:
    """Give somebody who has lived for weeks with one telephone, what he has, and a moment after that."""
    owner = case.fresh("owner")
    purse = Purse(case, owner, between(case.rng, 60, 150) * 100 * YUAN)
    return owner, purse, next_hour(ordinary_days(purse, _HISTORY), between(case.rng, 9, 18))


HABIT_NEAR_MISSES: Final = tuple(
    Typology(build.__name__, rule.rule_id, build, hard_negative=True, days=rule.days)
    for rule, build in (
        (habits.NIGHT_OPERATORS, shift_worker),
        (habits.VOLUME_SPIKE, weekly_market),
        (habits.VOLUME_SPIKE, monthly_salary),
        (habits.LARGEST_EVER, first_dollars),
        (habits.LARGEST_EVER, instalments),
        (habits.DAILY_SWEEP, cash_pool),
        (habits.ROUND_DEPOSITS, landlord),
        (habits.MARGIN_CYCLE, reseller),
        (habits.WALLET_HOP, wallet_shopper),
        (habits.HANDOVER, new_telephone),
        (habits.HANDOVER, moving_savings),
    )
)
