"""What must DuckDB hold before a case can be worded? The catalogue, the people, and the plan of some days."""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from simulator import items, places, population, records
from simulator.cases import NONE, SLOTS, Plan
from simulator.items import Catalogue
from simulator.workdays import Seconds


def open_world(
    connection: duckdb.DuckDBPyConnection, site: Path, catalogue: Catalogue, cases: int, seed: int
) -> None:
    """Create `versions`, `neighbours`, `persons`, `firms` and the macros."""
    regions, units, division = places.regions(site), places.units(site), places.division(site)
    names = pa.table(
        {
            "unit_number": [u.number for u in units],
            "hall": [
                f"{u.name}窗口" if u.level == "town" else f"{regions[u.region_code].name}行政服务中心"
                for u in units
            ],
            "foreign_region": [places.foreign_region(site, u.region_code) for u in units],
            "neighbour": [
                next((o.code for o in units[u.number + 1 :] + units[: u.number] if _alike(o, u)), u.code)
                for u in units
            ],
        }
    )
    connection.register("arrow_versions", items.arrow(catalogue))
    connection.register("arrow_units", names)
    connection.execute(
        "create or replace table neighbours as select unit_number, neighbour, foreign_region from arrow_units"
    )
    # Some counties' systems write six digits where others write twelve; both are the same region.
    connection.execute(
        f"create or replace table versions as select v.*, u.hall, '{division.code}' as city_code,"
        " case when v.level_code <> 'town' and v.unit_number % 5 = 0 then left(v.region_code, 6)"
        " else v.region_code end as region_text"
        " from arrow_versions v join arrow_units u using (unit_number)"
    )
    connection.unregister("arrow_versions")
    connection.unregister("arrow_units")
    population.create(connection, *population.pool_sizes(cases), seed, division.name, division.code)
    records.prepare(connection)


_MOMENTS = ("mend_at", "fix_at", "fix2_at", "speaks_from", "last_seen")


def _alike(other: places.Unit, unit: places.Unit) -> bool:
    return other.region_code == unit.region_code and other.level == unit.level


def _times(seconds: Seconds) -> pa.Array:
    return pa.array(seconds, type=pa.int64(), mask=seconds == NONE).cast(pa.timestamp("s"))


def load_plan(
    connection: duckdb.DuckDBPyConnection, plan: Plan, catalogue: Catalogue, unknown_item: int
) -> None:
    """Replace the table `plan` by a numpy plan, with case numbers (`sblsh`, `sxbm`, `origin_no`).

    A case whose item the catalogue does not know (fault number `unknown_item`) gets a code that nobody holds.
    """
    columns: dict[str, pa.Array] = {
        name: pa.array(values)
        for name, values in plan.items()
        if name not in ("at", "seen", *_MOMENTS, "draw_row", "item")
    }
    columns["vid"] = pa.array(catalogue.version_on(plan["item"], plan["day"]))
    for name in _MOMENTS:
        columns[name] = _times(plan[name])
    for number, slot in enumerate(SLOTS):
        columns[f"at_{slot}"] = _times(np.ascontiguousarray(plan["at"][:, number]))
        columns[f"seen_{slot}"] = _times(np.ascontiguousarray(plan["seen"][:, number]))
    times = [name for name in columns if pa.types.is_timestamp(columns[name].type)]
    connection.register("arrow_plan", pa.table(columns))
    cast = ", ".join(f"{name}::timestamp as {name}" for name in times)
    connection.execute(f"""
        create or replace temp table numbered as
        with coded as (
            select c.* replace ({cast}),
                case when c.defect = {unknown_item} then '9' || substr(v.code, 2) else v.code end as sxbm
            from arrow_plan c join versions v on v.vid = c.vid)
        select *, substr(sxbm, 1, 19) || strftime(at_sb, '%y%m%d') || lpad(seq::varchar, 4, '0') as sblsh
        from coded""")
    connection.execute("""
        create or replace table plan as
        select n.*, o.sblsh as origin_no
        from numbered n left join (select case_id, sblsh from numbered where case_id in
            (select origin_id from numbered)) o on o.case_id = n.origin_id""")
    connection.execute("drop table numbered")
    connection.unregister("arrow_plan")
