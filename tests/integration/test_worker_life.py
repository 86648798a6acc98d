"""A worker from its start to its end: it waits for services, refuses what it cannot work with, says how it is, stops cleanly."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from streams.replay.generator import GeneratorSettings, generate
from streams.settings.topics import SNAPSHOTS, SOURCES
from tests.rig.cluster import COMMAND, Cluster, embedded
from tests.rig.kafka import KafkaBroker, end_offsets
from tests.rig.postgres import PostgresServer
from tests.rig.process import wait_until
from tests.rig.topics import drop_topics

pytestmark = pytest.mark.integration

RULES = Path(__file__).parents[2] / "rules"
PARTITIONS = 2
ROLES = ("intake", "detect", "record")
SLOW = (sys.executable, "-m", "tests.rig.slow")
STOP_SECONDS_MAX = 10
MENTIONS_MAX = 5
"""How often a library may say the same within the time of a test."""


@pytest.fixture
def cluster(kafka: KafkaBroker, database_url: str, tmp_path: Path) -> Iterator[Cluster]:
    drop_topics(kafka.bootstrap)
    with Cluster(kafka.bootstrap, database_url, tmp_path, PARTITIONS) as made:
        made.settings["PAYWEIR_PREFIX"] = f"life-{tmp_path.name.replace('_', '-')}"
        yield made
    drop_topics(kafka.bootstrap)


def ended(cluster: Cluster, role: str = "intake", **settings: str) -> tuple[int, str]:
    """Run a worker that must end by itself; gives its exit code and what it said."""
    done = subprocess.run(
        [*COMMAND, "worker", "--role", role],
        env=cluster.environment() | settings, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def stop(cluster: Cluster, name: str) -> int:
    worker = cluster.workers[name]
    worker.terminate()
    code = worker.wait(STOP_SECONDS_MAX)
    del cluster.workers[name]
    return code


# --- topics ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [*ROLES, "all"])
def test_a_worker_without_topics_ends_and_says_what_to_run(cluster: Cluster, role: str) -> None:
    code, said = ended(cluster, role)
    assert code == 1
    assert "activity: topic is missing, wanted there (run: payweir topics create)" in said


def test_a_worker_with_another_partition_count_than_activity_ends_and_says_why(cluster: Cluster) -> None:
    cluster.run("topics", "create")
    code, said = ended(cluster, PAYWEIR_PARTITIONS="3")
    assert code == 1
    assert "activity: partitions is 2, wanted 3" in said
    assert "set PAYWEIR_PARTITIONS to what is there" in said
    assert "PAYWEIR_EPOCH" in said


def test_a_worker_that_finds_too_few_partitions_of_another_topic_ends_too(cluster: Cluster, kafka: KafkaBroker) -> None:
    kafka.create_topic("alerts", 1)
    cluster.run("topics", "create")
    code, said = ended(cluster, "record")
    assert code == 1
    assert "alerts: partitions is 1, wanted 2 (make the topic anew while no worker runs)" in said


def test_a_record_worker_ends_when_the_schema_of_the_store_is_too_old(cluster: Cluster) -> None:
    cluster.run("topics", "create")
    code, said = ended(cluster, "record")
    assert code == 3
    assert "payweir store upgrade" in said


# --- services -------------------------------------------------------------------------------------------------------


def test_workers_wait_for_the_broker_before_and_after_their_start(tmp_path: Path, database_url: str) -> None:
    with KafkaBroker() as broker, Cluster(broker.bootstrap, database_url, tmp_path, PARTITIONS) as cluster:
        cluster.prepare(RULES)
        broker.stop()
        for role in ROLES:
            cluster.start(role, role)
        cluster.start("intake", "impatient")
        for role in ROLES:
            cluster.watch(role).wait_not_ready("waiting for the broker")
        log = tmp_path / "intake.log"
        wait_until(lambda: "no Kafka broker answers" in log.read_text(), 30, "the worker says what it waits for")
        assert stop(cluster, "impatient") == 0
        broker.start()
        for role in ROLES:
            cluster.watch(role).wait_ready()
        broker.stop()
        for role in ROLES:
            cluster.watch(role).wait_not_ready("the broker does not answer")
        assert stop(cluster, "record") == 0
        assert (tmp_path / "record.log").read_text().count("Unable connect to node") <= MENTIONS_MAX
        broker.start()
        for role in ("intake", "detect"):
            cluster.watch(role).wait_ready()
            assert stop(cluster, role) == 0


def test_a_store_that_is_away_is_waited_for_and_seen_in_the_metrics(kafka: KafkaBroker, tmp_path: Path) -> None:
    drop_topics(kafka.bootstrap)
    with (
        PostgresServer() as server,
        Cluster(kafka.bootstrap, server.create_database(), tmp_path, PARTITIONS) as cluster,
    ):
        cluster.settings["PAYWEIR_PREFIX"] = "life-store"
        cluster.prepare(RULES)
        server.stop()
        for role in ROLES:
            cluster.start(role, role)
        record = cluster.watch("record")
        record.wait_not_ready("waiting for the store")
        server.start()
        record.wait_ready()
        wait_until(lambda: record.total("payweir_alerts_written_total") >= PARTITIONS, 30, "the ruleset is stored")
        server.stop()
        generate(GeneratorSettings(events=1_000), tmp_path / "stream")
        cluster.run("produce", str(tmp_path / "stream" / "payments.jsonl"))
        wait_until(lambda: record.total("payweir_store_unreachable_total") > 0, 30, "the outage is counted")
        wait_until(lambda: record.total("payweir_oldest_unprocessed_seconds") > 1, 30, "records get old")
        assert record.total("payweir_lag_records", topic="alerts") > 0
        server.start()
        wait_until(lambda: record.total("payweir_lag_records", topic="alerts") == 0, 30, "the lag is gone")
        assert record.total("payweir_oldest_unprocessed_seconds") == 0
    drop_topics(kafka.bootstrap)


def test_a_broker_that_goes_while_the_store_is_waited_for_is_waited_for_too(tmp_path: Path) -> None:
    with (
        PostgresServer() as server,
        KafkaBroker() as broker,
        Cluster(broker.bootstrap, server.create_database(), tmp_path, PARTITIONS) as cluster,
    ):
        cluster.prepare(RULES)
        server.stop()
        for name in ("record", "impatient"):
            cluster.start("record", name)
            cluster.watch(name).wait_not_ready("waiting for the store")
        broker.stop()
        server.start()
        logs = [tmp_path / "record.log", tmp_path / "impatient.log"]
        wait_until(
            lambda: all("no broker to read from" in log.read_text() for log in logs), 60, "they say what they wait for"
        )
        assert stop(cluster, "impatient") == 0
        broker.start()
        cluster.watch("record").wait_ready()
        assert stop(cluster, "record") == 0


# --- health and the end ---------------------------------------------------------------------------------------------


def test_a_restart_redoes_nothing_and_a_replaying_worker_is_alive_but_not_ready(
    cluster: Cluster, tmp_path: Path
) -> None:
    stream, rules = tmp_path / "stream", tmp_path / "rules"
    generate(GeneratorSettings(seed=11, events=2_000), stream)
    shutil.copytree(RULES, rules)
    shutil.copytree(stream / "lists", rules / "lists", dirs_exist_ok=True)
    expected = embedded(stream, rules, f"sqlite:///{tmp_path / 'expected.db'}")
    cluster.prepare(rules)
    for role in ROLES:
        cluster.start(role, role)
    files = sorted(str(each) for each in stream.glob("*.jsonl"))
    cluster.run("produce", *files, "--end", "--wait", "60")
    cluster.wait_for(expected)
    assert [stop(cluster, role) for role in ROLES] == [0, 0, 0]
    assert_everything_is_committed(cluster)
    # Without snapshots the whole log is replayed.
    drop_topics(cluster.bootstrap, (SNAPSHOTS,))
    cluster.run("topics", "create")
    cluster.start("intake", "intake-again")
    cluster.start("record", "record-again")
    cluster.start("detect", "detect-again", SLOW)
    again = [cluster.watch(f"{role}-again") for role in ROLES]
    again[1].wait_not_ready("replaying the activity log")
    for one in again:
        one.wait_ready()
    intake, detect, record = again
    assert detect.total("payweir_events_total", outcome="accepted") > 1_500
    wait_until(lambda: record.total("payweir_lag_records") == 0, 30, "all is written")
    assert intake.total("payweir_records_total") == 0
    assert detect.total("payweir_outcomes_total") == 0
    assert detect.total("payweir_alerts_total") == 0
    assert intake.total("payweir_found_total") == sum(
        end for topic in SOURCES for end in end_offsets(cluster.bootstrap, topic, 4).values()
    )
    assert [stop(cluster, f"{role}-again") for role in ROLES] == [0, 0, 0]
    assert cluster.found() == expected
    assert "is in order" in cluster.run("store", "check", "--store", cluster.store_url)


def assert_everything_is_committed(cluster: Cluster) -> None:
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    for role, topics in (("intake", SOURCES), ("detect", ("activity",)), ("record", ("alerts",))):
        group = f"{cluster.settings['PAYWEIR_PREFIX']}-{role}"
        stored = {(tp.topic, tp.partition): one.offset for tp, one in admin.list_group_offsets(group)[group].items()}
        for topic in topics:
            ends = end_offsets(cluster.bootstrap, topic, 4 if topic in SOURCES else PARTITIONS)
            assert {place: stored.get((topic, place), 0) for place in ends} == ends
    admin.close()


def test_a_worker_without_partitions_is_alive_but_not_ready_and_listens_on_loopback_only(cluster: Cluster) -> None:
    cluster.partitions = 1
    cluster.prepare(RULES)
    cluster.start("detect", "first")
    cluster.watch("first").wait_ready()
    cluster.start("detect", "second")
    first, second = cluster.watch("first"), cluster.watch("second")
    wait_until(
        lambda: sorted(one.get("/health/ready")[0] for one in (first, second)) == [200, 503],
        30,
        "one has nothing to do",
    )
    [idle] = [one for one in (first, second) if one.get("/health/ready")[0] == 503]
    idle.wait_not_ready("no partitions assigned yet")
    assert listening_addresses(idle.port()) == {"0100007F"}
    code, said = ended(cluster, "detect", PAYWEIR_METRICS_PORT=str(idle.port()))
    assert code == 2
    assert f"metrics_port: cannot listen on 127.0.0.1:{idle.port()}" in said


def listening_addresses(port: int) -> set[str]:
    """Addresses on which somebody listens at this port, as the kernel writes them (127.0.0.1 is 0100007F)."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, _, number = local.rpartition(":")
            if state == "0A" and int(number, 16) == port:
                found.add(address)
    return found
