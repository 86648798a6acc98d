"""Every panel's query is asked for real, and shows the rows it should.

SQL goes to a PostgreSQL as the role of a dashboard, PromQL to a Prometheus that scrapes the metrics of two workers.
"""

import json
import math
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client import start_http_server
from sqlalchemy import Connection, create_engine, make_url, text

from streams.store import open_store, upgrade
from streams.telemetry.metrics import Metrics
from tests.dashboards.build import Json
from tests.dashboards.expand import Look, expand
from tests.dashboards.seed import CHOSEN_ALERT, DORMANT, FLOW, TRIAL, seed
from tests.dashboards.test_dashboards import NAMES, dashboard, panels
from tests.rig.postgres import PostgresServer
from tests.rig.process import free_ports, wait_until
from tests.rig.prometheus import Prometheus

pytestmark = pytest.mark.integration

EXPECTED: Final = Path(__file__).parent / "expected.json"
LOOK: Final = Look(
    "2026-02-20T00:00:00Z", "2026-03-10T00:00:00Z", "1d",
    {"severity": ("critical", "high", "medium", "low"), "rule": (FLOW, DORMANT, TRIAL), "alert": (CHOSEN_ALERT,)},
)  # fmt: skip
WALL_CLOCK: Final = {"stored_at", "changed_at"}
"""Columns that differ from run to run."""
SQL_PANELS: Final = [(uid, one["title"]) for uid in NAMES for one in panels(uid) if "rawSql" in one["targets"][0]]


@pytest.fixture(scope="module")
def reader(postgres: PostgresServer) -> Iterator[Connection]:
    """Give a connection as a dashboard has it: a role that may read the views and nothing else."""
    url = postgres.create_database()
    role = f"panels_{make_url(url).database}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {role}"))
    upgrade(url, role)
    with open_store(url) as store:
        seed(store)
    with engine.connect() as connection:
        connection.execute(text(f"SET ROLE {role}"))
        connection.execute(text("SET timezone = 'UTC'"))
        connection.commit()
        yield connection
        connection.execute(text("RESET ROLE"))
        connection.execute(text(f"DROP OWNED BY {role}"))
        connection.execute(text(f"DROP ROLE {role}"))
        connection.commit()
    engine.dispose()
    postgres.drop_database(url)


def shown(connection: Connection, sql: str, layout: str) -> list[Json]:
    """Ask and give the rows as JSON has them; a series must come in the order of time."""
    rows = [dict(row) for row in connection.exec_driver_sql(expand(sql, LOOK).replace("%", "%%")).mappings()]
    if layout == "time_series":
        times = [row["time"] for row in rows]
        assert times == sorted(times)
        assert all(isinstance(value, str) == (name == "metric") for row in rows for name, value in row.items())
    return [{name: _plain(name, value) for name, value in row.items()} for row in rows]


def _plain(name: str, value: object) -> object:
    if name in WALL_CLOCK and value is not None:
        return "some time"
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, datetime) else value


@pytest.mark.parametrize(("uid", "title"), SQL_PANELS)
def test_a_panel_shows_the_rows_it_should(reader: Connection, uid: str, title: str) -> None:
    [panel] = [one for one in panels(uid) if one["title"] == title]
    [target] = panel["targets"]
    expected = json.loads(EXPECTED.read_text())
    rows = shown(reader, target["rawSql"], target["format"])
    assert rows, "the store of this test has something for every panel"
    assert rows == expected[uid][title]


def test_no_expected_rows_are_left_over() -> None:
    expected = json.loads(EXPECTED.read_text())
    assert sorted((uid, title) for uid in expected for title in expected[uid]) == sorted(SQL_PANELS)


@pytest.mark.parametrize("uid", NAMES)
def test_annotations_and_lists_of_variables_answer(reader: Connection, uid: str) -> None:
    board = dashboard(uid)
    [annotation] = board["annotations"]["list"]
    assert [row["text"] for row in shown(reader, annotation["target"]["rawSql"], "table")] == [
        "ruleset ffffffffffff in force, 4 rules"
    ]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            assert [row["rule_id"] for row in shown(reader, variable["query"], "table")][:2] == [DORMANT, FLOW]


# --- Prometheus -----------------------------------------------------------------------------------------------------

CONFIG: Final = """
global: {scrape_interval: 500ms}
scrape_configs: [{job_name: payweir, static_configs: [{targets: [%s]}]}]
"""


def worker(metrics: Metrics, *, intake: bool) -> None:
    """Let the metrics of a worker stand as they would after some work; counters begin at 0."""
    metrics.ready.set(1)
    metrics.oldest_unprocessed_seconds.set(3 if intake else 2)
    topic = "payments" if intake else "activity"
    metrics.lag_records.labels(topic, "0").set(40)
    metrics.lag_records.labels(topic, "1").set(2)
    metrics.records.labels(topic)
    metrics.watermark_seconds.labels("0").set(1_772_353_800)
    metrics.snapshot_age_seconds.labels("0").set(25)
    if intake:
        metrics.found.put("payments", 0, ("payments/0",), 100)
        return
    for outcome, value in {"accepted": 90, "late": 0, "duplicate": 5, "conflict": 1, "refused": 2}.items():
        metrics.events.put("activity", 0, ("payments/0", "0", outcome), value)


def work(metrics: Metrics, *, intake: bool) -> None:
    """Let something happen, so that rates are not 0."""
    metrics.records.labels("payments" if intake else "activity").inc(50)
    metrics.batch_seconds.observe(0.02)
    metrics.store_unreachable.inc()
    metrics.broker_unreachable.inc()
    if not intake:
        metrics.events.put("activity", 0, ("payments/0", "0", "late"), 7)


@pytest.fixture(scope="module")
def prometheus() -> Iterator[tuple[Prometheus, list[str]]]:
    """Give a Prometheus that has scraped two workers before and after some work, and their addresses."""
    ports, servers, all_metrics = free_ports(2), [], [Metrics(), Metrics()]
    for number, (port, metrics) in enumerate(zip(ports, all_metrics, strict=True)):
        worker(metrics, intake=number == 0)
        servers.append(start_http_server(port, "127.0.0.1", metrics.registry))
    addresses = [f"127.0.0.1:{port}" for port in ports]
    with Prometheus(CONFIG % ", ".join(addresses)) as running:
        wait_until(lambda: len(running.query("payweir_ready == 1")) == 2, 60, "both workers are scraped")
        for number, metrics in enumerate(all_metrics):
            work(metrics, intake=number == 0)
        seen = "count(increase(payweir_batch_seconds_count[1m]) > 0)"
        wait_until(lambda: [one.value for one in running.query(seen)] == [2], 60, "their work is scraped")
        yield running, addresses
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


PROMQL: Final[dict[str, list[dict[str, Any]]]] = {
    "Workers ready": [{"": 2}],
    "Oldest record not dealt with": [{"": 3}],
    "Records under way or lost": [{"": 3}],
    "Lag by topic": [{"payments": 42, "activity": 42}],
    "Records per second": [{"payments": "more", "activity": "more"}],
    "Time per batch, 95 of 100": [{"intake": "more", "detect": "more"}],
    "Services that did not answer": [{"": "more"}, {"": "more"}],
    "Late events per second": [{"payments/0": "more"}],
    "Watermark behind the clock": [{"0": "more"}],
    "Newest snapshot behind the state": [{"0": "more"}],
}


def test_every_promql_panel_shows_what_two_workers_say(prometheus: tuple[Prometheus, list[str]]) -> None:
    running, addresses = prometheus
    names = dict(zip(addresses, ("intake", "detect"), strict=True))
    found: dict[str, list[dict[str, Any]]] = {}
    for panel in (one for uid in NAMES for one in panels(uid)):
        for target in panel["targets"]:
            if "expr" in target:
                samples = running.query(target["expr"].replace("$__rate_interval", "1m"))
                label = (panel["targets"][0]["legendFormat"].removeprefix("partition ").strip("{}"),)
                series = {one.labels.get(label[0], ""): one.value for one in samples}
                found.setdefault(panel["title"], []).append({names.get(name, name): v for name, v in series.items()})
    assert found.keys() == PROMQL.keys()
    for title, expected in PROMQL.items():
        assert [set(one) for one in found[title]] == [set(one) for one in expected], title
        for series, values in zip(found[title], expected, strict=True):
            for name, value in values.items():
                fits = series[name] > 0 if value == "more" else math.isclose(series[name], value)
                assert fits, (title, name, series[name])
