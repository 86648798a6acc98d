"""What people say of an alert: status, assignment, notes and legal holds, each change kept and told to the audit log.

Every function blocks, opens one transaction and may raise ``StoreUnreachable``, ``StoreOutdated`` and ``UsageError``.
"""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, or_, select, update

from streams.clock import to_text
from streams.errors import UsageError, WorkConflict
from streams.store import audit
from streams.store.engine import RowRefusedError, writing
from streams.store.masking import mask_free_text
from streams.store.schema import alert_changes, alert_evidence, alerts, legal_holds, tasks
from streams.store.writer import Store

NAME_MAX: Final = 200
NOTE_MAX: Final = 10_000


class Status(StrEnum):
    """What people say of an alert; ``confirmed`` over ``confirmed`` and ``dismissed`` is the precision of its rule."""

    OPEN = "open"
    WORKING = "working"
    CONFIRMED = "confirmed"
    """It is fraud."""
    DISMISSED = "dismissed"
    """It is none."""
    INCONCLUSIVE = "inconclusive"
    """Closed, and nobody can say."""


@dataclass(frozen=True)
class Change:
    """What one person wants to say. A part that is None stays as it is; ``assign_to`` empty means nobody."""

    by: str
    status: Status | None = None
    assign_to: str | None = None
    note: str = ""
    expect: int | None = None
    """The work revision the person saw; None stands for: nobody but me has changed it."""


@dataclass(frozen=True)
class Work:
    """How an alert stands with people after a change."""

    alert_id: str
    work_revision: int
    status: str
    assigned_to: str | None


def set_alert(store: Store, alert_id: str, change: Change) -> Work:
    """Change status or assignment, or leave a note.

    Safe with two people at once: raises ``WorkConflict``, and changes nothing, when the alert is not at the work revision that
    ``expect`` names, or, without it, when somebody else changed it last and status or assignment are to change again. A note
    alone overwrites nothing and is always taken.
    """
    _check(change)
    try:
        with writing(store.engine) as connection:
            # before the alert is read: of two people one waits here, and then sees what the other did
            audit.lock(connection)
            return _set(connection, alert_id, change)
    except RowRefusedError as error:
        message = f"the store cannot take it: {error}"
        raise UsageError(message) from error


def place_hold(store: Store, alert_id: str, reason: str, by: str) -> int:
    """Keep an alert, with all that belongs to it, from the retention job; gives the number of the hold."""
    _check(Change(by, note=reason))
    if not reason.strip():
        message = "a legal hold needs a reason"
        raise UsageError(message)
    with writing(store.engine) as connection:
        audit.lock(connection)
        row = _alert(connection, alert_id)
        hold = insert(legal_holds).values(
            alert_id=row.alert_id, reason=reason, reason_masked=_masked(connection, row, reason),
            placed_at=audit.clock(connection), placed_by=by,
        )  # fmt: skip
        hold_id = int(connection.execute(hold.returning(legal_holds.c.hold_id)).scalar_one())
        audit.append(connection, by, "hold placed", row.alert_id, {"hold": hold_id, "reason_sha256": _digest(reason)})
    return hold_id


def release_holds(store: Store, alert_id: str, by: str) -> int:
    """Release all legal holds of an alert; gives how many there were."""
    _check(Change(by))
    with writing(store.engine) as connection:
        audit.lock(connection)
        row = _alert(connection, alert_id)
        held = update(legal_holds).where(legal_holds.c.alert_id == row.alert_id, legal_holds.c.released_at.is_(None))
        released = held.values(released_at=audit.clock(connection), released_by=by).returning(legal_holds.c.hold_id)
        holds = sorted(connection.execute(released).scalars())
        if holds:
            audit.append(connection, by, "holds released", row.alert_id, {"holds": holds})
    return len(holds)


def _check(change: Change) -> None:
    for what, name in (("the person", change.by), ("the assignee", change.assign_to)):
        if name is not None and (len(name) > NAME_MAX or not name.isprintable()):
            message = f"the name of {what} is longer than {NAME_MAX} characters or holds signs that cannot be printed"
            raise UsageError(message)
    if not change.by.strip():
        message = "say who you are: --by NAME"
        raise UsageError(message)
    if len(change.note) > NOTE_MAX or "\0" in change.note:
        message = f"a note has at most {NOTE_MAX} characters, and no zero character"
        raise UsageError(message)


def _set(connection: Connection, alert_id: str, change: Change) -> Work:
    """Make the change on the alert as it is now."""
    row = _alert(connection, alert_id)
    status = row.status if change.status is None else change.status.value
    assigned = row.assigned_to if change.assign_to is None else change.assign_to or None
    moves = (status, assigned) != (row.status, row.assigned_to)
    _refuse_conflict(connection, row, change, moves=moves)
    if not moves and not change.note:
        return Work(row.alert_id, row.work_revision, row.status, row.assigned_to)
    now, revision = audit.clock(connection), row.work_revision + 1
    values: dict[str, object] = {"status": status, "assigned_to": assigned, "work_revision": revision}
    if status != row.status:
        values["status_at"] = now
    unchanged = (alerts.c.alert_id == row.alert_id, alerts.c.work_revision == row.work_revision)
    if connection.execute(update(alerts).where(*unchanged).values(values)).rowcount == 0:
        message = f"alert {row.alert_id} was changed past Payweir at this moment; look at it and try again"
        raise WorkConflict(message)
    connection.execute(
        insert(alert_changes).values(
            alert_id=row.alert_id,
            work_revision=revision,
            changed_at=now,
            changed_by=change.by,
            status=status,
            assigned_to=assigned,
            note=change.note,
            note_masked=_masked(connection, row, change.note),
        )
    )
    if status != row.status:
        undone = (tasks.c.alert_id == row.alert_id, tasks.c.done_at.is_(None))
        connection.execute(update(tasks).where(*undone).values(done_at=now))
    detail: dict[str, object] = {"work_revision": revision, "status": status, "assigned_to": assigned}
    if change.note:
        detail["note_sha256"] = _digest(change.note)
    audit.append(connection, change.by, "alert set", row.alert_id, detail)
    return Work(row.alert_id, revision, status, assigned)


def _refuse_conflict(connection: Connection, row: Row[Any], change: Change, *, moves: bool) -> None:
    newest = select(alert_changes).where(alert_changes.c.alert_id == row.alert_id)
    last = connection.execute(newest.order_by(alert_changes.c.work_revision.desc()).limit(1)).one_or_none()
    if change.expect == row.work_revision:
        return
    if change.expect is None and (not moves or last is None or last.changed_by == change.by):
        return
    said = "nobody changed it yet"
    if last is not None:
        whose = f"assigned to {last.assigned_to}" if last.assigned_to else "assigned to nobody"
        said = f"{last.changed_by} set it to {last.status}, {whose}, at {to_text(last.changed_at)}"
    message = (
        f"alert {row.alert_id} is at work revision {row.work_revision}: {said}. Nothing was changed. Look at it "
        f"(payweir alerts show {row.alert_id}) and, if you still want it, say so: --expect {row.work_revision}"
    )
    raise WorkConflict(message)


def _alert(connection: Connection, alert_id: str) -> Row[Any]:
    """Find the alert by its id or by the only beginning of an id."""
    begins = or_(alerts.c.alert_id == alert_id, alerts.c.alert_id.startswith(alert_id, autoescape=True))
    exact_first = (alerts.c.alert_id != alert_id, alerts.c.alert_id)
    found = connection.execute(select(alerts).where(begins).order_by(*exact_first).limit(2)).all()
    if not found:
        message = f"there is no alert {alert_id!r} in this store; see: payweir alerts list"
        raise UsageError(message)
    if len(found) > 1 and found[0].alert_id != alert_id:
        message = f"several alerts begin with {alert_id!r}; write more of the id"
        raise UsageError(message)
    return found[0]


def _masked(connection: Connection, row: Row[Any], text: str) -> str:
    if not text:
        return ""
    others = select(alert_evidence.c.counterparty).where(alert_evidence.c.alert_id == row.alert_id).distinct()
    return mask_free_text(text, {str(row.subject), *connection.execute(others).scalars()})


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
