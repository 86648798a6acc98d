"""The charts, and the board they stand on, in the words of Superset's API."""

import json
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]
_HEIGHT: Final = {"low": 24, "high": 52}


@dataclass(frozen=True)
class Chart:
    """One chart on one view; ``width`` of 12."""

    name: str
    view: str
    kind: str
    width: int
    params: Json
    height: str = "high"


def _metric(sql: str, label: str) -> Json:
    return {"expressionType": "SQL", "sqlExpression": sql, "label": label, "hasCustomLabel": True}


def _table(*columns: str, by: str) -> Json:
    order = [json.dumps([by, False])]
    return {"query_mode": "raw", "all_columns": list(columns), "order_by_cols": order, "row_limit": 12}


CHARTS: Final = (
    Chart("Open alerts", "v_open_by_age", "big_number_total", 3, {"metric": _metric("SUM(alerts)", "alerts")}, "low"),
    Chart("Subjects at risk", "v_amounts_at_risk", "big_number_total", 3,
          {"metric": _metric("SUM(subjects)", "subjects")}, "low"),
    Chart("Confirmed", "v_dispositions", "big_number_total", 3,
          {"metric": _metric("COUNT(*) FILTER (WHERE disposition = 'confirmed')", "confirmed")}, "low"),
    Chart("Records accounted for", "v_ingest_reconciliation", "big_number_total", 3,
          {"metric": _metric("SUM(found) - SUM(missing)", "records")}, "low"),
    Chart("Alerts by rule and severity", "v_alerts", "echarts_timeseries_bar", 6,
          {"x_axis": "rule_id", "metrics": [_metric("COUNT(*)", "alerts")], "groupby": ["severity"], "stack": "Stack",
           "orientation": "horizontal", "row_limit": 1000, "show_legend": True}),
    Chart("Kinds of fraud", "v_alerts", "pie", 6,
          {"groupby": ["typology"], "metric": _metric("COUNT(*)", "alerts"), "row_limit": 12, "show_legend": True}),
    Chart("Amounts at risk, never added over currencies", "v_amounts_at_risk", "table", 4,
          _table("amount_currency", "severity", "subjects", "amount_major", by="severity_rank")),
    Chart("Subjects that recur", "v_recurring_subjects", "table", 4,
          _table("subject_kind", "subject_masked", "alerts", "rules", "severity", by="alerts")),
    Chart("Precision per rule", "v_rule_precision", "table", 4,
          _table("rule_id", "confirmed", "dismissed", "precision_ratio", by="closed")),
)  # fmt: skip


def form(chart: Chart, dataset: int) -> Json:
    """Give a chart as Superset makes one."""
    params = chart.params | {"viz_type": chart.kind, "datasource": f"{dataset}__table", "adhoc_filters": []}
    return {
        "slice_name": chart.name, "viz_type": chart.kind, "datasource_id": dataset, "datasource_type": "table",
        "params": json.dumps(params),
    }  # fmt: skip


def board(ids: list[int]) -> str:
    """Set the charts in rows of 12 columns."""
    made: Json = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": [], "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": "Payweir"}},
    }
    used, row = 12, ""
    for number, (chart, chart_id) in enumerate(zip(CHARTS, ids, strict=True)):
        if used + chart.width > 12:
            row, used = f"ROW-{number}", 0
            made["GRID_ID"]["children"].append(row)
            made[row] = {
                "type": "ROW", "id": row, "children": [], "parents": ["ROOT_ID", "GRID_ID"],
                "meta": {"background": "BACKGROUND_TRANSPARENT"},
            }  # fmt: skip
        name, used = f"CHART-{number}", used + chart.width
        made[row]["children"].append(name)
        meta = {"chartId": chart_id, "width": chart.width, "height": _HEIGHT[chart.height], "sliceName": chart.name}
        parents = ["ROOT_ID", "GRID_ID", row]
        made[name] = {"type": "CHART", "id": name, "children": [], "parents": parents, "meta": meta}
    return json.dumps(made)
