"""Fraud where the money leaves our sight, and where it goes on although somebody has reported it."""

from typing import Final

from msgspec.structs import replace

from streams.clock import HOUR_MS, MINUTE_MS, SECOND_MS, from_datetime
from streams.events.model import Rail, ReportType
from streams.replay.generator.draws import DWELL_MS, SENT_ON_PERCENT, Spread, below, between, in_currency
from streams.replay.generator.hops import drain, ordinary_life, receive
from streams.replay.generator.mules import YUAN, cash_out, plain, to_exchange, varied
from streams.replay.generator.payments import Paid, Transfer
from streams.replay.generator.population import Holder
from streams.replay.generator.story import Case, Role, Subject, Typology

_CORRIDOR: Final = ("KH",) * 6 + ("MM",) * 3 + ("LA", "LA", "PH", "AE", "TH")
"""Where the money of scam hubs goes: mostly Cambodia, Myanmar, Laos (UNODC, January 2024), some by other ways."""
_LISTED: Final = 11
"""So many of them lead to countries on the list of the rules."""
_CLASHES: Final = (("TH", "USD"), ("HK", "USD"), ("AE", "USD"), ("MY", "USD"), ("VN", "EUR"))
"""Where a mule in China sends money that is neither his country's nor that of whom he pays."""
_WITHDRAWAL: Final = Spread((0, 20), (700, 50), (900, 100), (1_000, 200))
"""What a cash runner takes at a time, in hundreds of yuan: machines give 2,000 to 5,000, some 20,000 a day."""


def crypto_exit(case: Case) -> Subject:
    """R50: what comes in goes to an exchange in one to four payments within two hours. Faint: half of it or less."""
    rng = case.rng
    mule = case.fresh("mule")
    ordinary_life(case, mule)
    amounts = [between(rng, 120, 600) * 100 * YUAN for _ in range(between(rng, 1, 3))]
    receipts = receive(case, mule, amounts, 30 * MINUTE_MS)
    parts = between(rng, 1, 4)
    share = between(rng, 20, 50) if case.faint else max(SENT_ON_PERCENT.draw(rng), 82)
    out = sum(amounts) * share // (100 * parts)
    at = receipts[-1].settled_ms + min(DWELL_MS.draw(rng), 45 * MINUTE_MS)
    plan = to_exchange(case, mule, out, (at, 0))
    for _ in range(parts):
        case.pay(replace(plan, at=at), Role.EXIT)
        at += between(rng, 2, 12) * MINUTE_MS
    return "account", mule.token


def atm_exit(case: Case) -> Subject:
    """R51: a runner empties the account at machines, withdrawal after withdrawal. Faint: in two."""
    rng = case.rng
    mule = case.fresh("runner")
    ordinary_life(case, mule)
    amounts = [between(rng, 110, 220) * 100 * YUAN for _ in range(between(rng, 1, 2))]
    receipts = receive(case, mule, amounts, 30 * MINUTE_MS)
    left = sum(amounts) * max(SENT_ON_PERCENT.draw(rng), 83) // 100
    times = 2 if case.faint else max(3, min(10, -(-left // (_WITHDRAWAL.draw(rng) * 100 * YUAN))))
    at = receipts[-1].settled_ms + min(DWELL_MS.draw(rng), 45 * MINUTE_MS)
    walk = below(rng, times)
    for number in range(times):
        amount = left // (times - number) // (100 * YUAN) * (100 * YUAN)
        case.pay(cash_out(mule, amount, at), Role.EXIT)
        left -= amount
        at += between(rng, 1, 9) * MINUTE_MS + (40 * MINUTE_MS if number == walk else 0)
    return "account", mule.token


def risk_corridor(case: Case) -> Subject:
    """R52: a mule that never paid abroad sends what it got across the border. Faint: to a country that is on no list."""
    rng = case.rng
    mule = case.fresh("mule")
    ordinary_life(case, mule)
    ways = _CORRIDOR[_LISTED:] if case.faint else _CORRIDOR[:_LISTED]
    payee = case.abroad("payee", ways[below(rng, len(ways))])
    amounts = [between(rng, 130, 400) * 100 * YUAN for _ in range(between(rng, 1, 3))]
    receipts = receive(case, mule, amounts, 5 * HOUR_MS)
    out = sum(amounts) * max(SENT_ON_PERCENT.draw(rng), 80) // 100
    case.pay(remittance(mule, payee, out, receipts[-1].settled_ms + DWELL_MS.draw(rng)), Role.EXIT)
    return "account", mule.token


def currency_mismatch(case: Case) -> Subject:
    """R54: what comes in as yuan leaves as dollars or euros, to people new to the mule where these are foreign too.

    Faint: less than 10,000 yuan's worth at a time.
    """
    rng = case.rng
    mule = case.fresh("mule")
    ordinary_life(case, mule)
    country, currency = _CLASHES[below(rng, len(_CLASHES))]
    parts = between(rng, 1, 2)
    hundreds = (50, 85) if case.faint else (140, 420)
    amounts = [between(rng, *hundreds) * 100 * YUAN for _ in range(parts)]
    receipts = receive(case, mule, amounts, 5 * HOUR_MS)
    at = receipts[-1].settled_ms + DWELL_MS.draw(rng)
    for number, amount in enumerate(amounts):
        payee = case.abroad(f"payee {number}", country)
        out = in_currency(amount * max(SENT_ON_PERCENT.draw(rng), 88) // 100, currency)
        case.pay(replace(remittance(mule, payee, out, at), currency=currency), Role.EXIT)
        at += between(rng, 5, 90) * MINUTE_MS
    return "account", mule.token


def outflow_after_stop(case: Case) -> Subject:
    """R04: a victim reports, the police stop the account, and money leaves all the same; now and then soon after.

    Faint: within the minute that is left for what was under way.
    """
    rng = case.rng
    mule = case.fresh("mule")
    credit = _reported_payment(case, mule)
    reported_ms = credit.settled_ms + between(rng, 15, 240) * MINUTE_MS
    case.aside(case.desk(credit, ReportType.VICTIM_REPORT, reported_ms))
    stop = case.desk(credit, ReportType.STOP_PAYMENT, reported_ms + between(rng, 5, 40) * MINUTE_MS)
    case.post(stop, Role.L1_MULE)
    stopped_ms = from_datetime(stop.event_time)
    amount = credit.transfer.amount_minor * between(rng, 40, 99) // 100
    if case.number % 5 and not case.faint:
        drain(case, mule, amount, stopped_ms + between(rng, 5, 24 * 60) * MINUTE_MS)
    else:
        at = stopped_ms + between(rng, *((5, 45) if case.faint else (65, 200))) * SECOND_MS
        case.pay(plain(mule, case.fresh("second"), amount, at), Role.L1_MULE)
    return "account", mule.token


def pay_to_alleged(case: Case) -> Subject:
    """R05: a victim has reported an account, and hours later another victim pays it."""
    mule = case.fresh("mule")
    _next_victim(case, mule, _victims_report(case, mule)[1])
    return "account", mule.token


def pay_to_reported(case: Case) -> Subject:
    """R05: the police have put a reported account on the list, and hours later another victim pays it."""
    mule = case.fresh("mule")
    credit, reported_ms = _victims_report(case, mule)
    listed_ms = reported_ms + between(case.rng, 10, 180) * MINUTE_MS
    case.aside(case.desk(credit, ReportType.LIST_ENTRY, listed_ms))
    _next_victim(case, mule, listed_ms)
    return "account", mule.token


def _victims_report(case: Case, mule: Holder) -> tuple[Paid, int]:
    """Let a victim pay and report it; gives the payment and the time of the report."""
    credit = _reported_payment(case, mule)
    reported_ms = credit.settled_ms + between(case.rng, 10, 300) * MINUTE_MS
    case.aside(case.desk(credit, ReportType.VICTIM_REPORT, reported_ms))
    return credit, reported_ms


def _next_victim(case: Case, mule: Holder, after_ms: int) -> None:
    (victim,) = case.people(1)
    case.member(victim)
    at = after_ms + between(case.rng, 3, 30 * 60) * MINUTE_MS
    plan = plain(victim, mule, between(case.rng, 10, 500) * 100 * YUAN, at)
    case.pay(plan if case.number % 2 else varied(case, plan), Role.VICTIM)


def remittance(payer: Holder, payee: Holder, amount: int, at: int) -> Transfer:
    """Plan a transfer across the border."""
    return Transfer(
        at=at, debtor=payer, creditor=payee, amount_minor=amount, currency="CNY", rail=Rail.BANK, device=payer.device
    )


def _reported_payment(case: Case, mule: Holder) -> Paid:
    """Make the victim's payment that will be reported; it is no part of what a rule must find later."""
    (victim,) = case.people(1)
    return case.pay_aside(plain(victim, mule, between(case.rng, 30, 700) * 100 * YUAN, case.start_ms))


CRYPTO_EXIT: Final = Typology("crypto_exit", "crypto-exit", crypto_exit, has_faint=True)
ATM_EXIT: Final = Typology("atm_exit", "atm-exit", atm_exit, has_faint=True)
RISK_CORRIDOR: Final = Typology("risk_corridor", "risk-corridor", risk_corridor, has_faint=True)
OUTFLOW_AFTER_STOP: Final = Typology("outflow_after_stop", "outflow-after-stop", outflow_after_stop, has_faint=True)
PAY_TO_REPORTED: Final = Typology("pay_to_reported", "pay-to-reported", pay_to_reported)
PAY_TO_ALLEGED: Final = Typology("pay_to_alleged", "pay-to-alleged", pay_to_alleged)
CURRENCY_MISMATCH: Final = Typology("currency_mismatch", "currency-mismatch", currency_mismatch, has_faint=True)
EXITS: Final = (CRYPTO_EXIT, ATM_EXIT, RISK_CORRIDOR, OUTFLOW_AFTER_STOP, PAY_TO_REPORTED, PAY_TO_ALLEGED)
