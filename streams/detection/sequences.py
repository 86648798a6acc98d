"""Values found by looking back over a subject's newest legs, with no running value to keep.

What a rule sees is the log up to its trigger, so these are functions of the set of legs like every window. They look at the
newest ``SCAN_MAX`` legs of the window that matter to them; that number is part of their meaning.
"""

from bisect import bisect_right
from collections.abc import Callable
from fractions import Fraction
from operator import itemgetter
from typing import NamedTuple

from streams.detection.words import NOTICES, PAUSE_MS_MAX, SCAN_MAX
from streams.events.model import ReportType
from streams.legs import Leg, LegKind
from streams.state.subject import Subject

Fits = Callable[[Leg], bool]
_REPORT = int(LegKind.REPORT)
_PARTS = 1_000_000
"""Shares are compared in millionths, rounded down."""


class Links(NamedTuple):
    """What is looked for: ``first`` legs within ``window_ms``, and ``then`` legs at most ``within_ms`` after them."""

    first: Fits
    then: Fits
    window_ms: int
    within_ms: int
    low: Fraction
    high: Fraction | None
    alike: Fraction | None
    money: bool
    others: int = 1
    """How many different counterparties the later legs need."""

    def between(self, part: int, whole: int) -> bool:
        """Tell whether a part is a share of the whole as asked for."""
        low, high = self.low, self.high
        if part * low.denominator < whole * low.numerator:
            return False
        return high is None or part * high.denominator <= whole * high.numerator


class _Link:
    """One ``first`` leg and what later legs took of it."""

    __slots__ = ("amount", "leg", "taken", "takers", "time")

    def __init__(self, leg: Leg) -> None:
        self.leg, self.time, self.amount, self.taken = leg, leg.time, leg.amount, 0
        self.takers: list[Leg] = []


def newest(subject: Subject, trigger: Leg, links: Links) -> list[tuple[Leg, bool]]:
    """Give the legs that matter, oldest first, each with whether it is a ``first`` one."""
    log = subject.log
    at = subject.done - 1
    if log[at] is not trigger:  # asked for evidence, later than it was judged
        at = subject.index(trigger)
    start = trigger.time - links.window_ms
    found: list[tuple[Leg, bool]] = []
    while at >= 0 and len(found) < SCAN_MAX:
        leg = log[at]
        if leg.time <= start:
            break
        at -= 1
        if not links.money or leg.currency == trigger.currency:
            first = links.first(leg)
            if first or links.then(leg):
                found.append((leg, first))
    found.reverse()
    return found


def followed(subject: Subject, trigger: Leg, links: Links) -> int:
    """Count the first legs of which later ones, oldest first, took the share asked for in time."""
    return len(_followed(subject, trigger, links))


def followed_legs(subject: Subject, trigger: Leg, links: Links) -> list[Leg]:
    """Give those first legs and what took of them."""
    return [leg for link in _followed(subject, trigger, links) for leg in (link.leg, *link.takers)]


def _followed(subject: Subject, trigger: Leg, links: Links) -> list[_Link]:
    open_links: list[_Link] = []
    for leg, first in newest(subject, trigger, links):
        if first:
            open_links.append(_Link(leg))
            continue
        rest = leg.amount
        for link in open_links:
            if rest and leg.time - link.time <= links.within_ms and link.taken < link.amount:
                take = min(rest, link.amount - link.taken)
                link.taken += take
                link.takers.append(leg)
                rest -= take
    return [link for link in open_links if links.between(link.taken, link.amount)]


def matched(subject: Subject, trigger: Leg, links: Links) -> int:
    """Count pairs of one first leg and one later leg of the share asked for; with ``alike``, the most of nearly one share."""
    return len(_matched(subject, trigger, links))


def matched_legs(subject: Subject, trigger: Leg, links: Links) -> list[Leg]:
    """Give the legs of those pairs."""
    return [leg for _, first, then in _matched(subject, trigger, links) for leg in (first, then)]


def _matched(subject: Subject, trigger: Leg, links: Links) -> list[tuple[int, Leg, Leg]]:
    """Give share, first and later leg of each pair; with ``alike``, of the pairs of the share that most have."""
    waiting: list[_Link] = []
    pairs: list[tuple[int, Leg, Leg]] = []
    for leg, first in newest(subject, trigger, links):
        if first:
            waiting.append(_Link(leg))
            continue
        for link in waiting:
            if leg.time - link.time <= links.within_ms and links.between(leg.amount, link.amount):
                pairs.append((leg.amount * _PARTS // link.amount, link.leg, leg))
                waiting.remove(link)
                break
    if links.alike is None:
        return pairs
    pairs.sort(key=itemgetter(0))
    shares = [share for share, _, _ in pairs]
    apart = int(links.alike * _PARTS)
    runs = [(bisect_right(shares, share + apart) - i, -i) for i, share in enumerate(shares)]
    length, start = max(runs, default=(0, 0))
    return pairs[-start : length - start]


def pause(subject: Subject, trigger: Leg, fits: Fits, window_ms: int, memory: str) -> int:
    """Give the time between the first fitting leg of the window and the fitting leg before it.

    -1 when there is no such leg, or when the one before is not known or older than ``PAUSE_MS_MAX``. ``memory`` is the name under
    which the subject remembers the last fitting leg it has let go.
    """
    log, upto = subject.log, subject.done
    at = bisect_right(log, trigger.time - window_ms, hi=upto, key=_time)
    first = at
    while first < upto and not fits(log[first]):
        first += 1
    if first == upto:
        return -1
    while at and not fits(log[at - 1]):
        at -= 1
    known = (log[at - 1].time, 0) if at else subject.older.get(memory)
    if known is None or log[first].time - known[0] > PAUSE_MS_MAX:
        return -1
    return log[first].time - known[0]


def _time(leg: Leg) -> int:
    return leg.time


def registered_for(subject: Subject, trigger: Leg, word: str, value: str) -> int:
    """Give the time since which a text stands in a registered set, without a break; -1 when it does not stand there.

    What stood there in the oldest record known counts as long known: nothing says that it was a change.
    """
    since = -1
    for leg in reversed(subject.references):
        if leg.time > trigger.time:
            continue
        facts = leg.facts or {}
        if value not in facts.get(word, ()):
            return trigger.time - since if since >= 0 else -1
        since = leg.time
    return PAUSE_MS_MAX if since >= 0 else -1


def segment_of(subject: Subject, trigger: Leg) -> str:
    """Give the registered kind of account holder, or nothing."""
    facts = subject.reference_at(trigger.time) if subject.references else None
    found = facts.get("party_type", "") if facts is not None else ""
    return found if isinstance(found, str) else ""


def standing_for(subject: Subject, trigger: Leg, word: str) -> int:
    """Give the time since the oldest report of a kind that stands against an account, or -1 when none does.

    A report stands from its time until it expires or is released.
    """
    types, sources = NOTICES[word]
    time = trigger.time
    known = [leg for leg in subject.references if leg.kind == _REPORT and leg.time <= time]
    if not known:
        return -1
    ended = {leg.payment for leg in known if leg.origin == ReportType.RELEASE}
    return max(
        (
            time - leg.time
            for leg in known
            if leg.origin in types
            and leg.way in sources
            and leg.payment not in ended
            and (not leg.until or time < leg.until)
        ),
        default=-1,
    )


__all__ = [
    "Fits", "Links", "followed", "followed_legs", "matched", "matched_legs", "newest", "pause", "registered_for", "segment_of",
    "standing_for",
]  # fmt: skip
