"""The drill of deploy/README.md: store and snapshots are lost; Kafka and last night's backup bring everything back."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from streams.settings.topics import SNAPSHOTS
from tests.integration.test_kafka_equals_embedded import Stream, make_stream
from tests.integration.test_several_hosts import parts
from tests.rig.cluster import Cluster
from tests.rig.kafka import KafkaBroker
from tests.rig.postgres import BIN, PostgresServer
from tests.rig.process import wait_until
from tests.rig.topics import drop_topics

pytestmark = pytest.mark.integration

EVENTS = 3_000
ROLES = ("intake", "detect", "record")
PATIENCE_SECONDS = 90


def tool(name: str, *words: str) -> None:
    done = subprocess.run([BIN / name, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def libpq(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def rewind(bootstrap: str, group: str) -> None:
    """What kafka-consumer-groups.sh --reset-offsets --to-earliest does; the tool itself is not among the broker's jars.

    The group must be seen as empty first: its killed worker is a member until its session is over. Like the tool, and unlike the
    client's own ``reset_group_offsets``, it clears the metadata of the positions, where intake keeps its watermarks.
    """
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)

    def done() -> bool:
        try:
            places = admin.list_group_offsets(group)[group]
            admin.alter_group_offsets(group, dict.fromkeys(places, OffsetAndMetadata(0, "", -1)))
        except KafkaError:
            return False
        stand = admin.list_group_offsets(group)[group].values()
        return all((place.offset, place.metadata) == (0, "") for place in stand)

    try:
        wait_until(done, PATIENCE_SECONDS, f"{group} stands at the beginning")
    finally:
        admin.close()


def disks(broker: KafkaBroker, events: int) -> Iterator[str]:
    """Bytes on the broker's disk, by topic and event; not of topics that are about to go."""
    sizes: dict[str, int] = {}
    for log in broker.data.glob("*-*[0-9]/*.log"):
        topic = log.parent.name.rpartition("-")[0]
        sizes[topic] = sizes.get(topic, 0) + log.stat().st_size
    for topic, size in sorted(sizes.items()):
        if not topic.startswith("_"):
            yield f"{topic}: {size / events:,.0f} bytes per event"


def one_alert(cluster: Cluster) -> str:
    listed = json.loads(cluster.run("alerts", "list", "--store", cluster.store_url, "--json"))
    return str(listed[0]["alert_id"])


def test_kafka_and_a_backup_bring_everything_back(tmp_path: Path, postgres: PostgresServer, said: list[str]) -> None:
    stream = make_stream(tmp_path, EVENTS)
    first, second, third = parts(tmp_path, stream.folder)
    with KafkaBroker() as broker, Cluster(broker.bootstrap, postgres.create_database(), tmp_path, 2) as cluster:
        cluster.prepare(stream.rules)
        for role in ROLES:
            cluster.start(role, role)
        cluster.run("produce", *map(str, first))
        wait_until(lambda: len(cluster.found()) > 0, PATIENCE_SECONDS, "alerts are stored")
        worked = one_alert(cluster)
        cluster.run("alerts", "set", worked, "--status", "working", "--store", cluster.store_url)
        backup = tmp_path / "backup"
        tool("pg_dump", "--format=custom", f"--file={backup}", libpq(cluster.store_url))
        at_backup = len(cluster.found())
        said.append(f"backup taken: {at_backup} alerts, one of them in the hands of a person")
        cluster.run("produce", *map(str, second))
        wait_until(lambda: len(cluster.found()) > at_backup, PATIENCE_SECONDS, "more alerts are stored")
        said.append(f"fed on: {len(cluster.found())} alerts")
        lose_everything(cluster, postgres)
        said.append("lost: all workers, the store, the topic snapshots")
        restore(cluster, postgres, backup)
        said.append(f"backup restored into an empty database: {len(cluster.found())} alerts")
        rewind(broker.bootstrap, "payweir-record")
        cluster.run("topics", "create")
        cluster.run("store", "upgrade", "--store", cluster.store_url)
        for role in ROLES:
            cluster.start(role, f"{role}-again")
        cluster.run("produce", *map(str, third), "--end", "--wait", "90")
        cluster.wait_for(stream.expected)
        check(cluster, stream, worked)
        said.append(
            f"workers started, the rest fed: {len(stream.expected)} alerts, equal to those of a run without loss"
        )
        said.extend(disks(broker, EVENTS))


def lose_everything(cluster: Cluster, postgres: PostgresServer) -> None:
    for name in list(cluster.workers):
        cluster.kill(name)
    postgres.drop_database(cluster.store_url)
    drop_topics(cluster.bootstrap, (SNAPSHOTS,))


def restore(cluster: Cluster, postgres: PostgresServer, backup: Path) -> None:
    cluster.store_url = postgres.create_database()
    tool("pg_restore", "--no-owner", f"--dbname={libpq(cluster.store_url)}", str(backup))


def check(cluster: Cluster, stream: Stream, worked: str) -> None:
    """What a person did before the backup is there, the store finds itself complete."""
    shown = json.loads(cluster.run("alerts", "show", worked, "--store", cluster.store_url, "--json"))
    assert shown["alert"]["status"] == "working"
    assert len(cluster.found()) == len(stream.expected)
    cluster.run("store", "check", "--store", cluster.store_url)
