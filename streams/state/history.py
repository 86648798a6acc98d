"""What a subject remembers by whole UTC days, far beyond its log: for comparing what it does with what it usually does.

A *series* is a kind of leg that some rule has a history of. Of each day there is one pane per series and currency. Legs that were
let go are in the subject's ``history``, as bytes; those still in the log are folded in when a rule asks, and kept until the subject
is rewound to before them. So a pane is a function of the set of legs, and costs nothing where no rule asks.
"""

from bisect import bisect_left
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.msgpack import Decoder, Encoder

from streams.clock import DAY_MS
from streams.legs import Leg

if TYPE_CHECKING:
    from streams.state.program import WindowProgram
    from streams.state.subject import Subject

Pane = list[int]
"""Number of legs, sum of their amounts, the largest of them."""
Panes = dict[tuple[str, str], dict[int, Pane]]
"""By series and currency (empty: across currencies), by day since the epoch."""
SUM_MAX: Final = 1 << 62
"""Sums stop here, so that they always fit into a snapshot."""
_encode = Encoder().encode
_decoder: Decoder[list[tuple[str, str, list[int]]]] = Decoder(list[tuple[str, str, list[int]]])
_time = attrgetter("time")
_FIELDS: Final = 4


class Days(Struct):
    """Panes with the log's legs before ``until_ms`` in them, besides those let go."""

    panes: Panes
    until_ms: int


def note(panes: Panes, series: tuple[str, str], leg: Leg) -> None:
    """Put one leg into the pane of its day."""
    days = panes.get(series)
    if days is None:
        days = panes[series] = {}
    day, amount = leg.time // DAY_MS, leg.amount
    pane = days.get(day)
    if pane is None:
        days[day] = [1, amount, amount]
    else:
        pane[0] += 1
        pane[1] = min(pane[1] + amount, SUM_MAX)
        pane[2] = max(pane[2], amount)


def days_before(subject: "Subject", day: int) -> Panes:
    """Give the subject's panes; those of days before ``day`` are whole. Legs of these days are evaluated already."""
    program = subject.program
    known = subject.days
    if known is None:
        known = subject.days = Days(read(subject.history), -(1 << 60))
    end = day * DAY_MS
    if program is not None and program.fold is not None and known.until_ms < end:
        log = subject.log
        for leg in log[bisect_left(log, known.until_ms, key=_time) : bisect_left(log, end, key=_time)]:
            program.fold(known.panes, leg)
        known.until_ms = end
    return known.panes


def let_go(subject: "Subject", legs: list[Leg], program: "WindowProgram") -> None:
    """Keep what ``program`` has to know of legs that leave the log; they are its oldest."""
    assert program.fold is not None  # noqa: S101  the caller looked
    panes = read(subject.history)
    for leg in legs:
        program.fold(panes, leg)
    subject.history = written(panes)
    if subject.days is not None and (subject.program is not program or legs[-1].time >= subject.days.until_ms):
        subject.days = None


def expire(subject: "Subject", before: int) -> None:
    """Forget the days that ended before an event time; what is kept longer is never looked at."""
    panes = read(subject.history)
    _forget(panes, before // DAY_MS)
    subject.history = written(panes)
    if subject.days is not None:
        _forget(subject.days.panes, before // DAY_MS)


def _forget(panes: Panes, day: int) -> None:
    for series, days in list(panes.items()):
        for old in [each for each in days if each < day]:
            del days[old]
        if not days:
            del panes[series]


def read(data: bytes) -> Panes:
    """Give the panes that were ``written``."""
    if not data:
        return {}
    found: Panes = {}
    for name, currency, flat in _decoder.decode(data):
        found[name, currency] = {flat[i]: flat[i + 1 : i + _FIELDS] for i in range(0, len(flat), _FIELDS)}
    return found


def written(panes: Panes) -> bytes:
    """Give the bytes of panes: a few for each day; the same for the same panes."""
    if not panes:
        return b""
    return _encode(
        [
            (name, currency, [number for day in sorted(days) for number in (day, *days[day])])
            for (name, currency), days in sorted(panes.items())
        ]
    )
