"""Prometheus' rules: promtool takes them, each alert is tested both ways, reads metrics that exist, and has its runbook entry."""

import re
import subprocess
from pathlib import Path
from typing import TypedDict

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from streams.telemetry import Metrics
from tests.rig.prometheus import tool

DEPLOY = Path(__file__).parents[2] / "deploy"
FOLDER = DEPLOY / "prometheus"
RULES = (FOLDER / "recording.yaml", FOLDER / "alerts.yaml")
TESTS = sorted(FOLDER.glob("*.test.yaml"))
_METRIC = re.compile(r"(?<![:\w])payweir_\w+")
_RECORDED = re.compile(r"\b\w+:payweir_\w+:\w+\b")


class Rule(TypedDict, total=False):
    alert: str
    record: str
    expr: str
    labels: dict[str, str]
    annotations: dict[str, str]


def rules(path: Path) -> list[Rule]:
    return [rule for group in YAML(typ="safe").load(path)["groups"] for rule in group["rules"]]


ALERTS = {rule["alert"]: rule for rule in rules(FOLDER / "alerts.yaml")}
RECORDED = {rule["record"]: rule for rule in rules(FOLDER / "recording.yaml")}


def promtool(*words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [tool("promtool"), *words], input=given, capture_output=True, text=True, check=False, timeout=120
    )


def test_promtool_takes_the_rules_and_the_configuration() -> None:
    done = promtool("check", "rules", *map(str, RULES))
    assert done.returncode == 0, done.stderr
    done = promtool("check", "config", "--syntax-only", str(FOLDER / "prometheus.yaml"))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_the_rules_do_what_their_tests_say(path: Path) -> None:
    done = promtool("test", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("> 10000", "> 100000"), ("== 0", "== 1"), ("for: 10m", "for: 0m"), ("offset 30d", "offset 1h")],
)
def test_the_tests_of_the_rules_fail_on_broken_rules(tmp_path: Path, right: str, wrong: str) -> None:
    for path in (*RULES, *TESTS):
        text = path.read_text()
        (tmp_path / path.name).write_text(text.replace(right, wrong) if path.name == "alerts.yaml" else text)
    done = [promtool("test", "rules", str(tmp_path / path.name)).returncode for path in TESTS]
    assert any(done)


def test_every_alert_is_shown_to_fire_and_not_to_fire() -> None:
    cases = [
        case for path in TESTS for test in YAML(typ="safe").load(path)["tests"] for case in test["alert_rule_test"]
    ]
    fires = {case["alertname"] for case in cases if case.get("exp_alerts")}
    silent = {case["alertname"] for case in cases if not case.get("exp_alerts")}
    assert fires == silent == set(ALERTS)


def exposed() -> set[str]:
    text = generate_latest(Metrics().registry).decode()
    families = {family.name: family.type for family in text_string_to_metric_families(text)}
    return {f"{name}_total" if kind == "counter" else name for name, kind in families.items()}


def test_rules_name_only_metrics_and_sums_that_exist() -> None:
    known = exposed()
    for rule in (*ALERTS.values(), *RECORDED.values()):
        assert set(_METRIC.findall(rule["expr"])) <= known
        assert set(_RECORDED.findall(rule["expr"])) <= RECORDED.keys()
        assert _METRIC.search(rule["expr"]) or _RECORDED.search(rule["expr"])


def test_promtool_finds_nothing_to_say_about_our_metrics() -> None:
    done = promtool("check", "metrics", given=generate_latest(Metrics().registry).decode())
    said = [line for line in done.stdout.splitlines() + done.stderr.splitlines() if line.startswith("payweir_")]
    assert said == []


def test_every_alert_has_its_runbook_entry_and_no_entry_is_left_over() -> None:
    manual = (DEPLOY / "README.md").read_text()
    assert set(re.findall(r"^### (Payweir\w+)$", manual, re.MULTILINE)) == set(ALERTS)
    for name, rule in ALERTS.items():
        assert rule["annotations"]["runbook"] == f"deploy/README.md#{name.lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_the_runbook_makes_the_rules_into_manifests_as_they_are() -> None:
    manual = (DEPLOY / "README.md").read_text()
    [script] = [block for block in re.findall(r"```sh\n(.*?)```", manual, re.DOTALL) if "PrometheusRule" in block]
    assert script.endswith("| kubectl apply -n payweir -f -\n")
    printed = script.replace("kubectl apply -n payweir -f -", "cat")
    made = subprocess.run(
        ["/bin/sh", "-ec", printed], cwd=DEPLOY.parent, capture_output=True, text=True, check=True
    ).stdout
    manifests = [one for one in YAML(typ="safe").load_all(made) if one]
    assert [one["kind"] for one in manifests] == ["PrometheusRule"] * len(RULES)
    assert [one["spec"]["groups"] for one in manifests] == [YAML(typ="safe").load(path)["groups"] for path in RULES]
