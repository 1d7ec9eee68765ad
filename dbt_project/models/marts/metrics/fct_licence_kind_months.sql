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

-- 只看清单上的种类自开通以来的纸质证照。
papers as (
    select
        closings.application_no as case_no,
        closings.licence_name as kind_name,
        cast(closings.closed_at as date) as closed_on
    from {{ ref('int_closings_deduplicated') }} as closings
    inner join (
        select kind_name, min(opened_on) as opened_on
        from entries
        group by kind_name
    ) as opened on closings.licence_name = opened.kind_name
    where closings.result = '0' and cast(closings.closed_at as date) >= opened.opened_on
),

-- 没有同日签发的电子证照的，即为漏发。
missed as (
    select distinct
        papers.kind_name,
        cases.unit_code,
        papers.closed_on
    from papers
    left join {{ ref('int_licences_latest') }} as licences
        on papers.case_no = licences.case_no and licences.issue_way = 'new'
        and papers.kind_name = licences.licence_kind
        and papers.closed_on = cast(licences.issued_at as date)
    inner join {{ ref('fct_cases') }} as cases on papers.case_no = cases.case_no
    where licences.case_no is null
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
