{# The 12-hour ledger counted by the day on which a clock began; one without a clock has no duty. #}
with sources as (
    select system_name, source_title from {{ ref('int_source_standings_latest') }}
),

titles as (
    select
        record,
        max(record_title) as record_title
    from (
        select record, record_title from {{ ref('int_open_records_latest') }}
        union all
        select record, record_title from {{ ref('int_stop_days_latest') }}
    ) as told
    group by record
),

pushes as (
    select
        clock_month as month_on,
        cast(clock_at as date) as clock_on,
        stage as record_code,
        system_name,
        unit_code,
        region_code,
        level_code,
        county_code,
        cast(count_if(is_due) as bigint) as due_count,
        cast(count_if(is_due and is_in_time) as bigint) as on_time_count,
        cast(count_if(is_due and not is_in_time and acked_at is not null) as bigint) as late_acknowledged_count,
        cast(count_if(is_due and acked_at is null) as bigint) as late_open_count,
        cast(count_if(not is_due) as bigint) as not_due_count,
        cast(count_if(not is_due and acked_at is not null) as bigint) as not_due_acknowledged_count
    from {{ ref('fct_record_pushes') }}
    where clock_at is not null
    group by
        clock_month, cast(clock_at as date), stage, system_name, unit_code, region_code, level_code, county_code
)

select
    {{ format_time('pushes.month_on', 'yyyy-MM') }} as month,
    pushes.clock_on,
    pushes.record_code,
    coalesce(titles.record_title, pushes.record_code) as record_title,
    pushes.system_name as source_name,
    sources.source_title,
    levels.level_name,
    pushes.county_code,
    counties.region_name as county_name,
    case pushes.level_code when 'town' then pushes.region_code end as town_code,
    pushes.unit_code,
    units.unit_name,
    pushes.region_code,
    pushes.due_count,
    pushes.on_time_count,
    pushes.late_acknowledged_count,
    pushes.late_open_count,
    pushes.not_due_count,
    pushes.not_due_acknowledged_count
from pushes
left join sources on pushes.system_name = sources.system_name
left join titles on pushes.record_code = titles.record
left join {{ ref('dim_units') }} as units on pushes.unit_code = units.unit_code
left join {{ ref('dim_regions') }} as counties on pushes.county_code = counties.region_code
left join {{ ref('dim_levels') }} as levels on pushes.level_code = levels.level_code
