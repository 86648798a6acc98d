"""Workers that are started again whenever they end, as an orchestrator does."""

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.rig.cluster import COMMAND, Cluster

SLOTS: Final = {f"{role}-{letter}": role for role in ("intake", "detect", "record") for letter in "ab"}


class Supervisor:
    """Keeps two workers of every role running; ``exits`` counts how they ended."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.exits: Counter[tuple[str, int]] = Counter()
        self.next_command: dict[str, tuple[str, ...]] = {}
        """What a slot is started with the next time, in place of the command line."""
        self.down: set[str] = set()
        """Slots that stay empty for now."""

    def start(self) -> None:
        """Start all workers."""
        for slot in SLOTS:
            self._start(slot)

    def _start(self, slot: str) -> None:
        self.cluster.start(SLOTS[slot], slot, self.next_command.pop(slot, COMMAND))

    def tick(self) -> None:
        """Start again what has ended."""
        for slot in SLOTS:
            code = self.cluster.workers[slot].poll()
            if code is not None:
                self.exits[SLOTS[slot], code] += 1
                if slot not in self.down:
                    self._start(slot)

    def rest(self, seconds: float) -> None:
        """Let time pass, starting again what ends."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(0.1)
            self.tick()

    def send(self, slot: str, number: signal.Signals) -> None:
        """Send a signal, if the worker is still there."""
        worker = self.cluster.workers[slot]
        if worker.poll() is None:
            worker.send_signal(number)

    def wait_end(self, slot: str, seconds: float) -> None:
        """Wait for a worker to end, killing it when it does not; the others are looked after meanwhile."""
        worker, until = self.cluster.workers[slot], time.monotonic() + seconds
        while worker.poll() is None:
            self.rest(0.1)
            if time.monotonic() > until:
                worker.kill()
                worker.wait()

    def count(self, role: str, code: int) -> int:
        """How often workers of a role ended with a code."""
        return self.exits[role, code]

    @contextmanager
    def feeding(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """A command of the command line that runs meanwhile."""
        with (self.cluster.folder / "feed.log").open("ab") as log:
            feeder = subprocess.Popen([*COMMAND, *words], env=self.cluster.environment(), stdout=log, stderr=log)
        try:
            yield feeder
        finally:
            feeder.kill()
            feeder.wait()
