"""Workers that are started again whenever they end, as an orchestrator does."""

import signal
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.rig.cluster import Cluster
from tests.rig.settings import FAILPOINT
from tests.rig.troubled import COMMAND

ROLES: Final = ("intake", "detect", "record")
_TICK_SECONDS: Final = 0.1


class Supervisor:
    """Keeps two workers of every role running; ``exits`` counts how they ended."""

    def __init__(self, cluster: Cluster, settings: Mapping[str, Mapping[str, str]]) -> None:
        """``settings`` are those of all workers of a letter (``a``, ``b``) or a role, beside the cluster's own."""
        self.cluster, self._settings = cluster, settings
        self.slots: dict[str, str] = {f"{role}-{letter}": role for role in ROLES for letter in "ab"}
        """Who is to run, and as what."""
        self.exits: Counter[tuple[str, int]] = Counter()
        self.ended: dict[str, list[int]] = {}
        """How the workers of a slot ended, one after the other."""
        self.armed: dict[str, str] = {}
        """The failpoint a slot is started with until it is taken out again."""
        self._sizes: dict[str, int] = {}

    def start(self) -> None:
        """Start all workers."""
        for slot in self.slots:
            self.start_one(slot)

    def start_one(self, slot: str) -> None:
        """Start a worker, with its failpoint if it has one."""
        settings = {**self._settings.get(slot[-1], {}), **self._settings.get(self.slots[slot], {})}
        if slot in self.armed:
            settings[FAILPOINT] = self.armed[slot]
        log = self._log(slot)
        self._sizes[slot] = log.stat().st_size if log.exists() else 0
        self.cluster.start(self.slots[slot], slot, COMMAND, settings)

    def tick(self) -> None:
        """Start again what has ended."""
        for slot, worker in list(self.cluster.workers.items()):
            code = worker.poll()
            if code is None:
                continue
            del self.cluster.workers[slot]
            role = slot.partition("-")[0]
            self.exits[role, code] += 1
            self.ended.setdefault(slot, []).append(code)
            if slot in self.slots:
                self.start_one(slot)

    def rest(self, seconds: float) -> None:
        """Let time pass, starting again what ends."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(_TICK_SECONDS)
            self.tick()

    def add(self, slot: str) -> None:
        """One worker more."""
        self.slots[slot] = slot.partition("-")[0]
        if slot not in self.cluster.workers:
            self.start_one(slot)

    def drop(self, slot: str) -> None:
        """One worker less: told to stop, and not started again."""
        self.slots.pop(slot, None)
        self.send(slot, signal.SIGTERM)

    def send(self, slot: str, number: signal.Signals) -> bool:
        """Send a signal; False when no worker is there."""
        worker = self.cluster.workers.get(slot)
        if worker is None or worker.poll() is not None:
            return False
        worker.send_signal(number)
        return True

    def begun(self, slot: str) -> bool:
        """Whether the worker has said its first word: to end it before would be no fault."""
        return self.running(slot) is not None and self._log(slot).stat().st_size > self._sizes[slot]

    def _log(self, slot: str) -> Path:
        return self.cluster.folder / f"{slot}.log"

    def running(self, slot: str) -> int | None:
        """Process id of who runs in a slot."""
        worker = self.cluster.workers.get(slot)
        return worker.pid if worker is not None and worker.poll() is None else None

    def frozen(self, slot: str) -> bool:
        """Whether the worker has stopped itself at a failpoint."""
        pid = self.running(slot)
        if pid is None:
            return False
        try:
            return (Path("/proc") / str(pid) / "stat").read_text().rpartition(") ")[2].startswith("T")
        except OSError:  # it has just ended
            return False

    def wake_all(self) -> None:
        """Nobody stays frozen at the end of a run."""
        for slot in list(self.cluster.workers):
            self.send(slot, signal.SIGCONT)
