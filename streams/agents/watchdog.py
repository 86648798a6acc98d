"""Tells a worker that is stuck from one that waits for a service, and ends the one that is stuck.

Stuck is a worker of which nothing moves for so long although its services answer: its event loop has no turn, its term has ended
and no other begins (the generation is invalid), or records wait and no position moves. Whoever starts it again (systemd,
Kubernetes) gets a worker that reads on from what is acknowledged; nothing is lost. A worker whose broker or store is away is
never ended: it waits better than a restart would.
"""

import asyncio
import faulthandler
import logging
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple

from kafka import TopicPartition

from streams.agents.app import DeliveryApp
from streams.agents.batch import TP
from streams.agents.clients import committed_reader
from streams.agents.retry import leave
from streams.errors import PayweirError
from streams.settings import Settings

logger = logging.getLogger(__name__)

#: Exit code of a worker that was stuck: a restart helps.
EXIT_STUCK: Final = 71
LOOK_SECONDS: Final = 0.5

Service = Callable[[], object]
"""Asks a service something small; raises an error of ours when it does not answer. Called from the watchdog's thread."""
EndsOf = Callable[[Collection[TP]], Mapping[TP, int]]
"""Asks the broker for the ends of partitions, past everything in the worker that may hang."""


class Sighting(NamedTuple):
    """What the event loop last said of itself; any difference but in ``beat`` is a move."""

    beat: int
    term: int
    live: bool
    """The term goes on and reading has begun."""
    delivered: Mapping[TP, int]
    done: Mapping[TP, int]
    faults: int
    """Attempts at which a service was away: who tries is not stuck."""


class Watchdog:
    """Looks after one app from a thread of its own, because what hangs may be the event loop."""

    def __init__(self, app: DeliveryApp, seconds: float, ends_of: EndsOf, services: tuple[Service, ...] = ()) -> None:
        """Watches from the app's start on; a stop that hangs is watched too."""
        self._app, self._seconds = app, seconds
        self._ends_of, self._services = ends_of, services
        self.seen: Sighting | None = None
        app.from_start.append(self._beat_for_ever)

    async def _beat_for_ever(self) -> None:
        beat = 0
        while not self._app.should_stop:
            beat += 1
            self.seen = self._sight(beat)
            if beat == 1:
                threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
            await asyncio.sleep(LOOK_SECONDS)

    def _sight(self, beat: int) -> Sighting:
        ledger = self._app.positions.ledger
        places = ledger.places.items()
        return Sighting(
            beat, ledger.term, ledger.started and not ledger.ended.is_set(),
            {tp: place.next_offset for tp, place in places}, {tp: place.done.offset for tp, place in places},
            self._app.faults,
        )  # fmt: skip

    def _watch(self) -> None:
        """Count looks, not seconds: a process that was paused as a whole was not stuck."""
        before, silent, still = self.seen, 0, 0
        pause = threading.Event()
        while not pause.wait(LOOK_SECONDS):
            now = self.seen
            assert now is not None and before is not None  # noqa: S101, PT018  the thread starts after the first
            silent = silent + 1 if now.beat == before.beat else 0
            still = still + 1 if now[1:] == before[1:] else 0
            before = now
            if max(silent, still) * LOOK_SECONDS >= self._seconds:
                reason = self.judge(now, silent=silent * LOOK_SECONDS >= self._seconds)
                if reason is not None:
                    self._end(reason)
                silent = still = 0

    def judge(self, seen: Sighting, *, silent: bool) -> str | None:
        """Say in what a worker is stuck of which nothing has moved; None when it waits, or has nothing to do."""
        try:
            ends = self._ends_of(seen.done.keys())
            for service in self._services:
                service()
        except (PayweirError, OSError) as away:
            logger.warning("nothing moves, because a service is away: %s", away)
            return None
        if silent:
            return "the event loop has had no turn"
        if not seen.live:
            return "it is no member of its consumer group, or has not begun to read"
        behind = [f"{tp.topic}/{tp.partition} at {at} of {ends[tp]}" for tp, at in seen.done.items() if at < ends[tp]]
        return f"records wait and no position moves: {', '.join(behind)}" if behind else None

    def _end(self, reason: str) -> None:
        logger.critical("stuck for %g s while the services answer: %s; ending the process", self._seconds, reason)
        faulthandler.dump_traceback(all_threads=True)
        leave(EXIT_STUCK)


def ends_at(settings: Settings) -> EndsOf:
    """Ask with a client of its own, which connects for every question."""

    def ask(tps: Collection[TP]) -> Mapping[TP, int]:
        with committed_reader(settings) as reader:
            ends = reader.end_offsets([TopicPartition(*tp) for tp in tps]) if tps else {}
            return {TP(*place): end for place, end in ends.items()}

    return ask
