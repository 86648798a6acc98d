"""Record worker: alerts topic to SQL. An offset is acknowledged after COMMIT; SQL down means that alerts wait in Kafka."""

import asyncio
from collections.abc import Callable, Sequence

from streams.agents.batch import Batch
from streams.agents.delivery import Delivery
from streams.agents.roles import Plan
from streams.alerts.codec import decode_outcome
from streams.alerts.model import Outcome

Write = Callable[[Sequence[Outcome]], object]
"""Writes outcomes idempotently in one transaction; raises StoreUnreachable, after which the same call is repeated."""


class RecordWorker:
    """The record role in one process. ``write`` is called in a thread, one call at a time."""

    def __init__(self, plan: Plan, app: Delivery, write: Write) -> None:
        """``app`` reads the topic ALERTS."""
        self.plan, self.app, self.write = plan, app, write
        app.attach(self.handle, metrics=plan.metrics)

    async def handle(self, batch: Batch) -> None:
        """Write a batch; repeatable, the store keeps the newest revision of each key."""
        outcomes = [decode_outcome(one.value) for one in batch.records if one.value is not None]
        await asyncio.to_thread(self.write, outcomes)
        self.app.positions.acknowledge(batch.tp, batch.next_offset, term=batch.term)
        self.plan.metrics.alerts_written.inc(len(outcomes))
