"""How every system stands: what it is, when it was last heard, whether it is silent."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from wangting import clock, ledger
from wangting.ledger import loads
from wangting.site import current_site
from wangting.source_spec import Source

CONNECTORS = {"postgres": "PostgreSQL", "rest": "REST", "files": "文件"}
STATES = {"ok": "正常", "silent": "沉默", "failed": "失败", "never": "未取过", "broken": "声明有误"}


def overview() -> list[dict[str, Any]]:
    """One entry a system, in the order of the site's folders.

    Times are the site's. `silence_hours` counts since rows last arrived, in natural hours: working hours need the
    calendar, which the warehouse has and ingestion must not open.
    """
    site, moment = current_site(), clock.now()
    shown = [_of(source, moment) for source in site.sources]
    for name, error in site.broken.items():
        shown.append(
            {
                "source": name,
                "title": name,
                "owner": "",
                "connector": "",
                "tables": 0,
                "state": "broken",
                "error": str(error),
            }
            | {
                "last_load_at": None,
                "last_rows_at": None,
                "rows": 0,
                "silence_hours": None,
                "silent_after_hours": None,
            }
        )
    return shown


def _of(source: Source, moment: datetime) -> dict[str, Any]:
    here = (loads.c.source == source.name) & loads.c.table_name.in_(list(source.tables))
    done = ledger.rows(
        select(loads.c.state, func.max(loads.c.loaded_at).label("at"), func.sum(loads.c.rows).label("rows"))
        .where(here, loads.c.state.in_(["committed", "empty"]))
        .group_by(loads.c.state)
    )
    by_state = {row["state"]: row for row in done}
    errors = ledger.rows(select(loads.c.error).where(here, loads.c.error.is_not(None), _is_newest()))
    last_rows = by_state["committed"]["at"] if "committed" in by_state else None
    times = [row["at"] for row in by_state.values() if row["at"] is not None]
    silence = None if last_rows is None else round((moment - last_rows).total_seconds() / 3600, 1)
    if errors:
        state = "failed"
    elif not times:
        state = "never"
    elif silence is None or silence > source.silent_hours:
        state = "silent"
    else:
        state = "ok"
    return {
        "source": source.name,
        "title": source.title,
        "owner": source.owner,
        "connector": CONNECTORS[source.connect],
        "tables": len(source.tables),
        "last_load_at": max(times, default=None),
        "last_rows_at": last_rows,
        "rows": int(by_state["committed"]["rows"]) if "committed" in by_state else 0,
        "silence_hours": silence,
        "silent_after_hours": source.silent_hours,
        "state": state,
        "error": errors[0]["error"] if errors else None,
    }


def _is_newest() -> Any:
    """The load after which its table has no other."""
    later = loads.alias("later")
    return ~(
        select(later.c.load_id)
        .where(
            later.c.source == loads.c.source,
            later.c.table_name == loads.c.table_name,
            later.c.window_high > loads.c.window_high,
        )
        .exists()
    )
