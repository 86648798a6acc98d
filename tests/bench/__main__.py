"""``python -m tests.bench``: measure, print one table, append it to RESULTS.md. Exit code 1 when a part failed."""

import argparse
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rich.console import Console

from streams.replay.generator import GeneratorSettings
from tests.bench import embedded, rules, workers
from tests.bench.latency import latency
from tests.bench.recovery import recovery
from tests.bench.report import RESULTS, Report
from tests.bench.snapshots import snapshots
from tests.bench.stream import Stream, make_stream
from tests.bench.views import views

EVENTS_PER_ACCOUNT = 4
PER_ACTIVE = (7, 6)
"""Generated accounts for each active one: with so few events one in seven neither pays nor is paid."""
RECOVERY_EVENTS = 20_000
"""Events of the state that the recovery part multiplies."""
TABLE_WIDTH = 150
console = Console(stderr=True)


@dataclass
class Bench:
    """The parts of one run and what they hand to each other."""

    report: Report
    folder: Path
    accounts: int
    alerts: int

    @cached_property
    def stream(self) -> Stream:
        """The stream of all parts but memory."""
        return make_stream(GeneratorSettings(self.report.seed, self.report.events), self.room("stream"))

    @cached_property
    def five(self) -> Path:
        """The folder with the few rules of the first targets."""
        return rules.only_five(self.stream.rules, self.room("five"))

    def room(self, name: str) -> Path:
        """Make a folder."""
        room = self.folder / name
        room.mkdir()
        return room

    def embedded(self) -> None:
        """Embedded run and batch reference."""
        embedded.speed(self.report, self.stream, self.five, self.room("embedded"))

    def backtest(self) -> None:
        """A backtest in one process and in two."""
        embedded.backtest(self.report, self.stream, self.room("backtest"))

    def kafka(self) -> None:
        """Workers and the empty agent."""
        legs = next((each.value for each in self.report.figures if each.what == "legs per payment"), None)
        workers.speed(self.report, self.stream, self.room("kafka"), legs)
        workers.speed_of_few(self.report, self.stream, self.five, self.room("kafka-five"))

    def rules(self) -> None:
        """What more rules cost."""
        rules.cost(self.report, self.stream, self.room("rules"))

    def memory(self) -> None:
        """Many accounts."""
        accounts = self.accounts * PER_ACTIVE[0] // PER_ACTIVE[1]
        settings = GeneratorSettings(self.report.seed, accounts * EVENTS_PER_ACCOUNT, accounts)
        stream = make_stream(settings, self.room("accounts"))
        embedded.memory(self.report, stream, self.room("memory"))
        workers.memory(self.report, stream, self.room("memory-kafka"))

    def latency(self) -> None:
        """Live arrivals."""
        latency(self.report, self.stream, self.room("latency"))

    def snapshots(self) -> None:
        """Live arrivals with snapshots at different intervals."""
        snapshots(self.report, self.stream, self.room("snapshots"))

    def recovery(self) -> None:
        """A start with the snapshots of many accounts."""
        stream = make_stream(
            GeneratorSettings(self.report.seed, RECOVERY_EVENTS, RECOVERY_EVENTS // EVENTS_PER_ACCOUNT),
            self.room("template"),
        )
        recovery(self.report, stream, self.accounts, self.room("recovery"))

    def views(self) -> None:
        """Dashboards' queries on many alerts."""
        views(self.report, self.alerts)


PARTS: dict[str, Callable[[Bench], None]] = {
    "embedded": Bench.embedded,
    "backtest": Bench.backtest,
    "kafka": Bench.kafka,
    "rules": Bench.rules,
    "latency": Bench.latency,
    "snapshots": Bench.snapshots,
    "memory": Bench.memory,
    "recovery": Bench.recovery,
    "views": Bench.views,
}


def main() -> int:
    """Run the parts asked for; one that fails says why, and the rest goes on."""
    given = _arguments()
    report = Report(given.seed, given.events)
    with tempfile.TemporaryDirectory(prefix="payweir-bench-") as folder:
        bench = Bench(report, Path(folder), given.accounts, given.alerts)
        for number, part in enumerate(given.only, 1):
            begun = time.monotonic()
            console.print(f"[{number}/{len(given.only)}] {part} ...", markup=False)
            try:
                PARTS[part](bench)
            except KeyboardInterrupt:
                report.faults[part] = "interrupted"
                break
            except Exception as fault:  # noqa: BLE001  whatever it is, the other parts are still worth measuring
                report.faults[part] = f"{type(fault).__name__}: {fault}"
                traceback.print_exc()
            console.print(f"      {time.monotonic() - begun:.0f} s", markup=False)
    if given.json:
        print(json.dumps(report.as_data(), indent=1))
    else:
        report.show(Console(width=None if sys.stdout.isatty() else TABLE_WIDTH))
    if given.append:
        report.append()
        console.print(f"appended to {RESULTS}", markup=False)
    return 1 if report.faults else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", type=_parts, default=list(PARTS), help=f"comma-separated: {','.join(PARTS)}")
    parser.add_argument("--events", type=int, default=100_000, help="events of the stream (default %(default)s)")
    parser.add_argument(
        "--accounts",
        type=int,
        default=100_000,
        help="accounts of the memory and the recovery part (default %(default)s)",
    )
    parser.add_argument(
        "--alerts", type=int, default=5_000_000, help="alerts in the store of the views part (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the generated streams (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--no-append", dest="append", action="store_false", help="leave RESULTS.md as it is")
    return parser.parse_args()


def _parts(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - PARTS.keys():
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: write {','.join(PARTS)}")
    return [part for part in PARTS if part in names]


if __name__ == "__main__":
    sys.exit(main())
