"""More hard negatives on accounts and devices: money that moves fast, in crowds or abroad for honest reasons."""

from typing import Final

from msgspec.structs import replace

from streams.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, from_datetime
from streams.events.model import PartyType, Rail, ReportType
from streams.replay.generator import exits, hops
from streams.replay.generator.draws import Spread, below, between, in_currency, local_day, local_day_start
from streams.replay.generator.mules import FAN_IN_NEW, SHARED_DEVICE, YUAN, cash_out, plain
from streams.replay.generator.payments import Life, Paid, Transfer
from streams.replay.generator.population import Holder
from streams.replay.generator.reports import release_event
from streams.replay.generator.story import Case, Role, Subject, Typology

_STALL: Final = Spread((0, 8), (600, 25), (900, 60), (1_000, 180))
"""What a customer pays at a stall, in yuan."""


def night_market_stall(case: Case) -> Subject:
    """Let a stall take small sums from dozens of strangers between six in the evening and one at night."""
    rng = case.rng
    stall = case.fresh("stall", PartyType.SOLE)
    open_ms = local_day_start(local_day(case.start_ms) + 1) + 18 * HOUR_MS
    for buyer in case.crowd(between(rng, 25, 45)):
        case.pay(plain(buyer, stall, _STALL.draw(rng) * YUAN, open_ms + below(rng, 7 * HOUR_MS)), Role.NORMAL)
    return "account", stall.token


def rent_collector(case: Case) -> Subject:
    """Let an agent who was paid for water the days before take rents for a day and a half, then pay the owner, less 5 %."""
    rng = case.rng
    agent, owner = case.fresh("agent", PartyType.SOLE), case.fresh("owner")
    tenants = case.people(between(rng, 6, 11))
    for number, tenant in enumerate(tenants):
        at = case.start_ms + number * 5 * HOUR_MS
        case.pay(plain(tenant, agent, between(rng, 40, 190) * YUAN, at), Role.NORMAL)
    due_ms = case.start_ms + len(tenants) * 5 * HOUR_MS + DAY_MS
    total = 0
    for tenant in tenants:
        rent = between(rng, 18, 60) * 100 * YUAN
        total += rent
        case.pay(plain(tenant, agent, rent, due_ms + below(rng, 36 * HOUR_MS)), Role.NORMAL)
    case.pay(plain(agent, owner, total * 95 // 100, due_ms + between(rng, 70, 90) * HOUR_MS), Role.NORMAL)
    return "account", agent.token


def tuition(case: Case) -> Subject:
    """Let a school take the fees of a term from parents who never paid it, all within a day."""
    rng = case.rng
    school = case.unknown("school", PartyType.ORG)
    case.register(school, between(rng, 700, 9_000), "school")
    fee = between(rng, 20, 90) * 100 * YUAN
    for parent in case.crowd(between(rng, 15, 30)):
        at = case.start_ms + between(rng, 0, 10 * 60) * MINUTE_MS
        case.pay(_plan(parent, school, fee, at, "EDUC"), Role.NORMAL)
    return "account", school.token


def charity_appeal(case: Case) -> Subject:
    """Let a charity of long standing be given small and large sums by strangers on the day after a disaster."""
    rng = case.rng
    charity = case.unknown("charity", PartyType.ORG)
    case.register(charity, between(rng, 700, 9_000), "charity")
    for giver in case.crowd(between(rng, 20, 40)):
        amount = (50, 100, 200, 500, 1_000, 5_000)[below(rng, 6)] * YUAN
        case.pay(_plan(giver, charity, amount, case.start_ms + below(rng, 14 * HOUR_MS), "CHAR"), Role.NORMAL)
    return "account", charity.token


def family_device(case: Case) -> Subject:
    """Let parents and grandparents pay with one device, tuition and rent among it."""
    rng = case.rng
    parent = case.fresh("parent")
    family = [parent, *(case.fresh(f"other {number}", device=parent.device) for number in range(between(rng, 2, 3)))]
    for member in family:
        for payee in case.people(2):
            amount = between(rng, 3, 600) * 10 * YUAN
            case.pay(plain(member, payee, amount, case.start_ms + between(rng, 0, 40 * 60) * MINUTE_MS), Role.NORMAL)
    return "device", parent.device or ""


def pay_day_bills(case: Case) -> Subject:
    """Let standing orders take most of a salary minutes after it came: mortgage, card, insurance."""
    rng = case.rng
    person = case.fresh("person")
    salary = _salary(case, person, case.start_ms)
    at = salary.settled_ms + between(rng, 1, 9) * MINUTE_MS
    for number, share in enumerate((between(rng, 35, 55), between(rng, 15, 25), between(rng, 2, 8))):
        lender = case.fresh(f"lender {number}", PartyType.ORG)
        case.pay(_plan(person, lender, salary.transfer.amount_minor * share // 100, at, "LOAR"), Role.NORMAL)
    return "account", person.token


def returning_worker(case: Case) -> Subject:
    """Let an account that slept for months be used again: a salary, a refund of tax, ordinary spending."""
    rng = case.rng
    person = case.unknown("worker")
    asleep = between(rng, 95, 300)
    case.register(person, asleep + between(rng, 200, 900), "worker", asleep)
    salary = _salary(case, person, case.start_ms)
    treasury = case.fresh("treasury", PartyType.GOV)
    back = between(rng, 5, 60) * 100 * YUAN
    case.pay(_plan(treasury, person, back, case.start_ms + between(rng, 2, 30) * HOUR_MS, "TAXR"), Role.NORMAL)
    for payee in case.people(3):
        at = salary.settled_ms + between(rng, 2, 40) * HOUR_MS
        case.pay(plain(person, payee, between(rng, 5, 60) * 10 * YUAN, at), Role.NORMAL)
    return "account", person.token


def new_salary_account(case: Case) -> Subject:
    """Let somebody open an account, bring his savings from another of his own, and have his first salary there."""
    rng = case.rng
    person = case.unknown("starter")
    case.register(person, between(rng, 2, 25), "starter")
    owner = person.account.party_token
    own = Holder(replace(case.unknown("old account").account, party_token=owner), "CNY", person.device)
    case.register(own, between(rng, 300, 2_000), "old account")
    case.pay(plain(own, person, between(rng, 100, 900) * 100 * YUAN, case.start_ms), Role.NORMAL)
    salary = _salary(case, person, case.start_ms + between(rng, 2, 20) * HOUR_MS)
    for payee in case.people(between(rng, 3, 6)):
        at = salary.settled_ms + between(rng, 1, 40) * HOUR_MS
        case.pay(plain(person, payee, between(rng, 5, 150) * 10 * YUAN, at), Role.NORMAL)
    return "account", person.token


def red_envelopes(case: Case) -> Subject:
    """Let a grandmother send a dozen relatives whom she never paid a lucky sum each within an hour or two."""
    rng = case.rng
    giver = case.fresh("giver")
    for payee in case.people(between(rng, 9, 16)):
        amount = (66, 88, 166, 188, 520, 666, 888)[below(rng, 7)] * YUAN
        case.pay(plain(giver, payee, amount, case.start_ms + below(rng, 2 * HOUR_MS)), Role.NORMAL)
    return "account", giver.token


def payee_verification(case: Case) -> Subject:
    """Let a licensed payment company check an account by a few fen; the salary that follows is somebody else's payment."""
    rng = case.rng
    person = case.fresh("person")
    case.pay(plain(case.pool(), person, between(rng, 1, 99), case.start_ms), Role.NORMAL)
    _salary(case, person, case.start_ms + between(rng, 1, 20) * HOUR_MS)
    return "account", person.token


def supplier_invoices(case: Case) -> Subject:
    """Let a company pay three to five invoices a week that lie under a limit for persons, far from that for companies."""
    rng = case.rng
    company = case.fresh("company", PartyType.ORG)
    suppliers = [case.fresh(f"supplier {number}", PartyType.ORG) for number in range(2)]
    for number in range(between(rng, 3, 5)):
        at = case.start_ms + number * between(rng, 20, 30) * HOUR_MS
        amount = between(rng, 3_900, 4_990) * 100 * YUAN
        case.pay(_plan(company, suppliers[number % 2], amount, at, "SUPP"), Role.NORMAL)
    return "account", company.token


def crypto_saver(case: Case) -> Subject:
    """Let somebody put a part of his salary into his own account at an exchange, some hours after it came."""
    rng = case.rng
    person = case.fresh("saver")
    salary = _salary(case, person, case.start_ms)
    deposit = case.unknown("deposit", PartyType.VASP)
    amount = salary.transfer.amount_minor * between(rng, 5, 40) // 100
    at = salary.settled_ms + between(rng, 15, 400) * MINUTE_MS
    plan = Transfer(
        at=at,
        debtor=person,
        creditor=deposit,
        amount_minor=amount,
        currency="CNY",
        rail=Rail.CRYPTO_ON,
        device=person.device,
    )
    case.pay(plan, Role.NORMAL)
    return "account", person.token


def payday_cash(case: Case) -> Subject:
    """Let somebody draw a good part of his salary in cash, in one or two withdrawals."""
    rng = case.rng
    person = case.fresh("person")
    salary = _salary(case, person, case.start_ms)
    for number in range(between(rng, 1, 2)):
        share = between(rng, 15, 33) * salary.transfer.amount_minor // 100
        at = salary.settled_ms + (number * 60 + between(rng, 10, 50)) * MINUTE_MS
        case.pay(cash_out(person, share // (100 * YUAN) * (100 * YUAN), at), Role.NORMAL)
    return "account", person.token


def family_remittance(case: Case) -> Subject:
    """Let somebody who has sent his family abroad small sums before send a larger one."""
    rng = case.rng
    person = case.fresh("worker")
    family = case.abroad("family", ("KH", "PH", "MM", "TH", "VN")[below(rng, 5)])
    for day in range(between(rng, 2, 3)):
        amount = between(rng, 5, 30) * 100 * YUAN
        case.pay(exits.remittance(person, family, amount, case.start_ms + day * 20 * HOUR_MS), Role.NORMAL)
    at = case.start_ms + between(rng, 62, 90) * HOUR_MS
    case.pay(exits.remittance(person, family, between(rng, 90, 240) * 100 * YUAN, at), Role.NORMAL)
    return "account", person.token


def travel_money(case: Case) -> Subject:
    """Let somebody buy dollars for a journey from a money changer in Hong Kong, whose code of trade says what he is."""
    rng = case.rng
    person = case.fresh("traveller")
    counter = case.abroad("counter", "HK")
    licensed = replace(counter.account, party_type=PartyType.MERCHANT)
    changer = replace(counter, account=licensed, merchant_id=f"m-{counter.token[:16]}", mcc="6051")
    case.member(changer)
    amount = in_currency(between(rng, 120, 400) * 100 * YUAN, "USD")
    bought = replace(exits.remittance(person, changer, amount, case.start_ms), currency="USD")
    case.pay(bought, Role.NORMAL)
    return "account", person.token


def dollar_invoice(case: Case) -> Subject:
    """Let a company pay a new supplier abroad in dollars, as goods are invoiced in Asia."""
    rng = case.rng
    company = case.fresh("importer", PartyType.ORG)
    abroad = case.abroad("supplier", ("TH", "VN", "MY", "TW")[below(rng, 4)])
    supplier = replace(abroad, account=replace(abroad.account, party_type=PartyType.ORG))
    amount = in_currency(between(rng, 300, 2_500) * 100 * YUAN, "USD")
    bill = replace(exits.remittance(company, supplier, amount, case.start_ms), currency="USD", purpose="GDDS")
    case.pay(bill, Role.NORMAL)
    return "account", company.token


def in_flight_at_stop(case: Case) -> Subject:
    """Let a payment begun minutes before a stop settle within the minute after it."""
    rng = case.rng
    holder = case.fresh("holder")
    (payer,) = case.people(1)
    credit = case.pay_aside(plain(payer, holder, between(rng, 30, 400) * 100 * YUAN, case.start_ms))
    stop = case.desk(credit, ReportType.STOP_PAYMENT, credit.settled_ms + between(rng, 60, 300) * MINUTE_MS)
    case.post(stop, Role.NORMAL)
    wait_ms = between(rng, 60, 400) * SECOND_MS
    out = Transfer(
        at=from_datetime(stop.event_time) - wait_ms, debtor=holder, creditor=case.fresh("payee"),
        amount_minor=credit.transfer.amount_minor // 2, currency="CNY", rail=Rail.BANK, life=Life.PAIR,
        device=holder.device, settle_ms=wait_ms + between(rng, 5, 50) * SECOND_MS,
    )  # fmt: skip
    case.pay(out, Role.NORMAL)
    return "account", holder.token


def cleared_account(case: Case) -> Subject:
    """Let an account be listed and the entry be lifted some hours later; after that somebody pays it."""
    rng = case.rng
    holder = case.fresh("holder")
    first, second = case.people(2)
    credit = case.pay_aside(plain(first, holder, between(rng, 5, 90) * 100 * YUAN, case.start_ms))
    entry = case.desk(credit, ReportType.LIST_ENTRY, credit.settled_ms + between(rng, 30, 200) * MINUTE_MS)
    released_ms = from_datetime(entry.event_time) + between(rng, 60, 600) * MINUTE_MS
    case.aside(entry)
    case.post(release_event(entry, released_ms, rng), Role.NORMAL)
    at = released_ms + between(rng, 60, 900) * MINUTE_MS
    case.pay(plain(second, holder, between(rng, 5, 90) * 100 * YUAN, at), Role.NORMAL)
    return "account", holder.token


def _salary(case: Case, person: Holder, at: int) -> Paid:
    employer = case.fresh("employer", PartyType.ORG)
    return case.pay(_plan(employer, person, between(case.rng, 60, 240) * 100 * YUAN, at, "SALA"), Role.NORMAL)


def _plan(debtor: Holder, creditor: Holder, amount: int, at: int, purpose: str) -> Transfer:
    """Plan a bank transfer with a purpose (ISO 20022 external code)."""
    return Transfer(
        at=at, debtor=debtor, creditor=creditor, amount_minor=amount, currency="CNY", rail=Rail.BANK,
        device=debtor.device, purpose=purpose,
    )  # fmt: skip


DECOYS: Final = tuple(
    Typology(build.__name__, rule.rule_id, build, hard_negative=True)
    for rule, build in (
        (FAN_IN_NEW, night_market_stall),
        (FAN_IN_NEW, tuition),
        (FAN_IN_NEW, charity_appeal),
        (SHARED_DEVICE, family_device),
        (hops.COMMISSION_MIRROR, rent_collector),
        (hops.QUICK_FIRST_OUT, pay_day_bills),
        (hops.DORMANT_BURST, returning_worker),
        (hops.NEW_ACCOUNT_BURST, new_salary_account),
        (hops.FAN_OUT_NEW, red_envelopes),
        (hops.TEST_THEN_LARGE, payee_verification),
        (hops.STRUCTURING, supplier_invoices),
        (exits.CRYPTO_EXIT, crypto_saver),
        (exits.ATM_EXIT, payday_cash),
        (exits.RISK_CORRIDOR, family_remittance),
        (exits.OUTFLOW_AFTER_STOP, in_flight_at_stop),
        (exits.PAY_TO_REPORTED, cleared_account),
    )
)
CURRENCY_NEAR_MISSES: Final = tuple(
    Typology(build.__name__, exits.CURRENCY_MISMATCH.rule_id, build, hard_negative=True)
    for build in (travel_money, dollar_invoice)
)
