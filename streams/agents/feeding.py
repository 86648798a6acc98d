"""Feeding lines into the source topics, by event type; what cannot be read is fed too, so that intake refuses it by name."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec
from kafka import KafkaProducer, TopicPartition
from kafka.errors import KafkaError, MessageSizeTooLargeError, RetriableError

from streams.agents.clients import admin_client, committed_reader, feeding_producer, partition_counts
from streams.errors import BrokerUnreachable, TopicError, UsageError
from streams.settings import Settings
from streams.settings.topics import ACCOUNTS, FRAUD_REPORTS, PAYMENTS, SETTLEMENTS, SOURCES

IN_FLIGHT_MAX: Final = 20_000
"""Records sent and not acknowledged; the client itself has no bound."""
_ACK_SECONDS_MAX: Final = 30
_PACE_SECONDS: Final = 0.01
_POLL_SECONDS: Final = 0.25

_TOPIC_OF: Final = {
    "payment": PAYMENTS,
    "payment_status": PAYMENTS,
    "settlement": SETTLEMENTS,
    "fraud_report": FRAUD_REPORTS,
    "account": ACCOUNTS,
    "refused": PAYMENTS,
}


class _Party(msgspec.Struct):
    account_token: str | None = None


class _Head(msgspec.Struct):
    """What routing looks at; everything else is intake's business."""

    event_type: str | None = None
    refusal: str | None = None
    payment_id: str | None = None
    uetr: str | None = None
    settlement_id: str | None = None
    report_id: str | None = None
    account_token: str | None = None
    debtor: _Party | None = None


_head: msgspec.json.Decoder[_Head] = msgspec.json.Decoder(_Head)
_REFUSED: Final = b'{"event_type":"refused",'
"""How the note of a record refused at the rim begins."""


@dataclass(frozen=True, slots=True)
class Feed:
    """How to feed."""

    repeat: int = 1
    """How often each record is sent; 2 plays a producer that delivers twice."""
    rate: float = 0
    """Records a second; 0 means as fast as the broker takes them."""
    spread: bool = False
    """Round-robin over the partitions instead of by key."""


class Fed(msgspec.Struct, frozen=True):
    """What came of it; all records counted here are acknowledged by all in-sync replicas."""

    records: dict[str, int]
    """By topic."""
    unreadable: int
    """Lines that are no event this program knows; they went to ``payments`` for intake to refuse."""
    refused: dict[str, int]
    """By name: what a reader of another format could not read; it went to ``payments`` for intake to count."""
    bytes_total: int
    seconds: float


def route(line: bytes) -> tuple[str, bytes | None, bool]:
    """Give topic and key of a line, and whether its type is known; never raises, whatever the bytes."""
    try:
        head = _head.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return PAYMENTS, None, False
    topic = _TOPIC_OF.get(head.event_type or "")
    if topic is None:
        return PAYMENTS, None, False
    if topic == PAYMENTS:
        payer = head.debtor.account_token if head.debtor else None
        key = payer or head.payment_id or head.uetr
    else:
        key = {SETTLEMENTS: head.settlement_id, FRAUD_REPORTS: head.report_id, ACCOUNTS: head.account_token}[topic]
    return topic, key.encode() if key else None, True


def feed(
    settings: Settings, lines: Iterable[bytes], how: Feed, fed: Callable[[int], None] = lambda _bytes: None
) -> Fed:
    """Send all lines and wait for every acknowledgement; ``fed`` is told the bytes of each line, for a progress bar.

    Raises BrokerUnreachable when a record is not acknowledged in time (sending all again is harmless: intake knows repeated
    events), TopicError when a source topic is missing, UsageError for a line that is too large for Kafka.
    """
    with admin_client(settings) as admin:
        counts = partition_counts(admin, SOURCES)
    missing = [topic for topic in SOURCES if topic not in counts]
    if missing:
        raise TopicError(f"{', '.join(missing)}: the topic is missing; run: payweir topics create")
    begun = time.monotonic()
    with feeding_producer(settings) as producer:
        sending = _Sending(producer, counts, how)
        unreadable = total = 0
        refused: Counter[str] = Counter()
        for number, line in enumerate(lines, 1):
            topic, key, known = route(line)
            unreadable += not known
            if line.startswith(_REFUSED):
                refused[_head.decode(line).refusal or ""] += 1
            for _ in range(how.repeat):
                sending.pace(begun)
                sending.send(topic, key, line, number)
            total += len(line)
            fed(len(line) + 1)
        sending.finish()
        return Fed(
            dict(sorted(sending.counted.items())), unreadable, dict(refused), total, round(time.monotonic() - begun, 3)
        )


def wait_for_intake(settings: Settings, seconds: float) -> list[str]:
    """Wait until intake has acknowledged everything that is in the source topics now; names what is missing when time is up."""
    deadline = time.monotonic() + seconds
    with committed_reader(settings) as reader:
        places = [TopicPartition(t, number) for t in SOURCES for number in sorted(reader.partitions_for_topic(t) or ())]
        ends = {place: end for place, end in reader.end_offsets(places).items() if end}
    group = f"{settings.prefix}-intake"
    with admin_client(settings) as admin:
        while True:
            try:
                done = admin.list_group_offsets(group)[group]
            except RetriableError:
                # A new broker has no coordinator before the first group asks for one.
                done = {}
            behind = [
                f"{place.topic}/{place.partition} at {done[place].offset if place in done else 'nothing'} of {end}"
                for place, end in ends.items()
                if place not in done or done[place].offset < end
            ]
            if not behind or time.monotonic() > deadline:
                return behind
            time.sleep(_POLL_SECONDS)


@dataclass(slots=True)
class _Sending:
    """Records on their way, bounded in number."""

    producer: KafkaProducer
    counts: dict[str, int]
    how: Feed
    counted: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    waiting: deque[object] = field(default_factory=deque)

    def pace(self, begun: float) -> None:
        """Wait until the next record is due; a sender that fell behind catches up."""
        if self.how.rate:
            ahead = self.sent / self.how.rate - (time.monotonic() - begun)
            if ahead > _PACE_SECONDS:
                time.sleep(ahead)

    def send(self, topic: str, key: bytes | None, line: bytes, number: int) -> None:
        """Send one record; one without a key, or of a spread feed, goes to the next partition in turn."""
        place = self.counted[topic] % self.counts[topic] if key is None or self.how.spread else None
        try:
            self.waiting.append(self.producer.send(topic, line, key, partition=place))
        except MessageSizeTooLargeError as error:
            raise UsageError(f"line {number} is too large for Kafka: {error}") from error
        self.counted[topic] += 1
        self.sent += 1
        if len(self.waiting) >= IN_FLIGHT_MAX:
            self._settle(IN_FLIGHT_MAX // 2)

    def finish(self) -> None:
        """Wait for all acknowledgements."""
        self.producer.flush(timeout=_ACK_SECONDS_MAX)
        self._settle(0)

    def _settle(self, left: int) -> None:
        while len(self.waiting) > left:
            future = self.waiting.popleft()
            try:
                future.get(timeout=_ACK_SECONDS_MAX)  # type: ignore[attr-defined]  # kafka-python has no types
            except KafkaError as error:
                acknowledged = self.sent - len(self.waiting) - 1
                raise BrokerUnreachable(
                    f"{acknowledged} records are acknowledged, the next is not ({type(error).__name__}); send them all again"
                ) from error
