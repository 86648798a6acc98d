"""A real Apache Kafka of one node (KRaft, broker and controller in one process) on 127.0.0.1 or another address of ours."""

import base64
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import KafkaError

from tests.rig.jars import kafka_jars, kafka_version
from tests.rig.process import Child, RigError, free_ports, tail, wait_until
from tests.rig.settings import rig_settings

HERE = Path(__file__).parent
START_SECONDS_MAX = 90
STOP_SECONDS_MAX = 30

# Replication 1 and no waiting for group members, because there is one broker; short sessions are allowed so that tests
# of lost workers and of a killed broker need not wait. Everything else is Kafka's default.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port},PROXIED://{host}:{proxied_port}
advertised.listeners=PLAINTEXT://{host}:{port},PROXIED://{host}:{outer_port}
log.dirs={data}
num.network.threads=2
num.io.threads=4
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
log.segment.bytes=16777216
log.cleaner.dedupe.buffer.size=8388608
log.retention.check.interval.ms=5000
"""


class KafkaBroker:
    """Starts on entering, ends on leaving; data and ports survive :meth:`stop` and :meth:`kill` for another start."""

    format_options: tuple[str, ...] = ()
    """What else the first start's formatting is told."""

    def __init__(self, outer_port: int = 0, host: str = "127.0.0.1") -> None:
        """``outer_port`` is where a proxy listens that passes on to ``proxied_port``; who asks there is sent there again."""
        self.version = kafka_version()
        self._host = host
        self._folder: Path | None = None
        self._child: Child | None = None
        self._port = 0
        self._outer_port = outer_port
        self.proxied_port = 0

    @property
    def bootstrap(self) -> str:
        """``host:port`` for clients."""
        return f"{self._host}:{self._port}"

    @property
    def data(self) -> Path:
        """Where the log segments are; raises :class:`RigError` before the first start."""
        if self._folder is None:
            raise RigError("Kafka has not been started yet")
        return self._folder / "data"

    @property
    def pid(self) -> int:
        """Process id of the broker; raises :class:`RigError` when it does not run."""
        return self._running().pid

    def start(self) -> None:
        """Start and wait until the broker answers a client. The first start formats the storage."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="payweir-kafka-"))
            self._format(self._folder)
        command = [*self._java(), "kafka.Kafka", str(self._folder / "server.properties")]
        self._child = Child(command, self._folder / "broker.log")
        wait_until(self._answers, START_SECONDS_MAX, "Kafka answers")

    def stop(self) -> None:
        """Clean end (SIGTERM); the data stay."""
        self.resume()
        self._running().terminate(STOP_SECONDS_MAX)
        self._child = None

    def kill(self) -> None:
        """Sudden end (SIGKILL); the data stay."""
        self._running().kill()
        self._child = None

    def restart(self) -> None:
        """Stop cleanly if running, then start on the same ports with the same data."""
        if self._child is not None:
            self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the process (SIGSTOP): connections stay open and nothing answers."""
        self._running().pause()

    def resume(self) -> None:
        """Let a frozen process go on (SIGCONT)."""
        self._running().send(signal.SIGCONT)

    def create_topic(self, name: str, partitions: int, config: dict[str, str] | None = None) -> None:
        """Create a topic with replication 1 and wait until it has leaders."""
        create_topic(self.bootstrap, name, partitions, config)

    def close(self) -> None:
        """End the broker, if running, and remove its data."""
        if self._child is not None:
            self.resume()
            self._child.kill()
            self._child = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _running(self) -> Child:
        if self._child is None:
            raise RigError("Kafka does not run")
        return self._child

    def _java(self) -> list[str]:
        jars = kafka_jars(rig_settings().cache)
        log4j = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
        return ["java", "-Xmx512m", "-Xms128m", "-XX:+UseSerialGC", log4j, "-cp", f"{jars}/*"]

    def _format(self, folder: Path) -> None:
        self._port, controller_port, self.proxied_port = free_ports(3)
        properties = folder / "server.properties"
        properties.write_text(self._properties(folder, controller_port))
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = [
            *self._java(),
            "kafka.tools.StorageTool",
            "format",
            f"--cluster-id={cluster_id}",
            "-c",
            str(properties),
            *self.format_options,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS_MAX, check=False)
        if done.returncode:
            raise RigError(f"Kafka's storage could not be formatted:\n{done.stdout}{done.stderr}")

    def _properties(self, folder: Path, controller_port: int) -> str:
        return PROPERTIES.format(
            host=self._host, port=self._port, controller_port=controller_port, data=folder / "data", proxied_port=self.proxied_port,
            outer_port=self._outer_port or self.proxied_port,
        )  # fmt: skip

    def _answers(self) -> bool:
        child = self._running()
        if not child.running:
            raise RigError(f"Kafka ended at its start\n{tail(child.log)}")
        return answers(f"{self._host}:{self._port}")


class GivenBroker(KafkaBroker):
    """A broker at an address from the environment: it is used as it is, and can be neither stopped nor paused."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__()
        self._bootstrap = bootstrap
        self.version = "given"

    @property
    def bootstrap(self) -> str:
        """``host:port`` for clients."""
        return self._bootstrap

    def start(self) -> None:
        """Nothing to start; raises :class:`RigError` when nobody answers there."""
        wait_until(lambda: answers(self.bootstrap), 30, f"the broker at {self._bootstrap} answers")


def broker() -> KafkaBroker:
    """The broker of this test run: the one the environment names, else one of our own."""
    given = rig_settings().bootstrap
    return GivenBroker(given) if given else KafkaBroker()


def answers(bootstrap: str) -> bool:
    """Whether a broker answers an ApiVersions request within a second.

    Spoken by hand: kafka-python waits 30 s for a broker that is frozen and leaves its sockets open.
    """
    host, _, port = bootstrap.rpartition(":")
    request = struct.pack(">hhih", 18, 0, 1, -1)
    try:
        with socket.create_connection((host, int(port)), timeout=1) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            return len(connection.recv(4)) == 4
    except OSError:
        return False


def create_topic(bootstrap: str, name: str, partitions: int, config: dict[str, str] | None = None) -> None:
    """Create a topic with replication 1 and wait until every partition has an end offset, hence a leader."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics([NewTopic(name, partitions, 1, topic_configs=config or {})])
    finally:
        admin.close()

    def led() -> bool:
        try:
            return len(end_offsets(bootstrap, name, partitions)) == partitions
        except KafkaError:
            return False

    wait_until(led, 30, f"topic {name} has leaders")


def end_offsets(bootstrap: str, topic: str, partitions: int) -> dict[int, int]:
    """End offset of each partition, as a reader of committed records sees it."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed")
    try:
        ends = consumer.end_offsets([TopicPartition(topic, number) for number in range(partitions)])
    finally:
        consumer.close()
    return {tp.partition: offset for tp, offset in ends.items()}


def producer(bootstrap: str, transactional_id: str | None = None) -> KafkaProducer:
    """A producer of raw bytes that waits for all replicas; with an id it is transactional."""
    options = {"acks": "all", "linger_ms": 20, "batch_size": 131072, "transactional_id": transactional_id}
    return KafkaProducer(bootstrap_servers=bootstrap, **options)
