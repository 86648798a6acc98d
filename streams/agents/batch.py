"""What travels from the consumer to an agent: raw records of one partition, and the words for positions."""

from typing import NamedTuple

import msgspec
from faust.types import TP

__all__ = ["TP", "Batch", "Committed", "End", "Record", "Revoked", "Stopped"]


class Record(msgspec.Struct, frozen=True, gc=False):
    """One Kafka record as bytes. ``value`` is None for a tombstone; ``timestamp_ms`` is Kafka's own time stamp."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Batch(msgspec.Struct, frozen=True):
    """Consecutive records of one partition: everything a committed reader can see in ``[first_offset, next_offset)``.

    Offsets inside may have gaps (compaction, transaction markers); the borders have none: the next batch of the
    partition in the same term starts at ``next_offset``. ``term`` counts assignments of this process.
    """

    topic: str
    partition: int
    first_offset: int
    next_offset: int
    records: list[Record]
    term: int
    lost: int = 0
    """Offsets right before the first that retention had deleted before they were read."""

    @property
    def tp(self) -> TP:
        """Topic and partition."""
        return TP(self.topic, self.partition)

    def __repr__(self) -> str:
        return f"<Batch {self.topic}-{self.partition} [{self.first_offset}, {self.next_offset}) n={len(self.records)}>"


class Committed(NamedTuple):
    """A position as the broker keeps it for the group: every record before ``offset`` is done."""

    offset: int
    metadata: str


class End(NamedTuple):
    """Where one partition stands. None means unknown, for example before the first answer after an assignment.

    ``delivered`` is the next offset for the agents, ``acknowledged`` the next one that is not done, ``highwater`` the
    broker's end of the log (open transactions included) and ``age_seconds`` the age of that knowledge; ``oldest_ms`` is
    the time stamp of the oldest record that was delivered and is not done.
    """

    delivered: int | None
    acknowledged: int | None
    highwater: int | None
    age_seconds: float | None
    oldest_ms: int | None = None

    @property
    def lag(self) -> int | None:
        """Offsets not done yet, transaction markers counted; never negative."""
        if self.highwater is None or self.acknowledged is None:
            return None
        return max(0, self.highwater - self.acknowledged)

    def reached(self, age_seconds_max: float) -> bool:
        """Whether all that the broker had ``age_seconds_max`` ago or later is delivered and acknowledged."""
        if self.highwater is None or self.age_seconds is None or self.age_seconds > age_seconds_max:
            return False
        return min(self.delivered or 0, self.acknowledged or 0) >= self.highwater


class Revoked(Exception):
    """The term is over: drop the batch in hand without acknowledging it; whoever owns the partition next redoes it.

    Not an error, so not in the tree of ``streams.errors``; the guard swallows it.
    """


class Stopped(Revoked):
    """The worker stops: the client is closed, and no term comes after this one."""
