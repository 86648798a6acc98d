"""What must hold after any faults; it knows nothing of them."""

from collections.abc import Iterator

from kafka import KafkaConsumer, TopicPartition

from streams.clock import DAY_MS
from streams.detection.program import Programs
from streams.legs import unpack
from streams.pipeline import PartitionState, step
from streams.pipeline.snapshot import fingerprint, manifest_of, restore
from streams.settings.topics import ACTIVITY, SNAPSHOTS
from streams.store.check import check_store
from streams.store.reader import ingest_totals
from streams.store.writer import open_store
from tests.rig.cluster import Cluster


def books(cluster: Cluster, accepted: int) -> Iterator[str]:
    """Every record found is accounted for, and every event accepted once."""
    for finding in check_store(cluster.store_url):
        yield f"payweir store check: {finding}"
    with open_store(cluster.store_url) as store:
        totals = ingest_totals(store)
    found = sum(each.accepted for each in totals)
    if found != accepted:
        yield f"{found} events accepted, {accepted} were sent"


def states(cluster: Cluster, programs: Programs) -> Iterator[str]:
    """What a new owner would recover is the fold of the whole log, on every partition."""
    rulesets = {programs.ruleset.digest: programs}
    for partition in range(cluster.partitions):
        log = [(offset, value) for offset, _, value in _read(cluster, ACTIVITY, partition) if value is not None]
        whole = PartitionState(partition=partition, lateness_ms=3 * DAY_MS)
        _fold(whole, log, rulesets)
        kept: dict[bytes, bytes] = {}
        for _, key, value in _read(cluster, SNAPSHOTS, partition):
            if key is not None and value is not None:
                kept[key] = value
            elif key is not None:
                kept.pop(key, None)
        manifest = manifest_of(kept)
        if manifest is None:
            yield f"activity/{partition}: no snapshot was finished"
            continue
        recovered = restore(kept, manifest, rulesets, partition)
        _fold(recovered, [each for each in log if each[0] >= manifest.offset], rulesets)
        if fingerprint(recovered) != fingerprint(whole):
            yield f"activity/{partition}: the state recovered at offset {manifest.offset} is not the fold of the log"


def _fold(state: PartitionState, log: list[tuple[int, bytes]], rulesets: dict[str, Programs]) -> None:
    for offset, value in log:
        state.next_offset = offset
        step(state, unpack(value), rulesets)


def _read(cluster: Cluster, topic: str, partition: int) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """Offset, key and value of every committed record."""
    place = TopicPartition(topic, partition)
    consumer = KafkaConsumer(
        bootstrap_servers=cluster.bootstrap, isolation_level="read_committed", enable_auto_commit=False
    )
    try:
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        end = consumer.end_offsets([place])[place]
        while consumer.position(place) < end:
            for one in consumer.poll(timeout_ms=200).get(place, []):
                yield one.offset, one.key, one.value
    finally:
        consumer.close()
