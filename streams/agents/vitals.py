"""How a worker is doing: lag and age per partition as metrics, and whether it may be counted on."""

import asyncio
import logging
from collections.abc import Callable

from streams.agents.app import DeliveryApp
from streams.agents.batch import TP
from streams.agents.retry import TRANSIENT
from streams.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)
LOOK_SECONDS = 2.0


class Vitals:
    """Looks at the positions of an app every few seconds."""

    def __init__(self, metrics: Metrics) -> None:
        """Not ready before the first look that finds partitions."""
        self.metrics = metrics
        self.recovered: Callable[[], bool] = lambda: True
        self._known: set[TP] = set()
        self._has_partitions = False

    def ready(self) -> str | None:
        """Give None when partitions are held and caught up with their state, else why not."""
        if not self._has_partitions:
            return "no partitions assigned yet"
        return None if self.recovered() else "replaying the activity log"

    def watch(self, app: DeliveryApp) -> None:
        """Look for as long as the app runs."""

        async def look_for_ever() -> None:
            while not app.should_stop:
                await asyncio.sleep(LOOK_SECONDS)
                try:
                    await self._look(app)
                except TRANSIENT as fault:
                    logger.debug("positions not known: %r", fault)

        app.task(look_for_ever)

    async def _look(self, app: DeliveryApp) -> None:
        ends = await app.positions.ends()
        for tp in self._known - ends.keys():
            self.metrics.forget_partition(tp.topic, tp.partition)
        self._known = set(ends)
        self._has_partitions = bool(ends)
        for tp, end in ends.items():
            if end.lag is not None:
                self.metrics.lag_records.labels(tp.topic, str(tp.partition)).set(end.lag)
        self.metrics.ready.set(self.ready() is None)
