"""What the warehouse needs to judge the 12 hours itself: which records count, their clocks and acknowledgements.

Which version counts is said by `exchange.attribution` and nowhere else; what is left for the reader is to compare the
clock with the acknowledgement. Backfill has no duty and is left out.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import duckdb
from sqlalchemy import Select, bindparam, select, text

from exchange import attribution, final_files, history
from wangting import engine, ledger

KINDS = {
    "record": "varchar",
    "record_key": "varchar",
    "version": "integer",
    "case_no": "varchar",
    "source": "varchar",
    "unit_code": "varchar",
    "is_backfill": "boolean",
    "clock_at": "timestamp",
    "arrived_at": "timestamp",
    "acked_at": "timestamp",
    "is_counted": "boolean",
}
_LIVE_KEYS = "select record, record_key from {} group by all having not bool_and(is_backfill)"
_CASES = 500
_PAGE = 50_000


def make_clocks(work: duckdb.DuckDBPyConnection, since: datetime | None, as_of: datetime) -> None:
    """Make the table `clocks` in `work`: the record versions that may have changed, with the columns of `KINDS`.

    One row a version. clock_at: null without a usable business time; arrived_at: of the first version that counts with
    it; acked_at: the first time; is_counted: false where a later version counts in its place, or there is nothing to
    send. More rows may come than have changed: what is open comes every time.

    Args:
        since: what was settled earlier is left out; None: all there ever was. as_of: naive, local.
    """
    if since is None:
        relation = history.relation(work, columns=attribution.COLUMNS)
        work.execute(f"create or replace temp table clock_versions as select * from {relation}")
    else:
        _read_changed(work, since)
    work.execute(
        "create or replace temp table told as select * from clock_versions"
        f" semi join ({_LIVE_KEYS.format('clock_versions')}) using (record, record_key)"
    )
    attribution.make_chains(work, "told", as_of)
    work.execute("""
        create or replace temp table clocks as
        select
            told.record, told.record_key, told.version::integer as version, told.case_no, told.source, told.unit_code,
            told.is_backfill, told.clock_at, coalesce(chains.arrived_at, told.arrived_at) as arrived_at, told.acked_at,
            chains.version is not null as is_counted
        from told left join chains using (record, record_key, version)
    """)
    for name in ("clock_versions", "told", "versions", "chains", "corrected"):
        work.execute(f"drop table {name}")


def _read_changed(work: duckdb.DuckDBPyConnection, since: datetime) -> None:
    """`clock_versions`: what is open, was overtaken or acknowledged since, and all versions of what has several."""
    o, names = ledger.outbox, list(attribution.COLUMNS)
    kinds = final_files.kinds_of(o, names)
    columns = [o.c[name] for name in names]
    # In the words of the indexes; being overtaken or rejected leaves no time of its own, so these come every time.
    asked = (
        select(*columns).where(text(ledger.OPEN_LIVE)),
        select(*columns).where(o.c.state == "SUPERSEDED", o.c.is_backfill.is_(False)),
        select(*columns).where(text("state = 'ACK'"), o.c.acked_at >= since, o.c.is_backfill.is_(False)),
    )
    with ledger.snapshot() as connection:
        pages = (page for query in asked for page in _pages(connection, query))
        final_files.load(work, "clock_open", kinds, pages)
        files = final_files.now_there(connection)
        new = final_files.Files([file for file in files.known if file["made_at"] >= since], files.recalls)
        moved = f"not is_backfill and (state <> 'ACK' or acked_at >= timestamp {engine.literal(since)})"
        final = final_files.rows(work, new, names, where=moved)
        work.execute(
            f"create or replace temp table clock_news as select * from clock_open union by name {final}"
        )
        work.execute("""
            create or replace temp table clock_several as
            select distinct record, record_key, case_no from clock_news
            where version > 1 or state in ('SUPERSEDED', 'REJECTED')
        """)
        found = work.execute("select distinct case_no from clock_several order by 1").fetchall()
        cases = [row[0] for row in found]
        query = select(*columns).where(o.c.case_no.in_(bindparam("cases", expanding=True)))
        starts = range(0, len(cases), _CASES)
        pages = (
            page
            for start in starts
            for page in _pages(connection, query, cases=cases[start : start + _CASES])
        )
        final_files.load(work, "clock_open", kinds, pages)
    final = final_files.rows(work, files, names, cases=cases)
    work.execute(f"""
        create or replace temp table clock_versions as
        select * from clock_news anti join clock_several using (record, record_key)
        union all by name
        select * from (select * from clock_open union by name {final})
        semi join clock_several using (record, record_key)
    """)
    for name in ("clock_open", "clock_news", "clock_several"):
        work.execute(f"drop table {name}")


def _pages(connection: Any, query: Select[Any], **given: Any) -> Iterator[Sequence[Any]]:
    yield from connection.execution_options(stream_results=True).execute(query, given).partitions(_PAGE)
