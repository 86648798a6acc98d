"""The catalogue's conditions on habits, shared control, shops and settlement, counted from a stream's ledger."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from statistics import mean, pstdev

from streams.events.model import (
    IpClass,
    PaymentEvent,
    PaymentStatus,
    PaymentStatusEvent,
    Relation,
    ReportType,
    SettlementEvent,
    SettlementKind,
)
from streams.replay.generator import Scenario
from tests.unit.replay.conditions import DAY, HOUR, MINUTE, RISKY, YUAN, after, event_of, references, total, within
from tests.unit.replay.conftest import Stream
from tests.unit.replay.ledger import Move
from tests.unit.replay.test_scenarios import passes_through

WEEK, BEIJING = 7 * DAY, timedelta(hours=8)


def night_operators(stream: Stream, one: Scenario) -> bool:
    """R18: 60 % of ten payments of a week fall between 0 and 6, and at most 20 % of those before it."""
    moves = _all(stream, one.subject)
    for last in moves:
        week = within(moves, last.time, WEEK)
        before = [move for move in moves if move.time <= last.time - WEEK]
        if len(week) >= 10 and _nightly(week) * 10 >= 6 * len(week) and before and _nightly(before) * 5 <= len(before):
            return True
    return False


def _nightly(moves: list[Move]) -> int:
    return sum((move.time + BEIJING).hour < 6 for move in moves)


def _all(stream: Stream, account: str) -> list[Move]:
    return sorted([*stream.ledger.paid[account], *stream.ledger.received[account]])


def round_deposits(stream: Stream, one: Scenario) -> bool:
    """R19: of six or more credits in a day 70 % are whole thousands, or five lie within a hundredth."""
    received = stream.ledger.received[one.subject]
    for last in received:
        amounts = [move.amount for move in within(received, last.time, DAY)]
        even = sum(amount % (1_000 * YUAN) == 0 for amount in amounts)
        alike = max(sum(low <= amount <= low * 101 // 100 for amount in amounts) for low in amounts)
        if len(amounts) >= 6 and (even * 10 >= 7 * len(amounts) or alike >= 5):
            return True
    return False


def daily_sweep(stream: Stream, one: Scenario) -> bool:
    """R21: on three of seven active days 10,000 comes in and at most 100, or a hundredth of it, is left at night."""
    balances: dict[date, int] = {}
    taken: Counter[date] = Counter()
    for move in _all(stream, one.subject):
        day = (move.time + BEIJING).date()
        event = event_of(stream, move)
        out = move.payer == one.subject
        balance = event.debtor_balance_after_minor if out else event.creditor_balance_after_minor
        assert balance is not None
        balances[day] = balance
        taken[day] += 0 if out else move.amount
    swept = [
        day
        for day, left in balances.items()
        if taken[day] >= 10_000 * YUAN and left <= max(100 * YUAN, taken[day] // 100)
    ]
    return len(swept) >= 3


def volume_spike(stream: Stream, one: Scenario) -> bool:
    """R22: what comes in within a day is more than the mean and three deviations of 14 active days before, and 20,000."""
    received = stream.ledger.received[one.subject]
    for last in received:
        day = total(within(received, last.time, DAY))
        past: Counter[date] = Counter()
        for move in received:
            if move.time <= last.time - DAY:
                past[(move.time + BEIJING).date()] += move.amount
        active = {(m.time + BEIJING).date() for m in _all(stream, one.subject) if m.time <= last.time - DAY}
        sums = [past[each] for each in active]
        if len(active) >= 14 and day >= 20_000 * YUAN and day > mean(sums) + 3 * pstdev(sums):
            return True
    return False


def largest_ever(stream: Stream, one: Scenario) -> bool:
    """R23: a payment in or out is 20,000 or more and half as much again as the largest before it in its currency."""
    for moves in (stream.ledger.paid[one.subject], stream.ledger.received[one.subject]):
        for at, move in enumerate(moves):
            before = [each.amount for each in moves[:at] if each.currency == move.currency]
            if before and move.amount >= 20_000 * YUAN and move.amount * 2 >= max(before) * 3:
                return True
    return False


def margin_cycle(stream: Stream, one: Scenario) -> bool:
    """R25: twice in a week a payment to the same X comes back within a day, 80 to 110 %, from three who never paid before."""
    received = stream.ledger.received[one.subject]
    first: dict[str, datetime] = {}
    for move in received:
        first.setdefault(move.payer, move.time)
    cycles: Counter[str] = Counter()
    for paid in stream.ledger.paid[one.subject]:
        new = [move for move in after(received, paid.time, DAY) if first[move.payer] == move.time]
        for end in range(3, len(new) + 1):
            back = total(new[:end])
            if paid.amount * 80 <= back * 100 <= paid.amount * 110:
                cycles[paid.payee] += 1
                break
    return max(cycles.values(), default=0) >= 2


def wallet_hop(stream: Stream, one: Scenario) -> bool:
    """R26: three times a day 90 % of a credit leaves within half an hour, by another rail and to another person."""
    paid = stream.ledger.paid[one.subject]
    hops = [
        credit
        for credit in stream.ledger.received[one.subject]
        for out in after(paid, credit.time, 30 * MINUTE)
        if credit.amount * 9 <= out.amount * 10 <= credit.amount * 10
        and event_of(stream, out).creditor.party_type == "PERSON"
        and event_of(stream, out).rail != event_of(stream, credit).rail
    ]
    return any(len(within(hops, hop.time, DAY)) >= 3 for hop in hops)


def handover(stream: Stream, one: Scenario) -> bool:
    """R32: a device the account never used pays somebody it never paid 80 % of what was there, within the hour."""
    paid = stream.ledger.paid[one.subject]
    for at, move in enumerate(paid):
        balance = (event_of(stream, move).debtor_balance_after_minor or 0) + move.amount
        strange = [
            each
            for each in after(paid[at:], move.time, HOUR)
            if each.device not in {old.device for old in paid[:at]}
            and each.payee not in {old.payee for old in paid[:at]}
        ]
        if at and strange and strange[0] == move and total(strange) * 10 >= balance * 8:
            return True
    return False


def _payments(stream: Stream) -> Iterator[PaymentEvent]:
    for event in stream.by_id.values():
        if isinstance(event, PaymentEvent) and event.status is PaymentStatus.SETTLED and event.relation is None:
            yield event


def _at(stream: Stream, field: Callable[[PaymentEvent], str | None], key: str) -> list[PaymentEvent]:
    found = [event for event in _payments(stream) if field(event) == key]
    return sorted(found, key=lambda event: event.event_time)


def _customers(events: list[PaymentEvent]) -> set[str | None]:
    return {event.debtor.party_token for event in events}


def shared_ip(stream: Stream, one: Scenario) -> bool:
    """R31: five customers pay over one address within a day, and it is none behind which many sit."""
    uses = _at(stream, lambda event: event.ip_token, one.subject)
    crowded = {IpClass.CARRIER_NAT, IpClass.CAMPUS, IpClass.OFFICE}
    return any(
        len(_customers([each for each in uses if last.event_time - DAY < each.event_time <= last.event_time])) >= 5
        for last in uses
        if last.ip_class not in crowded
    )


def remote_operator(stream: Stream, one: Scenario) -> bool:
    """R24: a payment comes from a country of the list or a hidden network, and the account passes money through."""
    hidden = {IpClass.HOSTING, IpClass.VPN_TOR}
    paid = [event_of(stream, move) for move in stream.ledger.paid[one.subject]]
    remote = any(event.ip_country in RISKY or event.ip_class in hidden for event in paid)
    return remote and passes_through(stream.ledger, one.subject) is not None


def shared_contact(stream: Stream, one: Scenario) -> bool:
    """R33: three accounts of different owners are opened under one telephone or e-mail within seven days."""
    opened = sorted(
        (event.opened_at, event.party_token)
        for event in stream.references
        if one.subject in (event.phone_token, event.email_token)
    )
    return any(len({owner for time, owner in opened if last - WEEK < time <= last}) >= 3 for last, _ in opened)


def coordinated_burst(stream: Stream, one: Scenario) -> bool:
    """R34: five accounts that share an address or a device pay one who is no shop within half an hour."""
    uses = _at(stream, lambda e: e.ip_token if one.subject_kind == "ip" else e.device_token, one.subject)
    by_payee: dict[str, list[PaymentEvent]] = defaultdict(list)
    for event in uses:
        if event.merchant_id is None:
            by_payee[event.creditor.account_token].append(event)
    return any(
        len(_customers([each for each in events if last.event_time - HOUR / 2 < each.event_time <= last.event_time]))
        >= 5
        for events in by_payee.values()
        for last in events
    )


def restricted_continues(stream: Stream, one: Scenario) -> bool:
    """R35: an account of the party was stopped, was not released, and another of its accounts passes money through later."""
    owner = references(stream, one.subject)[0].party_token
    accounts = {event.account_token for event in stream.references if event.party_token == owner}
    ended = {event.supersedes for event in stream.reports if event.type is ReportType.RELEASE}
    stops = [
        report.event_time
        for report in stream.reports
        if report.type is ReportType.STOP_PAYMENT
        and accounts & set(report.suspect_account_tokens)
        and report.report_id not in ended
    ]
    through = [when for each in accounts if (when := passes_through(stream.ledger, each)) is not None]
    return any(stop < when for stop in stops for when in through)


def merchant_profile(stream: Stream, one: Scenario) -> bool:
    """R44: three of: 40 % by night, no refund on 300 sales, 60 % repeated amounts, 95 % payers who come once."""
    account = references(stream, one.subject)[0].account_token
    sales = stream.ledger.received[account]
    refunds = [
        event
        for event in stream.by_id.values()
        if isinstance(event, PaymentEvent)
        and event.relation is Relation.REFUND_OF
        and event.debtor.account_token == account
    ]
    amounts, payers = Counter(move.amount for move in sales), Counter(move.payer for move in sales)
    signs = (
        _nightly(sales) * 10 >= 4 * len(sales),
        len(sales) >= 300 and not refunds,
        sum(count for count in amounts.values() if count > 1) * 10 >= 6 * len(sales),
        sum(count == 1 for count in payers.values()) * 100 >= 95 * len(payers),
    )
    return sum(signs) >= 3


def _lines(stream: Stream, payment: PaymentEvent) -> list[SettlementEvent]:
    return [
        line
        for line in stream.settlements
        if line.kind is SettlementKind.INTERBANK
        and (line.payment_id == payment.payment_id or (line.uetr is not None and line.uetr == payment.uetr))
    ]


def _messages(stream: Stream, one: Scenario) -> Iterator[list[PaymentEvent]]:
    names = {event.payment_id for each in one.event_ids if isinstance(event := stream.by_id[each], PaymentEvent)}
    for name in sorted(names):
        yield stream.ledger.payments[name]


def payment_unsettled(stream: Stream, one: Scenario) -> bool:
    """R46: accepted and not booked within 48 hours, though nobody took it back; or booked to somebody else."""
    for messages in _messages(stream, one):
        lines = _lines(stream, messages[0])
        if any(line.creditor != messages[0].creditor for line in lines):
            return True
        accepted = [each.event_time for each in messages if each.status is PaymentStatus.ACCEPTED]
        undone = any(
            isinstance(event, PaymentStatusEvent)
            and event.payment_id == messages[0].payment_id
            and event.status is PaymentStatus.REJECTED
            for event in stream.by_id.values()
        )
        booked = [line.event_time for line in lines]
        if accepted and not undone and not any(time <= accepted[0] + 2 * DAY for time in booked):
            return True
    return False


def substituted_trade(stream: Stream, one: Scenario) -> bool:
    """R47: a line names another merchant than its payment, or three a day another amount (more than a twentieth)."""
    off: list[datetime] = []
    for (payment,) in _messages(stream, one):
        for line in _lines(stream, payment):
            if line.merchant_id is not None and line.merchant_id != payment.merchant_id:
                return True
            if abs(line.net_minor - payment.amount_minor) * 20 > payment.amount_minor:
                off.append(payment.event_time)
    return any(sum(last - DAY < time <= last for time in off) >= 3 for last in off)


def refund_abuse(stream: Stream, one: Scenario) -> bool:
    """R48: to another party than the payer's, more than was paid, or within ten minutes after a payout on the day itself."""
    refunds = [event for each in one.event_ids if isinstance(event := stream.by_id[each], PaymentEvent)]
    payouts = [event for each in one.event_ids if isinstance(event := stream.by_id[each], SettlementEvent)]
    back: Counter[str] = Counter()
    for refund in refunds:
        (sold,) = stream.ledger.payments[refund.related_payment_id or ""]
        back[sold.payment_id] += refund.amount_minor
        if refund.creditor.party_token != sold.debtor.party_token or back[sold.payment_id] > sold.amount_minor:
            return True
        if any(payout.event_time <= refund.event_time <= payout.event_time + 10 * MINUTE for payout in payouts):
            return True
    return False


def recall_unanswered(stream: Stream, one: Scenario) -> bool:
    """R49: a recall is not answered, by a return or a refusal, within ten days; or its account pays most of it away first."""
    (recall,) = [
        event for event in stream.reports if event.event_id in one.event_ids and event.type is ReportType.RECALL
    ]
    name = recall.transactions[0].payment_id
    answers = [event.event_time for event in stream.reports if event.supersedes == recall.report_id] + [
        event.event_time
        for event in stream.by_id.values()
        if isinstance(event, PaymentStatusEvent) and event.payment_id == name and event.status is PaymentStatus.RETURNED
    ]
    return not any(time <= recall.event_time + 10 * DAY for time in answers)


def stored_value_exit(stream: Stream, one: Scenario) -> bool:
    """R53: 60 % of at least 5,000 goes to jewellery, stored value or games within six hours."""
    paid = [move for move in stream.ledger.paid[one.subject] if event_of(stream, move).mcc in {"5944", "6540", "5816"}]
    for last in paid:
        taken = total(within(stream.ledger.received[one.subject], last.time, 6 * HOUR))
        if taken >= 5_000 * YUAN and total(within(paid, last.time, 6 * HOUR)) * 10 >= taken * 6:
            return True
    return False
