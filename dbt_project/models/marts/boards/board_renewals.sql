{# Licences that run out, by kind, county and month, and how many renewals to expect. #}
select
    renewals.licence_kind,
    renewals.county_code,
    counties.region_name as county_name,
    renewals.expiry_month as month_on,
    {{ format_time('renewals.expiry_month', 'yyyy-MM') }} as expiry_month,
    renewals.expiring_count,
    renewals.settled_count,
    renewals.renewed_count,
    renewals.renewal_share,
    renewals.expected_count,
    renewals.tested_months,
    renewals.mean_error,
    renewals.expiry_month >= newest.month_on and renewals.expiry_month < {{ later_months('newest.month_on', 12) }} as is_within_a_year
from {{ ref('licence_renewals') }} as renewals
cross join (
    select max(period_start) as month_on from {{ ref('dim_periods') }} where period_kind = 'month'
) as newest
left join {{ ref('dim_regions') }} as counties on renewals.county_code = counties.region_code
