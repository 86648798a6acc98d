"""``step``: the whole path of one log record, for the live worker, the embedded run, rule tests, backtest and simulation alike.

A pure function of (state, record, rulesets): no clock, no randomness, no I/O, no dependence on how records were fetched. The state
is changed in place; the outputs are the same whoever computes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush

from streams.alerts.model import Alert, AlertState, Outcome, Position, RulesetInForce
from streams.clock import MINUTE_MS
from streams.detection.evaluation import advance, fire
from streams.detection.program import Programs
from streams.detection.rule import STORM_ALERTS, Ruleset
from streams.detection.schedule import ALWAYS
from streams.errors import EngineError
from streams.legs import WAKES, Control, Leg, Mark, Packed, SubjectKind, whole
from streams.pipeline.accounting import voids
from streams.pipeline.conflict import conflict_alert, skip_alert
from streams.pipeline.forgetting import forget
from streams.pipeline.partition import PartitionState
from streams.pipeline.speak import speak
from streams.state.program import HitKey
from streams.state.subject import FOREVER, NEVER, Subject

# Plain integers where every leg passes: comparing and hashing them costs less than members of an enumeration.
_EVENT, _JOIN = int(SubjectKind.EVENT), int(SubjectKind.JOIN)
TAKE_WAITING = "~waiting"
"""Key of the mark with which a subject tells itself, behind all that is in the log by now, to take the legs that wait."""
WHOLE = (-1, "")
"""In place of kind and key of a subject: the record as a whole."""
_NOBODY: frozenset[tuple[int, str]] = frozenset()


@dataclass(slots=True)
class Outputs:
    """What a record led to: records for the alerts topic, and marks for other subjects (any partition)."""

    outcomes: list[Outcome] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)


class Step:
    """One record on its way: what it touched, and the running index of its outputs."""

    __slots__ = ("at", "index", "out", "skipped", "state", "touched")

    def __init__(self, state: PartitionState) -> None:
        """Start with nothing touched."""
        self.state, self.out, self.index = state, Outputs(), 0
        self.touched: list[Subject] = []
        self.at: tuple[int, str] = WHOLE
        """Kind and key of the subject in hand, for the report when the engine fails."""
        self.skipped: frozenset[tuple[int, str]] = _NOBODY

    def position(self) -> Position:
        """Give the position of the next output."""
        self.index += 1
        return Position(self.state.epoch, self.state.next_offset, self.index)

    def touch(self, subject: Subject) -> None:
        """Note that a subject has to be advanced and asked what it has to say."""
        if not subject.touched:
            subject.touched = True
            self.touched.append(subject)


def step(state: PartitionState, record: Packed, rulesets: Mapping[str, Programs]) -> Outputs:
    """Apply one record of the partition's log. ``rulesets`` gives the compiled set of a digest named by a control record.

    Raises EngineError when the engine itself fails; the state is then of no more use. A subject named by a skip for this record
    is left out of it, and an alert says so.
    """
    run = Step(state)
    try:
        if state.skips:
            record = _without_skipped(run, record)
        return _apply(run, record, rulesets)
    except Exception as error:
        raise EngineError(state.next_offset, *run.at, error) from error


def _without_skipped(run: Step, record: Packed) -> Packed:
    """Leave out what ended the engine three times."""
    state = run.state
    skipped = frozenset((kind, key) for offset, kind, key in state.skips if offset == state.next_offset)
    if not skipped:
        return record
    run.skipped = skipped
    run.out.outcomes += [
        skip_alert(state.partition, state.next_offset, *each, run.position()) for each in sorted(skipped)
    ]
    for mark in record.marks:
        if mark.key == TAKE_WAITING and (mark.subject_kind, mark.subject) in skipped:
            _drop_waiting(state, mark)
    if WHOLE in skipped:
        _tell_again(run)
        return Packed(record.version, record.sender, [], [], {})
    legs = [leg for leg in record.legs if (leg.subject_kind, leg.subject) not in skipped]
    marks = [mark for mark in record.marks if (mark.subject_kind, mark.subject) not in skipped]
    return Packed(record.version, record.sender, legs, marks, record.watermarks, record.control)


def _drop_waiting(state: PartitionState, mark: Mark) -> None:
    """What ends the engine is among the legs that wait: they are left out with the record."""
    subject = state.known(mark.subject_kind, mark.subject)
    if subject is not None:
        subject.waiting = None
        if state.journal is not None:
            state.journal.note(subject)


def _tell_again(run: Step) -> None:
    """Nobody knows which subjects the record told to take the legs that wait."""
    state = run.state
    state.wake_all()
    for place in sorted(state.subjects):
        subject = state.subjects[place]
        if subject.waiting is not None:
            subject.wakes = True
            run.touch(subject)


def _apply(run: Step, record: Packed, rulesets: Mapping[str, Programs]) -> Outputs:
    state = run.state
    told = state.told_watermark if record.watermarks or record.control is not None else None
    if record.control is not None:
        _control(run, record, rulesets)
    _legs(run, record.legs)
    for mark in record.marks:
        _mark(run, mark)
    for source, time in record.watermarks.items():
        if time > state.watermarks.get(source, NEVER):
            state.watermarks[source], state.lowest = time, None
    _advance(run)
    _due(run)
    for subject in run.touched:
        run.at = subject.kind, subject.key
        if subject.wakes:
            subject.wakes = False
            run.out.marks.append(Mark(subject.kind, subject.key, TAKE_WAITING, run.position(), None))
        if subject.kind == _JOIN or subject.dirty or subject.by_key:
            speak(run, subject)
    run.at = WHOLE
    _confirm(run)
    if record.watermarks or record.marks or record.control is not None:
        run.out.outcomes += state.accounting.news(state.partition, run.position())
        run.out.outcomes += state.tally_news(run.position())
    if told is not None and told != state.told_watermark:
        run.out.outcomes.append(state.watermark_news(run.position()))
    forget(run)
    state.next_offset += 1
    return run.out


def _control(run: Step, record: Packed, rulesets: Mapping[str, Programs]) -> None:
    state, control = run.state, record.control
    assert control is not None  # noqa: S101  the caller looked
    if control.kind == "sources":
        state.sources, state.lowest = control.names, None
    elif control.kind == "end":
        state.ended = True
    elif control.kind == "ruleset":
        programs = rulesets[control.digest]
        if state.schedule.add(control.time, programs, control.terms):
            if state.journal is not None:
                state.journal.preserve_all()
            state.wake_all(lambda each: each.newest > control.time)
            # In an order that a recovered state has, too: it decides the order of what is said.
            for place in sorted(state.subjects.keys() - run.skipped):
                run.at, subject = place, state.subjects[place]
                if subject.log and subject.log[-1].time >= control.time:
                    at = next(i for i, leg in enumerate(subject.log) if leg.time >= control.time)
                    subject.rewind(at)
                    run.touch(subject)
            run.at = WHOLE
            run.out.outcomes.append(_in_force(run, programs.ruleset, control))


def _in_force(run: Step, ruleset: Ruleset, control: Control) -> RulesetInForce:
    ids = tuple(rule.id for rule in ruleset.rules)
    storms = {rule.id: rule.storm for rule in ruleset.rules if rule.storm != STORM_ALERTS}
    return RulesetInForce(
        ruleset.digest, run.state.partition, run.position(), control.time, ids, ruleset.text, control.terms, storms
    )


def _legs(run: Step, legs: list[Leg]) -> None:
    """Give every leg to its subject; a late one, and one of a kind no rule looks at, changes nothing."""
    state = run.state
    kept, subjects, touched = state.schedule.kept_kinds, state.subjects, run.touched
    for leg in legs:
        kind = leg.subject_kind
        run.at = place = kind, leg.subject
        if kind == _EVENT:
            _account(run, leg)
        elif not leg.late and (kept is None or leg.kind in kept.get(kind, ALWAYS)):
            subject = subjects.get(place)
            if kind == _JOIN and subject is None and _sleeps(run, leg):
                continue
            if subject is None or subject.pending:
                subject = state.subject(kind, leg.subject)
            if subject.insert(leg) and not subject.touched:
                subject.touched = True
                touched.append(subject)


def _account(run: Step, leg: Leg) -> None:
    conflict = run.state.accounting.take(leg, run.state.low)
    if conflict is not None:
        run.out.marks += voids(conflict, run.position())
        run.out.outcomes.append(conflict_alert(conflict, run.position()))


def _sleeps(run: Step, leg: Leg) -> bool:
    """Keep a payment at its join id without a subject until something is there to decide."""
    key, state = leg.subject, run.state
    if (_JOIN, key) in state.asleep:
        return False
    if leg.kind in WAKES:
        _wake(run, key)
        return False
    waiting = state.dormant.get(key)
    if waiting is None:
        state.dormant[key] = [leg]
    else:
        waiting.append(leg)
    if state.journal is not None:
        state.journal.dormant.append(leg)
    return True


def _wake(run: Step, key: str) -> None:
    """Make a subject of a join id at which only payments were seen."""
    waiting = run.state.dormant.pop(key, None)
    if waiting is not None:
        subject = run.state.subject(_JOIN, key)
        for each in waiting:
            subject.insert(whole(each))
        run.touch(subject)


def _mark(run: Step, mark: Mark) -> None:
    state = run.state
    run.at = mark.subject_kind, mark.subject
    if mark.key == TAKE_WAITING:
        waiting = state.known(*run.at)
        if waiting is not None:
            waiting.take_waiting()
            run.touch(waiting)
        return
    if mark.subject_kind == SubjectKind.JOIN:
        _wake(run, mark.subject)
    if mark.void >= 0:
        subject = state.subject(mark.subject_kind, mark.subject)
        subject.void(mark.key, mark.void, mark.gone_time if mark.gone_time >= 0 else FOREVER)
        run.touch(subject)
        return
    subject = state.subject(mark.subject_kind, mark.subject)
    if subject.receive(mark):
        run.touch(subject)


def _advance(run: Step) -> None:
    """Evaluate what was touched; a deadline that is due already fires at once."""
    state = run.state
    watermark, schedule = state.watermark, state.schedule
    for subject in run.touched:
        run.at = subject.kind, subject.key
        due = advance(subject, schedule)
        while due:
            for each in due:
                if each[0] > watermark or not fire(subject, each):
                    heappush(state.deadlines, (each[0], subject.kind, subject.key, each[1], each[2]))
            due = advance(subject, schedule)


def _due(run: Step) -> None:
    """Fire the deadlines the watermark has passed."""
    state = run.state
    heap, watermark = state.deadlines, state.watermark
    while heap and heap[0][0] <= watermark:
        time, kind, key, rule_id, event_id = heappop(heap)
        if (kind, key) in run.skipped:
            continue
        run.at = kind, key
        subject = state.known(kind, key)
        if subject is not None and fire(subject, (time, rule_id, event_id)):
            advance(subject, state.schedule)
            run.touch(subject)


def _confirm(run: Step) -> None:
    """Send a revision of provisional alerts the watermark has passed."""
    state = run.state
    heap, watermark = state.provisional, state.watermark
    while heap and heap[0][0] <= watermark + MINUTE_MS:
        time, kind, key, alert = heappop(heap)
        if (kind, key) in run.skipped:
            continue
        run.at = kind, key
        subject = state.known(kind, key)
        # An entry that its alert has left behind would decide the order of what is said, and a snapshot does not keep it.
        if subject is not None and alert in subject.by_key and _waits(subject, alert, time):
            subject.dirty.add(alert)
            speak(run, subject)
            if state.journal is not None:
                state.journal.note(subject)


def _waits(subject: Subject, alert: HitKey, time: int) -> bool:
    """Whether what was last said of an alert is that it is provisional from this time on."""
    told = subject.sent.get(alert)
    return isinstance(told, Alert) and told.state is AlertState.PROVISIONAL and told.first_hit == time
