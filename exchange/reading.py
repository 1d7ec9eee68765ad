"""What `wangting status` shows: read from the ledger and the current release only, never from a file being written."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import case, func, select

from exchange import batches, breaker, deadline, duty
from exchange.records import record_types, rule_titles
from wangting import clock, engine, ledger, settings
from wangting.site import current_site

STATES = {
    "NEW": "待发", "BLOCKED": "等申办", "HELD": "校验未过", "SENT": "已发待回执", "RETRY": "待重发",
    "REJECTED": "被退回", "ACK": "已确认", "SUPERSEDED": "已被更正",
}  # fmt: skip


def status() -> dict[str, Any]:
    """The whole state: sources, builds, batches, held (by rule), outbox (by type, state), deadline, duty, metrics."""
    return {
        "site": current_site().title,
        "clock": clock.now(),
        "sources": _sources(),
        "builds": _builds(),
        "batches": _batches(),
        "held": _held(),
        "outbox": _outbox(),
        "receivers": breaker.shown(),
        "deadline": _deadline(),
        "duty": duty.at_a_glance(),
        "release": _release(),
        "metrics": _metrics(),
    }


def _sources() -> list[dict[str, Any]]:
    loads = ledger.loads
    found = ledger.rows(
        select(
            loads.c.source,
            func.count(func.distinct(case((loads.c.state == "committed", loads.c.table_name)))).label(
                "tables"
            ),
            func.sum(case((loads.c.state == "committed", 1), else_=0)).label("loads"),
            func.sum(case((loads.c.state == "committed", loads.c.rows), else_=0)).label("rows"),
            func.max(loads.c.loaded_at).label("last_loaded_at"),
            func.max(loads.c.planned_at).label("last_planned_at"),
        ).group_by(loads.c.source)
    )
    known = {row["source"]: row for row in found}
    failures = _failures()
    rows = []
    for source in current_site().sources:
        row = known.get(source.name, {})
        rows.append(
            {
                "source": source.name,
                "title": source.title,
                "tables": row.get("tables", 0),
                "loads": int(row.get("loads") or 0),
                "rows": int(row.get("rows") or 0),
                "last_loaded_at": row.get("last_loaded_at"),
                "error": failures.get(source.name),
            }
        )
    return rows


def _failures() -> dict[str, str]:
    """Source → the error of a table whose newest load failed."""
    loads = ledger.loads
    newest = (
        select(loads.c.source, loads.c.table_name, func.max(loads.c.planned_at).label("at"))
        .group_by(loads.c.source, loads.c.table_name)
        .subquery()
    )
    query = select(loads.c.source, loads.c.error).join(
        newest,
        (loads.c.source == newest.c.source)
        & (loads.c.table_name == newest.c.table_name)
        & (loads.c.planned_at == newest.c.at),
    )
    return {row["source"]: row["error"] for row in ledger.rows(query.where(loads.c.state == "failed"))}


def _builds() -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    builds = ledger.builds
    for row in ledger.rows(select(builds).order_by(builds.c.started_at, builds.c.build_id)):
        found[row["lane"]] = {**row, "builds": found.get(row["lane"], {}).get("builds", 0) + 1}
    return [found[lane] for lane in sorted(found)]


def _batches() -> dict[str, Any]:
    known = batches.committed()
    names = ("rows", "passed", "warned", "held", "unchecked")
    return {
        "count": len(known),
        "waiting": [batch["batch_id"] for batch in known if batch["state"] != "enqueued"],
        "last": known[-1] if known else None,
        "documents": _documents(known),
        **{name: sum(batch[name] for batch in known) for name in names},
    }


def _documents(known: list[dict[str, Any]]) -> str | None:
    """The page of the newest batch with something held or not judged."""
    for batch in reversed(known):
        if batch["held"] or batch["unchecked"]:
            page = batches.findings_file(batch["batch_id"]).parent / "documents" / "index.html"
            return str(page) if page.is_file() else None
    return None


def _held() -> list[dict[str, Any]]:
    """Rule → records that it holds now; a record that breaks two rules is under both."""
    c = ledger.outbox_counts
    titles = rule_titles()
    counts: dict[str, dict[str, int]] = {}
    for row in ledger.rows(select(c).where(c.c.state == "HELD", c.c.n > 0)):
        for rule in row["rules"].split(","):
            entry = counts.setdefault(rule, {"live": 0, "backfill": 0})
            entry["backfill" if row["is_backfill"] else "live"] += row["n"]
    return [
        {"rule": rule, "title": "规则未能执行" if rule == "unchecked" else titles.get(rule, ""), **entry}
        for rule, entry in sorted(counts.items(), key=lambda pair: -sum(pair[1].values()))
    ]


def _outbox() -> list[dict[str, Any]]:
    """Record type → how many record versions are in which state; `final` of them have left the ledger for Parquet."""
    counts: dict[str, dict[str, int]] = {}
    finals: dict[str, int] = {}
    for table in (ledger.outbox_counts, ledger.final_counts):
        query = select(table.c.record, table.c.state, func.sum(table.c.n).label("n"))
        for row in ledger.rows(query.group_by(table.c.record, table.c.state)):
            of_type = counts.setdefault(row["record"], {})
            of_type[row["state"]] = of_type.get(row["state"], 0) + int(row["n"])
            if table is ledger.final_counts:
                finals[row["record"]] = finals.get(row["record"], 0) + int(row["n"])
    return [
        {
            "record": kind.record,
            "title": kind.title,
            **{state: counts[kind.record].get(state, 0) for state in STATES},
            "final": finals.get(kind.record, 0),
        }
        for kind in record_types()
        if any(counts.get(kind.record, {}).values())
    ]


def _deadline() -> dict[str, Any]:
    now = clock.now()
    figures = deadline.figures(now)
    return {**asdict(figures), "share": figures.share, "late_within_4_hours": deadline.nearest(now)}


def _release() -> str | None:
    file = settings.home() / "releases" / "current"
    return file.resolve().name if (file / "marts.duckdb").is_file() else None


def _metrics() -> list[dict[str, Any]]:
    """The newest period's figures for the whole city and its levels, with the active plan's targets, if any."""
    file = settings.home() / "releases" / "current" / "marts.duckdb"
    if not file.is_file():
        return []
    release = engine.connect(file, read_only=True)
    try:
        cursor = release.execute(
            """
            select
                attained.metric_code, names.metric_name, attained.variant, attained.plan_level_name,
                attained.scope_kind, attained.scope_code, attained.period_kind, attained.period, attained.numerator,
                attained.denominator, attained.comparator, attained.target_value, attained.gap_points,
                attained.is_met, attained.clause
            from metric_attainments as attained
            left join (
                select metric_code, variant, definition_version, any_value(metric_name) as metric_name
                from dim_metrics group by all
            ) as names using (metric_code, variant, definition_version)
            where attained.plan_code = ? and attained.scope_kind in ('city', 'level')
            qualify attained.period_end = max(attained.period_end) over (partition by attained.target_code)
            union all by name
            -- the city as a whole, for which the plan may set no target, of what it sets targets for and of the volume
            select
                found.metric_code, names.metric_name, found.variant, '全市' as plan_level_name,
                found.scope_kind, found.scope_code, found.period_kind, found.period, found.numerator,
                found.denominator, null as comparator, null as target_value, null as gap_points,
                null as is_met, null as clause
            from metric_values as found
            inner join dim_metrics as names using (metric_code, variant, definition_version)
            where found.scope_kind = 'city' and found.period_kind = 'ytd' and found.subject = 'licence'
                and found.is_official and (names.kind = 'count' or exists (
                    select 1 from metric_attainments as attained
                    where attained.plan_code = ? and attained.metric_code = found.metric_code
                )) and not exists (
                    select 1 from metric_attainments as attained
                    where attained.plan_code = ? and attained.scope_kind = 'city'
                        and attained.metric_code = found.metric_code and attained.period = found.period
                )
            qualify found.period_end = max(found.period_end) over ()
            order by metric_code, variant, scope_kind, scope_code
            """,
            [current_site().plan] * 3,
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    finally:
        release.close()
