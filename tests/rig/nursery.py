"""Workers that start at once: a process that has imported everything forks, so that a test of many restarts tests no imports.

What runs in the child is the command line as it is (``tests.rig.troubled``), with an environment and a log file of its own.
"""

import contextlib
import gc
import json
import os
import random
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self, cast

from tests.rig.process import RigError

_LOOK_SECONDS: Final = 0.05
_ANSWER_SECONDS_MAX: Final = 60


class Foundling:
    """A child of the nursery, with the words of ``subprocess.Popen``."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = threading.Event()

    def poll(self) -> int | None:
        """Exit code, None while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Exit code; raises ``subprocess.TimeoutExpired``."""
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired("a foundling", timeout or 0)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Nothing happens if it has ended."""
        with contextlib.suppress(ProcessLookupError):  # it has ended and was not reported yet
            if self.returncode is None:
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def end(self, code: int) -> None:
        """It has ended; called by the nursery."""
        self.returncode = code
        self._ended.set()


class Nursery:
    """The process that forks. A child that has ended is reported before its number can be given to another."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._children: dict[int, Foundling] = {}
        self._born = threading.Condition()
        self._newborn: Foundling | None = None
        self._reader = threading.Thread(target=self._read, daemon=True)

    def start(self, words: Sequence[str], environment: Mapping[str, str], log: Path) -> Foundling:
        """Start a command of the command line."""
        assert self._process.stdin is not None
        with self._born:
            self._newborn = None
            order = {"words": list(words), "environment": dict(environment), "log": str(log)}
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            if not self._born.wait_for(lambda: self._newborn is not None, _ANSWER_SECONDS_MAX):
                raise RigError("the nursery is silent")
            return cast("Foundling", self._newborn)

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children.values():
            child.kill()
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            pid, code = json.loads(line)
            if code is not None:
                self._children.pop(pid).end(code)
                continue
            with self._born:
                self._newborn = self._children[pid] = Foundling(pid)
                self._born.notify_all()


def _tell(pid: int, code: int | None) -> None:
    sys.stdout.write(json.dumps([pid, code]) + "\n")
    sys.stdout.flush()


def _bury() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        _tell(pid, os.waitstatus_to_exitcode(status))


def _serve() -> bool:
    """Fork for every line until there are no more; gives True in a child."""
    left = b""
    while True:
        _bury()
        if not select.select([0], [], [], _LOOK_SECONDS)[0]:
            continue
        data = os.read(0, 1 << 16)
        if not data:
            return False
        *lines, left = (left + data).split(b"\n")
        for line in lines:
            order = json.loads(line)
            pid = os.fork()
            if not pid:
                _become(order["words"], order["environment"], order["log"])
                return True
            _tell(pid, None)


def _become(words: list[str], environment: dict[str, str], log: str) -> None:
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.environ.clear()
    os.environ.update(environment)
    random.seed()
    time.tzset()
    sys.argv = ["payweir", *words]


def main() -> None:
    """Import everything, then serve."""
    from tests.rig import troubled  # noqa: PLC0415 - what a child shares with all others

    troubled.prepare()
    gc.collect()
    gc.freeze()
    if _serve():
        gc.unfreeze()
        troubled.main()


if __name__ == "__main__":
    main()
