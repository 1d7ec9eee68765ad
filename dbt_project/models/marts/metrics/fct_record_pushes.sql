-- 哪一版作数、时钟从何时起，数据交换室已说定（exchange.attribution）；这里只拿时钟与确认时间、构建时刻相比。
with clocks as (
    select
        clocks.*,
        clocks.clock_at + interval '12' hour as due_at,
        case when clocks.acked_at <= context.as_of then clocks.acked_at end as known_acked_at,
        context.as_of
    from {{ ref('int_record_clocks_latest') }} as clocks
    cross join {{ source('run', 'context') }} as context
    where clocks.is_counted and not clocks.is_backfill and clocks.arrived_at <= context.as_of
)

select
    concat(clocks.record, ' ', clocks.record_key, ' ', cast(clocks.record_version as string)) as record_no,
    'all' as subject,
    clocks.record as stage,
    clocks.record_key,
    clocks.record_version,
    clocks.system_name,
    clocks.unit_code as reported_unit_code,
    coalesce(units.counts_as_code, clocks.unit_code) as unit_code,
    units.region_code,
    coalesce(units.level_code, 'unknown') as level_code,
    units.county_code,
    clocks.clock_at,
    clocks.due_at,
    clocks.known_acked_at as acked_at,
    cast(date_trunc('month', clocks.clock_at) as date) as clock_month,
    coalesce(clocks.due_at <= clocks.as_of, false) as is_due,
    coalesce(clocks.known_acked_at <= clocks.due_at, false) as is_in_time,
    clocks._load_id as load_id
from clocks
left join {{ ref('dim_unit_versions') }} as units
    on clocks.unit_code = units.unit_code and {{ holds_on('units', reported_on('cast(clocks.clock_at as date)')) }}
