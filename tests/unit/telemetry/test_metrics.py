"""Metrics: names are a contract."""

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from streams.telemetry import Metrics

NAMES = {
    "payweir_records", "payweir_found", "payweir_events", "payweir_refused", "payweir_dead_letters", "payweir_outcomes",
    "payweir_alerts", "payweir_rule_errors", "payweir_alerts_written", "payweir_store_unreachable", "payweir_broker_unreachable",
    "payweir_batch_seconds", "payweir_lag_records", "payweir_oldest_unprocessed_seconds", "payweir_watermark_seconds",
    "payweir_watermark_holder_info", "payweir_subjects", "payweir_ready",
    "payweir_ruleset_info", "payweir_ruleset_refused", "payweir_ruleset_emergency", "payweir_build_info",
}  # fmt: skip


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_the_names_are_those_that_dashboards_rely_on() -> None:
    families = {family.name: family for family in text_string_to_metric_families(text(Metrics()))}
    ours = {name for name in families if name.startswith("payweir_")}
    assert ours >= NAMES
    assert all(families[name].documentation.endswith((".", ")")) for name in NAMES)


def text(metrics: Metrics) -> str:
    return generate_latest(metrics.registry).decode()


def test_two_workers_in_one_process_do_not_meet() -> None:
    first, second = Metrics(), Metrics()
    first.alerts_written.inc(3)
    assert value(first, "payweir_alerts_written_total") == 3
    assert value(second, "payweir_alerts_written_total") == 0


def test_absolute_counts_are_what_was_said_last_and_go_with_their_partition() -> None:
    metrics = Metrics()
    metrics.events.put("activity", 3, ("payments/0", "3", "accepted"), 5)
    metrics.events.put("activity", 3, ("payments/0", "3", "accepted"), 7)
    metrics.events.put("activity", 4, ("payments/0", "4", "accepted"), 2)
    metrics.rule_errors.put("activity", 3, ("quick", "3"), 1)
    metrics.found.put("payments", 3, ("payments/3",), 9)
    accepted = {"source": "payments/0", "outcome": "accepted"}
    assert value(metrics, "payweir_events_total", partition="3", **accepted) == 7
    assert value(metrics, "payweir_rule_errors", rule="quick", partition="3") == 1
    metrics.forget_partition("activity", 3)
    assert value(metrics, "payweir_events_total", partition="3", **accepted) is None
    assert value(metrics, "payweir_rule_errors", rule="quick", partition="3") is None
    assert value(metrics, "payweir_events_total", partition="4", **accepted) == 2
    assert value(metrics, "payweir_found_total", source="payments/3") == 9


def test_only_one_source_holds_the_watermark_of_a_partition() -> None:
    metrics = Metrics()
    metrics.hold_watermark(0, "payments/0")
    metrics.hold_watermark(0, "payments/1")
    assert value(metrics, "payweir_watermark_holder_info", partition="0", source="payments/0") is None
    assert value(metrics, "payweir_watermark_holder_info", partition="0", source="payments/1") == 1


def test_a_partition_that_went_elsewhere_leaves_nothing_behind() -> None:
    metrics = Metrics()
    metrics.hold_watermark(4, "payments/0")
    metrics.watermark_seconds.labels("4").set(7)
    metrics.lag_records.labels("activity", "4").set(9)
    metrics.forget_partition("activity", 4)
    metrics.forget_partition("activity", 4)
    assert 'partition="4"' not in text(metrics)


def test_a_partition_shows_its_newest_ruleset_alone_and_rules_count_from_nothing() -> None:
    metrics = Metrics()
    metrics.hold_ruleset(3, "a" * 64, ["fan-out"])
    metrics.hold_ruleset(3, "b" * 64, ["fan-out", "fan-in"])
    assert value(metrics, "payweir_ruleset_info", partition="3", digest="a" * 12) is None
    assert value(metrics, "payweir_ruleset_info", partition="3", digest="b" * 12) == 1
    assert value(metrics, "payweir_alerts_total", rule="fan-in") == 0
    metrics.forget_partition("activity", 3)
    assert value(metrics, "payweir_ruleset_info", partition="3", digest="b" * 12) is None
