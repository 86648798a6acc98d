"""A store of any size, filled by PostgreSQL itself, and the query dashboards ask of each view most."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from streams.store import Store

DAYS: Final = 1095
"""Alerts are spread evenly over so many days up to now."""
OPEN_SHARE: Final = 0.004
"""The newest so many are not closed yet."""

STORM: Final = 5_000
"""Alerts of one rule within the hour of yesterday's noon, nobody's work yet; of every twentieth subject another rule has told."""

# One alert in ten tells of a subject that has twenty within days; one leg in fifteen leads to one of some who have a hundred.
_ALERTS: Final = """
INSERT INTO alerts (alert_id, revision_epoch, revision_offset, revision_index, engine_state, shadow, rule_id, rule_version,
    title, severity, typology, ruleset_digest, engine, subject_kind, subject, subject_masked, currency, bucket_start,
    bucket_ms, about, first_hit, last_hit, hits, reason, amount_minor, amount_currency, measured, evidence_count, truncated,
    approximate, held_by, withdrawn_because, event_at, detected_at, first_stored_at, stored_at, status, assigned_to,
    first_event_at, first_detected_at, status_at, work_revision)
SELECT md5(n::text), 1, n, 0,
    CASE WHEN n % 20 = 7 THEN 'withdrawn' WHEN n % 100 = 13 THEN 'held' ELSE 'standing' END, n % 20 = 3,
    'rule-' || n % 40, 1, 'A title', (ARRAY['low', 'medium', 'high', 'critical'])[1 + n % 4], 'typology-' || n % 20,
    repeat('d', 64), 1, 'account', subject, '****' || right(subject, 4), currency, at, 86400000, '', at, at, 1 + n % 3,
    'so much left within 24 h of so much coming in', 100 * (n % 100000), currency, '[]', 3, false, false,
    CASE WHEN n % 100 = 13 THEN 'shops: a known shop' ELSE '' END, '', at, at + interval '90 ms',
    at + interval '140 ms', at + interval '140 ms', status, CASE WHEN n % 3 = 0 THEN 'lin' END, at, at + interval '90 ms',
    CASE WHEN status <> 'open' THEN at + interval '7 hours' END, CASE WHEN status = 'open' THEN 0 ELSE 1 END
FROM (
    SELECT n, CASE WHEN n % 10 = 0 THEN md5('mule ' || n / 200) ELSE md5('subject ' || (n * 7919::bigint) % (1 + {count} / 5)) END
            AS subject,
        (ARRAY['CNY', 'USD', 'EUR'])[1 + n % 3] AS currency,
        now() - ({count} - n) * (interval '{days} days' / {count}) AS at,
        CASE WHEN n > {count} * (1 - {open}) THEN 'open'
            ELSE (ARRAY['dismissed', 'dismissed', 'confirmed', 'inconclusive'])[1 + n % 4] END AS status
    FROM generate_series(1, {count}) AS n
) made"""
_STORM: Final = """
INSERT INTO alerts SELECT (jsonb_populate_record(a, jsonb_build_object('alert_id', md5('storm ' || n), 'rule_id', 'storm',
    'severity', 'high', 'engine_state', 'standing', 'shadow', false, 'status', 'open', 'assigned_to', NULL, 'status_at', NULL,
    'subject', s.subject, 'subject_masked', '****' || right(s.subject, 4), 'first_hit', s.at, 'last_hit', s.at,
    'first_stored_at', s.at, 'first_event_at', s.at, 'first_detected_at', s.at))).*
FROM (SELECT n, CASE WHEN n % 20 = 0 THEN (SELECT b.subject FROM alerts b WHERE b.alert_id = md5(({count} - n)::text))
        ELSE md5('stormed ' || n) END AS subject,
        date_trunc('day', now()) - interval '12 hours' + n * (interval '1 hour' / {storm}) AS at
    FROM generate_series(0, {storm} - 1) AS n) s, alerts a WHERE a.alert_id = md5({count}::text)"""
_EVIDENCE: Final = """
INSERT INTO alert_evidence (alert_id, ordinal, event_id, role, time, amount_minor, currency, counterparty)
SELECT md5(n::text), o, 'event-' || n || '-' || o, 'credit', now() - ({count} - n) * (interval '{days} days' / {count}), 100,
    'CNY', CASE WHEN n % 5 = 0 AND o = 2 THEN md5('collector ' || n / 500)
        ELSE md5('subject ' || (n * 104729::bigint + o * 31) % (1 + {count} / 2)) END
FROM generate_series(1, {count}) AS n, generate_series(0, 2) AS o"""
_AMENDMENTS: Final = """
INSERT INTO alert_amendments (alert_id, revision_epoch, revision_offset, revision_index, engine_state, reason, hits,
    measured, evidence_ids, held_by, withdrawn_because, ruleset_digest, event_at, detected_at, stored_at)
SELECT alert_id, revision_epoch, revision_offset, revision_index, engine_state, reason, hits, measured, '[]', held_by, '',
    ruleset_digest, event_at, detected_at, stored_at
FROM alerts"""
_CHANGES: Final = """
INSERT INTO alert_changes (alert_id, work_revision, changed_at, changed_by, status, assigned_to, note, note_masked)
SELECT alert_id, 1, status_at, 'lin', status, assigned_to, '', '' FROM alerts
WHERE status <> 'open'"""
_REST: Final = (
    """INSERT INTO rulesets (digest, text, rule_ids, rule_count, storms, stored_at)
    SELECT repeat('d', 64), '{}', (SELECT jsonb_agg('rule-' || n) FROM generate_series(0, 44) n), 45, '{"rule-1": 20}',
    now() - interval '400 days'""",
    """INSERT INTO ruleset_partitions (digest, activity_partition, from_time, revision_epoch, revision_offset, revision_index,
        approved_by, emergency, stored_at)
    SELECT repeat('d', 64), n, now() - interval '400 days', 1, 1, 1, 'ben', '', now()
    FROM generate_series(0, 7) n""",
    """INSERT INTO watermarks (activity_partition, revision_epoch, revision_offset, revision_index, watermark, held_by, furthest,
        stored_at)
    SELECT n, 1, 1, 1, now(), 'payments/0', now(), now() FROM generate_series(0, 7) n""",
    """INSERT INTO ingest_counters (source, activity_partition, revision_epoch, revision_offset, revision_index, accepted, late,
        duplicate, conflict, refused, refused_by, stored_at)
    SELECT 'payments/' || s, n, 1, 1, 1, 1000, 2, 3, 1, 4,
    '{"amount_not_positive": 4}', now() FROM generate_series(0, 7) n, generate_series(0, 3) s""",
    """INSERT INTO sources_found (source, revision_epoch, revision_offset, revision_index, first_offset, found, lost, stored_at)
    SELECT 'payments/' || s, 1, 8056, 0, 0, 8056, 0, now() FROM generate_series(0, 3) s""",
    """INSERT INTO rule_counters (rule_id, activity_partition, revision_epoch, revision_offset, revision_index, undecided,
        undecided_by, errors, stored_at)
    SELECT 'rule-' || r, n, 1, 1, 1, 5, '{"history too short": 5}', 0, now()
    FROM generate_series(0, 39) r, generate_series(0, 7) n""",
    """INSERT INTO dead_letters (source_topic, source_partition, source_offset, refusal, field, detail, masked, bytes_total,
        kafka_time, stored_at)
    SELECT 'payments', n % 4, n, 'amount_not_positive', 'amount_minor', '-1', '{}', 300,
    now() - n * interval '1 minute', now() - n * interval '1 minute' FROM generate_series(1, 20000) n""",
)
_KEYS: Final = """
SELECT conrelid::regclass::text AS name, conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint
WHERE contype = 'p' AND conrelid::regclass::text IN ('alerts', 'alert_evidence', 'alert_amendments', 'alert_changes')"""
_INDEXES: Final = """
SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE 'ix\\_alert%'"""


def fill(store: Store, count: int) -> None:
    """Put so many alerts, each with three legs of evidence, its history and people's word on it, into an empty PostgreSQL.

    Keys and indexes are made afterwards, from their own definitions: one by one takes many times as long.
    """
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for setting in ("statement_timeout = 0", "maintenance_work_mem = '512MB'"):
            connection.execute(text(f"SET {setting}"))
        keys = connection.execute(text(_KEYS)).all()
        indexes = connection.execute(text(_INDEXES)).all()
        for name, key, _ in keys:
            connection.execute(text(f"ALTER TABLE {name} DROP CONSTRAINT {key}"))
        for index, _ in indexes:
            connection.execute(text(f"DROP INDEX {index}"))
        for table in ("alerts", "alert_evidence"):
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        for statement in (_ALERTS, _EVIDENCE, _AMENDMENTS, _CHANGES):
            connection.execute(text(statement.format(count=count, days=DAYS, open=OPEN_SHARE)))
        for name, key, definition in keys:
            connection.execute(text(f"ALTER TABLE {name} ADD CONSTRAINT {key} {definition}"))
        for _, definition in indexes:
            connection.execute(text(definition))
        connection.execute(text(_STORM.format(count=count, storm=STORM)))
        for statement in _REST:
            connection.execute(text(statement))
        for table in ("alerts", "alert_evidence"):
            connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
        connection.execute(text("SELECT payweir_summarize()"))
        connection.execute(text("VACUUM ANALYZE"))


class Typical(NamedTuple):
    """What is asked of a view most, and the index that must answer it; None where the whole of a small table is the answer."""

    sql: str
    by: str | None = None


_ONE: Final = "(SELECT alert_id FROM v_alerts ORDER BY last_hit DESC LIMIT 1)"
_DAY: Final = "now() - interval '24 hours'"
TYPICAL: Final = {
    "v_contract": Typical("SELECT contract FROM v_contract"),
    "v_alerts": Typical(
        "SELECT * FROM v_alerts WHERE status IN ('open', 'working') ORDER BY severity_rank DESC, first_stored_at LIMIT 100",
        "ix_alerts_open",
    ),
    "v_queue": Typical(
        "SELECT * FROM v_queue ORDER BY severity_rank DESC, first_stored_at LIMIT 100", "ix_alerts_open"
    ),
    "v_storms": Typical("SELECT * FROM v_storms", "ix_alerts_open"),
    "v_folded": Typical("SELECT count(*) FROM v_folded", "ix_alerts_open"),
    "v_alerts_all": Typical(
        f"SELECT * FROM v_alerts_all WHERE last_hit >= {_DAY} ORDER BY last_hit DESC LIMIT 100", "ix_alerts_last_hit"
    ),
    "v_alert_evidence": Typical(
        f"SELECT * FROM v_alert_evidence WHERE alert_id = {_ONE} ORDER BY ordinal", "pk_alert_evidence"
    ),
    "v_alert_history": Typical(f"SELECT * FROM v_alert_history WHERE alert_id = {_ONE}", "pk_alert_amendments"),
    "v_alert_links": Typical(f"SELECT * FROM v_alert_links WHERE alert_id = {_ONE}", "ix_alerts_subject"),
    "v_open_by_age": Typical("SELECT * FROM v_open_by_age", "ix_alerts_open"),
    "v_amounts_at_risk": Typical("SELECT * FROM v_amounts_at_risk", "ix_alerts_open"),
    "v_recurring_subjects": Typical(
        "SELECT * FROM v_recurring_subjects ORDER BY alerts DESC LIMIT 20", "ix_recurrence_bucket"
    ),
    "v_recurring_counterparties": Typical(
        "SELECT * FROM v_recurring_counterparties ORDER BY subjects DESC LIMIT 20", "ix_recurrence_bucket"
    ),
    "v_alert_changes": Typical(f"SELECT * FROM v_alert_changes WHERE alert_id = {_ONE}", "pk_alert_changes"),
    "v_dispositions": Typical(
        f"SELECT disposition, count(*) FROM v_dispositions WHERE closed_at >= {_DAY} GROUP BY disposition",
        "ix_alerts_status_at",
    ),
    "v_legal_holds": Typical("SELECT * FROM v_legal_holds WHERE released_at IS NULL"),
    "v_tasks": Typical("SELECT * FROM v_tasks WHERE done_at IS NULL"),
    "v_audit_log": Typical("SELECT * FROM v_audit_log ORDER BY number DESC LIMIT 100"),
    "v_rules": Typical("SELECT * FROM v_rules", "ix_alerts_rule_id"),
    "v_rule_precision": Typical("SELECT * FROM v_rule_precision", "ix_alerts_status_at"),
    "v_rules_silent": Typical("SELECT * FROM v_rules_silent", "ix_alerts_rule_id"),
    "v_rule_trials": Typical("SELECT * FROM v_rule_trials", "ix_alerts_on_trial"),
    "v_held_back": Typical("SELECT * FROM v_held_back ORDER BY hits DESC", "ix_alerts_in_force"),
    "v_rulesets": Typical("SELECT * FROM v_rulesets"),
    "v_ingest_reconciliation": Typical("SELECT * FROM v_ingest_reconciliation"),
    "v_not_evaluated": Typical("SELECT * FROM v_not_evaluated"),
    "v_dead_letters": Typical(
        f"SELECT refusal, count(*) FROM v_dead_letters WHERE stored_at >= {_DAY} GROUP BY refusal",
        "ix_dead_letters_stored_at",
    ),
    "v_watermarks": Typical("SELECT * FROM v_watermarks"),
    "v_alert_latency": Typical(
        f"""SELECT percentile_disc(0.95) WITHIN GROUP (ORDER BY event_to_stored_ms)
        FROM v_alert_latency WHERE first_stored_at >= {_DAY}""",
        "ix_alerts_first_stored_at",
    ),
    "v_latency": Typical("SELECT * FROM v_latency", "ix_alerts_first_stored_at"),
    "v_store_errors": Typical("SELECT * FROM v_store_errors"),
}


@dataclass(frozen=True)
class Answer:
    """How PostgreSQL answered: its plan as text, and the milliseconds of each run."""

    plan: str
    millis: tuple[float, ...]

    @property
    def p95(self) -> float:
        """The time that 95 of 100 runs did not exceed, by nearest rank."""
        ordered = sorted(self.millis)
        return ordered[-(-len(ordered) * 95 // 100) - 1]


def ask_typical(connection: Connection, view: str, runs: int) -> Answer:
    """Ask a view's typical query so many times, as PostgreSQL itself times it (EXPLAIN ANALYZE, rows not sent)."""
    millis, plan = [], ""
    for _ in range(runs):
        lines = connection.execute(text(f"EXPLAIN (ANALYZE, TIMING OFF) {TYPICAL[view].sql}")).scalars()
        plan = "\n".join(lines)
        millis.append(float(plan.rpartition("Execution Time: ")[2].split()[0]))
    return Answer(plan, tuple(millis))
