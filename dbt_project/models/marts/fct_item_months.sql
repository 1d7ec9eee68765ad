with months as (
    select period_start as month_on, state_on, {{ reported_on('state_on') }} as units_on
    from {{ ref('dim_periods') }}
    where period_kind = 'month'
),

in_force as (
    select
        months.month_on,
        months.state_on,
        months.units_on,
        items.*
    from {{ ref('int_items_effective') }} as items
    inner join months on items.applies_from <= months.state_on and items.applies_until > months.state_on
),

parents as (
    select distinct month_on, parent_item_code
    from in_force
    where parent_item_code is not null
)

select
    in_force.month_on as item_month,
    in_force.state_on,
    in_force.item_code,
    in_force.item_version,
    in_force.subject,
    coalesce(units.counts_as_code, in_force.unit_code) as unit_code,
    coalesce(units.region_code, in_force.region_code) as region_code,
    coalesce(units.level_code, 'unknown') as level_code,
    coalesce(units.county_code, regions.county_code) as county_code,
    in_force.person_theme_code,
    in_force.legal_theme_code,
    in_force.online_depth,
    in_force.visit_limit,
    coalesce(in_force.is_settled, false) as is_settled,
    parents.parent_item_code is null as is_implementing,
    coalesce(in_force.is_online, false) as is_online,
    in_force.is_full_online,
    coalesce(in_force.visit_limit <= 1, false) as is_visits_at_most_one,
    coalesce(in_force.visit_limit = 0, false) as is_visits_zero,
    in_force.visit_limit is null as is_visits_unknown
from in_force
left join parents on in_force.month_on = parents.month_on and in_force.item_code = parents.parent_item_code
left join {{ ref('dim_unit_versions') }} as units
    on in_force.unit_code = units.unit_code and {{ holds_on('units', 'in_force.units_on') }}
left join {{ ref('dim_region_versions') }} as regions
    on in_force.region_code = regions.region_code and {{ holds_on('regions', 'in_force.units_on') }}
