"""What an account hears from the other ends of its payments: rules that said yes to the same payment there.

A mark of this kind is no leg of its own: it stands on the account's leg of that payment (``Leg.marked``), whichever of the two
comes first, so every window can ask for it. A mark is absolute; of one rule, sender, event and time (two contents may have one id)
the newest position wins, and a withdrawn one is remembered as long as legs are.
"""

from bisect import bisect_left
from collections.abc import Container, Iterable
from typing import TYPE_CHECKING, Final

from streams.legs import Leg, LegKind, Mark, Said

if TYPE_CHECKING:
    from streams.state.subject import Subject

ENDS: Final = frozenset({int(LegKind.DEBIT), int(LegKind.CREDIT)})
"""Legs that have another end: a settled payment at its payer and at its payee."""
Heard = dict[str, tuple[Mark, ...]]
"""By event id: the newest mark of each rule, sender and time."""


def hear(subject: "Subject", mark: Mark, said: Said) -> bool:
    """Take a mark on a payment; False when it is old. The subject is rewound to the payment's leg, if that is there."""
    if subject.heard is None:
        subject.heard = {}
    known = subject.heard.get(mark.key, ())
    same = [each for each in known if _about(each) == _about(mark)]
    if same and same[0].position >= mark.position:
        return False
    now = subject.heard[mark.key] = (*(each for each in known if each not in same), mark)
    log = subject.log
    at = bisect_left(log, said.time, key=_time)
    while at < len(log) and log[at].time == said.time:
        leg = log[at]
        if leg.event_id == mark.key and _about_leg(known, leg) != _about_leg(now, leg):
            subject.rewind(at)
            leg.marked = standing(subject.heard, leg)
        at += 1
    return True


def standing(heard: Heard, leg: Leg) -> tuple[str, ...]:
    """Give the rules that said yes to a leg's payment at its other end, sorted; a leg that moves no money has none.

    Of two contents under one event id only the one that was spoken of, by its time, has been said yes to.
    """
    return tuple(sorted({rule for rule, _ in _about_leg(heard.get(leg.event_id, ()), leg)}))


def named(heard: Heard | None, leg: Leg, rules: Container[str]) -> set[str]:
    """Give the accounts that these rules named when they said yes to a leg's payment at its other end."""
    saids = _about_leg(heard.get(leg.event_id, ()), leg) if heard is not None else ()
    return {name for rule, names in saids if rule in rules for name in names}


def _about_leg(marks: Iterable[Mark], leg: Leg) -> set[tuple[str, tuple[str, ...]]]:
    """Give what stands on a leg: rules, and the accounts each named."""
    if leg.kind not in ENDS:
        return set()
    saids = (each.said for each in marks if each.said is not None)
    return {
        (said.rule_id, said.names)
        for said in saids
        if said.stands and said.sender == leg.other and said.time == leg.time
    }


def forget_heard(subject: "Subject", before: int) -> None:
    """Forget marks on payments older than ``before``."""
    heard = subject.heard
    if heard is not None:
        kept = {event: marks for event, marks in heard.items() if any(_time_of(each) >= before for each in marks)}
        subject.heard = kept or None


def _about(mark: Mark) -> tuple[str, str, int]:
    return (mark.said.rule_id, mark.said.sender, mark.said.time) if mark.said is not None else ("", "", 0)


def _time_of(mark: Mark) -> int:
    return mark.said.time if mark.said is not None else 0


def _time(leg: Leg) -> int:
    return leg.time
