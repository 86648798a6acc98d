"""Every metric, declared once with its meaning. Names and labels are a contract with dashboards and alert rules.

No label holds an account, a device or any other token of a person; rules, topics, partitions and named refusals only.
"""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector

from streams.telemetry.absolute import Absolute, Kind

DIGEST_LETTERS: Final = 12
"""As many as a log line shows."""
BATCH_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The metrics of one process, in a registry of their own, so that two workers in one test do not meet."""

    def __init__(self) -> None:
        """Declare everything; all counters start at 0."""
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self.records = Counter(
            "payweir_records", "Records read from a topic and dealt with.", ["topic"], registry=registry
        )
        self.found = Absolute(
            Kind.COUNTER, "payweir_found", "Records intake has found in a source partition, since counting began there.",
            ("source",), registry,
        )  # fmt: skip
        self.lost = Absolute(
            Kind.COUNTER, "payweir_lost",
            "Offsets of a source partition that retention had deleted before intake read them.", ("source",), registry,
        )  # fmt: skip
        self.events = Absolute(
            Kind.COUNTER, "payweir_events",
            "Events of a source partition by what became of them, as one activity partition has them: accepted (of which late), "
            "duplicate (of which conflict) or refused. Over all activity partitions, accepted + duplicate + refused = found.",
            ("source", "partition", "outcome"), registry,
        )  # fmt: skip
        self.refused = Counter(
            "payweir_refused", "Records refused by intake, by the name of the refusal.", ["refusal"], registry=registry
        )
        self.dead_letters = Counter(
            "payweir_dead_letters", "Records written to the topic dead-letters.", registry=registry
        )
        self.outcomes = Counter(
            "payweir_outcomes", "Records sent to the topic alerts, by kind (alert, ingest_count ...).", ["kind"],
            registry=registry,
        )  # fmt: skip
        self.alerts = Counter("payweir_alerts", "Revisions of alerts sent, by rule.", ["rule"], registry=registry)
        self.rule_errors = Absolute(
            Kind.GAUGE, "payweir_rule_errors",
            "Legs a rule could not judge because of an error inside it, as one activity partition has them.",
            ("rule", "partition"), registry,
        )  # fmt: skip
        self.alerts_written = Counter(
            "payweir_alerts_written", "Records of the topic alerts committed to the SQL store.", registry=registry
        )
        self.store_unreachable = Counter(
            "payweir_store_unreachable", "Attempts to write that the SQL store did not answer.", registry=registry
        )
        self.broker_unreachable = Counter(
            "payweir_broker_unreachable", "Attempts to send that Kafka did not acknowledge.", registry=registry
        )
        self.ruleset_refused = Counter(
            "payweir_ruleset_refused",
            "Attempts to read a ruleset that is in force and that this worker cannot use; its partition waits.",
            registry=registry,
        )  # fmt: skip
        self._declare_gauges(registry)
        self._holders: dict[str, str] = {}
        self._digests: dict[str, str] = {}

    def hold_ruleset(self, partition: int, digest: str, rules: Iterable[str]) -> None:
        """Say which ruleset a partition has read last; its rules count their alerts from 0, so that silence is seen too."""
        place, short = str(partition), digest[:DIGEST_LETTERS]
        before = self._digests.get(place)
        if before == short:
            return
        if before is not None:
            _remove(self.ruleset, place, before)
        self._digests[place] = short
        self.ruleset.labels(place, short).set(1)
        for rule in rules:
            self.alerts.labels(rule)

    def hold_watermark(self, partition: int, source: str) -> None:
        """Say which source holds the watermark of a partition; the one before it disappears."""
        place = str(partition)
        before = self._holders.get(place)
        if before is not None and before != source:
            self.watermark_holder.remove(place, before)
        self._holders[place] = source
        self.watermark_holder.labels(place, source).set(1)

    def forget_partition(self, topic: str, partition: int) -> None:
        """Drop what was said of a partition that went to another worker, so that no stale value stays on a dashboard."""
        place = str(partition)
        for absolute in (self.found, self.lost, self.events, self.rule_errors):
            absolute.forget(topic, partition)
        _remove(self.lag_records, topic, place)
        if topic == "activity":
            _remove(self.watermark_seconds, place)
            _remove(self.ruleset_emergency, place)
            _remove(self.subjects, place)
            _remove(self.snapshot_age_seconds, place)
            digest = self._digests.pop(place, None)
            if digest is not None:
                _remove(self.ruleset, place, digest)
            holder = self._holders.pop(place, None)
            if holder is not None:
                _remove(self.watermark_holder, place, holder)

    def _declare_gauges(self, registry: CollectorRegistry) -> None:
        """How long things take and how they stand now."""
        self.batch_seconds = Histogram(
            "payweir_batch_seconds", "Time to deal with one batch, outputs acknowledged.", buckets=BATCH_BUCKETS,
            registry=registry,
        )  # fmt: skip
        self.lag_records = Gauge(
            "payweir_lag_records", "Records of a partition this worker owns that are not dealt with yet.",
            ["topic", "partition"], registry=registry,
        )  # fmt: skip
        self.oldest_unprocessed_seconds = Gauge(
            "payweir_oldest_unprocessed_seconds",
            "Age of the oldest record that was fetched and is not dealt with yet; 0 when none waits.",
            registry=registry,
        )  # fmt: skip
        self.watermark_seconds = Gauge(
            "payweir_watermark_seconds", "Event time up to which a partition has seen its sources, seconds since 1970.",
            ["partition"], registry=registry,
        )  # fmt: skip
        self.watermark_holder = Gauge(
            "payweir_watermark_holder_info", "1 for the source that is furthest behind and so holds the watermark.",
            ["partition", "source"], registry=registry,
        )  # fmt: skip
        self.ruleset = Gauge(
            "payweir_ruleset_info", "1 for the first letters of the digest of the ruleset a partition has read last.",
            ["partition", "digest"], registry=registry,
        )  # fmt: skip
        self.ruleset_emergency = Gauge(
            "payweir_ruleset_emergency", "1 when the ruleset a partition has read last was published without approval.",
            ["partition"], registry=registry,
        )  # fmt: skip
        self.build = Gauge(
            "payweir_build_info", "1 for the program and the role it plays.", ["version", "role"], registry=registry
        )
        self.subjects = Gauge(
            "payweir_subjects", "Subjects with state in a partition.", ["partition"], registry=registry
        )
        self.snapshot_age_seconds = Gauge(
            "payweir_snapshot_age_seconds",
            "For how long the newest snapshot of a partition has lacked something that was evaluated; 0 when it lacks nothing.",
            ["partition"], registry=registry,
        )  # fmt: skip
        self.ready = Gauge(
            "payweir_ready",
            "1 when the worker has its partitions and has caught up with their state.",
            registry=registry,
        )


def _remove(gauge: Gauge, *labels: str) -> None:
    """Unlike ``remove`` alone, quiet about a gauge that was never set and the same in every version of the client."""
    try:
        gauge.remove(*labels)
    except KeyError:
        return
