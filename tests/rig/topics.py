"""An empty broker for a test that makes the topics of the design, whose names are fixed."""

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from streams.settings import topics
from tests.rig.process import wait_until

ALL = (*topics.SOURCES, topics.ACTIVITY, topics.ALERTS, topics.DEAD_LETTERS, topics.RULESETS, topics.SNAPSHOTS)


def drop_topics(bootstrap: str, names: tuple[str, ...] = ALL) -> None:
    """Delete topics, every one of the design unless named, and wait until they are gone."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:

        def there() -> list[str]:
            return sorted(set(names) & set(admin.list_topics()))

        if there():
            admin.delete_topics(there())
            wait_until(lambda: not there(), 30, "the topics are gone")
    finally:
        admin.close()


def read_committed(bootstrap: str, topic: str, partition: int) -> list[tuple[bytes | None, bytes]]:
    """Key and value of every committed record of a partition."""
    place = TopicPartition(topic, partition)
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False)
    try:
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        end = consumer.end_offsets([place])[place]
        found: list[tuple[bytes | None, bytes]] = []
        while consumer.position(place) < end:
            found += [(one.key, one.value) for one in consumer.poll(timeout_ms=200).get(place, [])]
        return found
    finally:
        consumer.close()


def delete_before(bootstrap: str, topic: str, partition: int, offset: int) -> None:
    """Take away the beginning of a partition, as retention does."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.delete_records({TopicPartition(topic, partition): offset})
    finally:
        admin.close()
