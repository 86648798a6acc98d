"""How a subject's windows move over its log: old legs leave them when a rule is going to look, and come back when it is rewound."""

from array import array
from typing import TYPE_CHECKING, Final

from streams.state.program import WindowProgram

if TYPE_CHECKING:
    from streams.state.subject import Subject

NEVER: Final = -(1 << 60)
FOREVER: Final = 1 << 60


def leave(subject: "Subject", program: WindowProgram, time: int) -> None:
    """Let legs leave the windows that end at ``time``."""
    leaving = subject.leaving
    if not leaving:
        # Numbers side by side weigh a quarter of a list of as many objects.
        subject.leaving = leaving = array("q", [NEVER]) * len(program.windows)
    log, ptr, groups, pairs = subject.log, subject.ptr, subject.groups, subject.pairs
    soonest = FOREVER
    for k, moment in enumerate(leaving):
        if moment <= time:
            p, span, sub = ptr[k], program.windows[k], program.sub[k]
            leg, limit = log[p], time - span
            while leg.time <= limit:
                sub(groups, pairs, leg)
                p += 1
                leg = log[p]
            ptr[k] = p
            moment = leaving[k] = leg.time + span  # noqa: PLW2901  what it is from now on
        if moment < soonest:  # noqa: PLR1730  a call of min() for every window costs more
            soonest = moment
    subject.full_until, subject.moved_to = soonest, time


def move_back(subject: "Subject", time: int) -> None:
    """Let legs come back into the windows of a leg of this time, which is the next that may come.

    Mostly none has to: what was evaluated last is asked again, and the windows end there already.
    """
    subject.look_up()
    program, log, ptr = subject.program, subject.log, subject.ptr
    if program is None or time >= subject.moved_to:
        return
    for k, span in enumerate(program.windows):
        p, limit, add = ptr[k], time - span, program.add[k]
        while p and log[p - 1].time > limit:
            p -= 1
            add(subject.groups, subject.pairs, log[p])
        ptr[k] = p
    subject.moved_to = time
