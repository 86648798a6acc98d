"""What a touched subject has to say: new revisions of its alerts, marks for others, tallies of what was not decided."""

from heapq import heappush
from typing import TYPE_CHECKING, Final, cast

import msgspec

from streams.alerts.compose import compose
from streams.alerts.feeds import other_ends, verdict_marks
from streams.alerts.model import Alert, AlertState, Position
from streams.detection.program import Program, Runnable
from streams.flow.marks import Address, difference, said, stamp
from streams.flow.matching import matches
from streams.legs import Leg, SubjectKind
from streams.pipeline.partition import PartitionState, RuleTally
from streams.state.program import HitKey
from streams.state.subject import Subject

if TYPE_CHECKING:
    from streams.pipeline.step import Step

_JOIN: Final = int(SubjectKind.JOIN)


def speak(run: "Step", subject: Subject) -> None:
    """Tell what changed about a subject since it was last asked."""
    dirty = subject.dirty
    if subject.kind == _JOIN:
        _tell_all(run, subject)
        _mark(run, subject, set(subject.marks_out or ()), matches(subject))
    elif dirty or subject.by_key:
        _tell_all(run, subject)
        # A subject that was read back has no program until it is evaluated; what it told may have to be withdrawn all the same.
        if subject.marks_out or (isinstance(subject.program, Program) and subject.program.feeding):
            _verdicts(run, subject)
    dirty.clear()


def _tell_all(run: "Step", subject: Subject) -> None:
    for key in sorted(subject.dirty):
        hits = subject.by_key.get(key)
        if "#" in key.rule_id:
            _tally(run.state, subject, key)
        elif (hits and cast("Runnable", hits[0].rule).tells_ends) or (subject.told is not None and key in subject.told):
            run.out.marks += said(subject, key, other_ends(subject, hits or ()), run.position)
        if not hits or "#" in key.rule_id or cast("Runnable", hits[0].rule).rule.state != "signal":
            _tell(run, subject, key)


def _tell(run: "Step", subject: Subject, key: HitKey) -> None:
    """Send the alert of a key when it differs from what was last sent."""
    before = cast("Alert | None", subject.sent.get(key))
    now = compose(subject, key, Position(0, 0, 0), run.state.watermark, run.state.schedule)
    if now is None:
        if before is None or before.state is AlertState.WITHDRAWN:
            return
        because = "a late, voided or withdrawn leg changed what the rule sees; it is no longer true"
        now = msgspec.structs.replace(before, state=AlertState.WITHDRAWN, hits=0, withdrawn_because=because)
    elif before is not None and now == before:
        return
    subject.sent[key] = now
    if now.state is AlertState.PROVISIONAL:
        heappush(run.state.provisional, (now.first_hit, subject.kind, subject.key, key))
    run.out.outcomes.append(msgspec.structs.replace(now, revision=run.position()))


def _tally(state: PartitionState, subject: Subject, key: HitKey) -> None:
    """Bring the rule's counts to what the subject says now; absolute in the end, whatever the order of legs."""
    rule_id, _, fate = key.rule_id.partition("#")
    tally = state.tallies.setdefault(rule_id, RuleTally())
    now: dict[str, int] = {}
    for hit in subject.by_key.get(key, ()):
        reason = hit.undecided or "error"
        now[reason] = now.get(reason, 0) + 1
    place = HitKey(f"tally:{key.rule_id}", *key[1:])
    before = cast("dict[str, int]", subject.sent.get(place, {}))
    for reason in now.keys() | before.keys():
        change = now.get(reason, 0) - before.get(reason, 0)
        if fate == "error":
            tally.errors += change
        else:
            tally.undecided[reason] = tally.undecided.get(reason, 0) + change
    subject.sent[place] = now
    state.told.add(rule_id)


def _verdicts(run: "Step", subject: Subject) -> None:
    keys = {*subject.dirty, *subject.sent}
    wanted: dict[Address, Leg] = {}
    for key in sorted(keys):
        wanted |= verdict_marks(subject, key)
    names = {address[2] for address in wanted}
    names |= {f"verdict|{alert.alert_id}" for key in keys if isinstance(alert := subject.sent.get(key), Alert)}
    _mark(run, subject, {address for address in subject.marks_out or () if address[2] in names}, wanted)


def _mark(run: "Step", subject: Subject, before: set[Address], wanted: dict[Address, Leg]) -> None:
    changes = difference(subject, before, wanted)
    if changes:
        run.out.marks += stamp(changes, run.position())
