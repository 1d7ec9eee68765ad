{# 「应发」取开通当日及以后办结、结果为出证、证件名称为该种类的办件；同步＝当日有电子证照。全部同步（或开通后尚未发过）才算同步的种类。 #}
with kinds as (
    select * from {{ ref('int_licence_kinds_latest') }}
),

paper as (
    select
        closings.licence_name as kind_name,
        closings.application_no as case_no,
        cast(closings.closed_at as date) as closed_on,
        licences.is_in_step
    from {{ ref('int_closings_deduplicated') }} as closings
    left join (
        select
            case_no,
            licence_kind,
            bool_or(is_in_step) as is_in_step
        from {{ ref('fct_licences') }}
        where case_no is not null and licence_kind in (select kinds.kind_name from kinds where kinds.opened_on is not null)
        group by case_no, licence_kind
    ) as licences
        on closings.application_no = licences.case_no and closings.licence_name = licences.licence_kind
    where closings.result = '0' and closings.licence_name is not null
),

issues as (
    select
        kinds.kind_code,
        cast(count(*) as int) as issue_count,
        cast(count_if(coalesce(paper.is_in_step, false)) as int) as in_step_count
    from paper
    inner join kinds on paper.kind_name = kinds.kind_name and paper.closed_on >= kinds.opened_on
    group by kinds.kind_code
),

licences as (
    select
        kind_code,
        cast(count(*) as int) as licence_count,
        cast(count_if(issue_way = 'converted') as int) as converted_count,
        cast(count_if(is_valid) as int) as valid_count
    from {{ ref('fct_licences') }}
    where kind_code is not null
    group by kind_code
),

uses as (
    select
        licence_kind as kind_name,
        cast(count(*) as int) as use_count
    from {{ ref('int_licence_uses_latest') }}
    group by licence_kind
)

select
    kinds.kind_code,
    kinds.kind_name,
    kinds.issuing_unit as issuing_unit_name,
    kinds.is_issuing,
    kinds.is_using,
    kinds.planned_on,
    kinds.opened_on,
    coalesce(issues.issue_count, 0) as issue_count,
    coalesce(issues.in_step_count, 0) as in_step_count,
    kinds.opened_on is not null and coalesce(issues.issue_count = issues.in_step_count, true) as is_in_step,
    coalesce(licences.licence_count, 0) as licence_count,
    coalesce(licences.converted_count, 0) as converted_count,
    coalesce(licences.valid_count, 0) as valid_count,
    coalesce(uses.use_count, 0) as use_count
from kinds
left join issues on kinds.kind_code = issues.kind_code
left join licences on kinds.kind_code = licences.kind_code
left join uses on kinds.kind_name = uses.kind_name
