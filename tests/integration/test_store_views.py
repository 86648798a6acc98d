"""The views and the reader's questions, on SQLite and on PostgreSQL alike."""

import pytest
from sqlalchemy import text

from streams.alerts.model import AlertState, Evidence, Position
from streams.errors import UsageError
from streams.store import Store
from streams.store.masking import mask_token
from streams.store.reader import (
    AlertFilter,
    IngestTotals,
    counts_by_rule,
    ingest_totals,
    list_alerts,
    standing,
)
from tests.integration.store_questions import ask
from tests.unit.store.samples import (
    ALERT_ID,
    MARCH,
    MULE,
    dead_letter,
    ingest_count,
    mule_alert,
    rule_count,
    ruleset,
    source_found,
    token,
)

pytestmark = pytest.mark.integration


def test_an_unsuitable_question_is_a_fault_of_usage(store: Store) -> None:
    with pytest.raises(UsageError):
        list_alerts(store, AlertFilter(since=10**18))


def test_no_view_shows_an_account(store: Store) -> None:
    payer = token("payer 1")
    store.write(
        [
            mule_alert(reason=f"{MULE} got money from {payer}"),
            mule_alert("held", state=AlertState.HELD, held_by=f"licensed-psp: {MULE}", offset=1),
            mule_alert("back", state=AlertState.WITHDRAWN, withdrawn_because=f"{MULE} is a shop", offset=2),
        ]
    )
    seen = ""
    with store.engine.connect() as connection:
        for view in ("v_alerts", "v_alerts_all", "v_alert_evidence", "v_alert_history", "v_rules", "v_tasks"):
            seen += str(connection.execute(text(f"SELECT * FROM {view}")).all())
    assert MULE not in seen
    assert payer not in seen
    assert f"{mask_token(MULE)} got money from {mask_token(payer)}" in seen
    assert f"licensed-psp: {mask_token(MULE)}" in seen


@pytest.mark.parametrize("counterparty", ["CASH", "EXTERNAL", "", "short", "acct-001", "a" * 64])
def test_a_view_masks_as_python_does(store: Store, counterparty: str) -> None:
    store.write([mule_alert(evidence=(Evidence("e", "credit", MARCH, 5, "CNY", counterparty),))])
    assert ask(store, "SELECT counterparty_masked FROM v_alert_evidence") == [(mask_token(counterparty),)]


@pytest.mark.parametrize(
    ("currency", "major"), [("CNY", 12345.67), ("JPY", 1234567), ("KWD", 1234.567), ("CLF", 123.4567), ("XXX", None)]
)
def test_a_view_shows_amounts_in_major_units(store: Store, currency: str, major: float | None) -> None:
    store.write([mule_alert(currency=currency, evidence=(Evidence("e", "credit", MARCH, 1_234_567, currency, "x"),))])
    for view in ("v_alerts", "v_alert_evidence"):
        [(found,)] = ask(store, f"SELECT amount_major FROM {view}")
        assert (found if found is None else float(str(found))) == major


def test_the_alerts_in_force_are_those_of_v_alerts(store: Store) -> None:
    store.write(
        [
            mule_alert("standing"),
            mule_alert("provisional", state=AlertState.PROVISIONAL),
            mule_alert("withdrawn", state=AlertState.WITHDRAWN),
            mule_alert("held", state=AlertState.HELD),
            mule_alert("shadow", shadow=True),
        ]
    )
    found = ask(store, "SELECT alert_id FROM v_alerts ORDER BY alert_id")
    assert [row[0] for row in found] == ["provisional", "standing"]
    assert {line.alert_id for line in list_alerts(store, AlertFilter())} == {"provisional", "standing"}
    assert ask(store, "SELECT count(*) FROM v_alerts_all") == [(5,)]


def test_rules_are_counted_also_those_that_never_fired(store: Store) -> None:
    store.write(
        [
            mule_alert(),
            rule_count(),
            ruleset(),
            mule_alert("held", state=AlertState.HELD),
            mule_alert("shadow", shadow=True),
        ]
    )
    names = "rule_id, standing, provisional, withdrawn, held, shadow, undecided, errors"
    assert ask(store, f"SELECT {names} FROM v_rules ORDER BY rule_id") == [
        ("dormant-account", 0, 0, 0, 0, 0, 4, 0),
        ("pass-through-account", 1, 0, 0, 1, 1, 0, 0),
        ("silent-rule", 0, 0, 0, 0, 0, 0, 0),
    ]
    assert counts_by_rule(store) == {"pass-through-account": {AlertState.STANDING: 1, AlertState.HELD: 1}}


def test_what_came_in_is_summed_over_the_partitions_of_the_log(store: Store) -> None:
    store.write([ingest_count(), ingest_count(partition=1, refused=0), ingest_count(offset=4, accepted=1)])
    store.write([source_found(185), source_found(90, offset=100), source_found(4, source="accounts/0", offset=4)])
    expected = [("accounts/0", 4, 0, 0, 0, 0, 0, 4), ("payments/0", 185, 180, 6, 4, 2, 1, 0)]
    assert ingest_totals(store) == [IngestTotals(*row) for row in expected]
    names = "source, found, accepted, late, duplicate, conflict, refused, missing"
    assert ask(store, f"SELECT {names} FROM v_ingest_reconciliation ORDER BY source") == expected


def test_a_new_activity_log_is_counted_anew(store: Store) -> None:
    store.write([ingest_count(), ingest_count(partition=1), source_found(185)])
    store.write([ingest_count(accepted=7, refused=0, epoch=2), source_found(9, epoch=2)])
    names = "source, found, accepted, duplicate, missing"
    assert ask(store, f"SELECT {names} FROM v_ingest_reconciliation") == [("payments/0", 9, 7, 2, 0)]


def test_rulesets_and_dead_letters_are_shown(store: Store) -> None:
    store.write([ruleset(0), ruleset(1), dead_letter(), dead_letter(6)])
    assert ask(store, "SELECT activity_partition, rule_count FROM v_rulesets ORDER BY 1") == [(0, 3), (1, 3)]
    assert ask(store, "SELECT source_offset, refusal FROM v_dead_letters ORDER BY 1") == [
        (5, "amount_not_positive"),
        (6, "amount_not_positive"),
    ]


def test_the_standing_set_compares_two_runs(store: Store) -> None:
    store.write([mule_alert(), mule_alert("other", revision=Position(3, 1, 4), detected_at=5)])
    found = standing(store)
    assert found[ALERT_ID] == found["other"]
    assert found[ALERT_ID].event_ids == ("event-1", "event-2", "event-3")
    assert found[ALERT_ID].bucket_start == mule_alert().bucket_start
