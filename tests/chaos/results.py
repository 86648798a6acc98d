"""What the runs have shown so far: one line of JSON per run, and a table by kind of fault made from those of one protocol."""

import json
import shutil
import subprocess
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

PROTOCOL: Final = ("streams/agents", "streams/pipeline", "streams/state", "streams/flow")
"""The code that keeps the promise; only runs over the same bytes of it are added up."""
_ROOT: Final = Path(__file__).parents[2]
_RUNS: Final = Path(__file__).parent / "runs.jsonl"
_TABLE: Final = Path(__file__).parent / "RESULTS.md"
_HEAD: Final = """\
# Results of faults on the real parts

Written by `make chaos` (`python -m tests.chaos`) from `runs.jsonl`, which holds a line per run: seed, faults by kind, how the
workers ended, and what was wrong. Only runs over the same code of the protocol are added up; it is named by the Git trees of
`streams/agents`, `streams/pipeline`, `streams/state` and `streams/flow`.

Apache Kafka and PostgreSQL are real, the session time-out is 6 s, two workers run in every role, and every worker that ends is
started again. After the faults, one thread folds each partition's log; against it stand the amendments and withdrawals in SQL, one
content per alert and revision, the state a new owner would recover, and the marks told once more. The alerts and their evidence are
also those of the embedded run, dead letters are exactly the poison, and accepted + refused + duplicate = found for every source.
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run."""

    when: str
    protocol: str
    seed: int
    passed: bool
    seconds: int
    made: dict[str, int]
    not_reached: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    doubled: int = 0
    seen: str = ""
    wrong: str = ""


def now() -> str:
    """Give the present minute."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M}"


def protocol() -> str:
    """Name the code of the protocol; a plus when there are changes that are not committed."""

    def git(*words: str) -> str:
        command = [shutil.which("git") or "git", *words]
        return subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True).stdout.strip()

    trees = "-".join(git("rev-parse", f"HEAD:{folder}")[:8] for folder in PROTOCOL)
    return trees + ("+" if git("status", "--porcelain", "--", *PROTOCOL) else "")


def runs(of: str) -> list[Run]:
    """Give the runs over one protocol, oldest first."""
    if not _RUNS.exists():
        return []
    every = [Run(**json.loads(line)) for line in _RUNS.read_text().splitlines()]
    return [each for each in every if each.protocol == of]


def add(run: Run) -> None:
    """Keep a run and write the table anew."""
    with _RUNS.open("a") as file:
        file.write(json.dumps(asdict(run)) + "\n")
    _TABLE.write_text(table(runs(run.protocol)))


def added_up(known: list[Run]) -> Counter[str]:
    """Add up the faults by kind; those of a run that failed, or was broken off before the oracle was asked, prove nothing."""
    made: Counter[str] = Counter()
    for each in known:
        if each.passed:
            made.update(each.made)
    return made


def table(known: list[Run]) -> str:
    """Write the sum of runs over one protocol."""
    made = added_up(known)
    times = Counter(name for each in known if each.passed for name, count in each.made.items() if count)
    missed = sorted(name for each in known for name in each.not_reached if not made[name])
    failed = [each for each in known if not each.passed]
    minutes = sum(each.seconds for each in known) / 60
    lost, doubled = sum(each.lost for each in known), sum(each.doubled for each in known)
    text = (
        f"{_HEAD}\nProtocol {known[0].protocol}, {len(known)} runs from {known[0].when} to {known[-1].when} UTC, "
        f"{minutes:.0f} minutes.\n\n**{made.total():,} faults, {lost} lost, {doubled} doubled**; {len(failed)} runs failed, "
        "whose faults do not count.\n\n"
        "| kind of fault | made | in runs |\n|---|---:|---:|\n"
    )
    text += "".join(f"| {name} | {count} | {times[name]} |\n" for name, count in sorted(made.items()) if count)
    text += f"| together | {made.total():,} | {len(known) - len(failed)} |\n"
    if missed:
        text += f"\nNot reached yet: {', '.join(dict.fromkeys(missed))}.\n"
    for each in failed:
        text += f"\nFailed: seed {each.seed}, {each.when}: {each.wrong[:500]}\n"
    return text
