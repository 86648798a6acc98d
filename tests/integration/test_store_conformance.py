"""One suite for the store, held to on SQLite and on PostgreSQL alike."""

import sqlite3
import threading
from collections.abc import Sequence

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.engine.interfaces import PoolProxiedConnection

from streams.alerts.model import Alert, AlertState, Evidence, IngestCount, Outcome, Position, RuleCount
from streams.errors import StoreOutdated, StoreUnreachable
from streams.store import Store, WriteResult, open_store, upgrade
from streams.store.check import check_store
from streams.store.columns import REVISION
from streams.store.reader import (
    AlertFilter,
    find_alert,
    list_alerts,
    standing,
)
from streams.store.schema import ONLY_POSTGRESQL, metadata
from streams.store.views import drop_views
from tests.integration.store_questions import ask, tell
from tests.unit.store.samples import (
    ALERT_ID,
    MARCH,
    credit,
    dead_letter,
    debit,
    ingest_count,
    mule_alert,
    rule_count,
    ruleset,
    source_found,
    watermark,
    withdrawn,
)

pytestmark = pytest.mark.integration

CLOCK_COLUMNS = {"first_stored_at", "stored_at", "task_id", "created_at", "first_event_at", "first_detected_at"}


def tables(store: Store) -> dict[str, list[tuple[str, ...]]]:
    """Give all rows of all tables, without the columns that hold the database's clock or count, or what it heard first.

    What triggers keep on PostgreSQL has tests of its own (``test_store_summaries``).
    """
    found = {}
    with store.engine.connect() as connection:
        for table in metadata.sorted_tables:
            if table in ONLY_POSTGRESQL:
                continue
            columns = [column for column in table.columns if column.name not in CLOCK_COLUMNS]
            rows = [tuple(map(str, row)) for row in connection.execute(table.select().with_only_columns(*columns))]
            found[table.name] = sorted(rows)
    return found


def everything() -> list[Outcome]:
    """Give one of each outcome."""
    return [mule_alert(), dead_letter(), ingest_count(), source_found(), rule_count(), watermark(), ruleset()]


# --- once in effect -------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_back_whole(store: Store) -> None:
    alert = mule_alert()
    assert store.write([alert]) == WriteResult(found=1, written=1)
    detail = find_alert(store, ALERT_ID)
    assert detail is not None
    assert (detail.values, detail.evidence) == (alert.values, alert.evidence)
    for name in ("alert_id", "shadow", "rule_id", "rule_version", "title", "severity", "typology", "subject", "hits"):
        assert getattr(detail.alert, name) == getattr(alert, name)
    for name in ("first_hit", "last_hit", "event_at", "detected_at", "reason", "ruleset_digest", "engine", "about"):
        assert getattr(detail.alert, name) == getattr(alert, name)
    assert detail.alert.engine_state is AlertState.STANDING
    assert (detail.alert.status, detail.alert.assigned_to) == ("open", None)
    assert [entry.revision for entry in detail.history] == [alert.revision]
    assert detail.history[0].evidence_ids == ("event-1", "event-2", "event-3")


def test_the_same_batch_again_changes_nothing(store: Store) -> None:
    assert store.write(everything()) == WriteResult(found=7, written=7)
    before = tables(store)
    stored = ask(store, "SELECT stored_at, first_stored_at FROM alerts")
    assert store.write(everything()) == WriteResult(found=7, known=7)
    assert tables(store) == before
    assert ask(store, "SELECT stored_at, first_stored_at FROM alerts") == stored


def test_an_empty_batch_is_nothing(store: Store) -> None:
    assert store.write([]) == WriteResult()


def test_the_newer_revision_stands_and_the_older_is_history_whichever_comes_first(store: Store) -> None:
    older, newer = mule_alert(offset=7), mule_alert(offset=8, hits=2, evidence=(credit(1), debit(4)))
    store.write([newer])
    assert store.write([older]) == WriteResult(found=1, known=1)
    detail = find_alert(store, ALERT_ID)
    assert detail is not None
    assert (detail.alert.hits, detail.evidence) == (2, newer.evidence)
    assert [entry.hits for entry in detail.history] == [1, 2]


def test_a_revision_is_compared_as_a_whole_epoch_first(store: Store) -> None:
    # epoch 2, offset 1  is newer than  epoch 1, offset 900
    store.write([mule_alert(offset=900, hits=1)])
    store.write([mule_alert(revision=Position(2, 1, 0), hits=2)])
    store.write([mule_alert(revision=Position(1, 901, 5), hits=3)])
    assert [line.hits for line in list_alerts(store, AlertFilter())] == [2]


def test_of_one_batch_the_newest_stands_and_every_revision_is_kept(store: Store) -> None:
    batch = [mule_alert(offset=8, hits=2), mule_alert(offset=9, hits=3), mule_alert(offset=7, hits=1)]
    assert store.write(batch) == WriteResult(found=3, written=1, known=2)
    detail = find_alert(store, ALERT_ID)
    assert detail is not None
    assert (detail.alert.hits, [entry.hits for entry in detail.history]) == (3, [1, 2, 3])


def test_first_stored_stays_when_an_alert_is_amended(store: Store) -> None:
    store.write([mule_alert()])
    before = list_alerts(store, AlertFilter())[0]
    store.write([mule_alert(offset=8)])
    after = list_alerts(store, AlertFilter())[0]
    assert before.first_stored_at == before.stored_at == after.first_stored_at <= after.stored_at


REVISIONS = st.builds(Position, st.integers(1, 2), st.integers(0, 3), st.integers(0, 1))


@st.composite
def outcomes(draw: st.DrawFn) -> list[Outcome]:
    """Draw outcomes of few keys, so that they meet; one key and revision has one content, as the log promises."""
    drawn: dict[tuple[object, ...], Outcome] = {}
    for _ in range(draw(st.integers(1, 12))):
        revision, name = draw(REVISIONS), draw(st.sampled_from(["first", "second"]))
        weight = revision.epoch * 100 + revision.offset * 10 + revision[2]
        evidence = tuple(credit(n, weight + n + 1) for n in range(weight % 4))
        state = AlertState.WITHDRAWN if weight % 5 == 0 else AlertState.STANDING
        drawn["alert", name, revision] = mule_alert(
            name, revision=revision, hits=weight, evidence=evidence, state=state, withdrawn_because=str(weight)
        )
        count = IngestCount(name, 0, revision, weight + 9, 0, weight, 0, {"refused": weight})
        drawn["count", name, revision] = count
        drawn["rule", name, revision] = RuleCount(name, 0, revision, {}, weight)
    return list(drawn.values())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_outcomes=outcomes(), data=st.data())
def test_any_order_cut_and_repetition_ends_in_the_same_rows(
    store: Store, given_outcomes: list[Outcome], data: st.DataObject
) -> None:
    """A zombie, a redelivery and a restart write the same outcomes again, in another order and in other batches."""
    clear(store)
    store.write(given_outcomes)
    expected = tables(store)
    newest: dict[str, Position] = {}
    for outcome in given_outcomes:
        if isinstance(outcome, Alert):
            newest[outcome.alert_id] = max(outcome.revision, newest.get(outcome.alert_id, outcome.revision))
    order = ", ".join(REVISION)
    assert {row[0]: Position(*row[1:]) for row in ask(store, f"SELECT alert_id, {order} FROM alerts")} == newest
    clear(store)
    shuffled = data.draw(st.permutations(given_outcomes)) + data.draw(st.permutations(given_outcomes))
    while shuffled:
        size = data.draw(st.integers(1, len(shuffled)))
        store.write(shuffled[:size])
        shuffled = shuffled[size:]
    assert tables(store) == expected


def clear(store: Store) -> None:
    """Empty all tables."""
    with store.engine.connect() as connection:
        for table in metadata.sorted_tables:
            if table not in ONLY_POSTGRESQL:
                connection.execute(table.delete())
        connection.commit()


def test_two_writers_at_once_end_in_the_same_rows(store: Store) -> None:
    batch: list[Outcome] = [mule_alert(f"alert-{n}", offset) for n in range(60) for offset in (7, 8)]
    failures: list[BaseException] = []

    def write(part: Sequence[Outcome]) -> None:
        try:
            for start in range(0, len(part), 20):
                store.write(part[start : start + 20])
        except BaseException as error:  # noqa: BLE001 - told by the main thread
            failures.append(error)

    threads = [threading.Thread(target=write, args=(part,)) for part in (batch, batch[::-1], batch[60:] + batch[:60])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(standing(store)) == 60
    assert ask(store, "SELECT count(*) FROM alert_evidence") == [(180,)]
    assert ask(store, "SELECT count(*) FROM alert_amendments") == [(120,)]


# --- the engine's word and people's word ----------------------------------------------------------------------------


def test_what_people_say_is_never_touched_by_the_engine(store: Store) -> None:
    store.write([mule_alert()])
    tell(store, "UPDATE alerts SET status = 'confirmed', assigned_to = 'lin'")
    store.write([mule_alert(offset=8, hits=2)])
    store.write([withdrawn()])
    line = list_alerts(store, AlertFilter(states=(AlertState.WITHDRAWN,)))[0]
    assert (line.status, line.assigned_to, line.withdrawn_because) == ("confirmed", "lin", "a late payment changed it")


def test_a_withdrawn_alert_leaves_its_evidence_to_history(store: Store) -> None:
    store.write([mule_alert()])
    store.write([withdrawn()])
    detail = find_alert(store, ALERT_ID)
    assert detail is not None
    assert detail.evidence == ()
    assert [len(entry.evidence_ids) for entry in detail.history] == [3, 0]
    assert list_alerts(store, AlertFilter()) == []
    assert standing(store) == {}


@pytest.mark.parametrize(
    ("work", "raised"),
    [("status = 'open'", 0), ("status = 'confirmed'", 1), ("assigned_to = 'lin'", 1)],
)
def test_withdrawal_of_a_worked_alert_raises_one_task(store: Store, work: str, raised: int) -> None:
    store.write([mule_alert()])
    tell(store, f"UPDATE alerts SET {work}")
    store.write([withdrawn()])
    store.write([withdrawn(), withdrawn(offset=10)])
    assert ask(store, "SELECT count(*) FROM v_tasks") == [(raised,)]
    if raised:
        tasks = ask(store, "SELECT kind, alert_id, detail, done_at FROM v_tasks")
        assert tasks == [("alert withdrawn", ALERT_ID, "a late payment changed it", None)]


def test_a_second_withdrawal_after_the_task_was_done_raises_another(store: Store) -> None:
    store.write([mule_alert()])
    tell(store, "UPDATE alerts SET status = 'confirmed'")
    store.write([withdrawn(offset=9)])
    tell(store, "UPDATE tasks SET done_at = created_at")
    store.write([mule_alert(offset=10)])
    store.write([withdrawn(offset=11)])
    assert ask(store, "SELECT count(*) FROM tasks") == [(2,)]


# --- bad rows -------------------------------------------------------------------------------------------------------

TOO_BIG = 2**63


@pytest.mark.parametrize(
    "bad",
    [
        mule_alert("bad", evidence=(credit(1, TOO_BIG),)),
        mule_alert("bad", evidence=(Evidence("e", "credit", 10**15, 1, "CNY", "x"),)),
        mule_alert("bad", first_hit=10**15),
        mule_alert("bad", hits=2**70),
        mule_alert("bad", evidence=(credit(1, TOO_BIG - 1), credit(2, TOO_BIG - 1))),
    ],
    ids=["amount", "time", "time of the alert", "beyond any integer", "sum of amounts"],
)
def test_a_row_the_database_refuses_is_named_and_the_others_stand(store: Store, bad: Alert) -> None:
    batch = [mule_alert(f"good-{n}") for n in range(5)]
    result = store.write([*batch[:3], bad, *batch[3:], dead_letter()])
    assert result == WriteResult(found=7, written=6, refused=1, refused_keys=("bad@1.7.0",))
    assert len(standing(store)) == 5
    assert ask(store, "SELECT kind, key FROM v_store_errors") == [("alert", "bad@1.7.0")]
    assert store.write([bad]).refused == 1
    assert ask(store, "SELECT count(*) FROM v_store_errors") == [(1,)]


def test_a_zero_character_in_a_payment_hides_no_alert(store: Store) -> None:
    sly = mule_alert(reason="from a\0b", evidence=(Evidence("event\0", "credit", MARCH, 5, "CNY", 'x"\\\0,{}'),))
    assert store.write([sly]).written == 1
    detail = find_alert(store, ALERT_ID)
    assert detail is not None
    assert detail.evidence[0].event_id == "event\u2400"
    assert detail.evidence[0].counterparty == 'x"\\\u2400,{}'
    assert detail.alert.reason == "from a\u2400b"


def test_text_of_any_alphabet_and_with_any_quotes_comes_back_as_it_was(store: Store) -> None:
    reason = "转账 «19 000» \"x\" 'y' \\n {a,b} \t \n NULL \U0001f4b8"
    store.write([mule_alert(reason=reason, title="")])
    assert list_alerts(store, AlertFilter())[0].reason == reason


# --- outages --------------------------------------------------------------------------------------------------------


def lost_connection(store: Store) -> Exception:
    """Give the error that this database's driver raises when the connection is gone."""
    if store.engine.dialect.name == "sqlite":
        return sqlite3.OperationalError("disk I/O error")
    return psycopg.OperationalError("server closed the connection unexpectedly")


@pytest.mark.parametrize("committed", [True, False])
def test_a_commit_of_unknown_outcome_is_unreachable_and_the_retry_is_harmless(
    store: Store, monkeypatch: pytest.MonkeyPatch, *, committed: bool
) -> None:
    commit = store.engine.dialect.do_commit

    def fail(connection: PoolProxiedConnection) -> None:
        if committed:
            commit(connection)
        raise lost_connection(store)

    with monkeypatch.context() as patch:
        patch.setattr(store.engine.dialect, "do_commit", fail)
        with pytest.raises(StoreUnreachable):
            store.write(everything())
    expected = WriteResult(found=7, known=7) if committed else WriteResult(found=7, written=7)
    assert store.write(everything()) == expected
    assert check_store(store.url.render_as_string(hide_password=False)) == []


def test_a_row_held_by_another_is_waited_for(store: Store) -> None:
    store.write([mule_alert()])
    waiting = threading.Thread(target=store.write, args=([mule_alert(offset=8, hits=2)],))
    with store.engine.connect().execution_options(payweir_writes=True) as connection, connection.begin():
        connection.execute(text("UPDATE alerts SET status = 'confirmed'"))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
    waiting.join()
    line = list_alerts(store, AlertFilter())[0]
    assert (line.status, line.hits) == ("confirmed", 2)


# --- accounting -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("found", "accepted"), [(94, 90), (93, 91), (93, 0)])
def test_a_gap_between_found_and_accounted_for_is_a_finding(
    store: Store, store_url: str, found: int, accepted: int
) -> None:
    store.write([dead_letter(), ingest_count(), source_found(93)])
    assert check_store(store_url) == []
    store.write([source_found(found, offset=200), ingest_count(offset=6, accepted=accepted)])
    [finding] = [one for one in check_store(store_url) if one.kind.value == "records-not-accounted-for"]
    assert f"payments/0: {found} found, {accepted + 3} accounted for" in finding.text


def test_a_source_of_which_nothing_arrived_behind_intake_is_a_finding(store: Store, store_url: str) -> None:
    store.write([source_found(5, source="settlements/3", offset=5)])
    [finding] = check_store(store_url)
    assert "settlements/3: 5 found, 0 accounted for" in finding.text


def test_an_alert_about_bad_data_needs_no_evidence_and_any_other_does(store: Store, store_url: str) -> None:
    store.write([mule_alert(typology="data-quality", evidence=())])
    assert check_store(store_url) == []
    store.write([mule_alert("9" * 16, evidence=())])
    assert [finding.kind.value for finding in check_store(store_url)] == ["alert-without-evidence"]


# --- schema ---------------------------------------------------------------------------------------------------------


def test_a_store_of_another_version_is_outdated(store: Store, store_url: str) -> None:
    tell(store, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreOutdated, match="9999"):
        open_store(store_url)
    with pytest.raises(StoreOutdated):
        upgrade(store_url)
    assert [finding.kind.value for finding in check_store(store_url)] == ["schema"]


def test_a_table_that_goes_while_running_is_outdated_not_a_bad_row(store: Store) -> None:
    with store.engine.begin() as connection:
        drop_views(connection)
    tell(store, "DROP TABLE alert_evidence")
    with pytest.raises(StoreOutdated):
        store.write([mule_alert()])
    assert ask(store, "SELECT count(*) FROM store_errors") == [(0,)]


def test_an_upgrade_twice_keeps_all_data(store: Store, store_url: str) -> None:
    store.write(everything())
    before = tables(store)
    upgrade(store_url)
    assert tables(store) == before
    assert check_store(store_url) == []
