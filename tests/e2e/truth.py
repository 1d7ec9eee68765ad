"""What the simulator knows, aggregated here by its own reading: never through the warehouse.

Every function takes the simulator's truth folder and answers with rows that a test compares with what the house says.
"""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb

SEEDS = Path(__file__).parents[2] / "sites" / "chaozhou" / "seeds"
Rows = list[tuple[Any, ...]]


def connect(truth: Path, marts: Path, seeds: Path = SEEDS) -> duckdb.DuckDBPyConnection:
    """A connection with the truth's tables and, attached read-only as `m`, the published marts; `seeds`: the site's."""
    con = duckdb.connect(config={"temp_directory": str(truth / "spill"), "memory_limit": "4GB"})
    for name in ("cases_as_emitted", "items", "records", "defects"):
        con.execute(f"create view {name} as select * from read_parquet('{truth / name}.parquet')")
    con.execute(f"attach '{marts}' as m (read_only)")
    # A unit's region is the unit's own, whatever a record says of it.
    con.execute(f"create view units as select * from read_csv('{seeds / 'units.csv'}', all_varchar = true)")
    con.execute(f"""
        create view regions as
        select *, case when region_level = 'town' then parent_code else region_code end as county_code
        from read_csv('{seeds / "regions.csv"}', all_varchar = true)
    """)
    # The whole: a city, or a district whose towns lie in no other county.
    con.execute("create macro whole() as (select region_code from regions where region_level = 'city')")
    return con


def case_differences(con: duckdb.DuckDBPyConnection) -> Rows:
    """Every cell of a case metric in which the published marts differ from the truth, both ways.

    Columns: metric, variant, subject, scope kind, scope, period start and end, published and true numerator and
    denominator.
    """
    con.execute("""
        create or replace temp table counted as
        select c.* exclude (region_code), u.region_code, cast(closed_at as date) as closed_on
        from cases_as_emitted c join units u using (unit_code)
        where is_business_volume and subject is not null
    """)
    scopes = {
        "city": "whole()",
        "level": "c.level_code",
        "unit": "c.unit_code",
        "channel": "c.channel",
    }
    parts = [
        f"select '{kind}' as scope_kind, {code} as scope_code, c.* from counted c"
        for kind, code in scopes.items()
    ]
    parts.append("""
        select 'region', c.region_code, c.* from counted c join regions r using (region_code)
        where r.region_level <> 'city'
        union all
        select 'region', r.county_code, c.* from counted c join regions r using (region_code)
        where r.region_level = 'town' and r.county_code <> whole()
        union all
        select 'level', 'county', c.* from counted c where c.level_code = 'town'
    """)
    parts += [
        f"select 'theme', c.{theme}, c.* from counted c where c.{theme} is not null"
        for theme in ("person_theme_code", "legal_theme_code", "special_theme_code")
    ]
    con.execute(f"create or replace temp table scoped as {' union all '.join(parts)}")
    con.execute("""
        create or replace temp table periods as
        select distinct period_kind, period_start, period_end from m.metric_values
    """)
    flags = {
        "t": "true",
        "online": "is_applied_online",
        "closed_online": "is_closed_online",
        "measured": "is_closed_online_measured",
        "visits_1": "visit_count <= 1",
        "visits_0": "visit_count = 0",
    }
    counts = ", ".join(f"count(*) filter (where {flag}) as {name}" for name, flag in flags.items())
    sums = ", ".join(f"sum({name}) as {name}" for name in flags)
    minus = ", ".join(f"-{name} as {name}" for name in flags)
    # Linked cases are few: what a cell holds twice is taken off again, but for a unit's own figure.
    con.execute(f"""
        create or replace temp table figures as
        with months as (
            select subject, scope_kind, scope_code, date_trunc('month', closed_on) as month, {counts}
            from scoped group by all
        ),
        repeated as (
            select p.period_kind, p.period_start, p.period_end, a.subject, a.scope_kind, a.scope_code, {counts}
            from (select * from scoped where origin_case_no is not null and scope_kind <> 'unit') a
            join periods p on a.closed_on between p.period_start and p.period_end
            semi join scoped o
                on a.origin_case_no = o.case_no and a.scope_kind = o.scope_kind and a.scope_code = o.scope_code
                and a.subject = o.subject and o.closed_on between p.period_start and p.period_end
            group by all
        ),
        together as (
            select p.period_kind, p.period_start, p.period_end, m.* exclude (month)
            from months m join periods p on m.month between p.period_start and p.period_end
            union all by name select * exclude ({", ".join(flags)}), {minus} from repeated
        )
        select subject, scope_kind, scope_code, period_kind, period_start, period_end, {sums}
        from together group by all having sum(t) > 0
    """)
    con.execute("""
        create or replace temp table expected as
        select 'business_volume' as metric_code, 'V1' as variant, * exclude (t, online, closed_online, measured,
            visits_1, visits_0), t as numerator, null as denominator from figures
        union all select 'online_application_rate', 'V1', * exclude (t, online, closed_online, measured, visits_1,
            visits_0), online, t from figures
        union all select 'online_closing_rate', 'V1', * exclude (t, online, closed_online, measured, visits_1,
            visits_0), closed_online, t from figures
        union all select 'online_closing_rate', 'V2', * exclude (t, online, closed_online, measured, visits_1,
            visits_0), measured, t from figures
        union all select 'visits_at_most_one_rate', 'V2', * exclude (t, online, closed_online, measured, visits_1,
            visits_0), visits_1, t from figures
        union all select 'visits_zero_rate', 'V2', * exclude (t, online, closed_online, measured, visits_1,
            visits_0), visits_0, t from figures
    """)
    return published_differences(con)


def published_differences(con: duckdb.DuckDBPyConnection) -> Rows:
    """Every cell in which the published marts differ from the table `expected`, both ways, of the metrics it names.

    Columns: as of `case_differences`.
    """
    return con.execute("""
        with published as (
            select * from m.metric_values v where exists (
                select 1 from expected e where e.metric_code = v.metric_code and e.variant = v.variant)
        )
        select coalesce(e.metric_code, p.metric_code), coalesce(e.variant, p.variant), coalesce(e.subject, p.subject),
            coalesce(e.scope_kind, p.scope_kind), coalesce(e.scope_code, p.scope_code),
            coalesce(e.period_kind, p.period_kind), coalesce(e.period_start, p.period_start),
            p.numerator, e.numerator, p.denominator, e.denominator
        from expected e full join published p using (metric_code, variant, subject, scope_kind, scope_code,
            period_kind, period_start, period_end)
        where coalesce(e.numerator, 0) <> coalesce(p.numerator, 0)
            or coalesce(e.denominator, 0) <> coalesce(p.denominator, 0)
        order by all
    """).fetchall()


def item_differences(con: duckdb.DuckDBPyConnection, as_of: date) -> Rows:
    """Every cell of an item metric in which the published marts differ from the catalogue's truth, both ways."""
    con.execute(f"""
        create or replace temp table item_periods as
        select period_kind, period_start, period_end, least(period_end, date '{as_of}') as as_of_date
        from (select distinct period_kind, period_start, period_end from m.metric_values)
        where period_kind <> 'rolling'
    """)
    con.execute("""
        create or replace temp table counted_items as
        select p.period_kind, p.period_start, p.period_end, i.*,
            case i.item_type when '行政许可' then 'licence' else 'public_service' end as subject
        from item_periods p join items i
            on i.valid_from <= p.as_of_date and (i.valid_to is null or p.as_of_date < i.valid_to)
        where i.is_settled and not exists (
            select 1 from items child where child.parent_item_code = i.item_code
                and child.valid_from <= p.as_of_date and (child.valid_to is null or p.as_of_date < child.valid_to))
    """)
    con.execute("""
        create or replace temp table scoped_items as
        with placed as (
            select i.*, u.level_code, r.county_code
            from counted_items i join units u using (unit_code) join regions r on r.region_code = u.region_code
        )
        select 'city' as scope_kind, whole() as scope_code, * from placed
        union all select 'level', level_code, * from placed
        union all select 'level', 'county', * from placed where level_code = 'town'
        union all select 'unit', unit_code, * from placed
        union all select 'region', region_code, * from placed where level_code <> 'municipal'
        union all select 'region', county_code, * from placed
            where county_code <> region_code and county_code <> whole()
        union all select 'theme', person_theme_code, * from placed where person_theme_code is not null
        union all select 'theme', legal_theme_code, * from placed where legal_theme_code is not null
        union all select 'theme', special_theme_code, * from placed where special_theme_code is not null
    """)
    return con.execute("""
        with figures as (
            select subject, scope_kind, scope_code, period_kind, period_start, period_end, count(*) as n,
                count(*) filter (where is_full_online) as whole,
                count(*) filter (where visit_limit <= 1) as one, count(*) filter (where visit_limit = 0) as zero
            from scoped_items group by all
        ),
        expected as (
            select 'full_online_item_rate' as metric_code, * exclude (whole, one, zero), whole as numerator from figures
            union all select 'visits_at_most_one_rate', * exclude (whole, one, zero), one from figures
            union all select 'visits_zero_rate', * exclude (whole, one, zero), zero from figures
        ),
        published as (
            select * from m.metric_values where metric_code in (select metric_code from expected)
                and variant = 'V1'
        )
        select coalesce(e.metric_code, p.metric_code), p.variant, coalesce(e.subject, p.subject),
            coalesce(e.scope_kind, p.scope_kind), coalesce(e.scope_code, p.scope_code),
            coalesce(e.period_kind, p.period_kind), coalesce(e.period_start, p.period_start),
            p.numerator, e.numerator, p.denominator, e.n
        from expected e full join published p using (metric_code, subject, scope_kind, scope_code, period_kind,
            period_start, period_end)
        where coalesce(e.numerator, 0) <> coalesce(p.numerator, 0) or coalesce(e.n, 0) <> coalesce(p.denominator, 0)
        order by all
    """).fetchall()


def finding_differences(truth: Path, home: Path, batches: list[str]) -> Rows:
    """Every (record type, record key, rule) that gate and truth do not agree on, both ways.

    A record is known by its last judgement among `batches` (in the order they were cut), whatever the severity of what
    was found; one that the house never cut, or the truth does not know, stands with the rule null. Columns: record,
    record_key, rule_id, whether the gate found it, whether the truth names it, the versions judged and found.
    """
    con = duckdb.connect(
        config={"temp_directory": str(truth / "spill"), "memory_limit": "3GB", "threads": "2"}
    )
    numbered = ", ".join(f"('{batch}', {number})" for number, batch in enumerate(batches))
    con.execute(f"create table cuts as select * from (values {numbered}) as cuts (batch_id, number)")
    cut = [str(file) for batch in batches for file in sorted((home / "batches" / batch).glob("*.parquet"))]
    findings = [str(home / "verdicts" / batch / "findings.parquet") for batch in batches]
    con.execute(f"""
        create view judged as
        select upper(regexp_extract(filename, '([a-z_]+).parquet$', 1)) as record, record_key, version, number
        from read_parquet({cut}, union_by_name = true, filename = true) inner join cuts using (batch_id)
    """)
    con.execute(f"""
        create table found as
        select distinct record, record_key, version, rule_id, number
        from read_parquet({findings}, union_by_name = true, filename = true)
        inner join cuts on batch_id = regexp_extract(filename, '([^/]+)/findings.parquet$', 1)
    """)
    con.execute(f"""
        create view latest as select * from read_parquet('{truth / "records.parquet"}') where is_latest
    """)
    con.execute("""
        create table planted as
        select distinct record, record_key, unnest(expected_rules) as rule_id from latest
        where len(expected_rules) > 0
    """)
    # Only what somebody speaks of needs its last judgement looked up.
    con.execute("""
        create table last as
        select record, record_key, max(number) as number, max_by(version, number) as version
        from judged semi join (
            select record, record_key from found union select record, record_key from planted
        ) as spoken_of using (record, record_key)
        group by all
    """)
    return con.execute("""
        with standing as (
            select found.record, found.record_key, rule_id, found.version as version_found, last.version
            from found inner join last
                on last.record = found.record and last.record_key = found.record_key and last.number = found.number
        )
        select record, record_key, rule_id, standing.rule_id is not null, planted.rule_id is not null, version,
            version_found
        from standing full join planted using (record, record_key, rule_id)
        where standing.rule_id is null or planted.rule_id is null or version <> version_found
        union all
        select record, record_key, null, judged.record_key is not null, latest.record_key is not null, null, null
        from (select distinct record, record_key from judged) as judged
        full join (select record, record_key from latest) as latest using (record, record_key)
        where judged.record_key is null or latest.record_key is null
        order by all
    """).fetchall()
