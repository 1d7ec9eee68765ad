"""Where a dashboard's filters stand when it is opened, told with the dashboard.

A filter that always has a choice is declared to stand on its first. Superset's page asks for the choices to find out
which that is, and no chart is asked for before. So the first is looked up here, in the current release and with the
rights of whoever opens the page; where there is none the page does as it always did.
"""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import duckdb

from dashboards.superset import connection


def fill(metadata: str | None) -> str | None:
    """The `json_metadata` of a dashboard with the defaults of its filters filled in."""
    document = json.loads(metadata or "{}")
    standing = [
        each
        for each in document.get("native_filter_configuration") or []
        if each.get("controlValues", {}).get("defaultToFirstItem")
        and not each.get("cascadeParentIds")
        and not each.get("defaultDataMask", {}).get("filterState", {}).get("value")
    ]
    if not standing:
        return metadata
    from superset import security_manager

    with closing(
        connection.connect(security_manager.role_names(), security_manager.is_administrator())
    ) as release:
        for each in standing:
            value = _first(each, release)
            if value is not None:
                column = each["targets"][0]["column"]["name"]
                each["defaultDataMask"] = {
                    "extraFormData": {"filters": [{"col": column, "op": "IN", "val": [value]}]},
                    "filterState": {"value": [value], "label": str(value)},
                    "ownState": {},
                }
                each["controlValues"]["defaultToFirstItem"] = each["requiredFirst"] = False
    return json.dumps(document, ensure_ascii=False)


def _first(declared: dict[str, Any], release: Any) -> Any:
    """The choice that the page would find first; None: there is none."""
    from superset import db
    from superset.connectors.sqla.models import SqlaTable

    target = declared["targets"][0]
    dataset = db.session.get(SqlaTable, target["datasetId"])
    if dataset is None:
        return None
    column = '"' + target["column"]["name"].replace('"', '""') + '"'
    metrics = {metric.metric_name: metric.expression for metric in dataset.metrics}
    order = metrics.get(declared.get("sortMetric"), column)
    conditions = [f"({each['sqlExpression']})" for each in declared.get("adhoc_filters") or []] or ["true"]
    try:
        found = release.cursor()
        found.execute(
            f'SELECT {column} FROM "{dataset.table_name}" WHERE {" AND ".join(conditions)} '
            f"GROUP BY {column} ORDER BY {order} {'ASC' if declared['controlValues'].get('sortAscending') else 'DESC'} "
            "LIMIT 1"
        )
        row = found.fetchone()
    except duckdb.Error:
        return None
    return row[0] if row else None
