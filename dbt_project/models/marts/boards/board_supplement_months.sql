{# Supplements by the month of the notice: how many, how late after the application, how long the applicant took. #}
with notices as (
    select
        cast(date_trunc('month', noticed_at) as date) as month_on,
        unit_code,
        cast(count(*) as bigint) as notice_count,
        cast(coalesce(count_if(is_before_acceptance), 0) as bigint) as before_acceptance_count,
        cast(coalesce(count_if(received_at is not null), 0) as bigint) as received_count,
        cast(coalesce(count_if(is_abandoned), 0) as bigint) as abandoned_count,
        cast(coalesce(count_if(handed_in_at_kind = 'hall'), 0) as bigint) as at_hall_count,
        cast(coalesce(count_if(noticed_after_working_days > 5), 0) as bigint) as late_notice_count,
        cast(count(handed_in_after_working_days) as bigint) as timed_count,
        cast(coalesce(sum(handed_in_after_working_days), 0) as bigint) as handed_in_working_days
    from {{ ref('fct_supplements') }}
    where noticed_at is not null
    group by cast(date_trunc('month', noticed_at) as date), unit_code
)

select
    months.period as month,
    notices.month_on,
    units.level_name,
    units.county_code,
    units.county_name,
    units.town_code,
    notices.unit_code,
    units.unit_name,
    notices.notice_count,
    notices.before_acceptance_count,
    notices.received_count,
    notices.abandoned_count,
    notices.at_hall_count,
    notices.late_notice_count,
    notices.timed_count,
    notices.handed_in_working_days
from notices
inner join {{ ref('dim_periods') }} as months on months.period_kind = 'month' and notices.month_on = months.period_start
left join {{ ref('dim_units') }} as units on notices.unit_code = units.unit_code
