"""The one writer of what the engine says: outcomes go into SQL, at least once, in any order, with one result.

Called by the record agent (from a thread: every call blocks) and by the embedded run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    bindparam,
    insert,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from streams.alerts.model import (
    Alert,
    DeadLetter,
    DeadLetterRetried,
    IngestCount,
    Outcome,
    RuleCount,
    RulesetInForce,
    SourceFound,
    Watermark,
)
from streams.store import migrate, rows, schema
from streams.store.engine import RowRefusedError, connect_engine, parse_url, reading, require_file, writing
from streams.store.rows import Row, Texts
from streams.store.upsert import NOW, Upsert

TASK_WITHDRAWN: Final = "alert withdrawn"
"""Kind of the task raised when the engine takes back an alert that somebody works on."""

_ALERTS: Final = Upsert(schema.alerts)
_EVIDENCE: Final = Upsert(schema.alert_evidence)
_AMENDMENTS: Final = Upsert(schema.alert_amendments)
_DEAD_LETTERS: Final = Upsert(schema.dead_letters)
_RETRIES: Final = Upsert(schema.dead_letter_retries)
_INGEST: Final = Upsert(schema.ingest_counters)
_FOUND: Final = Upsert(schema.sources_found)
_RULES: Final = Upsert(schema.rule_counters)
_WATERMARKS: Final = Upsert(schema.watermarks)
_RULESETS: Final = Upsert(schema.rulesets)
_RULESET_PARTITIONS: Final = Upsert(schema.ruleset_partitions)
_KEY_MAX: Final = 300


@dataclass(frozen=True)
class WriteResult:
    """What became of a batch: found = written + known + refused.

    ``written`` are the outcomes that stand in SQL because of this call; ``known`` were there already, or a newer one
    was, in SQL or in the batch (an alert's revision is kept as history all the same).
    """

    found: int = 0
    written: int = 0
    known: int = 0
    refused: int = 0
    refused_keys: tuple[str, ...] = ()
    """Keys of what the database refuses; the table ``store_errors`` says why."""

    def plus(self, other: "WriteResult") -> "WriteResult":
        """Add the results of two parts of a batch."""
        return WriteResult(
            self.found + other.found,
            self.written + other.written,
            self.known + other.known,
            self.refused + other.refused,
            self.refused_keys + other.refused_keys,
        )


@dataclass
class _Batch:
    """The rows of a batch, at most one per key and table."""

    newest: dict[str, tuple[Alert, Texts]] = field(default_factory=dict)
    rows: dict[Upsert, dict[Row, Row]] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Turn one outcome into rows; raises what the conversion raises."""
        match outcome:
            case Alert():
                texts = rows.texts_of(outcome)
                self._keep(_AMENDMENTS, rows.amendment_row(outcome, texts))
                known = self.newest.get(outcome.alert_id)
                if known is None or known[0].revision < outcome.revision:
                    self.newest[outcome.alert_id] = (outcome, texts)
            case DeadLetter():
                self._keep(_DEAD_LETTERS, rows.dead_letter_row(outcome))
            case DeadLetterRetried():
                self._keep(_RETRIES, rows.dead_letter_retry_row(outcome))
            case IngestCount():
                self._keep_newer(_INGEST, rows.ingest_row(outcome))
            case SourceFound():
                self._keep_newer(_FOUND, rows.found_row(outcome))
            case RuleCount():
                self._keep_newer(_RULES, rows.rule_row(outcome))
            case Watermark():
                self._keep_newer(_WATERMARKS, rows.watermark_row(outcome))
            case RulesetInForce():
                self._keep(_RULESETS, rows.ruleset_row(outcome))
                self._keep_newer(_RULESET_PARTITIONS, rows.ruleset_partition_row(outcome))

    def _keep(self, upsert: Upsert, row: Row) -> None:
        self.rows.setdefault(upsert, {}).setdefault(upsert.key_of(row), row)

    def _keep_newer(self, upsert: Upsert, row: Row) -> None:
        kept = self.rows.setdefault(upsert, {})
        known = kept.get(upsert.key_of(row))
        if known is None or upsert.revision_of(known) < upsert.revision_of(row):
            kept[upsert.key_of(row)] = row


class Store:
    """An open SQL store whose schema is the one this program needs; made by ``open_store``.

    Every method blocks, may be called from any thread and may raise ``StoreUnreachable`` or ``StoreOutdated``.
    """

    def __init__(self, engine: Engine) -> None:
        """Take an engine whose schema was checked."""
        self.engine: Final = engine

    @property
    def url(self) -> URL:
        """Where the store is; shown with its password hidden."""
        return self.engine.url

    def ask(self) -> None:
        """Ask something small, to see whether the store answers."""
        with reading(self.engine) as connection:
            connection.execute(select(literal(1)))

    def write(self, outcomes: Sequence[Outcome]) -> WriteResult:
        """Write a batch in one transaction; the same batch again, in whole or part, changes nothing.

        ``StoreUnreachable`` means that nothing is known, not even whether the batch was committed: call again with the
        same batch. A row the database refuses does not stop the others: the batch is cut in halves until the row stands
        alone, and its key and the error go to ``store_errors`` (then the batch takes several transactions).
        """
        try:
            return self._write_all(outcomes)
        except RowRefusedError as error:
            if len(outcomes) > 1:
                middle = len(outcomes) // 2
                return self.write(outcomes[:middle]).plus(self.write(outcomes[middle:]))
            return self._refuse(outcomes[0], str(error))

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        """Use as ``with open_store(url) as store``."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _write_all(self, outcomes: Sequence[Outcome]) -> WriteResult:
        """Write all or nothing."""
        written = 0
        with writing(self.engine) as connection:
            batch = _Batch()
            for outcome in outcomes:
                batch.add(rows.readable(outcome))
            written += _write_alerts(connection, batch.newest)
            for upsert, kept in batch.rows.items():
                changed = len(upsert.put(connection, kept.values()))
                written += changed if upsert.table.name in _COUNTED else 0
        return WriteResult(len(outcomes), written, len(outcomes) - written)

    def _refuse(self, outcome: Outcome, reason: str) -> WriteResult:
        """Note a row that the database does not take."""
        key = rows.key_of(outcome).replace("\0", "?").encode(errors="replace").decode()[:_KEY_MAX]
        row = {"kind": str(outcome.__struct_config__.tag), "key": key, "error": reason}
        with writing(self.engine) as connection:
            upserting = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            given = upserting(schema.store_errors).values(**row, stored_at=literal_column(NOW[connection.dialect.name]))
            replaced = {"error": given.excluded.error, "stored_at": given.excluded.stored_at}
            connection.execute(given.on_conflict_do_update(index_elements=["kind", "key"], set_=replaced))
        return WriteResult(1, 0, 0, 1, (key,))


_COUNTED: Final = {
    upsert.table.name for upsert in (_ALERTS, _DEAD_LETTERS, _INGEST, _FOUND, _RULES, _WATERMARKS, _RULESET_PARTITIONS)
}
"""One table for each type of outcome: its changed rows are the outcomes written."""


def _write_alerts(connection: Connection, newest: dict[str, tuple[Alert, Texts]]) -> int:
    """Put the alerts and, for those that changed, the evidence; give their number."""
    changed = _ALERTS.put(connection, [rows.alert_row(alert, texts) for alert, texts in newest.values()])
    winners = [newest[str(alert_id)][0] for (alert_id,) in changed]
    _delete_evidence(connection, [str(alert_id) for (alert_id,) in changed])
    _EVIDENCE.append(connection, (row for alert in winners for row in rows.evidence_rows(alert)))
    _raise_tasks(connection, [alert.alert_id for alert in winners if rows.is_withdrawn(alert)])
    return len(changed)


def _delete_evidence(connection: Connection, ids: Sequence[str]) -> None:
    """Make room for the new evidence of these alerts."""
    if not ids:
        return
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("DELETE FROM alert_evidence WHERE alert_id = ANY(%s)", (list(ids),))
    else:
        statement = "DELETE FROM alert_evidence WHERE alert_id = ?"
        connection.exec_driver_sql(statement, [(alert_id,) for alert_id in ids])


def _raise_tasks(connection: Connection, withdrawn: Sequence[str]) -> None:
    """Tell people that an alert they work on was taken back; one task per alert until it is done."""
    if not withdrawn:
        return
    alerts, tasks = schema.alerts, schema.tasks
    known = select(tasks.c.task_id).where(
        tasks.c.alert_id == alerts.c.alert_id, tasks.c.kind == TASK_WITHDRAWN, tasks.c.done_at.is_(None)
    )
    now: ColumnElement[int] = literal_column(NOW[connection.dialect.name])
    worked_on = select(literal(TASK_WITHDRAWN), alerts.c.alert_id, alerts.c.withdrawn_because, now).where(
        alerts.c.alert_id == bindparam("withdrawn"),
        or_(alerts.c.status != "open", alerts.c.assigned_to.is_not(None)),
        ~known.exists(),
    )
    raised = insert(tasks).from_select(["kind", "alert_id", "detail", "created_at"], worked_on)
    connection.execute(raised, [{"withdrawn": alert_id} for alert_id in withdrawn])


def open_store(url: str, *, create: bool = True) -> Store:
    """Open a store; a SQLite file is made on first use if ``create``, PostgreSQL must be prepared (``store upgrade``).

    Raises ``UsageError`` for a URL it cannot use, ``StoreUnreachable`` and ``StoreOutdated``; none shows the password.
    """
    parsed = parse_url(url)
    if not create:
        require_file(parsed)
    engine = connect_engine(parsed)
    try:
        migrate.make_ready(engine)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine)


__all__ = ["TASK_WITHDRAWN", "Store", "WriteResult", "open_store"]
