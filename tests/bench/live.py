"""One worker of each role on a real Kafka and a real PostgreSQL, started as users start them, and what a backlog costs them."""

import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple, Self

import psycopg
from kafka import KafkaProducer

from streams.agents.feeding import route
from tests.bench.meter import cpu_seconds, memory
from tests.rig.cluster import COMMAND, Cluster
from tests.rig.kafka import KafkaBroker
from tests.rig.postgres import PostgresServer
from tests.rig.process import RigError

ROLES: Final = ("intake", "detect", "record")
PATIENCE_SECONDS: Final = 900.0
SNAPSHOT_SECONDS: Final = 30
"""As shipped."""
_POLL_SECONDS: Final = 0.05
_TRANSACTION_MS: Final = 900_000
_COUNTED: Final = "SELECT coalesce(sum(accepted + duplicate + refused), 0) FROM ingest_counters"


class Drained(NamedTuple):
    """What a backlog cost, from the moment it was there to its last record counted in SQL."""

    cpu: dict[str, float]
    """Seconds by role."""
    wall: float
    grown: dict[str, int]
    """Bytes by role: the peak of resident memory over what it was before."""


class Live:
    """Broker, database and workers with the settings users get; all gone when it is left.

    Events are history (their times lie in the past), so ``PAYWEIR_HISTORY`` is on.
    """

    def __init__(
        self, rules: Path, folder: Path, *, snapshot_seconds: int = SNAPSHOT_SECONDS, sampled: bool = False
    ) -> None:
        """Nothing is started yet. ``sampled`` workers leave their stacks in the folder when they are stopped."""
        self.rules, self.folder, self.sampled = rules, folder, sampled
        self.settings = {
            "PAYWEIR_SNAPSHOT_SECONDS": str(snapshot_seconds),
            "PAYWEIR_SESSION_TIMEOUT_SECONDS": "15",
        }
        self._stack = ExitStack()
        self.loaded = 0
        """Records in the source topics so far."""

    def __enter__(self) -> Self:
        """Start everything and wait until all workers are ready."""
        with ExitStack() as stack:
            broker = stack.enter_context(KafkaBroker())
            server = stack.enter_context(PostgresServer(fsync=True))
            url = server.create_database()
            self.cluster = stack.enter_context(Cluster(broker.bootstrap, url, self.folder))
            self.cluster.settings = self.settings
            self.cluster.prepare(self.rules)
            self.sql = stack.enter_context(
                psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True)
            )
            for role in ROLES:
                self.cluster.start(role, role, self._command(role))
            for role in ROLES:
                self.cluster.watch(role).wait_ready()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End everything."""
        self._stack.close()

    def _command(self, role: str) -> tuple[str, ...]:
        if not self.sampled:
            return COMMAND
        return (sys.executable, "-m", "tests.bench.sampled", str(self.folder / f"{role}.stacks"))

    @property
    def bootstrap(self) -> str:
        """``host:port`` of the broker."""
        return self.cluster.bootstrap

    def restart_detect(self, snapshot_seconds: int) -> None:
        """Put another detect worker in the place of the one there, with snapshots at another interval."""
        self.cluster.stop("detect")
        self.settings["PAYWEIR_SNAPSHOT_SECONDS"] = str(snapshot_seconds)
        self.cluster.start("detect", "detect")
        self.cluster.watch("detect").wait_ready()

    def sample(self) -> None:
        """Let sampled workers begin, or begin anew."""
        for role in ROLES:
            self.cluster.workers[role].send_signal(signal.SIGRTMIN)

    def cpu(self) -> dict[str, float]:
        """CPU seconds of each role since its start."""
        return {role: cpu_seconds(self.cluster.workers[role].pid) for role in ROLES}

    def drain(self, lines: Sequence[bytes]) -> Drained:
        """Let a backlog appear at one moment and wait until SQL has counted its last record.

        It is written inside a transaction; what the ready, waiting workers have spent before its commit is taken off.
        """
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap, acks="all", linger_ms=20, batch_size=1 << 17, transactional_id="backlog",
            transaction_timeout_ms=_TRANSACTION_MS,
        )  # fmt: skip
        try:
            producer.init_transactions()
            producer.begin_transaction()
            for line in lines:
                topic, key, _ = route(line)
                producer.send(topic, line, key)
            producer.flush()
            cpu, resident, begun = self.cpu(), self._memory(), time.monotonic()
            producer.commit_transaction()
        finally:
            producer.close()
        self.loaded += len(lines)
        self.wait_counted()
        wall, after, peaks = time.monotonic() - begun, self.cpu(), self._memory()
        return Drained(
            {role: after[role] - cpu[role] for role in ROLES},
            wall,
            {role: peaks[role][1] - resident[role][0] for role in ROLES},
        )

    def wait_counted(self) -> None:
        """Wait until SQL accounts for every record loaded; raises RigError when that takes too long or a worker ends."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (counted := self.counted()) < self.loaded:
            self.cluster.check_alive()
            if time.monotonic() > deadline:
                raise RigError(f"{counted:,} of {self.loaded:,} records are counted in SQL\n{self.cluster.logs()}")
            time.sleep(_POLL_SECONDS)

    def counted(self) -> int:
        """Give how many records SQL accounts for."""
        row = self.sql.execute(_COUNTED).fetchone()
        return int(row[0]) if row else 0

    def _memory(self) -> dict[str, tuple[int, int]]:
        return {role: memory(self.cluster.workers[role].pid) for role in ROLES}
