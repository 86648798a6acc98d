"""What a subject usually does, from whole UTC days before a leg (``state/history.py``); all in integers.

A value of too few days with such legs is -1: insufficient history, which leaves a rule undecided.
"""

from fractions import Fraction
from math import isqrt
from typing import NamedTuple

from streams.clock import DAY_MS
from streams.legs import Leg
from streams.state.history import days_before
from streams.state.subject import Subject

HUNDREDTHS = 100
"""Means of counts are told in hundredths."""
_PART = {"count": 0, "sum": 1, "max": 2}


class Baseline(NamedTuple):
    """One value: of the ``days`` whole days that had ended ``before_ms`` before the leg."""

    series: str
    money: bool
    how: str
    """count, sum, max; distinct: how many days had such legs."""
    days: int
    before_ms: int
    days_min: int
    deviations: Fraction | None
    """None: of the days together; else the mean over days with such legs, and so many standard deviations more."""


def history(subject: Subject, trigger: Leg, wanted: Baseline) -> int:
    """Give a value of the past, or -1 when too few days are known."""
    end = (trigger.time - wanted.before_ms) // DAY_MS
    panes = days_before(subject, end).get((wanted.series, trigger.currency if wanted.money else ""), {})
    first = end - wanted.days
    found = [pane for day, pane in panes.items() if first <= day < end]
    if len(found) < wanted.days_min:
        return -1
    if wanted.how == "distinct":
        return len(found)
    values = [pane[_PART[wanted.how]] for pane in found]
    if wanted.deviations is not None:
        return mean_plus(values, wanted.deviations, HUNDREDTHS if wanted.how == "count" else 1)
    return max(values) if wanted.how == "max" else sum(values)  # a largest amount has a day, by days_min


def mean_plus(values: list[int], deviations: Fraction, scale: int) -> int:
    """Give the mean plus so many standard deviations (of these values, not of a sample), times ``scale``, rounded down.

    An integer is above what is rounded down exactly when it is above the value itself, so ``x > mean + 3 sd`` is decided exactly.
    """
    count, total = len(values), sum(values)
    spread = count * sum(value * value for value in values) - total * total
    times, parts = deviations.numerator * scale, deviations.denominator
    return (total * scale * parts + isqrt(times * times * spread)) // (count * parts)
