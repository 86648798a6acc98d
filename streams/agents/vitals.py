"""How a worker is doing: what its partitions say as metrics, and whether it may be counted on."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable

from streams.agents.app import DeliveryApp
from streams.agents.batch import TP, End, Stopped
from streams.agents.retry import TRANSIENT
from streams.agents.wall import now_ms
from streams.pipeline import PartitionState
from streams.settings.topics import ACTIVITY
from streams.state.subject import NEVER
from streams.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)
LOOK_SECONDS = 1.0
SILENT_SECONDS = 5.0
"""A broker that has answered no fetch for so long is asked; a worker that waits for the store fetches nothing either."""
_READY_AFTER = "starting"


def _nothing(_tps: Collection[TP]) -> None:
    """Publish nothing."""


class Vitals:
    """Looks at the positions of an app every second. ``ready`` is asked from another thread."""

    def __init__(self, metrics: Metrics) -> None:
        """Not ready before the first look that finds partitions."""
        self.metrics = metrics
        self.recovered: Callable[[], bool] = lambda: True
        self.measure: Callable[[Collection[TP]], None] = _nothing
        """Publishes what the state of these partitions says."""
        self.waiting: str | None = _READY_AFTER
        """What the worker waits for before it begins, or since the broker went away."""
        self._known: set[TP] = set()

    def ready(self) -> str | None:
        """Give None when partitions are held and caught up with their state, else why not."""
        if self.waiting is not None:
            return self.waiting
        if not self._known:
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
                except Stopped:
                    return

        app.task(look_for_ever)

    async def _look(self, app: DeliveryApp) -> None:
        ends = await app.positions.ends()
        before, self.waiting = self.waiting, await _silence(app, ends)
        if self.waiting is not None and self.waiting != before:
            logger.warning("%s; trying again until it does", self.waiting)
        self.measure(ends.keys())
        for tp in self._known - ends.keys():
            self.metrics.forget_partition(tp.topic, tp.partition)
        self._known = set(ends)
        for tp, end in ends.items():
            if end.lag is not None:
                self.metrics.lag_records.labels(tp.topic, str(tp.partition)).set(end.lag)
        self.metrics.oldest_unprocessed_seconds.set(_oldest_seconds(ends.values()))
        self.metrics.ready.set(self.ready() is None)


def measure(metrics: Metrics, state: PartitionState, snapshot_age_seconds: float) -> None:
    """Publish what the state of one activity partition says, and how long its newest snapshot has been behind it."""
    number, place = state.partition, str(state.partition)
    metrics.subjects.labels(place).set(len(state.subjects) + len(state.asleep))
    metrics.snapshot_age_seconds.labels(place).set(snapshot_age_seconds)
    if state.low > NEVER:
        metrics.watermark_seconds.labels(place).set(state.low // 1000)
    if state.holder is not None:
        metrics.hold_watermark(number, state.holder)
    if state.schedule.entries:
        newest, terms = state.schedule.entries[-1].programs.ruleset, state.schedule.entries[-1].terms
        metrics.ruleset_emergency.labels(place).set(bool(terms.emergency))
        metrics.hold_ruleset(number, newest.digest, (rule.id for rule in newest.rules if rule.state != "off"))
    for source, count in state.accounting.counts.items():
        outcomes = {
            "accepted": count.accepted, "late": count.late, "duplicate": count.duplicate, "conflict": count.conflict,
            "refused": sum(count.refused.values()),
        }  # fmt: skip
        for outcome, value in outcomes.items():
            metrics.events.put(ACTIVITY, number, (source, place, outcome), value)
    for rule, tally in state.tallies.items():
        metrics.rule_errors.put(ACTIVITY, number, (rule, place), tally.errors)


async def _silence(app: DeliveryApp, ends: dict[TP, End]) -> str | None:
    """Say so when the broker does not answer; asked only when it has said nothing of its own accord."""
    ages = [end.age_seconds for end in ends.values() if end.age_seconds is not None]
    if not ages or min(ages) < SILENT_SECONDS:
        return None
    try:
        async with asyncio.timeout(SILENT_SECONDS):
            await app.positions.borders(list(ends)[:1])
    except TRANSIENT:
        return "the broker does not answer"
    return None


def _oldest_seconds(ends: Iterable[End]) -> float:
    now = now_ms()
    return max((max(0, now - end.oldest_ms) / 1000 for end in ends if end.oldest_ms is not None), default=0.0)
