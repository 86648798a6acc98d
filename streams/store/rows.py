"""From outcomes to rows: pure, one tuple per row, in the order of the table's columns.

Times stay integer milliseconds; ``streams.store.upsert`` turns them into what the database takes.
"""

from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Table

from streams.alerts.model import (
    Alert,
    AlertState,
    DeadLetter,
    DeadLetterRetried,
    IngestCount,
    Outcome,
    Position,
    RuleCount,
    RulesetInForce,
    SourceFound,
    Watermark,
)
from streams.detection.words import Type
from streams.store.masking import mask_text, mask_token

Value = str | int | bool | None
Row = tuple[Value, ...]

GIVEN_BY_STORE: Final = frozenset(
    {"first_stored_at", "stored_at", "status", "assigned_to", "status_at", "work_revision"}
)
"""Columns no outcome fills: the store's clock, and what people say."""
FIXED: Final = frozenset({"first_event_at", "first_detected_at"})
"""Columns that the first revision fills for good."""
_NUL: Final = rb"\u0000"
_NUL_SHOWN: Final = rb"\u2400"
_decoder: Final[msgspec.json.Decoder[Outcome]] = msgspec.json.Decoder(Outcome)


def filled_columns(table: Table) -> tuple[str, ...]:
    """Name the columns a row of this table fills, in order."""
    return tuple(column.name for column in table.columns if column.name not in GIVEN_BY_STORE)


def readable(outcome: Outcome) -> Outcome:
    """Replace zero characters, wherever they stand, by a sign that shows them.

    PostgreSQL has no text with a zero character, and a payment that carries one must not thereby hide its alert.
    Raises ``OverflowError`` for a number beyond 64 bits.
    """
    text = msgspec.json.encode(outcome)
    if _NUL not in text:
        return outcome
    return _decoder.decode(text.replace(_NUL, _NUL_SHOWN))


def to_json(value: object) -> str:
    """Write a JSON document."""
    return msgspec.json.encode(value).decode()


def money_of(alert: Alert) -> tuple[int | None, str | None]:
    """Give the money an alert is about: of its evidence, the kind of leg (``role``) that carries most.

    Credits and debits are not added, since they may be the same money. Without a currency of its own, an alert has an
    amount only if its evidence has one currency.
    """
    currencies = {item.currency for item in alert.evidence}
    currency = alert.currency or (next(iter(currencies)) if len(currencies) == 1 else "")
    sums: dict[str, int] = {}
    for item in alert.evidence:
        if item.currency == currency:
            sums[item.role] = sums.get(item.role, 0) + item.amount_minor
    return (max(sums.values()), currency) if currency and sums else (None, None)


class Texts(NamedTuple):
    """What the rows of one alert share."""

    reason_masked: str | None
    """None when the reason names no account."""
    measured: str


def texts_of(alert: Alert) -> Texts:
    """Mask the subject, all counterparties and accounts measured in the reason; write the measured values as JSON."""
    named = [value.text for value in alert.values if value.unit == Type.ACCOUNTS]
    masked = mask_text(alert.reason, {alert.subject, *named, *[item.counterparty for item in alert.evidence]})
    measured = to_json([msgspec.structs.asdict(value) for value in alert.values])
    return Texts(masked if masked != alert.reason else None, measured)


def alert_row(alert: Alert, texts: Texts) -> Row:
    """Fill ``alerts``."""
    return (
        alert.alert_id,
        *alert.revision,
        alert.state.value,
        alert.shadow,
        alert.rule_id,
        alert.rule_version,
        alert.title,
        alert.severity,
        alert.typology,
        alert.ruleset_digest,
        alert.engine,
        alert.subject_kind,
        alert.subject,
        mask_token(alert.subject),
        alert.currency,
        alert.bucket_start,
        alert.bucket_ms,
        alert.about,
        alert.first_hit,
        alert.last_hit,
        alert.hits,
        alert.reason,
        texts.reason_masked,
        *money_of(alert),
        texts.measured,
        len(alert.evidence),
        alert.truncated,
        alert.approximate,
        alert.held_by,
        alert.withdrawn_because,
        alert.event_at or alert.last_hit,
        alert.detected_at or None,
        alert.event_at or alert.last_hit,
        alert.detected_at or None,
    )


def evidence_rows(alert: Alert) -> list[Row]:
    """Fill ``alert_evidence``, in the order of the alert."""
    alert_id = alert.alert_id
    return [
        (alert_id, n, item.event_id, item.role, item.time, item.amount_minor, item.currency, item.counterparty)
        for n, item in enumerate(alert.evidence)
    ]


def amendment_row(alert: Alert, texts: Texts) -> Row:
    """Fill ``alert_amendments``: one row for each revision the store ever saw."""
    return (
        alert.alert_id,
        *alert.revision,
        alert.state.value,
        alert.reason,
        texts.reason_masked,
        alert.hits,
        texts.measured,
        to_json([item.event_id for item in alert.evidence]),
        alert.held_by,
        alert.withdrawn_because,
        alert.ruleset_digest,
        alert.event_at or alert.last_hit,
        alert.detected_at or None,
    )


def dead_letter_row(letter: DeadLetter) -> Row:
    """Fill ``dead_letters``."""
    return (
        letter.topic,
        letter.partition,
        letter.offset,
        letter.refusal,
        letter.field,
        letter.detail,
        letter.masked,
        letter.bytes_total,
        letter.kafka_time,
    )


def dead_letter_retry_row(retry: DeadLetterRetried) -> Row:
    """Fill ``dead_letter_retries``."""
    return (retry.topic, retry.partition, retry.offset, retry.retried_offset, retry.retried_at, retry.mended)


def ingest_row(count: IngestCount) -> Row:
    """Fill ``ingest_counters``."""
    return (
        count.source,
        count.partition,
        *count.revision,
        count.accepted,
        count.late,
        count.duplicate,
        count.conflict,
        sum(count.refused.values()),
        to_json(count.refused),
    )


def found_row(found: SourceFound) -> Row:
    """Fill ``sources_found``."""
    return (found.source, *found.revision, found.first_offset, found.found, found.lost)


def rule_row(count: RuleCount) -> Row:
    """Fill ``rule_counters``."""
    undecided = sum(count.undecided.values())
    return (count.rule_id, count.partition, *count.revision, undecided, to_json(count.undecided), count.errors)


def watermark_row(mark: Watermark) -> Row:
    """Fill ``watermarks``."""
    return (mark.partition, *mark.revision, mark.time, mark.held_by, mark.furthest)


def ruleset_row(ruleset: RulesetInForce) -> Row:
    """Fill ``rulesets``."""
    return (ruleset.digest, ruleset.text, to_json(ruleset.rule_ids), len(ruleset.rule_ids), to_json(ruleset.storms))


def ruleset_partition_row(ruleset: RulesetInForce) -> Row:
    """Fill ``ruleset_partitions``."""
    terms = ruleset.terms
    return (
        ruleset.digest,
        ruleset.partition,
        ruleset.from_time,
        *ruleset.revision,
        terms.shadow_until or None,
        terms.approved_by,
        terms.emergency,
    )


def key_of(outcome: Outcome) -> str:
    """Name an outcome for a log: its key in SQL, with the revision if it has one."""
    if isinstance(outcome, DeadLetter | DeadLetterRetried):
        return f"{outcome.topic}/{outcome.partition}/{outcome.offset}"
    return f"{_name_of(outcome)}@{_dotted(outcome.revision)}"


def _name_of(outcome: Alert | IngestCount | SourceFound | RuleCount | Watermark | RulesetInForce) -> str:
    match outcome:
        case Alert():
            return outcome.alert_id
        case IngestCount():
            return f"{outcome.source}/{outcome.partition}"
        case SourceFound():
            return outcome.source
        case RuleCount():
            return f"{outcome.rule_id}/{outcome.partition}"
        case Watermark():
            return str(outcome.partition)
        case RulesetInForce():
            return f"{outcome.digest}/{outcome.partition}"


def is_withdrawn(alert: Alert) -> bool:
    """Say whether the engine took the alert back."""
    return alert.state is AlertState.WITHDRAWN


def _dotted(revision: Position) -> str:
    return ".".join(str(part) for part in revision)
