"""Broker, store and three workers on hosts of their own: one is cut off and comes back, the broker goes and comes back."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from streams.agents.retry import EXIT_FENCED
from tests.integration.test_kafka_equals_embedded import make_stream
from tests.rig.cluster import Cluster
from tests.rig.hosts import Hosts, hosts
from tests.rig.kafka import KafkaBroker
from tests.rig.postgres import PostgresServer
from tests.rig.process import wait_until

pytestmark = pytest.mark.integration

EVENTS = 3_000
WORKERS = ("worker-a", "worker-b", "worker-c")
BROKER_AWAY_SECONDS = 8
SESSION_SECONDS = 3
PATIENCE_SECONDS = 90
RIGHT_ENDS = {0, EXIT_FENCED}
"""A worker that was cut off may find on its return that another writes its snapshots; it ends, and who runs it starts it again."""


class Scene:
    """Workers that are started again when they end, as an init system or Kubernetes does; says what happens, with the time."""

    def __init__(self, net: Hosts, cluster: Cluster, say: list[str]) -> None:
        self.net, self.cluster, self.lines = net, cluster, say
        self.began = time.monotonic()
        self.dark: set[str] = set()

    def say(self, text: str) -> None:
        self.lines.append(f"{time.monotonic() - self.began:6.1f} s  {text}")

    def start(self, name: str) -> None:
        with self.net.on(name):
            self.cluster.settings["PAYWEIR_INSTANCE_ID"] = name
            self.cluster.start("all", name)

    def keep(self) -> None:
        """Start again what has ended."""
        for name, worker in list(self.cluster.workers.items()):
            if (code := worker.poll()) is not None and name not in self.dark:
                assert code in RIGHT_ENDS, f"{name} ended with {code}\n{self.cluster.logs()}"
                self.say(f"{name} ended with {code} and is started again")
                del self.cluster.workers[name]
                self.start(name)

    def rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.keep()
            time.sleep(0.2)

    def pids(self, name: str) -> list[int]:
        """The worker and its children."""
        worker = self.cluster.workers[name].pid
        with suppress(OSError):
            return [worker, *map(int, Path(f"/proc/{worker}/task/{worker}/children").read_text().split())]
        return [worker]

    def produce(self, files: list[Path], *words: str) -> None:
        with self.net.on("desk"):
            self.cluster.run("produce", *map(str, files), *words)

    def has_more_than(self, alerts: int) -> bool:
        """Look at the store, and start again whoever has ended meanwhile: nobody else does while this is waited for."""
        self.keep()
        return self.stored() > alerts

    def stored(self) -> int:
        with self.net.on("desk"):
            return len(self.cluster.found())


def parts(folder: Path, stream: Path) -> list[list[Path]]:
    """Three stretches of the stream, file by file."""
    pieces: list[list[Path]] = [[], [], []]
    for path in sorted(stream.glob("*.jsonl")):
        lines = path.read_bytes().splitlines(keepends=True)
        for number, piece in enumerate(pieces):
            part = folder / f"{number}-{path.name}"
            part.write_bytes(b"".join(lines[len(lines) * number // 3 : len(lines) * (number + 1) // 3]))
            piece.append(part)
    return pieces


def test_hosts_that_are_cut_off_and_come_back_change_no_alert(tmp_path: Path, said: list[str]) -> None:
    stream = make_stream(tmp_path, EVENTS)
    first, second, third = parts(tmp_path, stream.folder)
    with hosts("broker", "store", "desk", *WORKERS) as net:
        broker, store = KafkaBroker(host=net.address("broker")), PostgresServer(host=net.address("store"))
        with net.on("broker"), broker, net.on("store"), store, net.on("desk"):
            cluster = Cluster(broker.bootstrap, store.create_database(), tmp_path, 4)
            with cluster:
                cluster.settings["PAYWEIR_SESSION_TIMEOUT_SECONDS"] = str(SESSION_SECONDS)
                cluster.prepare(stream.rules)
                scene = Scene(net, cluster, said)
                scene.say(f"hosts are {net.kind}: broker, store, desk, {', '.join(WORKERS)}")
                for name in WORKERS:
                    scene.start(name)
                scene.produce(first)
                wait_until(lambda: scene.has_more_than(0), PATIENCE_SECONDS, "the first alerts are stored")
                scene.say(f"a third of {EVENTS} events is fed, {scene.stored()} alerts are stored")

                cut = scene.pids("worker-a")
                net.cut("worker-a", cut)
                scene.dark.add("worker-a")
                before = scene.stored()
                scene.say("worker-a is cut off")
                scene.produce(second)
                wait_until(lambda: scene.has_more_than(before), PATIENCE_SECONDS, "the others take over")
                scene.rest(2 * SESSION_SECONDS)
                scene.say(f"another third is fed, the others have taken over: {scene.stored()} alerts")
                net.heal("worker-a", cut)
                scene.dark.clear()
                scene.say("worker-a is back")
                scene.rest(2)

                net.cut("broker", [broker.pid])
                scene.say("the broker is away")
                scene.rest(BROKER_AWAY_SECONDS)
                net.heal("broker", [broker.pid])
                scene.say("the broker is back")
                scene.produce(third, "--end", "--wait", "90")
                cluster.check_alive = scene.keep  # type: ignore[method-assign]  # who ends is started again
                cluster.wait_for(stream.expected)
                scene.say(f"all is fed: {len(stream.expected)} alerts, equal to those of the embedded run")
                stop(cluster)
    assert any("worker-a is back" in line for line in said)


def stop(cluster: Cluster) -> None:
    for worker in cluster.workers.values():
        worker.send_signal(signal.SIGTERM)
    for worker in cluster.workers.values():
        try:
            worker.wait(30)
        except subprocess.TimeoutExpired:
            os.kill(worker.pid, signal.SIGKILL)
