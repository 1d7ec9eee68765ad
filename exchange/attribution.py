"""Whose the delay of every record is: the source's, ours or the province's; worked out in DuckDB, a table at a time.

A record's delay is cut at what happened to it, and every piece between two such moments has one owner:

- the source: from the start of the clock to the arrival, and while a rule of the gate held the record or the province
  had rejected it, until the mended version arrived;
- we: from the arrival to the first sending, also where one of our checks could not run;
- the province: from the first sending to the acknowledgement or rejection.

Two things take a piece away from us: an outage of the province is the province's, and while a record waits for its
application, the delay is whoever's the application's is. All is counted in microseconds, so that parts sum exactly.
"""

from datetime import datetime

import duckdb
from sqlalchemy import select

from exchange import history
from exchange.records import APPLICATION
from wangting import engine, ledger

# In the order of the way: of two parts of equal length the earlier is the decisive one.
OWNERS = ("source", "ours", "province")
_LIMIT = "interval 12 hour"
COLUMNS = (
    "record", "record_key", "version", "case_no", "source", "unit_code", "batch_id", "state", "outcome", "rules",
    "is_backfill", "business_time", "clock_at", "arrived_at", "cut_at", "held_at", "first_sent_at", "sent_at",
    "acked_at",
)  # fmt: skip
_CHAIN = "record, record_key, chain_no"


def make_records(work: duckdb.DuckDBPyConnection, as_of: datetime) -> None:
    """Make the table `records` in `work`: one row a record that counts, as it stood at a moment.

    A version that was overtaken unsent, or rejected and corrected, is one record with the version after it. Columns:
    record, record_key, version (the last), versions, case_no, source, unit_code, batch_id, state, outcome, rules,
    is_backfill, business_time, clock_at, due_at, arrived_at, cut_at, first_sent_at, acked_at (null: not by then),
    standing (on_time, late_acknowledged, late_unsent, not_due, without_clock, backfill), delay_us, source_us, ours_us,
    province_us (null without a clock; the three sum to the first), decisive (the largest part of what is late).

    Args:
        as_of: naive, local; what came later is left out.
    """
    work.execute(
        f"create or replace temp table recorded as select * from {history.relation(work, columns=COLUMNS)}"
    )
    make_chains(work, "recorded", as_of)
    work.execute("drop table recorded")
    _special(work)
    _pieces(work)
    _adjust(work)
    _judge(work, as_of)


def make_chains(work: duckdb.DuckDBPyConnection, recorded: str, as_of: datetime) -> None:
    """`versions`: every version that was there, with the record that it counts with; `chains`: those records.

    Args:
        recorded: a table with `COLUMNS`; of a record that it has, all versions.
        as_of: naive, local.
    """
    moment = f"timestamp {engine.literal(as_of)}"
    work.execute(
        "create or replace temp table corrected as"
        f" select record, record_key from {recorded} where version > 1 group by all"
    )
    # Only what was ever corrected needs to be sorted by version.
    work.execute(f"""
        create or replace temp table versions as
        with numbered as (
            select
                *,
                coalesce(sum(case when state in ('SUPERSEDED', 'REJECTED') then 0 else 1 end) over (
                    partition by record, record_key order by version rows between unbounded preceding and 1 preceding
                ), 0)::bigint as chain_no,
                lead(version) over (partition by record, record_key order by version) is null as is_newest
            from {recorded} semi join corrected using (record, record_key)
        )
        select * exclude (is_newest) from numbered
        -- overtaken by a version that waits with its case: there is nothing to send
        where arrived_at <= {moment} and not (is_newest and state = 'SUPERSEDED')
        union all by name
        select *, 0::bigint as chain_no
        from {recorded} anti join corrected using (record, record_key)
        where arrived_at <= {moment} and state <> 'SUPERSEDED'
    """)
    work.execute(f"""
        create or replace temp table chains as
        with joined as (
            select
                {_CHAIN},
                max(version) as version,
                count(*) as versions,
                arg_max(struct_pack(
                    case_no, source, unit_code, batch_id, state, outcome, rules, is_backfill, business_time, clock_at,
                    acked_at
                ), version) as last,
                min(arrived_at) as arrived_at,
                max(cut_at) filter (cut_at <= {moment}) as cut_at,
                min(first_sent_at) filter (first_sent_at <= {moment}) as first_sent_at
            from versions semi join corrected using (record, record_key)
            group by {_CHAIN}
        ),
        together as (
            select {_CHAIN}, version, versions, arrived_at, cut_at, first_sent_at, unnest(last) from joined
            union all by name
            select
                {_CHAIN}, version, 1 as versions, arrived_at, cut_at, case_no, source, unit_code, batch_id, state,
                outcome, rules, is_backfill, business_time, clock_at, acked_at,
                case when first_sent_at <= {moment} then first_sent_at end as first_sent_at
            from versions anti join corrected using (record, record_key)
        )
        select
            * replace (case when acked_at <= {moment} then acked_at end as acked_at),
            -- A clock that is ahead of the acknowledgement is the source's own: no delay.
            greatest(coalesce(case when acked_at <= {moment} then acked_at end, {moment}), clock_at) as ended_at
        from together
    """)


def _special(work: duckdb.DuckDBPyConnection) -> None:
    """`outages`: merged spans; `special`: the records whose delay is more than three pieces in a row."""
    _outages(work)
    work.execute(f"""
        create or replace temp table waiting as
        select child.* from chains as child
        inner join (
            select case_no, max(ended_at) as ended_at from chains
            where record = {engine.literal(APPLICATION)} and chain_no = 0 group by case_no
        ) as parent on child.case_no = parent.case_no and parent.ended_at > child.arrived_at
        where child.record <> {engine.literal(APPLICATION)}
    """)
    work.execute(f"""
        create or replace temp table special as
        select {_CHAIN} from chains where versions > 1 and clock_at is not null
        union
        select {_CHAIN} from versions where held_at is not null or state = 'REJECTED'
        union
        select {_CHAIN} from waiting where clock_at is not null
        union
        select {_CHAIN} from chains where record = {engine.literal(APPLICATION)} and chain_no = 0
            and case_no in (select case_no from waiting)
        union
        select {_CHAIN} from chains
        inner join outages on outages.began_at < coalesce(first_sent_at, chains.ended_at)
            and outages.ended_at > arrived_at
    """)


def _outages(work: duckdb.DuckDBPyConnection) -> None:
    """The spans in which the province was not there, overlapping ones made one; an open one has no end yet."""
    work.execute("create or replace temp table told (began_at timestamp, ended_at timestamp)")
    rows = ledger.rows(select(ledger.outages))
    if rows:
        work.executemany(
            "insert into told values (?, coalesce(?, timestamp '9999-12-31'))",
            [[row["began_at"], row["ended_at"]] for row in rows],
        )
    work.execute("""
        create or replace temp table outages as
        with islands as (
            select *, sum(case when began_at <= earlier then 0 else 1 end) over (order by began_at, ended_at) as island
            from (
                select *, max(ended_at) over (
                    order by began_at, ended_at rows between unbounded preceding and 1 preceding
                ) as earlier from told where ended_at > began_at
            )
        )
        select min(began_at) as began_at, max(ended_at) as ended_at from islands group by island
    """)


def _pieces(work: duckdb.DuckDBPyConnection) -> None:
    """`pieces`: the delays of the special records, cut at what happened to them; the pieces of one touch."""
    work.execute(f"""
        create or replace temp table pieces as
        with told as (
            select versions.* from versions semi join special using ({_CHAIN})
        ),
        moments as (
            select {_CHAIN}, 0 as version, 0 as step, clock_at as happened_at, 'source' as owner
            from chains semi join special using ({_CHAIN})
            union all
            select {_CHAIN}, version, 1, arrived_at, 'ours' from told
            union all
            select {_CHAIN}, version, 2, held_at, 'source' from told
            union all
            select {_CHAIN}, version, 3, cut_at, 'ours' from told
            where held_at is not null and outcome <> 'held'
            union all
            select {_CHAIN}, version, 4, first_sent_at, 'province' from told
            union all
            -- The receipt of a rejection comes with the last attempt; what cannot be worded is never sent at all.
            select {_CHAIN}, version, 5, coalesce(sent_at, cut_at), 'source' from told where state = 'REJECTED'
        ),
        -- Nothing happens before what came before it, nor after the end.
        ordered as (
            select
                {_CHAIN}, moments.version, step, owner, chains.case_no, chains.ended_at,
                least(chains.ended_at, max(happened_at) over (
                    partition by {_CHAIN} order by moments.version, step rows unbounded preceding
                )) as began_at
            from moments inner join chains using ({_CHAIN})
            where happened_at is not null and chains.clock_at is not null
        ),
        spans as (
            select
                {_CHAIN}, case_no, owner, began_at,
                coalesce(
                    lead(began_at) over (partition by {_CHAIN} order by version, step), ended_at
                ) as ended_at
            from ordered
        )
        select * from spans where ended_at > began_at
    """)


def _overlap(*names: str) -> str:
    low = ", ".join(f"{name}.began_at" for name in names)
    high = ", ".join(f"{name}.ended_at" for name in names)
    return f"(epoch_us(least({high})) - epoch_us(greatest({low})))"


def _touch(one: str, other: str) -> str:
    return f"{one}.began_at < {other}.ended_at and {other}.began_at < {one}.ended_at"


def _adjust(work: duckdb.DuckDBPyConnection) -> None:
    """`parts`: how much of a special record is whose, once outages and waits for the application are taken off."""
    application = engine.literal(APPLICATION)
    work.execute(f"""
        create or replace temp table parts as
        with waited as (
            -- What is ours of a record, while its application was with the source or the province.
            select
                mine.record, mine.record_key, mine.chain_no, theirs.owner,
                greatest(mine.began_at, theirs.began_at) as began_at, least(mine.ended_at, theirs.ended_at) as ended_at
            from pieces as mine
            inner join pieces as theirs on mine.case_no = theirs.case_no and {_touch("mine", "theirs")}
            where mine.owner = 'ours' and mine.record <> {application}
                and theirs.record = {application} and theirs.chain_no = 0 and theirs.owner <> 'ours'
        ),
        changes as (
            select {_CHAIN}, owner, {_overlap("pieces")} as us from pieces
            union all
            select {_CHAIN}, owner, {_overlap("waited")} from waited
            union all
            select {_CHAIN}, 'ours', -{_overlap("waited")} from waited
            union all
            select {_CHAIN}, unnest(['province', 'ours']), unnest([1, -1]) * {_overlap("pieces", "outages")}
            from pieces inner join outages on {_touch("pieces", "outages")} where owner = 'ours'
            union all
            -- An outage takes nothing twice.
            select {_CHAIN}, unnest(['province', 'ours']), unnest([-1, 1]) * {_overlap("waited", "outages")}
            from waited inner join outages on {_touch("waited", "outages")}
        )
        select
            {_CHAIN},
            {", ".join(f"coalesce(sum(us) filter (owner = '{owner}'), 0)::bigint as {owner}_us" for owner in OWNERS)}
        from changes group by {_CHAIN}
    """)


def _judge(work: duckdb.DuckDBPyConnection, as_of: datetime) -> None:
    moment = f"timestamp {engine.literal(as_of)}"
    # Without anything special: arrival and first sending cut the delay in three.
    arrived = "least(greatest(arrived_at, clock_at), ended_at)"
    sent = f"least(greatest(coalesce(first_sent_at, ended_at), {arrived}), ended_at)"
    work.execute(f"""
        create or replace temp table records as
        with measured as (
            select
                chains.* exclude (chain_no, ended_at),
                clock_at + {_LIMIT} as due_at,
                epoch_us(ended_at) - epoch_us(clock_at) as delay_us,
                -- A special record whose delay is nothing has no pieces.
                coalesce(parts.source_us, epoch_us({arrived}) - epoch_us(clock_at)) as source_us,
                coalesce(parts.ours_us, epoch_us({sent}) - epoch_us({arrived})) as ours_us,
                coalesce(parts.province_us, epoch_us(ended_at) - epoch_us({sent})) as province_us
            from chains left join parts using ({_CHAIN})
        ),
        judged as (
            select
                *,
                case
                    when is_backfill then 'backfill'
                    when clock_at is null then 'without_clock'
                    when due_at > {moment} then 'not_due'
                    when acked_at is null then 'late_unsent'
                    when acked_at <= due_at then 'on_time'
                    else 'late_acknowledged'
                end as standing
            from measured
        )
        select
            *,
            case when standing in ('late_unsent', 'late_acknowledged') then
                case
                    when source_us >= greatest(ours_us, province_us) then 'source'
                    when ours_us >= province_us then 'ours'
                    else 'province'
                end
            end as decisive
        from judged
    """)
    for name in ("versions", "chains", "pieces", "parts", "special", "waiting"):
        work.execute(f"drop table {name}")
