"""What a generated stream is made of; the same settings give the same bytes."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from streams.clock import from_datetime, to_datetime
from streams.errors import UsageError

EVENTS_MIN: Final = 1_000
ACCOUNTS_MIN: Final = 100
DAYS_MAX: Final = 366
SHARE_MAX: Final = 0.5
_EVENTS_PER_INSTANCE: Final = 5_000
"""One of each typology makes about 2,500 events, so at least half of every stream is ordinary."""
_DENSEST: Final = f"at most one per {_EVENTS_PER_INSTANCE:,} events"
START_MS: Final = 1_740_960_000_000
"""2025-03-03T00:00:00Z, a Monday: in the past on any machine, so that no event is refused as far in the future."""


@dataclass(frozen=True, slots=True)
class GeneratorSettings:
    """Checked when made: raises ``UsageError`` with the allowed range.

    ``accounts`` and ``per_typology`` may be None: about three events per account and day, and one instance of every
    typology per 10,000 events. Denser traffic is allowed and makes more coincidences, as it would in life.
    ``disorder`` is the share of events that arrive up to two hours late, ``duplicates`` the share delivered twice.
    """

    seed: int = 1
    events: int = 100_000
    accounts: int | None = None
    days: int = 7
    start_ms: int = START_MS
    disorder: float = 0.05
    duplicates: float = 0.0
    per_typology: int | None = None
    typologies: tuple[str, ...] = ()
    """Names of those to make; empty: all of them."""

    def __post_init__(self) -> None:
        """Look at every number once."""
        _within("--events", self.events, EVENTS_MIN, 10**10)
        _within("--days", self.days, 1, DAYS_MAX)
        _within("--disorder", self.disorder, 0, SHARE_MAX)
        _within("--duplicates", self.duplicates, 0, SHARE_MAX)
        if self.accounts is not None:
            _within("--accounts", self.accounts, ACCOUNTS_MIN, self.events // 4, "at most a quarter of --events")
        if self.per_typology is not None:
            _within("--per-typology", self.per_typology, 0, self.events // _EVENTS_PER_INSTANCE, _DENSEST)

    @property
    def accounts_total(self) -> int:
        """Accounts of the background traffic: of people, savings, merchants and companies."""
        if self.accounts is not None:
            return self.accounts
        return max(ACCOUNTS_MIN, min(self.events // 4, self.events // (3 * self.days)))

    @property
    def instances(self) -> int:
        """Instances of each typology."""
        return max(1, self.events // 10_000) if self.per_typology is None else self.per_typology


def start_from_text(text: str) -> int:
    """Turn ``2025-03-03`` into milliseconds; raises ``UsageError``."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        message = f"--start {text!r} is not a date; write it like 2025-03-03"
        raise UsageError(message) from None
    return from_datetime(datetime(day.year, day.month, day.day, tzinfo=UTC))


def day_text(millis: int) -> str:
    """Write the UTC date of a moment: ``2025-03-03``."""
    return to_datetime(millis).date().isoformat()


def _within(option: str, value: float, low: float, high: float, hint: str = "") -> None:
    if not low <= value <= high:
        message = f"{option} {value} is out of range; allowed are {low} to {high}" + (f" ({hint})" if hint else "")
        raise UsageError(message)
