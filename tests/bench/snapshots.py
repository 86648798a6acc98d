"""What the detect worker pays for its snapshots: arrivals on schedule, as live, with one every second, every 30 s, and none."""

from pathlib import Path
from typing import Final

from tests.bench.latency import make_schedule, send
from tests.bench.live import SNAPSHOT_SECONDS, Live
from tests.bench.report import PER_PAYMENT, Figure, Report
from tests.bench.stream import Stream, next_day

OFTEN_SECONDS: Final = 1
OFF_SECONDS: Final = 3600
_WRITTEN: Final = ": snapshot at offset "


def snapshots(report: Report, stream: Stream, folder: Path) -> None:
    """Measure the three after a backlog that fills the state; one detect worker takes over from the other."""
    with Live(stream.rules, folder, snapshot_seconds=OFTEN_SECONDS) as live:
        lines = stream.lines()
        rate = len(lines) / live.drain(lines).wall / 2
        for number, seconds in enumerate((OFTEN_SECONDS, SNAPSHOT_SECONDS, OFF_SECONDS), 2):
            if seconds != OFTEN_SECONDS:
                live.restart_detect(seconds)
            schedule = make_schedule(report.seed + number, rate, next_day(lines))
            lines = schedule.lines
            before, written = live.cpu()["detect"], _written(folder)
            send(live, schedule, folder)
            live.loaded += len(lines)
            live.wait_counted()
            spent, written = live.cpu()["detect"] - before, _written(folder) - written
            name = "off" if seconds == OFF_SECONDS else f"every {seconds} s"
            wall = len(lines) / rate
            report.figures += [
                Figure(
                    "snapshots", f"detect worker, snapshots {name}", spent / schedule.payments * 1e6, PER_PAYMENT, wall
                ),
                Figure("snapshots", f"snapshots written, {name}", written, "snapshots"),
            ]


def _written(folder: Path) -> int:
    return (folder / "detect.log").read_text().count(_WRITTEN)
