"""Many schedules, one after the other; a failing seed is told with the command that makes it again."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from tests.simulation.faults import Fault
from tests.simulation.oracle import judge
from tests.simulation.schedule import Schedule

Plan = Callable[[Random], list[Fault]]


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


def attempt(seed: int, plan: Plan | None = None) -> tuple[Schedule, list[str]]:
    """Run and judge one schedule; gives what is wrong."""
    schedule = Schedule(seed, None if plan is None else plan(Random(seed)))
    schedule.run()
    return schedule, judge(schedule)


def campaign(seeds: Iterator[int] | range, seconds: float | None = None, plan: Plan | None = None) -> Tally:
    """Run schedules until the seeds or the seconds are used up."""
    tally = Tally()
    until = None if seconds is None else time.monotonic() + seconds
    with quiet():
        for seed in seeds:
            if until is not None and time.monotonic() > until:
                break
            schedule, wrong = attempt(seed, plan)
            tally.schedules += 1
            tally.faults.update(fault.kind for fault in schedule.plan)
            tally.ends += schedule.exits
            tally.requests += len(schedule.network.trace)
            tally.revisions += len(schedule.sink.history)
            if wrong:
                tally.failed.append(f"{wrong[0][:500]}; again with: .venv/bin/python -m tests.simulation --seed {seed}")
    return tally
