"""Finish what is there, then leave: for a planned stop, a move to another machine, a release with another engine."""

import asyncio
import logging
import signal
from typing import Final

from streams.agents.app import DeliveryApp
from streams.agents.batch import TP, Stopped
from streams.agents.retry import TRANSIENT

logger = logging.getLogger(__name__)
LOOK_SECONDS: Final = 0.2
ROUNDS_MAX: Final = 10
"""How often the end may have moved on: marks of marks end after as many rounds as rules have strata; live traffic never does."""


class Drain:
    """Takes a worker to the end of its partitions as it finds it, has its last words said, and stops it as SIGTERM would.

    A partition that comes from another worker meanwhile is drained too; with a service away the worker waits for it. What comes
    after the end is the next worker's.
    """

    def __init__(self, app: DeliveryApp) -> None:
        """Begins with the app."""
        self._app = app
        app.from_start.append(self._drain)

    async def _drain(self) -> None:
        rounds, before = 0, dict[TP, int]()
        while not self._app.should_stop:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                ends = await self._reached()
                if ends is None:
                    continue
                rounds += 1
                if ends == before or rounds > ROUNDS_MAX:
                    await self._app.positions.commit_acknowledged()
                    if self._app.last_words is not None:
                        await self._app.last_words()
                    break
            except TRANSIENT as fault:
                logger.warning("draining: %r; trying again", fault)
            except Stopped:
                return
            else:
                before = ends
        if not self._app.should_stop:
            logger.info("drained: %s", {f"{topic}/{place}": end for (topic, place), end in sorted(before.items())})
            signal.raise_signal(signal.SIGTERM)

    async def _reached(self) -> dict[TP, int] | None:
        """Give the ends of all partitions once everything before them is done, None as long as it is not."""
        ledger = self._app.positions.ledger
        if not ledger.started or ledger.ended.is_set():
            return None
        ends = (
            {tp: end for tp, (_, end) in (await self._app.positions.borders(ledger.tps)).items()} if ledger.tps else {}
        )
        while not ledger.ended.is_set() and not self._app.should_stop:
            if all(ledger.places[tp].done.offset >= end for tp, end in ends.items()):
                return ends
            await asyncio.sleep(LOOK_SECONDS)
        return None
