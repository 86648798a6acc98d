"""Figures of one run: the table people read, the same for machines, and the section in RESULTS.md."""

import os
import platform
import shutil
import subprocess
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

ROOT: Final = Path(__file__).parents[2]
RESULTS: Final = Path(__file__).parent / "RESULTS.md"
PER_PAYMENT: Final = "us CPU/payment"
_HEAD: Final = ("part", "what", "value", "unit", "x empty agent", "wall s", "target")


@dataclass(frozen=True, slots=True)
class Figure:
    """One number and what it was meant to be."""

    part: str
    what: str
    value: float
    unit: str
    wall_seconds: float | None = None
    target: str = ""
    reached: bool | None = None


@dataclass(slots=True)
class Report:
    """All figures of a run, in the order they were measured."""

    seed: int
    events: int
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    load: float = field(default_factory=lambda: os.getloadavg()[0])
    figures: list[Figure] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    """Part to the reason why it gave no figures."""
    empty_agent: float | None = None
    """CPU microseconds per payment of the empty Faust agent in this run."""

    def heading(self) -> str:
        """Say when, what and where was measured."""
        return (
            f"{self.started:%Y-%m-%d %H:%M} UTC, commit {_commit()}, seed {self.seed}, {self.events:,} events; "
            f"{_machine()}, load {self.load:.1f} at the start"
        )

    def show(self, console: Console) -> None:
        """Print the table, and why parts failed."""
        console.print(self.heading(), highlight=False)
        table = Table(*_HEAD)
        for figure in self.figures:
            table.add_row(*self._cells(figure))
        console.print(table)
        for part, fault in self.faults.items():
            console.print(f"[red]{part} failed:[/red] ", end="")
            console.print(fault, markup=False, highlight=False)

    def append(self) -> None:
        """Add this run to RESULTS.md."""
        lines = [f"\n## {self.heading()}\n", f"| {' | '.join(_HEAD)} |", "|---|---|---:|---|---:|---:|---|"]
        lines += [f"| {' | '.join(self._cells(figure))} |" for figure in self.figures]
        lines += [f"\n{part} failed: {fault.splitlines()[0]}" for part, fault in self.faults.items()]
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def as_data(self) -> dict[str, object]:
        """Give the run for machines."""
        return {
            "heading": self.heading(),
            "empty_agent_us": self.empty_agent,
            "figures": [asdict(figure) for figure in self.figures],
            "faults": self.faults,
        }

    def _cells(self, figure: Figure) -> tuple[str, ...]:
        compared = figure.unit == PER_PAYMENT and self.empty_agent
        return (
            figure.part,
            figure.what,
            _number(figure.value),
            figure.unit,
            f"{figure.value / self.empty_agent:.2f}" if compared and self.empty_agent else "",
            "" if figure.wall_seconds is None else f"{figure.wall_seconds:.1f}",
            figure.target + {None: "", True: ": reached", False: ": missed"}[figure.reached],
        )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"


def _commit() -> str:
    """Give the commit, with a plus when the product differs from it; ``unknown`` outside a repository."""
    commit = _git("rev-parse", "--short", "HEAD")
    return commit + "+" * bool(_git("status", "--porcelain", "--", "streams", "rules")) if commit else "unknown"


def _git(*words: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    done = subprocess.run([git, "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _machine() -> str:
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ""
    )
    memory = next((int(line.split()[1]) >> 20 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return f"{os.cpu_count()} cores {cpu}, {memory} GiB, CPython {platform.python_version()}"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
