"""Chance: where randomness is made, how amounts are spread, and when in a day people pay.

Amounts never touch a float: a spread is a table of integers, and chance picks a place in it.
"""

from itertools import pairwise
from random import Random
from typing import Final

from streams.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from streams.money import exponent

LOCAL_OFFSET_MS: Final = 8 * HOUR_MS
"""Most of the traffic is Chinese, so its clock is UTC+8."""
_PLACES: Final = 1_000
_SLOTS: Final = 1_440
_LOCAL_HOURS: Final = (3, 2, 1, 1, 1, 2, 5, 10, 18, 26, 30, 30, 28, 24, 26, 28, 28, 26, 28, 32, 34, 28, 16, 8)
"""Share of payments by local hour: quiet before six, peaks before noon and in the evening (our estimate)."""
_MINOR_UNITS: Final = (1, 10, 100, 1_000)
_UNITS_PER_CNY: Final = {"CNY": (1, 1), "USD": (1, 7), "EUR": (1, 8), "JPY": (20, 1)}
_MINOR_PER_FEN: Final[dict[str, tuple[int, int]]] = {
    code: (units * _MINOR_UNITS[exponent(code)], per * 100) for code, (units, per) in _UNITS_PER_CNY.items()
}


def randomness(*seed: object) -> Random:
    """Make a source of chance that depends on the seed alone (texts are hashed by the library, not the process)."""
    return Random(":".join(map(str, seed)))  # noqa: S311 - simulation, no secret depends on it


class Spread:
    """A spread of whole numbers given by quantiles in per mille: ``Spread((0, 500), (500, 4_500), (1000, 90_000))``."""

    def __init__(self, *quantiles: tuple[int, int]) -> None:
        """Quantiles rise from 0 to 1000; between two of them the spread is even."""
        table: list[int] = []
        for (place, low), (to_place, high) in pairwise(quantiles):
            width = (to_place - place) * _PLACES // 1_000
            table.extend(low + (high - low) * step // width for step in range(width))
        self._table = tuple(table)

    def draw(self, rng: Random) -> int:
        """Pick one number."""
        return self._table[int(rng.random() * _PLACES)]


DWELL_MS: Final = Spread(
    (0, 30 * SECOND_MS),
    (280, 15 * MINUTE_MS),
    (550, HOUR_MS),
    (850, 4 * HOUR_MS),
    (1_000, 12 * HOUR_MS),
)
"""How long money stays in a mule account: about 28 % leaves within 15 minutes and more than half within the hour.

Source: RUSI, "Following the Fraud: the Role of Money Mules", August 2025 (Lloyds data of 2024, numbers by way of press
reports); what lies beyond one hour is our estimate.
"""

SENT_ON_PERCENT: Final = Spread((0, 60), (150, 85), (1_000, 100))
"""How much of its receipts a mule hands on: mostly all but a cut of up to 15 %, the range of known commissions
(points-running, and Tazama's rules 026 and 027); one in seven keeps more, or sends it elsewhere (our estimate).
"""


def below(rng: Random, limit: int) -> int:
    """Pick a whole number from 0 to ``limit - 1``."""
    return int(rng.random() * limit)


def between(rng: Random, low: int, high: int) -> int:
    """Pick a whole number from ``low`` to ``high``, both included."""
    return low + int(rng.random() * (high - low + 1))


def in_currency(cny_minor: int, currency: str) -> int:
    """Turn fen into about as much in the minor unit of another currency, at least 1."""
    units, per = _MINOR_PER_FEN[currency]
    return max(1, cny_minor * units // per)


class DayClock:
    """Turns progress into event time: so much of the stream made, so much of the days gone, at the pace of the day."""

    def __init__(self, start_ms: int, days: int, target: int) -> None:
        """``target`` events are spread over ``days`` days from ``start_ms`` on."""
        self._start_ms = start_ms
        self._days = days
        self._target = target
        self._table = _pace()

    def at(self, produced: int) -> int:
        """Give the event time after so many events; never runs backwards."""
        day, rest = divmod(produced * self._days, self._target)
        slot, part = divmod(rest * _SLOTS, self._target)
        low, high = self._table[slot], self._table[slot + 1]
        return self._start_ms + day * DAY_MS + low + (high - low) * part // self._target


def local_day(millis: int) -> int:
    """Give the number of the local day of a moment."""
    return (millis + LOCAL_OFFSET_MS) // DAY_MS


def local_day_start(day: int) -> int:
    """Give the moment at which a local day begins."""
    return day * DAY_MS - LOCAL_OFFSET_MS


def _pace() -> tuple[int, ...]:
    hours = [_LOCAL_HOURS[(hour + LOCAL_OFFSET_MS // HOUR_MS) % 24] for hour in range(24)]
    total = sum(hours)
    table: list[int] = []
    hour = before = 0
    for slot in range(_SLOTS):
        while (before + hours[hour]) * _SLOTS <= slot * total:
            before += hours[hour]
            hour += 1
        inside = slot * total - before * _SLOTS
        table.append(hour * HOUR_MS + HOUR_MS * inside // (hours[hour] * _SLOTS))
    return (*table, DAY_MS)
