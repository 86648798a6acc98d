"""The first schema: alerts, their evidence and history, tasks, counters, rulesets, refusals."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
CREATE TABLE alerts (
    alert_id TEXT NOT NULL,
    revision_epoch BIGINT NOT NULL,
    revision_offset BIGINT NOT NULL,
    revision_index BIGINT NOT NULL,
    engine_state TEXT NOT NULL,
    shadow BOOLEAN NOT NULL,
    rule_id TEXT NOT NULL,
    rule_version INTEGER NOT NULL,
    title TEXT NOT NULL,
    severity TEXT NOT NULL,
    typology TEXT NOT NULL,
    ruleset_digest TEXT NOT NULL,
    engine INTEGER NOT NULL,
    subject_kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    subject_masked TEXT NOT NULL,
    currency TEXT NOT NULL,
    bucket_start TIMESTAMPTZ NOT NULL,
    bucket_ms BIGINT NOT NULL,
    about TEXT NOT NULL,
    first_hit TIMESTAMPTZ NOT NULL,
    last_hit TIMESTAMPTZ NOT NULL,
    hits BIGINT NOT NULL,
    reason TEXT NOT NULL,
    reason_masked TEXT,
    amount_minor BIGINT,
    amount_currency TEXT,
    measured JSONB NOT NULL,
    evidence_count INTEGER NOT NULL,
    truncated BOOLEAN NOT NULL,
    approximate BOOLEAN NOT NULL,
    held_by TEXT NOT NULL,
    withdrawn_because TEXT NOT NULL,
    event_at TIMESTAMPTZ NOT NULL,
    detected_at TIMESTAMPTZ,
    first_stored_at TIMESTAMPTZ NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL,
    status TEXT DEFAULT 'open' NOT NULL,
    assigned_to TEXT,
    CONSTRAINT pk_alerts PRIMARY KEY (alert_id)
)
""",
    "CREATE INDEX ix_alerts_last_hit ON alerts (last_hit)",
    "CREATE INDEX ix_alerts_rule_id ON alerts (rule_id, engine_state)",
    "CREATE INDEX ix_alerts_subject ON alerts (subject)",
    """
CREATE TABLE alert_evidence (
    alert_id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    role TEXT NOT NULL,
    time TIMESTAMPTZ NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    counterparty TEXT NOT NULL,
    CONSTRAINT pk_alert_evidence PRIMARY KEY (alert_id, ordinal)
)
""",
    "CREATE INDEX ix_alert_evidence_event_id ON alert_evidence (event_id)",
    """
CREATE TABLE alert_amendments (
    alert_id TEXT NOT NULL,
    revision_epoch BIGINT NOT NULL,
    revision_offset BIGINT NOT NULL,
    revision_index BIGINT NOT NULL,
    engine_state TEXT NOT NULL,
    reason TEXT NOT NULL,
    reason_masked TEXT,
    hits BIGINT NOT NULL,
    measured JSONB NOT NULL,
    evidence_ids JSONB NOT NULL,
    held_by TEXT NOT NULL,
    withdrawn_because TEXT NOT NULL,
    ruleset_digest TEXT NOT NULL,
    event_at TIMESTAMPTZ NOT NULL,
    detected_at TIMESTAMPTZ,
    stored_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_alert_amendments PRIMARY KEY (alert_id, revision_epoch, revision_offset, revision_index)
)
""",
    """
CREATE TABLE tasks (
    task_id BIGSERIAL NOT NULL,
    kind TEXT NOT NULL,
    alert_id TEXT NOT NULL,
    detail TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    done_at TIMESTAMPTZ,
    CONSTRAINT pk_tasks PRIMARY KEY (task_id)
)
""",
    "CREATE INDEX ix_tasks_alert_id ON tasks (alert_id)",
    """
CREATE TABLE dead_letters (
    source_topic TEXT NOT NULL,
    source_partition INTEGER NOT NULL,
    source_offset BIGINT NOT NULL,
    refusal TEXT NOT NULL,
    field TEXT NOT NULL,
    detail TEXT NOT NULL,
    masked TEXT NOT NULL,
    bytes_total BIGINT NOT NULL,
    kafka_time TIMESTAMPTZ NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_dead_letters PRIMARY KEY (source_topic, source_partition, source_offset)
)
""",
    """
CREATE TABLE ingest_counters (
    source TEXT NOT NULL,
    activity_partition INTEGER NOT NULL,
    revision_epoch BIGINT NOT NULL,
    revision_offset BIGINT NOT NULL,
    revision_index BIGINT NOT NULL,
    accepted BIGINT NOT NULL,
    late BIGINT NOT NULL,
    duplicate BIGINT NOT NULL,
    conflict BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    refused_by JSONB NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_ingest_counters PRIMARY KEY (source, activity_partition)
)
""",
    """
CREATE TABLE rule_counters (
    rule_id TEXT NOT NULL,
    activity_partition INTEGER NOT NULL,
    revision_epoch BIGINT NOT NULL,
    revision_offset BIGINT NOT NULL,
    revision_index BIGINT NOT NULL,
    undecided BIGINT NOT NULL,
    undecided_by JSONB NOT NULL,
    errors BIGINT NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_rule_counters PRIMARY KEY (rule_id, activity_partition)
)
""",
    """
CREATE TABLE rulesets (
    digest TEXT NOT NULL,
    text TEXT NOT NULL,
    rule_ids JSONB NOT NULL,
    rule_count INTEGER NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_rulesets PRIMARY KEY (digest)
)
""",
    """
CREATE TABLE ruleset_partitions (
    digest TEXT NOT NULL,
    activity_partition INTEGER NOT NULL,
    from_time TIMESTAMPTZ NOT NULL,
    revision_epoch BIGINT NOT NULL,
    revision_offset BIGINT NOT NULL,
    revision_index BIGINT NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_ruleset_partitions PRIMARY KEY (digest, activity_partition, from_time)
)
""",
    """
CREATE TABLE store_errors (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    error TEXT NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_store_errors PRIMARY KEY (kind, key)
)
""",
)
_TABLES = (
    "alerts",
    "alert_evidence",
    "alert_amendments",
    "tasks",
    "dead_letters",
    "ingest_counters",
    "rule_counters",
    "rulesets",
    "ruleset_partitions",
    "store_errors",
)


def upgrade() -> None:
    """Make all tables."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drop all tables, with the views on them."""
    for table in reversed(_TABLES):
        op.execute(f"DROP TABLE {table} CASCADE")
