{# 到期与换证预判。到期过的按「同一持证者、同一种类、届满前后各若干天内另发新证」数出换证率；将到期的乘以已知的换证率即预计换证数。
   Only expiries whose window is over tell of a rate; each month of them is also forecast from the months before it, whose
   windows were over when it began, and the error of that stands beside the expectation. #}
{% set within_days = 60 %}
{% set least_known = 10 %}
with licences as (
    select
        licence_key,
        licence_kind,
        coalesce(county_code, '') as county_code,
        coalesce(person_key, legal_person_key) as holder_key,
        cast(issued_at as date) as issued_on,
        valid_until
    from {{ ref('fct_licences') }}
),

held as (
    select * from licences
    where valid_until is not null
),

-- 窗口过完的才数换证，到期的多半还在将来。
settled as (
    select held.*
    from held
    cross join {{ source('run', 'context') }} as context
    where
        held.holder_key is not null
        and cast(held.valid_until as date) < {{ add_days('cast(context.as_of as date)', -within_days) }}
),

-- 内连接再取有无：左连接带算式条件，引擎只会逐对比较。
renewed as (
    select distinct held.licence_key
    from settled as held
    inner join licences as again
        on held.holder_key = again.holder_key and held.licence_kind = again.licence_kind
    where
        held.licence_key <> again.licence_key
        and held.issued_on < again.issued_on
        and {{ days_between('held.valid_until', 'again.issued_on') }} between -{{ within_days }} and {{ within_days }}
),

months as (
    select
        held.licence_kind,
        held.county_code,
        cast(date_trunc('month', held.valid_until) as date) as expiry_month,
        count(*) as expiring_count,
        count_if({{ days_between('held.valid_until', 'context.as_of') }} > {{ within_days }}) as settled_count,
        count(renewed.licence_key) as renewed_count
    from held
    left join renewed on held.licence_key = renewed.licence_key
    cross join {{ source('run', 'context') }} as context
    group by held.licence_kind, held.county_code, cast(date_trunc('month', held.valid_until) as date)
),

-- 一个月开始时，哪些月份的换证期已经过完：整月届满又过了窗口的。
known as (
    select
        months.licence_kind,
        months.county_code,
        months.expiry_month,
        sum(earlier.settled_count) as known_count,
        sum(earlier.renewed_count) as known_renewed_count
    from months
    inner join months as earlier
        on months.licence_kind = earlier.licence_kind
        and months.county_code = earlier.county_code
        and {{ days_between(later_months('earlier.expiry_month', 1), 'months.expiry_month') }} >= {{ within_days }}
    group by months.licence_kind, months.county_code, months.expiry_month
),

expected as (
    select
        months.*,
        coalesce(known.known_count, 0) as known_count,
        case
            when known.known_count >= {{ least_known }} then known.known_renewed_count / known.known_count
        end as renewal_share
    from months
    left join known
        on months.licence_kind = known.licence_kind
        and months.county_code = known.county_code
        and months.expiry_month = known.expiry_month
),

tested as (
    select
        licence_kind,
        county_code,
        count(*) as tested_months,
        avg(abs(renewed_count - renewal_share * settled_count)) as mean_error
    from expected
    where renewal_share is not null and settled_count = expiring_count
    group by licence_kind, county_code
)

select
    expected.licence_kind,
    nullif(expected.county_code, '') as county_code,
    expected.expiry_month,
    cast(expected.expiring_count as bigint) as expiring_count,
    cast(expected.settled_count as bigint) as settled_count,
    cast(expected.renewed_count as bigint) as renewed_count,
    cast(expected.known_count as bigint) as known_count,
    cast(expected.renewal_share as double) as renewal_share,
    cast(expected.renewal_share * expected.expiring_count as double) as expected_count,
    cast(coalesce(tested.tested_months, 0) as int) as tested_months,
    cast(tested.mean_error as double) as mean_error
from expected
left join tested
    on expected.licence_kind = tested.licence_kind and expected.county_code = tested.county_code
