"""Alert ids: the same for the same facts, whoever computes them and in whatever order they came."""

from hashlib import blake2b

from streams.state.program import HitKey


def alert_id(key: HitKey, subject_kind: int, subject: str) -> str:
    """Give 32 hex digits over rule, major version, subject, currency where money is summed, and bucket or settlement.

    Never the first hit or the moment of detection: those move.
    """
    parts = (key.rule_id, key.version, subject_kind, subject, key.currency, key.bucket_start, key.bucket_ms, key.about)
    return blake2b("\x1f".join(map(str, parts)).encode(), digest_size=16).hexdigest()
