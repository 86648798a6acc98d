"""What one partition of the activity log has to say and has not said yet."""

from collections.abc import Iterator
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
RECORDS_MAX: Final = 2_000
"""Records sent in one go; the end of history, or a ruleset from long ago, can have hundreds of thousands follow from one record."""
BYTES_MAX: Final = 4 << 20
"""Bytes sent in one go: a large record more may come on top."""


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
        self._given = 0
        """How many outcomes and packs of marks :meth:`records` gave last."""

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
        """Give what is next, ready to be sent, for each partition in its order; empty when nothing is left.

        No more than the broker acknowledges within the time of one request, however much there is. The same again until
        :meth:`clear`, so that who tries again goes on where it stopped.
        """
        outgoing, size, given = list[Outgoing](), 0, 0
        for records in self._rest():
            outgoing += records
            size += sum(len(record.value or b"") for record in records)
            given += 1
            if len(outgoing) >= RECORDS_MAX or size >= BYTES_MAX:
                break
        self._given = given
        return outgoing

    def clear(self) -> None:
        """Forget what :meth:`records` gave last, which is acknowledged by now, and count it; nothing was added since."""
        left, self._given = self._given, 0
        said = self._outcomes[:left]
        del self._outcomes[:left]
        left -= len(said)
        newest = [self._counts.pop(key) for key in list(self._counts)[:left]]
        left -= len(newest)
        for outcome in (*said, *newest):
            self._metrics.outcomes.labels(outcome.__struct_config__.tag).inc()
        for place in sorted(self._marks):
            marks = self._marks[place]
            sent = min(left, -(-len(marks) // MARKS_MAX))
            del marks[: sent * MARKS_MAX]
            left -= sent
            if not marks:
                del self._marks[place]

    def _rest(self) -> Iterator[list[Outgoing]]:
        """Write an outcome, or as many marks as travel together, at a time: all of it may be more than there is memory for."""
        sender = f"detect/{self._partition}"
        for outcome in (*self._outcomes, *self._counts.values()):
            yield [Outgoing(ALERTS, self._partition, None, encode_outcome(outcome))]
        for place, marks in sorted(self._marks.items()):
            for first in range(0, len(marks), MARKS_MAX):
                packed = Packed(FORMAT_VERSION, sender, [], marks[first : first + MARKS_MAX], {})
                yield list(activity_records(place, packed))
