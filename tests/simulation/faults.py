"""The faults of a schedule, drawn from its seed."""

from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple

from streams.agents.keeper import ATTEMPTS_MAX
from streams.clock import HOUR_MS

SLOTS: Final = tuple(f"{role}-{letter}" for role in ("intake", "detect", "record") for letter in "ab")
FAULTS_SECONDS: Final = 3.0
"""Faults begin within so many seconds; then everything is mended."""


class MadeToFail(Exception):
    """Why the engine fails where it is made to."""


class Fault(NamedTuple):
    """One fault; ``amount`` is steps, milliseconds or a chance, as the kind wants it."""

    at: float
    kind: str
    slot: str = ""
    amount: float = 0.0
    seconds: float = 0.0


def _kill(dice: Random) -> tuple[str, float, float]:
    """Before a step of its coroutines, any one of the next few hundred: so at every await."""
    return dice.choice(SLOTS), dice.choice((0, dice.randrange(40), dice.randrange(400))), 0.0


def _pause(dice: Random) -> tuple[str, float, float]:
    """Mostly longer than the session: the partitions move, then the zombie wakes."""
    return dice.choice((*SLOTS, "detect-a", "detect-b")), 0.0, dice.choice((0.6, dice.uniform(1.5, 3.5)))


def _at(moment: str) -> Callable[[Random], tuple[str, float, float]]:
    """At the next request of a kind, of a worker that makes such requests."""
    return lambda dice: (f"{dice.choice(MOMENTS[moment])}-{dice.choice('ab')}", 0.0, dice.uniform(1.5, 3.0))


def _stop(dice: Random) -> tuple[str, float, float]:
    return dice.choice(SLOTS), 0.0, 0.0


def _everywhere(chance: float) -> Callable[[Random], tuple[str, float, float]]:
    return lambda dice: ("", chance * dice.random(), dice.uniform(0.3, 2.0))


def _jump(dice: Random) -> tuple[str, float, float]:
    """The wall clock, forward or back."""
    return "", dice.choice((-1, 1)) * dice.randrange(HOUR_MS * 20), 0.0


MOMENTS: Final = {
    "send": ("detect", "intake"),
    "send marks": ("detect",),
    "commit": ("detect", "intake", "record"),
    "committed": ("detect", "intake", "record"),
    "fence": ("detect",),
    "read snapshots": ("detect",),
    "snapshot": ("detect",),
    "commit snapshot": ("detect",),
}
"""Requests at which a worker is hit, and the roles that make them."""
DRAWS: Final[dict[str, Callable[[Random], tuple[str, float, float]]]] = {
    "kill": _kill,
    "pause": _pause,
    **{f"{what} at {when}": _at(when) for what in ("kill", "pause") for when in MOMENTS},
    "stop": _stop,
    "requests lost": _everywhere(0.5),
    "answers lost": _everywhere(0.5),
    "requests late": _everywhere(0.5),
    "store down": _everywhere(0.0),
    "store connection lost": _everywhere(1.0),
    "clock jump": _jump,
    "ruleset again": lambda dice: ("", dice.choice((0, 7, 24)) * HOUR_MS, 0.0),
    "compaction": lambda _dice: ("", 0.0, 0.0),
}
_WEIGHTS: Final = {
    "kill": 6.0,
    "pause": 4.0,
    "stop": 2.0,
    "requests lost": 2.0,
    "answers lost": 2.0,
    "requests late": 2.0,
}
"""Of those that are not named, a half."""


ENGINE_SHARE: Final = 0.15
"""Of schedules in which the engine fails."""


def engine_faults(dice: Random) -> list[Fault]:
    """Draw failures of the engine, mostly none; never so many that a record is left out."""
    if dice.random() >= ENGINE_SHARE:
        return []
    kinds = dice.choices(("fail at record", "fail unheard at record"), k=dice.randrange(1, ATTEMPTS_MAX))
    return [Fault(dice.uniform(0.0, FAULTS_SECONDS), kind, f"detect-{dice.choice('ab')}") for kind in kinds]


def faults(dice: Random) -> list[Fault]:
    """Draw what goes wrong, and when."""
    kinds = dice.choices(tuple(DRAWS), [_WEIGHTS.get(kind, 0.5) for kind in DRAWS], k=dice.randrange(1, 7))
    return [Fault(dice.uniform(0.0, FAULTS_SECONDS), kind, *DRAWS[kind](dice)) for kind in kinds]
