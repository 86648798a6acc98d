"""The data-quality alert for two contents under one event id: it names the source."""

from streams.alerts.compose import ENGINE
from streams.alerts.identity import alert_id
from streams.alerts.model import Alert, AlertState, Position
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
