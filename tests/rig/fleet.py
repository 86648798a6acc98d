"""Starts workers of the transport tests as processes of their own and reads their journals."""

import sys
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from kafka import KafkaAdminClient

from tests.rig.process import Child, RigError, wait_until
from tests.rig.transport_worker import Line, Task


class FleetWorker:
    """One worker process, its journal and its log."""

    def __init__(self, task: Task, log: Path) -> None:
        self.task = task
        text = msgspec.json.encode(task).decode()
        self.child = Child([sys.executable, "-m", "tests.rig.transport_worker", text], log)

    def lines(self) -> list[Line]:
        """The journal so far; a last line that is torn by a kill is left out."""
        path = Path(self.task.journal)
        if not path.exists():
            return []
        whole, _, _ = path.read_bytes().rpartition(b"\n")
        return [msgspec.json.decode(line, type=Line) for line in whole.splitlines()]

    def has(self, kind: str, count: int = 1) -> bool:
        """Whether the journal has that many lines of a kind; raises RigError when the worker ended."""
        if not self.child.running:
            raise RigError(f"worker ended\n{self.child.log.read_text()[-3000:]}")
        return sum(line.kind == kind for line in self.lines()) >= count


class Fleet:
    """Workers of one consumer group over one topic; all are ended on leaving."""

    def __init__(self, template: Task, folder: Path) -> None:
        self.template = template
        self.workers: list[FleetWorker] = []
        self._folder = folder

    @property
    def group(self) -> str:
        """Consumer group of the workers."""
        return f"{self.template.prefix}-test"

    def start(self, **changes: object) -> FleetWorker:
        """Start one more worker, like the template but for ``changes``."""
        number = len(self.workers)
        task = msgspec.structs.replace(self.template, journal=str(self._folder / f"journal-{number}"), **changes)
        worker = FleetWorker(task, self._folder / f"log-{number}")
        self.workers.append(worker)
        return worker

    def wait(self, worker: FleetWorker, kind: str, count: int = 1, seconds: float = 60) -> None:
        """Wait for that many lines of a kind in the worker's journal."""
        wait_until(lambda: worker.has(kind, count), seconds, f"{count} {kind} of worker {self.workers.index(worker)}")

    def wait_for_the_end(self, worker: FleetWorker, partitions: int, seconds: float = 60) -> None:
        """Wait until the worker has said that it owns all partitions and is at the end of each."""

        def reached() -> bool:
            return worker.has("end") and any(x.kind == "end" and x.partition == partitions for x in worker.lines())

        wait_until(reached, seconds, f"the end by worker {self.workers.index(worker)}")

    def handled(self) -> Counter[str]:
        """How often each value was handled, over all workers."""
        return Counter(value for worker in self.workers for line in worker.lines() for value in line.values)

    def acknowledged(self) -> dict[int, int]:
        """Highest acknowledged position per partition, over all workers."""
        highest: dict[int, int] = {}
        for worker in self.workers:
            for line in worker.lines():
                if line.kind == "ack":
                    highest[line.partition] = max(highest.get(line.partition, 0), line.next_offset)
        return highest

    def committed(self) -> dict[int, tuple[int, str]]:
        """Offset and metadata per partition that the broker keeps for the group."""
        admin = KafkaAdminClient(bootstrap_servers=self.template.bootstrap)
        try:
            stored = admin.list_group_offsets(self.group)[self.group]
        finally:
            admin.close()
        return {tp.partition: (position.offset, position.metadata) for tp, position in stored.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers:
            if worker.child.running:
                worker.child.kill()
