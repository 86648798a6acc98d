"""One run: a stream at a steady rate, faults one after the other, and then the oracle."""

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from streams.cli.run import load_programs
from streams.store.reader import ingest_totals
from streams.store.writer import open_store
from tests.chaos import oracle
from tests.chaos.faults import FAULTS, SESSION_SECONDS, Scene
from tests.chaos.supervisor import Supervisor
from tests.integration.test_kafka_equals_embedded import Stream, make_stream
from tests.rig.cluster import Cluster
from tests.rig.kafka import KafkaBroker
from tests.rig.postgres import PostgresServer
from tests.rig.process import wait_until

SETTLE_SECONDS: Final = 300.0


@dataclass(slots=True)
class Outcome:
    """What came of a run: faults made, by kind, what is wrong, and how the workers ended."""

    made: Counter[str] = field(default_factory=Counter)
    not_reached: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    alerts: int = 0
    exits: Counter[tuple[str, int]] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Size:
    """How big a run is."""

    events: int = 12_000
    rate: int = 150
    """Records a second; while they last, faults are made."""


def run(names: list[str], seed: int, folder: Path, size: Size) -> Outcome:
    """Make the named faults in turn while the stream flows; ``seed`` draws the stream and every choice."""
    outcome = Outcome()
    stream = make_stream(folder, size.events, seed)
    with open_store(f"sqlite:///{folder / 'expected.db'}") as store:
        accepted = sum(each.accepted for each in ingest_totals(store))
    with (
        KafkaBroker() as broker,
        PostgresServer() as postgres,
        Cluster(broker.bootstrap, postgres.create_database(), folder) as cluster,
    ):
        cluster.settings["PAYWEIR_SESSION_TIMEOUT_SECONDS"] = str(SESSION_SECONDS)
        cluster.prepare(stream.rules)
        workers = Supervisor(cluster)
        workers.start()
        scene = Scene(workers, broker, postgres, Random(seed))
        with workers.feeding("produce", *stream.files, "--rate", str(size.rate)) as feeder:
            for name in names:
                workers.rest(scene.dice.uniform(0.5, 2.5))
                (outcome.made if FAULTS[name](scene) else outcome.not_reached)[name] += 1
            while feeder.poll() is None:
                workers.rest(0.5)
        if feeder.returncode:  # an outage longer than its patience: to send all again is what its message says
            cluster.run("produce", *stream.files)
        cluster.run("produce", str(_nothing(folder)), "--end", "--wait", str(SETTLE_SECONDS))
        _judge(outcome, workers, stream, accepted)
    return outcome


def _nothing(folder: Path) -> Path:
    path = folder / "nothing.jsonl"
    path.touch()
    return path


def _judge(outcome: Outcome, workers: Supervisor, stream: Stream, accepted: int) -> None:
    """Ask the oracle, once everything has come to rest."""
    cluster = workers.cluster
    until = time.monotonic() + SETTLE_SECONDS
    wrong = ["nothing was looked at"]
    while wrong and time.monotonic() < until:
        workers.rest(2)
        found = cluster.found()
        wrong = [f"alert missing: {stream.expected[each]}" for each in stream.expected.keys() - found.keys()]
        wrong += [f"alert too many: {found[each]}" for each in found.keys() - stream.expected.keys()]
        both = stream.expected.keys() & found.keys()
        wrong += [
            f"alert differs: {found[each]}, not {stream.expected[each]}"
            for each in both
            if found[each] != stream.expected[each]
        ]
        wrong += list(oracle.books(cluster, accepted))
    outcome.alerts, outcome.exits = len(cluster.found()), workers.exits.copy()
    wait_until(lambda: _snapshots_rest(workers), 30, "snapshots come to rest")
    programs = load_programs(stream.rules)
    outcome.wrong = wrong + list(oracle.states(cluster, programs))
    if outcome.wrong:
        outcome.wrong.append(cluster.logs())


def _snapshots_rest(workers: Supervisor) -> bool:
    """Let one more interval pass, so that the newest snapshot is one taken after the faults."""
    workers.rest(3)
    return True
