"""How every system stands: what it is, when it was last heard, whether it is silent, what deserves a look.

One entry a source, and one for each system of the plans (`wangting/systems.yml`) that no source of this site is. Times
are naive and local to the site's zone; silence is counted in working hours.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from ingestion.pulling import unavailable
from wangting import clock, ledger, silence, working_time
from wangting.ledger import backfills, comparisons, declared_days, loads, remarks
from wangting.site import current_site
from wangting.source_spec import Source
from wangting.systems import System, systems

CONNECTORS = {
    "postgres": "PostgreSQL",
    "mysql": "MariaDB",
    "sqlite": "SQLite",
    "rest": "REST",
    "files": "文件",
    "http": "下载",
    "own": "自编",
}
STATES = {
    "ok": "正常",
    "silent": "沉默",
    "failed": "失败",
    "never": "未取过",
    "unavailable": "本机不可用",
    "broken": "声明有误",
    "unconnected": "未接入",
    "takes": "只取用",
}
STANDINGS = {
    "name": "varchar",
    "title": "varchar",
    "owner": "varchar",
    "system_title": "varchar",
    "connector": "varchar",
    "state": "varchar",
    "error": "varchar",
    "tables": "integer",
    "rows": "bigint",
    "deleted": "bigint",
    "remarks": "integer",
    "last_rows_at": "timestamp",
    "silent_since": "timestamp",
    "silent_after_hours": "integer",
}
_DECLARED_DAYS = 7  # as many as the nightly reconciliation looks at
_NOTHING: dict[str, Any] = {
    "source": None,
    "owner": "",
    "connector": "",
    "last_load_at": None,
    "last_rows_at": None,
    "rows": 0,
    "deleted": 0,
    "silence_hours": None,
    "silent_after_hours": None,
    "declared": None,
    "error": None,
    "remarks": 0,
    "tables": 0,
    "details": [],
}


def overview() -> list[dict[str, Any]]:
    """Every system, in the plans' order, each with its sources in the order of the site's folders.

    `silence_hours`: working hours since rows last arrived, or since the house began. `details`: one entry a table, with
    the remarks of its newest load and the latest comparison with the source. `declared`: of a source that publishes its
    own counts, the last seven business days that a reconciliation compared with what landed.
    """
    site, moment, known = current_site(), clock.now(), systems()
    heard = {row.source: row for row in silence.silences(moment)}
    shown = [_of(source, moment, heard[source.name]) for source in site.sources]
    for name, error in site.broken.items():
        shown.append(_NOTHING | {"source": name, "title": name, "state": "broken", "error": str(error)})
    of_system: dict[str | None, list[dict[str, Any]]] = {}
    for entry in shown:
        of_system.setdefault(entry.setdefault("system", None), []).append(entry)
    ordered: list[dict[str, Any]] = []
    for code, system in known.items():
        mine = of_system.pop(code, None) or [_without_source(code, system)]
        ordered += [one | _told(system) for one in mine]
    for rest in of_system.values():
        ordered += [one | {"system_title": "", "gives": [], "takes": [], "plans": []} for one in rest]
    return ordered


def standings(as_of: datetime, *, leaving_out: str) -> list[dict[str, Any]]:
    """Every system as `overview` has it, with the columns of `STANDINGS` and nothing that moves with the clock alone.

    error: without the sentences of failed loads, which may name keys, and a key may be a person's number.

    Args:
        as_of: naive, local. leaving_out: the source that these rows are landed by.
    """
    heard = {row.source: row.since for row in silence.silences(as_of)}
    rows = []
    for entry in overview():
        if entry["source"] == leaving_out or entry["state"] == "takes":
            continue
        told = entry | {
            "name": entry["source"] or entry["system"],
            "silent_since": heard.get(entry["source"]),
        }
        # Whether it is silent is a matter of the moment at which it is looked at.
        told["state"] = "ok" if entry["state"] == "silent" else entry["state"]
        if failing := [row["title"] for row in entry["details"] if row["error"]]:
            told["error"] = f"{'、'.join(failing)}：没有取成或没有比对成，详情见 wangting sources --details"
        told["owner"], told["connector"] = entry["owner"] or None, entry["connector"] or None
        rows.append({name: told[name] for name in STANDINGS})
    return rows


def _told(system: System) -> dict[str, Any]:
    return {
        "system_title": system.title,
        "gives": system.gives,
        "takes": system.takes,
        "plans": system.plans,
    }


def _without_source(code: str, system: System) -> dict[str, Any]:
    state = "unconnected" if system.gives else "takes"
    return _NOTHING | {"system": code, "title": system.title, "state": state}


def _of(source: Source, moment: datetime, heard: silence.Silence) -> dict[str, Any]:
    tables = [_table(source, name, moment) for name in source.tables]
    times = [row["last_load_at"] for row in tables if row["last_load_at"] is not None]
    arrivals = [row["last_rows_at"] for row in tables if row["last_rows_at"] is not None]
    errors = [row["error"] for row in tables if row["error"]]
    reason = unavailable(source)
    if reason is not None:
        state = "unavailable"
    elif errors:
        state = "failed"
    elif not times:
        state = "never"
    elif heard.is_silent:
        state = "silent"
    else:
        state = "ok"
    return {
        "system": source.system,
        "source": source.name,
        "title": source.title,
        "owner": source.owner,
        "connector": CONNECTORS[source.connect],
        "tables": len(tables),
        "last_load_at": max(times, default=None),
        "last_rows_at": max(arrivals, default=None),
        "rows": sum(row["rows"] for row in tables),
        "deleted": sum(row["deleted"] for row in tables),
        "silence_hours": None if heard.working_hours is None else round(heard.working_hours, 1),
        "silent_after_hours": source.silent_hours,
        "declared": _declared(source),
        "state": state,
        "error": reason if state == "unavailable" else errors[0] if errors else None,
        "remarks": sum(len(row["remarks"]) for row in tables),
        "details": tables,
    }


def _declared(source: Source) -> dict[str, Any] | None:
    """The source's own counts beside the landed ones: days, both sums, differing, compared_at; None: none compared."""
    days = ledger.rows(
        select(declared_days)
        .where(declared_days.c.source == source.name)
        .order_by(declared_days.c.day.desc())
        .limit(_DECLARED_DAYS)
    )
    if not days:
        return None
    return {
        "first_day": days[-1]["day"],
        "last_day": days[0]["day"],
        "declared": sum(row["declared"] for row in days),
        "landed": sum(row["landed"] for row in days),
        "differing": sum(row["differing"] for row in days),
        "compared_at": max(row["compared_at"] for row in days),
    }


def _table(source: Source, name: str, moment: datetime) -> dict[str, Any]:
    here = (loads.c.source == source.name) & (loads.c.table_name == name)
    done = ledger.rows(
        select(
            loads.c.state,
            func.max(loads.c.loaded_at).label("at"),
            func.sum(loads.c.rows).label("rows"),
            func.sum(loads.c.deleted).label("deleted"),
        )
        .where(here, loads.c.state.in_(["committed", "empty"]))
        .group_by(loads.c.state)
    )
    by_state = {row["state"]: row for row in done}
    committed = by_state.get("committed", {"at": None, "rows": 0, "deleted": 0})
    newest = ledger.rows(
        select(loads.c.load_id, loads.c.state, loads.c.error)
        .where(here, loads.c.state != "planned")
        .order_by(loads.c.planned_at.desc(), func.length(loads.c.load_id).desc(), loads.c.load_id.desc())
        .limit(1)
    )
    error = newest[0]["error"] if newest else None
    compared = _first(
        select(comparisons).where(comparisons.c.source == source.name, comparisons.c.table_name == name)
    )
    if error is None and compared is not None and compared["is_refused"]:
        told = f"上次比对时来源少了 {compared['gone']} 行，超过上限，没有标记删除"
        error = f"{source.title}（{source.name}.{name}）{told}"
    open_backfill = _first(
        select(backfills).where(
            backfills.c.source == source.name,
            backfills.c.table_name == name,
            backfills.c.ended_at.is_(None),
        )
    )
    last_rows = committed["at"]
    return {
        "table": name,
        "title": source.tables[name].title,
        "rows": int(committed["rows"] or 0),
        "deleted": int(committed["deleted"] or 0),
        "last_load_at": max((row["at"] for row in done if row["at"] is not None), default=None),
        "last_rows_at": last_rows,
        "silence_hours": None if last_rows is None else round(working_time.hours(last_rows, moment), 1),
        "error": error,
        "compared": _picked(
            compared, "compared_at", "source_rows", "landed_rows", "gone", "missed", "is_refused"
        ),
        "backfill": _picked(open_backfill, "since", "until", "reached", "rows"),
        "remarks": _remarks(source, name),
    }


def _remarks(source: Source, name: str) -> list[dict[str, Any]]:
    """What was noted with the newest load that anything was noted with, and with any failed one."""
    here = (remarks.c.source == source.name) & (remarks.c.table_name == name)
    last = select(func.max(remarks.c.remark_id)).where(here).scalar_subquery()
    load_id = select(remarks.c.load_id).where(remarks.c.remark_id == last).scalar_subquery()
    found = ledger.rows(
        select(remarks).where(here, remarks.c.load_id == load_id).order_by(remarks.c.remark_id)
    )
    columns = (
        "load_id",
        "kind",
        "column_name",
        "value",
        "rows",
        "share",
        "wanted",
        "why",
        "text",
        "noted_at",
    )
    return [picked for row in found if (picked := _picked(row, *columns)) is not None]


def _first(query: Any) -> dict[str, Any] | None:
    found = ledger.rows(query.limit(1))
    return found[0] if found else None


def _picked(row: dict[str, Any] | None, *names: str) -> dict[str, Any] | None:
    return None if row is None else {name: row[name] for name in names}
