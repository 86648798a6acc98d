"""Metrics: names are a contract."""

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from streams.telemetry import Metrics

NAMES = {
    "payweir_records", "payweir_events", "payweir_refused", "payweir_dead_letters", "payweir_outcomes", "payweir_alerts",
    "payweir_rule_errors", "payweir_alerts_written", "payweir_store_unreachable", "payweir_broker_unreachable",
    "payweir_batch_seconds", "payweir_lag_records", "payweir_oldest_unprocessed_seconds", "payweir_watermark_seconds",
    "payweir_watermark_holder_info", "payweir_subjects", "payweir_ready",
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
    first.count("written", "", 3)
    assert value(first, "payweir_alerts_written_total") == 3
    assert value(second, "payweir_alerts_written_total") == 0


@pytest.mark.parametrize(
    ("name", "label", "sample", "labels"),
    [
        ("events", "payments", "payweir_records_total", {"topic": "payments"}),
        ("refused", "not_json", "payweir_refused_total", {"refusal": "not_json"}),
        ("refused", "not_json", "payweir_events_total", {"outcome": "refused"}),
        ("refused", "not_json", "payweir_dead_letters_total", {}),
        ("alerts", "quick", "payweir_alerts_total", {"rule": "quick"}),
        ("outcomes", "alert", "payweir_outcomes_total", {"kind": "alert"}),
        ("rule_errors", "quick", "payweir_rule_errors_total", {"rule": "quick"}),
        ("written", "", "payweir_alerts_written_total", {}),
        ("store_unreachable", "", "payweir_store_unreachable_total", {}),
        ("broker_unreachable", "", "payweir_broker_unreachable_total", {}),
        ("batch", "", "payweir_batch_seconds_sum", {}),
        ("watermark", "3", "payweir_watermark_seconds", {"partition": "3"}),
        ("subjects", "3", "payweir_subjects", {"partition": "3"}),
    ],
)
def test_what_a_worker_counts_arrives(name: str, label: str, sample: str, labels: dict[str, str]) -> None:
    metrics = Metrics()
    metrics.count(name, label, 2)
    assert metrics.registry.get_sample_value(sample, labels) == 2


def test_a_name_nobody_declared_is_a_bug() -> None:
    with pytest.raises(KeyError):
        Metrics().count("xyzzy", "", 1)


def test_only_one_source_holds_the_watermark_of_a_partition() -> None:
    metrics = Metrics()
    metrics.hold_watermark(0, "payments/0")
    metrics.hold_watermark(0, "payments/1")
    assert value(metrics, "payweir_watermark_holder_info", partition="0", source="payments/0") is None
    assert value(metrics, "payweir_watermark_holder_info", partition="0", source="payments/1") == 1


def test_a_partition_that_went_elsewhere_leaves_nothing_behind() -> None:
    metrics = Metrics()
    metrics.hold_watermark(4, "payments/0")
    metrics.count("watermark", "4", 7)
    metrics.lag_records.labels("activity", "4").set(9)
    metrics.forget_partition("activity", 4)
    metrics.forget_partition("activity", 4)
    assert 'partition="4"' not in text(metrics)
