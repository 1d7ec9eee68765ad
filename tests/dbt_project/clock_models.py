"""The clock's own models on rows of a test's choosing: their compiled SQL in an empty DuckDB, no dbt and no build.

The tables that they read are made from the columns that a built house has, so that a column that is gone shows.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime

import duckdb

from tests.dbt_project.clock_reading import Clock
from wangting import dbt_run
from wangting.dbt_assembly import assemble, lane_file
from wangting.site import current_site

MODELS = ("int_suspensions", "int_stopped_spans", "fct_cases", "fct_open_cases")
_RELATION = re.compile(r'"(warehouse|marts)"\."main"\."(\w+)"')
ITEM = "item"


class ClockModels:
    """The models over tables of one connection; made once, fed many times."""

    def __init__(self) -> None:
        folder = assemble("warehouse", current_site()).folder
        compiled = dbt_run.invoke(
            "warehouse", folder, ["compile", "--full-refresh", "--select", " ".join(MODELS)]
        )
        self._sql = {
            result.node.name: result.node.compiled_code
            for result in compiled
            if result.node.name in MODELS and result.node.resource_type == "model"
        }
        assert set(self._sql) == set(MODELS)
        self.con = duckdb.connect()
        for lane in ("warehouse", "marts"):
            self.con.execute(f"attach ':memory:' as {lane}")
            self.con.execute(f"attach '{lane_file('warehouse', lane)}' as built_{lane} (read_only)")
        given = {
            found for sql in self._sql.values() for found in _RELATION.findall(sql) if found[1] not in MODELS
        }
        for lane, table in sorted(given):
            # The calendar is whole; everything else begins empty.
            rows = "" if table == "dim_dates" else " limit 0"
            self.con.execute(
                f"create table {lane}.main.{table} as select * from built_{lane}.main.{table}{rows}"
            )
        self._given = [table for lane, table in sorted(given) if lane == "warehouse"]
        self.con.execute("create schema warehouse.run")
        self.con.execute("create table warehouse.run.context as select * from built_warehouse.run.context")

    def read(
        self, clocks: Iterable[Clock], as_of: datetime, statutory: tuple[int, str] | None = None
    ) -> tuple[dict[int, dict[str, object]], dict[int, dict[str, object]]]:
        """Rows of fct_cases and of fct_open_cases as of a moment, each by the clock's place in `clocks`."""
        con = self.con
        for table in self._given:
            con.execute(f"delete from warehouse.main.{table}")
        con.execute("update warehouse.run.context set as_of = ?", [as_of])
        rows: dict[str, list[dict[str, object]]] = {name: [] for name in self._given}
        if statutory is not None:
            limits = {"statutory_limit": statutory[0], "statutory_limit_unit": statutory[1]}
            valid = {"applies_from": date(1900, 1, 1), "applies_until": date(9999, 12, 31), "is_latest": True}
            rows["int_items_effective"].append({"item_code": ITEM, "item_version": 1} | limits | valid)
        for number, clock in enumerate(clocks):
            self._write(rows, str(number), clock)
        for table, written in rows.items():
            for row in written:
                marks = ", ".join("?" for _ in row)
                con.execute(
                    f"insert into warehouse.main.{table} ({', '.join(row)}) values ({marks})",
                    list(row.values()),
                )
        for name in MODELS:
            lane = "warehouse" if name.startswith("int_") else "marts"
            con.execute(f"create or replace table {lane}.main.{name} as {self._sql[name]}")
        return self._by_case("fct_cases"), self._by_case("fct_open_cases")

    def _write(self, rows: dict[str, list[dict[str, object]]], number: str, clock: Clock) -> None:
        closing = {"closed_at": clock.closed, "closing_result": "6" if clock.closed else None}
        rows["int_cases_accumulated"].append(
            {
                "case_no": number, "has_application": True, "item_code": ITEM, "channel_code": "0",
                "applied_at": clock.accepted, "accepted_at": clock.accepted, "acceptance_status": "1",
                "limit_value": clock.limit, "limit_unit": clock.unit,
            } | closing
        )  # fmt: skip
        rows["int_acceptances_deduplicated"].append(
            {"application_no": number, "accepted_at": clock.accepted, "status": "1"}
        )
        if clock.closed:
            rows["int_closings_deduplicated"].append({"application_no": number, "closed_at": clock.closed})
        for place, one in enumerate(clock.suspensions, 1):
            mine = {"application_no": number, "sequence_no": place}
            if one.kind == "supplement":
                rows["int_supplement_notices_deduplicated"].append(mine | {"noticed_at": one.started})
                if one.ended:
                    rows["int_supplement_receipts_deduplicated"].append(mine | {"received_at": one.ended})
                continue
            limit = {"limit_value": one.limit, "limit_unit": one.unit}
            rows["int_special_procedure_starts_deduplicated"].append(
                mine | {"procedure_kind": one.kind, "started_at": one.started} | limit
            )
            if one.ended:
                outcome = {"outcome": "不同意延长" if one.refused else "同意", "ended_at": one.ended}
                rows["int_special_procedure_results_deduplicated"].append(mine | outcome)

    def _by_case(self, table: str) -> dict[int, dict[str, object]]:
        found = self.con.execute(f"select * from marts.main.{table}")
        names = [column[0] for column in found.description or []]
        return {
            int(row["case_no"]): row
            for row in (dict(zip(names, values, strict=True)) for values in found.fetchall())
        }
