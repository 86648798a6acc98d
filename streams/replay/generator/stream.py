"""The whole stream, in order of arrival: background, scenarios, disorder. Nothing here writes a file."""

from collections.abc import Callable, Iterator
from heapq import merge
from typing import Final

from streams.clock import DAY_MS
from streams.replay.generator.arrivals import Arrival, Arrivals
from streams.replay.generator.background import Background
from streams.replay.generator.catalogue import chosen
from streams.replay.generator.draws import DayClock, randomness
from streams.replay.generator.population import Names, Population
from streams.replay.generator.settings import GeneratorSettings
from streams.replay.generator.story import Case, Label, Scenario, Stage, Typology

_BEGIN_PER_MILLE: Final = (20, 830)
"""Scenarios begin in this stretch of the days, so that what is ordinary comes before them and most end inside."""
_LATE_REFERENCE_SHARE: Final = 0.02


class Generator:
    """One stream from one set of settings. Iterate ``arrivals`` once; what it tells of scenarios goes to ``tell``.

    Memory is bounded by the number of accounts: scenarios are made when their time comes, and what waits for its
    arrival is limited (``PENDING_MAX``).
    """

    def __init__(self, settings: GeneratorSettings, tell: Callable[[Scenario, list[Label]], None]) -> None:
        """Nothing is made yet. Raises ``UsageError`` for a typology that does not exist."""
        self.settings = settings
        self._typologies = chosen(settings.typologies, settings.days)
        self.population = Population(Names(settings.seed), settings.accounts_total)
        self._arrivals = Arrivals(settings)
        self._background = Background(settings.seed, self.population, self._arrivals)
        self._stage = Stage(settings.seed, self.population, self._arrivals, tell)

    @property
    def made(self) -> int:
        """Events made so far, repetitions not counted."""
        return self._arrivals.made

    @property
    def late(self) -> int:
        """Events held up so far."""
        return self._arrivals.late

    def arrivals(self) -> Iterator[Arrival]:
        """Give every event in order of arrival; about ``settings.events``, at most a few hundred more."""
        settings, queue = self.settings, self._arrivals
        starts = self._starts()
        upcoming = next(starts, None)
        now = settings.start_ms
        yield from self._references()
        known = queue.made
        clock = DayClock(settings.start_ms, settings.days, settings.events - known)
        while queue.made < settings.events:
            now = max(now, clock.at(queue.made - known))
            while upcoming is not None and upcoming[0] <= now:
                Case(self._stage, upcoming[2], upcoming[3], max(now, upcoming[0])).make()
                upcoming = next(starts, None)
            self._background.act(now)
            yield from queue.release(now)
        while upcoming is not None:
            Case(self._stage, upcoming[2], upcoming[3], max(now, upcoming[0])).make()
            yield from queue.release(max(now, upcoming[0]))
            upcoming = next(starts, None)
        self._background.end(now)
        yield from queue.release()

    def _references(self) -> Iterator[Arrival]:
        """Send what is known of the accounts; nearly all of it before the stream, a few records hours late."""
        rng = randomness(self.settings.seed, "references")
        start_ms, queue = self.settings.start_ms, self._arrivals
        for event in self.population.references(start_ms):
            late = rng.random() < _LATE_REFERENCE_SHARE
            queue.send_at(event, start_ms + (int(rng.random() * DAY_MS / 4) if late else 0))
            yield from queue.release(start_ms + 1)

    def _starts(self) -> Iterator[tuple[int, int, Typology, int]]:
        """Give (time, tie-break, typology, number) of every instance in order of time, none of it ahead of need."""
        return merge(
            *(self._starts_of(place, typology) for place, typology in enumerate(self._typologies)), key=_time_and_place
        )

    def _starts_of(self, place: int, typology: Typology) -> Iterator[tuple[int, int, Typology, int]]:
        settings = self.settings
        rng = randomness(settings.seed, "starts", typology.name)
        low, high = (settings.days * DAY_MS * part // 1_000 for part in _BEGIN_PER_MILLE)
        high = min(high, max(low, (settings.days - typology.days) * DAY_MS))
        count = settings.instances
        for number in range(count):
            share = int((number + rng.random()) * 1_000_000)
            yield settings.start_ms + low + (high - low) * share // (count * 1_000_000), place, typology, number


def _time_and_place(start: tuple[int, int, Typology, int]) -> tuple[int, int]:
    return start[0], start[1]
