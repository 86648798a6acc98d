"""What a subject may forget: legs behind the horizon, and all but the newest of very many."""

from bisect import bisect_left
from operator import attrgetter
from typing import Final

from streams.legs import LegKind, Mark, SubjectKind, order
from streams.state.counting import registers
from streams.state.hearing import forget_heard
from streams.state.history import expire, let_go
from streams.state.nothing import NO_DICT
from streams.state.program import WindowProgram
from streams.state.subject import NEVER, Subject
from streams.state.windows import FOREVER

LEGS_MAX: Final = 25_000
"""A subject keeps its newest legs up to twice this number, then falls back to it and is flagged ``approximate``.

What an alert of such a subject still cites then depends on when that was, so the number is well above what the busiest accounts of
the labelled sets have (38,000 legs).
"""
_JOIN: Final = int(SubjectKind.JOIN)
_time = attrgetter("time")


def evict(subject: Subject, before: int, program: WindowProgram | None) -> None:
    """Forget legs older than ``before``, an eighth of the log at a time; a subject over its bound falls back to its newest.

    What ``program`` needs to know of them stays known. Legs that wait may still look at everything there is. At a join id all go
    together: what a status says of a payment stands at the payment's accounts, and may have to be taken back, for as long as any.
    """
    log, join = subject.log, subject.kind == _JOIN
    if subject.waiting is not None:
        before = NEVER
    if not log:
        if subject.older or subject.history:
            _expire(subject, before, program)
        forget_heard(subject, before)
        return
    if log[-1 if join else 0].time >= before and len(log) <= 2 * LEGS_MAX:
        return
    count = bisect_left(log, before, key=_time, hi=subject.done)
    if len(log) > 2 * LEGS_MAX:
        subject.approximate = True
        count = max(count, len(log) - LEGS_MAX)
    if count and count * 8 >= len(log):
        _leave_windows(subject, count)
        if program is not None and program.remember is not None:
            if subject.older is NO_DICT:
                subject.older = {}
            for leg in log[:count]:
                program.remember(subject.older, leg)
        if program is not None and program.fold is not None:
            let_go(subject, log[:count], program)
        _expire(subject, before, program)
        forget_heard(subject, before)
        _forget_marks(subject, before if count < len(log) else FOREVER)
        _cut(subject, count)


def forget_traces(subject: Subject, before: int) -> None:
    """Forget what is older than ``before``: copies that lost a conflict, and withdrawn marks, told again by nobody any more."""
    if subject.voids is not None:
        subject.voids = {copy: time for copy, time in subject.voids.items() if time >= before} or None
    if subject.marks_in is not None:
        marks = subject.marks_in.items()
        subject.marks_in = {key: mark for key, mark in marks if mark.leg or not 0 <= mark.gone_time < before} or None


def _forget_marks(subject: Subject, before: int) -> None:
    """Forget marks whose legs are older than ``before``; what is withdrawn has no leg and goes with the last leg of the log.

    Reports stand for as long as the subject does.
    """
    marks = subject.marks_in
    if marks is not None:
        subject.marks_in = {key: mark for key, mark in marks.items() if _lasts(subject, mark, before)} or None


def _lasts(subject: Subject, mark: Mark, before: int) -> bool:
    leg = mark.leg
    if leg is None:
        return before < FOREVER
    return leg.time >= before or (leg.kind == LegKind.REPORT and registers(subject.kind, subject.key))


def _expire(subject: Subject, before: int, program: WindowProgram | None) -> None:
    """Forget what was remembered for as long as anything asks about."""
    limit = before - (program.memory_ms if program is not None else 0)
    for name in [name for name, (time, _) in subject.older.items() if time <= limit]:
        if subject.pairs.get(name) == subject.older[name]:
            del subject.pairs[name]
        del subject.older[name]
    if subject.history:
        expire(subject, before - (program.history_ms if program is not None else 0))


def _leave_windows(subject: Subject, count: int) -> None:
    """Let the first legs leave every window, so that they can be cut off."""
    program = subject.program
    if program is None:
        return
    subject.look_up()
    for k in range(len(program.windows)):
        while subject.ptr[k] < count:
            program.sub[k](subject.groups, subject.pairs, subject.log[subject.ptr[k]])
            subject.ptr[k] += 1


def _cut(subject: Subject, count: int) -> None:
    gone = subject.log[:count]
    del subject.log[:count]
    subject.done = max(subject.done - count, 0)
    subject.ptr = [p - count for p in subject.ptr]
    for leg in gone:
        if leg.kind == LegKind.DEADLINE and subject.deadlines:
            subject.deadlines.pop((leg.origin, leg.event_id), None)
    if subject.claims:
        old = set(map(id, gone))
        subject.claims = {one: holder for one, holder in subject.claims.items() if id(holder) not in old}
    if subject.hits:
        _cut_hits(subject, order(gone[-1]))


def _cut_hits(subject: Subject, last: tuple[object, ...]) -> None:
    """Forget hits on legs that are gone; their alerts stand as last told."""
    count = 0
    while count < len(subject.hits) and order(subject.hits[count].leg) <= last:
        hit = subject.hits[count]
        same = subject.by_key[hit.key]
        del same[0]
        if not same:
            del subject.by_key[hit.key]
            subject.sent.pop(hit.key, None)
            if subject.told is not None:
                subject.told.pop(hit.key, None)
        if hit.asked and subject.verdicts:
            del subject.verdicts[0]
        count += 1
    del subject.hits[:count]
