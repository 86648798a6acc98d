"""The documented views: the only thing a dashboard may rely on. ``schemas/sql/README.md`` tells what each column means.

The contract has its own number, ``CONTRACT``: columns are only ever added, at the end, within one number. The views are
not part of the migrations: ``store upgrade`` lays them anew, so that they always are those of the program. A reader of
the views alone sees no account: subjects and counterparties are masked, texts too.
"""

# ruff: noqa: S608 - put together from constants of this package only

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from streams.money import EXPONENTS
from streams.store.masking import mask_sql

CONTRACT: Final = 1
"""Version of the views' contract; raised only when a column goes or changes its meaning."""


@dataclass(frozen=True)
class View:
    """One view; ``sql`` may hold ``{rule_ids}``, the one expression that the two databases write differently."""

    name: str
    sql: str


def _major(amount: str, currency: str) -> str:
    """Give the SQL for an amount in major units, for display; NULL for a code outside ISO 4217."""
    cases = []
    for places in sorted(set(EXPONENTS.values())):
        codes = ", ".join(f"'{code}'" for code, exponent in sorted(EXPONENTS.items()) if exponent == places)
        cases.append(f"WHEN {currency} IN ({codes}) THEN {10**places}.0")
    return f"round({amount} / CASE {' '.join(cases)} END, 4)"


_ALERT_COLUMNS: Final = f"""
    a.alert_id, a.rule_id, a.rule_version, a.title, a.severity, a.typology, a.engine_state, a.status, a.assigned_to,
    a.subject_kind, a.subject_masked, a.about,
    a.amount_minor, a.amount_currency, {_major("a.amount_minor", "a.amount_currency")} AS amount_major,
    a.first_hit, a.last_hit, a.hits, coalesce(a.reason_masked, a.reason) AS reason,
    a.evidence_count, a.truncated, a.approximate,
    a.event_at, a.detected_at, a.first_stored_at, a.stored_at, a.ruleset_digest"""

_RULE_NAMES: Final = """
    SELECT rule_id FROM alerts UNION SELECT rule_id FROM rule_counters UNION {rule_ids}"""

_RULE_IDS: Final = {
    "postgresql": "SELECT jsonb_array_elements_text(rule_ids) FROM rulesets",
    "sqlite": "SELECT value FROM rulesets, json_each(rulesets.rule_ids)",
}

_MASKED_TEXT: Final = "CASE WHEN length(a.subject) >= 8 THEN replace({0}, a.subject, a.subject_masked) ELSE {0} END"

VIEWS: Final = (
    View("v_contract", f"SELECT {CONTRACT} AS contract"),
    View(
        "v_alerts",
        f"SELECT {_ALERT_COLUMNS} FROM alerts a WHERE a.engine_state IN ('standing', 'provisional') AND NOT a.shadow",
    ),
    View(
        "v_alerts_all",
        f"""SELECT {_ALERT_COLUMNS}, a.shadow, {_MASKED_TEXT.format("a.held_by")} AS held_by,
    {_MASKED_TEXT.format("a.withdrawn_because")} AS withdrawn_because
FROM alerts a""",
    ),
    View(
        "v_alert_evidence",
        f"""SELECT e.alert_id, e.ordinal, e.event_id, e.role, e.time AS event_time, e.amount_minor, e.currency,
    {_major("e.amount_minor", "e.currency")} AS amount_major, {mask_sql("e.counterparty")} AS counterparty_masked
FROM alert_evidence e""",
    ),
    View(
        "v_alert_history",
        f"""SELECT h.alert_id, h.revision_epoch, h.revision_offset, h.revision_index, h.engine_state,
    coalesce(h.reason_masked, h.reason) AS reason, h.hits, {_MASKED_TEXT.format("h.held_by")} AS held_by,
    {_MASKED_TEXT.format("h.withdrawn_because")} AS withdrawn_because,
    h.ruleset_digest, h.event_at, h.detected_at, h.stored_at
FROM alert_amendments h JOIN alerts a ON a.alert_id = h.alert_id""",
    ),
    View(
        "v_ingest_reconciliation",
        """SELECT s.source, coalesce(c.accepted, 0) AS accepted, coalesce(c.late, 0) AS late,
    coalesce(c.duplicate, 0) AS duplicate, coalesce(c.conflict, 0) AS conflict, coalesce(c.refused, 0) AS refused,
    coalesce(f.found, 0) AS found, coalesce(c.stored_at, f.stored_at) AS stored_at,
    coalesce(f.found, 0) - coalesce(c.accepted + c.duplicate + c.refused, 0) AS missing,
    f.first_offset, f.revision_offset AS next_offset
FROM (SELECT source FROM ingest_counters UNION SELECT source FROM sources_found) s
LEFT JOIN sources_found f ON f.source = s.source
LEFT JOIN (
    SELECT source, revision_epoch, CAST(sum(accepted) AS bigint) AS accepted, CAST(sum(late) AS bigint) AS late,
        CAST(sum(duplicate) AS bigint) AS duplicate, CAST(sum(conflict) AS bigint) AS conflict,
        CAST(sum(refused) AS bigint) AS refused, max(stored_at) AS stored_at
    FROM ingest_counters GROUP BY source, revision_epoch
) c ON c.source = s.source AND c.revision_epoch = coalesce(
    f.revision_epoch, (SELECT max(i.revision_epoch) FROM ingest_counters i WHERE i.source = s.source)
)""",
    ),
    View(
        "v_dead_letters",
        """SELECT d.source_topic, d.source_partition, d.source_offset, d.refusal, d.field, d.detail, d.masked,
    d.bytes_total, d.kafka_time, d.stored_at
FROM dead_letters d""",
    ),
    View(
        "v_rules",
        f"""SELECT r.rule_id, coalesce(a.standing, 0) AS standing, coalesce(a.provisional, 0) AS provisional,
    coalesce(a.withdrawn, 0) AS withdrawn, coalesce(a.held, 0) AS held, coalesce(a.shadow, 0) AS shadow,
    coalesce(c.undecided, 0) AS undecided, coalesce(c.errors, 0) AS errors, a.last_hit
FROM ({_RULE_NAMES}) r
LEFT JOIN (
    SELECT rule_id,
        count(*) FILTER (WHERE engine_state = 'standing' AND NOT shadow) AS standing,
        count(*) FILTER (WHERE engine_state = 'provisional' AND NOT shadow) AS provisional,
        count(*) FILTER (WHERE engine_state = 'withdrawn' AND NOT shadow) AS withdrawn,
        count(*) FILTER (WHERE engine_state = 'held' AND NOT shadow) AS held,
        count(*) FILTER (WHERE engine_state <> 'withdrawn' AND shadow) AS shadow,
        max(last_hit) AS last_hit
    FROM alerts GROUP BY rule_id
) a ON a.rule_id = r.rule_id
LEFT JOIN (
    SELECT rule_id, CAST(sum(undecided) AS bigint) AS undecided, CAST(sum(errors) AS bigint) AS errors
    FROM rule_counters GROUP BY rule_id
) c ON c.rule_id = r.rule_id""",
    ),
    View(
        "v_rulesets",
        """SELECT p.digest, p.activity_partition, p.from_time, s.rule_count, p.stored_at
FROM ruleset_partitions p JOIN rulesets s ON s.digest = p.digest""",
    ),
    View(
        "v_tasks",
        f"""SELECT t.task_id, t.kind, t.alert_id, a.rule_id, a.status, a.assigned_to,
    {_MASKED_TEXT.format("t.detail")} AS detail, t.created_at, t.done_at
FROM tasks t JOIN alerts a ON a.alert_id = t.alert_id""",
    ),
    View("v_store_errors", "SELECT s.kind, s.key, s.error, s.stored_at FROM store_errors s"),
)
VIEW_NAMES: Final = tuple(view.name for view in VIEWS)


def create_views(connection: Connection) -> None:
    """Lay all views anew; on PostgreSQL in place, so that the rights given on them stay."""
    dialect = connection.dialect.name
    replacing = "CREATE OR REPLACE VIEW" if dialect == "postgresql" else "CREATE VIEW"
    for view in VIEWS:
        if dialect == "sqlite":
            connection.exec_driver_sql(f"DROP VIEW IF EXISTS {view.name}")
        body = view.sql.replace("{rule_ids}", _RULE_IDS[dialect])
        connection.exec_driver_sql(f"{replacing} {view.name} AS {body}")


def drop_views(connection: Connection) -> None:
    """Take all views away: for a migration that changes a column they show."""
    for view in reversed(VIEWS):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {view.name}")
