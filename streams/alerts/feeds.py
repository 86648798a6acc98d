"""Verdict marks: an alert told to the devices and merchants it used around that time and to its owner, a hit to the other end."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final, cast

from streams.alerts.compose import cited
from streams.alerts.identity import alert_id
from streams.detection.program import Runnable
from streams.detection.words import NAMES_MAX
from streams.flow.marks import Address
from streams.legs import Leg, LegKind, SubjectKind
from streams.state.hearing import ENDS
from streams.state.program import Hit, HitKey, Told
from streams.state.subject import Subject

_WAY: Final = {SubjectKind.DEVICE: "device", SubjectKind.MERCHANT: "merchant", SubjectKind.PARTY: "party"}


def verdict_marks(subject: Subject, key: HitKey) -> dict[Address, Leg]:
    """Give the marks that the alert of a key wants to have said; none when it is held back, in shadow or gone.

    Time of the mark is that of the alert's first hit; a receiver hears of it when the subject used it within the receiver's window
    before or after.
    """
    hits = [hit for hit in subject.by_key.get(key, ()) if _stands(hit)]
    if not hits:
        return {}
    runnable = cast("Runnable", hits[0].rule)
    if not runnable.marks_to:
        return {}
    time, wanted = hits[0].leg.time, {}
    name = alert_id(key, subject.kind, subject.key)
    log = subject.log
    for kind, span in runnable.marks_to:
        way = _WAY.get(kind)
        if way is None:
            continue
        low, high = bisect_right(log, time - span, key=_time), bisect_left(log, time + span, key=_time)
        used = {getattr(leg, way) for leg in log[low:high] if leg.kind == LegKind.DEBIT and leg.counted}
        for target in sorted(used - {""}):
            wanted[int(kind), target, f"verdict|{name}"] = Leg(
                kind, target, LegKind.MARK, time, 0, "~mark", f"mark|{name}", 0, account=subject.key, origin=key.rule_id
            )
    return wanted


def other_ends(subject: Subject, hits: Sequence[Hit]) -> tuple[Told, ...]:
    """Give the payments on which a rule said yes and whose other end, an account, has to hear of it."""
    return tuple(
        Told(hit.leg.event_id, hit.leg.other, hit.leg.time, _named(subject, hit))
        for hit in hits
        if hit.leg.kind in ENDS and hit.leg.other and _stands(hit)
    )


def _named(subject: Subject, hit: Hit) -> tuple[str, ...]:
    """Name the counterparties that the rule counted, where a rule at the other end asks which they are."""
    runnable = cast("Runnable", hit.rule)
    if not runnable.tells_names:
        return ()
    others = dict.fromkeys(leg.other for leg in reversed(cited(subject, runnable, [hit])))
    names = [other for other in others if other and other not in {hit.leg.other, subject.key}]
    return tuple(sorted(names[:NAMES_MAX]))


def _stands(hit: Hit) -> bool:
    """A rule in shadow tells nobody, and neither does a hit that a list holds back."""
    shadow = cast("Runnable", hit.rule).rule.state == "shadow"
    return not (shadow or hit.held_by or hit.error or hit.undecided)


def _time(leg: Leg) -> int:
    return leg.time
