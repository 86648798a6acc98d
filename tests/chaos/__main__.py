"""``make chaos``, or ``python -m tests.chaos [--runs N] [--seed S] [--only TEXT]``.

Every run makes a dozen faults, drawn by its seed so that each kind comes equally often; results are appended to RESULTS.md and a
run that passed on this commit is not made again.
"""

import argparse
import sys
import time
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from tests.chaos.faults import FAULTS
from tests.chaos.run import Outcome, Size, run
from tests.rig.journal import Result, ResultsFile

FAULTS_PER_RUN: Final = 12
RESULTS: Final = Path(__file__).parent / "RESULTS.md"


def plan(seed: int, only: str = "") -> list[str]:
    """Give the faults of a run: all kinds in an order of their own, a dozen after the other."""
    names = [name for name in FAULTS if only in name]
    turn, place = divmod((seed - 1) * FAULTS_PER_RUN, len(names))
    drawn: list[str] = []
    while len(drawn) < place + FAULTS_PER_RUN:
        drawn += Random(turn).sample(names, len(names))
        turn += 1
    return drawn[place : place + FAULTS_PER_RUN]


def main() -> int:
    """Make the runs; gives 1 when one failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Faults on the real parts.")
    parser.add_argument("--runs", type=int, default=45, help="runs of a dozen faults each (default 45: 540 faults)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first run; the others count up")
    parser.add_argument("--only", default="", help="only faults whose name holds this text")
    asked = parser.parse_args()
    results, failed, faults = ResultsFile(RESULTS), 0, 0
    for seed in range(asked.seed, asked.seed + asked.runs):
        case = f"faults {asked.only}".strip()
        place = f"[{seed - asked.seed + 1}/{asked.runs}] seed {seed}"
        if results.passed(case, seed):
            sys.stdout.write(f"{place}: passed before on {results.commit}\n")
            continue
        begun = time.monotonic()
        outcome = _attempt(plan(seed, asked.only), seed)
        faults += outcome.made.total()
        failed += bool(outcome.wrong)
        results.add(Result(case, seed, not outcome.wrong, time.monotonic() - begun, _seen(outcome)))
        sys.stdout.write(
            f"{place}: {'FAILED' if outcome.wrong else 'passed'}, {outcome.made.total()} faults, {time.monotonic() - begun:.0f} s\n"
        )
        sys.stdout.write("".join(f"  {each[:3000]}\n" for each in outcome.wrong[:6]))
        sys.stdout.flush()
    sys.stdout.write(f"{faults} faults made, {failed} runs failed\n")
    return 1 if failed else 0


def _attempt(names: list[str], seed: int) -> Outcome:
    with TemporaryDirectory(prefix="payweir-chaos-") as folder:
        try:
            return run(names, seed, Path(folder), Size())
        except Exception as fault:  # noqa: BLE001  the other runs are to be made whatever happened to this one
            return Outcome(wrong=[f"{type(fault).__name__}: {fault}"])


def _seen(outcome: Outcome) -> str:
    made = ", ".join(f"{name} x{count}" if count > 1 else name for name, count in sorted(outcome.made.items()))
    missed = f"; not reached: {', '.join(sorted(outcome.not_reached))}" if outcome.not_reached else ""
    exits = ", ".join(f"{role} {code} x{count}" for (role, code), count in sorted(outcome.exits.items()))
    wrong = f"; WRONG: {outcome.wrong[0][:200]}" if outcome.wrong else ""
    return f"{outcome.made.total()} faults ({made}){missed}; {outcome.alerts} alerts as embedded; workers ended {exits}{wrong}"


if __name__ == "__main__":
    sys.exit(main())
