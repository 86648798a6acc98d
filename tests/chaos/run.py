"""One run: a stream flows, faults are made in all lanes side by side, and then the oracle is asked."""

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Final

from kafka import KafkaAdminClient
from kafka.admin import NewPartitions
from kafka.errors import KafkaError

from streams.agents.retry import EXIT_BUG, EXIT_FENCED
from streams.cli.run import load_programs
from streams.settings.topics import ACTIVITY, ALERTS
from tests.chaos import oracle
from tests.chaos.faults import FAULTS, SESSION_SECONDS, Going, Scene
from tests.chaos.log import partitions_of
from tests.chaos.sql_faults import plant_constraint
from tests.chaos.stream import UNBEARABLE, Feeder, Stream, allow_large_records, make_stream
from tests.chaos.supervisor import ROLES, Supervisor
from tests.rig import troubled
from tests.rig.cluster import UNAPPROVED, Cluster, launch
from tests.rig.failing import EXIT_FAILPOINT
from tests.rig.kafka import KafkaBroker, end_offsets
from tests.rig.nursery import Nursery
from tests.rig.postgres import PostgresServer
from tests.rig.process import wait_until
from tests.rig.proxy import Proxy, kafka_names, sql_names
from tests.rig.settings import FAILPOINT
from tests.rig.settings import UNBEARABLE as UNBEARABLE_NAME

SETTLE_SECONDS: Final = 300.0
GRACE_SECONDS: Final = 40.0
"""What is wrong so long after everything came to rest is wrong."""
LANE_REST_SECONDS: Final = (0.2, 2.0)
_TICK_SECONDS: Final = 0.05
_LEFT_OUT_AFTER: Final = 3


@dataclass(slots=True)
class Outcome:
    """What came of a run: faults made, by kind, what is wrong, and how the workers ended."""

    made: Counter[str] = field(default_factory=Counter)
    not_reached: Counter[str] = field(default_factory=Counter)
    verdict: oracle.Verdict = field(default_factory=oracle.Verdict)
    alerts: int = 0
    amendments: int = 0
    sent_again: int = 0
    exits: Counter[tuple[str, int]] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Size:
    """How big a run is: a lane begins no fault after ``seconds``; the stream takes about as long."""

    events: int = 3_000
    seconds: float = 180.0


Lanes = Mapping[str, Sequence[str]]
"""Names of faults in the order they are made, by lane; when they are used up a lane begins anew if there is time."""


def run(lanes: Lanes, seed: int, folder: Path, size: Size, outcome: Outcome) -> None:
    """Make faults while the stream flows; ``seed`` draws the stream and every choice. ``raises`` must be in this process."""
    stream = make_stream(folder, size.events, seed)
    with stage(stream, seed, folder) as scene:
        workers = scene.workers
        feeder = Feeder(workers.cluster.bootstrap, stream.records, size.seconds)
        workers.start()
        feeder.start()
        make(lanes, scene, outcome, size.seconds)
        feeder.hurry.set()
        finish(feeder, workers)
        outcome.sent_again = feeder.again
        end_history(workers)
        judge(outcome, workers, stream)
        planted(outcome, workers, stream)
        unexpected(outcome, workers)
        refuse_more_partitions(outcome, workers)


def finish(feeder: Feeder, workers: Supervisor) -> None:
    """Wait for a feeder; meanwhile workers that end are started again."""
    while feeder.is_alive():
        workers.rest(0.2)
    assert feeder.fault is None, f"the feeder gave up: {feeder.fault!r}"


@contextmanager
def stage(
    stream: Stream, seed: int, folder: Path, settings: Mapping[str, Mapping[str, str]] | None = None
) -> Iterator[Scene]:
    """All real parts, with proxies between, and workers that are not started yet; ``settings`` by role."""
    with (
        Proxy(kafka_names) as kafka_proxy,
        KafkaBroker(kafka_proxy.port) as broker,
        PostgresServer() as postgres,
        Proxy(sql_names) as sql_proxy,
        Nursery() as nursery,
        Cluster(broker.bootstrap, postgres.create_database(), folder) as cluster,
    ):
        kafka_proxy.target, sql_proxy.target = broker.proxied_port, postgres.port
        cluster.launch = lambda command, environment, log: nursery.start(
            command[len(troubled.COMMAND) :], environment, log
        )  # fmt: skip
        cluster.settings |= {
            "PAYWEIR_SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS),
            UNBEARABLE_NAME: UNBEARABLE,
        }  # fmt: skip
        cluster.prepare(stream.rules)
        plant_constraint(cluster.store_url)
        allow_large_records(broker.bootstrap)
        by_proxy = {
            "PAYWEIR_BOOTSTRAP": f"127.0.0.1:{kafka_proxy.port}",
            "PAYWEIR_STORE_URL": cluster.store_url.replace(f":{postgres.port}/", f":{sql_proxy.port}/"),
        }
        workers = Supervisor(cluster, {"b": by_proxy, **(settings or {})})

        def publish(failpoint: str) -> int:
            """Publish the same rules for later; they stay the same rules, so alerts do not change."""
            words = (
                "rules", "publish", str(stream.rules), "--from", "2025-03-20T00:00:00+00:00", "--emergency", UNAPPROVED
            )  # fmt: skip
            code = 0
            environment = cluster.environment() | ({FAILPOINT: failpoint} if failpoint else {})
            del environment["PAYWEIR_STORE_URL"]  # without an audit log: the store may be down, and the log must go on
            for _ in range(10):
                command = [*troubled.COMMAND, *words]
                code = subprocess.run(command, env=environment, capture_output=True, check=False).returncode
                if failpoint or code == 0:
                    break
                time.sleep(3)
            return code

        yield Scene(workers, broker, postgres, kafka_proxy, sql_proxy, Random(seed), publish)


def make(lanes: Lanes, scene: Scene, outcome: Outcome, seconds: float | None = None) -> None:
    """Let every lane make its faults, once or for so long; returns when every fault begun is through."""
    until = None if seconds is None else time.monotonic() + seconds
    going = [_lane(names, scene, outcome, until) for names in lanes.values() if names]
    while going:
        going = [each for each in going if next(each, 1) is None]
        scene.workers.tick()
        time.sleep(_TICK_SECONDS)
    scene.workers.wake_all()


def _lane(names: Sequence[str], scene: Scene, outcome: Outcome, until: float | None) -> Iterator[None]:
    rest = Random(scene.dice.random())
    for name in names if until is None else cycle(names):
        pause = time.monotonic() + rest.uniform(*LANE_REST_SECONDS)
        while time.monotonic() < pause:
            yield
        if until is not None and time.monotonic() > until:
            return
        going: Going = FAULTS[name](scene)
        made = yield from going
        outcome.made[name] += made
        outcome.not_reached[name] += not made


def end_history(workers: Supervisor) -> None:
    """Say that history has ended, once intake has read everything."""
    nothing = workers.cluster.folder / "nothing.jsonl"
    nothing.touch()
    words = ("produce", str(nothing), "--end", "--wait", str(SETTLE_SECONDS))
    log = workers.cluster.folder / "end.log"
    ending = launch((*troubled.COMMAND, *words), workers.cluster.environment(), log)
    while ending.poll() is None:
        workers.rest(0.2)
    assert ending.returncode == 0, log.read_text()


def judge(outcome: Outcome, workers: Supervisor, stream: Stream, patience_seconds: float = SETTLE_SECONDS) -> None:
    """Ask the oracle, once everything has come to rest."""
    cluster = workers.cluster
    programs = load_programs(stream.rules)
    until = time.monotonic() + patience_seconds
    while time.monotonic() < until and not at_rest(cluster):
        workers.rest(1)
    workers.rest(2.5)  # one more snapshot: one taken after all faults
    outcome.verdict = oracle.judge(cluster, stream, programs)
    until = time.monotonic() + min(patience_seconds, GRACE_SECONDS)
    while outcome.verdict.wrong and time.monotonic() < until:
        workers.rest(5)
        outcome.verdict = oracle.judge(cluster, stream, programs)
    outcome.alerts, outcome.exits = len(cluster.found()), workers.exits.copy()
    if outcome.verdict.wrong:
        outcome.verdict.wrong.append(cluster.logs())


def at_rest(cluster: Cluster) -> bool:
    """Whether detect and record have committed everything that is there."""
    try:
        admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
        try:
            for role, topic in (("detect", ACTIVITY), ("record", ALERTS)):
                group = f"payweir-{role}"
                done = {tp.partition: one.offset for tp, one in admin.list_group_offsets(group)[group].items()}
                ends = end_offsets(cluster.bootstrap, topic, cluster.partitions)
                if any(done.get(partition, 0) < end for partition, end in ends.items()):
                    return False
        finally:
            admin.close()
    except KafkaError:
        return False
    return True


def planted(outcome: Outcome, workers: Supervisor, stream: Stream) -> None:
    """What was planted in the stream counts as a fault once it is certain that it went off."""
    outcome.made["poison: a bad record of every kind among good ones"] += 1
    outcome.made["store: a row hurts a constraint (SQLSTATE 23514)"] += 1
    outcome.made["a rule that raises"] += any(each.rule_id.startswith("raises") for each in stream.expected.values())
    skipped = [each for each in workers.cluster.found().values() if each.rule_id == oracle.SKIP_RULE]
    attempts = outcome.verdict.attempts
    if {each.subject for each in skipped} == {UNBEARABLE} and attempts == _LEFT_OUT_AFTER:
        outcome.made["a record that ends the engine, left out at the third attempt"] += 1
    elif skipped or not outcome.verdict.wrong:
        outcome.verdict.wrong.append(f"left out: {skipped}; the engine failed {attempts} times")


def unexpected(outcome: Outcome, workers: Supervisor) -> None:
    """Nobody may end otherwise than he was made to: by a signal, a failpoint, the planted record, or because another took over."""
    expected = {0, -signal.SIGKILL, -signal.SIGTERM, EXIT_FAILPOINT}
    for (role, code), count in workers.exits.items():
        if code not in expected and not (role == "detect" and code in {EXIT_BUG, EXIT_FENCED}):
            outcome.verdict.wrong.append(f"{role} ended with {code}, {count} times\n{workers.cluster.last_words()}")


def refuse_more_partitions(outcome: Outcome, workers: Supervisor) -> None:
    """Somebody gives the activity topic more partitions: whoever starts now refuses, and says why."""
    cluster = workers.cluster
    workers.slots.clear()
    for name in list(cluster.workers):
        cluster.kill(name)
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    admin.create_partitions({ACTIVITY: NewPartitions(cluster.partitions + 1)})
    admin.close()
    wait_until(lambda: _width(cluster) == cluster.partitions + 1, 30, "the new partition is there")
    before = cluster.found()
    refusing = {role: cluster.start(role, f"{role}-wide") for role in ROLES}
    for role, worker in refusing.items():
        code = worker.wait(60)
        said = (cluster.folder / f"{role}-wide.log").read_text()
        if code != 1 or f"partitions is {cluster.partitions + 1}, wanted {cluster.partitions}" not in said:
            outcome.verdict.wrong.append(f"{role} did not refuse a changed partition count: {code} {said[-500:]}")
    if cluster.found() != before:
        outcome.verdict.wrong.append("alerts changed with the partition count")
    outcome.made["partition count changed"] += 1
    cluster.workers.clear()


def _width(cluster: Cluster) -> int:
    return len(partitions_of(cluster, ACTIVITY))
