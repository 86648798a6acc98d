"""Work in several processes that tell how far they are; each is started afresh and shares nothing."""

from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Final, Generic, NamedTuple, TypeVar

from streams import errors
from streams.errors import PayweirError

T = TypeVar("T")
Tell = Callable[[int], None]
"""Says how much of its work a process has done."""
_SPAWN: Final = get_context("spawn")


class _Failed(NamedTuple):
    kind: str
    text: str


class _Done(NamedTuple, Generic[T]):
    result: T


def in_processes(jobs: Sequence[Callable[[Tell], T]], most: int, told: Callable[[int], None]) -> list[T]:
    """Run jobs, ``most`` at a time, each in a process of its own; gives the results in the order of the jobs.

    ``told`` hears what all have done together. Jobs and results travel by pickle. Raises the PayweirError of the first job that
    fails; the others are ended.
    """
    done, results = [0] * len(jobs), dict[int, T]()
    waiting, running = list(enumerate(jobs)), dict[Connection, int]()
    processes = []
    try:
        while waiting or running:
            while waiting and len(running) < most:
                number, job = waiting.pop(0)
                ours, theirs = _SPAWN.Pipe(duplex=False)
                process = _SPAWN.Process(target=_work, args=(job, theirs), daemon=True)
                process.start()
                theirs.close()
                processes.append(process)
                running[ours] = number
            for ready in wait(list(running)):
                assert isinstance(ready, Connection)  # noqa: S101  nothing else was waited for
                said: int | _Done[T] = _receive(ready)
                if isinstance(said, int):
                    done[running[ready]] = said
                    told(sum(done))
                else:
                    results[running.pop(ready)] = said.result
                    ready.close()
    finally:
        for process in processes:
            process.kill()
            process.join()
    return [results[number] for number in range(len(jobs))]


def _receive(connection: Connection) -> "int | _Done[T]":
    try:
        said: int | _Done[T] | _Failed = connection.recv()
    except EOFError:
        raise PayweirError("a process of the work ended without a word; is there enough memory?") from None
    if isinstance(said, _Failed):
        kind = getattr(errors, said.kind, PayweirError)
        raise PayweirError(said.text) if kind is errors.EngineError else kind(said.text)
    return said


def _work(job: Callable[[Tell], object], connection: Connection) -> None:
    try:
        connection.send(_Done(job(connection.send)))
    except PayweirError as error:
        connection.send(_Failed(type(error).__name__, str(error)))
