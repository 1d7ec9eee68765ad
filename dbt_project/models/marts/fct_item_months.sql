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

-- 部门用自建或垂直系统办理的事项不在统一平台上；没有接入该系统的站点，其部门即用统一平台。
own_systems as (
    select units.unit_code, max(systems.system_kind) as system_kind
    from {{ ref('dim_units') }} as units
    inner join {{ ref('own_systems') }} as systems
        on right(units.unit_name, length(systems.unit_name_ending)) = systems.unit_name_ending
        and (systems.level_code is null or units.level_code = systems.level_code)
    where units.level_code <> 'town' and systems.source in ({{ quoted_list(sources_of('applications')) }})
    group by units.unit_code
),

stages as (
    select
        standards.item_code,
        min(case when stages.stage_code = 'catalogue_confirmed' then standards.reached_on end) as catalogue_confirmed_on,
        min(case when stages.stage_code = 'standard_entered' then standards.reached_on end) as standard_entered_on,
        min(case when stages.stage_code = 'review_passed' then standards.reached_on end) as review_passed_on,
        min(case when stages.stage_code = 'code_published' then standards.reached_on end) as code_published_on
    from (
        select item_code, stage_number, 'entered' as moment, cast(entered_at as date) as reached_on
        from {{ ref('int_standards_latest') }}
        union all
        select item_code, stage_number, 'confirmed' as moment, cast(confirmed_at as date) as reached_on
        from {{ ref('int_standards_latest') }}
    ) as standards
    inner join {{ ref('item_stages') }} as stages
        on standards.stage_number >= stages.stage_number and standards.moment = stages.moment
    group by standards.item_code
),

on_mobile as (
    select item_code, min(offered_on) as offered_on
    from {{ ref('int_offered_items_latest') }}
    where channel = 'mobile'
    group by item_code
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
    in_force.special_theme_code,
    in_force.online_depth,
    in_force.visit_limit,
    coalesce(in_force.is_settled, false) as is_settled,
    parents.parent_item_code is null as is_implementing,
    coalesce(in_force.is_online, false) as is_online,
    in_force.is_full_online,
    coalesce(in_force.visit_limit <= 1, false) as is_visits_at_most_one,
    coalesce(in_force.visit_limit = 0, false) as is_visits_zero,
    in_force.visit_limit is null as is_visits_unknown,
    in_force.person_theme_code is not null as is_person_facing,
    coalesce(own_systems.system_kind, 'platform') as system_kind,
    own_systems.unit_code is null as is_platform_user,
    coalesce(own_systems.system_kind = 'own', false) as is_in_own_system,
    coalesce(in_force.is_settled, false) and own_systems.unit_code is null as is_on_platform,
    coalesce(connected.connected_on <= in_force.state_on, false) as is_identity_connected,
    coalesce(on_mobile.offered_on <= in_force.state_on, false) as is_on_mobile,
    coalesce(stages.catalogue_confirmed_on <= in_force.state_on, false) as is_catalogue_confirmed,
    coalesce(stages.standard_entered_on <= in_force.state_on, false) as is_standard_entered,
    coalesce(stages.review_passed_on <= in_force.state_on, false) as is_review_passed,
    coalesce(stages.code_published_on <= in_force.state_on, false) as is_code_published,
    versions._load_id as load_id
from in_force
left join parents on in_force.month_on = parents.month_on and in_force.item_code = parents.parent_item_code
left join {{ ref('dim_unit_versions') }} as units
    on in_force.unit_code = units.unit_code and {{ holds_on('units', 'in_force.units_on') }}
left join {{ ref('dim_region_versions') }} as regions
    on in_force.region_code = regions.region_code and {{ holds_on('regions', 'in_force.units_on') }}
left join own_systems on in_force.unit_code = own_systems.unit_code
left join {{ ref('int_connected_items_latest') }} as connected on in_force.item_code = connected.item_code
left join on_mobile on in_force.item_code = on_mobile.item_code
left join stages on in_force.item_code = stages.item_code
left join {{ ref('int_item_versions') }} as versions
    on in_force.item_code = versions.item_code and in_force.item_version = versions.item_version
