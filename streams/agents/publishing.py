"""Publishing a ruleset: its text and the control records, to all partitions in one Kafka transaction or not at all."""

import json
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, MessageSizeTooLargeError, ProducerFencedError
from msgspec import Struct

from streams.agents.clients import admin_client, committed_reader, partition_counts, transaction
from streams.detection.check import check_files
from streams.detection.rule import Ruleset
from streams.errors import BrokerUnreachable, RuleError, TopicError
from streams.legs import FORMAT_VERSION, Control, Packed, pack
from streams.settings import Settings
from streams.settings.topics import ACTIVITY, RULESETS, WATERMARKED

_READ_SECONDS_MAX: Final = 30
SENDER: Final = "publish"
FROM_HEADER: Final = "in-force-from-ms"
Record = tuple[str, int, bytes | None, bytes, int | None]
"""Topic, partition, key, value, and the event time for the header."""
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


def checked(files: Mapping[str, str]) -> Ruleset:
    """Give the set, or raise RuleError with the first fault and how many there are."""
    ruleset, findings = check_files(files)
    if ruleset is None:
        more = f" and {len(findings.errors) - 1} more" if len(findings.errors) > 1 else ""
        raise RuleError(f"{findings.errors[0]}{more}; {_STILL}")
    return ruleset


def publish(settings: Settings, files: Mapping[str, str], now_ms: int, from_ms: int | None = None) -> Published:
    """Check and publish a set. The first one is in force from event time 0, a later one from ``from_ms`` or after the announcement.

    Raises RuleError for a bad set or when another publisher came in between, TopicError when topics are missing,
    BrokerUnreachable; in all these cases nothing is published. Blocks until the broker has committed.
    """
    ruleset = checked(files)
    with admin_client(settings) as admin:
        counts = partition_counts(admin, (ACTIVITY, RULESETS, *WATERMARKED))
    for topic in (ACTIVITY, RULESETS, *WATERMARKED):
        if topic not in counts:
            raise TopicError(f"{topic}: the topic is missing; run: payweir topics create")
    sources = tuple(f"{topic}/{number}" for topic in WATERMARKED for number in range(counts[topic]))
    with transaction(settings, f"{settings.prefix}-publish") as producer:
        # Read after fencing: whoever else publishes now has committed before, or will fail.
        first = not published(settings)
        start = from_ms if from_ms is not None else 0 if first else now_ms + int(settings.announce_seconds * 1000)
        controls = Control("sources", names=sources), Control("ruleset", ruleset.digest, start)
        records: list[Record] = [(RULESETS, 0, ruleset.digest.encode(), ruleset.text.encode(), start)]
        records += [
            (ACTIVITY, place, None, pack(Packed(FORMAT_VERSION, SENDER, [], [], {}, control)), None)
            for control in controls
            for place in range(counts[ACTIVITY])
        ]
        _commit(producer, records)
    return Published(
        ruleset.digest, start, now_ms, len(files), first=first, partitions=counts[ACTIVITY], sources=sources
    )


def end_history(settings: Settings) -> int:
    """Tell every activity partition that history has ended, in one transaction; gives their number. Raises like ``publish``."""
    with admin_client(settings) as admin:
        count = partition_counts(admin, (ACTIVITY,)).get(ACTIVITY)
    if count is None:
        raise TopicError(f"{ACTIVITY}: the topic is missing; run: payweir topics create")
    value = pack(Packed(FORMAT_VERSION, SENDER, [], [], {}, Control("end")))
    with transaction(settings, f"{settings.prefix}-end") as producer:
        _commit(producer, [(ACTIVITY, place, None, value, None) for place in range(count)])
    return count


def published(settings: Settings) -> list[Published]:
    """Give the rulesets in their topic, oldest first; of one digest the newest. Raises BrokerUnreachable or TopicError."""
    with committed_reader(settings) as consumer:
        return _read_rulesets(consumer)


def _commit(producer: KafkaProducer, records: list[Record]) -> None:
    """Send all in one transaction; when anything fails, abort as far as that is possible and raise."""
    producer.begin_transaction()
    try:
        sent = [
            producer.send(topic, value, key, [(FROM_HEADER, str(start).encode())] if start is not None else None, place)
            for topic, place, key, value, start in records
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


def _read_rulesets(consumer: KafkaConsumer) -> list[Published]:
    place = TopicPartition(RULESETS, 0)
    if not consumer.partitions_for_topic(RULESETS):
        raise TopicError(f"{RULESETS}: the topic is missing; run: payweir topics create")
    consumer.assign([place])
    consumer.seek_to_beginning(place)
    end = consumer.end_offsets([place])[place]
    found: dict[str, Published] = {}
    deadline = time.monotonic() + _READ_SECONDS_MAX
    while consumer.position(place) < end:
        if time.monotonic() > deadline:
            raise BrokerUnreachable(f"{RULESETS}: not read to its end within {_READ_SECONDS_MAX} s")
        for record in consumer.poll(timeout_ms=500).get(place, []):
            if record.key is None or record.value is None:
                continue
            digest = record.key.decode("utf-8", "replace")
            found.pop(digest, None)
            found[digest] = _published(digest, record.value, dict(record.headers or ()), record.timestamp)
    return list(found.values())


def _published(digest: str, value: bytes, headers: Mapping[str, bytes], at: int) -> Published:
    try:
        files = len(json.loads(value))
    except (ValueError, TypeError):
        files = 0
    stamp = headers.get(FROM_HEADER, b"")
    from_time = int(stamp) if stamp.lstrip(b"-").isdigit() else -1
    return Published(digest, from_time, at, files, intact=sha256(value).hexdigest() == digest)
