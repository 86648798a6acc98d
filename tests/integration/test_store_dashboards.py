"""The questions dashboards ask, each with its answer, on SQLite and on PostgreSQL alike."""

from typing import Any

import pytest

from streams.alerts.model import Alert, AlertState, Evidence, Outcome, Position, RuleCount, RulesetInForce
from streams.clock import DAY_MS, HOUR_MS, MINUTE_MS
from streams.store import Store
from streams.store.casework import Change, Status, place_hold, set_alert
from tests.integration.store_questions import ask, tell
from tests.unit.store.samples import (
    ALERT_ID,
    MARCH,
    MULE,
    credit,
    ingest_count,
    mule_alert,
    rule_count,
    source_found,
    token,
    watermark,
    withdrawn,
)

pytestmark = pytest.mark.integration


def alert(name: str, subject: str = MULE, *, at: int = MARCH, **changed: object) -> Alert:
    """Give an alert about an account of its own, at a time."""
    return mule_alert(name, **{"subject": token(subject), "first_hit": at, "last_hit": at, **changed})  # type: ignore[arg-type]


def money(minor: int, currency: str = "CNY") -> dict[str, Any]:
    """Give an alert that amount."""
    return {"currency": currency, "evidence": (Evidence("e", "credit", MARCH, minor, currency, token("payer")),)}


def test_open_alerts_are_counted_by_severity_and_age(store: Store) -> None:
    store.write([alert("new"), alert("old"), alert("older"), alert("closed"), alert("trial", shadow=True)])
    store.write([alert("grave", severity="critical"), alert("back"), withdrawn("back")])
    set_alert(store, "old", Change("lin", Status.WORKING, "lin"))
    set_alert(store, "closed", Change("lin", Status.DISMISSED))
    tell(store, "UPDATE alerts SET first_stored_at = '2020-01-01T00:00:00.000Z' WHERE alert_id IN ('old', 'older')")
    query = "SELECT severity, age, alerts, unassigned FROM v_open_by_age ORDER BY severity_rank DESC, age_from_hours"
    assert ask(store, query) == [
        ("critical", "under 1 hour", 1, 1),
        ("high", "under 1 hour", 1, 1),
        ("high", "over 7 days", 2, 1),
    ]


def test_amounts_at_risk_count_a_subject_once_and_never_add_currencies(store: Store) -> None:
    store.write(
        [
            alert("a1", "a", **money(100)),
            alert("a2", "a", severity="critical", **money(70)),
            alert("b", "b", **money(5)),
        ]
    )
    store.write([alert("a3", "a", **money(9, "JPY")), alert("none", "c", currency="", evidence=())])
    query = "SELECT amount_currency, severity, subjects, alerts, amount_minor, amount_major, greatest_minor "
    found = ask(store, query + "FROM v_amounts_at_risk ORDER BY amount_currency, severity")
    assert [(*row[:5], float(row[5]), row[6]) for row in found] == [
        ("CNY", "critical", 1, 2, 100, 1.0, 100),
        ("CNY", "high", 1, 1, 5, 0.05, 5),
        ("JPY", "high", 1, 1, 9, 9.0, 9),
    ]


def test_who_recurs_is_told_by_the_clock_of_the_log(store: Store) -> None:
    far = MARCH - 31 * DAY_MS
    store.write([watermark(MARCH), alert("a1", "a"), alert("a2", "a", rule_id="other", severity="critical")])
    store.write([alert("b1", "b"), alert("b2", "b", at=far), alert("c1", "c", at=far), alert("c2", "c", at=far)])
    found = ask(store, "SELECT subject_masked, alerts, rules, severity, alert_id FROM v_recurring_subjects")
    assert found == [(f"****{token('a')[-4:]}", 2, 2, "critical", "a2")]
    counterparties = "SELECT counterparty_masked, alerts, subjects FROM v_recurring_counterparties ORDER BY alerts DESC"
    assert ask(store, counterparties)[0] == (f"****{token('collector')[-4:]}", 3, 2)


def test_an_alert_is_linked_by_subject_event_and_counterparty(store: Store) -> None:
    shared = (Evidence("shared", "credit", MARCH, 5, "CNY", token("x")),)
    store.write(
        [alert("one", "a", evidence=shared), alert("again", "a", evidence=()), alert("event", "b", evidence=shared)]
    )
    store.write([alert("payer", "x", evidence=()), alert("stranger", "y", evidence=())])
    found = ask(store, "SELECT link, linked_alert_id FROM v_alert_links WHERE alert_id = 'one' ORDER BY link")
    assert found == [("alert on a counterparty", "payer"), ("same event", "event"), ("same subject", "again")]


def test_precision_is_confirmed_over_decided(store: Store) -> None:
    store.write([alert(f"a{n}") for n in range(6)] + [alert("s", shadow=True), alert("o", rule_id="other")])
    for name, status in (("a0", Status.CONFIRMED), ("a1", Status.CONFIRMED), ("a2", Status.DISMISSED),
                         ("a3", Status.INCONCLUSIVE), ("a4", Status.WORKING), ("s", Status.DISMISSED),
                         ("o", Status.INCONCLUSIVE)):  # fmt: skip
        set_alert(store, name, Change("lin", status))
    query = "SELECT rule_id, shadow, closed, confirmed, dismissed, inconclusive, precision_ratio FROM v_rule_precision"
    found = [(row[0], bool(row[1]), *row[2:6], row[6] and float(row[6])) for row in ask(store, query)]
    assert sorted(found) == [
        ("other", False, 1, 0, 0, 1, None),
        ("pass-through-account", False, 4, 2, 1, 1, 0.6667),
        ("pass-through-account", True, 1, 0, 1, 0, 0.0),
    ]
    tell(store, "UPDATE alerts SET status_at = '2020-01-01T00:00:00.000Z'")
    assert ask(store, "SELECT count(*) FROM v_rule_precision") == [(0,)]
    assert ask(store, "SELECT count(*) FROM v_dispositions") == [(6,)]


def test_a_rule_is_silent_after_30_days_in_force_without_a_hit(store: Store) -> None:
    def in_force(digest: str, from_time: int, *rules: str) -> RulesetInForce:
        return RulesetInForce(digest, 0, Position(1, from_time % 1000, 0), from_time, rules, "{}")

    old, late = MARCH - 90 * DAY_MS, MARCH - 20 * DAY_MS
    store.write([watermark(MARCH), RuleCount("mute", 0, Position(1, 1, 0), {"history too short": 4}, 0)])
    store.write(
        [in_force("1", old, "mute", "gone", "loud", "long-ago"), in_force("2", late, "mute", "loud", "long-ago", "new")]
    )
    store.write([alert("l", rule_id="loud"), alert("q", rule_id="long-ago", at=MARCH - 40 * DAY_MS)])
    found = ask(store, "SELECT rule_id, silent_days, undecided FROM v_rules_silent ORDER BY rule_id")
    assert found == [("long-ago", 40, 0), ("mute", 90, 4)]


def test_a_rule_on_trial_is_compared_to_what_active_rules_said(store: Store) -> None:
    trial: dict[str, Any] = {"rule_id": "trial", "shadow": True}
    store.write([watermark(MARCH), alert("t1", "a", **trial), alert("t2", "b", **trial), alert("t3", "c", **trial)])
    store.write([alert("known", "a", at=MARCH - 23 * HOUR_MS), alert("far", "b", at=MARCH - 25 * HOUR_MS)])
    store.write([alert("taken-back", "c", state=AlertState.WITHDRAWN)])
    names = "rule_id, shadow_alerts, also_active, shadow_only, active_of_typology"
    assert ask(store, f"SELECT {names} FROM v_rule_trials") == [("trial", 3, 1, 2, 2)]


def test_what_was_held_back_names_by_what(store: Store) -> None:
    entry = "payroll-batch: salaries of " + MULE
    held: dict[str, Any] = {"state": AlertState.HELD, "held_by": entry}
    store.write(
        [watermark(MARCH), mule_alert("h1", hits=2, **held), mule_alert("h2", hits=3, **held), alert("busy", hits=9)]
    )
    store.write([alert("long-ago", at=MARCH - 40 * DAY_MS, hits=5)])
    found = ask(store, "SELECT held_by, alerts, hits FROM v_held_back ORDER BY held_by")
    assert found == [("cool-down", 1, 8), (f"payroll-batch: salaries of ****{MULE[-4:]}", 2, 5)]


def test_events_not_evaluated_are_told_by_source_and_reason(store: Store) -> None:
    counts: list[Outcome] = [ingest_count(), ingest_count(partition=1, refused=2), ingest_count(epoch=2, refused=7)]
    store.write([*counts, rule_count(errors=3), source_found()])
    query = "SELECT what, coalesce(source, rule_id), reason, events FROM v_not_evaluated ORDER BY what"
    assert ask(store, query) == [
        ("error", "dormant-account", "error inside the rule", 3),
        ("late", "payments/0", "older than lateness allows", 3),
        ("refused", "payments/0", "amount_not_positive", 2),
        ("undecided", "dormant-account", "history too short", 4),
    ]


def test_who_holds_the_watermark_is_told_and_a_source_never_heard_of_holds_it(store: Store) -> None:
    store.write([watermark(MARCH), watermark(None, partition=1, held_by="settlements/0")])
    store.write([watermark(MARCH - DAY_MS, offset=4, held_by="older news")])
    query = "SELECT activity_partition, held_by, behind_ms, watermark IS NULL FROM v_watermarks ORDER BY 1"
    found = [(*row[:3], bool(row[3])) for row in ask(store, query)]
    assert found == [(0, "payments/1", MINUTE_MS, False), (1, "settlements/0", None, True)]


def test_latency_is_that_of_the_first_revision_and_percentiles_are_nearest_ranks(store: Store) -> None:
    for n in range(1, 101):
        store.write([mule_alert(f"a{n}", event_at=MARCH, detected_at=MARCH + n)])
    store.write([mule_alert("a1", offset=8, detected_at=MARCH + HOUR_MS), mule_alert("embedded", detected_at=0)])
    query = "SELECT period, alerts, event_to_detected_p50_ms, event_to_detected_p95_ms, event_to_detected_p99_ms"
    found = ask(store, query + " FROM v_latency ORDER BY period")
    assert found == [(period, 100, 50, 95, 99) for period in ("1 hour", "24 hours", "7 days")]
    query = "SELECT alert_id, event_to_detected_ms FROM v_alert_latency WHERE alert_id IN ('a1', 'embedded') ORDER BY 1"
    assert ask(store, query) == [("a1", 1), ("embedded", None)]


def test_what_was_known_at_a_moment_is_one_row_per_alert(store: Store) -> None:
    store.write([mule_alert(offset=8, hits=2)])
    store.write([mule_alert(offset=7, hits=1)])
    store.write([withdrawn(offset=9)])
    for revision, second in ((7, 30), (8, 10), (9, 50)):
        tell(
            store,
            f"UPDATE alert_amendments SET stored_at = '2026-03-02T09:00:{second:02d}.000Z' WHERE revision_offset = {revision}",
        )

    def known(second: int) -> list[tuple[object, ...]]:
        at = f"'2026-03-02T09:00:{second:02d}.000Z'"
        where = f"stored_at <= {at} AND (known_until > {at} OR known_until IS NULL)"
        return ask(store, f"SELECT engine_state, hits FROM v_alert_history WHERE {where}")

    # an older revision (offset 7) that came in later was never what was known
    assert [known(second) for second in (5, 15, 40, 55)] == [
        [],
        [("standing", 2)],
        [("standing", 2)],
        [("withdrawn", 0)],
    ]


def test_a_hold_is_seen_on_the_alert(store: Store) -> None:
    store.write([mule_alert(), mule_alert("free", evidence=(credit(1),))])
    place_hold(store, ALERT_ID, f"court order on {MULE}", "lin")
    assert [bool(row[0]) for row in ask(store, "SELECT legal_hold FROM v_alerts ORDER BY alert_id")] == [True, False]
    assert ask(store, "SELECT reason FROM v_legal_holds") == [(f"court order on ****{MULE[-4:]}",)]
