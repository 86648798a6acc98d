"""Publishing a ruleset: its text and the control records, to all partitions in one Kafka transaction or not at all."""

import json
import time
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Final

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError, MessageSizeTooLargeError, ProducerFencedError
from msgspec import Struct

from streams.agents.clients import admin_client, committed_reader, partition_counts, transaction
from streams.detection.check import check_files
from streams.detection.rule import Ruleset
from streams.errors import BrokerUnreachable, LogError, RuleError, TopicError
from streams.legs import APPROVED, FORMAT_VERSION, Control, Packed, Terms, pack, unpack
from streams.settings import Settings
from streams.settings.topics import ACTIVITY, RULESETS, WATERMARKED

_READ_SECONDS_MAX: Final = 30
SENDER: Final = "publish"
FROM_HEADER: Final = "in-force-from-ms"
TERMS_HEADER: Final = "terms"
_TAIL: Final = 200
"""Records at the end of a partition that tell how far its sources are: every tick and every batch of legs says it."""
Headers = list[tuple[str, bytes]]
Record = tuple[str, int, bytes | None, bytes, Headers]
"""Topic, partition, key, value, headers."""
_STILL: Final = "nothing was published, the ruleset in force still runs"


class Published(Struct, frozen=True):
    """A ruleset as it stands in the topic ``rulesets``; times in milliseconds since the epoch."""

    digest: str
    from_time: int
    """Event time from which it is in force; -1 when the record does not say."""
    published_at: int
    """Time stamp of the record."""
    files: int
    """Rules and lists in the set."""
    intact: bool = True
    """The text is the one its digest names."""
    first: bool = False
    """It was the first ruleset ever published here."""
    partitions: int = 0
    """Activity partitions that were told; only known to the one who publishes."""
    sources: tuple[str, ...] = ()
    terms: Terms = APPROVED


def checked(files: Mapping[str, str]) -> Ruleset:
    """Give the set, or raise RuleError with the first fault and how many there are."""
    ruleset, findings = check_files(files)
    if ruleset is None:
        more = f" and {len(findings.errors) - 1} more" if len(findings.errors) > 1 else ""
        raise RuleError(f"{findings.errors[0]}{more}; {_STILL}")
    return ruleset


def publish(
    settings: Settings, files: Mapping[str, str], now_ms: int, terms: Terms, from_ms: int | None = None
) -> Published:
    """Check and publish a set. The first one is in force from event time 0, a later one from ``from_ms`` or after the announcement.

    The announcement begins where the clock and all sources are behind it, so that no leg is judged twice. Raises RuleError for a
    bad set, for one behind which nobody stands, or when another publisher came in between, TopicError when topics are missing,
    BrokerUnreachable; in all these cases nothing is published. Blocks until the broker has committed.
    """
    ruleset = checked(files)
    if not (terms.approved_by or terms.emergency):
        raise RuleError(f"nobody approved the set {ruleset.digest[:12]}; {_STILL}")
    with admin_client(settings) as admin:
        counts = partition_counts(admin, (ACTIVITY, RULESETS, *WATERMARKED))
    for topic in (ACTIVITY, RULESETS, *WATERMARKED):
        if topic not in counts:
            raise TopicError(f"{topic}: the topic is missing; run: payweir topics create")
    sources = tuple(f"{topic}/{number}" for topic in WATERMARKED for number in range(counts[topic]))
    with transaction(settings, f"{settings.prefix}-publish") as producer:
        # Read after fencing: whoever else publishes now has committed before, or will fail.
        first = not published(settings)
        if from_ms is not None or first:
            start = from_ms or 0
        else:
            start = max(now_ms, furthest(settings)) + int(settings.announce_seconds * 1000)
        controls = Control("sources", names=sources), Control("ruleset", ruleset.digest, start, terms=terms)
        headers = [(FROM_HEADER, str(start).encode()), (TERMS_HEADER, msgspec.json.encode(terms))]
        records: list[Record] = [(RULESETS, 0, ruleset.digest.encode(), ruleset.text.encode(), headers)]
        records += [
            (ACTIVITY, place, None, pack(Packed(FORMAT_VERSION, SENDER, [], [], {}, control)), [])
            for control in controls
            for place in range(counts[ACTIVITY])
        ]
        _commit(producer, records)
    return Published(
        ruleset.digest,
        start,
        now_ms,
        len(files),
        first=first,
        partitions=counts[ACTIVITY],
        sources=sources,
        terms=terms,
    )


def furthest(settings: Settings) -> int:
    """Give the event time up to which any source has been read, as the ends of the activity log tell it; 0 when they do not."""
    newest = 0
    with committed_reader(settings) as consumer:
        for number in consumer.partitions_for_topic(ACTIVITY) or ():
            for record in _tail(consumer, TopicPartition(ACTIVITY, number), _TAIL):
                try:
                    newest = max(newest, *unpack(record.value).watermarks.values(), 0)
                except LogError:
                    continue  # detection says so, by name
    return newest


def end_history(settings: Settings) -> int:
    """Tell every activity partition that history has ended, in one transaction; gives their number. Raises like ``publish``."""
    with admin_client(settings) as admin:
        count = partition_counts(admin, (ACTIVITY,)).get(ACTIVITY)
    if count is None:
        raise TopicError(f"{ACTIVITY}: the topic is missing; run: payweir topics create")
    value = pack(Packed(FORMAT_VERSION, SENDER, [], [], {}, Control("end")))
    with transaction(settings, f"{settings.prefix}-end") as producer:
        _commit(producer, [(ACTIVITY, place, None, value, []) for place in range(count)])
    return count


def published(settings: Settings) -> list[Published]:
    """Give the rulesets in their topic, oldest first; of one digest the newest. Raises BrokerUnreachable or TopicError."""
    return [one for one, _ in published_texts(settings)]


def published_texts(settings: Settings) -> list[tuple[Published, bytes]]:
    """Give the rulesets in their topic with their texts, as ``published`` does."""
    with committed_reader(settings) as consumer:
        if not consumer.partitions_for_topic(RULESETS):
            raise TopicError(f"{RULESETS}: the topic is missing; run: payweir topics create")
        found: dict[str, tuple[Published, bytes]] = {}
        for record in _tail(consumer, TopicPartition(RULESETS, 0)):
            if record.key is None or record.value is None:
                continue
            digest = record.key.decode("utf-8", "replace")
            found.pop(digest, None)
            one = _published(digest, record.value, dict(record.headers or ()), record.timestamp)
            found[digest] = one, record.value
    return list(found.values())


def _commit(producer: KafkaProducer, records: list[Record]) -> None:
    """Send all in one transaction; when anything fails, abort as far as that is possible and raise."""
    producer.begin_transaction()
    try:
        sent = [
            producer.send(topic, value, key, headers or None, place) for topic, place, key, value, headers in records
        ]
        producer.flush()
        for one in sent:
            one.get(timeout=0)
        producer.commit_transaction()
    except ProducerFencedError as error:
        raise RuleError(f"someone else published at the same time; {_STILL}: look at it and publish again") from error
    except MessageSizeTooLargeError as error:
        _abort(producer)
        raise RuleError(f"the set is too large for one Kafka record ({error}); {_STILL}") from error
    except KafkaError:
        _abort(producer)
        raise


def _abort(producer: KafkaProducer) -> None:
    """Best effort: the broker aborts by itself when the transaction's time is over."""
    try:
        producer.abort_transaction()
    except KafkaError:
        return


def _tail(consumer: KafkaConsumer, place: TopicPartition, most: int | None = None) -> Iterator[ConsumerRecord]:
    """Give the committed records of a partition, the newest ``most`` offsets of it, up to where it ends now."""
    consumer.assign([place])
    end = consumer.end_offsets([place])[place]
    begin = consumer.beginning_offsets([place])[place]
    consumer.seek(place, begin if most is None else max(begin, end - most))
    deadline = time.monotonic() + _READ_SECONDS_MAX
    while consumer.position(place) < end:
        if time.monotonic() > deadline:
            raise BrokerUnreachable(f"{place.topic}: not read to its end within {_READ_SECONDS_MAX} s")
        yield from consumer.poll(timeout_ms=500).get(place, [])


def _published(digest: str, value: bytes, headers: Mapping[str, bytes], at: int) -> Published:
    try:
        files = len(json.loads(value))
    except (ValueError, TypeError):
        files = 0
    stamp = headers.get(FROM_HEADER, b"")
    from_time = int(stamp) if stamp.lstrip(b"-").isdigit() else -1
    try:
        terms = msgspec.json.decode(headers.get(TERMS_HEADER, b"[]"), type=Terms)
    except msgspec.DecodeError:
        terms = APPROVED
    return Published(digest, from_time, at, files, intact=sha256(value).hexdigest() == digest, terms=terms)
