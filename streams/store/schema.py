"""The tables, once, for PostgreSQL and SQLite.

Two kinds of columns live side by side and never have the same writer: what the engine says (written by
``streams.store.writer``, newest position wins) and what people say (``status``, ``assigned_to``, ``done_at``; written
by ``streams.store.casework`` and the console). There are no foreign keys between tables of the engine: parts of an alert are
replaced in one transaction, a check per row would double the cost of evidence, and ``store check`` looks for orphans.
"""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Computed, Index, Integer, MetaData, Table, Text, text

from streams.store.columns import Document, Moment, Serial, revision_columns

HEAD: Final = "0007"
"""The newest migration; the schema this program needs."""

metadata: Final = MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "ix": "ix_%(table_name)s_%(column_0_name)s"},
)

_TO_DO: Final = "status IN ('open', 'working') AND engine_state IN ('standing', 'provisional') AND NOT shadow"
_WORKED: Final = "status_at IS NOT NULL"
_IN_FORCE: Final = "engine_state IN ('standing', 'provisional') AND NOT shadow"
_HELD: Final = "engine_state = 'held'"
"""Conditions of partial indexes; the views use the same words, so that the planner sees that they fit."""

alerts: Final = Table(
    "alerts",
    metadata,
    Column("alert_id", Text, primary_key=True),
    *revision_columns(),
    Column("engine_state", Text, nullable=False),
    Column("shadow", Boolean, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("typology", Text, nullable=False),
    Column("ruleset_digest", Text, nullable=False),
    Column("engine", Integer, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("subject_masked", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("bucket_start", Moment, nullable=False),
    Column("bucket_ms", BigInteger, nullable=False),
    Column("about", Text, nullable=False),
    Column("first_hit", Moment, nullable=False),
    Column("last_hit", Moment, nullable=False),
    Column("hits", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("reason_masked", Text),
    Column("amount_minor", BigInteger),
    Column("amount_currency", Text),
    Column("measured", Document, nullable=False),
    Column("evidence_count", Integer, nullable=False),
    Column("truncated", Boolean, nullable=False),
    Column("approximate", Boolean, nullable=False),
    Column("held_by", Text, nullable=False),
    Column("withdrawn_because", Text, nullable=False),
    Column("event_at", Moment, nullable=False),
    Column("detected_at", Moment),
    Column("first_stored_at", Moment, nullable=False),
    Column("stored_at", Moment, nullable=False),
    Column("status", Text, nullable=False, server_default="open"),
    Column("assigned_to", Text),
    Column("first_event_at", Moment),
    Column("first_detected_at", Moment),
    Column("status_at", Moment),
    Column("work_revision", Integer, nullable=False, server_default="0"),
    Index(None, "last_hit"),
    Index(None, "rule_id", "last_hit", "engine_state", "shadow"),
    Index(
        "ix_alerts_in_force",
        "last_hit",
        postgresql_include=["rule_id", "typology", "hits"],
        postgresql_where=text(_IN_FORCE),
        sqlite_where=text(_IN_FORCE),
    ),
    Index("ix_alerts_on_trial", "last_hit", postgresql_where=text("shadow"), sqlite_where=text("shadow")),
    Index("ix_alerts_held", "last_hit", postgresql_where=text(_HELD), sqlite_where=text(_HELD)),
    Index(None, "subject", "last_hit"),
    Index(None, "first_stored_at", postgresql_include=["first_detected_at", "first_event_at"]),
    Index("ix_alerts_open", "rule_id", "first_hit", postgresql_where=text(_TO_DO), sqlite_where=text(_TO_DO)),
    Index(
        None,
        "status_at",
        postgresql_include=["rule_id", "shadow", "status"],
        postgresql_where=text(_WORKED),
        sqlite_where=text(_WORKED),
    ),
)
"""``first_event_at`` and ``first_detected_at`` are those of the first revision the store saw; a later one does not move them."""

alert_evidence: Final = Table(
    "alert_evidence",
    metadata,
    Column("alert_id", Text, primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("event_id", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("time", Moment, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("counterparty", Text, nullable=False),
    Index(None, "event_id"),
    Index(None, "counterparty", "alert_id"),
)

alert_amendments: Final = Table(
    "alert_amendments",
    metadata,
    Column("alert_id", Text, primary_key=True),
    *revision_columns(key=True),
    Column("engine_state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("reason_masked", Text),
    Column("hits", BigInteger, nullable=False),
    Column("measured", Document, nullable=False),
    Column("evidence_ids", Document, nullable=False),
    Column("held_by", Text, nullable=False),
    Column("withdrawn_because", Text, nullable=False),
    Column("ruleset_digest", Text, nullable=False),
    Column("event_at", Moment, nullable=False),
    Column("detected_at", Moment),
    Column("stored_at", Moment, nullable=False),
)

tasks: Final = Table(
    "tasks",
    metadata,
    Column("task_id", Serial, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("alert_id", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("done_at", Moment),
    Index(None, "alert_id"),
)

alert_changes: Final = Table(
    "alert_changes",
    metadata,
    Column("alert_id", Text, primary_key=True),
    Column("work_revision", Integer, primary_key=True, autoincrement=False),
    Column("changed_at", Moment, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("assigned_to", Text),
    Column("note", Text, nullable=False),
    Column("note_masked", Text, nullable=False),
)
"""What people said of an alert: the state after each change, and a note if they left one."""

legal_holds: Final = Table(
    "legal_holds",
    metadata,
    Column("hold_id", Serial, primary_key=True),
    Column("alert_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("reason_masked", Text, nullable=False),
    Column("placed_at", Moment, nullable=False),
    Column("placed_by", Text, nullable=False),
    Column("released_at", Moment),
    Column("released_by", Text),
    Index(None, "alert_id"),
)

audit_log: Final = Table(
    "audit_log",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("written_at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
"""Append-only; see ``streams.store.audit``."""

dead_letters: Final = Table(
    "dead_letters",
    metadata,
    Column("source_topic", Text, primary_key=True),
    Column("source_partition", Integer, primary_key=True, autoincrement=False),
    Column("source_offset", BigInteger, primary_key=True, autoincrement=False),
    Column("refusal", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("masked", Text, nullable=False),
    Column("bytes_total", BigInteger, nullable=False),
    Column("kafka_time", Moment, nullable=False),
    Column("stored_at", Moment, nullable=False),
    Index(None, "stored_at"),
)

dead_letter_retries: Final = Table(
    "dead_letter_retries",
    metadata,
    Column("source_topic", Text, primary_key=True),
    Column("source_partition", Integer, primary_key=True, autoincrement=False),
    Column("source_offset", BigInteger, primary_key=True, autoincrement=False),
    Column("retried_offset", BigInteger, nullable=False),
    Column("retried_at", Moment, nullable=False),
    Column("mended", Boolean, nullable=False),
    Column("stored_at", Moment, nullable=False),
)
"""Beside ``dead_letters`` and not in it: the word of the retry may come before the letter itself."""

ingest_counters: Final = Table(
    "ingest_counters",
    metadata,
    Column("source", Text, primary_key=True),
    Column("activity_partition", Integer, primary_key=True, autoincrement=False),
    *revision_columns(),
    Column("accepted", BigInteger, nullable=False),
    Column("late", BigInteger, nullable=False),
    Column("duplicate", BigInteger, nullable=False),
    Column("conflict", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("refused_by", Document, nullable=False),
    Column("stored_at", Moment, nullable=False),
)

sources_found: Final = Table(
    "sources_found",
    metadata,
    Column("source", Text, primary_key=True),
    *revision_columns(),
    Column("first_offset", BigInteger, nullable=False),
    Column("found", BigInteger, nullable=False),
    Column("lost", BigInteger, nullable=False),
    Column("stored_at", Moment, nullable=False),
)

rule_counters: Final = Table(
    "rule_counters",
    metadata,
    Column("rule_id", Text, primary_key=True),
    Column("activity_partition", Integer, primary_key=True, autoincrement=False),
    *revision_columns(),
    Column("undecided", BigInteger, nullable=False),
    Column("undecided_by", Document, nullable=False),
    Column("errors", BigInteger, nullable=False),
    Column("stored_at", Moment, nullable=False),
)

watermarks: Final = Table(
    "watermarks",
    metadata,
    Column("activity_partition", Integer, primary_key=True, autoincrement=False),
    *revision_columns(),
    Column("watermark", Moment),
    Column("held_by", Text, nullable=False),
    Column("furthest", Moment),
    Column("stored_at", Moment, nullable=False),
)

rulesets: Final = Table(
    "rulesets",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("rule_ids", Document, nullable=False),
    Column("rule_count", Integer, nullable=False),
    Column("storms", Document, nullable=False, server_default="{}"),
    Column("stored_at", Moment, nullable=False),
)

ruleset_partitions: Final = Table(
    "ruleset_partitions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("activity_partition", Integer, primary_key=True, autoincrement=False),
    Column("from_time", Moment, primary_key=True),
    *revision_columns(),
    Column("shadow_until", Moment),
    Column("approved_by", Text, nullable=False),
    Column("emergency", Text, nullable=False),
    Column("stored_at", Moment, nullable=False),
)

store_errors: Final = Table(
    "store_errors",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("error", Text, nullable=False),
    Column("stored_at", Moment, nullable=False),
)

alert_counts: Final = Table(
    "alert_counts",
    metadata,
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("rule_id", Text, primary_key=True),
    Column("engine_state", Text, primary_key=True),
    Column("shadow", Boolean, primary_key=True),
    Column("alerts", BigInteger, nullable=False),
)
"""How many alerts there are, over all slots; a writer adds to one of its own, below 0 too. Kept by triggers (migration 0005)."""

recurrence: Final = Table(
    "recurrence",
    metadata,
    Column("bucket", Integer, primary_key=True, autoincrement=False),
    Column("what", Text, primary_key=True),
    Column("token", Text, primary_key=True),
    Column("least", Text, nullable=False),
    Column("greatest", Text, nullable=False),
    Column("several", Boolean, Computed("least <> greatest", persisted=True)),
    Index(None, "bucket", "what", postgresql_where=text("several")),
)
"""Who had something to do with more than one: of a subject (``what`` is its kind) the least and the greatest alert, of a
counterparty the least and the greatest subject, among alerts in force with hits in 62 days from 31 times ``bucket`` on. What was
taken back since stays noted, so a view looks here for whom to count, and counts in the alerts. Kept by triggers too."""

ONLY_POSTGRESQL: Final = (alert_counts, recurrence)
"""SQLite, which holds what one run found, counts when it is asked."""
