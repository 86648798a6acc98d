"""The same stream through Kafka and workers gives exactly the standing alerts of the embedded run."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from streams.alerts.model import Alert, AlertState
from streams.replay.generator import GeneratorSettings, generate
from streams.store.reader import Standing
from tests.rig import labelled_data
from tests.rig.cluster import Cluster, embedded
from tests.rig.kafka import KafkaBroker
from tests.rig.labelled_run import with_floors
from tests.rig.postgres import PostgresServer

EVENTS = 20_000
LABELLED_EVENTS = 6_000
LOWERED = "{CNY: 300, USD: 50, EUR: 50, JPY: 7000, SEK: 300}"
DOWN_SECONDS = 20
RULES = Path(__file__).parents[2] / "rules"
pytestmark = pytest.mark.integration


class Stream(NamedTuple):
    """A generated stream, its rules, and what the embedded run says of it."""

    folder: Path
    rules: Path
    expected: dict[str, Standing]

    @property
    def files(self) -> list[str]:
        return [str(each) for each in sorted(self.folder.glob("*.jsonl"))]


def make_stream(folder: Path, events: int, seed: int = 11) -> Stream:
    generate(GeneratorSettings(seed=seed, events=events, duplicates=0.01), folder / "stream")
    rules = folder / "rules"
    shutil.copytree(RULES, rules)
    shutil.copytree(folder / "stream" / "lists", rules / "lists", dirs_exist_ok=True)
    return Stream(folder / "stream", rules, embedded(folder / "stream", rules, f"sqlite:///{folder / 'expected.db'}"))


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Stream:
    return make_stream(tmp_path_factory.mktemp("stream"), EVENTS)


@pytest.fixture
def cluster(tmp_path: Path, postgres: PostgresServer, stream: Stream) -> Iterator[Cluster]:
    with KafkaBroker() as broker:
        url = postgres.create_database()
        with Cluster(broker.bootstrap, url, tmp_path) as made:
            made.prepare(stream.rules)
            yield made


def lowered_rules(folder: Path) -> Path:
    """Copy the shipped rules, two of them with floors so low that simulators' amounts, and a birthday's gifts, reach them."""
    rules = folder / "rules"
    shutil.copytree(RULES, rules)
    for name, text in with_floors(LOWERED).items():
        parts = text.split("\n  - name: ")
        kept = [part for part in parts if not part.startswith("silent on a gift")]
        (folder / name).write_text("\n  - name: ".join(kept), encoding="utf-8")
    return rules


def start_two_of_each(cluster: Cluster) -> None:
    for role in ("intake", "detect", "record"):
        cluster.start(role, f"{role}-a")
        cluster.start(role, f"{role}-b")


def test_two_workers_of_each_role_store_what_the_embedded_run_stores(cluster: Cluster, stream: Stream) -> None:
    start_two_of_each(cluster)
    cluster.run("produce", *stream.files, "--end")
    cluster.wait_for(stream.expected)
    for name in list(cluster.workers):
        cluster.stop(name)

    log = cluster.folder / "alerts.jsonl"
    past = ("--topics", "--rules", str(stream.rules))
    told = msgspec.json.decode(cluster.run("rules", "backtest", *past, "--alerts", str(log), "--json"))
    found = [msgspec.json.decode(line, type=Alert) for line in log.read_bytes().splitlines()]
    assert {each.alert_id for each in found if each.state is AlertState.STANDING} == stream.expected.keys()
    assert told["refused"] == {}
    with pytest.raises(AssertionError, match="nothing was appended to payments"):
        cluster.run("rules", "backtest", *past, "--appended", "2025-01-01..2025-02-01")
    same = msgspec.json.decode(cluster.run("rules", "diff", str(stream.rules), str(stream.rules), "--topics", "--json"))
    assert (same["found"], same["same"]) == (told["found"], len(stream.expected))


def test_a_labelled_set_says_on_kafka_what_it_says_embedded(tmp_path: Path, postgres: PostgresServer) -> None:
    made = labelled_data.make(tmp_path, LABELLED_EVENTS, seed=3)
    rules = lowered_rules(tmp_path)
    expected = embedded(made.labelled, rules, f"sqlite:///{tmp_path / 'expected.db'}", "labelled")
    assert len({each.rule_id for each in expected.values()}) >= 3
    with KafkaBroker() as broker, Cluster(broker.bootstrap, postgres.create_database(), tmp_path) as cluster:
        cluster.prepare(rules)
        start_two_of_each(cluster)
        cluster.run("produce", str(made.labelled), "--format", "labelled", "--end")
        cluster.wait_for(expected)


def test_a_detect_worker_killed_half_way_changes_nothing(cluster: Cluster, stream: Stream) -> None:
    cluster.start("intake")
    cluster.start("record")
    cluster.start("detect", "detect-a")
    cluster.start("detect", "detect-b")
    cluster.run("produce", *stream.files, "--end")
    until = time.monotonic() + 120
    while not cluster.found() and time.monotonic() < until:
        time.sleep(0.2)
    cluster.kill("detect-a")
    cluster.start("detect", "detect-c")
    cluster.wait_for(stream.expected)


def test_every_source_record_produced_twice_changes_nothing(cluster: Cluster, stream: Stream) -> None:
    start_two_of_each(cluster)
    cluster.run("produce", *stream.files, "--repeat", "2", "--end")
    cluster.wait_for(stream.expected)


def test_a_store_that_is_down_for_a_while_changes_nothing(tmp_path: Path, stream: Stream) -> None:
    with (
        KafkaBroker() as broker,
        PostgresServer() as server,
        Cluster(broker.bootstrap, server.create_database(), tmp_path) as cluster,
    ):
        cluster.prepare(stream.rules)
        start_two_of_each(cluster)
        server.stop()
        cluster.run("produce", *stream.files, "--end")
        time.sleep(DOWN_SECONDS)
        cluster.check_alive()
        server.start()
        cluster.wait_for(stream.expected)
