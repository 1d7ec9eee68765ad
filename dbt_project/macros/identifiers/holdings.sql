{# What persons and legal persons have alike: the body of a CTE each, one row an owner, and the columns of a dimension. #}
{% macro accounts_of(owner_kind) -%}
select
        owner_key,
        cast(count(*) as int) as account_count,
        max(real_name_level) as real_name_level,
        min(registered_on) as first_account_on,
        cast(sum(page_count) as int) as page_count,
        cast(sum(page_login_days) as int) as page_login_days,
        max(last_page_login_on) as last_page_login_on
    from {{ ref('fct_accounts') }}
    where owner_kind = '{{ owner_kind }}' {{ touched_owners('owner_key', and_=true, owner_kind=owner_kind) }}
    group by owner_key
{%- endmacro %}

{% macro licences_of(owner_kind) -%}
select
        {{ owner_kind }}_key as owner_key,
        cast(count(*) as int) as licence_count,
        cast(count_if(is_valid) as int) as valid_licence_count
    from {{ ref('fct_licences') }}
    where {{ owner_kind }}_key is not null {{ touched_owners(owner_kind ~ '_key', and_=true, owner_kind=owner_kind) }}
    group by {{ owner_kind }}_key
{%- endmacro %}

{# Of the CTEs `accounts` and `licences`; who has none has zeros. #}
{% macro holdings_columns() -%}
coalesce(accounts.account_count, 0) as account_count,
    accounts.real_name_level,
    accounts.first_account_on,
    coalesce(accounts.page_count, 0) as page_count,
    coalesce(accounts.page_login_days, 0) as page_login_days,
    accounts.last_page_login_on,
    coalesce(licences.licence_count, 0) as licence_count,
    coalesce(licences.valid_licence_count, 0) as valid_licence_count
{%- endmacro %}
