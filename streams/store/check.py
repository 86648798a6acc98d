"""``store check``: does what is stored hang together? Every finding says what it means and what to do."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, inspect, text

from streams.errors import StoreOutdated
from streams.store.engine import connect_engine, parse_url, reading, require_file
from streams.store.migrate import version_of
from streams.store.schema import HEAD
from streams.store.views import CONTRACT, VIEW_NAMES


class FindingKind(StrEnum):
    """What can be wrong with a store."""

    SCHEMA = "schema"
    VIEWS = "views"
    COUNTS = "counts-do-not-add-up"
    SUMMARIES = "alerts-counted-wrongly"
    MISSING = "records-not-accounted-for"
    LOST = "records-gone-before-they-were-read"
    DEAD_LETTERS = "dead-letters-incomplete"
    NO_EVIDENCE = "alert-without-evidence"
    ORPHANS = "evidence-without-alert"
    NO_HISTORY = "alert-without-history"
    REFUSED = "rows-refused"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong; ``kind`` for machines, ``text`` for people."""

    kind: FindingKind
    text: str


@dataclass(frozen=True)
class _Question:
    """A query for what should not be there; ``message`` takes the number of rows and the first of them."""

    kind: FindingKind
    sql: str
    message: str
    postgresql_only: bool = False
    """It asks about what triggers keep there."""


_QUESTIONS: Final = (
    _Question(
        FindingKind.COUNTS,
        """SELECT source || ' in partition ' || activity_partition FROM ingest_counters
        WHERE late > accepted OR conflict > duplicate
        OR accepted < 0 OR late < 0 OR duplicate < 0 OR conflict < 0 OR refused < 0""",
        "{0} counters of what came in do not add up ({1}); events were counted wrongly, please report it",
    ),
    _Question(
        FindingKind.SUMMARIES,
        """SELECT rule_id || ': ' || coalesce(c.alerts, 0) || ' alerts counted, ' || coalesce(a.alerts, 0) || ' there' FROM (
            SELECT n.rule_id, n.engine_state, n.shadow, sum(n.alerts) AS alerts FROM alert_counts n GROUP BY 1, 2, 3
        ) c FULL JOIN (
            SELECT n.rule_id, n.engine_state, n.shadow, count(*) AS alerts FROM alerts n GROUP BY 1, 2, 3
        ) a USING (rule_id, engine_state, shadow) WHERE coalesce(c.alerts, 0) <> coalesce(a.alerts, 0)""",
        "alerts are counted wrongly for {0} rules and states ({1}): somebody switched triggers off; set it right with: "
        "SELECT payweir_summarize()",
        postgresql_only=True,
    ),
    _Question(
        FindingKind.MISSING,
        """SELECT source || ': ' || found || ' found, ' || (found - missing) || ' accounted for'
        FROM v_ingest_reconciliation WHERE missing <> 0 ORDER BY source""",
        "records found and records accounted for differ for {0} sources ({1}); usual while records are on their way, "
        "not afterwards: then something was lost between intake and detection, please report it",
    ),
    _Question(
        FindingKind.LOST,
        "SELECT source || ': ' || lost || ' offsets' FROM v_ingest_reconciliation WHERE lost > 0 ORDER BY source",
        "{0} sources had records that Kafka deleted before intake read them ({1}); feed them again from their origin, what is "
        "known already changes nothing, and raise the retention of the source topics",
    ),
    _Question(
        FindingKind.DEAD_LETTERS,
        """SELECT source || ': ' || refused || ' refused, ' || letters || ' dead letters' FROM (
            SELECT c.source, sum(c.refused) AS refused, (
                SELECT count(*) FROM dead_letters d
                WHERE d.source_topic || '/' || d.source_partition = c.source OR d.source_topic = c.source
            ) AS letters FROM ingest_counters c GROUP BY c.source
        ) counted WHERE refused <> letters""",
        "refusals and dead letters differ for {0} sources ({1}); usual while records are on their way, not afterwards",
    ),
    _Question(
        FindingKind.NO_EVIDENCE,
        """SELECT alert_id FROM alerts a
        WHERE evidence_count <> (SELECT count(*) FROM alert_evidence e WHERE e.alert_id = a.alert_id)
        OR (evidence_count = 0 AND engine_state <> 'withdrawn' AND typology <> 'data-quality')""",
        "{0} alerts lack evidence ({1}); replay the log of their partition",
    ),
    _Question(
        FindingKind.ORPHANS,
        """SELECT DISTINCT alert_id FROM alert_evidence e
        WHERE NOT EXISTS (SELECT 1 FROM alerts a WHERE a.alert_id = e.alert_id)""",
        "there is evidence of {0} alerts that are not there ({1}); rows of alerts were deleted by hand",
    ),
    _Question(
        FindingKind.NO_HISTORY,
        """SELECT alert_id FROM alerts a WHERE NOT EXISTS (
            SELECT 1 FROM alert_amendments h WHERE h.alert_id = a.alert_id
            AND h.revision_epoch = a.revision_epoch AND h.revision_offset = a.revision_offset
            AND h.revision_index = a.revision_index
        )""",
        "{0} alerts are not in their own history ({1}); rows of the history were deleted by hand",
    ),
    _Question(
        FindingKind.REFUSED,
        "SELECT key || ': ' || error FROM store_errors ORDER BY stored_at",
        "the database refused {0} rows ({1}); see v_store_errors, mend the cause, replay, and delete the rows",
    ),
)
_SHOWN: Final = 3


def check_store(url: str) -> list[Finding]:
    """Look for anything wrong in a store, without changing it; empty when all is well.

    Raises ``UsageError`` and ``StoreUnreachable``; a schema that is not ours is a finding, and the only one.
    """
    parsed = parse_url(url)
    require_file(parsed)
    engine = connect_engine(parsed)
    try:
        with reading(engine) as connection:
            return _schema(connection) or _views(connection) or _rows(connection)
    except StoreOutdated as error:
        return [Finding(FindingKind.SCHEMA, str(error))]
    finally:
        engine.dispose()


def _schema(connection: Connection) -> list[Finding]:
    found = version_of(connection)
    if found == HEAD:
        return []
    what = "there is no schema of Payweir" if found is None else f"the schema has version {found}"
    return [Finding(FindingKind.SCHEMA, f"{what}, needed is {HEAD}; run: payweir store upgrade")]


def _views(connection: Connection) -> list[Finding]:
    missing = sorted(set(VIEW_NAMES) - set(inspect(connection).get_view_names()))
    if missing:
        message = f"views are missing: {', '.join(missing)}; run: payweir store upgrade"
        return [Finding(FindingKind.VIEWS, message)]
    found = connection.execute(text("SELECT contract FROM v_contract")).scalar()
    if found == CONTRACT:
        return []
    message = f"the views follow contract {found}, not {CONTRACT}; run: payweir store upgrade"
    return [Finding(FindingKind.VIEWS, message)]


def _rows(connection: Connection) -> list[Finding]:
    findings = []
    for question in _QUESTIONS:
        if question.postgresql_only and connection.dialect.name != "postgresql":
            continue
        rows = [str(row) for row in connection.execute(text(question.sql)).scalars()]
        if rows:
            shown = ", ".join(rows[:_SHOWN]) + (", ..." if len(rows) > _SHOWN else "")
            findings.append(Finding(question.kind, question.message.format(len(rows), shown)))
    return findings
