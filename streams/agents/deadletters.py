"""Refused records as they came, and feeding them again: each at most once, in one Kafka transaction with the word that it was.

The topic ``dead-letters`` holds the raw bytes under the place they came from and, beside them, a note for each that was fed again.
Record, note and the word for SQL become visible together or not at all, and whoever retries fences everybody else who does
before reading the notes: so a retry that is repeated, or broken off anywhere, feeds nothing twice.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, ProducerFencedError
from msgspec import Struct

from streams.agents.clients import admin_client, committed_reader, partition_counts, transaction
from streams.agents.topics import DEAD_LETTER_BYTES_MAX
from streams.alerts.codec import encode_outcome
from streams.alerts.model import DeadLetterRetried
from streams.errors import BrokerUnreachable, TopicError, UsageError
from streams.settings import Settings
from streams.settings.topics import ALERTS, DEAD_LETTERS, RETRY_HEADER, SOURCES

_READ_SECONDS_MAX: Final = 60
AT_ONCE_MAX: Final = 500
"""Letters in one transaction."""


class Place(Struct, frozen=True, order=True):
    """Where a refused record stood in its source; the key of the topic."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        """``payments/0/123``, as it is written on the command line."""
        return f"{self.topic}/{self.partition}/{self.offset}"


class Retry(Struct, frozen=True):
    """A letter was fed again: where its copy stands in the same source partition, when, and whether other bytes were fed."""

    offset: int
    at: int
    mended: bool


@dataclass(slots=True)
class Letters:
    """What the topic says of some places."""

    raw: dict[Place, bytes | None] = field(default_factory=dict)
    retries: dict[Place, Retry] = field(default_factory=dict)


class Retried(Struct, frozen=True):
    """What came of one place: ``fed`` now, or ``before`` (then nothing was sent), or ``cut`` (too long to be kept whole)."""

    place: str
    result: str
    offset: int | None = None
    """Of its copy in the source partition."""
    at: int | None = None
    mended: bool = False


_retry: Final = msgspec.json.Decoder(Retry)
_place: Final = msgspec.json.Decoder(Place)


def parse_place(text: str) -> Place:
    """Read ``payments/0/123``; raises UsageError."""
    topic, _, rest = text.partition("/")
    partition, _, offset = rest.partition("/")
    if topic not in SOURCES or not (partition.isdecimal() and offset.isdecimal()):
        message = f"{text!r} is no place of a dead letter; write topic/partition/offset, for example payments/0/123"
        raise UsageError(message)
    return Place(topic, int(partition), int(offset))


def read(settings: Settings, places: Iterable[Place]) -> Letters:
    """Give what the topic says of these places. Raises BrokerUnreachable, or TopicError when the topic is missing."""
    with committed_reader(settings) as reader:
        return _read(reader, frozenset(places))


def retry(settings: Settings, places: list[Place], mended: bytes | None, now_ms: int) -> list[Retried]:
    """Feed letters again into their source partitions, with the bytes of ``mended`` instead of theirs if it is given.

    A letter that was fed again before is left alone. A copy is never late; if it is refused again, that is a new letter of its
    own place. Raises UsageError for a place that is not in the topic, BrokerUnreachable and TopicError; nothing is fed then
    but whole groups of 500 before.
    """
    with admin_client(settings) as admin:
        width = partition_counts(admin, (ALERTS,)).get(ALERTS)
    if width is None:
        raise TopicError(f"{ALERTS}: the topic is missing; run: payweir topics create")
    with transaction(settings, f"{settings.prefix}-dead-letters") as producer:
        # Read after fencing: whoever else retries now has committed before, or will fail.
        letters = read(settings, places)
        for place in places:
            if place not in letters.raw:
                message = f"{place} is not in {DEAD_LETTERS}: it was accepted, or refused longer ago than they are kept"
                raise UsageError(message)
        told = {place: _known(letters, place, mended) for place in places}
        due = [place for place, one in told.items() if one is None]
        for first in range(0, len(due), AT_ONCE_MAX):
            group = {
                place: mended if mended is not None else letters.raw[place]
                for place in due[first : first + AT_ONCE_MAX]
            }
            fed = _feed(producer, group, _Note(now_ms, mended is not None, width))
            told |= {
                place: Retried(str(place), "fed", one.offset, one.at, one.mended) for place, one in fed.items()
            }  # fmt: skip
    return [one for one in told.values() if one is not None]


def _known(letters: Letters, place: Place, mended: bytes | None) -> Retried | None:
    """Say why a letter is left alone, None when it is to be fed."""
    before = letters.retries.get(place)
    if before is not None:
        return Retried(str(place), "before", before.offset, before.at, before.mended)
    if mended is None and len(letters.raw[place] or b"") >= DEAD_LETTER_BYTES_MAX:
        return Retried(str(place), "cut")
    return None


@dataclass(frozen=True, slots=True)
class _Note:
    """What is said alike of all letters of one call."""

    at: int
    mended: bool
    width: int
    """Partitions of the topic ``alerts``."""


def _feed(producer: KafkaProducer, group: Mapping[Place, bytes | None], note: _Note) -> dict[Place, Retry]:
    """Send records, notes and words for SQL in one transaction."""
    producer.begin_transaction()
    try:
        sent = {
            place: producer.send(place.topic, value, None, [(RETRY_HEADER, str(place).encode())], place.partition)
            for place, value in group.items()
        }
        producer.flush()
        fed = {place: Retry(one.get(timeout=0).offset, note.at, note.mended) for place, one in sent.items()}
        words = [
            each
            for place, one in fed.items()
            for each in (
                producer.send(
                    DEAD_LETTERS, msgspec.json.encode(one), msgspec.json.encode(place), [(RETRY_HEADER, b"")], 0
                ),
                producer.send(ALERTS, encode_outcome(_told(place, one)), None, None, place.partition % note.width),
            )
        ]
        producer.flush()
        for one in words:
            one.get(timeout=0)
        producer.commit_transaction()
    except ProducerFencedError as error:
        message = "someone else retries dead letters at the same time; look at what was fed, and try again"
        raise TopicError(message) from error
    except KafkaError:
        _abort(producer)
        raise
    return fed


def _told(place: Place, one: Retry) -> DeadLetterRetried:
    return DeadLetterRetried(place.topic, place.partition, place.offset, one.offset, one.at, one.mended)


def _abort(producer: KafkaProducer) -> None:
    """Best effort: the broker aborts by itself when the transaction's time is over."""
    try:
        producer.abort_transaction()
    except KafkaError:
        return


def _read(reader: KafkaConsumer, wanted: frozenset[Place]) -> Letters:
    partition = TopicPartition(DEAD_LETTERS, 0)
    if not reader.partitions_for_topic(DEAD_LETTERS):
        raise TopicError(f"{DEAD_LETTERS}: the topic is missing; run: payweir topics create")
    reader.assign([partition])
    reader.seek_to_beginning(partition)
    end = reader.end_offsets([partition])[partition]
    found = Letters()
    deadline = time.monotonic() + _READ_SECONDS_MAX
    while reader.position(partition) < end:
        if time.monotonic() > deadline:
            raise BrokerUnreachable(f"{DEAD_LETTERS}: not read to its end within {_READ_SECONDS_MAX} s")
        for record in reader.poll(timeout_ms=500).get(partition, []):
            place = _place.decode(record.key or b"{}") if record.key else None
            if place not in wanted or place is None:
                continue
            if dict(record.headers or ()).get(RETRY_HEADER) is not None:
                found.retries[place] = _retry.decode(record.value)
            else:
                found.raw.setdefault(place, record.value)
    return found
