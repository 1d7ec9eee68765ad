"""A bundle of six datasets, one of each kind, as `wangting dashboards write` writes it: small enough to start fast."""

import json
import uuid
from pathlib import Path
from typing import Any

import duckdb
import yaml

from dashboards import rights

SPACE = uuid.UUID("5f0c86a4-5d3b-4d0e-9a51-9c1f3c1e7a11")
DATABASE = str(uuid.uuid5(SPACE, "database"))

# Table of the marts → its rights, as datasets declare them.
DATASETS: dict[str, dict[str, Any]] = {
    "fct_cases": {"rows": {"county": "county_code", "unit": "unit_code", "town": "region_code"}},
    "fct_timeliness_months": {"rows": {"county": "county_code", "unit": "unit_code"}},
    "dim_units": {"reference": True},
    "dim_themes": {"open": True},
    "fct_open_cases": {"staff": True, "rows": {"county": "county_code"}},
    "dim_persons": {"persons": True},
}
# Slug → the tables that the dashboard shows.
DASHBOARDS = {
    "cases": ["fct_cases", "fct_timeliness_months", "dim_units"],
    "open": ["dim_themes"],
    "supervision": ["fct_open_cases"],
    "people": ["dim_persons"],
}


def _uuid(*parts: str) -> str:
    return str(uuid.uuid5(SPACE, "/".join(parts)))


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")


def _dataset(table: str, columns: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "table_name": table,
        "schema": "main",
        "uuid": _uuid("dataset", table),
        "metrics": [{"metric_name": "rows", "expression": "count(*)", "verbose_name": "行数"}],
        "columns": [
            {
                "column_name": name,
                "type": kind,
                "groupby": True,
                "filterable": True,
                "is_dttm": kind.startswith(("DATE", "TIME")),
            }
            for name, kind in columns
        ],
        "version": "1.0.0",
        "database_uuid": DATABASE,
    }


def _chart(table: str, by: str) -> dict[str, Any]:
    return {
        "slice_name": f"{table} 的行数",
        "viz_type": "table",
        "params": {
            "viz_type": "table",
            "query_mode": "aggregate",
            "groupby": [by],
            "metrics": ["rows"],
            "show_cell_bars": False,
        },
        "uuid": _uuid("chart", table),
        "version": "1.0.0",
        "dataset_uuid": _uuid("dataset", table),
    }


def _dashboard(slug: str, tables: list[str]) -> dict[str, Any]:
    charts = {
        f"CHART-{position}": {
            "type": "CHART",
            "id": f"CHART-{position}",
            "children": [],
            "parents": ["ROOT_ID", "GRID_ID", "ROW-1"],
            "meta": {
                "chartId": position,
                "uuid": _uuid("chart", table),
                "width": 4,
                "height": 40,
                "sliceName": table,
            },
        }
        for position, table in enumerate(tables, start=1)
    }
    return {
        "dashboard_title": slug,
        "slug": slug,
        "uuid": _uuid("dashboard", slug),
        "published": True,
        "position": {
            "DASHBOARD_VERSION_KEY": "v2",
            "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
            "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": ["ROW-1"], "parents": ["ROOT_ID"]},
            "ROW-1": {
                "type": "ROW",
                "id": "ROW-1",
                "children": list(charts),
                "parents": ["ROOT_ID", "GRID_ID"],
                "meta": {"background": "BACKGROUND_TRANSPARENT"},
            },
            **charts,
        },
        "metadata": {},
        "version": "1.0.0",
    }


def write(folder: Path, marts: Path, *, without: tuple[str, ...] = ()) -> Path:
    """Write `bundle/` and `rights.json` for a release; `without` leaves out dashboards, by slug. Returns the folder."""
    bundle = folder / "bundle"
    _write(
        bundle / "metadata.yaml",
        {"version": "1.0.0", "type": "assets", "timestamp": "2017-01-01T00:00:00+00:00"},
    )
    extra = {
        "engine_params": {"connect_args": {"read_only": True, "config": {"enable_external_access": "false"}}}
    }
    database = {
        "database_name": "marts",
        "sqlalchemy_uri": "duckdb:////warehouse/marts.duckdb",
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "extra": extra,
        "uuid": DATABASE,
        "version": "1.0.0",
    }
    _write(bundle / "databases" / "marts.yaml", database)
    with duckdb.connect(str(marts), read_only=True) as connection:
        for table in DATASETS:
            columns = connection.execute(
                "select column_name, data_type from duckdb_columns() where table_name = ? order by column_index",
                [table],
            ).fetchall()
            _write(bundle / "datasets" / "marts" / f"{table}.yaml", _dataset(table, columns))
            by = next((name for name, _ in columns if name == "county_code"), columns[0][0])
            _write(bundle / "charts" / f"{table}.yaml", _chart(table, by))
    for slug, tables in DASHBOARDS.items():
        if slug not in without:
            _write(bundle / "dashboards" / f"{slug}.yaml", _dashboard(slug, tables))
    (folder / "rights.json").write_text(
        json.dumps(rights.document(DATASETS), ensure_ascii=False), encoding="utf-8"
    )
    return folder
