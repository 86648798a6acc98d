"""What an account hears from the other ends of its payments: rules that said yes to the same payment there.

A mark of this kind is no leg of its own: it stands on the account's leg of that payment (``Leg.marked``), whichever of the two
comes first, so every window can ask for it. A mark is absolute; of one rule, sender, event and time (two contents may have one id)
the newest position wins, and a withdrawn one is remembered as long as legs are.
"""

from bisect import bisect_left
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
    subject.heard[mark.key] = (*(each for each in known if each not in same), mark)
    log = subject.log
    at = bisect_left(log, said.time, key=_time)
    while at < len(log) and log[at].time == said.time:
        leg = log[at]
        if leg.event_id == mark.key and (marked := standing(subject.heard, leg)) != leg.marked:
            subject.rewind(at)
            leg.marked = marked
        at += 1
    return True


def standing(heard: Heard, leg: Leg) -> tuple[str, ...]:
    """Give the rules that said yes to a leg's payment at its other end, sorted; a leg that moves no money has none.

    Of two contents under one event id only the one that was spoken of, by its time, has been said yes to.
    """
    if leg.kind not in ENDS:
        return ()
    saids = [each.said for each in heard.get(leg.event_id, ()) if each.said is not None]
    mine = (said for said in saids if said.stands and said.sender == leg.other and said.time == leg.time)
    return tuple(sorted({said.rule_id for said in mine}))


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
