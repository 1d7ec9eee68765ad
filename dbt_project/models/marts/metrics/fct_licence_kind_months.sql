-- 发证清单的一行是一个部门应发的一种证照。开通以来每一本纸质证照都要有同日签发的电子证照；第一本不同步的那天起就不算。
with entries as (
    select
        kinds.kind_code,
        kinds.kind_name,
        kinds.issuing_unit,
        units.unit_code,
        units.region_code,
        coalesce(units.level_code, 'municipal') as level_code,
        units.county_code,
        kinds.planned_on,
        kinds.opened_on,
        kinds._load_id as load_id
    from {{ ref('int_licence_kinds_latest') }} as kinds
    left join (
        select unit_name, min(unit_code) as unit_code, min(region_code) as region_code, min(level_code) as level_code,
            min(county_code) as county_code
        from {{ ref('dim_units') }}
        group by unit_name
    ) as units on kinds.issuing_unit = units.unit_name
    where kinds.is_issuing
),

issued as (
    select
        papers.licence_name as kind_name,
        cases.unit_code,
        cast(cases.closed_at as date) as closed_on,
        max(case when cast(licences.issued_at as date) = cast(cases.closed_at as date) then 1 else 0 end) as is_same_day
    from {{ ref('fct_cases') }} as cases
    inner join {{ ref('int_closings_deduplicated') }} as papers on cases.case_no = papers.application_no
    left join {{ ref('int_licences_latest') }} as licences
        on cases.case_no = licences.case_no and licences.issue_way = 'new'
        and papers.licence_name = licences.licence_kind
    where cases.closing_result = '0'
    group by cases.case_no, papers.licence_name, cases.unit_code, cast(cases.closed_at as date)
),

missed as (
    select kind_name, unit_code, closed_on
    from issued
    where is_same_day = 0
    group by kind_name, unit_code, closed_on
),

followed as (
    select entries.kind_code, min(missed.closed_on) as out_of_step_on
    from entries
    inner join missed
        on entries.kind_name = missed.kind_name
        and (entries.unit_code is null or entries.unit_code = missed.unit_code)
        and entries.opened_on <= missed.closed_on
    group by entries.kind_code
)

select
    periods.period_start as kind_month,
    'licence' as subject,
    entries.kind_code,
    entries.kind_name,
    entries.issuing_unit,
    entries.unit_code,
    entries.region_code,
    entries.level_code,
    entries.county_code,
    entries.planned_on,
    entries.opened_on,
    followed.out_of_step_on,
    coalesce(entries.planned_on <= periods.state_on, false) as is_due,
    coalesce(entries.opened_on <= periods.state_on, false) as is_opened,
    coalesce(entries.opened_on <= periods.state_on, false)
    and coalesce(followed.out_of_step_on > periods.state_on, true) as is_in_step,
    entries.load_id
from entries
inner join {{ ref('dim_periods') }} as periods on periods.period_kind = 'month'
left join followed on entries.kind_code = followed.kind_code
