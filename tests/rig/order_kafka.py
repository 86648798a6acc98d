"""The order test through real Kafka and real workers, reduced to what the oracle speaks about."""

import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import select

from streams.store import open_store
from streams.store.engine import reading
from streams.store.schema import alerts
from tests.rig.cluster import COMMAND, Cluster
from tests.rig.kafka import KafkaBroker
from tests.rig.oracle import Bucket
from tests.rig.order_data import Payment
from tests.rig.order_run import FILES, ROOT, Found, differences
from tests.rig.postgres import PostgresServer

BROKEN: Final = (sys.executable, "-m", "tests.rig.arrival_order")
_ALL_FORGOTTEN: Final = 1 << 62
"""Hits are not in the store, only how many there are, the first and the last."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the matrix."""

    sources: int
    backlog: bool
    workers: int
    detect: tuple[str, ...] = COMMAND
    """Command line of the detect workers."""

    def __str__(self) -> str:
        """``4 sources, backlog, 2 workers``."""
        return f"{self.sources} sources, {'backlog' if self.backlog else 'live'}, {self.workers} workers"


def run_cell(cell: Cell, payments: list[Payment], folder: Path, postgres: PostgresServer, seconds: float) -> Cluster:
    """Take payments, in order of arrival, through a cluster, to the end of history; gives the cluster, stopped."""
    rules = folder / "rules"
    rules.mkdir()
    for name in FILES:
        shutil.copy(ROOT / name, rules)
    stream, nothing = folder / "payments.jsonl", folder / "nothing.jsonl"
    with stream.open("wb") as lines:
        lines.writelines(each.line() + b"\n" for each in payments)
    nothing.touch()
    with KafkaBroker() as broker, Cluster(broker.bootstrap, postgres.create_database(), folder) as cluster:
        cluster.settings["PAYWEIR_SOURCE_PARTITIONS"] = str(cell.sources)
        cluster.prepare(rules)
        if cell.backlog:
            cluster.run("produce", str(stream), "--round-robin")
        for number in range(cell.workers):
            for role in ("intake", "detect", "record"):
                cluster.start(role, f"{role}-{number}", cell.detect if role == "detect" else COMMAND)
        cluster.run(
            "produce", str(nothing if cell.backlog else stream), "--round-robin", "--end", "--wait", str(seconds)
        )
        _wait_for_detect(cluster, seconds)
        return cluster


def faults_of(cluster: Cluster, truth: dict[Bucket, list[str]], payments: list[Payment]) -> list[str]:
    """Name every alert of the store that is not as the oracle says."""
    return differences(Found(stored(cluster.store_url), {}, {}, _ALL_FORGOTTEN), truth, payments)


def stored(store_url: str) -> dict[Bucket, tuple[int, int, int]]:
    """Hits, first and last hit of every alert that stands."""
    columns = (
        alerts.c.rule_id, alerts.c.subject, alerts.c.currency, alerts.c.bucket_start, alerts.c.hits, alerts.c.first_hit,
        alerts.c.last_hit,
    )  # fmt: skip
    query = select(*columns).where(alerts.c.engine_state == "standing")
    with open_store(store_url) as store, reading(store.engine) as connection:
        return {Bucket(*row[:4]): tuple(row[4:]) for row in connection.execute(query)}


def _wait_for_detect(cluster: Cluster, seconds: float) -> None:
    """Wait until the store has not changed for a while and no worker lags behind."""
    until, before = time.monotonic() + seconds, None
    while time.monotonic() < until:
        time.sleep(3)
        cluster.check_alive()
        lag = sum(cluster.watch(name).total("payweir_lag_records") for name in cluster.workers if "intake" not in name)
        now = cluster.found()
        if lag == 0 and now == before and now:
            return
        before = now
    raise AssertionError(f"not settled within {seconds:g} s\n{cluster.logs()}")
