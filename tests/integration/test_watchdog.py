"""A worker that is stuck is ended with a code of its own; one that waits for a service, or has nothing to do, is not."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.agents.watchdog import EXIT_STUCK
from streams.replay.generator import GeneratorSettings, generate
from tests.rig.cluster import Cluster
from tests.rig.kafka import KafkaBroker
from tests.rig.postgres import GivenServer, PostgresServer
from tests.rig.process import wait_until
from tests.rig.topics import drop_topics

pytestmark = pytest.mark.integration

RULES = Path(__file__).parents[2] / "rules"
ROLES = ("intake", "detect", "record")
WATCHDOG_SECONDS = 8
AWAY_SECONDS = 2.2 * WATCHDOG_SECONDS


@pytest.fixture
def cluster(kafka: KafkaBroker, database_url: str, tmp_path: Path) -> Iterator[Cluster]:
    drop_topics(kafka.bootstrap)
    with Cluster(kafka.bootstrap, database_url, tmp_path, 2) as made:
        made.settings["PAYWEIR_PREFIX"] = f"watchdog-{tmp_path.name.replace('_', '-')}"
        made.settings["PAYWEIR_WATCHDOG_SECONDS"] = str(WATCHDOG_SECONDS)
        made.prepare(RULES)
        yield made
    drop_topics(kafka.bootstrap)


def test_a_stuck_worker_is_ended_with_its_own_code_and_its_successor_goes_on(cluster: Cluster, tmp_path: Path) -> None:
    said = {
        "loop": "the event loop has had no turn",
        "wait": "records wait and no position moves: activity/",
        "fetch": "records wait and no position moves: activity/",
        "term": "it is no member of its consumer group",
    }
    for fault in said:
        # Each in a group of its own, so that none waits for another.
        cluster.settings["PAYWEIR_PREFIX"] = f"watchdog-{fault}"
        cluster.start("detect", fault, (sys.executable, "-m", "tests.rig.wedged", fault))
    for fault, reason in said.items():
        worker = cluster.workers.pop(fault)
        assert worker.wait(60) == EXIT_STUCK, (tmp_path / f"{fault}.log").read_text()
        log = (tmp_path / f"{fault}.log").read_text()
        assert reason in log
        assert "Thread 0x" in log, "where everything stood is in the log"
    cluster.start("detect", "successor")
    cluster.watch("successor").wait_ready()


def test_a_worker_that_waits_for_a_service_is_not_ended(
    kafka: KafkaBroker, postgres: PostgresServer, cluster: Cluster, tmp_path: Path
) -> None:
    """First the broker is frozen (connections stay open), then the store is gone, while intake and detect have nothing to do."""
    if kafka.version == "given" or isinstance(postgres, GivenServer):
        pytest.xfail("a service from the environment cannot be paused")
    for role in ROLES:
        cluster.start(role, role)
    for role in ROLES:
        cluster.watch(role).wait_ready()
    kafka.pause()
    try:
        time.sleep(AWAY_SECONDS)
    finally:
        kafka.resume()
    for role in ROLES:
        cluster.watch(role).wait_ready()
    generate(GeneratorSettings(events=1_000), tmp_path / "stream")
    postgres.stop()
    try:
        cluster.run("produce", str(tmp_path / "stream" / "payments.jsonl"))
        record = cluster.watch("record")
        wait_until(lambda: record.total("payweir_lag_records", topic="alerts") > 0, 60, "alerts wait")
        time.sleep(AWAY_SECONDS)
    finally:
        postgres.start()
    wait_until(lambda: record.total("payweir_lag_records", topic="alerts") == 0, 60, "the lag is gone")
    logs = {role: (tmp_path / f"{role}.log").read_text() for role in ROLES}
    assert [line for log in logs.values() for line in log.splitlines() if "CRITICAL" in line] == []
    assert [worker.poll() for worker in cluster.workers.values()] == [None, None, None]
    assert "a service is away" in logs["detect"], "the broker was asked and did not answer"
    assert "a service is away" in logs["record"], "the store was asked and did not answer"
