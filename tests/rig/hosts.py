"""Several hosts on one machine: a network namespace each, joined by a router in one more; a host is cut off by its cable.

A router and no bridge, because not every kernel has bridges. Making namespaces needs root. Where they are not to be had, hosts are
addresses of the loopback network, and a host is cut off by stopping its processes (SIGSTOP): others see the same silence, the host
itself sees nothing.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from tests.rig.process import RigError

_NAMES: Final = Path("/run/netns")
_NEW_NET: Final = 0x40000000


class Hosts:
    """Hosts by name, on one network; gone when left."""

    kind = "addresses of the loopback network"

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)

    def address(self, host: str) -> str:
        """Where the others find it."""
        return f"127.0.0.{self.names.index(host) + 2}"

    @contextmanager
    def on(self, host: str) -> Iterator[None]:
        """Inside, this thread and the processes it starts are on that host."""
        assert host in self.names
        yield

    def cut(self, _host: str, pids: Sequence[int]) -> None:
        """Nothing comes or goes any more; ``pids`` run there."""
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def heal(self, _host: str, pids: Sequence[int]) -> None:
        """As before the cut."""
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was made."""


class Namespaces(Hosts):
    """Hosts with a network of their own each. Raises RigError, on entering, where namespaces are not allowed."""

    kind = "network namespaces"

    def address(self, host: str) -> str:
        """In networks that exist in these namespaces only."""
        return f"10.77.{self.names.index(host)}.2"

    @contextmanager
    def on(self, host: str) -> Iterator[None]:
        """Move this thread there and back; other threads stay where they are."""
        libc = ctypes.CDLL(None, use_errno=True)
        with Path(f"/proc/self/task/{threading.get_native_id()}/ns/net").open() as home:
            with (_NAMES / self._name(host)).open() as there:
                _enter(libc, there.fileno())
            try:
                yield
            finally:
                _enter(libc, home.fileno())

    def cut(self, host: str, _pids: Sequence[int]) -> None:
        """Pull the cable at the router's end: the host's own end stays up, so its programs hear nothing of it."""
        _ip("-n", self._name("router"), "link", "set", host, "down")

    def heal(self, host: str, _pids: Sequence[int]) -> None:
        """Put it back."""
        _ip("-n", self._name("router"), "link", "set", host, "up")

    def __enter__(self) -> Self:
        try:
            self._make()
        except RigError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in (*self.names, "router"):
            with suppress(RigError):
                _ip("netns", "del", self._name(name))

    def _make(self) -> None:
        router = self._name("router")
        _ip("netns", "add", router)
        for host in self.names:
            own, gateway = self._name(host), f"10.77.{self.names.index(host)}.1"
            _ip("netns", "add", own)
            _ip("-n", own, "link", "add", "name", "eth", "type", "veth", "peer", "name", host, "netns", router)
            _ip("-n", router, "address", "add", f"{gateway}/24", "dev", host)
            _ip("-n", router, "link", "set", "dev", host, "up")
            _ip("-n", own, "address", "add", f"{self.address(host)}/24", "dev", "eth")
            _ip("-n", own, "link", "set", "dev", "eth", "up")
            _ip("-n", own, "link", "set", "dev", "lo", "up")
            _ip("-n", own, "route", "add", "default", "via", gateway)
        try:
            with self.on("router"):
                Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        except OSError as error:
            raise RigError(f"the router may not forward: {error}") from None

    @staticmethod
    def _name(host: str) -> str:
        return f"payweir-{os.getpid()}-{host}"


@contextmanager
def hosts(*names: str) -> Iterator[Hosts]:
    """Give hosts: namespaces where they may be made, else addresses; says on standard error why not."""
    made: Hosts = Namespaces(names)
    try:
        made.__enter__()
    except RigError as error:
        print(f"no network namespaces: {error}", file=sys.stderr)  # noqa: T201
        made = Hosts(names)
    try:
        yield made
    finally:
        made.__exit__()


def _enter(libc: ctypes.CDLL, place: int) -> None:
    if libc.setns(place, _NEW_NET):
        raise RigError(f"cannot enter a network namespace: {os.strerror(ctypes.get_errno())}")


def _ip(*words: str) -> None:
    try:
        done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)  # noqa: S607  where it is differs
    except OSError as error:
        raise RigError(f"ip cannot be run: {error}") from None
    if done.returncode:
        raise RigError(f"ip {' '.join(words)}: {done.stderr.strip()}")
