"""A small store in which every panel has something to show: rules that fire, storm, are silent, on trial, and people at work."""

from typing import Final

from sqlalchemy import text

from streams.alerts.model import Alert, AlertState, Evidence, Outcome, Position, RuleCount, RulesetInForce
from streams.clock import DAY_MS, HOUR_MS, MINUTE_MS
from streams.store import Store
from streams.store.casework import Change, Status, set_alert
from tests.unit.store.samples import (
    MARCH,
    dead_letter,
    ingest_count,
    mule_alert,
    source_found,
    token,
    watermark,
)

FLOW, DORMANT, SILENT, TRIAL = "flow-through", "dormant-wakes", "never-fires", "on-trial"
CHOSEN_ALERT: Final = "a-one"
_OLD: Final = "2026-03-01T08:40:00.000Z"


def alert(name: str, subject: str, **changed: object) -> Alert:
    """Give an alert of the first rule, about an account of its own."""
    fields: dict[str, object] = {"subject": token(subject), "rule_id": FLOW, "revision": Position(1, 7, 0)}
    return mule_alert(name, **{**fields, **changed})  # type: ignore[arg-type]


def paid(amount_minor: int, currency: str, payer: str) -> dict[str, object]:
    """Give an alert one payment as evidence."""
    evidence = (Evidence(f"from {payer}", "credit", MARCH, amount_minor, currency, token(payer)),)
    return {"currency": currency, "evidence": evidence}


def seed(store: Store) -> None:
    """Fill it; what the wall clock says is moved to fixed times, so that every run shows the same.

    One alert stays closed now: precision looks back 90 days from today.
    """
    rules = (FLOW, DORMANT, SILENT, TRIAL)
    outcomes: list[Outcome] = [
        RulesetInForce("e" * 64, 0, Position(1, 1, 0), MARCH - 60 * DAY_MS, rules, "{}"),
        RulesetInForce("f" * 64, 0, Position(1, 2, 0), MARCH - HOUR_MS, rules, "{}", storms={FLOW: 1}),
        RulesetInForce("f" * 64, 1, Position(1, 2, 0), MARCH - HOUR_MS, rules, "{}", storms={FLOW: 1}),
        watermark(MARCH), watermark(MARCH - MINUTE_MS, partition=1, held_by="payments/0"),
        ingest_count(), source_found(94), dead_letter(5), dead_letter(6),
        RuleCount(DORMANT, 0, Position(1, 5, 0), {"history too short": 4}, 1),
        alert(CHOSEN_ALERT, "a", severity="critical", **paid(500_000, "CNY", "x")),
        alert("a-two", "a", rule_id=DORMANT, typology="dormant", **paid(200_000, "CNY", "x")),
        alert("b-one", "b", hits=3, **paid(70_000, "USD", "x")),
        alert("c-one", "c", **paid(90_000, "CNY", "y")), alert("d-one", "d", **paid(10_000, "USD", "z")),
        alert("e-one", "e", rule_id=DORMANT, typology="dormant", severity="low", **paid(1, "CNY", "y")),
        alert("t-one", "a", rule_id=TRIAL, shadow=True, **paid(5, "CNY", "x")),
        alert("t-two", "t", rule_id=TRIAL, shadow=True, **paid(5, "CNY", "x")),
        alert("held", "h", state=AlertState.HELD, held_by="shops: a known shop", hits=2),
        alert("back", "w", state=AlertState.WITHDRAWN, withdrawn_because="a late payment changed it", evidence=()),
        alert("f-one", "f", **paid(3, "CNY", "v")),
    ]  # fmt: skip
    store.write(outcomes)
    store.write([mule_alert("bad", evidence=(Evidence("e", "credit", MARCH, 2**63, "CNY", "x"),))])
    for name, status in (
        ("c-one", Status.CONFIRMED),
        ("d-one", Status.DISMISSED),
        ("e-one", Status.CONFIRMED),
        ("f-one", Status.CONFIRMED),
    ):
        set_alert(store, name, Change("lin", status, "lin"))
    set_alert(store, CHOSEN_ALERT, Change("lin", Status.WORKING, "lin", note=f"{token('a')} called"))
    with store.engine.begin() as connection:
        for statement in (
            f"UPDATE alerts SET first_stored_at = first_detected_at + interval '50 ms', stored_at = '{_OLD}'",
            (
                "UPDATE alerts SET status_at = first_stored_at + interval '3 hours' WHERE status_at IS NOT NULL "
                "AND alert_id <> 'f-one'"
            ),
            f"UPDATE dead_letters SET stored_at = '{_OLD}'",
        ):
            connection.execute(text(statement))
