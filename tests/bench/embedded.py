"""The embedded run from a file into SQLite, its stages, its memory, and DuckDB over the same file."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.bench.report import PER_PAYMENT, ROOT, Figure, Report
from tests.bench.stream import Stream

TARGET: Final = 20_000
BYTES_MAX: Final = 2048
BACKTEST_TARGET: Final = 40_000


def measure_child(work: str, stream: Stream, folder: Path) -> dict[str, float]:
    """Run one piece of measured work to its end; raises RuntimeError with what it said when it fails."""
    store = f"sqlite:///{folder / f'{work}-{stream.rules.name}.db'}"
    command = [sys.executable, "-m", "tests.bench.child", work, str(stream.folder), str(stream.rules), store]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{work} ended with {done.returncode}\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def speed(report: Report, stream: Stream, five: Path, folder: Path) -> None:
    """Measure ``payweir run`` and its stages, and beside it what the machine and a batch query do at the same time.

    ``five`` holds the few rules of the first target.
    """
    run, stages, batch, fixed = (
        measure_child(work, stream, folder) for work in ("run", "stages", "batch", "calibrate")
    )

    def add(what: str, seconds: float, wall: float | None = None) -> float:
        each = seconds / stream.payments * 1e6
        report.figures.append(Figure("embedded", what, each, PER_PAYMENT, wall))
        return each

    few = measure_child("run", replace(stream, rules=five), folder)
    for what, found in (("all rules", run), ("five rules", few)):
        rate = stream.payments / found["cpu"]
        said = f"payments per CPU second, {what}"
        report.figures.append(
            Figure("embedded", said, rate, "payments/s", found["wall"], f">= {TARGET:,}", rate >= TARGET)
        )
    whole = add("whole run", run["cpu"], run["wall"])
    add("of which decode and check", stages["decode"])
    add("of which split into legs", stages["take"] - stages["decode"])
    add("of which step", run["cpu"] - stages["take"] - run["store"])
    add("of which store (SQLite)", run["store"])
    report.figures += [
        Figure("embedded", "legs per payment", stages["legs"] / stream.payments, "legs"),
        Figure("embedded", "whole run, per leg", run["cpu"] / stages["legs"] * 1e6, "us CPU/leg"),
        Figure("embedded", "alerts", run["alerts"], "alerts"),
    ]
    loop = fixed["cpu"] / fixed["payments"] * 1e6
    report.figures.append(Figure("embedded", "calibration: three rules, fixed loop", loop, PER_PAYMENT, fixed["wall"]))
    query = add("DuckDB, same file, three rules, one thread", batch["cpu"], batch["wall"])
    report.figures += [
        Figure("embedded", "whole run : calibration", whole / loop, "ratio"),
        Figure("embedded", "whole run : DuckDB", whole / query, "ratio"),
    ]


def backtest(report: Report, stream: Stream, folder: Path) -> None:
    """Measure ``payweir rules backtest`` with all rules in one process and in two; both have to find the same."""
    found = {count: measure_child(f"backtest-{count}", stream, folder) for count in (1, 2)}
    if found[1]["alerts"] != found[2]["alerts"]:
        raise RuntimeError(f"alerts of one process and of two: {found[1]['alerts']} and {found[2]['alerts']}")
    for count, each in found.items():
        said = "1 process" if count == 1 else f"{count} processes"
        by_cpu, by_wall = stream.payments / each["cpu"], stream.payments / each["wall"]
        target, reached = (f">= {BACKTEST_TARGET:,}", by_cpu >= BACKTEST_TARGET) if count == 1 else ("", None)
        report.figures += [
            Figure("backtest", f"payments per second of wall clock, {said}", by_wall, "payments/s", each["wall"]),
            Figure("backtest", f"payments per CPU second, {said}", by_cpu, "payments/s", None, target, reached),
        ]


def memory(report: Report, stream: Stream, folder: Path) -> None:
    """Measure what the state of many accounts takes in the embedded run."""
    found, accounts = measure_child("run", stream, folder), stream.active_accounts()
    each = found["memory"] / accounts
    report.figures += [
        Figure("memory", "active accounts", accounts, "accounts"),
        Figure("memory", "payments per active account", stream.payments / accounts, "payments"),
        Figure("memory", "embedded, peak over start", found["memory"] / (1 << 20), "MiB", found["wall"]),
        Figure("memory", "embedded", each, "bytes/account", None, f"<= {BYTES_MAX:,}", each <= BYTES_MAX),
    ]
