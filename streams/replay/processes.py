"""Work in several processes that tell how far they are; each is started afresh and shares nothing."""

import signal
from collections.abc import Callable, Sequence
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Final, Generic, NamedTuple, TypeVar

from streams import errors
from streams.errors import PayweirError

T = TypeVar("T")
_SPAWN: Final = get_context("spawn")


class _Failed(NamedTuple):
    kind: str
    text: str


class _Done(NamedTuple, Generic[T]):
    result: T


class _Told(NamedTuple):
    done: int
    records: int


class _Parcels(NamedTuple):
    parcels: list[bytes]


class Link:
    """What a job has of the process that started it, and of the other jobs. When that process is gone, so is this one."""

    def __init__(self, connection: Connection) -> None:
        """Made in the job's own process."""
        self._connection = connection

    def tell(self, done: int, records: int = 0) -> None:
        """Say how much of the work is done, and how many records were seen."""
        _send(self._connection, _Told(done, records))

    def trade(self, parcels: list[bytes]) -> list[bytes]:
        """Give each of the jobs that trade a parcel, itself too, and get one from each, in their order; waits for all of them."""
        _send(self._connection, _Parcels(parcels))
        try:
            got: list[bytes] = self._connection.recv()
        except (EOFError, OSError):
            raise SystemExit(1) from None
        return got


def in_processes(
    jobs: Sequence[Callable[[Link], T]], most: int, told: Callable[[int, int], None], together: int = 1
) -> list[T]:
    """Run jobs, ``most`` at a time, each in a process of its own; gives the results in the order of the jobs.

    ``told`` hears what all did and saw. Jobs and results travel by pickle. Each ``together`` jobs in a row may trade with each
    other: they have to fit into ``most``, and to trade equally often. Raises the PayweirError of the first job that fails; the
    others are ended.
    """
    heard, results = [_Told(0, 0)] * len(jobs), dict[int, T]()
    waiting, running = list(enumerate(jobs)), dict[Connection, int]()
    tables = [_Table(range(first, first + together)) for first in range(0, len(jobs), together)]
    processes: list[SpawnProcess] = []
    try:
        while waiting or running:
            while waiting and len(running) < most:
                number, job = waiting.pop(0)
                running[_start(job, processes)] = number
            for ready in wait(list(running)):
                assert isinstance(ready, Connection)  # noqa: S101  nothing else was waited for
                number, said = running[ready], _receive(ready)
                if isinstance(said, _Told):
                    heard[number] = said
                    told(sum(each.done for each in heard), sum(each.records for each in heard))
                elif isinstance(said, _Parcels):
                    tables[number // together].put(number, ready, said.parcels)
                else:
                    results[number] = said.result
                    tables[number // together].leave()
                    del running[ready]
                    ready.close()
    finally:
        for process in processes:
            process.kill()
            process.join()
    return [results[number] for number in range(len(jobs))]


class _Table:
    """Where some jobs trade: when all have put their parcels there, each gets what is for it."""

    def __init__(self, seats: range) -> None:
        self._seats = seats
        self._given: dict[int, tuple[Connection, list[bytes]]] = {}
        self._left = False

    def put(self, number: int, connection: Connection, parcels: list[bytes]) -> None:
        """Take the parcels of a job. Whoever has given waits and sends nothing, so that no pipe can fill up on both sides."""
        self._given[number] = connection, parcels
        self._check()
        if len(self._given) == len(self._seats):
            given = [self._given[seat] for seat in self._seats]
            self._given.clear()
            for place, (receiver, _) in enumerate(given):
                try:
                    receiver.send([sent[place] for _, sent in given])
                except OSError:
                    raise _silent() from None

    def leave(self) -> None:
        """A job is done and will not trade any more."""
        self._left = True
        self._check()

    def _check(self) -> None:
        if self._left and self._given:
            raise PayweirError("processes are not equally far: was a file changed while they read it?")


def _start(job: Callable[[Link], object], processes: list[SpawnProcess]) -> Connection:
    """Start a process that an interrupt of the terminal, which goes to all, does not reach: it is ended by the one that waits."""
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_work, args=(job, theirs), daemon=True)
    resource_tracker.ensure_running()  # else started by the first process, and it lets interrupts through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
        processes.append(process)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()
    return ours


def _receive(connection: Connection) -> "_Told | _Parcels | _Done[Any]":
    try:
        said: _Told | _Parcels | _Done[Any] | _Failed = connection.recv()
    except (EOFError, OSError):
        raise _silent() from None
    if isinstance(said, _Failed):
        kind = getattr(errors, said.kind, PayweirError)
        raise PayweirError(said.text) if kind is errors.EngineError else kind(said.text)
    return said


def _silent() -> PayweirError:
    return PayweirError("a process of the work ended without a word; is there enough memory?")


def _work(job: Callable[[Link], object], connection: Connection) -> None:
    try:
        said: _Done[object] | _Failed = _Done(job(Link(connection)))
    except PayweirError as error:
        said = _Failed(type(error).__name__, str(error))
    _send(connection, said)


def _send(connection: Connection, message: object) -> None:
    try:
        connection.send(message)
    except OSError:
        raise SystemExit(1) from None
