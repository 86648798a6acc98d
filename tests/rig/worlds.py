"""Small worlds for property tests: a handful of accounts, ids and times, so that ties, matches and conflicts abound."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
from hypothesis import strategies as st

from streams.alerts.model import Alert, AlertState, Outcome, Position
from streams.clock import HOUR_MS, MINUTE_MS, to_datetime
from streams.detection.check import check_files
from streams.detection.program import Programs, compile_ruleset
from streams.events import (
    AccountReferenceEvent,
    Event,
    FraudReportEvent,
    PaymentEvent,
    PaymentStatusEvent,
    SettlementEvent,
)
from streams.events.codec import encode_event
from streams.events.model import (
    Account,
    Confidence,
    MerchantReference,
    PartyType,
    PaymentStatus,
    Rail,
    Relation,
    ReportedTransaction,
    ReportType,
    SettlementKind,
    SettlementStatus,
)
from streams.pipeline import RawRecord, SourceState
from streams.replay.embedded import Embedded

START_MS: Final = 1_767_225_600_000
_RECEIVED: Final = 1 << 50
_UETRS: Final = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222")
_TIMES: Final = tuple(
    START_MS + hours * HOUR_MS + minutes * MINUTE_MS for hours in (0, 1, 6, 7, 24, 30) for minutes in (0, 0, 30)
)

times = st.sampled_from(_TIMES).map(to_datetime)
sources = st.sampled_from(("s1", "s2"))
payment_ids = st.sampled_from(("p1", "p1", "p2", "p2", "p3", "p4", "p5", "p6"))
uetrs = st.sampled_from((None, None, *_UETRS))
references = st.one_of(st.none(), st.just("INV-7"))
amounts = st.sampled_from((100, 100, 250, 1_000))
currencies = st.sampled_from(("CNY", "CNY", "CNY", "USD"))
accounts = st.sampled_from(("a", "a", "b", "b", "c", "d", "CASH"))
sequences = st.integers(0, 1)
_TOLD: Final = (PaymentStatus.INITIATED, PaymentStatus.ACCEPTED, *(5 * (PaymentStatus.SETTLED,)))


@st.composite
def payments(draw: st.DrawFn) -> Event:
    """A payment at one point of its life."""
    moment = draw(times)
    debtor, creditor = draw(st.lists(accounts, min_size=2, max_size=2, unique=True))
    status = draw(st.sampled_from((*_TOLD, PaymentStatus.RETURNED)))
    refund = draw(st.integers(0, 9)) == 0
    return PaymentEvent(
        event_id="", schema_version=1, source=draw(sources), event_time=moment, payment_id=draw(payment_ids),
        rail=Rail.BANK, status=status, amount_minor=draw(amounts), currency=draw(currencies), debtor=Account(debtor),
        creditor=Account(creditor), initiated_at=moment, settled_at=moment, sequence=draw(sequences), uetr=draw(uetrs),
        end_to_end_id=draw(references), merchant_id=draw(st.sampled_from((None, None, "shop"))),
        batch_id=draw(st.sampled_from((None, "batch"))), device_token=draw(st.sampled_from((None, "phone", "tablet"))),
        related_payment_id="p1" if refund else None, relation=Relation.REFUND_OF if refund else None,
    )  # fmt: skip


@st.composite
def statuses(draw: st.DrawFn) -> Event:
    """A settled status that names its payment by id only."""
    moment, uetr = draw(times), draw(uetrs)
    payment_id = draw(payment_ids) if uetr is None or draw(st.booleans()) else None
    return PaymentStatusEvent(
        event_id="", schema_version=1, source=draw(sources), event_time=moment, status=PaymentStatus.SETTLED,
        payment_id=payment_id, uetr=uetr, settled_at=moment, sequence=draw(sequences),
    )  # fmt: skip


@st.composite
def lines(draw: st.DrawFn) -> Event:
    """A booked settlement line under one, two or three ids."""
    moment, uetr = draw(times), draw(uetrs)
    payment_id = draw(payment_ids) if uetr is None or draw(st.booleans()) else None
    return SettlementEvent(
        event_id="", schema_version=1, source=draw(sources), event_time=moment,
        settlement_id=draw(st.sampled_from(("l1", "l2"))), kind=SettlementKind.INTERBANK, status=SettlementStatus.BOOKED,
        net_minor=draw(amounts), currency=draw(currencies), payment_id=payment_id, uetr=uetr,
        end_to_end_id=draw(references), booked_at=moment, sequence=draw(sequences),
    )  # fmt: skip


@st.composite
def payouts(draw: st.DrawFn) -> Event:
    """A merchant's payout."""
    moment, payee = draw(times), draw(st.sampled_from(("a", "b")))
    return SettlementEvent(
        event_id="", schema_version=1, source=draw(sources), event_time=moment, settlement_id="out",
        kind=SettlementKind.PAYOUT, status=SettlementStatus.BOOKED, net_minor=draw(amounts), currency="CNY",
        merchant_id="shop", creditor=Account(payee, party_token="owner"), booked_at=moment,
    )  # fmt: skip


@st.composite
def registrations(draw: st.DrawFn) -> Event:
    """Reference data of the merchant, from a time on."""
    moment: datetime = draw(times)
    until = draw(st.sampled_from((None, to_datetime(START_MS + 40 * HOUR_MS))))
    return AccountReferenceEvent(
        event_id="", schema_version=1, source=draw(sources), event_time=moment, account_token="a", party_token="owner",
        party_type=PartyType.MERCHANT, opened_at=moment, valid_from=moment, valid_to=until,
        merchant=MerchantReference("shop", registered_payout_tokens=(draw(st.sampled_from(("a", "b"))),)),
    )  # fmt: skip


@st.composite
def reports(draw: st.DrawFn) -> Event:
    """A report that names an account or a payment, or the end of one."""
    moment, kind = (
        draw(times),
        draw(st.sampled_from((ReportType.VICTIM_REPORT, ReportType.STOP_PAYMENT, ReportType.RELEASE))),
    )
    release = kind is ReportType.RELEASE
    uetr = draw(uetrs)
    named = ReportedTransaction(None if uetr else draw(payment_ids), uetr)
    by_account = draw(st.booleans())
    return FraudReportEvent(
        event_id="", schema_version=1, source=draw(sources), event_time=moment, report_id=draw(st.sampled_from(("r1", "r2"))),
        type=kind, reported_at=moment, received_at=moment, confidence=draw(st.sampled_from(Confidence)),
        suspect_account_tokens=("a",) if by_account else (), transactions=() if by_account else (named,),
        stop_expires_at=draw(st.sampled_from((None, to_datetime(START_MS + 25 * HOUR_MS)))), sequence=draw(sequences),
        supersedes=draw(st.sampled_from(("r1", "r2"))) if release else None,
    )  # fmt: skip


@st.composite
def batches(draw: st.DrawFn) -> Event:
    """A merchant's batch."""
    moment = draw(times)
    return SettlementEvent(
        event_id="", schema_version=1, source=draw(sources), event_time=moment, settlement_id=draw(st.sampled_from(("b1", "b2"))),
        kind=SettlementKind.MERCHANT_BATCH, status=SettlementStatus.BOOKED, net_minor=draw(amounts), currency="CNY",
        merchant_id="shop", batch_id="batch", gross_minor=draw(st.sampled_from((None, 100, 250, 350))), booked_at=moment,
    )  # fmt: skip


def events(*, conflicts: bool, size_max: int = 10) -> st.SearchStrategy[list[Event]]:
    """Give a few events, some of them twice; with ``conflicts`` event ids may be taken again by another content."""
    one = st.one_of(*(5 * [payments()]), statuses(), lines(), payouts(), registrations(), reports(), batches())
    numbers = st.integers(0, 3 if conflicts else 1_000)
    pairs = st.lists(st.tuples(one, numbers), min_size=2, max_size=size_max, unique_by=None if conflicts else _number)
    named = pairs.map(lambda several: [msgspec.structs.replace(each, event_id=f"e{n}") for each, n in several])
    return named.flatmap(lambda known: st.lists(st.sampled_from(known), max_size=2).map(lambda again: known + again))


def _number(pair: tuple[Event, int]) -> int:
    return pair[1]


@cache
def programs() -> Programs:
    """Give the small ruleset, compiled."""
    folder = Path(__file__).parents[1] / "rules" / "small"
    ruleset, findings = check_files({path.name: path.read_text() for path in sorted(folder.glob("*.yaml"))})
    assert ruleset is not None, findings
    return compile_ruleset(ruleset)


def final_alerts(arrivals: Sequence[Event], partitions: int = 1, chunk: int = 1) -> dict[str, Alert]:
    """Take events through the embedded pipeline and give what is not withdrawn in the end, without positions."""
    last: dict[str, Alert] = {}

    def sink(outcomes: list[Outcome]) -> None:
        last.update({each.alert_id: each for each in outcomes if isinstance(each, Alert)})

    embedded = Embedded(programs(), ("world/0",), sink, partitions=partitions)
    source = SourceState("world", 0)
    records = [RawRecord(offset, _RECEIVED, encode_event(event)) for offset, event in enumerate(arrivals)]
    for at in range(0, len(records), chunk):
        refused = embedded.feed(source, records[at : at + chunk])
        assert not refused, refused
    embedded.end()
    return {
        name: msgspec.structs.replace(alert, revision=Position(0, 0, 0))
        for name, alert in last.items()
        if alert.state is not AlertState.WITHDRAWN
    }
