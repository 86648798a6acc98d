"""Measured work in a process of its own: ``python -m tests.bench.child WORK EVENTS RULES STORE``; prints one line of JSON.

Only the work lies between two looks at the process's CPU time: interpreter, imports, rules and lines in memory do not.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from streams.agents.wall import now_ms
from streams.alerts.model import Outcome
from streams.cli.run import load_programs
from streams.events import Limits, PaymentEvent, decode_event, digest_of
from streams.events.model import PaymentStatus
from streams.pipeline import Intake, RawRecord, SourceState
from streams.replay.collector import quiet_collector
from streams.replay.files import open_inputs
from streams.replay.run import CHUNK, RunPlan, run_files
from streams.store.writer import open_store
from tests.bench.meter import memory
from tests.rig.oracle import hits
from tests.rig.order_data import Payment

Found = dict[str, float]


class Watch:
    """CPU and wall clock between two moments."""

    def __init__(self) -> None:
        """Begins now."""
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def end(self) -> Found:
        """Give both in seconds."""
        return {"cpu": time.process_time() - self._cpu, "wall": time.perf_counter() - self._wall}


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


def duckdb(events: str, _rules: str, _store: str) -> Found:
    """Ask the order oracle's questions of the finished file: three rules, one thread."""
    payments, now, limits = [], now_ms(), Limits()
    for file in open_inputs([events]):
        for line in file.lines():
            event, at = decode_event(line, now, limits)
            if isinstance(event, PaymentEvent) and event.status is PaymentStatus.SETTLED:
                payments.append(_row(event, at))
    watch = Watch()
    found = hits(payments)
    return watch.end() | {"hits": sum(map(len, found.values())), "settled": len(payments)}


def _row(event: PaymentEvent, at: int) -> Payment:
    ends = event.debtor.account_token, event.creditor.account_token
    return Payment(event.event_id, at, event.sequence, event.source, *ends, event.amount_minor, event.currency)


WORK: dict[str, Callable[[str, str, str], Found]] = {"run": run, "stages": stages, "duckdb": duckdb}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(WORK[sys.argv[1]](*sys.argv[2:5])) + "\n")
