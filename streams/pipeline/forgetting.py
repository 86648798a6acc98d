"""What a partition forgets: at once of what a record touched, of all else in a sweep every few days of event time."""

from typing import TYPE_CHECKING, Final

from streams.alerts.model import Alert, AlertState
from streams.clock import DAY_MS
from streams.flow.matching import matches
from streams.legs import SubjectKind, peek
from streams.pipeline.partition import PartitionState
from streams.state.forgetting import evict, forget_traces
from streams.state.program import HitKey
from streams.state.subject import NEVER, Subject

if TYPE_CHECKING:
    from streams.pipeline.step import Step

_JOIN: Final = int(SubjectKind.JOIN)


def forget(run: "Step") -> None:
    """Forget what can change nothing any more."""
    state = run.state
    horizon, journal = state.horizon, state.journal
    for subject in run.touched:
        subject.touched = False
        run.at = subject.kind, subject.key
        _let_go(state, subject, horizon)
        if journal is not None:
            journal.note(subject)
    if state.low != NEVER and state.low >= state.swept_at + max(DAY_MS, state.schedule.reach_ms // 8):
        _sweep(run, horizon)


def _let_go(state: PartitionState, subject: Subject, horizon: int) -> None:
    """Let legs go. What a join subject said because of them it has said for good: forgotten is not withdrawn."""
    count = len(subject.log)
    evict(subject, horizon, state.schedule.newest.get(subject.kind))
    if subject.kind == _JOIN and subject.marks_out and len(subject.log) < count:
        wanted = matches(subject)
        subject.marks_out = {address: leg for address, leg in subject.marks_out.items() if address in wanted} or None


def _sweep(run: "Step", horizon: int) -> None:
    state, journal = run.state, run.state.journal
    if journal is not None:
        journal.preserve_all()
    state.swept_at, state.swept_to = state.low, horizon
    state.accounting.forget(horizon, state.low)
    for key, legs in list(state.dormant.items()):
        legs[:] = [leg for leg in legs if peek(leg).time >= horizon]
        if not legs:
            del state.dormant[key]
    state.wake_all(lambda each: each.oldest < horizon)
    for place, subject in list(state.subjects.items()):
        if place in run.skipped:
            continue
        run.at = place
        before = _size(subject)
        if not subject.log or subject.log[0].time < horizon:
            forget_traces(subject, horizon)
            _forget_told(subject, horizon)
        _let_go(state, subject, horizon)
        if journal is not None and _size(subject) != before:
            journal.note(subject)
        if _idle(subject, horizon):
            del state.subjects[place]
            if journal is not None:
                journal.forget(subject)


def _size(subject: Subject) -> tuple[object, ...]:
    """Give what differs once anything was forgotten."""
    marks = len(subject.marks_in or ()), len(subject.marks_out or ()), len(subject.voids or ())
    return len(subject.log), len(subject.older), subject.history, subject.heard, len(subject.sent), marks


def _forget_told(subject: Subject, horizon: int) -> None:
    """Forget what was told of hits that are no more: alerts withdrawn long ago, tallies, and verdicts of forgotten alerts."""
    if subject.sent:
        gone = [key for key, told in subject.sent.items() if _is_over(subject, key, told, horizon)]
        for key in gone:
            del subject.sent[key]
    if subject.marks_out and subject.kind != _JOIN:
        names = {f"verdict|{told.alert_id}" for told in subject.sent.values() if isinstance(told, Alert)}
        subject.marks_out = {each: leg for each, leg in subject.marks_out.items() if each[2] in names} or None


def _is_over(subject: Subject, key: HitKey, told: object, horizon: int) -> bool:
    if isinstance(told, Alert):
        return told.state is AlertState.WITHDRAWN and told.last_hit < horizon and key not in subject.by_key
    of = key._replace(rule_id=key.rule_id.removeprefix("tally:"))
    return of not in subject.by_key and key.bucket_start + key.bucket_ms <= horizon


def _idle(subject: Subject, horizon: int) -> bool:
    """Tell whether nothing that is known of a subject can change anything any more."""
    if subject.references or subject.waiting is not None or subject.voids is not None:
        return False
    if subject.log:
        return subject.log[-1].time < horizon
    return not (subject.older or subject.history or subject.heard) and subject.marks_in is None
