"""From append to alert visible in SQL, with arrivals on schedule at half of the measured saturation."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Final

from streams.agents.feeding import route
from streams.replay.generator import GeneratorSettings
from streams.settings import topics
from tests.bench.live import Live
from tests.bench.probes import PAYMENTS, RULE, probe
from tests.bench.report import ROOT, Figure, Report
from tests.bench.stream import Stream, by_arrival, next_day
from tests.rig.process import RigError

SECONDS: Final = 45.0
LEAD_SECONDS: Final = 0.5
PROBE_SECONDS: Final = 0.1
"""Between two probes."""
LOOK_SECONDS: Final = 0.01
PATIENCE_SECONDS: Final = 120.0
P50_MS, P99_MS = 300, 1_000
_VISIBLE: Final = """
SELECT subject FROM alerts WHERE rule_id = %s AND subject = ANY(%s) AND engine_state IN ('provisional', 'standing')
"""


@dataclass(slots=True)
class Schedule:
    """What is sent when: line n is due n / rate after the beginning."""

    seed: int
    rate: float
    lines: list[bytes] = field(default_factory=list)
    due: dict[str, float] = field(default_factory=dict)
    """Account of a probe to the seconds after the beginning at which its last record is due."""

    @property
    def payments(self) -> int:
        """How many of the lines are records of the payments topic."""
        return sum(route(line)[0] == topics.PAYMENTS for line in self.lines)

    def add(self, when: int) -> None:
        """Put a probe at the end."""
        account = f"probe-{self.seed}-{len(self.due)}"
        self.lines += probe(account, when)
        self.due[account] = (len(self.lines) - 1) / self.rate


def latency(report: Report, stream: Stream, folder: Path) -> None:
    """Measure it beside broker and database on the same cores; saturation is the rate at which a backlog was drained just before.

    Raises RigError when an alert is not there in the end.
    """
    with Live(stream.rules, folder) as live:
        warm = stream.lines()
        drained = live.drain(warm)
        rate = len(warm) / drained.wall / 2
        schedule = make_schedule(report.seed + 1, rate, next_day(warm))
        before = sum(live.cpu().values())
        seen, behind = send(live, schedule, folder)
        spent = sum(live.cpu().values()) - before
    _tell(report, schedule, seen)
    each = spent / len(schedule.lines) * 1e6
    report.figures += [
        Figure("latency", "records sent, on schedule", rate, "records/s", len(schedule.lines) / rate),
        Figure("latency", "greatest lateness of the sender (counted above)", behind * 1e3, "ms"),
        Figure("latency", "workers at this rate", each, "us CPU/record"),
    ]


def send(live: Live, schedule: Schedule, folder: Path) -> tuple[dict[str, float], float]:
    """Send everything when it is due; gives the latency of each alert and the greatest lateness of the sender, in seconds."""
    with _sender(live, schedule, folder / "schedule.jsonl") as sender:
        begin = _begin(sender)
        seen = _watch(live, schedule, begin)
        return seen, float(sender.communicate(timeout=PATIENCE_SECONDS)[0])


@contextmanager
def _sender(live: Live, schedule: Schedule, file: Path) -> Iterator[subprocess.Popen[str]]:
    file.write_bytes(b"\n".join(schedule.lines))
    command = [sys.executable, "-m", "tests.bench.sender", live.bootstrap, str(file), str(schedule.rate)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sender:
        try:
            yield sender
        finally:
            sender.kill()


def _begin(sender: subprocess.Popen[str]) -> float:
    """Wait until the sender is ready and tell it when to begin."""
    assert sender.stdin is not None
    assert sender.stdout is not None
    if sender.stdout.readline() != "ready\n":
        raise RigError(f"the sender ended with {sender.wait()}")
    begin = time.monotonic() + LEAD_SECONDS
    sender.stdin.write(f"{begin}\n")
    sender.stdin.flush()
    return begin


def make_schedule(seed: int, rate: float, start_ms: int) -> Schedule:
    """Put probes into a generated stream that begins at ``start_ms`` in event time."""
    schedule, count = Schedule(seed, rate), max(int(SECONDS * rate), 1_000)
    gap, since = max(int(rate * PROBE_SECONDS), PAYMENTS), 0
    settings = GeneratorSettings(seed=seed, events=count, start_ms=start_ms)
    for at, line in by_arrival(settings):
        schedule.lines.append(line)
        since += 1
        if since == gap:
            schedule.add(at)
            since = 0
    return schedule


def _watch(live: Live, schedule: Schedule, begin: float) -> dict[str, float]:
    """Look every few milliseconds which alerts are there; gives their latency in seconds."""
    waiting, seen = dict(schedule.due), dict[str, float]()
    over = begin + len(schedule.lines) / schedule.rate + PATIENCE_SECONDS
    while waiting:
        now = time.monotonic()
        if now > over:
            live.cluster.check_alive()
            raise RigError(f"{len(waiting)} of {len(schedule.due)} alerts are not in SQL after {PATIENCE_SECONDS:g} s")
        sent = [account for account, due in waiting.items() if begin + due < now]
        found = live.sql.execute(_VISIBLE, (RULE, sent)).fetchall()
        now = time.monotonic()
        for (account,) in found:
            seen[account] = now - begin - waiting.pop(account)
        time.sleep(LOOK_SECONDS)
    return seen


def _tell(report: Report, schedule: Schedule, seen: dict[str, float]) -> None:
    cuts = quantiles((1e3 * each for each in seen.values()), n=100, method="inclusive")
    wall = len(schedule.lines) / schedule.rate
    for name, value, limit in (
        ("p50", cuts[49], P50_MS), ("p90", cuts[89], None), ("p99", cuts[98], P99_MS), ("max", max(seen.values()) * 1e3, None),
    ):  # fmt: skip
        target, reached = (f"<= {limit:,}", value <= limit) if limit else ("", None)
        report.figures.append(Figure("latency", f"append to alert in SQL, {name}", value, "ms", wall, target, reached))
    report.figures.append(Figure("latency", "alerts timed", len(seen), "alerts"))
