"""The dashboards' JSON: made from its source and from nothing else, and sound as Grafana wants it."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from streams.store.views import VIEW_NAMES
from tests.dashboards.build import FOLDER, PROMETHEUS, ROOT, SQL, WIDTH, Json, build

PROVISIONING: Final = ROOT / "deploy" / "grafana" / "provisioning"
CORE_PANELS: Final = {"row", "stat", "table", "timeseries", "barchart", "bargauge"}
"""Those used, of the panels that come with Grafana."""
NOT_SHOWN: Final = {"v_contract", "v_tasks", "v_legal_holds", "v_audit_log", "v_latency"}
"""Views without a panel; v_latency is the same as v_alert_latency, over fixed times."""
NAMES: Final = sorted(build())


def dashboard(uid: str) -> Json:
    """Read what Grafana reads."""
    read: Json = json.loads((FOLDER / f"{uid}.json").read_text())
    return read


def panels(uid: str) -> list[Json]:
    """Give the panels of a dashboard that show something."""
    return [panel for panel in dashboard(uid)["panels"] if panel["type"] != "row"]


def queries(board: Json) -> Iterator[str]:
    """Give all SQL and PromQL of a dashboard."""
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield target.get("rawSql") or target["expr"]
    yield from (one["target"]["rawSql"] for one in board["annotations"]["list"])
    yield from (one["query"] for one in board["templating"]["list"] if one["type"] == "query")


def test_the_files_are_what_their_source_makes() -> None:
    found = {file.stem: file.read_text() for file in FOLDER.glob("*.json")}
    assert found == build(), "run: make dashboards"


def test_there_are_the_four_dashboards() -> None:
    assert [name.removeprefix("payweir-") for name in NAMES] == ["investigators", "management", "operations", "rules"]


@pytest.mark.parametrize("uid", NAMES)
def test_panels_are_of_the_core_named_once_and_do_not_overlap(uid: str) -> None:
    board = dashboard(uid)
    assert {panel["type"] for panel in board["panels"]} <= CORE_PANELS
    for what in ("id", "title"):
        values = [panel[what] for panel in board["panels"]]
        assert len(values) == len(set(values))
        assert all(values)
    places = [panel["gridPos"] for panel in board["panels"]]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= WIDTH for place in places)
    assert [pair for pair in combinations(places, 2) if overlap(*pair)] == []


def overlap(one: Json, other: Json) -> bool:
    """Say whether two places on the grid share a cell."""
    across = one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
    return bool(across and one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"])


@pytest.mark.parametrize("uid", NAMES)
def test_every_query_has_a_provisioned_source_and_thresholds_rise(uid: str) -> None:
    provisioned = YAML(typ="safe").load((PROVISIONING / "datasources" / "payweir.yaml").read_text())["datasources"]
    known = [{"type": one["type"], "uid": one["uid"]} for one in provisioned]
    assert known == [SQL, PROMETHEUS]
    for panel in panels(uid):
        for target in panel["targets"]:
            assert target["datasource"] in known
            assert ("rawSql" in target) == (target["datasource"] == SQL)
        steps = [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        assert steps[0] is None
        assert steps[1:] == sorted(steps[1:])


@pytest.mark.parametrize("uid", NAMES)
def test_variables_are_those_used_and_links_lead_somewhere(uid: str) -> None:
    board = dashboard(uid)
    used = set(re.findall(r"\$\{(\w+):sqlstring\}", "\n".join(queries(board))))
    linked = set(re.findall(r"var-(\w+)=", json.dumps(board)))
    assert {one["name"] for one in board["templating"]["list"]} == used
    for dashboard_uid in re.findall(r'"/d/([\w-]+)\?', json.dumps(board)):
        assert linked <= {one["name"] for one in dashboard(dashboard_uid)["templating"]["list"]}
    assert [one["tags"] for one in board["links"]] == [["payweir"]]
    assert "payweir" in board["tags"]


@pytest.mark.parametrize("uid", NAMES)
def test_queries_read_views_only_and_never_add_currencies(uid: str) -> None:
    for query in queries(dashboard(uid)):
        if not query.startswith("SELECT"):
            continue
        read = re.findall(r"(?:FROM|JOIN) (\w+)(?! FROM)", re.sub(r"epoch FROM", "", query))
        assert read
        assert set(read) <= set(VIEW_NAMES)
        if "sum(amount" in query or "sum(a.amount" in query:
            assert "currency" in query.partition("GROUP BY")[2]


def test_every_question_has_a_panel() -> None:
    text = "\n".join(query for uid in NAMES for query in queries(dashboard(uid)))
    assert {name for name in VIEW_NAMES if not re.search(rf"\b{name}\b", text)} == NOT_SHOWN


def test_grafana_is_told_where_the_dashboards_are() -> None:
    provider: Any = YAML(typ="safe").load((PROVISIONING / "dashboards" / "payweir.yaml").read_text())
    assert [one["type"] for one in provider["providers"]] == ["file"]


def test_the_manual_names_the_variables_of_the_data_sources() -> None:
    named = re.compile(r"GRAFANA_PAYWEIR_[A-Z_]*[A-Z]\b")
    used = set(named.findall((PROVISIONING / "datasources" / "payweir.yaml").read_text()))
    assert used == set(named.findall((ROOT / "deploy" / "README.md").read_text()))
    assert used
