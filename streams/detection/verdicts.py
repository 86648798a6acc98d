"""Values over what other rules have said of the same subject.

Rules of a leg are asked in an order in which a rule comes after those it asks about, so the verdicts seen at a leg are those on
legs not after it, its own included. Of very many the newest ``SCAN_MAX`` are seen; that number is part of the meaning.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from streams.detection.words import SCAN_MAX
from streams.legs import Leg
from streams.state.program import Hit
from streams.state.subject import Subject

POINT_PARTS: Final = 1000
"""Points are counted in thousandths."""
_STEPS: Final = 16
_POWERS: Final = (
    65536, 62757, 60097, 57549, 55109, 52773, 50535, 48393, 46341, 44376, 42495, 40693, 38968, 37316, 35734, 34219,
)  # fmt: skip
"""2 to the power of minus k sixteenths, in 65,536ths: decay without a floating point number, in steps of 1/16 of a half-life."""
_HALVINGS_MAX: Final = 40


def verdicts(subject: Subject, trigger: Leg, rules: frozenset[str], span_ms: int) -> int:
    """Count the legs of the window on which any of the rules said yes; a leg that several rules met counts once for each."""
    return sum(1 for _ in _seen(subject, trigger, rules, span_ms))


def verdict_rules(subject: Subject, trigger: Leg, rules: frozenset[str], span_ms: int) -> int:
    """Count the rules that said yes within the window."""
    return len({hit.key.rule_id for hit in _seen(subject, trigger, rules, span_ms)})


def points(subject: Subject, trigger: Leg, weights: dict[str, int], half_ms: int, span_ms: int) -> int:
    """Add up the weights of the rules that said yes within the window, in thousandths.

    Each rule counts once, by its newest verdict, and its weight is halved for every ``half_ms`` that have passed since.
    """
    newest: dict[str, int] = {}
    for hit in _seen(subject, trigger, frozenset(weights), span_ms):
        newest.setdefault(hit.key.rule_id, trigger.time - hit.leg.time)
    return sum(_decayed(weights[rule] * POINT_PARTS, age, half_ms) for rule, age in newest.items())


def _decayed(value: int, age: int, half_ms: int) -> int:
    halvings, rest = divmod(age, half_ms)
    if halvings > _HALVINGS_MAX:
        return 0
    return (value * _POWERS[rest * _STEPS // half_ms] >> 16) >> halvings


def verdict_legs(subject: Subject, trigger: Leg, rules: frozenset[str], span_ms: int) -> list[Leg]:
    """Give the legs on which the counted verdicts stand, for the evidence."""
    return [hit.leg for hit in _seen(subject, trigger, rules, span_ms, upto=subject.index(trigger))]


def _seen(
    subject: Subject, trigger: Leg, rules: frozenset[str], span_ms: int, *, upto: int | None = None
) -> Iterator[Hit]:
    """Go through the verdicts of the window from the newest on; with ``upto``, those on legs up to that place of the log."""
    start = trigger.time - span_ms
    known = reversed(subject.verdicts or ())
    if upto is not None:
        known = (hit for hit in known if subject.index(hit.leg) <= upto)
    fitting = (hit for hit in _since(known, start) if hit.key.rule_id in rules)
    return islice(fitting, SCAN_MAX)


def _since(hits: Iterator[Hit], start: int) -> Iterator[Hit]:
    for hit in hits:
        if hit.leg.time <= start:
            return
        yield hit
