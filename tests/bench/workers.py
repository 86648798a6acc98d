"""One worker of each role on a backlog, against an empty agent of plain Faust on the same records."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from streams.agents.publishing import end_history
from streams.settings import load_settings
from streams.settings.topics import SOURCES
from tests.bench.live import ROLES, Live
from tests.bench.report import PER_PAYMENT, ROOT, Figure, Report
from tests.bench.stream import Stream
from tests.rig.cluster import embedded

RATIO_MAX: Final = 2.0


def speed(report: Report, stream: Stream, folder: Path, legs: float | None) -> None:
    """Measure both. ``legs`` per payment, where known, adds the cost per leg.

    The alerts in the end must be those of the embedded run: AssertionError otherwise.
    """
    expected = embedded(stream.folder, stream.rules, f"sqlite:///{folder / 'expected.db'}")
    with Live(stream.rules, folder) as live:
        drained = live.drain(stream.lines())
        end_history(load_settings({"bootstrap": live.bootstrap}))
        live.cluster.wait_for(expected)
        for role in ROLES:
            live.cluster.stop(role)
        agent_cpu, agent_wall = _empty_agent(live.bootstrap, stream.records)
    reference = agent_cpu / stream.payments * 1e6
    report.empty_agent = reference

    def add(what: str, seconds: float, wall: float | None = None) -> None:
        report.figures.append(Figure("kafka", what, seconds / stream.payments * 1e6, PER_PAYMENT, wall))

    add("empty Faust agent, same records", agent_cpu, agent_wall)
    together = sum(drained.cpu.values())
    add("one worker of each role", together, drained.wall)
    for role in ROLES:
        add(f"of which {role}", drained.cpu[role])
    ratio = together / agent_cpu
    if legs:
        each = together / stream.payments / legs * 1e6
        report.figures.append(Figure("kafka", "one worker of each role, per leg", each, "us CPU/leg"))
    rate = stream.payments / drained.wall
    report.figures += [
        Figure("kafka", "workers : empty agent", ratio, "ratio", None, f"<= {RATIO_MAX:.0f}", ratio <= RATIO_MAX),
        Figure("kafka", "payments per second of wall clock", rate, "payments/s", drained.wall),
        Figure("kafka", "standing alerts, equal to the embedded run's", len(expected), "alerts"),
    ]


def speed_of_few(report: Report, stream: Stream, five: Path, folder: Path) -> None:
    """Measure workers with few rules, after :func:`speed` of this run."""
    with Live(five, folder) as live:
        drained = live.drain(stream.lines())
    for role in ROLES:
        each = drained.cpu[role] / stream.payments * 1e6
        report.figures.append(Figure("kafka", f"five rules: {role}", each, PER_PAYMENT))
    whole = sum(drained.cpu.values()) / stream.payments * 1e6
    ratio = whole / (report.empty_agent or whole)
    report.figures += [
        Figure("kafka", "five rules: one worker of each role", whole, PER_PAYMENT, drained.wall),
        Figure(
            "kafka",
            "five rules: workers : empty agent",
            ratio,
            "ratio",
            None,
            f"<= {RATIO_MAX:.0f}",
            ratio <= RATIO_MAX,
        ),
    ]


def memory(report: Report, stream: Stream, folder: Path) -> None:
    """Measure what the state of many accounts takes in the detect worker, snapshots and buffers included."""
    with Live(stream.rules, folder) as live:
        drained = live.drain(stream.lines())
    grown = drained.grown["detect"]
    report.figures += [
        Figure("memory", "detect worker, peak over start", grown / (1 << 20), "MiB", drained.wall),
        Figure("memory", "detect worker", grown / stream.active_accounts(), "bytes/account"),
    ]


def _empty_agent(bootstrap: str, count: int) -> tuple[float, float]:
    command = [sys.executable, "-m", "tests.rig.plain_agent", bootstrap, ",".join(SOURCES), str(count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=900)
    if done.returncode:
        raise RuntimeError(f"the empty agent ended with {done.returncode}\n{done.stderr[-2000:]}")
    cpu, wall = done.stdout.split()[-2:]
    return float(cpu), float(wall)
