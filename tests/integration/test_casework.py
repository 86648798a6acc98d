"""What people say of alerts, on SQLite and on PostgreSQL alike: nobody overwrites anybody, nothing is forgotten or forged."""

import threading

import pytest

from streams.alerts.identity import lasting_key
from streams.clock import DAY_MS
from streams.errors import UsageError, WorkConflict
from streams.store import Store, audit
from streams.store.casework import Change, Status, Work, place_hold, release_holds, set_alert
from streams.store.reader import decisions
from streams.store.retention import BATCH, Retention, retain
from tests.integration.store_questions import ask, tell
from tests.unit.store.samples import ALERT_ID, MULE, dead_letter, mule_alert, token, withdrawn

pytestmark = pytest.mark.integration

YEAR = Retention(alerts_ms=365 * DAY_MS)
OLD = "2020-01-01T00:00:00.000Z"


def test_of_two_people_who_set_at_once_one_is_told_what_the_other_did(store: Store) -> None:
    store.write([mule_alert()])
    start, told, done = threading.Barrier(6), [], []

    def set_as(name: str) -> None:
        start.wait()
        try:
            done.append(set_alert(store, ALERT_ID, Change(name, Status.WORKING, name)))
        except WorkConflict as conflict:
            told.append(str(conflict))

    people = [threading.Thread(target=set_as, args=(f"person {n}",)) for n in range(6)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    [won] = done
    assert len(told) == 5
    for message in told:
        assert f"{won.assigned_to} set it to working" in message
        assert "Nothing was changed" in message
        assert "--expect 1" in message
    assert ask(store, "SELECT status, assigned_to, work_revision FROM v_alerts") == [("working", won.assigned_to, 1)]
    assert audit.verify(store).entries == 1


def test_who_looked_again_may_insist_and_who_did_not_may_not(store: Store) -> None:
    store.write([mule_alert()])
    set_alert(store, ALERT_ID, Change("lin", Status.CONFIRMED))
    set_alert(store, ALERT_ID, Change("lin", Status.WORKING))
    for expect in (None, 0, 1, 3):
        with pytest.raises(WorkConflict, match="at work revision 2: lin set it to working"):
            set_alert(store, ALERT_ID, Change("bo", Status.DISMISSED, expect=expect))
    assert set_alert(store, ALERT_ID, Change("bo", Status.DISMISSED, expect=2)) == Work(ALERT_ID, 3, "dismissed", None)


def test_what_people_have_decided_is_found_by_what_the_alert_is_about(store: Store) -> None:
    decided = [mule_alert(alert_id=name, subject=token(name)) for name in ("true", "false", "unclear", "open")]
    store.write(decided)
    for alert, status in zip(decided, (Status.CONFIRMED, Status.DISMISSED, Status.INCONCLUSIVE), strict=False):
        set_alert(store, alert.alert_id, Change("lin", status))
    expected = {
        (lasting_key(alert), alert.first_hit, true) for alert, true in zip(decided, (True, False), strict=False)
    }
    assert set(decisions(store)) == expected


def test_a_note_overwrites_nothing_and_is_always_taken(store: Store) -> None:
    store.write([mule_alert()])
    set_alert(store, ALERT_ID, Change("lin", Status.WORKING, "lin"))
    set_alert(store, ALERT_ID, Change("bo", note=f"{MULE} is a friend of {token('payer 1')}"))
    masked = f"****{MULE[-4:]} is a friend of ****{token('payer 1')[-4:]}"
    found = ask(store, "SELECT work_revision, changed_by, status, note FROM v_alert_changes ORDER BY work_revision")
    assert found == [(1, "lin", "working", ""), (2, "bo", "working", masked)]


def test_saying_what_is_said_already_changes_nothing(store: Store) -> None:
    store.write([mule_alert()])
    for _ in range(2):
        assert set_alert(store, ALERT_ID, Change("lin", Status.WORKING)).work_revision == 1


def test_an_unknown_alert_is_a_fault_of_usage(store: Store) -> None:
    for call in (
        lambda: set_alert(store, "none", Change("lin", Status.OPEN)),
        lambda: place_hold(store, "no", "r", "l"),
    ):
        with pytest.raises(UsageError, match="there is no alert"):
            call()


def test_a_new_revision_of_the_engine_leaves_peoples_work_and_a_closed_alert_does_its_task(store: Store) -> None:
    store.write([mule_alert()])
    set_alert(store, ALERT_ID, Change("lin", Status.WORKING, "lin"))
    store.write([withdrawn()])
    assert ask(store, "SELECT count(*) FROM v_tasks WHERE done_at IS NULL") == [(1,)]
    set_alert(store, ALERT_ID, Change("lin", Status.DISMISSED))
    assert ask(store, "SELECT count(*) FROM v_tasks WHERE done_at IS NULL") == [(0,)]
    found = ask(store, "SELECT engine_state, disposition, assigned_to FROM v_dispositions")
    assert found == [("withdrawn", "dismissed", "lin")]


# --- the audit log --------------------------------------------------------------------------------------------------


def audited(store: Store) -> audit.AuditState:
    """Let four entries come into the log."""
    store.write([mule_alert(), mule_alert("second")])
    set_alert(store, ALERT_ID, Change("lin", Status.CONFIRMED, note="sure"))
    place_hold(store, ALERT_ID, "court order 7", "lin")
    release_holds(store, ALERT_ID, "bo")
    set_alert(store, "second", Change("bo", Status.DISMISSED))
    state = audit.verify(store)
    assert (state.entries, state.faults) == (4, ())
    return state


FORGED = [
    ("UPDATE audit_log SET actor = 'nobody' WHERE number = 2", "entry 2 was changed (hold placed by nobody)"),
    ("UPDATE audit_log SET detail = '{}' WHERE number = 1", "entry 1 was changed (alert set by lin)"),
    ("UPDATE audit_log SET written_at = '2026-01-01T00:00:00.000Z' WHERE number = 4", "entry 4 was changed"),
    ("DELETE FROM audit_log WHERE number = 3", "entry 3 is missing; the next there is is 4"),
    ("DELETE FROM audit_log WHERE number = 1", "entry 1 is missing; the next there is is 2"),
    ("UPDATE audit_log SET number = 30 - number WHERE number IN (1, 2)", "entry 1 is missing; the next there is is 3"),
]


@pytest.mark.parametrize(("forgery", "fault"), FORGED)
def test_a_forged_audit_log_is_found(store: Store, forgery: str, fault: str) -> None:
    audited(store)
    tell(store, forgery)
    assert audit.verify(store).faults[0].startswith(fault)


def test_an_audit_log_cut_off_at_its_end_is_found_by_who_noted_its_head(store: Store) -> None:
    state = audited(store)
    assert audit.verify(store, state.head).faults == ()
    tell(store, "DELETE FROM audit_log WHERE number = 4")
    assert audit.verify(store).faults == ()
    assert "is not in the log" in audit.verify(store, state.head).faults[0]


# --- retention ------------------------------------------------------------------------------------------------------


def test_what_is_old_goes_with_all_that_belongs_to_it_unless_held_or_in_work(store: Store) -> None:
    store.write([mule_alert(name) for name in ("held", "worked", "closed", "open", "young", "amended")])
    place_hold(store, "held", "court", "lin")
    set_alert(store, "worked", Change("lin", Status.WORKING))
    set_alert(store, "closed", Change("lin", Status.CONFIRMED))
    tell(store, f"UPDATE alerts SET first_stored_at = '{OLD}', stored_at = '{OLD}' WHERE alert_id <> 'young'")
    store.write([mule_alert("amended", offset=8, hits=2)])
    assert retain(store, YEAR, "op", dry_run=True) == {"alerts": 2, "kept on legal hold": 1, "kept in work": 1}
    gone = retain(store, YEAR, "op")
    assert (gone["alerts"], gone["alert_evidence"], gone["alert_amendments"], gone["alert_changes"]) == (2, 6, 2, 1)
    left = ("amended", "held", "worked", "young")
    for table in ("alerts", "alert_evidence", "alert_amendments"):
        assert ask(store, f"SELECT DISTINCT alert_id FROM {table} ORDER BY 1") == [(name,) for name in left]
    assert audit.verify(store).faults == ()
    release_holds(store, "held", "lin")
    assert retain(store, YEAR, "op")["alerts"] == 1


def test_retention_goes_on_batch_by_batch_to_the_end(store: Store) -> None:
    count = BATCH + 7
    store.write([mule_alert(f"a{n}", evidence=()) for n in range(count)])
    store.write([dead_letter(offset) for offset in range(count)])
    tell(store, f"UPDATE alerts SET first_stored_at = '{OLD}', stored_at = '{OLD}'")
    tell(store, f"UPDATE dead_letters SET stored_at = '{OLD}' WHERE source_offset > 0")
    gone = retain(store, Retention(365 * DAY_MS, 90 * DAY_MS), "op")
    assert (gone["alerts"], gone["dead_letters"]) == (count, count - 1)
    assert ask(store, "SELECT (SELECT count(*) FROM alerts), (SELECT count(*) FROM dead_letters)") == [(0, 1)]
    actions = ask(store, "SELECT about, count(*) FROM v_audit_log GROUP BY about ORDER BY about")
    assert actions[0] == ("alerts", 2)
