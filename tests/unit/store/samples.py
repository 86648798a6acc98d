"""Outcomes to write: whole, believable, and different only where a test says so."""

import hashlib
from typing import Final

from streams.alerts.model import (
    Alert,
    AlertState,
    DeadLetter,
    Evidence,
    IngestCount,
    Measured,
    Position,
    RuleCount,
    RulesetInForce,
    SourceFound,
    Watermark,
)
from streams.clock import DAY_MS, MINUTE_MS

MARCH: Final = 1_772_353_800_123
"""2026-03-01T08:30:00.123Z"""
ALERT_ID: Final = "4be1f02a7791c3d0"


def token(name: str) -> str:
    """Give the keyed token of an account."""
    return hashlib.sha256(name.encode()).hexdigest()


MULE: Final = token("mule")


def credit(number: int, amount_minor: int = 1_000_000) -> Evidence:
    """Give one payment into the mule's account."""
    return Evidence(f"event-{number}", "credit", MARCH + number, amount_minor, "CNY", token(f"payer {number}"))


def debit(number: int, amount_minor: int = 1_900_000) -> Evidence:
    """Give one payment out of it."""
    return Evidence(f"event-{number}", "debit", MARCH + MINUTE_MS + number, amount_minor, "CNY", token("collector"))


def mule_alert(alert_id: str = ALERT_ID, offset: int = 7, **changed: object) -> Alert:
    """Give an alert on money that passes straight through; any field may be changed by name."""
    fields: dict[str, object] = {
        "alert_id": alert_id,
        "revision": Position(1, offset, 0),
        "state": AlertState.STANDING,
        "shadow": False,
        "rule_id": "pass-through-account",
        "rule_version": 1,
        "title": "Money passes straight through an account",
        "severity": "high",
        "typology": "mule",
        "ruleset_digest": "d" * 64,
        "engine": 1,
        "subject_kind": "account",
        "subject": MULE,
        "currency": "CNY",
        "bucket_start": MARCH - MARCH % DAY_MS,
        "bucket_ms": DAY_MS,
        "about": "",
        "first_hit": MARCH,
        "last_hit": MARCH + MINUTE_MS,
        "hits": 1,
        "reason": "19,000.00 CNY left within 24 h of 20,000.00 CNY coming in from 2 payers",
        "values": (Measured("sent", "19,000.00 CNY", 1_900_000, "CNY", ">= 90% of received"),),
        "evidence": (credit(1), credit(2), debit(3)),
        "event_at": MARCH + MINUTE_MS,
        "detected_at": MARCH + MINUTE_MS + 250,
    }
    return Alert(**{**fields, **changed})  # type: ignore[arg-type]


def withdrawn(alert_id: str = ALERT_ID, offset: int = 9) -> Alert:
    """Give the revision in which the engine takes the alert back."""
    return mule_alert(
        alert_id, offset, state=AlertState.WITHDRAWN, evidence=(), hits=0, withdrawn_because="a late payment changed it"
    )


def dead_letter(offset: int = 5) -> DeadLetter:
    """Give a refused record."""
    return DeadLetter("payments", 0, offset, "amount_not_positive", "amount_minor", "-1", '{"a":"***"}', 311, MARCH)


def source_found(found: int = 93, *, source: str = "payments/0", offset: int = 185, epoch: int = 1) -> SourceFound:
    """Give what intake found in a source."""
    return SourceFound(source, Position(epoch, offset, 0), 0, found)


def ingest_count(
    offset: int = 5, accepted: int = 90, *, partition: int = 0, refused: int = 1, epoch: int = 1
) -> IngestCount:
    """Give the counts of one source in one partition of the log."""
    refusals = {"amount_not_positive": refused} if refused else {}
    return IngestCount("payments/0", partition, Position(epoch, offset, 0), accepted, 3, 2, 1, refusals)


def rule_count(offset: int = 5, errors: int = 0) -> RuleCount:
    """Give what a rule could not decide."""
    return RuleCount("dormant-account", 0, Position(1, offset, 0), {"history too short": 4}, errors)


def watermark(
    time: int | None = MARCH, *, offset: int = 5, partition: int = 0, held_by: str = "payments/1"
) -> Watermark:
    """Give how far the sources of a partition are."""
    return Watermark(partition, Position(1, offset, 9), time, held_by, MARCH + MINUTE_MS)


def ruleset(partition: int = 0, offset: int = 1) -> RulesetInForce:
    """Give the ruleset a partition took."""
    rules = ("dormant-account", "pass-through-account", "silent-rule")
    return RulesetInForce("d" * 64, partition, Position(1, offset, 0), MARCH, rules, '{"a.yaml":"id: a"}')
