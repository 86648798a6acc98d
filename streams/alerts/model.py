"""What detection says to the world: the records of the alerts topic, which the record agent writes to SQL.

Every record is absolute and carries the position that caused it, so that of two records with one key the newer position
wins and repeating one is harmless. Times are milliseconds since the epoch.
"""

from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from streams.legs import APPROVED, Terms


class Position(NamedTuple):
    """A place in the activity log of one partition; compared left to right.

    ``epoch`` is our own number, raised whenever the topic is made anew; ``offset`` is that of the packed record;
    ``index`` counts the outputs of that record.
    """

    epoch: int
    offset: int
    index: int  # type: ignore[assignment]  # shadows tuple.index, which nobody calls on a position


class AlertState(StrEnum):
    """The engine's word on an alert; what people say of it is kept apart."""

    PROVISIONAL = "provisional"
    """The watermark has not passed the first hit: a late leg may still change it."""
    STANDING = "standing"
    WITHDRAWN = "withdrawn"
    HELD = "held"
    """Every hit was held back by a list entry; recorded, so that nothing hides."""


class Measured(Struct, frozen=True, array_like=True):
    """One value a rule measured, with its text for people; ``limit`` is what it was compared to, if anything."""

    name: str
    text: str
    value: int | str | None
    unit: str
    limit: str | None = None


class Evidence(Struct, frozen=True, array_like=True):
    """One leg an alert stands on; ``role`` is the leg's kind as seen from the subject (``credit``, ``debit``, ...)."""

    event_id: str
    role: str
    time: int
    amount_minor: int
    currency: str
    counterparty: str


class Alert(Struct, frozen=True, tag="alert"):
    """One alert at one revision, whole."""

    alert_id: str
    revision: Position
    state: AlertState
    shadow: bool
    rule_id: str
    rule_version: int
    title: str
    severity: str
    typology: str
    ruleset_digest: str
    engine: int
    subject_kind: str
    subject: str
    currency: str
    bucket_start: int
    bucket_ms: int
    """0 for a rule about one settlement or payment: the alert's identity is then ``about``, not a bucket."""
    about: str
    """Key of the settlement or payment the alert is about; empty for a rule on a bucket of time."""
    first_hit: int
    last_hit: int
    hits: int
    reason: str
    values: tuple[Measured, ...]
    evidence: tuple[Evidence, ...]
    """In canonical order; the newest when ``truncated``."""
    truncated: bool = False
    approximate: bool = False
    held_by: str = ""
    withdrawn_because: str = ""
    event_at: int = 0
    """Event time of the last input that changed it: ``last_hit``, kept for latency together with ``detected_at``."""
    detected_at: int = 0
    """Wall clock of the worker, set outside the core; no part of identity or equality."""


class DeadLetter(Struct, frozen=True, tag="dead_letter"):
    """A refused record, without its content; (topic, partition, offset) is its key."""

    topic: str
    partition: int
    offset: int
    refusal: str
    field: str
    detail: str
    masked: str
    """The first bytes with every letter and digit of values masked."""
    bytes_total: int
    kafka_time: int


class DeadLetterRetried(Struct, frozen=True, tag="dead_letter_retried"):
    """A refused record was fed again, once; its copy stands at ``retried_offset`` of the same source partition."""

    topic: str
    partition: int
    offset: int
    retried_offset: int
    retried_at: int
    mended: bool
    """Other bytes were fed than were refused."""


class IngestCount(Struct, frozen=True, tag="ingest_count"):
    """Absolute counts of one activity partition about one source partition (invariant I7).

    Over all activity partitions, accepted + duplicate + refused = found (``SourceFound``); ``late`` is a part of accepted,
    ``conflict`` a part of duplicate.
    """

    source: str
    """``payments/0``: topic and partition, or a file's name when embedded."""
    partition: int
    revision: Position
    accepted: int
    late: int
    duplicate: int
    conflict: int
    refused: dict[str, int]


class SourceFound(Struct, frozen=True, tag="source_found"):
    """How many records intake has found in a source partition: from ``first_offset`` to the offset of the revision.

    It comes from intake itself and not through the activity log, so that a leg lost on the way cannot hide (invariant I7).
    """

    source: str
    revision: Position
    """(epoch, next offset of the source, 0)."""
    first_offset: int
    found: int
    lost: int = 0
    """Offsets that retention had deleted before intake read them."""


class RuleCount(Struct, frozen=True, tag="rule_count"):
    """Absolute counts of one activity partition about one rule: what it could not decide, and its errors."""

    rule_id: str
    partition: int
    revision: Position
    undecided: dict[str, int]
    """By reason."""
    errors: int


class Watermark(Struct, frozen=True, tag="watermark"):
    """How far an activity partition has seen its sources, and who is furthest behind.

    Told when the minute or the holder changes, not at every tick.
    """

    partition: int
    revision: Position
    time: int | None
    """Event time; None while a source has not been heard of."""
    held_by: str
    """The source that is furthest behind; empty when there is none."""
    furthest: int | None
    """Event time of the source that is furthest ahead."""


class RulesetInForce(Struct, frozen=True, tag="ruleset_in_force"):
    """A partition took a ruleset into its schedule."""

    digest: str
    partition: int
    revision: Position
    from_time: int
    rule_ids: tuple[str, ...]
    text: str
    """The whole set as published, JSON object of file name to text."""
    terms: Terms = APPROVED
    storms: dict[str, int] = {}
    """Open alerts of one hour that are shown one by one (0: all), of the rules that say how many."""


Outcome = Alert | DeadLetter | DeadLetterRetried | IngestCount | SourceFound | RuleCount | Watermark | RulesetInForce
