"""Views of what people say and do: dispositions, history of work, holds, tasks, the audit log."""

# ruff: noqa: S608 - put together from constants of this package only

from collections.abc import Callable
from typing import Final

from streams.store.views.words import CLOSED, Words, masked_text


def _changes(_: Words) -> str:
    return """SELECT c.alert_id, c.work_revision, c.changed_at, c.changed_by, c.status, c.assigned_to,
    c.note_masked AS note, a.rule_id, a.severity
FROM alert_changes c JOIN alerts a ON a.alert_id = c.alert_id"""


def _dispositions(words: Words) -> str:
    return f"""SELECT a.alert_id, a.rule_id, a.rule_version, a.severity, a.typology, a.subject_kind, a.shadow,
    a.engine_state, a.status AS disposition, a.assigned_to, a.first_stored_at, a.status_at AS closed_at,
    {words.millis("a.status_at", "a.first_stored_at")} / 60000 AS minutes_to_close
FROM alerts a WHERE a.status_at IS NOT NULL AND a.status IN {CLOSED}"""


def _holds(_: Words) -> str:
    return """SELECT h.hold_id, h.alert_id, a.rule_id, h.reason_masked AS reason, h.placed_at, h.placed_by,
    h.released_at, h.released_by
FROM legal_holds h JOIN alerts a ON a.alert_id = h.alert_id"""


def _tasks(_: Words) -> str:
    return f"""SELECT t.task_id, t.kind, t.alert_id, a.rule_id, a.status, a.assigned_to,
    {masked_text("t.detail")} AS detail, t.created_at, t.done_at
FROM tasks t JOIN alerts a ON a.alert_id = t.alert_id"""


def _audit(_: Words) -> str:
    return """SELECT l.number, l.written_at, l.actor, l.action, l.about, l.hash
FROM audit_log l"""


VIEWS: Final[dict[str, Callable[[Words], str]]] = {
    "v_alert_changes": _changes,
    "v_dispositions": _dispositions,
    "v_legal_holds": _holds,
    "v_tasks": _tasks,
    "v_audit_log": _audit,
}
