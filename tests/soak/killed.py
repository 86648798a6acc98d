"""A kill in the middle of a backlog read at full speed: the alerts are the same, and what the successor needs is printed."""

import subprocess
import time
from pathlib import Path
from typing import Final

from tests.integration.test_kafka_equals_embedded import make_stream, start_two_of_each
from tests.rig.cluster import COMMAND, Cluster
from tests.rig.kafka import KafkaBroker
from tests.rig.postgres import PostgresServer
from tests.rig.process import wait_until
from tests.rig.watch import Watch

KILLED: Final = "killed-at-full-speed"
_SNAPSHOT_SECONDS: Final = 10
_SECONDS_MIN: Final = 900.0
_EVENTS_PER_SECOND_MIN: Final = 200


def killed_at_full_speed(events: int, folder: Path, seed: int) -> str:
    """One of two detect workers ends by SIGKILL when half is detected; the other, and its successor, go on."""
    stream = make_stream(folder, events, seed)
    patience = _SECONDS_MIN + events / _EVENTS_PER_SECOND_MIN
    with (
        KafkaBroker() as broker,
        PostgresServer() as postgres,
        Cluster(broker.bootstrap, postgres.create_database(), folder) as cluster,
    ):
        cluster.patience_seconds = patience
        cluster.settings["PAYWEIR_SNAPSHOT_SECONDS"] = str(_SNAPSHOT_SECONDS)
        cluster.prepare(stream.rules)
        start_two_of_each(cluster)
        begun = time.monotonic()
        feeding = subprocess.Popen([*COMMAND, "produce", *stream.files], env=cluster.environment())
        doomed, other = cluster.watch("detect-a"), cluster.watch("detect-b")
        wait_until(lambda: _accepted(doomed) + _accepted(other) > events // 2, patience, "half is detected")
        behind = doomed.total("payweir_lag_records")
        cluster.kill("detect-a")
        killed = time.monotonic()
        cluster.start("detect", "detect-c")
        successor = cluster.watch("detect-c")
        wait_until(lambda: successor.get("/health/ready")[0] == 200, patience, "the successor is ready")
        recovery = time.monotonic() - killed
        assert feeding.wait(patience) == 0
        nothing = folder / "nothing.jsonl"
        nothing.touch()
        cluster.run("produce", str(nothing), "--end", "--wait", str(patience))
        cluster.wait_for(stream.expected)
        return (
            f"{events:,} events in {time.monotonic() - begun:.0f} s, kill -9 {behind:.0f} log records behind; recovered after "
            f"{recovery:.1f} s (session time-out 6 s within); {len(stream.expected):,} alerts as embedded"
        )


def _accepted(watch: Watch) -> float:
    return watch.total("payweir_events_total", outcome="accepted")
