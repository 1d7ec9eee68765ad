with used as (
    select
        page_id,
        cast(date_trunc('month', login_date) as date) as use_month,
        count(*) as login_days,
        max(_load_id) as load_id
    from {{ ref('int_page_logins_latest') }}
    group by page_id, cast(date_trunc('month', login_date) as date)
),

born as (
    select pages.page_id, {{ parse_time('substr(keys.identity_no, 7, 8)', 'yyyyMMdd') }} as born_at
    from {{ ref('int_personal_pages_latest') }} as pages
    inner join {{ ref('int_accounts_latest') }} as accounts on pages.account_id = accounts.account_id
    inner join {{ ref('int_identity_keys') }} as keys on {{ written_identifier('accounts.id_no') }} = keys.id_no
    where keys.identity_kind = 'person'
)

select
    used.page_id,
    used.use_month,
    pages.subject,
    pages.page_kind,
    pages.holder_key,
    pages.region_code,
    pages.county_code,
    cast(used.login_days as int) as login_days,
    pages.is_enterprise,
    pages.is_citizen,
    coalesce(
        cast(born.born_at as date) <= {{ later_months('last_day(used.use_month)', -240) }}
        and cast(born.born_at as date) > {{ later_months('last_day(used.use_month)', -600) }},
        false
    ) as is_aged_20_49,
    used.load_id
from used
inner join {{ ref('fct_pages') }} as pages on used.page_id = pages.page_id
left join born on used.page_id = born.page_id
