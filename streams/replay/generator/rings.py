"""A whole fraud ring: victims, two layers of mules in the hands of one herder, a collector, the ways out.

Each hop takes as long as ``DWELL_MS`` says and keeps a cut; the money is that of the hop before, never more.
"""

from typing import Final

from msgspec.structs import replace

from streams.clock import HOUR_MS, MINUTE_MS, SECOND_MS
from streams.events.model import PartyType, Rail
from streams.replay.generator.draws import DWELL_MS, below, between, local_day
from streams.replay.generator.exits import remittance
from streams.replay.generator.hops import report_some
from streams.replay.generator.lines import Till, withdraw
from streams.replay.generator.mules import YUAN, cash_out, plain, to_exchange, varied
from streams.replay.generator.payments import Paid, Transfer
from streams.replay.generator.population import Holder
from streams.replay.generator.story import ANY_RULE, Case, Role, Subject, Typology


def fraud_ring(case: Case) -> Subject:
    """Let three to nine victims pay, some of them twice; what the ring leaves in the last layer is its own."""
    rng = case.rng
    herder = case.unknown("herder").device
    first = [case.fresh(f"first {number}", device=herder) for number in range(between(rng, 2, 3))]
    second = [case.fresh(f"second {number}", device=herder) for number in range(between(rng, 2, 3))]
    collector = case.fresh("collector")
    receipts = _victims(case, first)
    report_some(case, receipts)
    hops = [
        paid
        for number, credit in enumerate(receipts)
        for paid in _on(
            case, credit, [second[(number + part) % len(second)] for part in range(between(rng, 1, 2))], Role.L1_MULE
        )
    ]
    gathered = [paid for credit in hops for paid in _on(case, credit, [collector], Role.L2_MULE)]
    _leave(case, collector, gathered)
    return "account", collector.token


def _victims(case: Case, first: list[Holder]) -> list[Paid]:
    """Let each victim pay one of the first layer, and half of them again, more, the next day (an investment platform)."""
    rng, receipts = case.rng, []
    for number, victim in enumerate(case.people(between(rng, 3, 9))):
        mule = first[number % len(first)]
        amount = between(rng, 40, 500) * 100 * YUAN
        at = case.start_ms + below(rng, 10 * HOUR_MS)
        receipts.append(case.pay(varied(case, plain(victim, mule, amount, at)), Role.VICTIM))
        if rng.random() < 0.5:  # noqa: PLR2004
            more = amount * between(rng, 120, 300) // 100
            receipts.append(case.pay(plain(victim, mule, more, at + between(rng, 12, 30) * HOUR_MS), Role.VICTIM))
    return receipts


def _on(case: Case, credit: Paid, payees: list[Holder], role: Role) -> list[Paid]:
    """Send the money of one credit on, in equal parts, less a cut of one to six per cent."""
    rng = case.rng
    at = credit.settled_ms + DWELL_MS.draw(rng)
    amount = credit.transfer.amount_minor * between(rng, 94, 99) // (100 * len(payees))
    made = []
    for payee in payees:
        made.append(case.pay(plain(credit.transfer.creditor, payee, amount, at), role))
        at += between(rng, 15, 240) * SECOND_MS
    return made


def _leave(case: Case, collector: Holder, gathered: list[Paid]) -> None:
    """Let the collector send on every receipt: to exchanges, machines, abroad, or through a shop front of the ring."""
    rng = case.rng
    front = replace(case.fresh("front", PartyType.MERCHANT), cycle="T0")
    abroad = case.abroad("abroad", ("KH", "MM", "LA")[below(rng, 3)])
    for number, credit in enumerate(gathered):
        at = credit.settled_ms + DWELL_MS.draw(rng)
        amount = credit.transfer.amount_minor * between(rng, 90, 99) // 100
        way = below(rng, 10)
        if way < 4:  # noqa: PLR2004 - the ring favours exchanges, then its front
            case.pay(to_exchange(case, collector, amount, (at, number)), Role.COLLECTOR)
        elif way < 7:  # noqa: PLR2004
            _through_front(case, collector, front, (amount, at, number))
        elif way < 9:  # noqa: PLR2004
            case.pay(remittance(collector, abroad, amount, at), Role.COLLECTOR)
        else:
            case.pay(cash_out(collector, amount // (100 * YUAN) * (100 * YUAN), at), Role.COLLECTOR)


def _through_front(case: Case, collector: Holder, front: Holder, goods: tuple[int, int, int]) -> None:
    """Let the collector buy at the ring's own shop, which draws the money at once to an account of somebody else."""
    amount, at, number = goods
    till = Till(front, local_day(at), amount, 1, part=number + 1)
    bought = Transfer(
        at=at, debtor=collector, creditor=front, amount_minor=amount, currency="CNY", rail=Rail.QR,
        device=collector.device, batch_id=till.batch_id, settle_ms=1_000,
    )  # fmt: skip
    case.pay(bought, Role.COLLECTOR)
    taker = case.fresh(f"taker {number}")
    batch, payout = withdraw(till, at + between(case.rng, 10, 90) * MINUTE_MS, case.rng, taker.account)
    case.post(batch, Role.MERCHANT_FRONT)
    case.post(payout, Role.EXIT)


FRAUD_RING: Final = Typology("fraud_ring", ANY_RULE, fraud_ring)
