"""The process that fuzzes: ``python -m tests.fuzz.target FOLDER BUILD FLAG...``; flags are libFuzzer's.

It takes one input after the other, changed so that new branches of the checker are reached. What must not be is written into
``FOLDER/found``, the first input of each kind, and the search goes on; only what ends the interpreter ends it.
"""

import hashlib
import random
import resource
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import atheris

with atheris.instrument_imports(include=["streams.detection", "streams.replay.notation"]):
    from tests.fuzz import inputs, oracle

from streams.detection.folder import load_folder
from streams.errors import UsageError
from tests.fuzz.builds import BUILDS

SECONDS_MAX: Final = 5.0
"""CPU time of one input; following every branch costs a factor of about five."""
KIBIBYTES_MAX: Final = 100 * 1024
"""By so much one input may raise the most memory that the process ever had."""
_OWN: Final = 0.25
"""Share of changes that are libFuzzer's own, with its dictionary."""


class TooLong(BaseException):
    """No rule evaluator may take it for an error of a rule."""


def _alarm(_number: int, _frame: FrameType | None) -> NoReturn:
    raise TooLong(f"more than {SECONDS_MAX} s")


class Target:
    """Takes inputs, and keeps what it finds."""

    def __init__(self, folder: Path) -> None:
        self.set, self.found = folder / "set", folder / "found"
        for each in (self.set, self.found):
            each.mkdir(parents=True, exist_ok=True)
        self.peak = 0

    def take(self, data: bytes) -> None:
        """Take one input, as files of a folder."""
        files = data.split(inputs.BETWEEN.encode())
        for file in self.set.iterdir():
            file.unlink()
        for number, each in enumerate(files):
            (self.set / f"{number:04}.yaml").write_bytes(each)
        before = self.peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS_MAX)
        try:
            oracle.take(load_folder(self.set))
        except UsageError:
            pass  # no UTF-8: said with the place
        except (Exception, TooLong) as fault:  # noqa: BLE001  whatever it is, it is what is looked for
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            self.keep(data, fault)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        self.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if self.peak - before > KIBIBYTES_MAX:
            self.keep(data, MemoryError(f"{(self.peak - before) // 1024} MiB more"))

    def keep(self, data: bytes, fault: BaseException) -> None:
        """Keep the first input that ends in a fault of this kind at this place."""
        places = [each for each in traceback.extract_tb(fault.__traceback__) if "/streams/" in each.filename]
        place = f"{Path(places[-1].filename).relative_to(inputs.ROOT)}:{places[-1].lineno}" if places else ""
        place = place or str(fault).rpartition(":")[2][:60]
        if isinstance(fault, TooLong):
            place = places[0].name if places else ""
        key = hashlib.sha256(f"{type(fault).__name__} {place}".encode()).hexdigest()[:12]
        if not (self.found / f"{key}.txt").exists():
            (self.found / f"{key}.input").write_bytes(data)
            (self.found / f"{key}.txt").write_text("".join(traceback.format_exception(fault))[-8_000:])
            sys.stderr.write(f"FOUND {key}: {type(fault).__name__} at {place}: {str(fault)[:200]}\n")
            sys.stderr.flush()


def change(data: bytes, size: int, seed: int) -> bytes:
    """Change an input: by libFuzzer, or as a text."""
    chance = random.Random(seed)
    if chance.random() < _OWN:
        return bytes(atheris.Mutate(data, size))
    text = inputs.mutated(data.decode("utf-8", "replace"), inputs.seeds(), chance)
    return text.encode("utf-8", "replace")[:size]


def main() -> None:
    """Fuzz until libFuzzer has had enough; never returns."""
    folder, build, *flags = sys.argv[1:]
    if build != "honest":
        BUILDS[build]()
    inputs.words()
    signal.signal(signal.SIGVTALRM, _alarm)
    atheris.Setup([sys.argv[0], *flags], Target(Path(folder)).take, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
