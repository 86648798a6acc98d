"""Fraud on accounts and devices: money that passes through, money that is collected, one hand on many accounts."""

from typing import Final

from streams.clock import HOUR_MS, MINUTE_MS, SECOND_MS
from streams.events.model import PartyType, Rail
from streams.replay.generator.draws import DWELL_MS, below, between
from streams.replay.generator.payments import Life, Paid, Transfer
from streams.replay.generator.population import CASH, Holder
from streams.replay.generator.story import Case, Role, Subject, Typology

YUAN: Final = 100
FLOOR: Final = 21_000 * YUAN
"""A little above the limit of the rules (20,000 CNY)."""
_LIVES: Final = (Life.ONE, Life.ONE, Life.PAIR, Life.PAIR, Life.STATUS)
REPORTED_SHARE: Final = 0.6


def pass_through(case: Case) -> Subject:
    """R10: two to six victims pay in within four hours; 90.5 to 101.5 % leaves, the dwell times as in ``DWELL_MS``."""
    mule = case.fresh("mule")
    transit(case, mule)
    return "account", mule.token


def fan_in_new(case: Case) -> Subject:
    """R15: nine to fourteen payers whom the account has never seen, within ten hours; about half goes on."""
    collector = case.fresh("collector")
    collect(case, collector)
    return "account", collector.token


def shared_device(case: Case) -> Subject:
    """R30: the device of a mule also pays for two to four other customers, before and after the mule's own burst."""
    typology, make = ((PASS_THROUGH, transit), (FAN_IN_NEW, collect))[case.number % 2]
    inner = case.inner(typology)
    rng = case.rng
    mule = inner.fresh("mule")
    device = mule.device or ""
    debits = make(inner, mule)
    end_ms = max(paid.settled_ms for paid in debits)
    others = [case.fresh(f"other {number}", device=device) for number in range(between(rng, 2, 4))]
    shops = case.people(len(others))
    for number, other in enumerate(others):
        times = [end_ms + between(rng, 10, 400) * MINUTE_MS]
        if number != 0:
            times.append(case.start_ms + between(rng, 5, 300) * MINUTE_MS)
        for at in times:
            case.pay(plain(other, shops[number], between(rng, 3, 20) * 100 * YUAN, at), Role.L1_MULE)
    for paid in debits:
        if paid.transfer.device == device:
            for message in paid.messages:
                case.label(message, Role.L1_MULE)
    inner.tell("account", mule.token)
    return "device", device


def plain(debtor: Holder, creditor: Holder, amount_minor: int, at: int) -> Transfer:
    """Plan a transfer between people, made with the payer's own device."""
    return Transfer(
        at=at, debtor=debtor, creditor=creditor, amount_minor=amount_minor, currency="CNY", device=debtor.device
    )


def transit(case: Case, mule: Holder) -> list[Paid]:
    """Let a mule pass victims' money on; gives the mule's payments, the last of which completes the pattern."""
    rng = case.rng
    victims = case.people(between(rng, 2, 6))
    amounts = [between(rng, 60, 300) * 100 * YUAN for _ in victims]
    amounts[-1] += max(0, FLOOR - sum(amounts))
    times = sorted(case.start_ms + below(rng, 4 * HOUR_MS) for _ in victims)
    receipts = [
        case.pay(varied(case, plain(victim, mule, amount, at)), Role.VICTIM)
        for victim, amount, at in zip(victims, amounts, times, strict=True)
    ]
    share = between(rng, 905, 1_015)
    habit_ms = DWELL_MS.draw(rng)
    debits: list[Paid] = []
    free_ms = 0
    for number, credit in enumerate(receipts):
        dwell_ms = habit_ms * between(rng, 85, 115) // 100
        free_ms = max(free_ms + between(rng, 20, 60) * SECOND_MS, credit.settled_ms + dwell_ms)
        amount = -(-credit.transfer.amount_minor * share // 1_000)
        sure = number in (0, len(receipts) - 1)
        debits.append(_onward(case, mule, amount, (free_ms, number), transfer_only=sure))
    for credit in receipts:
        if rng.random() < REPORTED_SHARE:
            case.report(credit)
    return debits


def collect(case: Case, collector: Holder) -> list[Paid]:
    """Let many new payers pay one account; gives the account's own payments."""
    rng = case.rng
    payers = case.people(between(rng, 9, 14))
    times = sorted(case.start_ms + below(rng, 10 * HOUR_MS) for _ in payers)
    receipts = [
        case.pay(varied(case, plain(payer, collector, between(rng, 24, 60) * 100 * YUAN, at)), Role.VICTIM)
        for payer, at in zip(payers, times, strict=True)
    ]
    total = sum(credit.transfer.amount_minor for credit in receipts)
    parts = between(rng, 2, 3)
    amount = total * between(rng, 40, 70) // (100 * parts)
    at = receipts[-1].settled_ms
    debits = []
    for number in range(parts):
        at += between(rng, 3, 50) * MINUTE_MS
        debits.append(_onward(case, collector, amount, (at, number), transfer_only=number == 0))
    for credit in receipts:
        if rng.random() < REPORTED_SHARE / 2:
            case.report(credit)
    return debits


def varied(case: Case, transfer: Transfer) -> Transfer:
    """Let the payment be told by one message, two, or a bare status."""
    return Transfer(
        at=transfer.at,
        debtor=transfer.debtor,
        creditor=transfer.creditor,
        amount_minor=transfer.amount_minor,
        currency=transfer.currency,
        device=transfer.device,
        life=_LIVES[below(case.rng, len(_LIVES))],
    )


def _onward(case: Case, mule: Holder, amount: int, step: tuple[int, int], *, transfer_only: bool) -> Paid:
    """Send money on: mostly by instant transfer to a second account, some to an exchange, some as cash.

    Shares after the source of ``DWELL_MS``: 57 % instant transfer, 20 % card or exchange, 10 % cash; the rest is
    counted to the transfers. ``step`` is the time and the number of the payment.
    """
    rng = case.rng
    at, number = step
    way = 0 if transfer_only else below(rng, 100)
    role = Role.COLLECTOR if case.typology.name == FAN_IN_NEW.name else Role.L1_MULE
    if way >= 90:  # noqa: PLR2004
        return case.pay(cash_out(mule, amount, at), role)
    if way >= 70:  # noqa: PLR2004
        return case.pay(to_exchange(case, mule, amount, (at, number)), role)
    second = case.fresh(f"second {number}")
    paid = case.pay(plain(mule, second, amount, at), role)
    leaves_ms = paid.settled_ms + between(rng, 4, 40) * MINUTE_MS
    rest = amount * between(rng, 95, 99) // 100
    if rng.random() < 0.4:  # noqa: PLR2004 - the second layer leaves by cash or exchange
        case.pay(cash_out(second, rest // (100 * YUAN) * (100 * YUAN), leaves_ms), Role.EXIT)
    else:
        case.pay(to_exchange(case, second, rest, (leaves_ms, number)), Role.EXIT)
    return paid


def cash_out(holder: Holder, amount: int, at: int) -> Transfer:
    """Plan a withdrawal at a machine."""
    return Transfer(at=at, debtor=holder, creditor=CASH, amount_minor=amount, currency="CNY", rail=Rail.CASH_OUT)


def to_exchange(case: Case, holder: Holder, amount: int, step: tuple[int, int]) -> Transfer:
    """Plan a payment to a deposit account at an exchange, opened for it; ``step`` is its time and number."""
    deposit = case.unknown(f"exchange {step[1]} {holder.token}", PartyType.VASP)
    return Transfer(
        at=step[0],
        debtor=holder,
        creditor=deposit,
        amount_minor=amount,
        currency="CNY",
        rail=Rail.CRYPTO_ON,
        device=holder.device,
    )


PASS_THROUGH: Final = Typology("pass_through", "pass-through-account", pass_through)
FAN_IN_NEW: Final = Typology("fan_in_new", "fan-in-new-payers", fan_in_new)
SHARED_DEVICE: Final = Typology("shared_device", "shared-device", shared_device)
