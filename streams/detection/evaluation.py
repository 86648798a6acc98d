"""Evaluation: move a subject over its new legs and let the rules of their time judge each."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from streams.clock import DAY_MS
from streams.detection.program import Asked, MayHit, Program, Runnable
from streams.detection.rule import ListEntry
from streams.detection.schedule import Schedule
from streams.legs import Leg, LegKind, SubjectKind
from streams.state.program import Hit, HitKey
from streams.state.subject import Subject

VALUE_MAX: Final = 2**63 - 1
_HOMED, _DEADLINE = frozenset({int(LegKind.LINE), int(LegKind.ACCEPTED)}), int(LegKind.DEADLINE)
Due = tuple[int, str, str]
"""A deadline: when it is due, for which rule, on which event."""


def advance(subject: Subject, schedule: Schedule) -> list[Due]:
    """Evaluate the legs not evaluated yet; gives the deadlines they set. Hits are kept in the subject.

    A settlement line or accepted payment away from its home join subject (``account`` names home) is seen and triggers nothing.
    """
    due: list[Due] = []
    log, kind = subject.log, subject.kind
    newest, newest_from = schedule.newest.get(kind), schedule.newest_from
    while subject.done < len(log):
        time = log[subject.done].time
        program = newest if time >= newest_from else schedule.program(kind, time)
        if program is None:
            subject.done += 1
            if subject.program is not None:
                subject.program = None
                subject.groups, subject.pairs, subject.ptr = {}, {}, []
            continue
        if program is not subject.program:
            subject.use(program)
        leg = subject.enter()
        leg_kind = leg.kind
        if leg.counted and not (leg_kind in _HOMED and leg.account):
            asked = program.on.get(leg_kind)
            if asked is not None:
                for i in _may_hit(asked.may_hit, asked.rules, subject, leg):
                    _judge(subject, program.rules[i], leg)
                if asked.after and (subject.verdicts or asked.unprompted):
                    _judge_after(subject, program, asked, leg)
            if leg_kind in program.waits:
                due += _deadlines(subject, program, leg)
            elif leg_kind == _DEADLINE and leg.origin in program.by_id:
                _judge(subject, program.rules[program.by_id[leg.origin]], leg)
    return due


def _judge_after(subject: Subject, program: Program, asked: Asked, leg: Leg) -> None:
    """Ask the rules that count verdicts of others; most of them have nothing to say while there are none."""
    for i in _may_hit(asked.may_hit_after, asked.after, subject, leg):
        if subject.verdicts or not program.rules[i].needs_verdict:
            _judge(subject, program.rules[i], leg)


def _may_hit(may_hit: MayHit, rules: Sequence[int], subject: Subject, leg: Leg) -> Sequence[int]:
    """Ask which rules may have something to say; where that question itself fails, all are asked and the one at fault says so."""
    try:
        return may_hit(subject, leg)
    except Exception:  # noqa: BLE001  whatever a condition raises, it is the rule's own function that reports it
        return rules


def _judge(subject: Subject, runnable: Runnable, leg: Leg) -> None:
    """Ask one rule about one leg; an error inside the rule is a verdict of its own."""
    try:
        values = runnable.judge(subject, leg)
    except Exception as error:  # noqa: BLE001  whatever a rule raises, the partition goes on
        subject.keep_hit(Hit(leg, _key(runnable, leg, "error"), runnable, (), error=f"{type(error).__name__}: {error}"))
        return
    if values is None:
        return
    if isinstance(values, str):
        subject.keep_hit(Hit(leg, _key(runnable, leg, "undecided"), runnable, (), undecided=values))
        return
    held = _held_by(subject, runnable, leg) if runnable.held or runnable.held_other else ""
    told = tuple(map(_bounded, values))
    subject.keep_hit(Hit(leg, _key(runnable, leg, ""), runnable, told, held, asked=runnable.asked and not held))


def _bounded(value: int | str) -> int | str:
    """Give what is told of a measured value: of one beyond 64 bits, which no store and no format holds, the last that fits."""
    return value if isinstance(value, str) else max(-VALUE_MAX, min(value, VALUE_MAX))


def _key(runnable: Runnable, leg: Leg, fate: str) -> HitKey:
    """Name the alert a hit belongs to; errors and undecided legs have keys of their own, by day."""
    rule = runnable.rule
    if fate:
        return HitKey(f"{rule.id}#{fate}", rule.version, leg.currency, leg.time - leg.time % DAY_MS, DAY_MS, "")
    currency = leg.currency if runnable.plan.money else ""
    if rule.cool_down_ms:
        start = leg.time - leg.time % rule.cool_down_ms
        return HitKey(rule.id, rule.version, currency, start, rule.cool_down_ms, "")
    return HitKey(rule.id, rule.version, currency, 0, 0, leg.payment)


def _held_by(subject: Subject, runnable: Runnable, leg: Leg) -> str:
    """Name the list entry that holds a hit back, or nothing."""
    for entry in runnable.held.get(subject.key, ()):
        if entry.valid_from <= leg.time < entry.expires:
            return _entry_text(runnable, entry)
    if subject.kind != SubjectKind.ACCOUNT and leg.other in runnable.held_other:
        for entry in runnable.held_other[leg.other]:
            if entry.valid_from <= leg.time < entry.expires:
                return _entry_text(runnable, entry)
    return ""


def _entry_text(runnable: Runnable, entry: ListEntry) -> str:
    return f"{runnable.list_of[id(entry)]}: {entry.reason} (added by {entry.added_by}, approved by {entry.approved_by})"


def _deadlines(subject: Subject, program: Program, leg: Leg) -> list[Due]:
    if subject.deadlines is None:
        subject.deadlines = {}
    found = []
    for i in program.waits[leg.kind]:
        rule = program.rules[i].rule
        known = rule.id, leg.event_id
        if subject.deadlines.get(known) != leg.time + rule.wait_ms:
            subject.deadlines[known] = leg.time + rule.wait_ms
            found.append((leg.time + rule.wait_ms, rule.id, leg.event_id))
    return found


def fire(subject: Subject, due: Due) -> bool:
    """Put the deadline of an event into its subject's log as a leg at its due time; the caller then advances."""
    time, rule_id, event_id = due
    if subject.deadlines is None or subject.deadlines.get((rule_id, event_id)) != time:
        return False
    for leg in subject.log:
        if leg.event_id == event_id and leg.kind not in {LegKind.DEADLINE, LegKind.MARK} and leg.counted:
            return subject.insert(
                replace(
                    leg, kind=int(LegKind.DEADLINE), time=time, sequence=0, source=f"~deadline:{rule_id}", origin=rule_id,
                    route=b"", facts=None, previous=-1, known=-1,
                ),
                at_once=True,
            )  # fmt: skip
    return False
