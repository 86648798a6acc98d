"""Amounts, times and names: exact, or refused by name."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from streams.events.iso20022 import Options
from streams.events.model import PaymentEvent, PaymentStatusEvent
from tests.rig.iso20022 import read, refusals, report, transfer, transfers

AMOUNTS = [
    ("10", "EUR", 1_000),
    ("10.", "EUR", 1_000),
    ("10.5", "EUR", 1_050),
    ("+10.50", "EUR", 1_050),
    ("0010.500000", "EUR", 1_050),
    ("25000", "JPY", 25_000),
    ("25000.00", "JPY", 25_000),
    ("1.234", "KWD", 1_234),
    ("9999999999999.99", "EUR", 999_999_999_999_999),
]
FAULTY = [
    ("10.501", "EUR", "amount_decimals"),
    ("1.5", "JPY", "amount_decimals"),
    ("-10", "EUR", "amount_not_positive"),
    ("10,50", "EUR", "wrong_type"),
    ("1 000", "EUR", "wrong_type"),
    ("1e3", "EUR", "wrong_type"),
    ("NaN", "EUR", "wrong_type"),
    ("٣", "EUR", "wrong_type"),
    ("1" * 19, "EUR", "wrong_type"),
    ("9" * 18, "EUR", "amount_too_large"),
    ("9" * 18, "CLF", "amount_too_large"),
    ("10000000000000.01", "EUR", "amount_too_large"),
    ("", "EUR", "missing_field"),
    ("10", "", "missing_field"),
    ("10", "EURO", "unknown_currency"),
    ("10", "XXX", "unknown_currency"),
]


def first(content: str, options: Options | None = None) -> PaymentEvent:
    event = read(content, options=options)[0].event
    assert isinstance(event, PaymentEvent)
    return event


@pytest.mark.parametrize(("text", "currency", "minor"), AMOUNTS)
def test_an_amount_is_exact_minor_units(text: str, currency: str, minor: int) -> None:
    event = first(transfers(transfer(amount=text, currency=currency)))
    assert (event.amount_minor, event.currency) == (minor, currency)


@pytest.mark.parametrize(("text", "currency", "name"), FAULTY)
def test_an_amount_that_is_none_is_refused_by_name(text: str, currency: str, name: str) -> None:
    assert refusals(transfers(transfer(amount=text, currency=currency))) == [name]


TIMES = [
    ("2026-03-02T08:00:00Z", datetime(2026, 3, 2, 8, tzinfo=UTC)),
    ("2026-03-02T08:00:00.123456789Z", datetime(2026, 3, 2, 8, 0, 0, 123_456, tzinfo=UTC)),
    ("2026-03-02T08:00:00+05:30", datetime(2026, 3, 2, 2, 30, tzinfo=UTC)),
    ("2026-03-02T08:00:00-04:00", datetime(2026, 3, 2, 12, tzinfo=UTC)),
    ("2026-03-02T08:00:00", datetime(2026, 3, 2, 8, tzinfo=UTC)),
]


@pytest.mark.parametrize(("text", "moment"), TIMES)
def test_a_time_is_an_instant_and_without_an_offset_utc(text: str, moment: datetime) -> None:
    assert first(transfers(created=text)).initiated_at == moment


def test_the_zone_for_times_without_offset_is_a_setting() -> None:
    options = Options(zone=timezone(timedelta(hours=8)))
    assert first(transfers(created="2026-03-02T08:00:00"), options).initiated_at == datetime(2026, 3, 2, tzinfo=UTC)
    assert first(transfers(created="2026-03-02T08:00:00Z"), options).initiated_at == datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["2026-03-02", "20260302T080000Z", "2026-02-30T08:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "now",
     "2026-03-02T08:00:00+99:00", "2026-03-02T08:00:00 Z", "2026-W10-1T08:00:00Z"],
)  # fmt: skip
def test_a_time_that_is_none_is_refused(text: str) -> None:
    assert refusals(transfers(created=text)) == ["wrong_type"]


#        02 08:00:05 message      03            date says        settled
SETTLED = [
    ("", "2026-03-02T08:00:05+00:00"),  #       nothing          when the message was made
    ("2026-03-02", "2026-03-02T08:00:05+00:00"),  # the same day     the same
    ("2026-02-27", "2026-02-27T00:00:00+00:00"),  # days before      its first moment
    ("2026-03-03", "2026-03-02T08:00:05+00:00"),  # the next day     when it was made: it says it has happened
    ("2026-04-01", "2026-04-01T00:00:00+00:00"),  # weeks ahead      as it says; intake refuses the far future
]


@pytest.mark.parametrize(("date", "moment"), SETTLED)
def test_a_date_alone_stands_for_the_messages_moment_or_its_first(date: str, moment: str) -> None:
    inside = f"<FctvIntrBkSttlmDt><Dt>{date}</Dt></FctvIntrBkSttlmDt>" if date else ""
    content = report(f"<TxInfAndSts><OrgnlTxId>T-1</OrgnlTxId><TxSts>ACSC</TxSts>{inside}</TxInfAndSts>")
    event = read(content)[0].event
    assert isinstance(event, PaymentStatusEvent)
    assert event.settled_at == datetime.fromisoformat(moment)
    assert event.event_time == event.settled_at


def test_an_acceptance_before_the_message_is_when_it_was_initiated() -> None:
    event = first(transfers(transfer(extra="<AccptncDtTm>2026-03-02T07:59:00Z</AccptncDtTm>")))
    assert event.accepted_at == event.initiated_at == event.event_time == datetime(2026, 3, 2, 7, 59, tzinfo=UTC)


def test_an_element_that_says_two_things_is_refused() -> None:
    twice = transfer(extra='<IntrBkSttlmAmt Ccy="EUR">11.00</IntrBkSttlmAmt>')
    assert refusals(transfers(twice)) == ["wrong_type"]


def test_two_transactions_that_look_alike_are_two_events_and_the_same_file_gives_the_same_ids() -> None:
    alike = "".join(transfer().replace("<TxId>T-1</TxId>", "") for _ in range(3))
    once, again = read(transfers(alike)), read(transfers(alike))
    assert once == again
    ids = {each.event.event_id for each in once if each.event is not None}
    payments = {each.event.payment_id for each in once if isinstance(each.event, PaymentEvent)}
    assert (len(ids), len(payments)) == (3, 3)


def test_two_statuses_that_look_alike_are_two_events() -> None:
    alike = 2 * "<TxInfAndSts><OrgnlTxId>T-1</OrgnlTxId><TxSts>ACSC</TxSts></TxInfAndSts>"
    assert len({each.event.event_id for each in read(report(alike)) if each.event is not None}) == 2


def test_a_payment_id_that_comes_twice_in_a_message_is_refused_the_second_time() -> None:
    assert refusals(transfers(transfer(1) + transfer(2) + transfer(1))) == ["", "", "repeated_id"]


@pytest.mark.parametrize(
    ("ids", "name"),
    [
        ("<OrgnlEndToEndId>E-1</OrgnlEndToEndId>", "missing_ids"),
        ("<OrgnlInstrId>I-1</OrgnlInstrId>", "missing_ids"),
        ("<OrgnlTxId>NOTPROVIDED</OrgnlTxId>", "missing_ids"),
        ("", "missing_ids"),
        ("<OrgnlTxId>T-1</OrgnlTxId>", ""),
        ("<OrgnlInstrId>I-1</OrgnlInstrId><OrgnlEndToEndId>E-1</OrgnlEndToEndId>", ""),
        ("<OrgnlGrpInf><OrgnlMsgId>M-1</OrgnlMsgId></OrgnlGrpInf><OrgnlEndToEndId>E-1</OrgnlEndToEndId>", ""),
    ],
)
def test_a_status_quotes_enough_to_find_its_payment_or_is_refused(ids: str, name: str) -> None:
    assert refusals(report(f"<TxInfAndSts>{ids}<TxSts>ACSC</TxSts></TxInfAndSts>")) == [name]
