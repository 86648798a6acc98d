"""Fraud on accounts that hand money on at once: quick exits, commission kept, small test payments before large ones."""

from typing import Final

from msgspec.structs import replace

from streams.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from streams.events.model import PartyType, Rail
from streams.replay.generator.draws import DWELL_MS, SENT_ON_PERCENT, Spread, below, between
from streams.replay.generator.mules import REPORTED_SHARE, YUAN, cash_out, plain, to_exchange, varied
from streams.replay.generator.payments import Paid
from streams.replay.generator.population import CASH, Holder
from streams.replay.generator.story import Case, Role, Subject, Typology

_RUNNER_DWELL_MS: Final = Spread(
    (0, 20 * SECOND_MS), (800, 11 * MINUTE_MS), (930, 16 * MINUTE_MS), (1_000, 50 * MINUTE_MS)
)
"""Of the mules in ``DWELL_MS`` those that wait for the money: most of theirs is gone within a quarter of an hour."""


def receive(case: Case, holder: Holder, amounts: list[int], within_ms: int) -> list[Paid]:
    """Let one victim for each amount (minor units) pay the account within so long a time; some report it later."""
    rng = case.rng
    victims = case.people(len(amounts))
    times = sorted(case.start_ms + below(rng, within_ms) for _ in amounts)
    receipts = [
        case.pay(varied(case, plain(victim, holder, amount, at)), Role.VICTIM)
        for victim, amount, at in zip(victims, amounts, times, strict=True)
    ]
    report_some(case, receipts)
    return receipts


def ordinary_life(case: Case, holder: Holder) -> None:
    """Let the owner of an account eat at a stall and be paid back a lunch, while he is a mule: it is also his own account."""
    rng = case.rng
    stall = case.fresh("stall", PartyType.SOLE)
    for _ in range(between(rng, 1, 4)):
        at = case.start_ms + between(rng, 0, 10 * 60) * MINUTE_MS
        case.pay_aside(replace(plain(holder, stall, between(rng, 800, 15_000), at), rail=Rail.QR))
    (friend,) = case.people(1)
    lunch = between(rng, 20, 150) * YUAN
    case.pay_aside(plain(friend, holder, lunch, case.start_ms + between(rng, 0, 10 * 60) * MINUTE_MS))


def report_some(case: Case, receipts: list[Paid]) -> None:
    """Let as many victims report as usually do."""
    for credit in receipts:
        if case.rng.random() < REPORTED_SHARE:
            case.report(credit)


def drain(case: Case, holder: Holder, amount: int, at: int) -> list[Paid]:
    """Let a mule rid itself of an amount in one to three payments, ways as in ``mules.onward``."""
    rng, parts = case.rng, between(case.rng, 1, 3)
    made = []
    for number in range(parts):
        at += between(rng, 30, 600) * SECOND_MS
        way, part = below(rng, 100), amount // parts
        if way >= 90:  # noqa: PLR2004 - 10 % cash, 20 % exchange, the rest transfers
            plan = cash_out(holder, max(100 * YUAN, part // (100 * YUAN) * (100 * YUAN)), at)
        elif way >= 70:  # noqa: PLR2004
            plan = to_exchange(case, holder, part, (at, number))
        else:
            plan = plain(holder, case.fresh(f"second {number}"), part, at)
        made.append(case.pay(plan, Role.L1_MULE))
    return made


def quick_first_out(case: Case) -> Subject:
    """R11: two to five victims over a day; twice at least most of the money leaves within minutes, else now and then later.

    Faint: small sums.
    """
    rng = case.rng
    mule, second = case.fresh("mule"), case.fresh("second")
    ordinary_life(case, mule)
    at = case.start_ms
    receipts = []
    hundreds = (20, 48) if case.faint else (51, 480)
    for number, victim in enumerate(case.people(between(rng, 2, 5))):
        amount = between(rng, *hundreds) * 100 * YUAN + below(rng, 100) * YUAN
        credit = case.pay(varied(case, plain(victim, mule, amount, at)), Role.VICTIM)
        receipts.append(credit)
        parts = between(rng, 1, 2)
        share, dwell_ms = SENT_ON_PERCENT.draw(rng), _RUNNER_DWELL_MS.draw(rng)
        if number < 2:  # noqa: PLR2004 - twice is what makes the pattern
            share, dwell_ms = max(share, 75), min(dwell_ms, 11 * MINUTE_MS)
        out = amount * share // (100 * parts)
        at = credit.settled_ms + dwell_ms
        for _ in range(parts):
            case.pay(plain(mule, second, out, at), Role.L1_MULE)
            at += between(rng, 15, 120) * SECOND_MS
        at += between(rng, 20, 420) * MINUTE_MS
    report_some(case, receipts)
    return "account", mule.token


def commission_mirror(case: Case) -> Subject:
    """R12: for some days every amount goes on less a cut that hardly changes, from 1 to 14 % (points-running).

    Faint: twice only, or the cut changes by points.
    """
    rng = case.rng
    mule = case.fresh("mule")
    ordinary_life(case, mule)
    cut, sway = between(rng, 100, 1_400), (10, 20, 40)[below(rng, 3)]
    pairs = 2 if case.faint else between(rng, 3, 8)
    gap_ms = between(rng, 8 * 60, 96 * 60) * MINUTE_MS // pairs
    for number, payer in enumerate(case.people(pairs)):
        at = case.start_ms + number * gap_ms + below(rng, gap_ms)
        amount = between(rng, 12, 260) * 100 * YUAN + below(rng, 100) * YUAN
        credit = case.pay(varied(case, plain(payer, mule, amount, at)), Role.VICTIM)
        kept = amount * (cut + between(rng, -sway, sway)) // 10_000
        leaves_ms = credit.settled_ms + DWELL_MS.draw(rng)
        case.pay(plain(mule, case.fresh(f"payee {number}"), amount - kept, leaves_ms), Role.L1_MULE)
    return "account", mule.token


def test_then_large(case: Case) -> Subject:
    """R17: a payer new to the account sends next to nothing, then a large sum some hours later, which leaves again.

    Faint: more than a day later.
    """
    rng = case.rng
    mule = case.fresh("mule")
    ordinary_life(case, mule)
    (victim,) = case.people(1)
    test = case.pay(plain(victim, mule, _TEST.draw(rng), case.start_ms), Role.VICTIM)
    minutes = (25 * 60, 40 * 60) if case.faint else (6, 23 * 60)
    at = test.settled_ms + between(rng, *minutes) * MINUTE_MS
    amount = between(rng, 50, 900) * 100 * YUAN
    credit = case.pay(varied(case, plain(victim, mule, amount, at)), Role.VICTIM)
    drain(case, mule, amount * SENT_ON_PERCENT.draw(rng) // 100, credit.settled_ms + DWELL_MS.draw(rng))
    report_some(case, [credit])
    return "account", mule.token


_TEST: Final = Spread((0, 1), (400, 100), (1_000, 1_000))
"""Test payments in fen: a fen to ten yuan."""


def dormant_burst(case: Case) -> Subject:
    """R13: an account that slept for months, as the registry knows, takes much or from many within two days and empties.

    Faint: a little from one or two; half of the time the registry has not noticed the sleep.
    """
    rng = case.rng
    mule = case.unknown("mule")
    asleep = between(rng, 92, 400)
    unnoticed = case.faint and rng.random() < 0.5  # noqa: PLR2004
    case.register(mule, asleep + between(rng, 60, 900), "mule", 0 if unnoticed else asleep)
    number, hundreds = (between(rng, 1, 2), (12, 90)) if case.faint else (between(rng, 3, 7), (12, 190))
    amounts = [between(rng, *hundreds) * 100 * YUAN for _ in range(number)]
    receipts = receive(case, mule, amounts, between(rng, 8, 46) * HOUR_MS)
    drain(case, mule, sum(amounts) * SENT_ON_PERCENT.draw(rng) // 100, receipts[-1].settled_ms + DWELL_MS.draw(rng))
    return "account", mule.token


def new_account_burst(case: Case) -> Subject:
    """R14: an account opened up to four weeks before turns over much within three days, with many others.

    Faint: it was opened earlier.
    """
    rng = case.rng
    mule = case.unknown("mule")
    case.register(mule, between(rng, *((33, 50) if case.faint else (1, 26))), "mule")
    amounts = [between(rng, 85, 150) * 100 * YUAN for _ in range(between(rng, 4, 12))]
    receipts = receive(case, mule, amounts, between(rng, 20, 52) * HOUR_MS)
    share, every = between(rng, 60, 97), between(rng, 1, 4)
    held = 0
    for number, credit in enumerate(receipts, start=1):
        held += credit.transfer.amount_minor
        if number % every == 0 or number == len(receipts):
            out = plain(
                mule, case.fresh(f"payee {number}"), held * share // 100, credit.settled_ms + DWELL_MS.draw(rng)
            )
            case.pay(out, Role.L1_MULE)
            held = 0
    return "account", mule.token


def fan_out_new(case: Case) -> Subject:
    """R16: money of one or two victims is spread over nine to sixteen accounts within some hours. Faint: five to seven."""
    rng = case.rng
    mule = case.fresh("spreader")
    amounts = [between(rng, 400, 900) * 100 * YUAN for _ in range(between(rng, 1, 2))]
    receipts = receive(case, mule, amounts, 2 * HOUR_MS)
    count = between(rng, 5, 7) if case.faint else between(rng, 9, 16)
    at = receipts[-1].settled_ms + DWELL_MS.draw(rng) // 4
    window_ms = between(rng, 40, 450) * MINUTE_MS
    part = sum(amounts) * between(rng, 75, 99) // (100 * count)
    for number in range(count):
        out = part * between(rng, 70, 100) // 100
        case.pay(plain(mule, case.fresh(f"payee {number}"), out, at + below(rng, window_ms)), Role.L1_MULE)
    return "account", mule.token


def structuring(case: Case) -> Subject:
    """R20: three to seven payments in some days, each a little under a limit that must be reported. Faint: further under it.

    The limits are those of PBoC Order 3 of 2016: 50,000 in cash, 500,000 between persons, 200,000 across the border,
    2,000,000 for companies.
    """
    rng = case.rng
    kind = below(rng, 6)
    runner = case.fresh("runner", PartyType.ORG if kind == 5 else PartyType.PERSON)  # noqa: PLR2004 - the last is a company
    limit = (50_000, 50_000, 50_000, 500_000, 200_000, 2_000_000)[kind] * YUAN
    span_ms = between(rng, 1, 5) * DAY_MS
    per_mille = (650, 780) if case.faint else (805, 996)
    count = between(rng, 3, 7)
    abroad = case.abroad("abroad", ("HK", "TH", "KH", "AE")[below(rng, 4)])
    for number in range(count):
        at = case.start_ms + span_ms * number // count + below(rng, 6 * HOUR_MS)
        amount = limit * between(rng, *per_mille) // 1_000 // (100 * YUAN) * (100 * YUAN)
        if kind < 2:  # noqa: PLR2004 - cash goes in by the one machine
            deposit = cash_out(runner, amount, at)
            case.pay(replace(deposit, debtor=CASH, creditor=runner, rail=Rail.CASH_IN), Role.L1_MULE)
        elif kind == 2:  # noqa: PLR2004 - and out by the other
            case.pay(cash_out(runner, amount, at), Role.L1_MULE)
        else:
            payee = abroad if kind == 4 else case.fresh(f"payee {number}")  # noqa: PLR2004
            case.pay(plain(runner, payee, amount, at), Role.L1_MULE)
    return "account", runner.token


QUICK_FIRST_OUT: Final = Typology("quick_first_out", "quick-first-out", quick_first_out, has_faint=True)
COMMISSION_MIRROR: Final = Typology("commission_mirror", "commission-mirror", commission_mirror, has_faint=True)
TEST_THEN_LARGE: Final = Typology("test_then_large", "test-then-large", test_then_large, has_faint=True)
DORMANT_BURST: Final = Typology("dormant_burst", "dormant-burst", dormant_burst, has_faint=True)
NEW_ACCOUNT_BURST: Final = Typology("new_account_burst", "new-account-burst", new_account_burst, has_faint=True)
FAN_OUT_NEW: Final = Typology("fan_out_new", "fan-out-new", fan_out_new, has_faint=True)
STRUCTURING: Final = Typology("structuring", "structuring", structuring, has_faint=True)
HOPS: Final = (
    QUICK_FIRST_OUT,
    COMMISSION_MIRROR,
    TEST_THEN_LARGE,
    DORMANT_BURST,
    NEW_ACCOUNT_BURST,
    FAN_OUT_NEW,
    STRUCTURING,
)
