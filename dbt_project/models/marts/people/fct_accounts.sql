with logins as (
    select
        page_id,
        cast(count(*) as int) as login_days,
        min(login_date) as first_login_on,
        max(login_date) as last_login_on
    from {{ ref('int_page_logins_latest') }}
    group by page_id
),

pages as (
    select
        pages.account_id,
        cast(count(*) as int) as page_count,
        cast(count_if(pages.status = 'open') as int) as open_page_count,
        cast(min(pages.opened_at) as date) as first_page_on,
        cast(coalesce(sum(logins.login_days), 0) as int) as page_login_days,
        min(logins.first_login_on) as first_page_login_on,
        max(logins.last_login_on) as last_page_login_on
    from {{ ref('int_personal_pages_latest') }} as pages
    left join logins on pages.page_id = logins.page_id
    group by pages.account_id
)

select
    identities.owner_kind,
    identities.owner_key,
    cast(row_number() over (
        partition by identities.owner_kind, identities.owner_key
        order by accounts.registered_at asc nulls last, accounts.account_id asc
    ) as int) as account_place,
    accounts.account_type,
    accounts.real_name_level,
    cast(accounts.registered_at as date) as registered_on,
    identities.number_form,
    coalesce(pages.page_count, 0) as page_count,
    coalesce(pages.open_page_count, 0) as open_page_count,
    pages.first_page_on,
    coalesce(pages.page_login_days, 0) as page_login_days,
    pages.first_page_login_on,
    pages.last_page_login_on
from {{ ref('int_accounts_latest') }} as accounts
inner join {{ ref('int_identities') }} as identities
    on {{ written_identifier('accounts.id_no') }} = identities.id_no
left join pages on accounts.account_id = pages.account_id
