"""Events in short form."""

import pytest

from streams.clock import HOUR_MS, MINUTE_MS, from_datetime
from streams.events.model import PaymentEvent
from streams.replay.notation import NotationError, read_events


def test_a_repeated_event_has_names_times_and_ids_of_its_own() -> None:
    events = read_events("09:00 payer-# pays shop 10# CNY pid=P#, 3 times every 30m", 7)
    assert all(isinstance(event, PaymentEvent) for event in events)
    payments = [event for event in events if isinstance(event, PaymentEvent)]
    assert [event.debtor.account_token for event in payments] == ["payer-1", "payer-2", "payer-3"]
    assert [event.amount_minor for event in payments] == [10_100, 10_200, 10_300]
    assert [event.payment_id for event in payments] == ["P1", "P2", "P3"]
    assert len({event.event_id for event in payments}) == 3
    begin = from_datetime(payments[0].event_time)
    assert [from_datetime(event.event_time) - begin for event in payments] == [0, 30 * MINUTE_MS, HOUR_MS]


def test_an_event_that_is_not_repeated_keeps_its_number_as_id() -> None:
    (event,) = read_events("09:00 a pays b 500 CNY", 7)
    assert event.event_id == "t7"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("09:00 a pays b 5 CNY, 3 times every hour", "is not a length of time"),
        ("09:00 a pays b 5 CNY, 3 times every 999999999d", "at most 100d"),
        ("09:00 a pays b 5 CNY, three times every 1h", "is no event"),
        ("a pays b 5 CNY, 3 times every 1h", "does not start with a time"),
        ("09:00 a pays b 1.2.3 CNY", "'1.2.3' is no amount"),
        ("09:00 a pays b 5 CNY from_balance=NaN", "'NaN' is no amount"),
        ("09:00 a pays b 5 CNY to_balance=1e999999", "'1e999999' is no amount"),
        ("09:00 batch 5 CNY gross=inf", "'inf' is no amount"),
        ("09:00 batch 5 CNY items=many", "items cannot be 'many'"),
        ("09:00 a pays b 5 XYZ", "'XYZ' is not an ISO 4217"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, said: str) -> None:
    with pytest.raises(NotationError, match=said):
        read_events(text, 1)
