"""Counts that are not added up here but read off a state that survives the process: absolute, and gone with their partition."""

from collections.abc import Iterator, Sequence
from enum import Enum

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector


class Kind(Enum):
    """Whether the numbers only ever grow."""

    COUNTER = CounterMetricFamily
    GAUGE = GaugeMetricFamily


class Absolute(Collector):
    """One metric whose values belong to partitions; a partition that goes to another worker takes its values along.

    A client's own counter starts at 0 with the process, so counts of two roles would never add up after a restart. ``put``
    and ``forget`` are called on the worker's loop, ``collect`` from the thread that answers a scrape.
    """

    def __init__(self, kind: Kind, name: str, text: str, labels: Sequence[str], registry: CollectorRegistry) -> None:
        """Register; nothing is shown before the first ``put`` but the name."""
        self._kind, self._name, self._text, self._labels = kind, name, text, labels
        self._values: dict[tuple[str, int], dict[tuple[str, ...], int]] = {}
        registry.register(self)

    def put(self, topic: str, partition: int, labels: tuple[str, ...], value: int) -> None:
        """Say a value that comes from this partition's state."""
        self._values.setdefault((topic, partition), {})[labels] = value

    def forget(self, topic: str, partition: int) -> None:
        """Drop what came from a partition."""
        self._values.pop((topic, partition), None)

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Give all values; ``list`` takes each dictionary in one go, since another thread may be writing."""
        family = self._kind.value(self._name, self._text, labels=self._labels)
        for values in list(self._values.values()):
            for labels, value in list(values.items()):
                family.add_metric(labels, value)
        yield family
