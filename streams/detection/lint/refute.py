"""Refuting: proving that facts cannot hold together. What is not refuted may still be impossible; what is refuted is impossible.

Facts are about numbered unknowns: whole numbers (``Row``), texts (``Within``; a missing one is empty), yes or no (``Flag``).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import gcd
from typing import Final, NamedTuple

ROWS_MAX: Final = 100
"""Rows of numbers at a time; where there would be more, nothing is proven."""
EFFORT_MAX: Final = 100_000
"""Rows that may be made for one rule: about a second; then nothing more is proven."""


class Row(NamedTuple):
    """The sum of unknowns times factors, each unknown once, is at least ``least``."""

    terms: tuple[tuple[int, int], ...]
    """Unknown and factor, in the order of the unknowns."""
    least: int


class Within(NamedTuple):
    """A text is one of ``texts``, or none of them."""

    unknown: int
    texts: frozenset[str]
    inside: bool


class Flag(NamedTuple):
    """A yes or no is ``truth``."""

    unknown: int
    truth: bool


Fact = Row | Within | Flag
Case = tuple[Fact, ...]
"""Facts that hold together."""


@dataclass(slots=True)
class Effort:
    """What a rule may still cost, in rows."""

    left: int = EFFORT_MAX


def refuted(facts: Iterable[Fact], effort: Effort) -> bool:
    """Tell whether it is proven that the facts do not hold together."""
    rows: list[Row] = []
    flags: dict[int, bool] = {}
    inside: dict[int, frozenset[str]] = {}
    outside: dict[int, frozenset[str]] = {}
    for fact in facts:
        if isinstance(fact, Row):
            rows.append(fact)
        elif isinstance(fact, Flag):
            if flags.setdefault(fact.unknown, fact.truth) is not fact.truth:
                return True
        elif fact.inside:
            inside[fact.unknown] = inside.get(fact.unknown, fact.texts) & fact.texts
        else:
            outside[fact.unknown] = outside.get(fact.unknown, frozenset()) | fact.texts
    if any(not texts - outside.get(unknown, frozenset()) for unknown, texts in inside.items()):
        return True
    return _contradictory(rows, effort)


def _contradictory(rows: list[Row], effort: Effort) -> bool:
    """Take unknowns out one after the other (Fourier and Motzkin) until a row says that 0 is more than 0."""
    effort.left -= len(rows)
    known: dict[tuple[tuple[int, int], ...], int] = {}
    for row in rows:
        if _keep(known, row):
            return True
    while known:
        unknown = _cheapest(known)
        above = [(terms, least) for terms, least in known.items() if dict(terms).get(unknown, 0) > 0]
        below = [(terms, least) for terms, least in known.items() if dict(terms).get(unknown, 0) < 0]
        known = {terms: least for terms, least in known.items() if unknown not in dict(terms)}
        effort.left -= len(above) * len(below)
        if len(known) + len(above) * len(below) > ROWS_MAX or effort.left < 0:
            return False
        for first in above:
            for second in below:
                if _keep(known, _without(unknown, Row(*first), Row(*second))):
                    return True
    return False


def _keep(known: dict[tuple[tuple[int, int], ...], int], row: Row) -> bool:
    """Keep a row in its shortest form, of equal ones the strictest; tell whether it is a contradiction."""
    if not row.terms:
        return row.least > 0
    common = gcd(*(factor for _, factor in row.terms))
    terms, least = row
    if common > 1:
        terms = tuple((unknown, factor // common) for unknown, factor in terms)
        least = -(-least // common)  # unknowns are whole numbers
    if known.get(terms, least) <= least:
        known[terms] = least
    against = known.get(tuple((unknown, -factor) for unknown, factor in terms))
    return against is not None and against + least > 0


def _cheapest(known: Iterable[tuple[tuple[int, int], ...]]) -> int:
    """Choose the unknown that makes the fewest new rows."""
    above: dict[int, int] = {}
    below: dict[int, int] = {}
    for terms in known:
        for unknown, factor in terms:
            signed = above if factor > 0 else below
            signed[unknown] = signed.get(unknown, 0) + 1
    return min({**above, **below}, key=lambda unknown: (above.get(unknown, 0) * below.get(unknown, 0), unknown))


def _without(unknown: int, above: Row, below: Row) -> Row:
    up, down = dict(above.terms), dict(below.terms)
    times, by = -down[unknown], up[unknown]
    total = {each: times * factor for each, factor in up.items()}
    for each, factor in down.items():
        total[each] = total.get(each, 0) + by * factor
    return Row(
        tuple(sorted((each, factor) for each, factor in total.items() if factor)),
        times * above.least + by * below.least,
    )
