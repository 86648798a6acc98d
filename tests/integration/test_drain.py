"""``payweir worker --drain`` on a real broker: what is there is finished, committed and kept; and a planted gap is found."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from streams.replay.generator import GeneratorSettings, generate
from streams.settings.topics import ACTIVITY
from tests.integration.test_worker_life import assert_everything_is_committed
from tests.rig.cluster import COMMAND, Cluster, embedded
from tests.rig.kafka import KafkaBroker, end_offsets
from tests.rig.topics import delete_before, drop_topics

pytestmark = pytest.mark.integration

RULES = Path(__file__).parents[2] / "rules"
ENDLESS_SECONDS = 120


@pytest.fixture
def cluster(kafka: KafkaBroker, tmp_path: Path) -> Iterator[Cluster]:
    drop_topics(kafka.bootstrap)
    with Cluster(kafka.bootstrap, f"sqlite:///{tmp_path / 'payweir.db'}", tmp_path, 2) as made:
        made.settings["PAYWEIR_PREFIX"] = f"drain-{tmp_path.name.replace('_', '-')}"
        yield made
    drop_topics(kafka.bootstrap)


def drain(cluster: Cluster, role: str = "all", command: tuple[str, ...] = COMMAND) -> str:
    """Drain; it must end by itself with 0. Gives its log."""
    done = subprocess.run(
        [*command, "worker", "--role", role, "--drain"],
        env=cluster.environment(), capture_output=True, text=True, check=False, timeout=ENDLESS_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr


def findings(cluster: Cluster) -> dict[str, str]:
    """What ``store check`` finds; its exit code must say whether it is anything."""
    done = subprocess.run(
        [*COMMAND, "store", "check", "--store", cluster.store_url, "--json"],
        env=cluster.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = {one["kind"]: one["text"] for one in msgspec.json.decode(done.stdout)}
    assert done.returncode == bool(found), done.stderr
    return found


def test_a_drained_pipeline_has_written_everything_and_leaves_nothing_to_evaluate_again(
    cluster: Cluster, tmp_path: Path
) -> None:
    stream, rules = tmp_path / "stream", tmp_path / "rules"
    generate(GeneratorSettings(seed=11, events=1_000), stream)
    shutil.copytree(RULES, rules)
    shutil.copytree(stream / "lists", rules / "lists", dirs_exist_ok=True)
    cluster.settings["PAYWEIR_SNAPSHOT_SECONDS"] = "3600"
    cluster.prepare(rules)
    cluster.run("produce", *sorted(str(each) for each in stream.glob("*.jsonl")))
    drain(cluster, "intake")
    cluster.run("produce", str(stream / "accounts.jsonl"), "--end")
    drain(cluster)
    assert_everything_is_committed(cluster)
    assert cluster.found() == embedded(stream, rules, f"sqlite:///{tmp_path / 'expected.db'}")
    assert findings(cluster) == {}
    again = drain(cluster, "detect")
    for place, end in end_offsets(cluster.bootstrap, ACTIVITY, 2).items():
        assert f"'activity-{place}': {end}" in again, "reading begins at the end, right after the last snapshot"


def test_a_stretch_that_was_lost_on_the_way_is_found_by_the_check(cluster: Cluster, tmp_path: Path) -> None:
    """One stretch is omitted between intake and detection, one is deleted from its source before intake reads it."""
    cluster.settings["PAYWEIR_SOURCE_PARTITIONS"] = "1"
    cluster.prepare(RULES)
    generate(GeneratorSettings(seed=11, events=1_000), tmp_path)
    lines = (tmp_path / "payments.jsonl").read_bytes().splitlines(keepends=True)[:400]
    for name, part in (("first", lines[:200]), ("second", lines[200:])):
        (tmp_path / f"{name}.jsonl").write_bytes(b"".join(part))
    cluster.run("produce", str(tmp_path / "first.jsonl"))
    drain(cluster, "intake", (sys.executable, "-m", "tests.rig.omitting"))
    cluster.run("produce", str(tmp_path / "second.jsonl"))
    delete_before(cluster.bootstrap, "payments", 0, 250)
    drain(cluster)
    found = findings(cluster)
    assert found.keys() == {"records-not-accounted-for", "records-gone-before-they-were-read"}
    assert "differ for 1 sources (payments/0: 350 found" in found["records-not-accounted-for"]
    assert "payments/0: 50 offsets" in found["records-gone-before-they-were-read"]
