"""What each stop of a record's way holds, read into DuckDB for the reconciliation, page by page."""

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any

import duckdb

from exchange import batches, history
from exchange.messages import Message
from exchange.receivers import receiver_of
from exchange.receivers.protocol import Receiver
from exchange.records import RecordType, record_types
from wangting import console, engine, landed, locks
from wangting.dbt_assembly import lane_file
from wangting.errors import WangtingError
from wangting.site import Site, current_site
from wangting.source_spec import Table

_PATIENCE = 60.0  # seconds that a build may still take
_LOOKED_UP = 20_000  # what the pages do not show is asked for one by one; beyond, the pages are believed
_AT_ONCE = 500
# The day of a record, once for all stops: business time, else when the source wrote it, else its arrival.
_DAY = "cast(coalesce(business_time, source_written_at, arrived_at) as date)"
_THEIRS = {
    "record": "varchar", "record_key": "varchar", "version": "bigint", "said": "varchar", "received": "varchar",
    "case_no": "varchar",
}  # fmt: skip


def read(work: duckdb.DuckDBPyConnection, first: date | None, last: date | None) -> None:
    """Make `days`, `unkeyed`, `not_cut`, `not_acknowledged`, `lost` and `unknown` in `work`.

    Args:
        first, last: business days, inclusive; None: no bound.

    Raises:
        WangtingError: the province does not answer, nothing was built yet, or a build goes on for too long.
    """
    span = f"day between date '{first or '0001-01-01'}' and date '{last or '9999-12-31'}'"
    kinds = record_types()
    _read_lane(work, kinds)
    _read_batches(work, kinds)
    _read_outbox(work)
    asyncio.run(_read_back(work, kinds))
    _read_declared(work, span)
    _read_unkeyed(work, kinds, span)
    asyncio.run(_make_sure(work, span))
    _join(work, span)


def _read_lane(work: duckdb.DuckDBPyConnection, kinds: list[RecordType]) -> None:
    """`landed`: every record that the sources have told of, as the newest build has it."""
    path = lane_file("exchange")
    if not path.is_file():
        raise WangtingError(
            "还没有构建交换记录", place=str(path), mend="先运行 wangting build 或 wangting exchange"
        )
    with locks.writer("exchange", wait=_PATIENCE):
        work.execute(f"attach {engine.literal(path)} as lane (read_only)")
        try:
            parts = " union all ".join(
                f"select {engine.literal(kind.record)} as record, record_key, case_no, source,"
                f" coalesce(unit_code, '') as unit_code, {_DAY} as day from lane.{kind.table}"
                for kind in kinds
            )
            work.execute(f"create temp table landed as {parts}")
        finally:
            work.execute("detach lane")


def _read_batches(work: duckdb.DuckDBPyConnection, kinds: list[RecordType]) -> None:
    """`cut`: every record that is in a batch, by its newest version there."""
    known = batches.committed()
    parts = " union all ".join(
        f"select {engine.literal(kind.record)} as record, record_key, case_no, source,"
        f" coalesce(unit_code, '') as unit_code, {_DAY} as day,"
        " batch_id not in (select batch_id from waiting_batches) as is_entered"
        f" from ({batches.latest(known, kind.table)})"
        for kind in kinds
    )
    waiting = [batch["batch_id"] for batch in known if batch["state"] != "enqueued"]
    named = engine.given({"batch_id": "varchar"}, ([batch_id] for batch_id in waiting))
    work.execute(f"create temp table waiting_batches as select * from {named}")
    work.execute(f"create temp table cut as {parts}")


def _read_outbox(work: duckdb.DuckDBPyConnection) -> None:
    """`sent`: every version that ever entered the outbox."""
    names = ("record", "record_key", "version", "case_no", "state", "outcome", "rules")
    work.execute(f"create temp table sent as select * from {history.relation(work, columns=names)}")


async def _read_back(work: duckdb.DuckDBPyConnection, kinds: list[RecordType]) -> None:
    """`theirs`: what the province's pages show; a record that slips to another page meanwhile counts once."""
    work.execute(f"create temp table pages as select * from {engine.given(_THEIRS, [])}")
    async with receiver_of(current_site()) as receiver:
        with console.progress("读回", len(kinds)) as step:
            for number, kind in enumerate(kinds, 1):
                async for page in receiver.pages(kind.record):
                    _add(work, kind, page)
                step(number, text=f"读回 {kind.title}")
    work.execute("""
        create temp table theirs as
        select
            record, record_key, version, any_value(case_no) as case_no,
            any_value(cast(coalesce(try_cast(said as timestamp), try_cast(received as timestamp)) as date)) as day
        from pages group by record, record_key, version
    """)
    work.execute("drop table pages")


def _add(work: duckdb.DuckDBPyConnection, kind: RecordType, page: Sequence[dict[str, Any]]) -> None:
    rows = (
        (
            kind.record,
            str(row["identify"]),
            int(row["version"]),
            (row.get("fields") or {}).get(kind.business_time),
            str(row["receivedAt"]),
            (row.get("fields") or {}).get("SBLSH") or str(row["identify"]).partition("|")[0],
        )
        for row in page
    )
    work.execute(f"insert into pages select * from {engine.given(_THEIRS, rows)}")


def _read_declared(work: duckdb.DuckDBPyConnection, span: str) -> None:
    """`declared`: what sources believe to have produced, each count as it was last published."""
    work.execute(
        "create temp table declared (day date, source varchar, unit_code varchar, record varchar, declared bigint)"
    )
    work.execute("create temp table declaring (source varchar, first_day date)")
    for source, name, table in _tables(current_site()):
        said = table.declares
        files = landed.paths(source, name)
        if said is None or not files:
            continue
        relation = f"read_parquet({engine.file_list(files)}, union_by_name = true, hive_partitioning = false)"
        work.execute(f"""
            create or replace temp table newest as
            select
                cast("{said.day}" as date) as day, {engine.literal(source)} as source,
                coalesce("{said.unit}", '') as unit_code, upper("{said.record}") as record,
                cast("{said.count}" as bigint) as declared
            from {relation}
            qualify row_number() over (
                partition by "{said.day}", "{said.unit}", "{said.record}"
                order by {f'"{table.cursor}" desc nulls last, ' if table.cursor else ""}_loaded_at desc
            ) = 1
        """)
        work.execute(f"insert into declared select * from newest where {span}")
        work.execute("insert into declaring select source, min(day) from newest group by source")


def _tables(site: Site) -> list[tuple[str, str, Table]]:
    return [(source.name, name, table) for source in site.sources for name, table in source.tables.items()]


def _read_unkeyed(work: duckdb.DuckDBPyConnection, kinds: list[RecordType], span: str) -> None:
    """`unkeyed`: rows of tables that are exchange records themselves, but have no case number."""
    work.execute("create temp table unkeyed (day date, source varchar, record varchar, rows bigint)")
    by_table = {kind.table: kind for kind in kinds}
    for source, name, table in _tables(current_site()):
        kind, files = by_table.get(name), landed.paths(source, name)
        if kind is None or not files or "sblsh" not in table.columns:
            continue
        time = (kind.business_time or "").lower()
        times = [column for column in (time, table.cursor) if column in table.columns]
        day = f"coalesce({', '.join(f'try_cast({column} as timestamp)' for column in times)}, _loaded_at)"
        work.execute(f"""
            insert into unkeyed
            select cast({day} as date) as day, {engine.literal(source)}, {engine.literal(kind.record)}, count(*)
            from read_parquet({engine.file_list(files)}, union_by_name = true, hive_partitioning = false)
            where coalesce(trim(cast(sblsh as varchar)), '') = '' group by all having {span}
        """)


def _join(work: duckdb.DuckDBPyConnection, span: str) -> None:
    """One row a key with the stops that have it; day, source and department from the first stop that knows."""
    work.execute(f"""
        create temp table keys as
        with acknowledged as (
            select record, record_key, bool_or(state = 'ACK') as is_acknowledged, any_value(case_no) as case_no
            from sent group by 1, 2
        ),
        stored as (
            select record, record_key, any_value(case_no) as case_no, min(day) as day from theirs group by 1, 2
        )
        select
            record, record_key,
            coalesce(landed.case_no, cut.case_no, acknowledged.case_no, stored.case_no) as case_no,
            coalesce(landed.source, cut.source, '') as source,
            coalesce(landed.unit_code, cut.unit_code, '') as unit_code,
            coalesce(landed.day, cut.day, stored.day) as day,
            landed.record_key is not null as is_landed,
            cut.record_key is not null as is_cut,
            coalesce(is_acknowledged, false) as is_acknowledged,
            stored.record_key is not null as is_stored,
            cut.is_entered
        from landed
        full join cut using (record, record_key)
        full join acknowledged using (record, record_key)
        full join stored using (record, record_key)
        where {span.replace("day ", "coalesce(landed.day, cut.day, stored.day) ")}
    """)
    work.execute("""
        create temp table days as
        select
            counted.day, counted.source, unit_code, record,
            case when max(first_day) is not null then coalesce(sum(declared), 0)::bigint end as declared,
            sum(landed)::bigint as landed, sum(cut)::bigint as cut, sum(acknowledged)::bigint as acknowledged,
            sum(read_back)::bigint as read_back
        from (
            select day, source, unit_code, record, null as declared, is_landed::integer as landed,
                is_cut::integer as cut, is_acknowledged::integer as acknowledged, is_stored::integer as read_back
            from keys
            union all
            select day, source, unit_code, record, declared, 0, 0, 0, 0 from declared
            union all
            select day, source, '' as unit_code, record, null, rows, 0, 0, 0 from unkeyed
        ) as counted
        left join declaring on counted.source = declaring.source and counted.day >= first_day
        group by all
    """)
    work.execute("create temp table not_cut as select * from keys where is_landed and not is_cut")
    work.execute("""
        create temp table not_acknowledged as
        select
            keys.record, keys.record_key, keys.case_no, newest.rules,
            case
                when newest.state = 'HELD' and newest.outcome = 'unchecked' then 'unchecked'
                when newest.state is not null then newest.state
                when not keys.is_entered then 'unjudged'
                else 'waiting'
            end as reason
        from keys
        left join (
            select record, record_key, arg_max(state, version) as state, arg_max(outcome, version) as outcome,
                arg_max(rules, version) as rules from sent group by 1, 2
        ) as newest on keys.record = newest.record and keys.record_key = newest.record_key
        where is_cut and not is_acknowledged
    """)
    # No temporary one: it is read through a cursor of its own while what is lost goes again.
    work.execute("""
        create table lost as
        select sent.record, sent.record_key, sent.version, sent.case_no from sent
        semi join keys using (record, record_key)
        anti join theirs using (record, record_key, version)
        where state = 'ACK'
    """)
    work.execute("""
        create temp table unknown as
        select theirs.record, theirs.record_key, theirs.version, theirs.case_no from theirs
        semi join keys using (record, record_key)
        anti join (select * from sent where state = 'ACK') as ours using (record, record_key, version)
    """)


async def _make_sure(work: duckdb.DuckDBPyConnection, span: str) -> None:
    """A record that slipped between two pages is not lost: what the pages do not show is asked for itself."""
    rows = work.execute(f"""
        select sent.record, sent.record_key, sent.version, sent.case_no from sent
        anti join theirs using (record, record_key, version)
        semi join (select * from cut where {span}) as cut using (record, record_key)
        where state = 'ACK' order by 1, 2, 3 limit {_LOOKED_UP + 1}
    """).fetchall()
    if not rows or len(rows) > _LOOKED_UP:
        return
    there = []
    async with receiver_of(current_site()) as receiver:
        for start in range(0, len(rows), _AT_ONCE):
            there += await _look_up(receiver, rows[start : start + _AT_ONCE])
    if there:
        work.executemany("insert into theirs by position values (?, ?, ?, ?, null)", there)


async def _look_up(receiver: Receiver, rows: Sequence[Any]) -> list[list[Any]]:
    there = []
    for kind in {row[0] for row in rows}:
        wanted = [
            Message(record, key, version, case_no, 0, "ACK", None, None, False)
            for record, key, version, case_no in rows
            if record == kind
        ]
        answers = await receiver.look_up(wanted)
        there += [
            [message.record, message.record_key, message.version, message.case_no]
            for message, answer in zip(wanted, answers, strict=True)
            if answer is not None
        ]
    return there
