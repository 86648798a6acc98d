"""Builds broken on purpose: each undoes one thing the protocol stands on. The simulation must notice every one of them.

The oracle runs on the same broken code, so that only what follows from it under faults can give it away.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from random import Random
from typing import Final
from unittest.mock import patch

import streams.agents.snapshots as snapshots_module
import tests.simulation.sink as sink_module
from streams.agents.batch import TP, Committed
from streams.agents.config import TransportConfig
from streams.agents.keeper import Keeper
from streams.agents.ledger import Ledger
from streams.agents.positions import Positions
from streams.agents.wall import now_ms
from streams.clock import DAY_MS
from streams.errors import EngineError
from streams.legs import Mark
from streams.pipeline import END, PartitionState
from streams.pipeline.snapshot.forms import Attempts, Skip, attempts_key, encode
from streams.state.subject import Subject
from tests.simulation.campaign import Draws
from tests.simulation.faults import Fault
from tests.simulation.loop import process
from tests.simulation.world import taken_back


@contextmanager
def fencing_off() -> Iterator[None]:
    """Every worker writes snapshots under a name of its own, so nobody fences anybody."""

    def named(config: TransportConfig, partition: int) -> str:
        return f"{config.group}-{partition}-{process().number}"

    with (
        patch.object(snapshots_module, "transactional_id", named),
        patch("tests.simulation.network.transactional_id", named),
    ):
        yield


@contextmanager
def position_committed_early() -> Iterator[None]:
    """A batch is acknowledged when it is delivered, not when its outputs are out."""
    honest = Ledger.deliver

    def deliver(ledger: Ledger, tp: TP, next_offset: int, first_ms: int) -> None:
        honest(ledger, tp, next_offset, first_ms)
        place = ledger.places[tp]
        place.done = max(place.done, Committed(next_offset, place.done.metadata))

    with patch.object(Ledger, "deliver", deliver):
        yield


@contextmanager
def alert_revision_ignored() -> Iterator[None]:
    """The store keeps what was written last."""
    with patch.object(sink_module, "newer", lambda _outcome, _known: True):
        yield


@contextmanager
def mark_position_ignored() -> Iterator[None]:
    """A subject believes the mark that comes last."""
    honest = Subject.receive

    def receive(subject: Subject, mark: Mark) -> bool:
        known = (subject.marks_in or {}).get(mark.key)
        if known is not None:
            known.position = (-1, 0, 0)
        return honest(subject, mark)

    with patch.object(Subject, "receive", receive):
        yield


@contextmanager
def wall_clock_in_the_core() -> Iterator[None]:
    """Alerts are confirmed a day after their time, whatever the sources say."""

    def watermark(state: PartitionState) -> int:
        return END if state.ended else max(state.low, now_ms() - DAY_MS)

    with patch.object(PartitionState, "watermark", property(watermark)):
        yield


@contextmanager
def withdrawn_mark_forgotten() -> Iterator[None]:
    """A subject forgets that a mark was taken back, and believes it when it is sent again."""
    honest = Subject.receive

    def receive(subject: Subject, mark: Mark) -> bool:
        taken = honest(subject, mark)
        if taken and mark.leg is None and subject.marks_in is not None:
            del subject.marks_in[mark.key]
        return taken

    with patch.object(Subject, "receive", receive):
        yield


@contextmanager
def failure_of_the_engine_hidden() -> Iterator[None]:
    """Where no word of an attempt can be left, the worker hears of the broker and not of the engine, and goes on."""

    async def leave_attempt(keeper: Keeper, error: EngineError) -> None:
        attempts = Attempts(Skip(error.offset, error.subject_kind, error.subject, ""), 1)
        await keeper._topic.open()
        await keeper._topic.put([(attempts_key(error.offset), encode(attempts))])

    with patch.object(Keeper, "leave_attempt", leave_attempt):
        yield


@contextmanager
def writer_opened_unasked() -> Iterator[None]:
    """Who was cut off opens its writer again as soon as the network is back, and ends the new owner with that."""

    async def prove(_positions: Positions, _tp: TP, _term: int) -> None:
        """Take it for granted."""

    with patch.object(Positions, "prove", prove):
        yield


def _zombies(*moments: str) -> Callable[[Random], list[Fault]]:
    """Detect workers that stand still at one of these moments, and wake when others have their partitions."""

    def one(dice: Random) -> Fault:
        at, seconds = dice.uniform(0.0, 2.0), dice.uniform(2.0, 3.5)
        return Fault(at, f"pause at {dice.choice(moments)}", f"detect-{dice.choice('ab')}", 0.0, seconds)

    return lambda dice: [one(dice) for _ in range(3)]


def _cut_off(dice: Random) -> list[Fault]:
    """Detect workers lose the network, stand still, and come back when others may have their partitions."""
    found: list[Fault] = []
    for _ in range(3):
        at = dice.uniform(0.0, 2.0)
        found.append(Fault(at, "requests lost", "", 0.9, dice.uniform(1.2, 2.5)))
        found.append(
            Fault(at + dice.uniform(0.0, 0.5), "pause", f"detect-{dice.choice('ab')}", 0.0, dice.uniform(1.5, 3.0))
        )
    return found


def _first_marks(dice: Random) -> list[Fault]:
    """A worker stands still before it says the first mark."""
    return [Fault(0.0, "pause at send marks", f"detect-{letter}", 0.0, dice.uniform(2.2, 2.9)) for letter in "ab"]


def _failing(dice: Random) -> list[Fault]:
    """The engine fails at a detect worker, and the broker takes no word of it."""
    return [Fault(dice.uniform(0.0, 2.0), "fail unheard at record", f"detect-{letter}") for letter in "ab"]


@dataclass(frozen=True, slots=True)
class Build:
    """A broken build, and where to look for what is wrong with it."""

    broken: Callable[[], AbstractContextManager[None]]
    draws: Draws


_OLD_NEWS: Final = Draws(_first_marks, taken_back)
BUILDS: Final = {
    "fencing off": Build(fencing_off, Draws(_zombies("snapshot", "commit snapshot"), snapshot_seconds=0.2)),
    "position committed early": Build(position_committed_early, Draws()),
    "a revision ignored: alerts": Build(alert_revision_ignored, _OLD_NEWS),
    "a revision ignored: marks": Build(mark_position_ignored, _OLD_NEWS),
    "a wall clock read in the core": Build(wall_clock_in_the_core, Draws()),
    "a writer opened unasked": Build(writer_opened_unasked, Draws(_cut_off, snapshot_seconds=0.2)),
    "a failure of the engine hidden": Build(failure_of_the_engine_hidden, Draws(_failing)),
    "a withdrawn mark forgotten": Build(withdrawn_mark_forgotten, _OLD_NEWS),
}
