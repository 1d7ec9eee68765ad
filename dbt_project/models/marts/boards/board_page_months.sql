{# Use of the two kinds of pages by month: every holder once a month and county. #}
with uses as (
    select
        page_kind,
        use_month as month_on,
        county_code,
        cast(count(distinct holder_key) as bigint) as user_count,
        cast(sum(login_days) as bigint) as login_days,
        cast(0 as bigint) as opened_count
    from {{ ref('fct_page_uses') }}
    group by page_kind, use_month, county_code
),

opened as (
    select
        page_kind,
        cast(date_trunc('month', opened_on) as date) as month_on,
        county_code,
        cast(0 as bigint) as user_count,
        cast(0 as bigint) as login_days,
        cast(count(*) as bigint) as opened_count
    from {{ ref('fct_pages') }}
    group by page_kind, cast(date_trunc('month', opened_on) as date), county_code
),

together as (
    select * from uses
    union all
    select * from opened
)

select
    months.period as month,
    together.month_on,
    case together.page_kind when 'enterprise' then '企业专属网页' else '市民个人网页' end as page_kind_name,
    together.county_code,
    counties.region_name as county_name,
    cast(sum(together.user_count) as bigint) as user_count,
    cast(sum(together.login_days) as bigint) as login_days,
    cast(sum(together.opened_count) as bigint) as opened_count
from together
inner join {{ ref('dim_periods') }} as months on months.period_kind = 'month' and together.month_on = months.period_start
left join {{ ref('dim_regions') }} as counties on together.county_code = counties.region_code
group by
    months.period, together.month_on, case together.page_kind when 'enterprise' then '企业专属网页' else '市民个人网页' end,
    together.county_code, counties.region_name
