"""What has been made but has not arrived yet, and how the network mixes it up."""

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Final, NamedTuple

from msgspec.structs import replace

from streams.clock import MINUTE_MS, from_datetime, to_datetime
from streams.events.model import Event
from streams.replay.generator.draws import Spread, randomness
from streams.replay.generator.settings import GeneratorSettings

PENDING_MAX: Final = 50_000
"""Background traffic stops making events far ahead when so many wait: this bounds memory at any rate."""
_TRANSPORT_MS: Final = Spread((0, 20), (900, 400), (1_000, 2_500))
_LATE_MS: Final = Spread((0, 3_000), (500, MINUTE_MS), (900, 20 * MINUTE_MS), (1_000, 120 * MINUTE_MS))


class Arrival(NamedTuple):
    """An event at the moment at which it reaches its topic; ``repeated`` when the same bytes came before."""

    at_ms: int
    event: Event
    repeated: bool


class Arrivals:
    """A heap by time of arrival; ties keep the order in which they were made."""

    def __init__(self, settings: GeneratorSettings) -> None:
        """Chance of its own, so that disorder changes the order and never the events."""
        self.made = 0
        self.late = 0
        self._disorder = settings.disorder
        self._duplicates = settings.duplicates
        self._rng = randomness(settings.seed, "arrivals")
        self._heap: list[tuple[int, int, Event, bool]] = []
        self._number = 0

    @property
    def full(self) -> bool:
        """Whether so much waits that nothing more should be made ahead."""
        return len(self._heap) >= PENDING_MAX

    def send(self, event: Event, not_before_ms: int = 0) -> None:
        """Let the event arrive soon after its event time (and ``not_before_ms``), or late by chance."""
        rng = self._rng
        at = max(from_datetime(event.event_time), not_before_ms) + _TRANSPORT_MS.draw(rng)
        if self._disorder and rng.random() < self._disorder:
            at += _LATE_MS.draw(rng)
            self.late += 1
        self.send_at(event, at)

    def send_at(self, event: Event, at_ms: int) -> None:
        """Let the event arrive at exactly this moment."""
        self.made += 1
        self._number += 1
        heappush(self._heap, (at_ms, self._number, event, False))

    def release(self, before_ms: int | None = None) -> Iterator[Arrival]:
        """Give what arrives before a moment (all, without one), in order, and set its ``ingest_time``."""
        heap, rng = self._heap, self._rng
        while heap and (before_ms is None or heap[0][0] < before_ms):
            at, _, event, repeated = heappop(heap)
            if not repeated:
                event = replace(event, ingest_time=to_datetime(at))
                if self._duplicates and rng.random() < self._duplicates:
                    self._number += 1
                    heappush(heap, (at + _LATE_MS.draw(rng), self._number, event, True))
            yield Arrival(at, event, repeated)
