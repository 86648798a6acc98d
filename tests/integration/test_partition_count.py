"""The runbook's way to another number of partitions: a new log, rules from the beginning, history read again, the same alerts."""

import json
from pathlib import Path

import pytest

from streams.settings.topics import ACTIVITY, ALERTS, SNAPSHOTS
from streams.store import open_store
from streams.store.casework import Change, Status, set_alert
from tests.integration.store_questions import ask
from tests.integration.test_kafka_equals_embedded import make_stream
from tests.integration.test_restore_drill import one_alert, rewind
from tests.rig.cluster import UNAPPROVED, Cluster
from tests.rig.kafka import KafkaBroker
from tests.rig.postgres import PostgresServer
from tests.rig.topics import drop_topics

pytestmark = pytest.mark.integration

EVENTS = 2_000
ROLES = ("intake", "detect", "record")


def test_another_number_of_partitions_gives_the_same_alerts(tmp_path: Path, postgres: PostgresServer) -> None:
    stream = make_stream(tmp_path, EVENTS)
    with KafkaBroker() as broker, Cluster(broker.bootstrap, postgres.create_database(), tmp_path, 2) as cluster:
        cluster.prepare(stream.rules)
        for role in ROLES:
            cluster.start(role, role)
        cluster.run("produce", *stream.files, "--end", "--wait", "90")
        cluster.wait_for(stream.expected)
        worked = one_alert(cluster)
        with open_store(cluster.store_url) as store:
            set_alert(store, worked, Change("lin", Status.WORKING))
        for role in ROLES:
            cluster.stop(role)
        drop_topics(broker.bootstrap, (ACTIVITY, ALERTS, SNAPSHOTS))
        cluster.partitions = 3
        cluster.settings["PAYWEIR_EPOCH"] = "2"
        cluster.run("topics", "create")
        words = ("--from", "2000-01-01T00:00Z", "--emergency", UNAPPROVED)
        cluster.run("rules", "publish", str(stream.rules), *words)
        rewind(broker.bootstrap, "payweir-intake")
        for role in ROLES:
            cluster.start(role, f"{role}-again")
        nothing = tmp_path / "nothing.jsonl"
        nothing.touch()
        cluster.run("produce", str(nothing), "--end", "--wait", "90")
        cluster.wait_for(stream.expected)
        with open_store(cluster.store_url) as store:
            told = {
                alert_id for (alert_id,) in ask(store, "SELECT alert_id FROM v_alert_history WHERE revision_epoch = 2")
            }
            assert stream.expected.keys() <= told, "the new log has not said everything again"
        shown = json.loads(cluster.run("alerts", "show", worked, "--store", cluster.store_url, "--json"))
        assert shown["alert"]["status"] == "working"
        cluster.run("store", "check", "--store", cluster.store_url)
