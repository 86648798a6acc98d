"""Reading topics from one offset to another: what a backtest needs of Kafka."""

import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from kafka import KafkaConsumer, TopicPartition

from streams.agents.clients import committed_reader
from streams.errors import BrokerUnreachable, TopicError
from streams.settings import Settings
from streams.settings.topics import SNAPSHOTS

_SILENT_SECONDS_MAX: Final = 30
Told = Callable[[int], None]


class Stretch(NamedTuple):
    """Part of a partition: ``end`` does not belong to it."""

    topic: str
    partition: int
    begin: int
    end: int


def stretches(settings: Settings, topic: str) -> list[Stretch]:
    """Give what there is now of each partition of a topic. Raises TopicError and BrokerUnreachable."""
    with committed_reader(settings) as consumer:
        numbers = consumer.partitions_for_topic(topic)
        if not numbers:
            raise TopicError(f"{topic}: the topic is missing; run: payweir topics create")
        places = [TopicPartition(topic, number) for number in sorted(numbers)]
        begins, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
    return [Stretch(topic, place.partition, begins[place], ends[place]) for place in places]


def read(
    settings: Settings, stretch: Stretch, told: Told = lambda _: None
) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """Give offset, key and value of the committed records of a stretch; ``told`` hears the next offset now and then."""
    with committed_reader(settings) as consumer:
        yield from _read(consumer, stretch, told)


def skips(settings: Settings, partition: int) -> Iterator[tuple[bytes, bytes]]:
    """Give the records that say what of the activity log is left out, because it ended the engine. Reads all of ``snapshots``."""
    for stretch in stretches(settings, SNAPSHOTS):
        if stretch.partition == partition:
            yield from (
                (key, value) for _, key, value in read(settings, stretch) if key and value and key.startswith(b"k:")
            )


def _read(consumer: KafkaConsumer, stretch: Stretch, told: Told) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    place = TopicPartition(stretch.topic, stretch.partition)
    consumer.assign([place])
    consumer.seek(place, stretch.begin)
    heard = time.monotonic()
    while (at := consumer.position(place)) < stretch.end:
        told(at)
        for record in consumer.poll(timeout_ms=500).get(place, []):
            if record.offset >= stretch.end:
                return
            yield record.offset, record.key, record.value
        if consumer.position(place) > at:
            heard = time.monotonic()
        elif time.monotonic() > heard + _SILENT_SECONDS_MAX:
            raise BrokerUnreachable(f"{stretch.topic}/{stretch.partition}: nothing came for {_SILENT_SECONDS_MAX} s")
    told(stretch.end)
