"""More values found by looking back over legs: amounts alike, how long money stays, deposits answered, days swept.

Like those of ``sequences`` they are functions of the set of legs, and look at the newest ``SCAN_MAX`` legs that matter; days swept
look at all legs of their days.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final, NamedTuple

from streams.clock import DAY_MS, QUARTER_MS
from streams.detection.sequences import Fits, Links, newest
from streams.detection.words import SCAN_MAX
from streams.legs import Leg, LegKind
from streams.state.subject import Subject

_DEBIT: Final = int(LegKind.DEBIT)
_MOVES: Final = frozenset({_DEBIT, int(LegKind.CREDIT)})


class Alike(NamedTuple):
    """Amounts of legs within ``window_ms`` that are near: the largest of a group is at most ``apart`` above the smallest."""

    fits: Fits
    window_ms: int
    apart: Fraction


def alike(subject: Subject, trigger: Leg, wanted: Alike) -> int:
    """Count the legs of the largest group of nearly equal amounts in the trigger's currency."""
    log, at = subject.log, subject.done - 1
    start = trigger.time - wanted.window_ms
    amounts: list[int] = []
    while at >= 0 and len(amounts) < SCAN_MAX and log[at].time > start:
        leg = log[at]
        if leg.currency == trigger.currency and wanted.fits(leg):
            amounts.append(leg.amount)
        at -= 1
    amounts.sort()
    most, low, times, parts = 0, 0, wanted.apart.numerator, wanted.apart.denominator
    for high, amount in enumerate(amounts):
        while (amount - amounts[low]) * parts > amounts[low] * times:
            low += 1
        most = max(most, high - low + 1)
    return most


def dwell(subject: Subject, trigger: Leg, links: Links) -> int:
    """Give the median time money stays: half of what left, left so soon after it came, the oldest money first.

    -1 when nothing of what came has left.
    """
    waiting: list[list[int]] = []
    stays: list[tuple[int, int]] = []
    first_waiting = 0
    for leg, first in newest(subject, trigger, links):
        if first:
            waiting.append([leg.time, leg.amount])
            continue
        rest = leg.amount
        while rest and first_waiting < len(waiting):
            came = waiting[first_waiting]
            take = min(rest, came[1])
            stays.append((leg.time - came[0], take))
            rest -= take
            came[1] -= take
            first_waiting += not came[1]
    left, total = 0, sum(take for _, take in stays)
    for stay, take in sorted(stays):
        left += take
        if 2 * left >= total:
            return stay
    return -1


class _Deposit:
    """One ``first`` leg and what others paid in after it."""

    __slots__ = ("amount", "got", "payers", "time")

    def __init__(self, leg: Leg) -> None:
        self.time, self.amount, self.got = leg.time, leg.amount, 0
        self.payers: set[str] = set()


def answered(subject: Subject, trigger: Leg, links: Links) -> int:
    """Count deposits to one counterparty that later legs from enough others made up for in time; the most of any counterparty.

    What comes in counts for the newest deposit to each counterparty.
    """
    deposits: dict[str, list[_Deposit]] = {}
    open_ones: dict[str, _Deposit] = {}
    for leg, first in newest(subject, trigger, links):
        if not leg.other:
            continue
        if first:
            deposit = open_ones[leg.other] = _Deposit(leg)
            deposits.setdefault(leg.other, []).append(deposit)
            continue
        too_late = []
        for other, deposit in open_ones.items():
            if leg.time - deposit.time > links.within_ms:
                too_late.append(other)
            elif other != leg.other:
                deposit.got += leg.amount
                deposit.payers.add(leg.other)
        for other in too_late:
            del open_ones[other]
    return max((sum(_made_up(each, links) for each in known) for known in deposits.values()), default=0)


def _made_up(deposit: _Deposit, links: Links) -> bool:
    return len(deposit.payers) >= links.others and links.between(deposit.got, deposit.amount)


class _Day(NamedTuple):
    """What came in on a day, what went out, and the balance after its last movement where its bank told it."""

    came: int
    went: int
    balance: int | None


class Swept(NamedTuple):
    """Days of which no more is left than this share of what came in, or than the pocket."""

    days: int
    share: Fraction


def swept(subject: Subject, trigger: Leg, wanted: Swept, limits: tuple[int, int]) -> int:
    """Count days before the trigger's, in its local time, on which at least ``limits[0]`` came in and nearly nothing was left.

    What is left: the balance after the day's last movement where its bank tells it, else what came in less what went out.
    ``limits[1]`` may be left in any case. Amounts are of the trigger's currency.
    """
    floor, pocket = limits
    count = 0
    for came, went, balance in _days_before(subject, trigger, wanted.days):
        left = came - went if balance is None else balance
        near = left * wanted.share.denominator <= came * wanted.share.numerator
        count += came >= floor and (near or left <= pocket)
    return count


def _days_before(subject: Subject, trigger: Leg, days: int) -> list[_Day]:
    """Give the days before the trigger's; they are looked up once a day, since what is over changes only by rewinding."""
    shift = trigger.zone * QUARTER_MS
    today = (trigger.time + shift) // DAY_MS
    known: tuple[int, list[_Day]] | None = subject.past_days.get((trigger.currency, shift, days))
    if known is None or known[0] != today:
        sums: dict[int, list[int]] = {}
        balances: dict[int, int | None] = {}
        log, at = subject.log, subject.done - 1
        while at >= 0 and (day := (log[at].time + shift) // DAY_MS) >= today - days:
            leg = log[at]
            at -= 1
            if day == today or not leg.counted or leg.currency != trigger.currency or leg.kind not in _MOVES:
                continue
            balances.setdefault(day, leg.balance)
            sums.setdefault(day, [0, 0])[leg.kind == _DEBIT] += leg.amount
        known = today, [_Day(came, went, balances[day]) for day, (came, went) in sums.items()]
        subject.past_days = {**subject.past_days, (trigger.currency, shift, days): known}
    return known[1]


def look_of(known: tuple[str, str, int, Fraction], functions: Mapping[str, object]) -> Alike | Swept:
    """Make what is looked for, once the conditions on legs are compiled."""
    how, fits, span, share = known
    return Alike(functions[fits], span, share) if how == "alike" else Swept(span, share)  # type: ignore[arg-type]


__all__ = ["Alike", "Swept", "alike", "answered", "dwell", "look_of", "swept"]
