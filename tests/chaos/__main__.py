"""``make chaos``, or ``python -m tests.chaos [--faults N] [--seed S] [--only TEXT] [--broken]``.

Runs are made until so many faults are added up over the present code of the protocol (RESULTS.md); what was made before counts,
so a chain of runs can be broken off. Kinds that were made least come first. ``--broken`` shows instead that the
builds broken on purpose are found out.
"""

import argparse
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory, gettempdir
from typing import Final

import streams.cli.run
from tests.chaos import broken, results
from tests.chaos.faults import LANES
from tests.chaos.run import Lanes, Outcome, Size, run
from tests.rig import raising

FAULTS: Final = 500
RUNS_MAX: Final = 40


def plan(seed: int, made: Counter[str], only: str = "") -> Lanes:
    """Give the faults of a run by lane: those made least so far first, else in an order drawn by the seed."""
    dice = Random(seed)
    lanes = {}
    for lane, faults in LANES.items():
        names = [name for name in faults if only in name]
        dice.shuffle(names)
        lanes[lane] = sorted(names, key=lambda name: made[name])
    return lanes


def main() -> int:
    """Make the runs; gives 1 when one failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Faults on the real parts.")
    parser.add_argument("--faults", type=int, default=FAULTS, help="make runs until so many are added up (default 500)")
    parser.add_argument("--runs", type=int, default=RUNS_MAX, help="at most so many runs")
    parser.add_argument("--seconds", type=float, default=Size().seconds, help="of faults in each run")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the first run; the next one that was not run if not given"
    )
    parser.add_argument("--only", default="", help="only faults whose name holds this text")
    parser.add_argument("--broken", action="store_true", help="run the deliberately broken builds")
    asked = parser.parse_args()
    # So that everything that was started is ended when a run is broken off.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))
    if asked.broken:
        return broken.main()
    failed = 0
    code = results.protocol()
    for number in range(asked.runs):
        known = results.runs(code)
        made = results.added_up(known)
        if made.total() >= asked.faults:
            break
        seed = asked.seed + number if asked.seed else max((each.seed for each in known), default=0) + 1
        begun = time.monotonic()
        outcome = attempt(plan(seed, made, asked.only), seed, Size(seconds=asked.seconds))
        done = _run(code, seed, outcome, time.monotonic() - begun)
        failed += not done.passed
        results.add(done)
        _say(done, outcome, made.total() + outcome.made.total())
    return 1 if failed else 0


def attempt(lanes: Lanes, seed: int, size: Size) -> Outcome:
    """Make one run, whatever comes of it."""
    # The embedded run and the oracle have the raising rule as well as the workers.
    vars(streams.cli.run)["compile_ruleset"] = raising.compile_with_a_fault
    outcome = Outcome()
    with TemporaryDirectory(prefix="payweir-chaos-") as folder:
        try:
            run(lanes, seed, Path(folder), size, outcome)
            if outcome.verdict.wrong:
                _keep_logs(Path(folder), seed)
        except Exception as fault:  # noqa: BLE001  the other runs are to be made whatever happened to this one
            traceback.print_exc()
            outcome.verdict.wrong.append(f"broken off before the oracle was asked: {type(fault).__name__}: {fault}")
            _keep_logs(Path(folder), seed)
    return outcome


def _keep_logs(folder: Path, seed: int) -> None:
    """What a failed run leaves to look into."""
    kept = Path(gettempdir()) / f"payweir-chaos-failed-{seed}"
    kept.mkdir(exist_ok=True)
    for log in folder.glob("*.log"):
        shutil.copy(log, kept)
    sys.stdout.write(f"logs of seed {seed}: {kept}\n")


def _run(code: str, seed: int, outcome: Outcome, seconds: float) -> results.Run:
    exits = ", ".join(f"{role} {code} x{count}" for (role, code), count in sorted(outcome.exits.items()))
    seen = f"{outcome.alerts} alerts, {outcome.sent_again} chunks sent again; workers ended {exits}"
    verdict, reached = outcome.verdict, {name: count for name, count in outcome.not_reached.items() if count}
    made = {name: count for name, count in sorted(outcome.made.items()) if count}
    return results.Run(
        results.now(), code, seed, not verdict.wrong, round(seconds), made, reached, verdict.lost, verdict.doubled, seen,
        "; ".join(verdict.wrong)[:2000],
    )  # fmt: skip


def _say(done: results.Run, outcome: Outcome, total: int) -> None:
    word = "passed" if done.passed else "FAILED"
    made = sum(done.made.values())
    sys.stdout.write(f"seed {done.seed}: {word}, {made} faults in {done.seconds} s, {total} together; {done.seen}\n")
    if done.not_reached:
        sys.stdout.write(f"  not reached: {', '.join(sorted(done.not_reached))}\n")
    sys.stdout.write("".join(f"  {each[:4000]}\n" for each in outcome.verdict.wrong[:8]))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
