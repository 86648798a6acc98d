"""``make soak``, or ``python -m tests.soak [CASE...] [--seed N] [--minutes N] [--events N] [--list]``.

A case that passed on this commit is not run again.
"""

import argparse
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.rig.journal import Result, ResultsFile
from tests.soak.cases import CASES, Case
from tests.soak.killed import KILLED, killed_at_full_speed
from tests.soak.outage import OUTAGE, killed_at_half_load
from tests.soak.pressure import pressed, steady


def main() -> int:
    """Run what is asked for; gives 1 when a case failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Long runs on the real parts.")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="which to run; all when none is named")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=30, help="length of the case memory (default %(default)g)")
    parser.add_argument("--list", action="store_true", help="name the cases and stop")
    parser.add_argument(
        "--events", type=int, default=1_000_000, help=f"size of the case {KILLED} (default %(default)s)"
    )
    asked = parser.parse_args()
    # A shorter run is a case of its own: it does not stand for the whole one.
    cases: dict[str, Case] = {"pressure": pressed, f"memory-{asked.minutes:g}": partial(steady, asked.minutes)}
    cases[OUTAGE] = killed_at_half_load
    cases |= CASES | {f"{KILLED}-{asked.events}": partial(killed_at_full_speed, asked.events)}
    unknown = set(asked.cases) - cases.keys()
    if unknown or asked.list:
        sys.stdout.write("\n".join(cases) + "\n")
        return 2 if unknown else 0
    results = ResultsFile(Path(__file__).parent / "RESULTS.md")
    wanted = asked.cases or list(cases)
    failed = 0
    for number, name in enumerate(wanted, 1):
        place = f"[{number}/{len(wanted)}] {name}"
        if results.passed(name, asked.seed):
            sys.stdout.write(f"{place}: passed before on {results.commit}\n")
            continue
        sys.stdout.write(f"{place} ...\n")
        sys.stdout.flush()
        result = _run(name, cases[name], asked.seed)
        results.add(result)
        failed += not result.ok
        sys.stdout.write(
            f"{place}: {'passed' if result.ok else 'FAILED'} in {result.seconds:.0f} s: {result.seen[:2000]}\n"
        )
    return 1 if failed else 0


def _run(name: str, case: Case, seed: int) -> Result:
    begun = time.monotonic()
    with TemporaryDirectory(prefix="payweir-soak-") as folder:
        try:
            seen, ok = case(Path(folder), seed), True
        except Exception as fault:  # noqa: BLE001  the other cases are to run whatever happened to this one
            seen, ok = f"{type(fault).__name__}: {str(fault)[:300]}", False
    return Result(name, seed, ok, time.monotonic() - begun, seen)


if __name__ == "__main__":
    sys.exit(main())
