"""Failpoints: the process ends, as in a power cut, or freezes at the n-th time it comes to a named place.

``detect/send/after:3`` ends it right after the third acknowledged send; ``detect/send/before:1:freeze`` stops it before the first,
so that it wakes up as a zombie.
"""

import asyncio
import functools
import importlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, cast

EXIT_FAILPOINT: Final = 86


class Place(NamedTuple):
    """A function of the product, or of a client that one role alone calls so: its module, and its name there or in a class."""

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
    "detect/snapshot-begin": Place("aiokafka", "AIOKafkaProducer.begin_transaction"),
    "detect/snapshot-write": Place(_SNAPSHOTS, "SnapshotTopic.write"),
    "detect/snapshot-commit": Place(_SNAPSHOTS, "SnapshotTopic.commit"),
    "record/decode": Place("streams.agents.record", "decode_outcome"),
    "record/begin": Place("sqlalchemy", "Connection.begin"),
    "record/write": Place("streams.store.writer", "Store.write"),
    "record/acknowledge": _ACKNOWLEDGE,
    "record/commit": _COMMIT,
    "publish/begin": Place("kafka", "KafkaProducer.begin_transaction"),
    "publish/send": Place("kafka", "KafkaProducer.flush"),
    "publish/commit": Place("kafka", "KafkaProducer.commit_transaction"),
}
FAILPOINTS: Final = tuple(f"{name}/{when}" for name in PLACES for when in ("before", "after"))
Anything = Callable[..., object]


def arm(what: str) -> None:
    """Put a failpoint in; everything of the product that is to be reached must be imported by now."""
    failpoint, hits, action = (*what.split(":"), "exit")[:3]
    name, _, when = failpoint.rpartition("/")
    module, _, attribute = PLACES[name].module, None, PLACES[name].name
    owner: object = importlib.import_module(module)
    *path, last = attribute.split(".")
    for part in path:
        owner = getattr(owner, part)
    counter = _Counter(int(hits), _freeze if action == "freeze" else _end)
    setattr(owner, last, _wrapped(getattr(owner, last), counter, after=when == "after"))


def _end() -> None:
    os._exit(EXIT_FAILPOINT)


def _freeze() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


class _Counter:
    def __init__(self, hits: int, act: Callable[[], None]) -> None:
        self.left, self.act = hits, act

    def hit(self) -> None:
        self.left -= 1
        if self.left == 0:
            sys.stderr.write("failpoint reached\n")
            sys.stderr.flush()
            self.act()


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
