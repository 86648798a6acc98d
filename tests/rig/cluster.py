"""A whole Payweir as users run it: real broker, real PostgreSQL, worker processes started from the command line."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, Self

from streams.cli.run import load_programs
from streams.replay.files import open_inputs
from streams.replay.run import RunPlan, run_files
from streams.store.reader import Standing, standing
from streams.store.writer import open_store
from tests.rig.watch import Watch

COMMAND = (sys.executable, "-m", "streams.cli.app")
FAR_MS = 1 << 50
PATIENCE_SECONDS = 240.0
UNAPPROVED = "a test has nobody who approves"
NOTHING: Mapping[str, str] = MappingProxyType({})


class Process(Protocol):
    """What tests do with a worker; ``subprocess.Popen`` is one."""

    pid: int
    returncode: int | None

    def poll(self) -> int | None:
        """Exit code, None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Exit code."""
        ...

    def send_signal(self, number: int, /) -> None:
        """Send a signal."""

    def terminate(self) -> None:
        """SIGTERM."""

    def kill(self) -> None:
        """SIGKILL."""


def launch(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Process:
    """Start a process with its output in a file."""
    with log.open("ab") as file:
        return subprocess.Popen(command, env=dict(environment), stdout=file, stderr=file)


class Cluster:
    """Workers against one broker and one database; every process is gone when it is left."""

    def __init__(self, bootstrap: str, store_url: str, folder: Path, partitions: int = 4) -> None:
        self.bootstrap, self.store_url, self.folder = bootstrap, store_url, folder
        self.partitions = partitions
        self.settings: dict[str, str] = {}
        self.patience_seconds = PATIENCE_SECONDS
        self.workers: dict[str, Process] = {}
        self.launch: Callable[[Sequence[str], Mapping[str, str], Path], Process] = launch

    def environment(self) -> dict[str, str]:
        """The settings of every process."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PAYWEIR_")}
        return kept | {
            "PAYWEIR_BOOTSTRAP": self.bootstrap,
            "PAYWEIR_STORE_URL": self.store_url,
            "PAYWEIR_PARTITIONS": str(self.partitions),
            "PAYWEIR_SOURCE_PARTITIONS": "4",
            "PAYWEIR_HISTORY": "true",
            "PAYWEIR_METRICS_PORT": "0",
            "PAYWEIR_SESSION_TIMEOUT_SECONDS": "6",
            "PAYWEIR_SNAPSHOT_SECONDS": "1",
            **self.settings,
        }

    def run(self, *words: str) -> str:
        """Run one command to its end and give what it printed; it must exit with 0."""
        done = subprocess.run([*COMMAND, *words], env=self.environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{words}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(
        self, role: str, name: str = "", command: tuple[str, ...] = COMMAND, settings: Mapping[str, str] = NOTHING
    ) -> Process:
        """Start a worker; its log goes to a file of its name. ``command`` stands for the command line, built otherwise.

        ``settings`` are those of this worker alone.
        """
        name = name or f"{role}-{len(self.workers)}"
        command = (*command, "worker", "--role", role)
        worker = self.launch(command, {**self.environment(), **settings}, self.folder / f"{name}.log")
        self.workers[name] = worker
        return worker

    def prepare(self, rules: Path) -> None:
        """Make schema and topics and publish the rules."""
        self.run("store", "upgrade", "--store", self.store_url)
        self.run("topics", "create")
        self.run("rules", "publish", str(rules), "--emergency", UNAPPROVED)

    def wait_for(self, expected: Mapping[str, Standing], meanwhile: Callable[[], None] = lambda: None) -> None:
        """Wait until the store holds exactly the expected standing alerts, and still does after a while."""
        until, found = time.monotonic() + self.patience_seconds, self.found()
        while time.monotonic() < until:
            meanwhile()
            if found == expected:
                time.sleep(3)
                if (found := self.found()) == expected:
                    return
            time.sleep(1)
            self.check_alive()
            found = self.found()
        missing, extra = expected.keys() - found.keys(), found.keys() - expected.keys()
        other = [(expected[k], found[k]) for k in expected.keys() & found.keys() if expected[k] != found[k]]
        raise AssertionError(
            f"{len(expected)} expected, {len(found)} found, {len(missing)} missing, {len(extra)} extra, {len(other)} different: "
            f"{[expected[k] for k in list(missing)[:3]]} {[found[k] for k in list(extra)[:3]]} {other[:2]}\n{self.logs()}"
        )

    def found(self) -> dict[str, Standing]:
        """The standing alerts in the store; nothing while it is away."""
        try:
            with open_store(self.store_url) as store:
                return standing(store)
        except Exception:  # noqa: BLE001  the store may be down on purpose
            return {}

    def check_alive(self) -> None:
        """No worker may have ended by itself."""
        for name, worker in self.workers.items():
            assert worker.poll() is None, f"{name} ended with {worker.returncode}\n{self.logs()}"

    def watch(self, name: str) -> Watch:
        """Look at a worker as operators do."""
        return Watch(self.folder / f"{name}.log")

    def kill(self, name: str) -> None:
        """SIGKILL."""
        worker = self.workers.pop(name)
        worker.kill()
        worker.wait()

    def stop(self, name: str) -> None:
        """SIGTERM; the worker must end with 0."""
        worker = self.workers.pop(name)
        worker.send_signal(signal.SIGTERM)
        code = worker.wait(30)
        assert code == 0, f"{name} ended with {code} at SIGTERM\n{(self.folder / f'{name}.log').read_text()[-6000:]}"

    def logs(self) -> str:
        """The ends of all workers' logs."""
        return "\n".join(f"--- {each.name}\n{each.read_text()[-1500:]}" for each in sorted(self.folder.glob("*.log")))

    def last_words(self) -> str:
        """What workers said before they ended otherwise than they were told to, with what led to it."""
        said: list[str] = []
        for log in sorted(self.folder.glob("*.log")):
            text = log.read_text(errors="replace")
            places = [found.start() for found in re.finditer(r"CRITICAL|Crashed reason|We experienced a crash", text)]
            said.extend(f"--- {log.name}\n{text[max(0, place - 500) : place + 3000]}" for place in places)
        return "\n".join(said)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers.values():
            worker.kill()
        for worker in self.workers.values():
            worker.wait()


def embedded(stream: Path, rules: Path, store_url: str, format_: str = "payweir") -> dict[str, Standing]:
    """What the embedded run says of a stream."""
    with open_store(store_url) as store:
        plan = RunPlan(load_programs(rules), store.write, lambda _done, _found: None, FAR_MS)
        summary = run_files(open_inputs([str(stream)], format_), plan)
        assert summary.adds_up
        return standing(store)
