"""Where the workers spend their CPU: ``python -m tests.bench.profile [--live]``, one sampled worker of each role.

It prints, per role, the functions most samples were in. ``--keep`` leaves the stacks for a flame graph.
"""

import argparse
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

from streams.replay.generator import GeneratorSettings
from tests.bench.latency import make_schedule, send
from tests.bench.live import ROLES, Live
from tests.bench.stream import make_stream, next_day

_ROWS: Final = 40


def main() -> None:
    """Give the workers something to do, stop them and print what the samples say."""
    given = _arguments()
    with tempfile.TemporaryDirectory(prefix="payweir-profile-") as name:
        folder = Path(name)
        stream = make_stream(GeneratorSettings(given.seed, given.events), folder / "stream")
        with Live(stream.rules, folder, sampled=True) as live:
            live.sample()
            lines = stream.lines()
            cpu, count = live.drain(lines).cpu, stream.records
            if given.live:
                live.sample()
                before, schedule = live.cpu(), make_schedule(given.seed + 1, given.rate, next_day(lines))
                send(live, schedule, folder)
                cpu, count = {role: spent - before[role] for role, spent in live.cpu().items()}, len(schedule.lines)
            for role in ROLES:
                live.cluster.stop(role)
        for role in ROLES:
            stacks = folder / f"{role}.stacks"
            print(f"\n{role}: {cpu[role] / count * 1e6:.1f} us CPU per record")
            _tell(stacks.read_text().splitlines())
            if given.keep:
                shutil.copy(stacks, given.keep)


def _tell(lines: list[str]) -> None:
    """Print, per function, the share of samples in which it is on the stack, and on top of it."""
    own, within, total = Counter[str](), Counter[str](), 0
    for line in lines:
        stack, _, text = line.rpartition(" ")
        names, count = stack.split(";"), int(text)
        total += count
        own[names[-1]] += count
        for each in set(names):
            within[each] += count
    print(f"{total} samples\n{'within':>7} {'on top':>7}")
    for each, count in [(each, count) for each, count in within.most_common() if count < total * 0.6][:_ROWS]:
        print(f"{count / total:7.1%} {own[each] / total:7.1%}  {each}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.profile", description=__doc__)
    parser.add_argument("--events", type=int, default=50_000, help="records of the backlog (default %(default)s)")
    parser.add_argument(
        "--live", action="store_true", help="sample arrivals on schedule after the backlog instead of it"
    )
    parser.add_argument("--rate", type=float, default=500, help="records per second of --live (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the generated stream (default %(default)s)")
    parser.add_argument("--keep", type=Path, help="folder for the stacks")
    return parser.parse_args()


if __name__ == "__main__":
    main()
