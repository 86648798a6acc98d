"""Every kind of bad record, and a rule that raises, in the middle of good events: everything else goes on.

One stream goes through a real broker and real workers into PostgreSQL; each test looks at one side of what came of it.
"""

import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

from streams.events.codec import mask
from streams.replay.generator import GeneratorSettings, generate
from streams.replay.generator.settings import START_MS
from streams.settings.topics import SOURCES
from streams.store.reader import IngestTotals, Standing, ingest_totals
from streams.store.writer import open_store
from tests.integration.store_questions import ask
from tests.rig import raising
from tests.rig.cluster import Cluster, embedded
from tests.rig.kafka import KafkaBroker, end_offsets
from tests.rig.postgres import PostgresServer
from tests.rig.process import wait_until
from tests.rig.topics import drop_topics, read_committed
from tests.unit.events.test_bad_input import BAD

pytestmark = pytest.mark.integration

RULES = Path(__file__).parents[2] / "rules"
PARTITIONS = 4
RAISING = (sys.executable, "-m", "tests.rig.raising")
Place = tuple[int, int]
"""Partition and offset in ``payments``."""


class Aftermath(NamedTuple):
    """What was sent, what the embedded run says of the good part, and where to look."""

    cluster: Cluster
    expected: dict[str, Standing]
    bad: dict[Place, str]
    """Name of the bad record at each place."""
    rule_errors: int


@pytest.fixture(scope="module")
def aftermath(
    kafka: KafkaBroker, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Aftermath]:
    folder = tmp_path_factory.mktemp("bad-input")
    stream, rules = _prepare(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streams.cli.run.compile_ruleset", raising.compile_with_a_fault)
        expected_url = f"sqlite:///{folder / 'expected.db'}"
        expected = embedded(stream, rules, expected_url)
    drop_topics(kafka.bootstrap)
    url = postgres.create_database()
    with Cluster(kafka.bootstrap, url, folder, PARTITIONS) as cluster:
        cluster.settings["PAYWEIR_PREFIX"] = "bad-input"
        cluster.prepare(rules)
        _allow_large_records(kafka.bootstrap)
        for role in ("intake", "detect", "record"):
            cluster.start(role, role, RAISING)
        bad = _send(kafka.bootstrap, (stream / "payments.jsonl").read_bytes().splitlines())
        others = [str(stream / f"{name}.jsonl") for name in ("settlements", "accounts", "fraud-reports")]
        cluster.run("produce", *others, "--end", "--wait", "60")
        cluster.wait_for(expected)
        yield Aftermath(cluster, expected, bad, _errors(expected_url))
    postgres.drop_database(url)
    drop_topics(kafka.bootstrap)


def _prepare(folder: Path) -> tuple[Path, Path]:
    stream, rules = folder / "stream", folder / "rules"
    generate(GeneratorSettings(seed=11, events=2_000, duplicates=0.01), stream)
    shutil.copytree(RULES, rules)
    shutil.copytree(stream / "lists", rules / "lists", dirs_exist_ok=True)
    (rules / "raises.yaml").write_text(raising.RULE)
    return stream, rules


def _allow_large_records(bootstrap: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "payments", {"max.message.bytes": str(4 << 20)})])
    admin.close()


def _send(bootstrap: str, good: list[bytes]) -> dict[Place, str]:
    """Send good payments with a bad record after every few, over all partitions; gives where the bad ones are."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", max_request_size=4 << 20, linger_ms=20)
    names = iter(BAD)
    sent = {}
    for number, line in enumerate(good):
        producer.send("payments", line, partition=number % PARTITIONS)
        if number % 40 == 7 and (name := next(names, None)) is not None:
            sent[name] = producer.send("payments", BAD[name][0], b"bad", partition=number // 40 % PARTITIONS)
    producer.flush()
    assert next(names, None) is None, "not every bad record was sent"
    places = {name: (one.get().partition, one.get().offset) for name, one in sent.items()}
    producer.close()
    return {place: name for name, place in places.items()}


def _errors(store_url: str) -> int:
    with open_store(store_url) as store:
        [(errors,)] = ask(store, f"SELECT errors FROM v_rules WHERE rule_id = '{raising.RULE_ID}'")
    assert isinstance(errors, int)
    return errors


def _totals(cluster: Cluster) -> list[IngestTotals]:
    with open_store(cluster.store_url) as store:
        return ingest_totals(store)


def _refusals(aftermath: Aftermath) -> Counter[str]:
    return Counter(BAD[name][1] for name in aftermath.bad.values())


def test_the_alerts_are_those_of_the_good_events_alone(aftermath: Aftermath) -> None:
    shipped = {one.rule_id for one in aftermath.expected.values()} - {f"{raising.RULE_ID}#error"}
    assert len(shipped) >= 5, "too few alerts to tell anything"
    assert aftermath.cluster.found() == aftermath.expected


def test_the_dead_letters_are_the_raw_bytes_and_nothing_else(aftermath: Aftermath) -> None:
    found = {}
    for key, value in read_committed(aftermath.cluster.bootstrap, "dead-letters", 0):
        assert key is not None
        place = msgspec.json.decode(key)
        assert place["topic"] == "payments"
        found[place["partition"], place["offset"]] = value
    assert found == {place: BAD[name][0] for place, name in aftermath.bad.items()}


def test_sql_holds_the_masked_copies_by_the_name_of_the_refusal(aftermath: Aftermath) -> None:
    columns = "source_topic, source_partition, source_offset, refusal, masked, bytes_total"
    with open_store(aftermath.cluster.store_url) as store:
        found = ask(store, f"SELECT {columns} FROM v_dead_letters")
    expected = set()
    for place, name in aftermath.bad.items():
        raw, refusal = BAD[name]
        shown = mask(raw).replace("\0", "\u2400")
        expected.add(("payments", *place, refusal, shown, len(raw or b"")))
    assert set(found) == expected
    assert len(found) == len(BAD)


def test_every_record_is_accounted_for_per_source_partition(aftermath: Aftermath) -> None:
    cluster = aftermath.cluster
    ends = {
        f"{topic}/{place}": end
        for topic in SOURCES
        for place, end in end_offsets(cluster.bootstrap, topic, PARTITIONS).items()
        if end
    }
    wait_until(lambda: not any(one.missing for one in _totals(cluster)), 30, "nothing is missing")
    totals = {one.source: one for one in _totals(cluster)}
    assert {source: one.found for source, one in totals.items()} == ends
    assert all(one.found == one.accepted + one.duplicate + one.refused for one in totals.values())
    refused = Counter(f"payments/{partition}" for partition, _ in aftermath.bad)
    assert {source: one.refused for source, one in totals.items() if one.refused} == refused
    assert sum(one.duplicate for one in totals.values()) > 10
    assert "is in order" in cluster.run("store", "check", "--store", cluster.store_url)


def test_the_metrics_say_the_same_per_source(aftermath: Aftermath) -> None:
    cluster = aftermath.cluster
    intake, detect, record = (cluster.watch(role) for role in ("intake", "detect", "record"))
    for one in _totals(cluster):
        counted = {
            outcome: detect.total("payweir_events_total", source=one.source, outcome=outcome)
            for outcome in ("accepted", "late", "duplicate", "conflict", "refused")
        }
        assert counted == {name: getattr(one, name) for name in counted}
        assert intake.total("payweir_found_total", source=one.source) == one.found
    assert intake.total("payweir_records_total") == sum(one.found for one in _totals(cluster))
    assert {one.labels["refusal"]: one.value for one in intake.samples("payweir_refused_total")} == _refusals(aftermath)
    assert intake.total("payweir_dead_letters_total") == len(BAD)
    assert detect.total("payweir_rule_errors", rule=raising.RULE_ID) == aftermath.rule_errors
    assert detect.total("payweir_watermark_holder_info") == PARTITIONS
    assert detect.total("payweir_subjects") > 100
    watermarks = [one.value for one in detect.samples("payweir_watermark_seconds")]
    assert len(watermarks) == PARTITIONS
    assert min(watermarks) > START_MS // 1000
    assert detect.total("payweir_alerts_total") >= len(aftermath.expected)
    sent = detect.total("payweir_outcomes_total") + intake.total("payweir_outcomes_total")
    assert record.total("payweir_alerts_written_total") == sent
    for role, topic in ((intake, "payments"), (detect, "activity"), (record, "alerts")):
        assert role.total("payweir_lag_records", topic=topic) == 0
        assert role.total("payweir_batch_seconds_count") > 0
        assert role.total("payweir_oldest_unprocessed_seconds") == 0
        assert role.total("payweir_ready") == 1


def test_a_rule_that_raises_is_counted_and_seen_and_stops_nothing(aftermath: Aftermath) -> None:
    assert aftermath.rule_errors > 500
    with open_store(aftermath.cluster.store_url) as store:
        assert ask(store, f"SELECT errors FROM v_rules WHERE rule_id = '{raising.RULE_ID}'") == [
            (aftermath.rule_errors,)
        ]


def test_no_worker_was_restarted_and_all_stop_cleanly(aftermath: Aftermath) -> None:
    cluster = aftermath.cluster
    cluster.check_alive()
    for role in list(cluster.workers):
        cluster.stop(role)
        assert "Traceback" not in (cluster.folder / f"{role}.log").read_text()
