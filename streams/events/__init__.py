"""Events: the decoded facts, how bytes become one, and the named reasons why they may not."""

from streams.events.codec import Limits, decode_event, digest_of
from streams.events.model import (
    AccountReferenceEvent,
    Event,
    FraudReportEvent,
    PaymentEvent,
    PaymentStatusEvent,
    SettlementEvent,
)
from streams.events.refusals import Refusal, Refused

__all__ = [
    "AccountReferenceEvent",
    "Event",
    "FraudReportEvent",
    "Limits",
    "PaymentEvent",
    "PaymentStatusEvent",
    "Refusal",
    "Refused",
    "SettlementEvent",
    "decode_event",
    "digest_of",
]
