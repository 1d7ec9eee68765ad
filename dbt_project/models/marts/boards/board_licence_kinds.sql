{# Each kind of licence on the list, as it stands in the newest month. #}
with newest as (
    select max(kind_month) as kind_month from {{ ref('fct_licence_kind_months') }}
),

listed as (
    select months.*
    from {{ ref('fct_licence_kind_months') }} as months
    inner join newest on months.kind_month = newest.kind_month
)

select
    kinds.kind_code,
    kinds.kind_name as licence_kind,
    kinds.issuing_unit_name,
    levels.level_name,
    listed.county_code,
    counties.region_name as county_name,
    case listed.level_code when 'town' then listed.region_code end as town_code,
    listed.unit_code,
    units.unit_name,
    kinds.is_issuing,
    kinds.is_using,
    kinds.planned_on,
    kinds.opened_on,
    coalesce(listed.is_due, false) as is_due,
    kinds.is_in_step,
    case
        when kinds.opened_on is null and coalesce(listed.is_due, false) then '到期未开通'
        when kinds.opened_on is null then '未到期'
        when kinds.is_in_step then '同步签发'
        else '不同步'
    end as step_state_name,
    kinds.issue_count,
    kinds.in_step_count,
    kinds.licence_count,
    kinds.converted_count,
    kinds.valid_count,
    kinds.use_count
from {{ ref('dim_licence_kinds') }} as kinds
left join listed on kinds.kind_code = listed.kind_code
left join {{ ref('dim_units') }} as units on listed.unit_code = units.unit_code
left join {{ ref('dim_levels') }} as levels on listed.level_code = levels.level_code
left join {{ ref('dim_regions') }} as counties on listed.county_code = counties.region_code
