"""From the hits of one bucket to an alert, whole: state, reason, measured values against limits, evidence."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final, cast

from streams.alerts.identity import alert_id
from streams.alerts.model import Alert, AlertState, Evidence, Measured, Position
from streams.clock import MINUTE_MS, rough_span
from streams.detection.program import Runnable
from streams.detection.rule import MoneyParam, Rule
from streams.detection.schedule import Schedule
from streams.detection.sentence import fill
from streams.detection.sequences import segment_of
from streams.detection.words import ROLE_OF, SUBJECT_WORDS, Type
from streams.legs import Leg, LegKind, SubjectKind, order
from streams.money import EXPONENTS, format_minor
from streams.state.program import Hit, HitKey
from streams.state.subject import Subject

ENGINE: Final = 1
"""Raised whenever the same state, record and ruleset give another output."""
EVIDENCE_MAX: Final = 100
HITS_MAX: Final = 10
"""Single legs are cited for so many of an alert's newest hits."""
PROVISIONAL_MS: Final = MINUTE_MS


def compose(subject: Subject, key: HitKey, position: Position, watermark: int, schedule: Schedule) -> Alert | None:
    """Give the alert of a key as it stands now, or None when nothing was hit.

    Provisional: the first hit lies more than a minute ahead of the watermark. Shadow: the rule is on trial, or the last hit lies
    in history from which state is built.
    """
    hits = subject.by_key.get(key)
    if not hits:
        return None
    if hits[0].error or hits[0].undecided:
        return _quality(subject, key, hits, position)
    free = [hit for hit in hits if not hit.held_by]
    shown = free or hits
    first, last = shown[0], shown[-1]
    runnable = cast("Runnable", last.rule)
    rule = runnable.rule
    state = AlertState.HELD
    if free:
        state = AlertState.PROVISIONAL if first.leg.time > watermark + PROVISIONAL_MS else AlertState.STANDING
    measured = measure(runnable, last)
    evidence, truncated = _evidence(subject, runnable, shown)
    return Alert(
        alert_id=alert_id(key, subject.kind, subject.key), revision=position, state=state,
        shadow=rule.state == "shadow" or schedule.shadows(last.leg.time),
        rule_id=rule.id, rule_version=rule.version, title=rule.title, severity=rule.severity, typology=rule.typology,
        ruleset_digest=runnable.digest, engine=ENGINE, subject_kind=SUBJECT_WORDS[SubjectKind(subject.kind)],
        subject=subject.key, currency=key.currency, bucket_start=key.bucket_start, bucket_ms=key.bucket_ms, about=key.about,
        first_hit=first.leg.time, last_hit=last.leg.time, hits=len(shown), reason=_reason(subject, runnable, last, measured),
        values=measured, evidence=evidence, truncated=truncated, approximate=subject.approximate, held_by=last.held_by,
        event_at=last.leg.time,
    )  # fmt: skip


def measure(runnable: Runnable, hit: Hit) -> tuple[Measured, ...]:
    """Give the values a hit measured, each with the limit it was compared to."""
    limits: dict[str, str] = {}
    measures = runnable.plan.measures
    for measure_, value in zip(measures, hit.values, strict=True):
        if measure_.operator:
            text = f"{measure_.operator} {_text(measure_.type, value, measure_.scale, hit.leg.currency)}"
            limits[measure_.name] = f"{limits[measure_.name]} and {text}" if measure_.name in limits else text
    return tuple(
        Measured(m.name, _text(m.type, value, m.scale, hit.leg.currency), value, m.type.value, limits.get(m.name))
        for m, value in zip(measures, hit.values, strict=True)
        if not m.operator
    )


def _text(kind: Type, value: int | str, scale: int, currency: str) -> str:
    if isinstance(value, str):
        return value
    if kind is Type.MONEY and currency in EXPONENTS:
        return format_minor(value // scale, currency)
    if kind is Type.SPAN:
        return rough_span(value // scale)
    if value % scale == 0:
        return str(value // scale)
    return f"{value // scale}.{value % scale * 100 // scale:02d}"


def _reason(subject: Subject, runnable: Runnable, hit: Hit, measured: tuple[Measured, ...]) -> str:
    texts = {each.name: each.text for each in measured}
    for name, param in runnable.rule.params.items():
        if isinstance(param, int):
            texts[name] = str(param)
        elif isinstance(param, MoneyParam):
            limits = param.of(segment_of(subject, hit.leg)) if param.segments else param.minor
            if hit.leg.currency in limits:
                texts[name] = format_minor(limits[hit.leg.currency], hit.leg.currency)
    return fill(runnable.rule.say, texts)


def _evidence(subject: Subject, runnable: Runnable, hits: list[Hit]) -> tuple[tuple[Evidence, ...], bool]:
    """Give what an alert cites, the newest of it when that is much."""
    legs = cited(subject, runnable, hits)
    return tuple(map(_item, legs[-EVIDENCE_MAX:])), len(legs) > EVIDENCE_MAX


def cited(subject: Subject, runnable: Runnable, hits: list[Hit]) -> list[Leg]:
    """Give the legs that hits stand on, in their order; of very many, the newest.

    Those are the legs the rule's windows held from the first hit to the last, or those that its values single out; after a wait
    also the leg that was decided about.
    """
    found = {id(leg): leg for leg in _in_windows(subject, runnable, hits[0], hits[-1])}
    if runnable.rule.wait_ms:
        found.update((id(leg), leg) for hit in hits[-HITS_MAX:] for leg in _judged(subject, runnable.rule, hit.leg))
    if runnable.picks is not None:
        for hit in hits[-HITS_MAX:]:
            own = () if hit.leg.kind == LegKind.DEADLINE else (hit.leg,)
            found.update((id(leg), leg) for leg in (*own, *runnable.picks(subject, hit.leg)))
    return sorted(found.values(), key=order)


def _in_windows(subject: Subject, runnable: Runnable, first: Hit, last: Hit) -> Iterator[Leg]:
    """Go back from the last hit's leg over what the windows held, one leg further than an alert cites."""
    log, start, count = subject.log, first.leg.time - runnable.plan.evidence_ms, 0
    at = subject.index(last.leg)
    while at >= 0 and count <= EVIDENCE_MAX and (log[at].time > start or log[at] is first.leg):
        leg = log[at]
        at -= 1
        if _seen(runnable, leg, last.leg):
            count += 1
            yield leg


def _judged(subject: Subject, rule: Rule, deadline: Leg) -> Iterator[Leg]:
    """Give the leg that set a deadline."""
    time, log = deadline.time - rule.wait_ms, subject.log
    for at in range(bisect_left(log, time, key=_time), len(log)):
        leg = log[at]
        if leg.time != time:
            return
        if leg.event_id == deadline.event_id and leg.kind in rule.on:
            yield leg


def _time(leg: Leg) -> int:
    return leg.time


def _seen(runnable: Runnable, leg: Leg, trigger: Leg) -> bool:
    if leg is trigger:
        return leg.kind != LegKind.DEADLINE
    if not leg.counted or (runnable.plan.money and leg.currency != trigger.currency):
        return False
    return runnable.sees(leg)


def _item(leg: Leg) -> Evidence:
    other = leg.account if leg.kind in {LegKind.USE, LegKind.MARK, LegKind.PAYMENT} else leg.other
    return Evidence(leg.event_id, ROLE_OF.get(leg.kind, ""), leg.time, leg.amount, leg.currency, other)


def _quality(subject: Subject, key: HitKey, hits: list[Hit], position: Position) -> Alert | None:
    """An error inside a rule, or a currency without a limit, is told as a data-quality alert."""
    told = [hit for hit in hits if hit.error or hit.undecided.startswith("no limit")]
    if not told:
        return None
    runnable = cast("Runnable", told[-1].rule)
    first, last = told[0], told[-1]
    title = "A rule failed on an event" if last.error else "A rule has no limit for a currency"
    return Alert(
        alert_id=alert_id(key, subject.kind, subject.key), revision=position, state=AlertState.STANDING, shadow=False,
        rule_id=key.rule_id, rule_version=key.version, title=title, severity="medium", typology="data-quality",
        ruleset_digest=runnable.digest, engine=ENGINE, subject_kind=SUBJECT_WORDS[SubjectKind(subject.kind)],
        subject=subject.key, currency=key.currency, bucket_start=key.bucket_start, bucket_ms=key.bucket_ms, about=key.about,
        first_hit=first.leg.time, last_hit=last.leg.time, hits=len(told),
        reason=f"{runnable.rule.id}: {last.error or last.undecided}", values=(), evidence=(_item(last.leg),),
        event_at=last.leg.time,
    )  # fmt: skip
