"""Counts of alerts per rule, and whom more than one alert tells of, kept by triggers; indexes that answer without the table.

Triggers, because several programs write alerts (the record worker, also of the release before, people's commands, the retention
job) and none of them can forget. ``payweir_summarize()`` makes both tables anew from the alerts and is what they must always equal.
"""

# ruff: noqa: S608 - put together from constants of this file only

from alembic import op

revision = "0005"
down_revision = "0004"

_LOCK = 0x7061_7977
"""First half of the key of the locks on slots: ``payw`` in ASCII."""
_IN_FORCE = "a.engine_state IN ('standing', 'provisional') AND NOT a.shadow"
_CELL = "CAST(floor(extract(epoch FROM {}) / 2678400) AS integer)"
"""Number of a stretch of 31 days. A bucket is two of them, from its own number on, so any 31 days lie whole in some bucket."""
_OUTSIDE = "('', 'CASH', 'EXTERNAL')"

_TABLES = (
    """
CREATE TABLE alert_counts (
    slot INTEGER NOT NULL,
    rule_id TEXT NOT NULL,
    engine_state TEXT NOT NULL,
    shadow BOOLEAN NOT NULL,
    alerts BIGINT NOT NULL,
    CONSTRAINT pk_alert_counts PRIMARY KEY (slot, rule_id, engine_state, shadow)
)
""",
    """
CREATE TABLE recurrence (
    bucket INTEGER NOT NULL,
    what TEXT NOT NULL,
    token TEXT NOT NULL,
    least TEXT NOT NULL,
    greatest TEXT NOT NULL,
    several BOOLEAN GENERATED ALWAYS AS (least <> greatest) STORED,
    CONSTRAINT pk_recurrence PRIMARY KEY (bucket, what, token)
)
""",
    "CREATE INDEX ix_recurrence_bucket ON recurrence (bucket, what) WHERE several",
)


def _noted(what: str, token: str, told: str, source: str, condition: str) -> str:
    """Give the statement that notes who was told of; a row that would say nothing new is not even looked at for writing."""
    return f"""
    INSERT INTO recurrence AS r (bucket, what, token, least, greatest)
    SELECT n.bucket, n.what, n.token, n.least, n.greatest
    FROM (
        SELECT {_CELL.format("a.last_hit")} - back AS bucket, {what} AS what, {token} AS token,
            min({told}) AS least, max({told}) AS greatest
        FROM {source} CROSS JOIN generate_series(0, 1) AS back
        WHERE {_IN_FORCE} AND {condition} GROUP BY 1, 2, 3
    ) n LEFT JOIN recurrence k ON k.bucket = n.bucket AND k.what = n.what AND k.token = n.token
    WHERE k.token IS NULL OR n.least < k.least OR n.greatest > k.greatest
    ORDER BY n.bucket, n.what, n.token
    ON CONFLICT (bucket, what, token) DO UPDATE
    SET least = least(r.least, excluded.least), greatest = greatest(r.greatest, excluded.greatest)"""


_SUBJECTS = _noted("a.subject_kind", "a.subject", "a.alert_id", "{} a", "{}")
_COUNTERPARTIES = _noted(
    "'counterparty of'", "e.counterparty", "a.subject", "{} e JOIN alerts a ON a.alert_id = e.alert_id",
    f"e.counterparty NOT IN {_OUTSIDE} AND {{}}",
)  # fmt: skip

_FUNCTIONS = (
    f"""
CREATE FUNCTION payweir_alerts_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    mine integer := 0;
BEGIN
    -- A slot of one's own until COMMIT: writers never wait for each other's counts.
    WHILE NOT pg_try_advisory_xact_lock({_LOCK}, mine) LOOP mine := mine + 1; END LOOP;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO alert_counts AS c SELECT mine, rule_id, engine_state, shadow, count(*) FROM gained GROUP BY 2, 3, 4
        ON CONFLICT ON CONSTRAINT pk_alert_counts DO UPDATE SET alerts = c.alerts + excluded.alerts;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO alert_counts AS c SELECT mine, d.rule_id, d.engine_state, d.shadow, sum(d.n) FROM (
            SELECT rule_id, engine_state, shadow, 1 AS n FROM gained
            UNION ALL SELECT rule_id, engine_state, shadow, -1 FROM lost
        ) d GROUP BY 2, 3, 4 HAVING sum(d.n) <> 0
        ON CONFLICT ON CONSTRAINT pk_alert_counts DO UPDATE SET alerts = c.alerts + excluded.alerts;
    ELSE
        INSERT INTO alert_counts AS c SELECT mine, rule_id, engine_state, shadow, -count(*) FROM lost GROUP BY 2, 3, 4
        ON CONFLICT ON CONSTRAINT pk_alert_counts DO UPDATE SET alerts = c.alerts + excluded.alerts;
        RETURN NULL;
    END IF;{_SUBJECTS.format("gained", "true")};
    RETURN NULL;
END $$
""",
    f"""
CREATE FUNCTION payweir_evidence_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN{_COUNTERPARTIES.format("gained", "true")};
    RETURN NULL;
END $$
""",
    f"""
CREATE FUNCTION payweir_summarize() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    begins timestamptz;
BEGIN
    LOCK TABLE alerts, alert_evidence IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM alert_counts;
    INSERT INTO alert_counts SELECT 0, rule_id, engine_state, shadow, count(*) FROM alerts GROUP BY 2, 3, 4;
    -- Views look back thirty days from where the log stands; what lies before the bucket of that time is never asked for.
    SELECT coalesce(max(w.watermark), (SELECT max(l.last_hit) FROM alerts l)) - interval '30 days' INTO begins FROM watermarks w;
    begins := to_timestamp({_CELL.format("begins")} * 2678400::bigint);
    DELETE FROM recurrence;{_SUBJECTS.format("alerts", "a.last_hit >= begins")};
    {_COUNTERPARTIES.format("alert_evidence", "a.last_hit >= begins").lstrip()};
END $$
""",
)
_TRIGGERS = (
    """
CREATE TRIGGER alerts_inserted AFTER INSERT ON alerts REFERENCING NEW TABLE AS gained
FOR EACH STATEMENT EXECUTE FUNCTION payweir_alerts_changed()
""",
    """
CREATE TRIGGER alerts_updated AFTER UPDATE ON alerts REFERENCING NEW TABLE AS gained OLD TABLE AS lost
FOR EACH STATEMENT EXECUTE FUNCTION payweir_alerts_changed()
""",
    """
CREATE TRIGGER alerts_deleted AFTER DELETE ON alerts REFERENCING OLD TABLE AS lost
FOR EACH STATEMENT EXECUTE FUNCTION payweir_alerts_changed()
""",
    """
CREATE TRIGGER evidence_inserted AFTER INSERT ON alert_evidence REFERENCING NEW TABLE AS gained
FOR EACH STATEMENT EXECUTE FUNCTION payweir_evidence_added()
""",
)
_INDEXES = (
    "DROP INDEX ix_alerts_subject",
    "CREATE INDEX ix_alerts_subject ON alerts (subject, last_hit)",
    "DROP INDEX ix_alerts_first_stored_at",
    "CREATE INDEX ix_alerts_first_stored_at ON alerts (first_stored_at) INCLUDE (first_detected_at, first_event_at)",
    "DROP INDEX ix_alerts_status_at",
    (
        "CREATE INDEX ix_alerts_status_at ON alerts (status_at) INCLUDE (rule_id, shadow, status) "
        "WHERE status_at IS NOT NULL"
    ),
    (
        "CREATE INDEX ix_alerts_in_force ON alerts (last_hit) INCLUDE (rule_id, typology, hits) "
        "WHERE engine_state IN ('standing', 'provisional') AND NOT shadow"
    ),
    "CREATE INDEX ix_alerts_on_trial ON alerts (last_hit) WHERE shadow",
    "CREATE INDEX ix_alerts_held ON alerts (last_hit) WHERE engine_state = 'held'",
    "CREATE INDEX ix_alert_evidence_counterparty ON alert_evidence (counterparty, alert_id)",
)


def upgrade() -> None:
    """Make them and fill them; on five million alerts a few minutes, in which record workers wait."""
    for statement in (*_TABLES, *_FUNCTIONS, *_TRIGGERS, *_INDEXES, "SELECT payweir_summarize()"):
        op.execute(statement)


def downgrade() -> None:
    """Take them away, with the views on them."""
    for name, table in (
        ("alerts_inserted", "alerts"), ("alerts_updated", "alerts"), ("alerts_deleted", "alerts"),
        ("evidence_inserted", "alert_evidence"),
    ):  # fmt: skip
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for function in ("payweir_alerts_changed", "payweir_evidence_added", "payweir_summarize"):
        op.execute(f"DROP FUNCTION {function}()")
    for table in ("alert_counts", "recurrence"):
        op.execute(f"DROP TABLE {table} CASCADE")
    for index in ("alert_evidence_counterparty", "alerts_held", "alerts_on_trial", "alerts_in_force"):
        op.execute(f"DROP INDEX ix_{index}")
    for name, columns in (
        ("subject", "(subject)"),
        ("first_stored_at", "(first_stored_at)"),
        ("status_at", "(status_at) WHERE status_at IS NOT NULL"),
    ):
        op.execute(f"DROP INDEX ix_alerts_{name}")
        op.execute(f"CREATE INDEX ix_alerts_{name} ON alerts {columns}")
