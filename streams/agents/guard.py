"""The loop of an agent: no exception leaves it, because Faust would take the batch for done."""

import logging
import time
from collections.abc import AsyncIterable, Callable

from streams.agents.batch import Batch, Revoked
from streams.agents.delivery import Handle
from streams.agents.positions import Positions
from streams.agents.retry import TRANSIENT, Backoff, die, insist
from streams.errors import BrokerUnreachable, StoreUnreachable
from streams.telemetry.logs import about
from streams.telemetry.metrics import Metrics
from streams.telemetry.spans import NO_SPANS, Spans

logger = logging.getLogger(__name__)


class AgentGuard:
    """Runs a handler over batches, one at a time.

    A transient fault (``transient``; TRANSIENT if not given) is logged and the handler called again with the same batch
    after a pause, for ever, as long as the term lives: so it must be repeatable up to its last await. ``Revoked`` drops
    the batch. Anything else is a bug: logged, and the process ends with EXIT_BUG; a restart reads the batch again.
    """

    def __init__(
        self,
        handle: Handle,
        transient: tuple[type[Exception], ...] = TRANSIENT,
        backoff: Backoff | None = None,
        metrics: Metrics | None = None,
        spans: Spans = NO_SPANS,
    ) -> None:
        self._handle, self._spans = handle, spans
        self._metrics = metrics or Metrics()
        self._transient = transient
        self._backoff = backoff or Backoff()
        self.done = 0
        self.dropped = 0

    async def run(self, batches: AsyncIterable[Batch], positions: Callable[[], Positions]) -> None:
        """Handle batches until the stream ends (the worker stops)."""
        async for batch in batches:
            await self.handle(batch, positions())

    async def handle(self, batch: Batch, positions: Positions) -> None:
        """Handle one batch to its end; returns normally whatever happens, or the process is over."""
        try:
            if positions.begin(batch):
                fields: dict[str, object] = {
                    "topic": batch.topic, "partition": batch.partition, "offset": batch.first_offset, "records": len(batch.records)
                }  # fmt: skip
                with about(**fields), self._spans.batch(fields, (one.headers for one in batch.records)):
                    await self._insist(batch, positions)
            else:
                self.dropped += 1
        finally:
            positions.finish(batch)

    async def _attempt(self, batch: Batch) -> None:
        try:
            await self._handle(batch)
        except StoreUnreachable:
            self._metrics.store_unreachable.inc()
            raise
        except BrokerUnreachable:
            self._metrics.broker_unreachable.inc()
            raise

    async def _insist(self, batch: Batch, positions: Positions) -> None:
        began = time.monotonic()
        try:
            await insist(lambda: self._attempt(batch), positions.ended, f"{batch!r}", self._transient, self._backoff)
        except Revoked:
            logger.info("%r dropped: its term is over", batch)
            self.dropped += 1
        except Exception as bug:  # noqa: BLE001 - whatever it is, it is a bug
            die(f"{batch!r} in {getattr(self._handle, '__qualname__', self._handle)}", bug)
        else:
            self.done += 1
            self._metrics.records.labels(batch.topic).inc(len(batch.records))
            self._metrics.batch_seconds.observe(time.monotonic() - began)
