"""From the compact source to the JSON that Grafana provisions: layout, data sources, thresholds, links, annotations."""

import json
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = ROOT / "deploy" / "grafana" / "dashboards.yaml"
FOLDER: Final = ROOT / "deploy" / "grafana" / "dashboards"
SQL: Final = {"type": "grafana-postgresql-datasource", "uid": "payweir-sql"}
PROMETHEUS: Final = {"type": "prometheus", "uid": "payweir-prometheus"}
SCHEMA_VERSION: Final = 39
"""Of Grafana 10.2 to 11; newer ones migrate it when they load it."""
WIDTH: Final = 24
_RULESETS: Final = (
    "SELECT from_time AS time, 'ruleset ' || left(digest, 12) || ' in force, ' || rule_count || ' rules' AS text, "
    "'ruleset' AS tags FROM v_rulesets WHERE $__timeFilter(from_time) GROUP BY from_time, digest, rule_count ORDER BY from_time"
)

Json = dict[str, Any]


def source() -> Json:
    """Read the compact source."""
    read: Json = YAML(typ="safe").load(SOURCE.read_text())
    return read


def build() -> dict[str, str]:
    """Give the text of each dashboard's file by its uid."""
    read = source()
    return {
        one["uid"]: json.dumps(_dashboard(one, read["variables"]), indent=1, ensure_ascii=False) + "\n"
        for one in read["dashboards"]
    }


def _dashboard(given: Json, variables: Json) -> Json:
    annotation = {
        "name": "Rulesets", "enable": True, "hide": False, "iconColor": "purple", "datasource": SQL,
        "target": {"refId": "Rulesets", "format": "table", "rawQuery": True, "editorMode": "code", "rawSql": _RULESETS},
    }  # fmt: skip
    return {
        "uid": given["uid"], "title": given["title"], "description": given["about"], "tags": ["payweir"],
        "schemaVersion": SCHEMA_VERSION, "version": 1, "editable": False, "graphTooltip": 1, "timezone": "utc",
        "time": {"from": given["span"], "to": "now"}, "refresh": given["refresh"],
        "timepicker": {"refresh_intervals": ["15s", "30s", "1m", "5m", "15m", "1h"]},
        "templating": {"list": [_variable(name, variables[name]) for name in given["variables"]]},
        "annotations": {"list": [annotation]},
        "links": [
            {
                "title": "Payweir", "type": "dashboards", "tags": ["payweir"], "asDropdown": True, "includeVars": False,
                "keepTime": True, "targetBlank": False, "icon": "external link", "tooltip": "", "url": "",
            }
        ],
        "panels": _panels(given["panels"]),
    }  # fmt: skip


def _variable(name: str, given: Json) -> Json:
    shared = {"name": name, "label": given["label"], "hide": 0, "skipUrlSync": False}
    if "text" in given:
        current = {"text": given["text"], "value": given["text"], "selected": True}
        return shared | {"type": "textbox", "query": given["text"], "current": current, "options": [current]}
    everything = {
        "multi": True,
        "includeAll": True,
        "current": {"text": ["All"], "value": ["$__all"], "selected": True},
    }
    if "options" in given:
        options = [{"text": one, "value": one, "selected": False} for one in given["options"]]
        return shared | everything | {"type": "custom", "query": ",".join(given["options"]), "options": options}
    query = {
        "datasource": SQL,
        "query": given["sql"],
        "definition": given["sql"],
        "refresh": 2,
        "sort": 1,
        "options": [],
    }
    return shared | everything | {"type": "query", "regex": ""} | query


def _panels(given: list[Json]) -> list[Json]:
    """Set panels side by side until a line of 24 is full; a row begins a new line."""
    made, x, y, high = [], 0, 0, 0
    for number, one in enumerate(given, start=1):
        if "row" in one:
            y, x, high = y + high, 0, 0
            made.append(
                {
                    "id": number,
                    "type": "row",
                    "title": one["row"],
                    "collapsed": False,
                    "panels": [],
                    "gridPos": _at(0, y, WIDTH, 1),
                }
            )
            y += 1
            continue
        width, height = one["size"]
        if x + width > WIDTH:
            x, y, high = 0, y + high, 0
        made.append(_panel(number, one) | {"gridPos": _at(x, y, width, height)})
        x, high = x + width, max(high, height)
    return made


def _at(x: int, y: int, width: int, height: int) -> Json:
    return {"x": x, "y": y, "w": width, "h": height}


def _panel(number: int, given: Json) -> Json:
    datasource = SQL if "sql" in given else PROMETHEUS
    steps = [
        {"value": None if value == 0 else value, "color": color}
        for value, color in given.get("steps", {0: "blue"}).items()
    ]
    defaults: Json = {
        "unit": given.get("unit", "none"), "custom": {}, "noValue": "none",
        "thresholds": {"mode": "absolute", "steps": steps}, "color": {"mode": _colour(given)},
    }  # fmt: skip
    return {
        "id": number, "type": given["kind"], "title": given["title"], "description": given.get("help", ""),
        "datasource": datasource, "targets": _targets(given, datasource),
        "fieldConfig": {"defaults": defaults, "overrides": _overrides(given, steps)},
        "options": _options(given["kind"]),
    }  # fmt: skip


def _colour(given: Json) -> str:
    return "thresholds" if given["kind"] in {"stat", "bargauge"} else "palette-classic"


def _targets(given: Json, datasource: Json) -> list[Json]:
    if "sql" in given:
        layout = "time_series" if given["kind"] == "timeseries" else "table"
        sql = {"rawSql": given["sql"], "rawQuery": True, "editorMode": "code", "format": layout}
        return [{"refId": "A", "datasource": datasource} | sql]
    queries = given["promql"] if isinstance(given["promql"], list) else [given["promql"]]
    legends = given.get("legend", "")
    legends = legends if isinstance(legends, list) else [legends] * len(queries)
    return [
        {
            "refId": "ABCDEF"[n], "datasource": datasource, "expr": query, "editorMode": "code", "legendFormat": legend or "__auto",
            "range": given["kind"] == "timeseries", "instant": given["kind"] != "timeseries",
        }
        for n, (query, legend) in enumerate(zip(queries, legends, strict=True))
    ]  # fmt: skip


def _overrides(given: Json, steps: list[Json]) -> list[Json]:
    """Links from columns to dashboards, and columns that are coloured by thresholds."""
    made = []
    for column, dashboard in given.get("links", {}).items():
        link = {
            "title": "This alert in full",
            "url": f"/d/{dashboard}?var-alert=${{__value.raw}}&${{__url_time_range}}",
        }
        made.append(_override(column, [{"id": "links", "value": [link | {"targetBlank": False}]}]))
    for column, unit in given.get("coloured", {}).items():
        cell = {"id": "custom.cellOptions", "value": {"type": "color-background", "mode": "basic"}}
        shown = [{"id": "unit", "value": unit}, {"id": "thresholds", "value": {"mode": "absolute", "steps": steps}}]
        made.append(_override(column, [cell, *shown, {"id": "color", "value": {"mode": "thresholds"}}]))
    return made


def _override(column: str, properties: list[Json]) -> Json:
    return {"matcher": {"id": "byName", "options": column}, "properties": properties}


def _options(kind: str) -> Json:
    reduce: Json = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": kind == "bargauge"}}
    options: dict[str, Json] = {
        "stat": reduce | {"colorMode": "background", "graphMode": "none", "textMode": "auto", "justifyMode": "auto"},
        "bargauge": reduce | {"displayMode": "gradient", "orientation": "horizontal", "showUnfilled": True},
        "table": {"showHeader": True, "cellHeight": "sm", "footer": {"show": False, "reducer": ["sum"], "fields": ""}},
        "barchart": {
            "stacking": "normal",
            "orientation": "auto",
            "legend": {"displayMode": "list", "placement": "bottom"},
        },
        "timeseries": {
            "legend": {"displayMode": "list", "placement": "bottom", "calcs": []},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    }
    return options[kind]
