"""Fraud where the money leaves our sight, and where it goes on although somebody has reported it."""

from typing import Final

from msgspec.structs import replace

from streams.clock import HOUR_MS, MINUTE_MS, SECOND_MS, from_datetime
from streams.events.model import Rail, ReportType
from streams.replay.generator.draws import DWELL_MS, SENT_ON_PERCENT, Spread, below, between
from streams.replay.generator.hops import drain, receive
from streams.replay.generator.mules import YUAN, cash_out, plain, to_exchange, varied
from streams.replay.generator.payments import Paid, Transfer
from streams.replay.generator.population import Holder
from streams.replay.generator.story import Case, Role, Subject, Typology

_CORRIDOR: Final = ("KH",) * 6 + ("MM",) * 3 + ("LA", "LA", "PH", "AE", "TH")
"""Where the money of scam hubs goes: mostly Cambodia, Myanmar, Laos (UNODC, January 2024), some by other ways."""
_WITHDRAWAL: Final = Spread((0, 10), (150, 20), (800, 50), (1_000, 200))
"""What a cash runner takes at a time, in hundreds of yuan: machines give 2,000 to 5,000, some 20,000 a day."""


def crypto_exit(case: Case) -> Subject:
    """R50: what comes in goes to an exchange in one to four payments, most of it within two hours."""
    rng = case.rng
    mule = case.fresh("mule")
    amounts = [between(rng, 35, 600) * 100 * YUAN for _ in range(between(rng, 1, 3))]
    receipts = receive(case, mule, amounts, 90 * MINUTE_MS)
    parts = between(rng, 1, 4)
    out = sum(amounts) * SENT_ON_PERCENT.draw(rng) // (100 * parts)
    at = receipts[-1].settled_ms + DWELL_MS.draw(rng) // 2
    plan = to_exchange(case, mule, out, (at, 0))
    for _ in range(parts):
        case.pay(replace(plan, at=at), Role.EXIT)
        at += between(rng, 2, 40) * MINUTE_MS
    return "account", mule.token


def atm_exit(case: Case) -> Subject:
    """R51: a runner empties the account at machines, withdrawal after withdrawal."""
    rng = case.rng
    mule = case.fresh("runner")
    amounts = [between(rng, 25, 150) * 100 * YUAN for _ in range(between(rng, 1, 2))]
    receipts = receive(case, mule, amounts, HOUR_MS)
    left = sum(amounts) * SENT_ON_PERCENT.draw(rng) // 100
    usual = _WITHDRAWAL.draw(rng) * 100 * YUAN
    at = receipts[-1].settled_ms + DWELL_MS.draw(rng) // 2
    for _ in range(12):
        amount = min(usual, left) // (100 * YUAN) * (100 * YUAN)
        if amount == 0:
            break
        case.pay(cash_out(mule, amount, at), Role.EXIT)
        left -= amount
        at += between(rng, 1, 9) * MINUTE_MS + (40 * MINUTE_MS if rng.random() < 0.1 else 0)  # noqa: PLR2004 - to another machine
    return "account", mule.token


def risk_corridor(case: Case) -> Subject:
    """R52: a mule that never paid abroad sends what it got across the border."""
    rng = case.rng
    mule = case.fresh("mule")
    payee = case.abroad("payee", _CORRIDOR[below(rng, len(_CORRIDOR))])
    amounts = [between(rng, 40, 400) * 100 * YUAN for _ in range(between(rng, 1, 3))]
    receipts = receive(case, mule, amounts, 5 * HOUR_MS)
    out = sum(amounts) * SENT_ON_PERCENT.draw(rng) // 100
    case.pay(remittance(mule, payee, out, receipts[-1].settled_ms + DWELL_MS.draw(rng)), Role.EXIT)
    return "account", mule.token


def outflow_after_stop(case: Case) -> Subject:
    """R04: a victim reports, the police stop the account, and money leaves all the same; mostly well after the stop."""
    rng = case.rng
    mule = case.fresh("mule")
    credit = _reported_payment(case, mule)
    reported_ms = credit.settled_ms + between(rng, 15, 240) * MINUTE_MS
    case.aside(case.desk(credit, ReportType.VICTIM_REPORT, reported_ms))
    stop = case.desk(credit, ReportType.STOP_PAYMENT, reported_ms + between(rng, 5, 40) * MINUTE_MS)
    case.post(stop, Role.L1_MULE)
    stopped_ms = from_datetime(stop.event_time)
    amount = credit.transfer.amount_minor * between(rng, 40, 99) // 100
    if case.number % 5:
        drain(case, mule, amount, stopped_ms + between(rng, 5, 24 * 60) * MINUTE_MS)
    else:
        case.pay(
            plain(mule, case.fresh("second"), amount, stopped_ms + between(rng, 10, 100) * SECOND_MS), Role.L1_MULE
        )
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


CRYPTO_EXIT: Final = Typology("crypto_exit", "crypto-exit", crypto_exit)
ATM_EXIT: Final = Typology("atm_exit", "atm-exit", atm_exit)
RISK_CORRIDOR: Final = Typology("risk_corridor", "risk-corridor", risk_corridor)
OUTFLOW_AFTER_STOP: Final = Typology("outflow_after_stop", "outflow-after-stop", outflow_after_stop)
PAY_TO_REPORTED: Final = Typology("pay_to_reported", "pay-to-reported", pay_to_reported)
PAY_TO_ALLEGED: Final = Typology("pay_to_alleged", "pay-to-alleged", pay_to_alleged)
EXITS: Final = (CRYPTO_EXIT, ATM_EXIT, RISK_CORRIDOR, OUTFLOW_AFTER_STOP, PAY_TO_REPORTED, PAY_TO_ALLEGED)
