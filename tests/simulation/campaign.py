"""Many schedules, one after the other; a failing seed is told with the command that makes it again."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random

from tests.simulation.faults import Fault
from tests.simulation.oracle import judge
from tests.simulation.schedule import Schedule
from tests.simulation.world import Arrival


@dataclass(frozen=True, slots=True)
class Draws:
    """What stands in for that which a seed draws; None for what it draws by itself."""

    faults: Callable[[Random], list[Fault]] | None = None
    feed: Callable[[Random], Iterable[Arrival]] | None = None
    snapshot_seconds: float | None = None

    def put_into(self, schedule: Schedule) -> None:
        """Change a schedule that has not begun."""
        dice = Random(schedule.seed)
        if self.faults is not None:
            schedule.plan = self.faults(dice)
        if self.feed is not None:
            schedule.feed = list(self.feed(dice))
        if self.snapshot_seconds is not None:
            schedule.tempo = replace(schedule.tempo, snapshot_seconds=self.snapshot_seconds)


@dataclass(slots=True)
class Tally:
    """What came of the schedules of a campaign."""

    schedules: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    """How workers ended."""
    requests: int = 0
    revisions: int = 0
    """Of alerts, in the store."""
    failed: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """One line."""
        return (
            f"{self.schedules:,} schedules, {len(self.failed)} failed; {self.faults.total():,} faults, "
            f"{self.ends.total():,} workers ended, {self.requests:,} requests, {self.revisions:,} revisions of alerts"
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Let the workers log nothing: thousands of them fail here, as they should."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def attempt(seed: int, draws: Draws = Draws()) -> tuple[Schedule, list[str]]:
    """Run and judge one schedule; gives what is wrong."""
    schedule = Schedule(seed)
    draws.put_into(schedule)
    schedule.run()
    return schedule, judge(schedule)


def campaign(seeds: Iterator[int] | range, seconds: float | None = None) -> Tally:
    """Run schedules until the seeds, or so many seconds of this process, are used up."""
    tally = Tally()
    until = None if seconds is None else time.process_time() + seconds
    with quiet():
        for seed in seeds:
            if until is not None and time.process_time() > until:
                break
            schedule, wrong = attempt(seed)
            tally.schedules += 1
            tally.faults.update(fault.kind for fault in schedule.plan)
            tally.ends += schedule.exits
            tally.requests += len(schedule.network.trace)
            tally.revisions += len(schedule.sink.history)
            if wrong:
                tally.failed.append(f".venv/bin/python -m tests.simulation --seed {seed} says: {wrong[0][:500]}")
    return tally
