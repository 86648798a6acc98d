"""Alert ids: the same for the same facts, whoever computes them and in whatever order they came."""

from hashlib import blake2b
from typing import NamedTuple

from streams.alerts.model import Alert
from streams.state.program import HitKey


def alert_id(key: HitKey, subject_kind: int, subject: str) -> str:
    """Give 32 hex digits over rule, major version, subject, currency where money is summed, and bucket or settlement.

    Never the first hit or the moment of detection: those move.
    """
    parts = (key.rule_id, key.version, subject_kind, subject, key.currency, key.bucket_start, key.bucket_ms, key.about)
    return blake2b("\x1f".join(map(str, parts)).encode(), digest_size=16).hexdigest()


class LastingKey(NamedTuple):
    """What two alerts share if they say the same, whatever the version of their rule: rule, subject, and bucket or occasion."""

    rule_id: str
    subject_kind: str
    subject: str
    currency: str
    bucket_start: int
    bucket_ms: int
    about: str


def lasting_key(alert: Alert) -> LastingKey:
    """Give the key under which an alert of another ruleset is the same."""
    return LastingKey._make(getattr(alert, name) for name in LastingKey._fields)
