"""CPU and memory of process trees, read from ``/proc``."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PARENT, _USER, _CHILD_SYSTEM = 1, 11, 14
"""Places in ``/proc/PID/stat`` after the command's name: parent, and the four CPU times from user to ended children's system."""


class Memory(NamedTuple):
    """Resident memory in bytes."""

    now: int
    peak: int


def cpu_seconds(root: int) -> float:
    """User and system time of a process and everything below it, children that have ended included."""
    stats = _stats()
    return sum(sum(stats[pid][_USER : _CHILD_SYSTEM + 1]) for pid in _tree(root, stats)) / _TICKS


def memory(root: int) -> Memory:
    """Resident memory of a process and everything below it; the peaks are added up, whenever they were."""
    now = peak = 0
    for pid in _tree(root, _stats()):
        now += _field(pid, "VmRSS")
        peak += _field(pid, "VmHWM")
    return Memory(now, peak)


def _field(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) << 10
    return 0


def _stats() -> dict[int, list[int]]:
    stats = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except OSError:
                continue
            # The letter of the process state becomes 0, so that all is numbers.
            stats[int(entry.name)] = [0, *map(int, text.rpartition(")")[2].split()[1 : _CHILD_SYSTEM + 1])]
    return stats


def _tree(root: int, stats: dict[int, list[int]]) -> Iterator[int]:
    if root in stats:
        yield root
        for pid, fields in stats.items():
            if fields[_PARENT] == root:
                yield from _tree(pid, stats)
