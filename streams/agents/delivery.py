"""What a role asks of the world around it: positions, sending, snapshots, rulesets. Knows neither Faust nor Kafka.

``streams.agents.app`` gives it on Faust and Kafka; ``tests/simulation`` gives it inside one process, with faults.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from streams.agents.batch import Batch
from streams.agents.positions import Positions, StartOffsets
from streams.agents.producer import Sender
from streams.agents.rulesets import RulesetLibrary
from streams.agents.snapshots import SnapshotTopic
from streams.telemetry.metrics import Metrics

Handle = Callable[[Batch], Awaitable[None]]


class Delivery(Protocol):
    """One worker of one role; a handler, tasks and hooks are attached before it runs."""

    sender: Sender
    start_offsets: StartOffsets | None
    """Says after each assignment where reading starts; see ``streams.agents.transport``."""
    at_stop: Callable[[], Awaitable[None]] | None
    """Awaited after the last commit of a clean stop."""

    last_words: Callable[[], Awaitable[None]] | None
    """Awaited when a drained worker is about to leave."""

    @property
    def positions(self) -> Positions:
        """The positions; there from the worker's start."""

    @property
    def should_stop(self) -> bool:
        """Whether the worker stops."""

    def attach(self, handle: Handle, *, metrics: Metrics) -> None:
        """Make the one agent of this worker, guarded; the metrics hear of every batch."""

    def task(self, fun: Callable[[], Awaitable[None]]) -> object:
        """Run a coroutine for as long as the worker runs."""

    def rulesets(self, metrics: Metrics) -> RulesetLibrary:
        """Give the rulesets by digest, none read yet."""

    def snapshots(self, partition: int) -> SnapshotTopic:
        """Give one partition of the snapshots topic, not opened yet."""
