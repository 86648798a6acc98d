"""The retention job: what is older than its time goes, in small transactions, unless the law or somebody's work holds it.

Age is counted by the store's clock (``first_stored_at`` and ``stored_at``), not by event time: history that was read in
yesterday is one day old.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, select

from streams.clock import DAY_MS, span_text, to_text
from streams.errors import UsageError
from streams.store import audit
from streams.store.casework import Status
from streams.store.engine import reading, writing
from streams.store.schema import (
    alert_amendments,
    alert_changes,
    alert_evidence,
    alerts,
    dead_letters,
    legal_holds,
    tasks,
)
from streams.store.views.words import Words
from streams.store.writer import Store

ALERTS_MIN_MS: Final = 31 * DAY_MS
"""The topic ``alerts`` keeps 30 days: an alert deleted before could come back when the topic is read again."""
BATCH: Final = 2_000
_PARTS: Final = (alert_evidence, alert_amendments, alert_changes, tasks)


@dataclass(frozen=True)
class Retention:
    """How long to keep what, in milliseconds; None keeps it for ever."""

    alerts_ms: int | None = None
    dead_letters_ms: int | None = None


def retain(store: Store, retention: Retention, by: str, *, dry_run: bool = False) -> dict[str, int]:
    """Delete what is due and give how many rows of each table went, or would go (alerts and dead letters only).

    ``kept on legal hold`` and ``kept in work`` count alerts that were due and stay. Each batch is a transaction with its entry
    in the audit log, so the job may be stopped and begun again at any time. Raises ``UsageError`` for a time that is too short,
    ``StoreUnreachable`` and ``StoreOutdated``.
    """
    if retention.alerts_ms is not None and retention.alerts_ms < ALERTS_MIN_MS:
        message = (
            f"alerts must be kept {span_text(ALERTS_MIN_MS)} at least: the alerts topic may bring younger ones back"
        )
        raise UsageError(message)
    with reading(store.engine) as connection:
        now = audit.clock(connection)
        before = None if retention.alerts_ms is None else now - retention.alerts_ms
        letters_before = None if retention.dead_letters_ms is None else now - retention.dead_letters_ms
        gone = _due(connection, before, letters_before)
    if dry_run:
        return gone
    if before is not None:
        gone["alerts"] = 0
        while batch := _delete_alerts(store, before, by):
            gone.update(batch)
        _forget_recurrence(store)
    if letters_before is not None:
        gone["dead_letters"] = 0
        while batch := _delete_letters(store, letters_before, by):
            gone.update(batch)
    return gone


def _old(before: int) -> ColumnElement[bool]:
    return and_(alerts.c.first_stored_at < before, alerts.c.stored_at < before)


def _held() -> ColumnElement[bool]:
    return exists().where(legal_holds.c.alert_id == alerts.c.alert_id, legal_holds.c.released_at.is_(None))


def _in_work() -> ColumnElement[bool]:
    return alerts.c.status == Status.WORKING.value


def _due(connection: Connection, before: int | None, letters_before: int | None) -> Counter[str]:
    """Count what is due, and what is old and stays."""
    found: Counter[str] = Counter()
    if before is not None:
        old = _old(before)
        for name, condition in (
            ("alerts", and_(old, ~_held(), ~_in_work())),
            ("kept on legal hold", and_(old, _held())),
            ("kept in work", and_(old, _in_work(), ~_held())),
        ):
            found[name] = connection.execute(select(func.count()).select_from(alerts).where(condition)).scalar_one()
    if letters_before is not None:
        old_letters = select(func.count()).select_from(dead_letters).where(dead_letters.c.stored_at < letters_before)
        found["dead_letters"] = connection.execute(old_letters).scalar_one()
    return found


def _delete_alerts(store: Store, before: int, by: str) -> dict[str, int]:
    """Delete one batch with all that belongs to it; under the lock that placing a hold takes too."""
    with writing(store.engine) as connection:
        audit.lock(connection)
        due = and_(_old(before), ~_held(), ~_in_work())
        oldest = select(alerts.c.alert_id).where(due).order_by(alerts.c.first_stored_at).limit(BATCH)
        ids = list(connection.execute(oldest).scalars())
        deleted = delete(alerts).where(alerts.c.alert_id.in_(ids), due).returning(alerts.c.alert_id)
        ids = list(connection.execute(deleted).scalars())
        if not ids:
            return {}
        gone = {"alerts": len(ids)}
        for table in _PARTS:
            gone[table.name] = connection.execute(delete(table).where(table.c.alert_id.in_(ids))).rowcount
        audit.append(connection, by, "retention", "alerts", {"stored_before": to_text(before), **gone})
    return gone


def _forget_recurrence(store: Store) -> None:
    """Delete who recurred in stretches that the views, which look back by the clock of the log, do not come to any more."""
    if store.engine.dialect.name == "postgresql":
        with writing(store.engine) as connection:
            oldest = Words("postgresql").bucket
            connection.exec_driver_sql(f"DELETE FROM recurrence WHERE bucket < {oldest}")  # noqa: S608  a constant


def _delete_letters(store: Store, before: int, by: str) -> dict[str, int]:
    with writing(store.engine) as connection:
        audit.lock(connection)
        newest = select(dead_letters.c.stored_at).where(dead_letters.c.stored_at < before)
        border = connection.execute(newest.order_by(dead_letters.c.stored_at).offset(BATCH - 1).limit(1)).scalar()
        # the border is in whole milliseconds, what is stored may be finer
        end = before if border is None else min(before, border + 1)
        gone = connection.execute(delete(dead_letters).where(dead_letters.c.stored_at < end)).rowcount
        if not gone:
            return {}
        audit.append(
            connection, by, "retention", "dead_letters", {"stored_before": to_text(before), "dead_letters": gone}
        )
    return {"dead_letters": gone}
