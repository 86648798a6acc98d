"""The command line with a failpoint: the process ends at the n-th time it comes to a named place, as in a power cut.

``python -m tests.rig.failing detect/send/after 3 worker --role detect`` ends right after the third acknowledged send.
"""

import asyncio
import functools
import importlib
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, cast

EXIT_FAILPOINT: Final = 86


class Place(NamedTuple):
    """A function of the product: its module, and its name there or in a class."""

    module: str
    name: str


_SEND: Final = Place("streams.agents.producer", "Sender.send_all")
_ACKNOWLEDGE: Final = Place("streams.agents.transport", "BatchConsumer.acknowledge")
_COMMIT: Final = Place("streams.agents.fetching", "FetchingThread.store")
_SNAPSHOTS: Final = "streams.agents.snapshots"
PLACES: Final[dict[str, Place]] = {
    "intake/decode": Place("streams.pipeline.intake", "Intake.take"),
    "intake/send": _SEND,
    "intake/acknowledge": _ACKNOWLEDGE,
    "intake/commit": _COMMIT,
    "detect/decode": Place("streams.agents.detect", "unpack"),
    "detect/evaluate": Place("streams.agents.detect", "step"),
    "detect/send": _SEND,
    "detect/acknowledge": _ACKNOWLEDGE,
    "detect/commit": _COMMIT,
    "detect/fence": Place(_SNAPSHOTS, "SnapshotTopic.open"),
    "detect/recover": Place(_SNAPSHOTS, "SnapshotTopic.read"),
    "detect/restore": Place("streams.agents.keeper", "restore"),
    "detect/snapshot-cut": Place("streams.pipeline.snapshot.cut", "SnapshotWriter.cut"),
    "detect/snapshot-write": Place(_SNAPSHOTS, "SnapshotTopic.write"),
    "detect/snapshot-commit": Place(_SNAPSHOTS, "SnapshotTopic.commit"),
    "record/write": Place("streams.store.writer", "Store.write"),
    "record/acknowledge": _ACKNOWLEDGE,
    "record/commit": _COMMIT,
}
FAILPOINTS: Final = tuple(f"{name}/{when}" for name in PLACES for when in ("before", "after"))
Anything = Callable[..., object]


def arm(failpoint: str, hits: int) -> None:
    """Put a failpoint in."""
    name, _, when = failpoint.rpartition("/")
    module, _, attribute = PLACES[name].module, None, PLACES[name].name
    owner: object = importlib.import_module(module)
    *path, last = attribute.split(".")
    for part in path:
        owner = getattr(owner, part)
    setattr(owner, last, _wrapped(getattr(owner, last), _Counter(hits), after=when == "after"))


class _Counter:
    def __init__(self, hits: int) -> None:
        self.left = hits

    def hit(self) -> None:
        self.left -= 1
        if self.left <= 0:
            sys.stderr.write("failpoint reached\n")
            sys.stderr.flush()
            os._exit(EXIT_FAILPOINT)


def _wrapped(function: Anything, counter: _Counter, *, after: bool) -> Anything:
    if asyncio.iscoroutinefunction(function):

        @functools.wraps(function)
        async def waiting(*words: object, **named: object) -> object:
            if not after:
                counter.hit()
            result = await cast("Callable[..., Awaitable[object]]", function)(*words, **named)
            if after:
                counter.hit()
            return result

        return waiting

    @functools.wraps(function)
    def at_once(*words: object, **named: object) -> object:
        if not after:
            counter.hit()
        result = function(*words, **named)
        if after:
            counter.hit()
        return result

    return at_once


def main() -> None:
    """Run the command line with the failpoint of the first two arguments."""
    failpoint, hits = sys.argv[1], int(sys.argv[2])
    del sys.argv[1:3]
    from streams.cli.app import main as payweir  # noqa: PLC0415 - everything is imported before the failpoint goes in

    arm(failpoint, hits)
    payweir()


if __name__ == "__main__":
    main()
