"""``make fuzz``, or ``python -m tests.fuzz [--minutes N] [--seed N] [--broken] [INPUT...]``: rule files that nobody would write.

A coverage-guided fuzzer (libFuzzer, through Atheris) changes the shipped rules, and ``oracle`` says what must come of it. Results
go to RESULTS.md, what it reached and found to build/fuzz, from where the next run goes on. With an INPUT it takes only that.
"""

import argparse
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.fuzz import inputs, oracle
from tests.fuzz.builds import BUILDS
from tests.rig.journal import Result, ResultsFile

FOLDER: Final = inputs.ROOT / "build" / "fuzz"
HANG_SECONDS: Final = 60
"""Of one input, when it cannot even be interrupted."""
MEBIBYTES_MAX: Final = 1_024
_STEP_SECONDS: Final = 0.5
_COVERED: Final = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)/")
_EXECUTED: Final = re.compile(r"^#(\d+)", re.MULTILINE)


def main() -> int:
    """Fuzz, or show that the broken builds are found out; gives 1 when something was found that should not be, or not found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Rule files that nobody would write.")
    parser.add_argument("inputs", nargs="*", type=Path, metavar="INPUT", help="take these, and nothing else")
    parser.add_argument("--minutes", type=float, default=10, help="how long (default %(default)g)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--broken", action="store_true", help="fuzz the builds broken on purpose, each until it is found out"
    )
    parser.add_argument("--build", choices=BUILDS, help="with --broken: only this one")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))  # so that what was started ends too
    if asked.inputs:
        for path in asked.inputs:
            good = oracle.take(inputs.split(path.read_text("utf-8", "replace")))
            sys.stdout.write(f"{path}: {'a good set' if good else 'named faults'}\n")
        return 0
    results, seconds = ResultsFile(Path(__file__).parent / "RESULTS.md"), asked.minutes * 60
    if not asked.broken:
        result = fuzz("honest", FOLDER, seconds, asked.seed)
        results.add(result)
        return 0 if result.ok else 1
    missed = 0
    for build in [asked.build] if asked.build else BUILDS:
        with TemporaryDirectory(prefix="payweir-fuzz-") as folder:
            result = fuzz(build, Path(folder), seconds, asked.seed)
        results.add(result)
        missed += not result.ok
    return 1 if missed else 0


def fuzz(build: str, folder: Path, seconds: float, seed: int) -> Result:
    """Fuzz one build for so long; a broken one until something is found."""
    corpus, start, found = folder / "corpus", folder / "start", folder / "found"
    shutil.rmtree(found, ignore_errors=True)
    for each in (corpus, start, found):
        each.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(inputs.seeds()):
        (start / str(number)).write_text(text)
    words = (word for word in (*inputs.words(), *inputs.PIECES) if len(word.encode()) < inputs.LONG)
    dictionary = folder / "words"
    dictionary.write_text("".join(f'"{_escaped(word)}"\n' for word in words))
    flags = [
        f"-max_total_time={seconds:.0f}", f"-seed={seed}", f"-timeout={HANG_SECONDS}", f"-rss_limit_mb={MEBIBYTES_MAX}",
        f"-max_len={inputs.BYTES_MAX}", "-len_control=0", "-reload=0", f"-dict={dictionary}", f"-artifact_prefix={found}/",
        str(corpus), str(start),
    ]  # fmt: skip
    begun = time.monotonic()
    log = folder / "log"
    with log.open("wb") as file:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.target", str(folder), build, *flags],
            stdout=file,
            stderr=file,
            cwd=inputs.ROOT,
        )
        try:
            while child.poll() is None and not (build != "honest" and any(map(_is_planted, found.glob("*.txt")))):
                time.sleep(_STEP_SECONDS)
        finally:
            child.kill()
            child.wait()
    return _result(build, seed, time.monotonic() - begun, folder)


def _is_planted(told: Path) -> bool:
    """Tell whether what a broken build came to grief over is nothing to the honest one."""
    try:
        oracle.take(inputs.split(told.with_suffix(".input").read_text("utf-8", "replace")))
    except Exception:  # noqa: BLE001  whatever it is, it is a fault of the honest one too
        return False
    return True


def _escaped(word: str) -> str:
    return "".join(f"\\x{byte:02X}" if not 35 <= byte < 127 or byte == 92 else chr(byte) for byte in word.encode())


def _result(build: str, seed: int, seconds: float, folder: Path) -> Result:
    said = (folder / "log").read_text(errors="replace")
    covered, executed = _COVERED.findall(said), _EXECUTED.findall(said)
    assert executed, f"the fuzzer did not begin: {said[-2_000:]}"
    kinds = [line.removeprefix("FOUND ") for line in said.splitlines() if line.startswith("FOUND ")]
    kinds += [each.name for each in (folder / "found").iterdir() if not each.suffix]
    edges, features, kept = covered[-1] if covered else ("0", "0", "0")
    seen = (
        f"{int(executed[-1]):,} inputs, {int(edges):,} branches reached, {int(features):,} ways through them, {int(kept):,} kept; "
        + (f"found {len(kinds)}: {'; '.join(kinds)}" if kinds else "nothing found")
    )
    sys.stdout.write(f"{build}, {seconds:.0f} s: {seen}\n")
    if kinds and build == "honest":
        sys.stdout.write(f"Inputs: {folder / 'found'}; again with: python -m tests.fuzz INPUT\n")
    return Result(build, seed, bool(kinds) is (build != "honest"), seconds, seen[:600])


if __name__ == "__main__":
    sys.exit(main())
