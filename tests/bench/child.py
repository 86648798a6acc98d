"""Measured work in a process of its own: ``python -m tests.bench.child WORK EVENTS RULES STORE``; prints one line of JSON.

Only the work lies between two looks at the process's CPU time: interpreter, imports, rules and lines in memory do not.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from streams.agents.wall import now_ms
from streams.alerts.model import Outcome
from streams.cli.run import load_programs
from streams.events import decode_event, digest_of
from streams.pipeline import Intake, RawRecord, SourceState
from streams.replay.backtest import ALWAYS
from streams.replay.collector import quiet_collector
from streams.replay.files import open_inputs
from streams.replay.run import CHUNK, RunPlan, run_files
from streams.replay.shares import Past, backtests
from streams.store.writer import open_store
from tests.bench import calibration
from tests.bench.batch import window_query
from tests.bench.meter import memory
from tests.bench.stream import PAYMENTS_FILE

Found = dict[str, float]
CALIBRATION_PAYMENTS: Final = 100_000


class Watch:
    """CPU, that of children which have ended included, and wall clock between two moments."""

    def __init__(self) -> None:
        """Begins now."""
        self._cpu, self._wall = _cpu(), time.perf_counter()

    def end(self) -> Found:
        """Give both in seconds."""
        return {"cpu": _cpu() - self._cpu, "wall": time.perf_counter() - self._wall}


def _cpu() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def run(events: str, rules: str, store: str) -> Found:
    """Do what ``payweir run`` does below its progress bar, and say how much of it was the store."""
    storing = 0.0
    programs, files = load_programs(Path(rules)), open_inputs([events])
    with quiet_collector(), open_store(store) as target:

        def write(outcomes: Sequence[Outcome]) -> None:
            nonlocal storing
            before = time.process_time()
            target.write(outcomes)
            storing += time.process_time() - before

        before, watch = memory(os.getpid()), Watch()
        summary = run_files(files, RunPlan(programs, write, lambda _done, _found: None, now_ms()))
        spent = watch.end()
    if not summary.adds_up:
        raise AssertionError("the run does not account for every record")
    return spent | {
        "store": storing,
        "records": summary.found,
        "alerts": len(summary.alerts),
        "memory": memory(os.getpid()).peak - before.now,
    }


def backtest(processes: int, events: str, rules: str, _store: str) -> Found:
    """Do what ``payweir rules backtest`` does between reading the rules and counting alerts; starting processes is part of it."""
    programs = load_programs(Path(rules))
    watch = Watch()
    [found] = backtests(
        processes,
        [programs],
        Past([events], "payweir", now_ms(), ALWAYS, frozenset()),
        lambda _done, _found: None,
    )
    spent = watch.end()
    if not found.summary.adds_up:
        raise AssertionError("the backtest does not account for every record")
    return spent | {"alerts": len(found.alerts)}


def stages(events: str, rules: str, _store: str) -> Found:
    """Decode and check every record; then do that again and split into legs. Nothing is kept, as intake keeps nothing."""
    intake, now = Intake(kinds=load_programs(Path(rules)).kinds), now_ms()
    by_file = [
        (SourceState(file.name, 0), [RawRecord(place, now, line) for place, line in enumerate(file.lines())])
        for file in open_inputs([events])
    ]
    with quiet_collector():
        watch = Watch()
        for _, records in by_file:
            for record in records:
                digest_of(decode_event(record.value, now, intake.limits)[0])
        decoding, legs = watch.end()["cpu"], 0
        watch = Watch()
        for source, records in by_file:
            for at in range(0, len(records), CHUNK):
                legs += sum(map(len, intake.take(source, records[at : at + CHUNK]).legs.values()))
        return {"decode": decoding, "take": watch.end()["cpu"], "legs": legs}


def batch(events: str, _rules: str, _store: str) -> Found:
    """Ask DuckDB about the finished file of payments."""
    watch = Watch()
    found = window_query(Path(events) / PAYMENTS_FILE)
    return watch.end() | found._asdict()


def calibrate(_events: str, _rules: str, _store: str) -> Found:
    """Do what never changes; gives the payments too."""
    legs = list(calibration.legs(CALIBRATION_PAYMENTS))
    with quiet_collector():
        watch = Watch()
        found = calibration.hits(legs)
        return watch.end() | {"hits": found, "payments": len(legs) // 2}


WORK: dict[str, Callable[[str, str, str], Found]] = {
    "run": run,
    "backtest-1": partial(backtest, 1),
    "backtest-2": partial(backtest, 2),
    "stages": stages,
    "batch": batch,
    "calibrate": calibrate,
}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(WORK[sys.argv[1]](*sys.argv[2:5])) + "\n")
