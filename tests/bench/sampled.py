"""The command line under a sampler: ``python -m tests.bench.sampled FILE COMMAND ...``; at its end FILE holds stacks and counts.

It begins (anew) at SIGRTMIN, so that start-up stays out; mode has taken SIGUSR1.

Every few milliseconds of CPU time the stacks of all threads that do not wait are counted, in the collapsed form flame graphs
are drawn from (``main;run;read 12``). Sampling leaves the proportions as they are, a tracing profiler would not.
"""

import atexit
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Final

from streams.cli.app import main

_EVERY_SECONDS: Final = 0.005
_DEPTH_MAX: Final = 60
_WAITING: Final = {
    ("selectors.py", "select"),
    ("threading.py", "wait"),
    ("thread.py", "_worker"),
    ("connection.py", "wait"),  # psycopg, for the answer of the database
}


class Sampler:
    """Counts stacks from SIGRTMIN until ``write``."""

    def __init__(self) -> None:
        """Takes the two signals; only the main thread may do that."""
        self.stacks: Counter[str] = Counter()
        signal.signal(signal.SIGPROF, self._sample)
        signal.signal(signal.SIGRTMIN, self._begin)

    def write(self, path: Path) -> None:
        """Write one line per stack, the frequent ones first."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        path.write_text("".join(f"{stack} {count}\n" for stack, count in self.stacks.most_common()))

    def _begin(self, _number: int, _interrupted: FrameType | None) -> None:
        self.stacks.clear()
        signal.setitimer(signal.ITIMER_PROF, _EVERY_SECONDS, _EVERY_SECONDS)

    def _sample(self, _number: int, interrupted: FrameType | None) -> None:
        own = sys._getframe()
        for frame in sys._current_frames().values():
            # The main thread stands in this very function; what it did is the frame that was interrupted.
            top = interrupted if frame is own else frame
            if top is not None and _place(top) not in _WAITING:
                self.stacks[_stack(top)] += 1


def _place(frame: FrameType) -> tuple[str, str]:
    return frame.f_code.co_filename.rpartition("/")[2], frame.f_code.co_name


def _stack(frame: FrameType) -> str:
    names: list[str] = []
    at: FrameType | None = frame
    while at is not None and len(names) < _DEPTH_MAX:
        file, name = _place(at)
        names.append(f"{file}:{name}")
        at = at.f_back
    return ";".join(reversed(names))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    del sys.argv[1]
    sampler = Sampler()
    atexit.register(sampler.write, target)
    main()
