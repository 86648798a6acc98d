"""Builds that are broken on purpose: each leaves out one thing the delivery promise stands on, and a test must notice."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from streams.agents import detect, snapshots
from streams.agents.batch import Batch, End
from streams.agents.guard import AgentGuard
from streams.agents.transport import BatchConsumer
from streams.agents.wall import now_ms
from streams.detection.program import Programs
from streams.legs import Mark, Packed
from streams.pipeline import Outputs, PartitionState, step
from streams.state.subject import Subject
from streams.store.upsert import Upsert


def fencing_off() -> None:
    """Every writer of snapshots has a transactional id of its own, so nobody is refused."""
    honest = vars(snapshots)["AIOKafkaProducer"]

    def producer(**options: Any) -> object:  # noqa: ANN401  aiokafka ships no types
        return honest(**{**options, "transactional_id": f"{options['transactional_id']}-{uuid.uuid4()}"})

    async def open_(topic: snapshots.SnapshotTopic) -> None:
        topic._identity = None
        await becoming(topic)

    becoming = snapshots.SnapshotTopic.open
    vars(snapshots)["AIOKafkaProducer"] = producer
    setattr(snapshots.SnapshotTopic, "open", open_)  # noqa: B010


def committed_early() -> None:
    """A position is committed when a batch begins, before anything of it was sent."""
    honest = AgentGuard.handle

    async def handle(guard: AgentGuard, batch: Batch, consumer: BatchConsumer) -> None:
        if consumer.begin(batch):
            consumer.acknowledge(batch.tp, batch.next_offset, term=batch.term)
            await consumer.commit_acknowledged()
        await honest(guard, batch, consumer)

    setattr(AgentGuard, "handle", handle)  # noqa: B010


def revision_ignored() -> None:
    """The last writer of an alert wins, whatever its revision."""
    honest = Upsert.__dict__["_on_conflict"].func

    def without_where(upsert: Upsert) -> str:
        return str(honest(upsert)).partition(" WHERE ")[0]

    setattr(Upsert, "_on_conflict", property(without_where))  # noqa: B010


def clock_in_the_core() -> None:
    """A step looks at the wall clock: time is as late as it is here, not as the log says."""

    def hasty(state: PartitionState, record: Packed, rulesets: Mapping[str, Programs]) -> Outputs:
        if record.watermarks:
            record.watermarks = dict.fromkeys(record.watermarks, now_ms())
        return step(state, record, rulesets)

    vars(detect)["step"] = hasty


def withdrawal_forgotten() -> None:
    """A withdrawn mark leaves nothing behind, so that an older one may come back."""
    honest = Subject.receive

    def receive(subject: Subject, mark: Mark) -> bool:
        taken = honest(subject, mark)
        if mark.leg is None and subject.marks_in is not None:
            subject.marks_in.pop(mark.key, None)
        return taken

    setattr(Subject, "receive", receive)  # noqa: B010


def looks_idle() -> None:
    """A source counts as idle by what was fetched last, however long ago that is."""

    def reached(end: End, _age_seconds_max: float) -> bool:
        return end.highwater is not None and (end.delivered or 0) >= end.highwater

    setattr(End, "reached", reached)  # noqa: B010


BUILDS: Final[dict[str, Callable[[], None]]] = {
    "fencing off": fencing_off,
    "position committed early": committed_early,
    "a revision ignored": revision_ignored,
    "a wall clock in the core": clock_in_the_core,
    "a withdrawn mark forgotten": withdrawal_forgotten,
    "a hanging fetch looks idle": looks_idle,
}
