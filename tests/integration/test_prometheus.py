"""A real Prometheus scrapes two real workers; alerts fire while the store is away and clear when it is back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from streams.replay.generator import GeneratorSettings, generate
from tests.rig.cluster import Cluster
from tests.rig.kafka import KafkaBroker
from tests.rig.postgres import PostgresServer
from tests.rig.process import wait_until
from tests.rig.prometheus import Prometheus
from tests.rig.topics import drop_topics

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus"
EVENTS = 3_000
PATIENCE_SECONDS = 90
# The rules as shipped, on the clock of a test: seconds for minutes, and some records for ten thousand.
FASTER = {
    "interval: 30s": "interval: 1s",
    "[5m]": "[10s]",
    "for: 5m": "for: 2s",
    "for: 2m": "for: 2s",
    "> 10000": "> 20",
}
CONFIG = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{folder}/recording.yaml, {folder}/alerts.yaml]
scrape_configs: [{{job_name: payweir, static_configs: [{{targets: {targets}}}]}}]
"""


@pytest.fixture
def cluster(kafka: KafkaBroker, tmp_path: Path) -> Iterator[tuple[Cluster, PostgresServer]]:
    drop_topics(kafka.bootstrap)
    with (
        PostgresServer() as server,
        Cluster(kafka.bootstrap, server.create_database(), tmp_path, 2) as made,
    ):
        made.settings["PAYWEIR_PREFIX"] = f"scraped-{tmp_path.name.replace('_', '-')}"
        yield made, server
    drop_topics(kafka.bootstrap)


def faster(folder: Path) -> Path:
    """Copy the shipped rules with shorter times; a text to replace that is not there is an error."""
    for name in ("recording.yaml", "alerts.yaml"):
        text = (RULES / name).read_text()
        for slow, quick in FASTER.items():
            assert slow in text or name != "alerts.yaml", slow
            text = text.replace(slow, quick)
        YAML(typ="safe").load(text)
        (folder / name).write_text(text)
    return folder


def firing(prometheus: Prometheus) -> set[str]:
    return {one.labels["alertname"] for one in prometheus.query('ALERTS{alertstate="firing"}')}


def test_the_lag_alert_fires_while_the_store_is_away_and_clears_when_it_is_back(
    cluster: tuple[Cluster, PostgresServer], tmp_path: Path
) -> None:
    workers, server = cluster
    generate(GeneratorSettings(seed=5, events=EVENTS), tmp_path / "stream")
    workers.prepare(ROOT / "rules")
    for name in ("record-a", "record-b"):
        workers.start("record", name)
    watches = [workers.watch(name) for name in ("record-a", "record-b")]
    for watch in watches:
        watch.wait_ready()
    targets = [f"127.0.0.1:{watch.port()}" for watch in watches]
    with Prometheus(CONFIG.format(folder=faster(tmp_path), targets=targets)) as prometheus:
        wait_until(
            lambda: sum(one.value for one in prometheus.query("up")) == 2, PATIENCE_SECONDS, "both workers are scraped"
        )
        assert {"PayweirLag", "PayweirStoreUnreachable"}.isdisjoint(firing(prometheus))
        server.stop()
        for role in ("intake", "detect"):
            workers.start(role, role)
        workers.run("produce", *map(str, sorted((tmp_path / "stream").glob("*.jsonl"))))
        wanted = {"PayweirLag", "PayweirStoreUnreachable"}
        wait_until(lambda: wanted <= firing(prometheus), PATIENCE_SECONDS, "lag and store are told")
        (lag,) = prometheus.query('ALERTS{alertname="PayweirLag",alertstate="firing"}')
        assert (lag.labels["topic"], lag.labels["severity"]) == ("alerts", "page")
        server.start()
        wait_until(lambda: wanted.isdisjoint(firing(prometheus)), PATIENCE_SECONDS, "both are over")
        assert sum(one.value for one in prometheus.query("payweir_lag_records")) == 0
        roles = {one.labels["role"] for one in prometheus.query("payweir_build_info")}
        assert roles == {"record"}
        workers.check_alive()
