"""Payments whose other ends name the same account: two payers with payees in common, money of one source by several ways.

A rule that marks a payment at its other end (``state.hearing``) names there the counterparties that it counted. These values are
functions of the set of legs and marks, and look at the newest ``SCAN_MAX`` legs that are meant.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

from streams.detection.sequences import Fits
from streams.detection.words import SCAN_MAX
from streams.legs import Leg, LegKind
from streams.state.hearing import named
from streams.state.subject import Subject

_MOVES: Final = frozenset({int(LegKind.DEBIT), int(LegKind.CREDIT)})
Asked = tuple[str, int, bool, tuple[str, ...], bool]
"""Condition on legs, span, whether one-off, marking rules, whether of the trigger's currency."""


class Naming(NamedTuple):
    """Fitting legs within ``window_ms`` that ``rules`` marked; ``one_off``: no other payment with the counterparty in it."""

    fits: Fits
    window_ms: int
    one_off: bool
    rules: frozenset[str]
    money: bool


def naming(subject: Subject, trigger: Leg, wanted: Naming) -> int:
    """Count the counterparties of the legs that name one account, of the account named by most."""
    return len({leg.other for leg in naming_legs(subject, trigger, wanted)})


def naming_most(subject: Subject, trigger: Leg, wanted: Naming) -> str:
    """Give the account named by most counterparties, of several the first by name; empty when none is."""
    by_name = _by_name(subject, trigger, wanted)
    return min(by_name, key=lambda name: (-len({leg.other for leg in by_name[name]}), name), default="")


def naming_legs(subject: Subject, trigger: Leg, wanted: Naming) -> list[Leg]:
    """Give the legs that name that account."""
    return _by_name(subject, trigger, wanted).get(naming_most(subject, trigger, wanted), [])


def _by_name(subject: Subject, trigger: Leg, wanted: Naming) -> dict[str, list[Leg]]:
    found: dict[str, list[Leg]] = {}
    for leg in _meant(subject, trigger, wanted):
        for name in named(subject.heard, leg, wanted.rules):
            if name != subject.key:
                found.setdefault(name, []).append(leg)
    return found


def _meant(subject: Subject, trigger: Leg, wanted: Naming) -> list[Leg]:
    """Give the legs that are asked, the newest first."""
    log, at = subject.log, subject.done - 1
    if log[at] is not trigger:  # asked for evidence, later than it was judged
        at = subject.index(trigger)
    start, found, payments = trigger.time - wanted.window_ms, list[Leg](), Counter[str]()
    while at >= 0 and log[at].time > start:
        leg = log[at]
        at -= 1
        if not leg.counted or (wanted.money and leg.currency != trigger.currency):
            continue
        if leg.kind in _MOVES:
            payments[leg.other] += 1
        if leg.other and len(found) < SCAN_MAX and wanted.fits(leg):
            found.append(leg)
    return [leg for leg in found if payments[leg.other] == 1] if wanted.one_off else found


def naming_of(known: Asked, functions: Mapping[str, object]) -> Naming:
    """Make what is looked for, once the conditions on legs are compiled."""
    fits, span, one_off, rules, money = known
    return Naming(functions[fits], span, one_off, frozenset(rules), money)  # type: ignore[arg-type]
