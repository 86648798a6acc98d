"""The catalogue's conditions counted from a stream's ledger, with no code of the rules and none of the generator."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from streams.events.model import (
    AccountReferenceEvent,
    AccountStatus,
    FraudReportEvent,
    PartyType,
    PaymentEvent,
    Rail,
    ReportType,
    SettlementEvent,
    SettlementKind,
)
from streams.replay.generator import Scenario
from tests.unit.replay.conftest import Stream
from tests.unit.replay.ledger import Move

YUAN = 100
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
RISKY = {"KH", "MM", "LA"}


def within(moves: Iterable[Move], end: datetime, width: timedelta) -> list[Move]:
    """Give the moves in (end - width, end]."""
    return [move for move in moves if end - width < move.time <= end]


def after(moves: Iterable[Move], start: datetime, width: timedelta) -> list[Move]:
    """Give the moves in [start, start + width]."""
    return [move for move in moves if start <= move.time <= start + width]


def total(moves: Iterable[Move]) -> int:
    """Add up the amounts."""
    return sum(move.amount for move in moves)


def event_of(stream: Stream, move: Move) -> PaymentEvent:
    """Give a message of the payment."""
    return next(event for name in move.event_ids if isinstance(event := stream.by_id[name], PaymentEvent))


def references(stream: Stream, account: str) -> list[AccountReferenceEvent]:
    """Give what is known of an account or merchant, the newest last."""
    found = [
        event
        for event in stream.references
        if account in (event.account_token, event.merchant.merchant_id if event.merchant else "")
    ]
    return sorted(found, key=lambda event: event.valid_from)


def quick_first_out(stream: Stream, one: Scenario) -> bool:
    """R11: twice a day a credit of 5,000 of which 70 % leaves within a quarter of an hour."""
    paid = stream.ledger.paid[one.subject]
    quick = [
        credit
        for credit in stream.ledger.received[one.subject]
        if credit.amount >= 5_000 * YUAN and total(after(paid, credit.time, 15 * MINUTE)) * 10 >= credit.amount * 7
    ]
    return any(len(within(quick, credit.time, DAY)) >= 2 for credit in quick)


def commission_mirror(stream: Stream, one: Scenario) -> bool:
    """R12: three credits in a week go on less 0.5 to 15 %, the cuts within two points of each other."""
    cuts = []
    for credit in stream.ledger.received[one.subject]:
        for debit in after(stream.ledger.paid[one.subject], credit.time, DAY):
            cut = (credit.amount - debit.amount) * 10_000 // credit.amount
            if 50 <= cut <= 1_500:
                cuts.append(cut)
    return any(sum(low <= cut <= low + 200 for cut in cuts) >= 3 for low in cuts)


def test_then_large(stream: Stream, one: Scenario) -> bool:
    """R17: ten yuan at most, and within a day at least 5,000 from the same payer."""
    received = stream.ledger.received[one.subject]
    return any(
        large.payer == small.payer and large.amount >= 5_000 * YUAN
        for small in received
        if small.amount <= 10 * YUAN
        for large in after(received, small.time, DAY)
    )


def dormant_burst(stream: Stream, one: Scenario) -> bool:
    """R13: dormant for 90 days by the registry, then 20,000 or three payers within two days; salaries do not count."""
    asleep = references(stream, one.subject)[-1]
    received = [
        move
        for move in stream.ledger.received[one.subject]
        if event_of(stream, move).purpose_code not in {"SALA", "TAXR"}
    ]
    for credit in received:
        window = within(received, credit.time, 2 * DAY)
        slept = asleep.status is AccountStatus.DORMANT and credit.time - asleep.valid_from >= 90 * DAY
        if slept and (total(window) >= 20_000 * YUAN or len({move.payer for move in window}) >= 3):
            return True
    return False


def new_account_burst(stream: Stream, one: Scenario) -> bool:
    """R14: within 30 days of opening, 50,000 turned over or ten others dealt with in three days."""
    opened = references(stream, one.subject)[-1].opened_at
    moves = [*stream.ledger.received[one.subject], *stream.ledger.paid[one.subject]]
    for move in moves:
        window = within(moves, move.time, 3 * DAY)
        others = {each.payer for each in window} | {each.payee for each in window}
        if move.time - opened <= 30 * DAY and (total(window) >= 50_000 * YUAN or len(others) > 10):
            return True
    return False


def fan_out_new(stream: Stream, one: Scenario) -> bool:
    """R16: eight payees and 20,000 within eight hours."""
    paid = stream.ledger.paid[one.subject]
    windows = (within(paid, debit.time, 8 * HOUR) for debit in paid)
    return any(len({move.payee for move in window}) >= 8 and total(window) >= 20_000 * YUAN for window in windows)


def structuring(stream: Stream, one: Scenario) -> bool:
    """R20: three payments a week between 80 % of a limit and the limit, which depends on who pays and how."""
    moves = [*stream.ledger.paid[one.subject], *stream.ledger.received[one.subject]]
    near: dict[int, list[Move]] = {}
    for move in moves:
        event = event_of(stream, move)
        if event.rail in {Rail.CASH_IN, Rail.CASH_OUT}:
            limit = 50_000 * YUAN
        elif event.debtor.party_type is PartyType.ORG:
            limit = 2_000_000 * YUAN
        else:
            limit = (500_000 if event.creditor.country == "CN" else 200_000) * YUAN
        if limit * 8 <= move.amount * 10 < limit * 10:
            near.setdefault(limit, []).append(move)
    return any(len(within(group, move.time, 7 * DAY)) >= 3 for group in near.values() for move in group)


def crypto_exit(stream: Stream, one: Scenario) -> bool:
    """R50: 10,000 and 80 % of what came in within a day goes to an exchange within two hours."""
    paid, received = stream.ledger.paid[one.subject], stream.ledger.received[one.subject]
    to_exchange = [move for move in paid if event_of(stream, move).creditor.party_type is PartyType.VASP]
    return _leaves(to_exchange, received, 2 * HOUR, 10_000 * YUAN)


def atm_exit(stream: Stream, one: Scenario) -> bool:
    """R51: three withdrawals within four hours take 80 % of what came in."""
    cash = [move for move in stream.ledger.paid[one.subject] if move.payee == "CASH"]
    many = [move for move in cash if len(within(cash, move.time, 4 * HOUR)) >= 3]
    return bool(many) and _leaves(cash, stream.ledger.received[one.subject], 4 * HOUR, 0)


def _leaves(out: list[Move], received: list[Move], width: timedelta, floor: int) -> bool:
    for last in out:
        taken, gone = total(within(received, last.time, DAY)), total(within(out, last.time, width))
        if taken >= floor and gone * 10 >= taken * 8:
            return True
    return False


def risk_corridor(stream: Stream, one: Scenario) -> bool:
    """R52: the first payment to a listed country is 10,000 or more."""
    abroad = [move for move in stream.ledger.paid[one.subject] if event_of(stream, move).creditor.country in RISKY]
    return bool(abroad) and abroad[0].amount >= 10_000 * YUAN


def currency_mismatch(stream: Stream, one: Scenario) -> bool:
    """R54: a payment worth 10,000 yuan, in a currency of neither country, to whom is no changer and, from a firm, no firm."""
    own = {"CN": "CNY", "TH": "THB", "HK": "HKD", "AE": "AED", "MY": "MYR", "VN": "VND", "TW": "TWD"}
    floors = {"CNY": 10_000 * YUAN, "USD": 150_000, "EUR": 150_000}
    met = set[str]()
    for move in stream.ledger.paid[one.subject]:
        event = event_of(stream, move)
        here, there = event.debtor, event.creditor
        foreign = event.currency not in {own.get(here.country or ""), own.get(there.country or "")}
        new, firms = move.payee not in met, here.party_type is there.party_type is PartyType.ORG
        met.add(move.payee)
        if foreign and new and not firms and event.mcc != "6051" and move.amount >= floors[event.currency]:
            return True
    return False


def outflow_after_stop(stream: Stream, one: Scenario) -> bool:
    """R04: a debit settles more than a minute after a stop began."""
    stops = [report.event_time for report in _reports(stream, one.subject) if report.type is ReportType.STOP_PAYMENT]
    return any(debit.time > min(stops) + MINUTE for debit in stream.ledger.paid[one.subject])


def pay_to_reported(stream: Stream, one: Scenario) -> bool:
    """R05: a payment comes in while a report stands, whoever made it."""
    reports = _reports(stream, one.subject)
    ended = {event.supersedes: event.event_time for event in stream.reports if event.type is ReportType.RELEASE}
    return any(
        report.event_time < credit.time and (report.report_id not in ended or credit.time < ended[report.report_id])
        for report in reports
        for credit in stream.ledger.received[one.subject]
    )


def _reports(stream: Stream, account: str) -> list[FraudReportEvent]:
    return [event for event in stream.reports if account in event.suspect_account_tokens]


def batch_mismatch(stream: Stream, one: Scenario) -> bool:
    """R40: the batch differs from its sales by more than 0.1 % and a fen an item, or its net is not what its figures give."""
    shop = references(stream, one.subject)[0].account_token
    for batch in _lines(stream, one.subject, SettlementKind.MERCHANT_BATCH):
        sales = stream.ledger.received[shop]
        sold = total(move for move in sales if event_of(stream, move).batch_id == batch.batch_id)
        gross = batch.gross_minor or 0
        given = gross - batch.refund_minor - batch.chargeback_minor - batch.fee_minor - batch.reserve_minor
        grain = max(batch.item_count or 0, sold // 1_000)
        if abs(gross - sold) > grain or batch.net_minor != given:
            return True
    return False


def new_payout_account(stream: Stream, one: Scenario) -> bool:
    """R42: the account was registered within three days or opened within 30, and it is a T+0 payout or 20,000."""
    (payout,) = _lines(stream, one.subject, SettlementKind.PAYOUT)
    assert payout.creditor is not None
    registered = references(stream, one.subject)
    changed = min(
        each.valid_from
        for each in registered
        if each.merchant is not None and payout.creditor.account_token in each.merchant.registered_payout_tokens
    )
    opened = references(stream, payout.creditor.account_token)[-1].opened_at
    young = payout.event_time - changed <= 3 * DAY or payout.event_time - opened <= 30 * DAY
    return young and (payout.cycle == "T0" or payout.net_minor >= 20_000 * YUAN)


def collect_then_t0(stream: Stream, one: Scenario) -> bool:
    """R43: within 60 days of its start a merchant has 50 payers a day and draws on the day itself."""
    started = references(stream, one.subject)[0]
    assert started.merchant is not None
    draws = [line for line in _lines(stream, one.subject, SettlementKind.PAYOUT) if line.cycle == "T0"]
    received = stream.ledger.received[started.account_token]
    return any(
        draw.event_time - started.opened_at <= 60 * DAY
        and len({move.payer for move in within(received, draw.event_time, DAY)}) >= 50
        for draw in draws
    )


def _lines(stream: Stream, merchant: str, kind: SettlementKind) -> Iterator[SettlementEvent]:
    for event in stream.settlements:
        if event.merchant_id == merchant and event.kind is kind:
            yield event
