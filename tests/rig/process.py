"""A child process that can be stopped, killed, paused and waited for; and free ports for it to listen on."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path


class RigError(RuntimeError):
    """A real part did not start or stop; the message ends with the tail of its log."""


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that were free a moment ago; all held open together, so they differ."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def tail(log: Path, lines: int = 40) -> str:
    """The last lines of a log file, or a word saying that there is none."""
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def wait_until(ready: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll ``ready`` every 50 ms; raises :class:`RigError` naming ``what`` when the time is over."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise RigError(f"{what}: not within {seconds:g} s")
        time.sleep(0.05)


class Child:
    """One child process with its output in a file."""

    def __init__(self, command: list[str], log: Path) -> None:
        self.log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    @property
    def pid(self) -> int:
        """Process id, valid until the process was waited for."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended yet."""
        return self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to this process alone; nothing happens if it has ended."""
        if self.running:
            self._process.send_signal(number)

    def pause(self) -> None:
        """SIGSTOP, and wait until all its threads stand still: on a busy machine that takes a moment."""
        if self.running:
            self._process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def wait(self, seconds: float) -> int:
        """Exit code; raises :class:`RigError` with the log's tail when the process is still there after ``seconds``."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise RigError(f"process {self.pid} did not end within {seconds:g} s\n{tail(self.log)}") from None

    def terminate(self, seconds: float) -> int:
        """SIGTERM and wait; SIGKILL when it does not help, so that nothing is ever left behind."""
        self.send(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except RigError:
            self.kill()
            raise

    def kill(self) -> int:
        """SIGKILL and wait."""
        self.send(signal.SIGKILL)
        return self.wait(30)
