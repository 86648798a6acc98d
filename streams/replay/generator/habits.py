"""Fraud told by what an account does against its own habit: by night, all at once, in round sums, on and on."""

from typing import Final

from msgspec.structs import replace

from streams.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from streams.events.model import PartyType, Rail
from streams.replay.generator.draws import DWELL_MS, below, between, local_day, local_day_start
from streams.replay.generator.hops import receive, report_some
from streams.replay.generator.mules import YUAN, plain, varied
from streams.replay.generator.purses import Purse, next_hour, ordinary_days
from streams.replay.generator.story import Case, Role, Subject, Typology

HISTORY_DAYS: Final = 20
"""Days on which an account lives as usual before it does not: enough for a habit (R22 asks for 14 active days)."""
_LONG: Final = HISTORY_DAYS + 4
"""Days of a stream in which such an instance can be made."""


def night_operators(case: Case) -> Subject:
    """R18: an account used by day for weeks works from midnight to five for some nights, four to seven times a night.

    Faint: as often by day.
    """
    rng = case.rng
    mule = case.fresh("mule")
    purse = Purse(case, mule, between(rng, 3_000, 9_000) * YUAN)
    begin = ordinary_days(purse, HISTORY_DAYS) + DAY_MS
    first = local_day(begin)
    for night in range(between(rng, 4, 5)):
        victims = case.people(between(rng, 2, 3))
        minutes = [number * 60 + between(rng, 5, 45) for number in range(len(victims))]
        if case.faint:
            minutes = sorted(minute + 12 * 60 * (number % 2 == 0) for number, minute in enumerate(minutes))
        for number, (victim, minute) in enumerate(zip(victims, minutes, strict=True)):
            amount = between(rng, 8, 60) * 100 * YUAN
            at = local_day_start(first + night) + minute * MINUTE_MS
            credit = purse.move(plain(victim, mule, amount, at), Role.VICTIM)
            out = amount * between(rng, 88, 99) // 100
            leaves = credit.settled_ms + between(rng, 1, 9) * MINUTE_MS
            purse.move(plain(mule, case.fresh(f"payee {night} {number}"), out, leaves), Role.L1_MULE)
    return "account", mule.token


def round_deposits(case: Case) -> Subject:
    """R19: within a day an account takes at a set price, or in whole thousands, from people who never paid it. Faint: from few."""
    rng = case.rng
    mule = case.fresh("mule")
    count = between(rng, 3, 4) if case.faint else between(rng, 7, 12)
    price = between(rng, 8, 40) * 100 * YUAN + 80 * YUAN
    prices = [
        between(rng, 1, 5) * 1_000 * YUAN if case.number % 2 else price * between(rng, 997, 1_003) // 1_000
        for _ in range(count)
    ]
    receipts = receive(case, mule, prices, between(rng, 4, 14) * HOUR_MS)
    out = sum(prices) * between(rng, 30, 60) // 100
    at = receipts[-1].settled_ms + DWELL_MS.draw(rng)
    case.pay(plain(mule, case.fresh("payee"), out, at), Role.L1_MULE)
    return "account", mule.token


def daily_sweep(case: Case) -> Subject:
    """R21: on four or five days running money comes by day and by night nothing is left. Faint: a good part is left."""
    rng = case.rng
    mule = case.fresh("mule")
    purse = Purse(case, mule, between(rng, 5, 60) * YUAN)
    low = purse.balance
    first = local_day(case.start_ms) + 1
    for day in range(first, first + between(rng, 4, 5)):
        morning = local_day_start(day) + 9 * HOUR_MS
        victims = case.people(between(rng, 2, 4))
        times = sorted(morning + below(rng, 8 * HOUR_MS) for _ in victims)
        taken = 0
        for victim, at in zip(victims, times, strict=True):
            amount = between(rng, 55, 130) * 100 * YUAN
            taken += amount
            purse.move(plain(victim, mule, amount, at), Role.VICTIM)
        kept = taken * between(rng, 15, 40) // 100 if case.faint else below(rng, 40 * YUAN)
        parts, left = between(rng, 1, 2), purse.balance - low - kept
        for part in range(parts):
            at = local_day_start(day) + (1_170 + part * 60 + between(rng, 0, 50)) * MINUTE_MS
            purse.move(plain(mule, case.fresh(f"payee {day} {part}"), left // parts, at), Role.L1_MULE)
    return "account", mule.token


def volume_spike(case: Case) -> Subject:
    """R22: after three weeks of small money an account takes 25,000 to 90,000 within half a day. Faint: a few thousand."""
    rng = case.rng
    mule = case.fresh("mule")
    purse = Purse(case, mule, between(rng, 3_000, 9_000) * YUAN)
    begin = ordinary_days(purse, HISTORY_DAYS) + between(rng, 9, 12) * HOUR_MS
    count = between(rng, 3, 6)
    victims = case.people(count)
    total = between(rng, 60, 160) * 100 if case.faint else between(rng, 260, 900) * 100
    times = sorted(begin + below(rng, 9 * HOUR_MS) for _ in victims)
    receipts = []
    for victim, at in zip(victims, times, strict=True):
        amount = total * between(rng, 98, 102) // (100 * count) * YUAN
        receipts.append(purse.move(varied(case, plain(victim, mule, amount, at)), Role.VICTIM))
    out = total * between(rng, 30, 95) // 100 * YUAN
    purse.move(plain(mule, case.fresh("payee"), out, receipts[-1].settled_ms + DWELL_MS.draw(rng)), Role.L1_MULE)
    report_some(case, receipts)
    return "account", mule.token


def largest_ever(case: Case) -> Subject:
    """R23: after three weeks of small payments one of 24,000 to 90,000 comes in and goes out. Faint: below 18,000."""
    rng = case.rng
    mule = case.fresh("mule")
    purse = Purse(case, mule, between(rng, 3_000, 9_000) * YUAN)
    begin = ordinary_days(purse, HISTORY_DAYS) + between(rng, 9, 18) * HOUR_MS
    (victim,) = case.people(1)
    amount = (between(rng, 90, 170) if case.faint else between(rng, 240, 900)) * 100 * YUAN
    credit = purse.move(plain(victim, mule, amount, begin), Role.VICTIM)
    out = amount * between(rng, 93, 99) // 100
    purse.move(plain(mule, case.fresh("payee"), out, credit.settled_ms + DWELL_MS.draw(rng)), Role.L1_MULE)
    report_some(case, [credit])
    return "account", mule.token


def margin_cycle(case: Case) -> Subject:
    """R25: a runner pays a platform a deposit, gets about as much from strangers within the day, and does so again.

    Faint: once only.
    """
    rng = case.rng
    runner, platform = case.fresh("runner"), case.fresh("platform", PartyType.ORG)
    at = case.start_ms
    for cycle in range(1 if case.faint else between(rng, 2, 4)):
        deposit = between(rng, 30, 200) * 100 * YUAN
        paid = case.pay(plain(runner, platform, deposit, at), Role.L1_MULE)
        gamblers = [case.unknown(f"gambler {cycle} {number}") for number in range(between(rng, 4, 7))]
        share = deposit * between(rng, 86, 104) // (100 * len(gamblers))
        times = sorted(paid.settled_ms + between(rng, 20, 16 * 60) * MINUTE_MS for _ in gamblers)
        for gambler, time in zip(gamblers, times, strict=True):
            case.pay(varied(case, plain(gambler, runner, share * between(rng, 97, 103) // 100, time)), Role.VICTIM)
        at = times[-1] + between(rng, 3, 14) * HOUR_MS
    return "account", runner.token


def wallet_hop(case: Case) -> Subject:
    """R26: a wallet takes from banks and sends nearly all on to other people's banks within minutes, four to seven times a day.

    Faint: twice.
    """
    rng = case.rng
    mule = case.unknown("wallet")
    mule = replace(mule, account=replace(mule.account, account_scheme="WALLET"))
    case.register(mule, between(rng, 60, 400), "wallet")
    at = case.start_ms
    hops = 2 if case.faint else between(rng, 4, 7)
    for number, victim in enumerate(case.people(hops)):
        amount = between(rng, 6, 90) * 100 * YUAN
        credit = case.pay(replace(plain(victim, mule, amount, at), rail=Rail.INSTANT), Role.VICTIM)
        out = amount * between(rng, 92, 99) // 100
        leaves = credit.settled_ms + between(rng, 60, 20 * 60) * SECOND_MS
        payee = case.fresh(f"payee {number}")
        hop = case.pay(replace(plain(mule, payee, out, leaves), rail=Rail.WALLET), Role.L1_MULE)
        at = hop.settled_ms + between(rng, 10, 120) * MINUTE_MS
    return "account", mule.token


def handover(case: Case) -> Subject:
    """R32: an account that one telephone used for weeks is emptied within the hour by another, to somebody new. Faint: by half."""
    rng = case.rng
    owner = case.fresh("owner")
    purse = Purse(case, owner, between(rng, 90, 600) * 100 * YUAN)
    end = ordinary_days(purse, HISTORY_DAYS)
    at = next_hour(end, between(rng, 9, 18))
    taker = replace(owner, device=case.unknown("taker").device, address=case.unknown("other taker").address)
    parts = between(rng, 1, 3)
    share = between(rng, 35, 55) if case.faint else between(rng, 88, 99)
    amount = purse.balance * share // (100 * parts)
    payee = case.fresh("payee")
    for number in range(parts):
        other = payee if number < 2 else case.fresh("other payee")  # noqa: PLR2004 - a third payment goes elsewhere
        purse.move(plain(taker, other, amount, at), Role.L1_MULE)
        at += between(rng, 2, 15) * MINUTE_MS
    return "account", owner.token


NIGHT_OPERATORS: Final = Typology("night_operators", "night-share", night_operators, has_faint=True, days=_LONG + 6)
ROUND_DEPOSITS: Final = Typology("round_deposits", "round-or-same", round_deposits, has_faint=True)
DAILY_SWEEP: Final = Typology("daily_sweep", "daily-sweep", daily_sweep, has_faint=True)
VOLUME_SPIKE: Final = Typology("volume_spike", "volume-spike", volume_spike, has_faint=True, days=_LONG)
LARGEST_EVER: Final = Typology("largest_ever", "largest-ever", largest_ever, has_faint=True, days=_LONG)
MARGIN_CYCLE: Final = Typology("margin_cycle", "margin-cycle", margin_cycle, has_faint=True)
WALLET_HOP: Final = Typology("wallet_hop", "wallet-hop", wallet_hop, has_faint=True)
HANDOVER: Final = Typology("handover", "handover", handover, has_faint=True, days=_LONG)
HABITS: Final = (
    NIGHT_OPERATORS, ROUND_DEPOSITS, DAILY_SWEEP, VOLUME_SPIKE, LARGEST_EVER, MARGIN_CYCLE, WALLET_HOP, HANDOVER,
)  # fmt: skip
