"""What a schedule feeds: few payments, settlements, reports and poison, so close together that ties and conflicts abound."""

from collections.abc import Iterator
from random import Random
from typing import Final, NamedTuple

from streams.clock import HOUR_MS, MINUTE_MS, to_datetime
from streams.events import Event, FraudReportEvent, PaymentEvent, PaymentStatusEvent, SettlementEvent
from streams.events.codec import encode_event
from streams.events.model import (
    Account,
    Confidence,
    PaymentStatus,
    Rail,
    ReportType,
    SettlementKind,
    SettlementStatus,
)
from streams.settings.topics import FRAUD_REPORTS, PAYMENTS, SETTLEMENTS
from tests.rig.worlds import START_MS

PAYMENT_PARTITIONS: Final = 2
NOW_MS: Final = START_MS + 31 * HOUR_MS
"""The wall clock when a schedule begins: a little after the newest event."""
_TIMES: Final = tuple(
    START_MS + hours * HOUR_MS + minutes * MINUTE_MS for hours in (0, 1, 6, 7, 24, 30) for minutes in (0, 0, 20)
)
_OLD: Final = START_MS - 100 * HOUR_MS
"""Later than late, once anything newer has come from the same source."""
_POISON: Final = (
    b"", b"{", b"[1]", b"\xff\x00", b'{"event_type":"weather"}', b'{"event_type":"payment","event_id":"x"}',
)  # fmt: skip


class Arrival(NamedTuple):
    """A record of a source topic, and how long after the one before it comes."""

    topic: str
    partition: int
    value: bytes | None
    pause: float


def arrivals(dice: Random) -> Iterator[Arrival]:
    """Give what is produced: some of it twice, out of order, in conflict, or unreadable."""
    known = [_event(dice, number) for number in range(dice.randrange(4, 11))]
    again = [dice.choice(known) for _ in range(dice.randrange(3))]
    for event in [*known, *again]:
        topic, place = _place(event, dice)
        yield Arrival(topic, place, encode_event(event), _pause(dice))
        if dice.random() < 0.08:
            yield Arrival(PAYMENTS, dice.randrange(PAYMENT_PARTITIONS), dice.choice((*_POISON, None)), 0.0)


def taken_back(dice: Random) -> Iterator[Arrival]:
    """Give a payment that raises an alert, which the account tells its device, and a late one that takes both back."""
    late = dice.uniform(1.3, 2.4)
    for number, (minute, debtor, amount, pause) in enumerate(
        ((0, "b", 100, 0.4), (20, "a", 100, 0.0), (10, "b", 1_000, late))
    ):
        moment = to_datetime(START_MS + 6 * HOUR_MS + minute * MINUTE_MS)
        event = PaymentEvent(
            event_id=f"t{number}", schema_version=1, source="s1", event_time=moment, payment_id=f"t{number}", rail=Rail.BANK,
            status=PaymentStatus.SETTLED, amount_minor=amount, currency="CNY", debtor=Account(debtor),
            creditor=Account("c" if debtor == "a" else "a"), initiated_at=moment, settled_at=moment,
            device_token="phone" if debtor == "a" else None,
        )  # fmt: skip
        yield Arrival(PAYMENTS, dice.randrange(PAYMENT_PARTITIONS), encode_event(event), pause)


def _pause(dice: Random) -> float:
    return dice.expovariate(4) if dice.random() < 0.5 else 0.0


def _place(event: Event, dice: Random) -> tuple[str, int]:
    if isinstance(event, SettlementEvent):
        return SETTLEMENTS, 0
    if isinstance(event, FraudReportEvent):
        return FRAUD_REPORTS, 0
    return PAYMENTS, dice.randrange(PAYMENT_PARTITIONS)


def _event(dice: Random, number: int) -> Event:
    """Draw one event; now and then under an id that another has already."""
    event_id = f"e{dice.randrange(number) if number and dice.random() < 0.06 else number}"
    kind = dice.random()
    time = _OLD if dice.random() < 0.02 else dice.choice(_TIMES)
    if kind < 0.7:
        return _payment(dice, event_id, time)
    if kind < 0.85:
        return _line(dice, event_id, time)
    if kind < 0.95:
        return _status(dice, event_id, time)
    return _report(dice, event_id, time)


def _payment(dice: Random, event_id: str, time: int) -> Event:
    moment = to_datetime(time)
    debtor, creditor = dice.sample(("a", "a", "b", "c"), 2)
    if debtor == creditor:
        creditor = "b"
    return PaymentEvent(
        event_id=event_id, schema_version=1, source="s1", event_time=moment, payment_id=f"p{dice.randrange(6)}",
        rail=Rail.BANK, status=dice.choice((*4 * (PaymentStatus.SETTLED,), PaymentStatus.INITIATED)),
        amount_minor=dice.choice((100, 250, 1_000)), currency=dice.choice(("CNY", "CNY", "CNY", "USD")),
        debtor=Account(debtor), creditor=Account(creditor), initiated_at=moment, settled_at=moment,
        device_token=dice.choice((None, "phone", "phone", "tablet")),
    )  # fmt: skip


def _line(dice: Random, event_id: str, time: int) -> Event:
    moment = to_datetime(time)
    return SettlementEvent(
        event_id=event_id, schema_version=1, source="s2", event_time=moment, settlement_id=f"l{dice.randrange(2)}",
        kind=SettlementKind.INTERBANK, status=SettlementStatus.BOOKED, net_minor=dice.choice((100, 250)), currency="CNY",
        payment_id=f"p{dice.randrange(6)}", booked_at=moment,
    )  # fmt: skip


def _status(dice: Random, event_id: str, time: int) -> Event:
    moment = to_datetime(time)
    return PaymentStatusEvent(
        event_id=event_id, schema_version=1, source="s1", event_time=moment, status=PaymentStatus.SETTLED,
        payment_id=f"p{dice.randrange(6)}", settled_at=moment,
    )  # fmt: skip


def _report(dice: Random, event_id: str, time: int) -> Event:
    moment = to_datetime(time)
    return FraudReportEvent(
        event_id=event_id, schema_version=1, source="s1", event_time=moment, report_id="r1",
        type=dice.choice((ReportType.VICTIM_REPORT, ReportType.STOP_PAYMENT)), reported_at=moment, received_at=moment,
        confidence=dice.choice(tuple(Confidence)), suspect_account_tokens=("a",),
    )  # fmt: skip
