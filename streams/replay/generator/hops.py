"""Fraud on accounts that hand money on at once: quick exits, commission kept, small test payments before large ones."""

from typing import Final

from msgspec.structs import replace

from streams.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from streams.events.model import Rail
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
    """R11: two to five victims over a day; each time most of the money leaves within minutes, now and then later."""
    rng = case.rng
    mule, second = case.fresh("mule"), case.fresh("second")
    at = case.start_ms
    receipts = []
    for victim in case.people(between(rng, 2, 5)):
        amount = between(rng, 35, 480) * 100 * YUAN + below(rng, 100) * YUAN
        credit = case.pay(varied(case, plain(victim, mule, amount, at)), Role.VICTIM)
        receipts.append(credit)
        parts = between(rng, 1, 2)
        out = amount * SENT_ON_PERCENT.draw(rng) // (100 * parts)
        at = credit.settled_ms + _RUNNER_DWELL_MS.draw(rng)
        for _ in range(parts):
            case.pay(plain(mule, second, out, at), Role.L1_MULE)
            at += between(rng, 15, 120) * SECOND_MS
        at += between(rng, 20, 420) * MINUTE_MS
    report_some(case, receipts)
    return "account", mule.token


def commission_mirror(case: Case) -> Subject:
    """R12: for some days every amount goes on less a cut that hardly changes, from 0.4 to 14 % (points-running)."""
    rng = case.rng
    mule = case.fresh("mule")
    cut, sway = between(rng, 40, 1_400), (10, 20, 40, 200)[below(rng, 4)]
    pairs = between(rng, 2, 8)
    gap_ms = between(rng, 8 * 60, 96 * 60) * MINUTE_MS // pairs
    for number, payer in enumerate(case.people(pairs)):
        at = case.start_ms + number * gap_ms + below(rng, gap_ms)
        amount = between(rng, 8, 260) * 100 * YUAN + below(rng, 100) * YUAN
        credit = case.pay(varied(case, plain(payer, mule, amount, at)), Role.VICTIM)
        kept = amount * max(20, cut + between(rng, -sway, sway)) // 10_000
        leaves_ms = credit.settled_ms + DWELL_MS.draw(rng)
        case.pay(plain(mule, case.fresh(f"payee {number}"), amount - kept, leaves_ms), Role.L1_MULE)
    return "account", mule.token


def test_then_large(case: Case) -> Subject:
    """R17: a payer new to the account sends next to nothing, then a large sum some hours later, which leaves again."""
    rng = case.rng
    mule = case.fresh("mule")
    (victim,) = case.people(1)
    test = case.pay(plain(victim, mule, _TEST.draw(rng), case.start_ms), Role.VICTIM)
    at = test.settled_ms + between(rng, 6, 28 * 60) * MINUTE_MS
    amount = between(rng, 30, 900) * 100 * YUAN
    credit = case.pay(varied(case, plain(victim, mule, amount, at)), Role.VICTIM)
    drain(case, mule, amount * SENT_ON_PERCENT.draw(rng) // 100, credit.settled_ms + DWELL_MS.draw(rng))
    report_some(case, [credit])
    return "account", mule.token


_TEST: Final = Spread((0, 1), (400, 100), (800, 1_000), (1_000, 6_000))
"""Test payments in fen: mostly a cent to ten yuan, some as much as sixty."""


def dormant_burst(case: Case) -> Subject:
    """R13: an account that slept for months, as a rule known to the registry, takes much within two days and empties."""
    rng = case.rng
    mule = case.unknown("mule")
    asleep = between(rng, 75, 400)
    case.register(mule, asleep + between(rng, 60, 900), "mule", asleep if rng.random() < 0.8 else 0)  # noqa: PLR2004
    amounts = [between(rng, 12, 190) * 100 * YUAN for _ in range(between(rng, 2, 7))]
    receipts = receive(case, mule, amounts, between(rng, 8, 60) * HOUR_MS)
    drain(case, mule, sum(amounts) * SENT_ON_PERCENT.draw(rng) // 100, receipts[-1].settled_ms + DWELL_MS.draw(rng))
    return "account", mule.token


def new_account_burst(case: Case) -> Subject:
    """R14: an account opened up to six weeks before turns over much within three days, with many others."""
    rng = case.rng
    mule = case.unknown("mule")
    case.register(mule, between(rng, 1, 42), "mule")
    amounts = [between(rng, 10, 150) * 100 * YUAN for _ in range(between(rng, 4, 12))]
    receipts = receive(case, mule, amounts, between(rng, 20, 70) * HOUR_MS)
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
    """R16: money of one or two victims is spread over six to sixteen accounts within some hours."""
    rng = case.rng
    mule = case.fresh("spreader")
    amounts = [between(rng, 100, 700) * 100 * YUAN for _ in range(between(rng, 1, 2))]
    receipts = receive(case, mule, amounts, 2 * HOUR_MS)
    count = between(rng, 6, 16)
    at = receipts[-1].settled_ms + DWELL_MS.draw(rng) // 4
    window_ms = between(rng, 40, 600) * MINUTE_MS
    part = sum(amounts) * between(rng, 75, 99) // (100 * count)
    for number in range(count):
        out = part * between(rng, 70, 100) // 100
        case.pay(plain(mule, case.fresh(f"payee {number}"), out, at + below(rng, window_ms)), Role.L1_MULE)
    return "account", mule.token


def structuring(case: Case) -> Subject:
    """R20: three to seven payments in some days, each a little under a limit that must be reported.

    The limits are those of PBoC Order 3 of 2016: 50,000 in cash, 500,000 between persons, 200,000 across the border.
    """
    rng = case.rng
    runner = case.fresh("runner")
    kind = below(rng, 5)
    limit = (50_000, 50_000, 50_000, 500_000, 200_000)[kind] * YUAN
    span_ms = between(rng, 1, 9) * DAY_MS
    count = between(rng, 3, 7)
    abroad = case.abroad("abroad", ("HK", "TH", "KH", "AE")[below(rng, 4)])
    for number in range(count):
        at = case.start_ms + span_ms * number // count + below(rng, 6 * HOUR_MS)
        amount = limit * between(rng, 740, 996) // 1_000 // (100 * YUAN) * (100 * YUAN)
        if kind < 2:  # noqa: PLR2004 - cash goes in by the one machine
            deposit = cash_out(runner, amount, at)
            case.pay(replace(deposit, debtor=CASH, creditor=runner, rail=Rail.CASH_IN), Role.L1_MULE)
        elif kind == 2:  # noqa: PLR2004 - and out by the other
            case.pay(cash_out(runner, amount, at), Role.L1_MULE)
        else:
            payee = abroad if kind == 4 else case.fresh(f"payee {number}")  # noqa: PLR2004
            case.pay(plain(runner, payee, amount, at), Role.L1_MULE)
    return "account", runner.token


QUICK_FIRST_OUT: Final = Typology("quick_first_out", "quick-first-out", quick_first_out)
COMMISSION_MIRROR: Final = Typology("commission_mirror", "commission-mirror", commission_mirror)
TEST_THEN_LARGE: Final = Typology("test_then_large", "test-then-large", test_then_large)
DORMANT_BURST: Final = Typology("dormant_burst", "dormant-burst", dormant_burst)
NEW_ACCOUNT_BURST: Final = Typology("new_account_burst", "new-account-burst", new_account_burst)
FAN_OUT_NEW: Final = Typology("fan_out_new", "fan-out-new", fan_out_new)
STRUCTURING: Final = Typology("structuring", "structuring", structuring)
HOPS: Final = (
    QUICK_FIRST_OUT,
    COMMISSION_MIRROR,
    TEST_THEN_LARGE,
    DORMANT_BURST,
    NEW_ACCOUNT_BURST,
    FAN_OUT_NEW,
    STRUCTURING,
)
