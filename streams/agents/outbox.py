"""What one partition of the activity log has to say and has not said yet."""

from typing import Final

import msgspec

from streams.agents.activity import activity_records
from streams.agents.producer import Outgoing
from streams.agents.wall import now_ms
from streams.alerts.codec import encode_outcome
from streams.alerts.model import Alert, IngestCount, Outcome, RuleCount, Watermark
from streams.legs import FORMAT_VERSION, Mark, Packed, partition_of
from streams.pipeline import Outputs
from streams.settings.topics import ALERTS
from streams.telemetry.metrics import Metrics

MARKS_MAX: Final = 1_000
"""Marks in one record of the activity topic."""


class Outbox:
    """Gathers the outputs of several log records, because a record costs about as much to send and to read as many marks.

    Marks to one partition travel together, in their order. Of counts, which are absolute, only the newest of a kind goes out.
    Alerts go out one by one: each revision is history.
    """

    def __init__(self, partition: int, partitions: int, metrics: Metrics) -> None:
        """Empty; ``partitions`` is the width of the activity topic."""
        self._partition, self._partitions, self._metrics = partition, partitions, metrics
        self._outcomes: list[Outcome] = []
        self._counts: dict[tuple[type[Outcome], str], Outcome] = {}
        self._marks: dict[int, list[Mark]] = {}

    def add(self, outputs: Outputs) -> None:
        """Take what followed from one log record; alerts get the present time as that of their detection."""
        at = now_ms()
        for outcome in outputs.outcomes:
            match outcome:
                case Alert():
                    self._outcomes.append(msgspec.structs.replace(outcome, detected_at=at))
                    self._metrics.alerts.labels(outcome.rule_id).inc()
                case IngestCount():
                    self._counts[IngestCount, outcome.source] = outcome
                case RuleCount():
                    self._counts[RuleCount, outcome.rule_id] = outcome
                case Watermark():
                    self._counts[Watermark, ""] = outcome
                case _:
                    self._outcomes.append(outcome)
        for mark in outputs.marks:
            place = partition_of(mark.subject_kind, mark.subject, self._partitions)
            self._marks.setdefault(place, []).append(mark)

    def records(self) -> list[Outgoing]:
        """Give everything, ready to be sent; the same again until :meth:`clear`."""
        sender = f"detect/{self._partition}"
        outgoing = [
            Outgoing(ALERTS, self._partition, None, encode_outcome(outcome))
            for outcome in (*self._outcomes, *self._counts.values())
        ]
        for place, marks in sorted(self._marks.items()):
            for first in range(0, len(marks), MARKS_MAX):
                packed = Packed(FORMAT_VERSION, sender, [], marks[first : first + MARKS_MAX], {})
                outgoing += activity_records(place, packed)
        return outgoing

    def clear(self) -> None:
        """Forget what is acknowledged by now, and count it."""
        for outcome in (*self._outcomes, *self._counts.values()):
            self._metrics.outcomes.labels(outcome.__struct_config__.tag).inc()
        self._outcomes, self._counts, self._marks = [], {}, {}
