"""What people do with alerts and its history, legal holds, the audit log, watermarks, and the indexes of the views."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_STATEMENTS = (
    (
        "ALTER TABLE alerts ADD COLUMN first_event_at TIMESTAMPTZ, ADD COLUMN first_detected_at TIMESTAMPTZ, "
        "ADD COLUMN status_at TIMESTAMPTZ, ADD COLUMN work_revision INTEGER DEFAULT 0 NOT NULL"
    ),
    """
UPDATE alerts SET first_event_at = f.event_at, first_detected_at = f.detected_at
FROM (
    SELECT DISTINCT ON (alert_id) alert_id, event_at, detected_at FROM alert_amendments
    ORDER BY alert_id, stored_at, revision_epoch, revision_offset, revision_index
) f WHERE f.alert_id = alerts.alert_id
""",
    "UPDATE alerts SET status_at = stored_at WHERE status <> 'open'",
    "DROP INDEX ix_alerts_rule_id",
    "CREATE INDEX ix_alerts_rule_id ON alerts (rule_id, last_hit, engine_state, shadow)",
    "CREATE INDEX ix_alerts_first_stored_at ON alerts (first_stored_at)",
    (
        "CREATE INDEX ix_alerts_open ON alerts (severity, first_stored_at) "
        "WHERE status IN ('open', 'working') AND engine_state IN ('standing', 'provisional') AND NOT shadow"
    ),
    "CREATE INDEX ix_alerts_status_at ON alerts (status_at) WHERE status_at IS NOT NULL",
    "CREATE INDEX ix_dead_letters_stored_at ON dead_letters (stored_at)",
    """
CREATE TABLE alert_changes (
    alert_id TEXT NOT NULL,
    work_revision INTEGER NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    changed_by TEXT NOT NULL,
    status TEXT NOT NULL,
    assigned_to TEXT,
    note TEXT NOT NULL,
    note_masked TEXT NOT NULL,
    CONSTRAINT pk_alert_changes PRIMARY KEY (alert_id, work_revision)
)
""",
    """
CREATE TABLE legal_holds (
    hold_id BIGSERIAL NOT NULL,
    alert_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    reason_masked TEXT NOT NULL,
    placed_at TIMESTAMPTZ NOT NULL,
    placed_by TEXT NOT NULL,
    released_at TIMESTAMPTZ,
    released_by TEXT,
    CONSTRAINT pk_legal_holds PRIMARY KEY (hold_id)
)
""",
    "CREATE INDEX ix_legal_holds_alert_id ON legal_holds (alert_id)",
    """
CREATE TABLE audit_log (
    number BIGINT NOT NULL,
    written_at TIMESTAMPTZ NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    about TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    CONSTRAINT pk_audit_log PRIMARY KEY (number)
)
""",
    """
CREATE TABLE watermarks (
    activity_partition INTEGER NOT NULL,
    revision_epoch BIGINT NOT NULL,
    revision_offset BIGINT NOT NULL,
    revision_index BIGINT NOT NULL,
    watermark TIMESTAMPTZ,
    held_by TEXT NOT NULL,
    furthest TIMESTAMPTZ,
    stored_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_watermarks PRIMARY KEY (activity_partition)
)
""",
)
_TABLES = ("alert_changes", "legal_holds", "audit_log", "watermarks")
_COLUMNS = ("first_event_at", "first_detected_at", "status_at", "work_revision")


def upgrade() -> None:
    """Add them; alerts that are there get the times of the oldest revision known."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Take them away, with the views on them; what people wrote is lost."""
    for table in _TABLES:
        op.execute(f"DROP TABLE {table} CASCADE")
    op.execute("DROP INDEX ix_dead_letters_stored_at")
    for index in ("ix_alerts_status_at", "ix_alerts_open", "ix_alerts_first_stored_at", "ix_alerts_rule_id"):
        op.execute(f"DROP INDEX {index}")
    op.execute("CREATE INDEX ix_alerts_rule_id ON alerts (rule_id, engine_state)")
    for column in _COLUMNS:
        op.execute(f"ALTER TABLE alerts DROP COLUMN {column} CASCADE")
