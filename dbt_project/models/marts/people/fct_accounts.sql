{{ config(
    materialized='incremental', incremental_strategy='touched', unique_key=['owner_key'], meta={'replaces': 'owners'}
) }}
with records as (
    select record_key as account_id, identity_key, identity_kind, number_form
    from {{ ref('int_owner_records') }}
    where owner_role = 'account' and identity_key is not null
),

owned as (
    {{ with_owner('records') }}
),

pages as (
    select page_id, account_id, status, opened_at
    from {{ ref('int_personal_pages_latest') }}
    {% if is_incremental() -%}
    where account_id in (select owned.account_id from owned where owned.account_id >= '')
    {%- endif %}
),

logins as (
    select
        page_id,
        cast(count(*) as int) as login_days,
        min(login_date) as first_login_on,
        max(login_date) as last_login_on
    from {{ ref('int_page_logins_latest') }}
    {% if is_incremental() -%}
    where page_id in (select pages.page_id from pages where pages.page_id >= '')
    {%- endif %}
    group by page_id
),

used as (
    select
        pages.account_id,
        cast(count(*) as int) as page_count,
        cast(count_if(pages.status = 'open') as int) as open_page_count,
        cast(min(pages.opened_at) as date) as first_page_on,
        cast(coalesce(sum(logins.login_days), 0) as int) as page_login_days,
        min(logins.first_login_on) as first_page_login_on,
        max(logins.last_login_on) as last_page_login_on
    from pages
    left join logins on pages.page_id = logins.page_id
    group by pages.account_id
)

select
    owned.owner_kind,
    owned.owner_key,
    cast(row_number() over (
        partition by owned.owner_kind, owned.owner_key
        order by accounts.registered_at asc nulls last, accounts.account_id asc
    ) as int) as account_place,
    accounts.account_type,
    accounts.real_name_level,
    cast(accounts.registered_at as date) as registered_on,
    owned.number_form,
    coalesce(used.page_count, 0) as page_count,
    coalesce(used.open_page_count, 0) as open_page_count,
    used.first_page_on,
    coalesce(used.page_login_days, 0) as page_login_days,
    used.first_page_login_on,
    used.last_page_login_on
from owned
inner join {{ ref('int_accounts_latest') }} as accounts on owned.account_id = accounts.account_id
left join used on accounts.account_id = used.account_id
