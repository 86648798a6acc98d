"""An independent reading of a stream: settled transfers by account and device, with no code of the rules."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from streams.events.model import (
    OUTSIDE_TOKENS,
    Event,
    PaymentEvent,
    PaymentStatus,
    PaymentStatusEvent,
)


class Move(NamedTuple):
    """One settled transfer; own-account transfers and refunds are left out."""

    time: datetime
    payer: str
    payee: str
    amount: int
    currency: str
    customer: str
    device: str | None
    event_ids: frozenset[str]


class Ledger:
    """The moves of a stream by payer, payee and device, in order of time."""

    def __init__(self, events: Iterable[Event]) -> None:
        """Every payment counts once, from its SETTLED message or, without one, its SETTLED status."""
        self.payments: dict[str, list[PaymentEvent]] = defaultdict(list)
        settled_by_status: dict[str, PaymentStatusEvent] = {}
        for event in events:
            if isinstance(event, PaymentEvent):
                self.payments[event.payment_id].append(event)
            elif isinstance(event, PaymentStatusEvent) and event.status is PaymentStatus.SETTLED:
                settled_by_status[event.payment_id or ""] = event
        self.paid: dict[str, list[Move]] = defaultdict(list)
        self.received: dict[str, list[Move]] = defaultdict(list)
        self.used: dict[str, list[Move]] = defaultdict(list)
        for payment_id, messages in self.payments.items():
            settled = next((message for message in messages if message.status is PaymentStatus.SETTLED), None)
            time = settled.settled_at if settled is not None else None
            if time is None and payment_id in settled_by_status:
                time = settled_by_status[payment_id].settled_at
            if time is not None:
                self._enter(messages, time)
        for moves in (*self.paid.values(), *self.received.values(), *self.used.values()):
            moves.sort()

    def _enter(self, messages: list[PaymentEvent], time: datetime) -> None:
        message = messages[0]
        debtor, creditor = message.debtor, message.creditor
        own = debtor.party_token is not None and debtor.party_token == creditor.party_token
        if own or message.relation is not None:
            return
        move = Move(
            time,
            debtor.account_token,
            creditor.account_token,
            message.amount_minor,
            message.currency,
            debtor.party_token or debtor.account_token,
            message.device_token,
            frozenset(each.event_id for each in messages),
        )
        if move.payer not in OUTSIDE_TOKENS:
            self.paid[move.payer].append(move)
        if move.payee not in OUTSIDE_TOKENS:
            self.received[move.payee].append(move)
        if move.device is not None:
            self.used[move.device].append(move)
