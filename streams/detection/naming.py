"""Payments whose other ends name the same account: two payers with payees in common, money of one source by several ways.

A rule that marks a payment at its other end (``state.hearing``) names there the counterparties that it counted. These values are
functions of the set of legs and marks, and look at the newest ``SCAN_MAX`` legs that are meant.
"""

from collections.abc import Mapping
from typing import NamedTuple

from streams.detection.citing import fitting_legs, one_off_legs
from streams.detection.sequences import Fits
from streams.detection.words import SCAN_MAX
from streams.legs import Leg
from streams.state.hearing import named
from streams.state.subject import Subject

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
    return _most(subject, trigger, wanted)[0]


def naming_legs(subject: Subject, trigger: Leg, wanted: Naming) -> list[Leg]:
    """Give the legs that name that account."""
    return _most(subject, trigger, wanted)[1]


def _most(subject: Subject, trigger: Leg, wanted: Naming) -> tuple[str, list[Leg]]:
    fits, span, money = wanted.fits, wanted.window_ms, wanted.money
    legs = (one_off_legs if wanted.one_off else fitting_legs)(subject, trigger, fits, span, money)
    by_name: dict[str, list[Leg]] = {}
    for leg in legs[:SCAN_MAX]:
        for name in named(subject.heard, leg, wanted.rules):
            if name != subject.key:
                by_name.setdefault(name, []).append(leg)
    first = min(by_name, key=lambda name: (-len({leg.other for leg in by_name[name]}), name), default="")
    return first, by_name.get(first, [])


def naming_of(known: Asked, functions: Mapping[str, object]) -> Naming:
    """Make what is looked for, once the conditions on legs are compiled."""
    fits, span, one_off, rules, money = known
    return Naming(functions[fits], span, one_off, frozenset(rules), money)  # type: ignore[arg-type]
