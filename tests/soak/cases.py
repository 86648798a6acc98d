"""The cases of the soak: simulated schedules, the order matrix, streams and labelled sets through two workers of every role."""

import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sqlalchemy import func, select

from streams.store import open_store
from streams.store.engine import reading
from streams.store.schema import alerts
from tests.integration.test_kafka_equals_embedded import Stream, lowered_rules, make_stream, start_two_of_each
from tests.rig import oracle
from tests.rig.cluster import Cluster, embedded
from tests.rig.kafka import KafkaBroker
from tests.rig.order_data import Payment, payments
from tests.rig.order_kafka import Cell, faults_of, run_cell
from tests.rig.postgres import PostgresServer
from tests.rig.settings import rig_settings
from tests.simulation.campaign import campaign

PAYMENTS: Final = 300_000
EVENTS: Final = 100_000
SCHEDULES: Final = 2_000
DOWN_SECONDS: Final = 60
PATIENCE_SECONDS: Final = 1_500.0
Case = Callable[[Path, int], str]
"""Runs in an empty folder with a seed; gives what was seen, raises AssertionError when that is wrong."""


@cache
def _ordered(seed: int) -> tuple[list[Payment], dict[oracle.Bucket, list[str]]]:
    known = payments(PAYMENTS, seed)
    return known, oracle.hits(known)


def _order(cell: Cell, folder: Path, seed: int) -> str:
    known, truth = _ordered(seed)
    with PostgresServer() as postgres:
        cluster = run_cell(cell, known, folder, postgres, PATIENCE_SECONDS)
        faults = faults_of(cluster, truth, known)
        assert not faults, f"{len(faults)} alerts differ: {faults[:3]}"
        hits = sum(len(ids) for ids in truth.values())
        return f"{PAYMENTS:,} payments, {len(truth):,} alerts, {hits:,} hits as in SQL; {_lives(cluster.store_url)}"


def _lives(store_url: str) -> str:
    """Count alerts by state, and those that were amended."""
    with open_store(store_url) as store, reading(store.engine) as connection:
        states = connection.execute(select(alerts.c.engine_state, func.count()).group_by(alerts.c.engine_state)).all()
    return ", ".join(f"{count:,} {state}" for state, count in sorted(map(tuple, states)))


@cache
def _stream(seed: int) -> tuple[TemporaryDirectory[str], Stream]:
    folder = TemporaryDirectory(prefix="payweir-soak-")
    return folder, make_stream(Path(folder.name), EVENTS, seed)


def _whole(meanwhile: str, folder: Path, seed: int) -> str:
    """Two workers of every role; ``meanwhile`` says what happens to them."""
    _, stream = _stream(seed)
    with (
        KafkaBroker() as broker,
        PostgresServer() as postgres,
        Cluster(broker.bootstrap, postgres.create_database(), folder) as cluster,
    ):
        cluster.patience_seconds = PATIENCE_SECONDS
        cluster.prepare(stream.rules)
        start_two_of_each(cluster)
        if meanwhile == "store-down":
            postgres.stop()
        cluster.run("produce", *stream.files, "--repeat", "2" if meanwhile == "twice" else "1", "--end")
        if meanwhile == "store-down":
            time.sleep(DOWN_SECONDS)
            cluster.check_alive()
            postgres.start()
        elif meanwhile == "killed":
            while not cluster.found():
                time.sleep(0.2)
            cluster.kill("detect-a")
            cluster.start("detect", "detect-c")
        cluster.wait_for(stream.expected)
        return f"{EVENTS:,} events, {len(stream.expected)} alerts as embedded; {_lives(cluster.store_url)}"


def _simulation(number: int, _folder: Path, seed: int) -> str:
    """Simulated schedules, no two cases with a seed in common."""
    first = seed * 1_000_000 + number * SCHEDULES
    tally = campaign(range(first, first + SCHEDULES))
    assert not tally.failed, tally.failed[:3]
    return f"seeds from {first}: {tally}"


def _labelled(folder: Path, _seed: int) -> str:
    """Every set of the folder ``PAYWEIR_LABELLED`` names, whole, through two workers of every role."""
    sets = sorted((rig_settings().labelled or folder).glob("*.events.jsonl.gz"))
    assert sets, "PAYWEIR_LABELLED names no folder of labelled sets"
    rules, told = lowered_rules(folder), []
    for number, file in enumerate(sets):
        expected = embedded(file, rules, f"sqlite:///{folder / f'{number}.db'}", "labelled")
        logs = folder / str(number)
        logs.mkdir()
        with (
            KafkaBroker() as broker,
            PostgresServer() as postgres,
            Cluster(broker.bootstrap, postgres.create_database(), logs) as cluster,
        ):
            cluster.patience_seconds = PATIENCE_SECONDS
            cluster.prepare(rules)
            start_two_of_each(cluster)
            cluster.run("produce", str(file), "--format", "labelled", "--end")
            cluster.wait_for(expected)
        told.append(f"{file.name.partition('.')[0]}: {len(expected):,} alerts as embedded")
    return "; ".join(told)


CASES: Final[dict[str, Case]] = {
    "labelled": _labelled,
    **{f"simulation-{number}": partial(_simulation, number) for number in range(50)},
    **{f"events-100000-{word}": partial(_whole, word) for word in ("calm", "killed", "twice", "store-down")},
    **{
        f"order-{sources}-{'backlog' if backlog else 'live'}-{workers}": partial(
            _order, Cell(sources, backlog, workers)
        )
        for sources in (1, 4, 16)
        for backlog in (False, True)
        for workers in (1, 2)
    },
}
