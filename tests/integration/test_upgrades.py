"""From one release to the next on a real broker: what it left is gone on from, and there is no way back."""

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaProducer

from streams.agents.retry import EXIT_FORMAT
from streams.alerts.codec import encode_outcome
from streams.alerts.compose import ENGINE
from streams.alerts.model import Outcome
from streams.legs import unpack
from streams.pipeline.snapshot import manifest_of
from streams.pipeline.snapshot.forms import MANIFEST_KEY, SNAPSHOT_VERSION
from streams.settings.topics import ACTIVITY, ALERTS, RULESETS, SNAPSHOTS
from streams.store.reader import Standing, standing
from streams.store.writer import open_store
from tests.golden.golden import Golden, blank, engines, read
from tests.rig.activity import fold
from tests.rig.cluster import Cluster
from tests.rig.kafka import KafkaBroker
from tests.rig.process import wait_until
from tests.rig.topics import delete_before, drop_topics
from tests.unit.pipeline.test_golden import with_manifest

pytestmark = pytest.mark.integration

RULES = Path(__file__).parents[2] / "rules"
Entries = list[tuple[bytes | None, bytes]]


@pytest.fixture
def cluster(kafka: KafkaBroker, tmp_path: Path) -> Iterator[Cluster]:
    drop_topics(kafka.bootstrap)
    with Cluster(kafka.bootstrap, f"sqlite:///{tmp_path / 'payweir.db'}", tmp_path, 1) as made:
        made.settings |= {
            "PAYWEIR_PREFIX": f"upgrade-{tmp_path.name.replace('_', '-')}",
            "PAYWEIR_SOURCE_PARTITIONS": "1",
        }
        yield made
    drop_topics(kafka.bootstrap)


def outcomes(golden: Golden) -> list[tuple[int, Outcome]]:
    """What follows from the log, by offset. Of an older engine's log too, since only what was told before is looked at."""
    programs = golden.programs
    told = fold(blank(), golden.log, {programs.ruleset.digest: programs}, len(golden.log))
    return [(at, each) for at, each in told if isinstance(each, Outcome)]


def send(bootstrap: str, topic: str, entries: Entries) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=20, max_request_size=8 << 20)
    for key, value in entries:
        producer.send(topic, value, key, partition=0)
    producer.flush()
    producer.close()


def leave(cluster: Cluster, golden: Golden, snapshot: dict[bytes, bytes]) -> None:
    """Put into the topics what the old release left when it stopped right after its snapshot, with more in the log."""
    cluster.run("topics", "create")
    digest = golden.programs.ruleset.digest
    send(cluster.bootstrap, RULESETS, [(digest.encode(), golden.ruleset.encode())])
    send(cluster.bootstrap, ACTIVITY, [(None, record) for record in golden.log])
    send(cluster.bootstrap, SNAPSHOTS, [*snapshot.items()])


def expected(golden: Golden, url: str) -> dict[str, Standing]:
    with open_store(url) as store:
        store.write([each for _, each in outcomes(golden)])
        return standing(store)


@pytest.mark.parametrize("engine", engines())
def test_what_the_previous_release_left_is_gone_on_from(cluster: Cluster, tmp_path: Path, engine: int) -> None:
    golden = read(engine)
    wanted = expected(golden, f"sqlite:///{tmp_path / 'expected.db'}")
    assert len(wanted) > 20
    leave(cluster, golden, golden.snapshot)
    manifest = manifest_of(golden.snapshot)
    assert manifest is not None
    before = [encode_outcome(each) for at, each in outcomes(golden) if at < manifest.acknowledged]
    send(cluster.bootstrap, ALERTS, [(None, each) for each in before])
    cluster.start("detect", "detect")
    cluster.start("record", "record")
    cluster.wait_for(wanted)
    assert cluster.watch("detect").total("payweir_outcomes_total") < len(before), "nothing was told anew"


def test_a_snapshot_too_old_to_be_read_is_made_anew_while_the_log_has_everything_and_refused_after(
    cluster: Cluster, tmp_path: Path
) -> None:
    golden = read(ENGINE)
    old = with_manifest(golden.snapshot, 0, 0) | {b"b:1:1:of-the-old-format": b"\x00"}
    leave(cluster, golden, old)
    cluster.start("detect", "detect")
    cluster.start("record", "record")
    cluster.wait_for(expected(golden, f"sqlite:///{tmp_path / 'expected.db'}"))
    assert "it is made anew from the log" in (tmp_path / "detect.log").read_text()
    cluster.kill("detect")
    send(cluster.bootstrap, SNAPSHOTS, [(MANIFEST_KEY, old[MANIFEST_KEY])])
    delete_before(cluster.bootstrap, ACTIVITY, 0, 3)
    assert refused(cluster, "too-late") == EXIT_FORMAT
    assert "the log begins at 3, so it cannot be made anew" in (tmp_path / "too-late.log").read_text()
    send(cluster.bootstrap, SNAPSHOTS, [*with_manifest(golden.snapshot, 0, SNAPSHOT_VERSION + 1).items()])
    assert refused(cluster, "downgrade") == EXIT_FORMAT
    log = (tmp_path / "downgrade.log").read_text()
    assert "a newer version of Payweir wrote it; start that one" in log
    assert "Traceback" not in log


def refused(cluster: Cluster, name: str) -> int:
    code = cluster.start("detect", name).wait(60)
    del cluster.workers[name]
    return code


def test_of_two_engines_in_one_group_the_newer_takes_over_and_the_older_ends(cluster: Cluster, tmp_path: Path) -> None:
    """A rolling upgrade that is half done: an old worker may not go on from what the new one has folded."""
    cluster.partitions = 2
    cluster.prepare(RULES)
    cluster.start("detect", "new", (sys.executable, "-m", "tests.rig.engine_number", str(ENGINE + 1)))
    new_log = tmp_path / "new.log"
    for place in (0, 1):
        said = f"activity/{place}: snapshot at offset"
        wait_until(lambda said=said: said in new_log.read_text(), 60, said)  # type: ignore[misc]
    assert refused(cluster, "old") == EXIT_FORMAT
    assert "start that one here too" in (tmp_path / "old.log").read_text()
    cluster.watch("new").wait_ready()
    wait_until(lambda: cluster.watch("new").total("payweir_subjects") >= 0, 5, "it answers")
    last = msgspec.msgpack.encode(unpack(read(ENGINE).log[-1]))
    send(cluster.bootstrap, ACTIVITY, [(None, last)])

    def behind() -> list[float]:
        return [each.value for each in cluster.watch("new").samples("payweir_lag_records")]

    wait_until(lambda: behind() == [0, 0], 60, "the newer holds all partitions")
