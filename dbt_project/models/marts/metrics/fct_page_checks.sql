select
    checks.check_no,
    'all' as subject,
    checks.channel as door,
    checks.item_code,
    coalesce(units.counts_as_code, items.unit_code) as unit_code,
    units.region_code,
    coalesce(units.level_code, 'unknown') as level_code,
    units.county_code,
    checks.checked_at,
    cast(date_trunc('month', checks.checked_at) as date) as checked_month,
    checks.problem,
    true as is_check,
    coalesce(checks.channel in ('mobile', 'tablet'), false) as is_mobile,
    coalesce(checks.is_reachable, false) as is_available,
    case
        when problems.is_link_broken is not null then not problems.is_link_broken
        else coalesce(checks.is_reachable, false)
    end as is_link_open,
    checks._load_id as load_id
from {{ ref('int_page_checks_latest') }} as checks
left join {{ ref('int_items_effective') }} as items on checks.item_code = items.item_code and items.is_latest
left join {{ ref('dim_unit_versions') }} as units
    on items.unit_code = units.unit_code and {{ holds_on('units', reported_on('cast(checks.checked_at as date)')) }}
left join {{ ref('page_problems') }} as problems on checks.problem = problems.problem
