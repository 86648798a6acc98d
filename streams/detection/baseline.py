"""What a subject usually does, from whole UTC days before a leg (``state/history.py``); all in integers.

A value of too few days with such legs is -1: insufficient history, which leaves a rule undecided.
"""

from fractions import Fraction
from hashlib import blake2s
from math import isqrt
from typing import NamedTuple

from streams.clock import DAY_MS
from streams.detection.rule import MoneyParam, Param, Rule, Words
from streams.detection.selection import Legs
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
    active: str
    """Series of the legs that make a day known."""
    deviations: Fraction | None
    """None: of the days together; else the mean over days with such legs, and so many standard deviations more."""


def history(subject: Subject, trigger: Leg, wanted: Baseline) -> int:
    """Give a value of the past, or -1 when too few days are known."""
    end = (trigger.time - wanted.before_ms) // DAY_MS
    currency, first = trigger.currency if wanted.money else "", end - wanted.days
    panes = days_before(subject, end)
    known = panes.get((wanted.active, currency), {})
    if sum(first <= day < end for day in known) < wanted.days_min:
        return -1
    found = [pane for day, pane in panes.get((wanted.series, currency), {}).items() if first <= day < end]
    if wanted.how == "distinct":
        return len(found)
    if not found and (wanted.how == "max" or wanted.deviations is not None):
        return -1
    values = [pane[_PART[wanted.how]] for pane in found]
    if wanted.deviations is not None:
        return mean_plus(values, wanted.deviations, HUNDREDTHS if wanted.how == "count" else 1)
    return max(values) if wanted.how == "max" else sum(values)


def mean_plus(values: list[int], deviations: Fraction, scale: int) -> int:
    """Give the mean plus so many standard deviations (of these values, not of a sample), times ``scale``, rounded down.

    An integer is above what is rounded down exactly when it is above the value itself, so ``x > mean + 3 sd`` is decided exactly.
    """
    count, total = len(values), sum(values)
    spread = count * sum(value * value for value in values) - total * total
    times, parts = deviations.numerator * scale, deviations.denominator
    return (total * scale * parts + isqrt(times * times * spread)) // (count * parts)


def series_name(rule: Rule, legs: Legs, *, money: bool, limits_of: str) -> str:
    """Name what is remembered by days for what it is, limits included: the same from rule to rule and from set to set."""
    used = sorted(name for name in rule.params if f"{limits_of}{name}" in legs.where)
    limits = [(name, _plain(rule.params[name])) for name in used]
    where = legs.where.replace(limits_of, "")
    told = repr((tuple(map(int, legs.kinds)), legs.senders, legs.new, legs.marked, where, limits, money))
    return blake2s(told.encode(), digest_size=6).hexdigest()


def _plain(param: Param) -> object:
    if isinstance(param, MoneyParam):
        return sorted(param.minor.items())
    return sorted(param.codes) if isinstance(param, Words) else param
