"""Data-quality alerts of the pipeline itself: two contents under one event id, and what had to be left out."""

from streams.alerts.compose import ENGINE
from streams.alerts.identity import alert_id
from streams.alerts.model import Alert, AlertState, Position
from streams.detection.words import SUBJECT_WORDS
from streams.legs import SubjectKind
from streams.pipeline.accounting import Conflict
from streams.state.program import HitKey


def conflict_alert(conflict: Conflict, position: Position) -> Alert:
    """Give the alert; its identity is the event id, so a third copy is a revision of the same alert.

    It tells of all contents, so that it is the same in whatever order they came.
    """
    times = [each.time for each in conflict.contents]
    sources = ", ".join(sorted({each.source for each in conflict.contents}))
    losing = ", ".join(f"{each.digest:016x}" for each in conflict.contents if each.digest != conflict.standing)
    key = HitKey("event-conflict", 1, "", 0, 0, conflict.event_id)
    return Alert(
        alert_id=alert_id(key, SubjectKind.EVENT, conflict.event_id), revision=position, state=AlertState.STANDING, shadow=False,
        rule_id="event-conflict", rule_version=1, title="Two contents under one event id", severity="medium",
        typology="data-quality", ruleset_digest="", engine=ENGINE, subject_kind="event", subject=conflict.event_id, currency="",
        bucket_start=0, bucket_ms=0, about=conflict.event_id, first_hit=min(times), last_hit=max(times),
        hits=len(times) - 1,
        reason=f"several contents under one event id from {sources}: {conflict.standing:016x} stands, {losing} does not",
        values=(), evidence=(), event_at=max(times),
    )  # fmt: skip


def skip_alert(partition: int, offset: int, kind: int, subject: str, position: Position) -> Alert:
    """Give the alert that a record was left out for a subject because the engine failed on it again and again."""
    about = f"{position.epoch}:{partition}:{offset}"
    key = HitKey("engine-skip", 1, "", 0, 0, about)
    words = SUBJECT_WORDS.get(SubjectKind(kind), "event") if kind >= 0 else "record"
    return Alert(
        alert_id=alert_id(key, kind, subject), revision=position, state=AlertState.STANDING, shadow=False,
        rule_id="engine-skip", rule_version=1, title="The engine failed on a record; it was left out", severity="high",
        typology="data-quality", ruleset_digest="", engine=ENGINE, subject_kind=words, subject=subject, currency="",
        bucket_start=0, bucket_ms=0, about=about, first_hit=0, last_hit=0, hits=1,
        reason=f"record {offset} of activity/{partition} ended the engine three times and was left out for this {words}",
        values=(), evidence=(),
    )  # fmt: skip
