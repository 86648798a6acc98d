"""Views of alerts, what they stand on and what belongs together."""

# ruff: noqa: S608 - put together from constants of this package only

from collections.abc import Callable
from typing import Final

from streams.events.model import OUTSIDE_TOKENS
from streams.store.masking import mask_sql
from streams.store.views.words import ACTIVE, OPEN, TO_DO, Words, major, masked_text, named, rank

_COLUMNS: Final = f"""
    a.alert_id, a.rule_id, a.rule_version, a.title, a.severity, a.typology, a.engine_state, a.status, a.assigned_to,
    a.subject_kind, a.subject_masked, a.about,
    a.amount_minor, a.amount_currency, {major("a.amount_minor", "a.amount_currency")} AS amount_major,
    a.first_hit, a.last_hit, a.hits, coalesce(a.reason_masked, a.reason) AS reason,
    a.evidence_count, a.truncated, a.approximate,
    a.event_at, a.detected_at, a.first_stored_at, a.stored_at, a.ruleset_digest"""
_ADDED: Final = f"""a.work_revision, a.status_at, {rank("a.severity")} AS severity_rank,
    EXISTS (SELECT 1 FROM legal_holds h WHERE h.alert_id = a.alert_id AND h.released_at IS NULL) AS legal_hold"""


def _alerts(_: Words) -> str:
    return f"SELECT {_COLUMNS}, {_ADDED} FROM alerts a WHERE {ACTIVE}"


def _alerts_all(_: Words) -> str:
    held, because = masked_text("a.held_by"), masked_text("a.withdrawn_because")
    return f"""SELECT {_COLUMNS}, a.shadow, {held} AS held_by, {because} AS withdrawn_because, {_ADDED}
FROM alerts a"""


def _evidence(_: Words) -> str:
    return f"""SELECT e.alert_id, e.ordinal, e.event_id, e.role, e.time AS event_time, e.amount_minor, e.currency,
    {major("e.amount_minor", "e.currency")} AS amount_major, {mask_sql("e.counterparty")} AS counterparty_masked
FROM alert_evidence e"""


def _history(_: Words) -> str:
    newer = "(n.revision_epoch, n.revision_offset, n.revision_index) > "
    newer += "(h.revision_epoch, h.revision_offset, h.revision_index)"
    return f"""SELECT h.alert_id, h.revision_epoch, h.revision_offset, h.revision_index, h.engine_state,
    coalesce(h.reason_masked, h.reason) AS reason, h.hits, {masked_text("h.held_by")} AS held_by,
    {masked_text("h.withdrawn_because")} AS withdrawn_because,
    h.ruleset_digest, h.event_at, h.detected_at, h.stored_at,
    (SELECT min(n.stored_at) FROM alert_amendments n WHERE n.alert_id = h.alert_id AND {newer}) AS known_until,
    a.rule_id, a.severity, a.subject_masked, a.shadow, a.last_hit
FROM alert_amendments h JOIN alerts a ON a.alert_id = h.alert_id"""


def _open_by_age(words: Words) -> str:
    bands = (("under 1 hour", 0, 1), ("1 to 24 hours", 1, 24), ("1 to 7 days", 24, 168), ("over 7 days", 168, 0))
    cases = " ".join(
        f"WHEN a.first_stored_at > {words.before(words.now, end, 'hours')} THEN {begin}"
        for _, begin, end in bands
        if end
    )
    names = " ".join(f"WHEN {begin} THEN '{name}'" for name, begin, _ in bands)
    return f"""SELECT o.severity, {rank("o.severity")} AS severity_rank,
    CASE o.age_from_hours {names} END AS age, o.age_from_hours,
    count(*) AS alerts, count(*) FILTER (WHERE o.assigned_to IS NULL) AS unassigned,
    min(o.first_stored_at) AS oldest_at
FROM (
    SELECT a.severity, a.assigned_to, a.first_stored_at, CASE {cases} ELSE 168 END AS age_from_hours
    FROM alerts a WHERE {TO_DO}
) o GROUP BY o.severity, o.age_from_hours"""


def _amounts_at_risk(_: Words) -> str:
    """Count the money of a subject once, however many alerts tell of it: the greatest amount of them."""
    total = "CAST(sum(s.amount_minor) AS bigint)"
    return f"""SELECT s.amount_currency, {named("s.severity_rank")} AS severity, s.severity_rank,
    count(*) AS subjects, CAST(sum(s.alerts) AS bigint) AS alerts, {total} AS amount_minor,
    {major(total, "s.amount_currency")} AS amount_major, CAST(max(s.amount_minor) AS bigint) AS greatest_minor
FROM (
    SELECT a.subject_kind, a.subject, a.amount_currency, max({rank("a.severity")}) AS severity_rank,
        count(*) AS alerts, max(a.amount_minor) AS amount_minor
    FROM alerts a WHERE {TO_DO} AND a.amount_minor IS NOT NULL
    GROUP BY a.subject_kind, a.subject, a.amount_currency
) s GROUP BY s.amount_currency, s.severity_rank"""


def _recurring_subjects(words: Words) -> str:
    """Count by rule first, so that no sort is needed to count different rules."""
    several = f"""JOIN recurrence c ON c.what = a.subject_kind AND c.token = a.subject
        AND c.bucket = {words.bucket} AND c.several"""
    return f"""SELECT r.subject_kind, r.subject_masked, CAST(sum(r.alerts) AS bigint) AS alerts, count(*) AS rules,
    {named("max(r.severity_rank)")} AS severity, max(r.severity_rank) AS severity_rank,
    CAST(sum(r.open_alerts) AS bigint) AS open_alerts,
    min(r.first_hit) AS first_hit, max(r.last_hit) AS last_hit, max(r.alert_id) AS alert_id
FROM (
    SELECT a.subject_kind, a.subject, a.subject_masked, a.rule_id, count(*) AS alerts,
        count(*) FILTER (WHERE a.status IN {OPEN}) AS open_alerts, max({rank("a.severity")}) AS severity_rank,
        min(a.first_hit) AS first_hit, max(a.last_hit) AS last_hit, max(a.alert_id) AS alert_id
    FROM alerts a {several if words.postgresql else ""} WHERE {ACTIVE} AND {words.lately("a.last_hit")}
    GROUP BY a.subject_kind, a.subject, a.subject_masked, a.rule_id
) r GROUP BY r.subject_kind, r.subject, r.subject_masked HAVING sum(r.alerts) > 1"""


def _recurring_counterparties(words: Words) -> str:
    """Find who has several subjects by the least and the greatest, and count only for those."""
    several = f"""JOIN recurrence c ON c.what = 'counterparty of' AND c.token = e.counterparty
        AND c.bucket = {words.bucket} AND c.several"""
    outside = ", ".join(f"'{token}'" for token in sorted(OUTSIDE_TOKENS | {""}))
    return f"""WITH seen AS (
    SELECT e.counterparty, a.alert_id, a.subject, a.rule_id, max(e.time) AS last_time
    FROM alerts a JOIN alert_evidence e ON e.alert_id = a.alert_id {several if words.postgresql else ""}
    WHERE {ACTIVE} AND {words.lately("a.last_hit")} AND e.counterparty NOT IN ({outside})
    GROUP BY e.counterparty, a.alert_id, a.subject, a.rule_id
)
SELECT {mask_sql("s.counterparty")} AS counterparty_masked, count(*) AS alerts, count(DISTINCT s.subject) AS subjects,
    count(DISTINCT s.rule_id) AS rules, max(s.last_time) AS last_time, max(s.alert_id) AS alert_id
FROM seen s WHERE s.counterparty IN (
    SELECT c.counterparty FROM seen c GROUP BY c.counterparty HAVING min(c.subject) <> max(c.subject)
)
GROUP BY s.counterparty"""


def _links(_: Words) -> str:
    return """SELECT l.alert_id, l.link, l.linked_alert_id, b.rule_id, b.severity, b.engine_state, b.shadow, b.status,
    b.subject_kind, b.subject_masked, b.last_hit
FROM (
    SELECT a.alert_id, 'same subject' AS link, s.alert_id AS linked_alert_id
    FROM alerts a JOIN alerts s ON s.subject = a.subject AND s.subject_kind = a.subject_kind AND s.alert_id <> a.alert_id
    UNION ALL
    SELECT DISTINCT e.alert_id, 'same event', f.alert_id
    FROM alert_evidence e JOIN alert_evidence f ON f.event_id = e.event_id AND f.alert_id <> e.alert_id
    UNION ALL
    SELECT DISTINCT e.alert_id, 'alert on a counterparty', c.alert_id
    FROM alert_evidence e JOIN alerts c ON c.subject = e.counterparty AND c.subject_kind = 'account'
        AND c.alert_id <> e.alert_id
) l JOIN alerts b ON b.alert_id = l.linked_alert_id"""


VIEWS: Final[dict[str, Callable[[Words], str]]] = {
    "v_alerts": _alerts,
    "v_alerts_all": _alerts_all,
    "v_alert_evidence": _evidence,
    "v_alert_history": _history,
    "v_alert_links": _links,
    "v_open_by_age": _open_by_age,
    "v_amounts_at_risk": _amounts_at_risk,
    "v_recurring_subjects": _recurring_subjects,
    "v_recurring_counterparties": _recurring_counterparties,
}
