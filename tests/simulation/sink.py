"""A store in memory that keeps what SQL keeps: the newest revision of each key, and every revision of an alert as history.

``test_sink`` holds it to the real writer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

import msgspec

from streams.alerts.model import (
    Alert,
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
from streams.errors import StoreUnreachable

Key = tuple[object, ...]


@dataclass(slots=True)
class Sink:
    """What stands in the store."""

    newest: dict[Key, Outcome] = field(default_factory=dict)
    history: dict[tuple[str, Position], Alert] = field(default_factory=dict)

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Write a batch, whole."""
        for outcome in outcomes:
            if isinstance(outcome, Alert):
                self.history.setdefault((outcome.alert_id, outcome.revision), outcome)
            key = key_of(outcome)
            before = self.newest.get(key)
            if before is None or newer(outcome, before):
                self.newest[key] = outcome

    def alerts(self) -> dict[str, Alert]:
        """Give the newest revision of every alert."""
        return {each.alert_id: each for each in self.newest.values() if isinstance(each, Alert)}


def key_of(outcome: Outcome) -> Key:
    """Give what an outcome is about."""
    match outcome:
        case Alert():
            return "alert", outcome.alert_id
        case DeadLetter() | DeadLetterRetried():
            return outcome.__struct_config__.tag, outcome.topic, outcome.partition, outcome.offset
        case IngestCount():
            return "ingest", outcome.source, outcome.partition
        case SourceFound():
            return "found", outcome.source
        case RuleCount() | RulesetInForce() | Watermark():
            about = tuple(getattr(outcome, name, None) for name in ("rule_id", "digest", "from_time", "partition"))
            return outcome.__struct_config__.tag, *about


def newer(outcome: Outcome, known: Outcome) -> bool:
    """Tell whether an outcome replaces the one that is known under its key."""
    written_once = DeadLetter | DeadLetterRetried
    if isinstance(outcome, written_once) or isinstance(known, written_once):
        return False
    return outcome.revision > known.revision


def plain(outcome: Outcome) -> Outcome:
    """Leave out the moment of detection, which is no part of what an outcome says."""
    return msgspec.structs.replace(outcome, detected_at=0) if isinstance(outcome, Alert) else outcome


@dataclass(slots=True)
class Service:
    """The way to the store: it may be down, and the connection may be lost after COMMIT was sent."""

    write: Callable[[Sequence[Outcome]], object]
    dice: Random
    down: bool = False
    lost: float = 0.0
    """Chance that the answer to a COMMIT does not come."""

    def __call__(self, outcomes: Sequence[Outcome]) -> None:
        """Write, or raise StoreUnreachable, and then it may be written all the same."""
        if self.down:
            raise StoreUnreachable("down")
        draw = self.dice.random()
        if draw < self.lost / 2:
            raise StoreUnreachable("lost before COMMIT")
        self.write(outcomes)
        if draw < self.lost:
            raise StoreUnreachable("lost after COMMIT")
