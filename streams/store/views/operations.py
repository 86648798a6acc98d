"""Views for those who run Payweir: what came in and what became of it, who holds the watermark, how long it takes."""

# ruff: noqa: S608 - put together from constants of this package only

from collections.abc import Callable
from typing import Final

from streams.store.views.words import Words

_PERIODS: Final = (("1 hour", 1), ("24 hours", 24), ("7 days", 168))
_MEASURES: Final = (("first_detected_at", "first_event_at"), ("first_stored_at", "first_detected_at"),
                    ("first_stored_at", "first_event_at"))  # fmt: skip
_NAMES: Final = ("event_to_detected_ms", "detected_to_stored_ms", "event_to_stored_ms")
_PERCENTILES: Final = (("p50", "0.5"), ("p95", "0.95"), ("p99", "0.99"))


def _reconciliation(_: Words) -> str:
    return """SELECT s.source, coalesce(c.accepted, 0) AS accepted, coalesce(c.late, 0) AS late,
    coalesce(c.duplicate, 0) AS duplicate, coalesce(c.conflict, 0) AS conflict, coalesce(c.refused, 0) AS refused,
    coalesce(f.found, 0) AS found, coalesce(c.stored_at, f.stored_at) AS stored_at,
    coalesce(f.found, 0) - coalesce(c.accepted + c.duplicate + c.refused, 0) AS missing,
    f.first_offset, f.revision_offset AS next_offset, coalesce(f.lost, 0) AS lost
FROM (SELECT source FROM ingest_counters UNION SELECT source FROM sources_found) s
LEFT JOIN sources_found f ON f.source = s.source
LEFT JOIN (
    SELECT source, revision_epoch, CAST(sum(accepted) AS bigint) AS accepted, CAST(sum(late) AS bigint) AS late,
        CAST(sum(duplicate) AS bigint) AS duplicate, CAST(sum(conflict) AS bigint) AS conflict,
        CAST(sum(refused) AS bigint) AS refused, max(stored_at) AS stored_at
    FROM ingest_counters GROUP BY source, revision_epoch
) c ON c.source = s.source AND c.revision_epoch = coalesce(
    f.revision_epoch, (SELECT max(i.revision_epoch) FROM ingest_counters i WHERE i.source = s.source)
)"""


def _not_evaluated(words: Words) -> str:
    current = """c.revision_epoch = coalesce((SELECT f.revision_epoch FROM sources_found f WHERE f.source = c.source),
        (SELECT max(i.revision_epoch) FROM ingest_counters i WHERE i.source = c.source))"""
    return f"""SELECT n.what, n.source, n.rule_id, n.reason, CAST(sum(n.events) AS bigint) AS events,
    max(n.stored_at) AS stored_at
FROM (
    SELECT 'refused' AS what, c.source, CAST(NULL AS text) AS rule_id, r.key AS reason,
        CAST(r.value AS bigint) AS events, c.stored_at
    FROM ingest_counters c, {words.pairs("c.refused_by", "r")} WHERE {current}
    UNION ALL
    SELECT 'late', c.source, NULL, 'older than lateness allows', c.late, c.stored_at
    FROM ingest_counters c WHERE c.late > 0 AND {current}
    UNION ALL
    SELECT 'undecided', NULL, c.rule_id, r.key, CAST(r.value AS bigint), c.stored_at
    FROM rule_counters c, {words.pairs("c.undecided_by", "r")}
    UNION ALL
    SELECT 'error', NULL, c.rule_id, 'error inside the rule', c.errors, c.stored_at FROM rule_counters c
) n WHERE n.events > 0 GROUP BY n.what, n.source, n.rule_id, n.reason"""


def _dead_letters(_: Words) -> str:
    return """SELECT d.source_topic, d.source_partition, d.source_offset, d.refusal, d.field, d.detail, d.masked,
    d.bytes_total, d.kafka_time, d.stored_at, r.retried_at, r.retried_offset, r.mended
FROM dead_letters d LEFT JOIN dead_letter_retries r ON r.source_topic = d.source_topic
    AND r.source_partition = d.source_partition AND r.source_offset = d.source_offset"""


def _watermarks(words: Words) -> str:
    return f"""SELECT w.activity_partition, w.watermark, w.held_by, w.furthest,
    {words.millis("w.furthest", "w.watermark")} AS behind_ms, w.stored_at
FROM watermarks w"""


def _alert_latency(words: Words) -> str:
    measures = ",\n    ".join(
        f"{words.millis(f'a.{later}', f'a.{earlier}')} AS {name}"
        for name, (later, earlier) in zip(_NAMES, _MEASURES, strict=True)
    )
    return f"""SELECT a.alert_id, a.rule_id, a.severity, a.first_event_at, a.first_detected_at, a.first_stored_at,
    {measures}
FROM alerts a"""


def _latency(words: Words) -> str:
    """Take the nearest rank: the smallest value that so many of a hundred do not exceed."""
    return "\nUNION ALL\n".join(
        _percentiles(words, period, f"a.first_stored_at >= {words.before(words.now, hours, 'hours')}")
        for period, hours in _PERIODS
    )


def _percentiles(words: Words, period: str, stored: str) -> str:
    """Give one row of ``v_latency``. PostgreSQL has the word; it sorts lengths of time and rounds only what it shows."""
    source = f"alerts a WHERE {stored} AND a.first_detected_at IS NOT NULL"
    if words.postgresql:
        shown = ",\n    ".join(
            f"""CAST(round(extract(epoch FROM percentile_disc({share}) WITHIN GROUP (ORDER BY a.{later} - a.{earlier})) * 1000)
        AS bigint) AS {name.removesuffix("_ms")}_{p}_ms"""
            for name, (later, earlier) in zip(_NAMES, _MEASURES, strict=True)
            for p, share in _PERCENTILES
        )
        return f"SELECT '{period}' AS period, count(*) AS alerts,\n    {shown}\nFROM {source}"
    values = ", ".join(
        f"{words.millis(f'a.{later}', f'a.{earlier}')} AS {name}"
        for name, (later, earlier) in zip(_NAMES, _MEASURES, strict=True)
    )
    ranks = ", ".join(f"row_number() OVER (ORDER BY m.{name}) AS {name}_rank" for name in _NAMES)
    shown = ",\n    ".join(
        f"min(CASE WHEN r.{name}_rank >= {share} * r.alerts THEN r.{name} END) AS {name.removesuffix('_ms')}_{p}_ms"
        for name in _NAMES
        for p, share in _PERCENTILES
    )
    return f"""SELECT '{period}' AS period, count(*) AS alerts,
    {shown}
FROM (
    SELECT m.*, {ranks}, count(*) OVER () AS alerts
    FROM (SELECT {values} FROM {source}) m
) r"""


def _store_errors(_: Words) -> str:
    return "SELECT s.kind, s.key, s.error, s.stored_at FROM store_errors s"


VIEWS: Final[dict[str, Callable[[Words], str]]] = {
    "v_ingest_reconciliation": _reconciliation,
    "v_not_evaluated": _not_evaluated,
    "v_dead_letters": _dead_letters,
    "v_watermarks": _watermarks,
    "v_alert_latency": _alert_latency,
    "v_latency": _latency,
    "v_store_errors": _store_errors,
}
